#include "pir-server/dataset/dataset_part.h"

#include "base/file.h"
#include "base/folder_lock.h"
#include "base/folder_names.h"
#include "base/mem.h"
#include "pir-server/bfv/bfv_context.h"
#include "pir-server/dataset/dataset_files.h"
#include "pir-server/dataset/dataset_part_join.h"
#include "pir-server/dataset/dataset_part_rows.h"
#include "pir-server/pir/pir_processing.h"
#include "pir-server/wire/wire_parameters.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_BUSY "another process makes this part"

/* One run. */
struct making {
    const struct dataset_part *part;
    struct thread_pool *pool;
    char *home;      /* DATA/<use case> */
    char *parts;     /* and the folders in it */
    char *plan_path; /* of plan.json */
    char *own;       /* part-<i> */
    int job_lock;    /* of `parts`: while the plan is looked for, made, or joined */
    int part_lock;   /* of `own` */
    bool has_plan;
    struct dataset_plan plan;
    struct pir_parameters parameters;
    struct sha256_many_kernel const *kernel;
    bool *is_there; /* [own shards]: made by a run before */
    uint64_t own_count;
    struct row_set *rows;
    struct pir_partition *partition;
    struct pir_processing processing;
    struct bfv_context *context;
    struct progress progress;
    struct dataset_part_summary summary;
};

void dataset_part_summary_deinit(struct dataset_part_summary *summary)
{
    mem_free(summary->missing);
    *summary = (struct dataset_part_summary){0};
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "part: out of memory");
}

/* ---- the job ---- */

static enum status name_paths(struct making *work, struct error *err)
{
    const struct dataset_part *part = work->part;
    char name[DATASET_PART_NAME_BYTES];
    dataset_part_name(part->index, name);
    work->home = path_join(part->data, part->use_case);
    if (work->home != NULL)
        work->parts = path_join(work->home, DATASET_PARTS_NAME);
    if (work->parts != NULL) {
        work->own = path_join(work->parts, name);
        work->plan_path = path_join(work->parts, DATASET_PLAN_FOLDER_NAME "/" DATASET_PLAN_NAME);
    }
    return work->own != NULL && work->plan_path != NULL ? STATUS_OK : no_memory(err);
}

/* Takes over the plan that is there, if any. */
static enum status find_plan(struct making *work, struct error *err)
{
    dataset_plan_deinit(&work->plan);
    const enum status status = dataset_plan_read(work->plan_path, &work->plan, err);
    work->has_plan = status == STATUS_OK;
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        return STATUS_OK;
    return status;
}

/* Is any part of the job at work? Its folder is locked then. */
static enum status check_idle(const struct making *work, struct error *err)
{
    struct folder_names names = {0};
    enum status status = folder_names_read(work->parts, dataset_is_part_name, &names, err);
    for (size_t i = 0; i < names.count && status == STATUS_OK; i++) {
        int lock = FOLDER_LOCK_NONE;
        char *folder = path_join(work->parts, names.list[i]);
        status = folder != NULL
                     ? folder_lock_take_as_it_is(folder, "another job is at work", &lock, err)
                     : no_memory(err);
        folder_lock_release(lock);
        mem_free(folder);
    }
    folder_names_deinit(&names);
    return status;
}

/* A plan of another job is what a job that failed has left, unless that is at work. */
static enum status end_other_job(struct making *work, struct error *err)
{
    if (work->has_plan && strcmp(work->plan.job.name, work->part->job.name) == 0)
        return STATUS_OK;
    enum status status = check_idle(work, err);
    if (status == STATUS_OK)
        status = dataset_parts_clear(work->parts, err);
    work->has_plan = false;
    return status;
}

static enum status make_plan(struct making *work, struct error *err)
{
    struct dataset_part_summary *summary = &work->summary;
    enum status status =
        work->part->plan(work->part->context, &summary->is_unchanged, summary->version, err);
    if (status != STATUS_OK || summary->is_unchanged)
        return status;
    summary->is_planner = true;
    status = find_plan(work, err);
    if (status == STATUS_OK && !work->has_plan)
        status = error_set(err, STATUS_NOT_FOUND, "%s: was not made", work->plan_path);
    return status;
}

/* With the job's lock: the plan, found or made, and the lock of the part. */
static enum status begin(struct making *work, struct error *err)
{
    enum status status = name_paths(work, err);
    if (status == STATUS_OK)
        status = folder_make(work->parts, err);
    if (status == STATUS_OK)
        status = folder_lock_wait(work->parts, &work->job_lock, err);
    if (status == STATUS_OK)
        status = find_plan(work, err);
    if (status == STATUS_OK)
        status = end_other_job(work, err);
    if (status == STATUS_OK)
        status = work->has_plan ? dataset_plan_check_job(&work->plan, &work->part->job, err)
                                : make_plan(work, err);
    if (status != STATUS_OK || work->summary.is_unchanged)
        return status;
    status = folder_make(work->own, err);
    if (status == STATUS_OK)
        status = folder_lock_take(work->own, PART_BUSY, &work->part_lock, err);
    folder_lock_release(work->job_lock);
    work->job_lock = FOLDER_LOCK_NONE;
    return status;
}

/* ---- what is there already ---- */

static uint64_t shard_of(const struct making *work, uint64_t own)
{
    return work->part->index + own * work->part->job.parts;
}

/* A shard that a run before has made, and that is what its digests say. */
static enum status look_at_shard(void *context, size_t index, size_t worker, struct error *err)
{
    struct making *work = context;
    struct pir_shard *shard = NULL;
    struct error ignored;
    char name[DATASET_FILE_NAME_BYTES];
    (void)worker;
    dataset_shard_name(shard_of(work, index), name);
    char *path = path_join(work->own, name);
    if (path == NULL)
        return no_memory(err);
    work->is_there[index] =
        dataset_part_has(work->parts, work->part->index, shard_of(work, index)) &&
        pir_shard_open(path, 0, &shard, &ignored) == STATUS_OK &&
        pir_parameters_equal(pir_shard_parameters(shard), &work->parameters) &&
        pir_shard_verify_digests(shard, work->kernel, &ignored) == STATUS_OK;
    pir_shard_free(shard);
    mem_free(path);
    return STATUS_OK;
}

static enum status look_around(struct making *work, struct error *err)
{
    const struct cpu cpu = cpu_detect();
    const uint64_t shards = work->plan.manifest.info.shard_count;
    const uint32_t parts = work->part->job.parts;
    char *path = path_join(work->parts, DATASET_PLAN_FOLDER_NAME "/" DATASET_PLAN_PARAMETERS_NAME);
    enum status status =
        path != NULL ? wire_parameters_read_file(path, &work->parameters, err) : no_memory(err);
    mem_free(path);
    if (status != STATUS_OK)
        return status;
    work->kernel = sha256_many_kernel_for(&cpu);
    work->own_count = shards > work->part->index ? (shards - 1 - work->part->index) / parts + 1 : 0;
    work->is_there = mem_alloc_zeroed((size_t)work->own_count, sizeof *work->is_there);
    if (work->is_there == NULL)
        return no_memory(err);
    status = thread_pool_for(work->pool, (size_t)work->own_count, look_at_shard, work, err);
    for (uint64_t i = 0; i < work->own_count && status == STATUS_OK; i++)
        work->summary.shards_reused += work->is_there[i];
    return status;
}

/* ---- making shards ---- */

static struct span keyword_of(const void *context, size_t row)
{
    return row_set_at(context, row);
}

static enum status place_rows(struct making *work, struct error *err)
{
    const struct dataset_info *info = &work->plan.manifest.info;
    const struct sharding sharding = {.function = SHARDING_SHA256};
    const struct dataset_part_rows wanted = {.shard_count = info->shard_count,
                                             .parts = work->part->job.parts,
                                             .index = work->part->index};
    char *path = path_join(work->parts, DATASET_PLAN_FOLDER_NAME "/rows.txt");
    enum status status = path != NULL ? dataset_part_rows_read(&wanted, path, info->rows_digest,
                                                               work->pool, &work->rows, err)
                                      : no_memory(err);
    mem_free(path);
    if (status != STATUS_OK)
        return status;
    const struct pir_rows rows = {.count = row_set_count(work->rows),
                                  .context = work->rows,
                                  .keyword = keyword_of,
                                  .constant_value = span_of_text(DATASET_ROW_VALUE)};
    return pir_partition_new(&rows, info->shard_count, &sharding, work->pool, &work->partition,
                             err);
}

static enum status make_shard(void *context, size_t index, size_t worker, struct error *err)
{
    struct making *work = context;
    struct pir_shard *shard = NULL;
    (void)worker;
    if (work->is_there[index])
        return STATUS_OK;
    enum status status = pir_process_shard(work->context, work->partition, shard_of(work, index),
                                           &work->processing, 0, &shard, err);
    if (status == STATUS_OK)
        status = dataset_shard_save(work->own, shard_of(work, index), shard, err);
    if (status == STATUS_OK)
        progress_add(&work->progress, 1);
    pir_shard_free(shard);
    return status;
}

static enum status make_shards(struct making *work, struct error *err)
{
    const uint64_t wanted = work->own_count - work->summary.shards_reused;
    if (wanted == 0)
        return STATUS_OK;
    enum status status = place_rows(work, err);
    if (status == STATUS_OK)
        status = bfv_context_new(&work->parameters.encryption, 0, NULL, &work->context, err);
    if (status != STATUS_OK)
        return status;
    pir_processing_init(&work->parameters.encryption, (size_t)work->parameters.hash_function_count,
                        &work->processing);
    pir_processing_set_shape(&work->processing, &work->parameters);
    progress_begin(&work->progress, work->part->show_progress ? "processing shards" : NULL, wanted);
    status = thread_pool_for(work->pool, (size_t)work->own_count, make_shard, work, err);
    progress_end(&work->progress);
    if (status == STATUS_OK)
        work->summary.shards_made = wanted;
    return status;
}

/* ---- the end ---- */

static enum status find_missing(struct making *work, struct error *err)
{
    struct dataset_part_summary *summary = &work->summary;
    const uint64_t shards = work->plan.manifest.info.shard_count;
    const uint32_t parts = work->part->job.parts;
    summary->missing = mem_alloc(parts, sizeof *summary->missing);
    if (summary->missing == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < parts; i++) {
        bool is_done = true;
        for (uint64_t shard = i; shard < shards && is_done; shard += parts)
            is_done = dataset_part_has(work->parts, i, shard);
        if (!is_done)
            summary->missing[summary->missing_count++] = i;
    }
    return STATUS_OK;
}

/* Whether another worker has joined the parts: the plan is gone then, and the version there. */
static bool is_joined(const struct making *work, const char *version)
{
    struct stat info;
    char *folder = path_join(work->home, version);
    const bool is = folder != NULL && lstat(folder, &info) == 0 &&
                    (!work->has_plan || strcmp(work->plan.manifest.info.version, version) != 0);
    mem_free(folder);
    return is;
}

/* With the job's lock again: joins when nothing is missing. */
static enum status finish(struct making *work, struct error *err)
{
    struct dataset_part_summary *summary = &work->summary;
    const struct dataset_info *info = &work->plan.manifest.info;
    memcpy(summary->version, info->version, sizeof summary->version);
    summary->row_count = info->row_count;
    summary->shard_count = info->shard_count;
    enum status status = folder_lock_wait(work->parts, &work->job_lock, err);
    if (status == STATUS_OK)
        status = find_plan(work, err);
    if (status != STATUS_OK)
        return status;
    if (is_joined(work, summary->version)) {
        summary->is_joined = true;
        return STATUS_OK;
    }
    if (!work->has_plan || strcmp(info->version, summary->version) != 0)
        return error_set(err, STATUS_NOT_FOUND, "%s: the plan has gone", work->plan_path);
    status = find_missing(work, err);
    if (status != STATUS_OK || summary->missing_count > 0)
        return status;
    status = dataset_parts_join(work->home, &work->plan, work->pool, err);
    summary->is_joined = status == STATUS_OK;
    return status;
}

enum status dataset_part_make(const struct dataset_part *part, struct thread_pool *pool,
                              struct dataset_part_summary *ret, struct error *err)
{
    struct making *work = mem_alloc_zeroed(1, sizeof *work);
    if (work == NULL)
        return no_memory(err);
    work->part = part;
    work->pool = pool;
    work->job_lock = FOLDER_LOCK_NONE;
    work->part_lock = FOLDER_LOCK_NONE;
    dataset_plan_init(&work->plan);
    enum status status = begin(work, err);
    if (status == STATUS_OK && !work->summary.is_unchanged) {
        if (!work->summary.is_planner)
            status = part->check(part->context, &work->plan, err);
        if (status == STATUS_OK)
            status = look_around(work, err);
        if (status == STATUS_OK)
            status = make_shards(work, err);
        if (status == STATUS_OK)
            status = finish(work, err);
    }
    if (status == STATUS_OK) {
        *ret = work->summary;
        work->summary.missing = NULL;
    }
    dataset_part_summary_deinit(&work->summary);
    folder_lock_release(work->part_lock);
    folder_lock_release(work->job_lock);
    bfv_context_free(work->context);
    pir_partition_free(work->partition);
    row_set_free(work->rows);
    dataset_plan_deinit(&work->plan);
    mem_free(work->is_there);
    mem_free(work->own);
    mem_free(work->plan_path);
    mem_free(work->parts);
    mem_free(work->home);
    mem_free(work);
    return status;
}
