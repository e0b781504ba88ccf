#include "pir-server/dataset/dataset_write_internal.h"

#include "base/checked.h"
#include "base/file.h"
#include "base/folder_lock.h"
#include "base/mem.h"
#include "bloom/formats/bloom_filter.h"
#include "pir-server/bfv/bfv_context.h"
#include "pir-server/dataset/dataset_files.h"
#include "pir-server/dataset/dataset_in_force.h"
#include "pir-server/dataset/dataset_prefilter.h"
#include "pir-server/dataset/dataset_publish.h"
#include "pir-server/dataset/dataset_report_write.h"
#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/pir_processing.h"
#include "pir-server/pir/sha256.h"
#include "pir-server/wire/wire_parameters.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION_MAX_BYTES ((size_t)65536)

static enum status path_of(const struct writing *work, const char *name, char **ret,
                           struct error *err)
{
    *ret = path_join(work->temporary, name);
    return *ret != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "%s: out of memory", name);
}

void dataset_settings_init(struct dataset_settings *ret)
{
    *ret = (struct dataset_settings){.false_positive_rate = BLOOM_DEFAULT_RATE};
    pir_shape_wish_init(&ret->wish);
    ret->wish.hash_function_count = 0;
    ret->wish.max_response_bytes = DATASET_MAX_RESPONSE_BYTES;
    ret->wish.max_key_bytes = DATASET_MAX_KEY_BYTES;
}

bool dataset_parameter_set_is_served(const char *name)
{
    const struct bfv_named_parameters *set = bfv_named_parameters_find(name);
    return set != NULL && !set->needs_64_bit && !set->fails_decryption && !set->is_insecure;
}

/* ---- the use case's folder ---- */

static enum status check_settings(const struct dataset_settings *settings, struct error *err)
{
    const uint64_t shards = settings->shard_count;
    if (!dataset_use_case_is_valid(settings->use_case))
        return error_set(err, STATUS_INVALID,
                         "use case: letters, digits, '.', '-' and '_' only, at most %zu, not "
                         "starting with '.', not \"current\"",
                         DATASET_USE_CASE_MAX_BYTES);
    if (shards > DATASET_SHARDS_MAX || (shards & (shards - 1)) != 0)
        return error_set(err, STATUS_INVALID, "%llu shards: not a power of two up to %llu",
                         (unsigned long long)shards, (unsigned long long)DATASET_SHARDS_MAX);
    if (settings->wish.hash_function_count > DATASET_HASH_FUNCTIONS_MAX)
        return error_set(err, STATUS_INVALID, "%zu hash functions: not 1 or 2",
                         settings->wish.hash_function_count);
    if (settings->parameter_set != NULL &&
        !dataset_parameter_set_is_served(settings->parameter_set))
        return error_set(err, STATUS_INVALID, "%s: no parameter set for datasets",
                         settings->parameter_set);
    if (settings->prefilter_bytes > DATASET_PREFILTER_BYTES_MAX)
        return error_set(err, STATUS_INVALID, "a prefilter of %llu bytes: at most %llu",
                         (unsigned long long)settings->prefilter_bytes,
                         (unsigned long long)DATASET_PREFILTER_BYTES_MAX);
    if (!(settings->false_positive_rate > 0 && settings->false_positive_rate < 1))
        return error_set(err, STATUS_INVALID, "the false-positive rate is not between 0 and 1");
    return STATUS_OK;
}

static bool has_current(const struct writing *work)
{
    struct stat info;
    char *path = path_join(work->home, "current");
    const bool has = path != NULL && lstat(path, &info) == 0;
    mem_free(path);
    return has;
}

void dataset_write_read_before(const struct writing *work, struct dataset_manifest *ret)
{
    struct error ignored;
    char *folder = path_join(work->home, "current");
    if (folder != NULL && dataset_manifest_read(folder, ret, &ignored) != STATUS_OK)
        dataset_manifest_init(ret);
    mem_free(folder);
}

/* Who signs the prefilter, given who signed the one in force. */
static enum status choose_signer(struct writing *work, const char *before, struct error *err)
{
    const struct dataset_settings *settings = work->settings;
    char *signer = work->manifest.info.prefilter_public_key;
    enum status status = STATUS_OK;
    if (settings->signing_key != NULL)
        status = bloom_signing_key_public(settings->signing_key, signer, err);
    else if (before[0] != '\0' && !settings->may_be_unsigned)
        status = error_set(err, STATUS_INVALID,
                           "the prefilter in force is signed by %s: give the key (--sign-key), or "
                           "say that the next one shall not be signed (--unsigned)",
                           before);
    work->summary.has_other_signer = before[0] != '\0' && strcmp(before, signer) != 0;
    return status;
}

static enum status settle_signer(struct writing *work, struct error *err)
{
    struct dataset_manifest before;
    dataset_manifest_init(&before);
    dataset_write_read_before(work, &before);
    const enum status status = choose_signer(work, before.info.prefilter_public_key, err);
    dataset_manifest_deinit(&before);
    return status;
}

static enum status begin(struct writing *work, const char *data, struct error *err)
{
    const char *use_case = work->settings->use_case;
    work->home = path_join(data, use_case);
    if (work->home == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", data);
    enum status status = folder_make(work->home, err);
    if (status == STATUS_OK)
        status = work->settings->plan != NULL
                     ? folder_lock_wait(work->home, &work->lock, err)
                     : folder_lock_take(work->home, DATASET_BUSY, &work->lock, err);
    if (status != STATUS_OK)
        return status;
    /* A version that cannot be read has no say in the new one's shape. */
    struct error why;
    status = dataset_open(data, use_case, 0, &work->before, &why);
    if (status == STATUS_NOMEM)
        return error_set(err, status, "%s", why.message);
    if (status == STATUS_OK && dataset_info(work->before)->is_imported) {
        status = error_set(&why, STATUS_UNSUPPORTED, "the version before has no rows: imported");
        dataset_free(work->before);
        work->before = NULL;
    }
    if (status != STATUS_OK)
        snprintf(work->summary.full_reason, sizeof work->summary.full_reason, "%s",
                 has_current(work) ? why.message : "there is no version before");
    status = settle_signer(work, err);
    if (status == STATUS_OK)
        status = dataset_write_choose_key(work, err);
    if (status != STATUS_OK)
        return status;
    return folder_make_temporary(work->home, "dataset", &work->temporary, err);
}

/* ---- rows and prefilter ---- */

static enum status fill(struct writing *work, struct error *err)
{
    const struct dataset_settings *settings = work->settings;
    return settings->fill != NULL
               ? settings->fill(settings->fill_context, work->temporary, work->rows, err)
               : STATUS_OK;
}

static void digest_rows(const struct writing *work, uint8_t ret[DATASET_DIGEST_BYTES])
{
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, row_set_text(work->rows));
    sha256_finish(&hash, ret);
}

/* Two tasks: the digest and the file. */
static enum status write_rows_task(void *context, size_t index, size_t worker, struct error *err)
{
    struct writing *work = context;
    (void)worker;
    if (index == 0) {
        digest_rows(work, work->manifest.info.rows_digest);
        return STATUS_OK;
    }
    char *path = NULL;
    enum status status = path_of(work, "rows.txt", &path, err);
    if (status == STATUS_OK)
        status = file_write(path, FILE_MODE_PUBLIC, row_set_text(work->rows), err);
    mem_free(path);
    return status;
}

/* The rate that is asked of the prefilter. */
static enum status choose_rate(struct writing *work, struct error *err)
{
    const struct dataset_settings *settings = work->settings;
    const uint64_t rows = row_set_count(work->rows);
    double rate = settings->false_positive_rate;
    if (settings->prefilter_bytes > 0) {
        rate = bloom_rate_of_size(rows, (size_t)settings->prefilter_bytes);
        if (rate > DATASET_PREFILTER_RATE_MAX)
            return error_set(err, STATUS_TOO_LARGE,
                             "%llu rows are too many for a prefilter of %llu bytes: %.0f %% of all "
                             "questions would pass it, at most %.0f %% may",
                             (unsigned long long)rows,
                             (unsigned long long)settings->prefilter_bytes, 100 * rate,
                             100 * DATASET_PREFILTER_RATE_MAX);
        if (rate < DATASET_PREFILTER_RATE_MIN)
            rate = DATASET_PREFILTER_RATE_MIN;
    }
    work->manifest.info.false_positive_rate = rate;
    return STATUS_OK;
}

/* Sorts the rows and has them approved. */
static enum status settle_rows(struct writing *work, struct error *err)
{
    const struct dataset_settings *settings = work->settings;
    enum status status = row_set_add(work->rows, span_of_text(DATASET_TEST_ROW), err);
    if (status == STATUS_OK)
        status = row_set_finish(work->rows, work->pool, err);
    if (status == STATUS_OK && settings->approve != NULL)
        status = settings->approve(settings->approve_context,
                                   work->before != NULL ? dataset_info(work->before) : NULL,
                                   row_set_count(work->rows), err);
    if (status == STATUS_OK)
        status = choose_rate(work, err);
    if (status != STATUS_OK)
        return status;
    work->manifest.info.row_count = row_set_count(work->rows);
    work->summary.rows_bytes = row_set_text(work->rows).size;
    return STATUS_OK;
}

static void choose_seed(struct writing *work)
{
    const struct dataset_settings *settings = work->settings;
    struct dataset_info *info = &work->manifest.info;
    info->murmur_seed =
        settings->has_seed ? settings->murmur_seed : bloom_seed_of_digest(info->rows_digest);
}

static enum status write_rows(struct writing *work, struct error *err)
{
    const enum status status = thread_pool_for(work->pool, 2, write_rows_task, work, err);
    choose_seed(work);
    return status == STATUS_OK ? dataset_write_key(work, err) : status;
}

static enum status write_prefilter(struct writing *work, struct error *err)
{
    const struct dataset_info *info = &work->manifest.info;
    struct dataset_summary *summary = &work->summary;
    const enum status status =
        dataset_prefilter_write(work->rows, work->temporary, work->settings->signing_key,
                                work->pool, &work->manifest.info, &summary->prefilter, err);
    if (status == STATUS_OK)
        summary->expected_rate = bloom_expected_rate(&summary->prefilter, info->row_count);
    return status;
}

/* ---- shards ---- */

static struct span keyword_of(const void *context, size_t row)
{
    return row_set_at(context, row);
}

/* Called for several shards at once. */
static enum status save_shard(void *context, uint64_t shard, const struct pir_shard *processed,
                              struct error *err)
{
    struct writing *work = context;
    if (shard == 0) /* read again only after all shards are done */
        work->parameters = *pir_shard_parameters(processed);
    return dataset_shard_save(work->temporary, shard, processed, err);
}

/* Whether the shape holds all rows, so that whoever makes the shards will not find that it does
 * not. */
static enum status try_shape(struct writing *work, struct error *err)
{
    const enum status status =
        pir_processing_try(work->partition, &work->processing, work->pool, err);
    if (status == STATUS_OK)
        work->parameters = work->processing.shape;
    return status;
}

static enum status process(struct writing *work, struct error *err)
{
    struct progress progress;
    struct bfv_context *context = NULL;
    dataset_write_mark_shape(work, &work->processing.shape);
    if (work->settings->plan != NULL)
        return try_shape(work, err);
    enum status status = bfv_context_new(&work->processing.encryption, 0, NULL, &context, err);
    if (status != STATUS_OK)
        return status;
    progress_begin(&progress, work->settings->show_progress ? "processing shards" : NULL,
                   work->manifest.info.shard_count);
    status = pir_process_all(context, work->partition, &work->processing, 0, work->pool, &progress,
                             save_shard, work, err);
    progress_end(&progress);
    bfv_context_free(context);
    return status;
}

static void measure_load(struct writing *work)
{
    struct dataset_load *load = &work->summary.load;
    const uint64_t shards = work->manifest.info.shard_count;
    const uint64_t *rows = work->manifest.shard_rows.rows;
    const uint64_t slots =
        pir_shape_slots((size_t)work->parameters.entry_bytes, dataset_write_value_bytes(work));
    load->rows_least = UINT64_MAX;
    load->rows_most = 0;
    for (uint64_t i = 0; i < shards; i++) {
        if (rows[i] < load->rows_least)
            load->rows_least = rows[i];
        if (rows[i] > load->rows_most)
            load->rows_most = rows[i];
    }
    load->rows_mean = (double)work->manifest.info.row_count / (double)shards;
    load->fill = load->rows_mean / ((double)work->parameters.entry_count *
                                    (double)work->parameters.hash_function_count * (double)slots);
}

static struct dataset_update update_of(const struct writing *work)
{
    return (struct dataset_update){
        .before = work->before,
        .rows = work->rows,
        .value = span_of_text(DATASET_ROW_VALUE),
        .folder = work->temporary,
        .pool = work->pool,
        .progress = work->settings->show_progress ? "patching shards" : NULL,
    };
}

/* From the shards of the version in force; *ret_is_done is false when all must be made anew. */
static enum status update_shards(struct writing *work, bool *ret_is_done, struct error *err)
{
    const struct dataset_update update = update_of(work);
    struct error why;
    const enum status status = dataset_update_shards(&update, work->manifest.shard_rows.rows,
                                                     &work->summary.update, ret_is_done, &why);
    if (status != STATUS_OK)
        return error_set(err, status, "%s", why.message);
    if (*ret_is_done)
        work->parameters = *dataset_parameters(work->before);
    else
        memcpy(work->summary.full_reason, why.message, sizeof work->summary.full_reason);
    return STATUS_OK;
}

/* All shards, from all rows. */
static enum status process_rows(struct writing *work, bool has_old_shape, struct error *err)
{
    const struct sharding sharding = {.function = SHARDING_SHA256};
    struct pir_rows rows = {.count = row_set_count(work->rows),
                            .context = work->rows,
                            .keyword = keyword_of,
                            .constant_value = span_of_text(DATASET_ROW_VALUE)};
    enum status status = dataset_write_key_rows(work, &rows, err);
    if (status != STATUS_OK)
        return status;
    status = pir_partition_new(&rows, work->manifest.info.shard_count, &sharding, work->pool,
                               &work->partition, err);
    if (status != STATUS_OK)
        return status;
    status = STATUS_TOO_LARGE;
    if (has_old_shape) {
        status = process(work, err);
        work->summary.kept_shape = status == STATUS_OK;
    }
    if (status == STATUS_TOO_LARGE) { /* no old shape, or outgrown */
        status = dataset_write_choose_shape(work, err);
        if (status == STATUS_OK)
            status = process(work, err);
    }
    if (status == STATUS_TOO_LARGE) { /* keys made to collide */
        status =
            pir_processing_fit(work->partition, work->pool, &work->wish, &work->processing, err);
        if (status == STATUS_OK)
            status = process(work, err);
    }
    struct dataset_shard_rows *known = &work->manifest.shard_rows;
    known->merged_count = pir_partition_merged_count(work->partition);
    for (uint64_t i = 0; i < work->manifest.info.shard_count; i++) {
        size_t count;
        (void)pir_partition_shard(work->partition, i, &count);
        known->rows[i] = count;
    }
    return status;
}

/* What follows from the shards. */
static enum status describe_shards(struct writing *work, struct error *err)
{
    work->manifest.hash_function_count = work->wish.hash_function_count;
    work->summary.kept_keys =
        work->before != NULL &&
        pir_evaluation_key_config_equal(&dataset_parameters(work->before)->evaluation_key,
                                        &work->parameters.evaluation_key);
    measure_load(work);
    return pir_cost_predict(&work->parameters, 0, work->wish.constants, &work->summary.prediction,
                            err);
}

/* Before anything is made of the rows: what is wanted of the shards. */
static enum status choose_shards(struct writing *work, struct error *err)
{
    work->wish = work->settings->wish;
    work->wish.key = NULL;
    if (work->wish.hash_function_count == 0)
        work->wish.hash_function_count =
            work->before != NULL ? (size_t)dataset_parameters(work->before)->hash_function_count
                                 : 1;
    enum status status = dataset_write_choose_shard_count(work, err);
    if (status != STATUS_OK)
        return status;
    const size_t shards = (size_t)work->manifest.info.shard_count;
    work->manifest.shard_rows.rows = mem_alloc_zeroed(shards, sizeof(uint64_t));
    if (work->manifest.shard_rows.rows == NULL)
        return error_set(err, STATUS_NOMEM, "%zu shards: out of memory", shards);
    work->has_old_shape = dataset_write_take_old_shape(work);
    return STATUS_OK;
}

static enum status write_shards(struct writing *work, struct error *err)
{
    bool is_updated = false;
    enum status status = STATUS_OK;
    if (work->settings->is_full)
        snprintf(work->summary.full_reason, sizeof work->summary.full_reason, "it was asked for");
    else if (work->settings->plan != NULL)
        snprintf(work->summary.full_reason, sizeof work->summary.full_reason,
                 "its shards are made in parts");
    else if (work->key != NULL)
        snprintf(work->summary.full_reason, sizeof work->summary.full_reason,
                 "a symmetric dataset is not updated in part");
    else if (work->has_old_shape)
        status = update_shards(work, &is_updated, err);
    else if (work->before != NULL)
        snprintf(work->summary.full_reason, sizeof work->summary.full_reason,
                 "the version before has another number of shards or hash functions, other "
                 "parameters or another key");
    work->summary.is_updated = is_updated;
    work->summary.kept_shape = is_updated;
    if (status == STATUS_OK && !is_updated)
        status = process_rows(work, work->has_old_shape, err);
    return status == STATUS_OK ? describe_shards(work, err) : status;
}

/* Whether the shards that an update took over are what their digests say; else all are made anew.
 * Meanwhile the disk takes in what was written. */
static enum status check_shards(struct writing *work, struct error *err)
{
    if (!work->summary.is_updated)
        return STATUS_OK;
    const struct dataset_update update = update_of(work);
    struct error why;
    enum status status = dataset_update_check(&update, &work->summary.is_updated, &why);
    if (status != STATUS_OK)
        return error_set(err, status, "%s", why.message);
    if (work->summary.is_updated)
        return STATUS_OK;
    memcpy(work->summary.full_reason, why.message, sizeof work->summary.full_reason);
    status = process_rows(work, true, err);
    return status == STATUS_OK ? describe_shards(work, err) : status;
}

/* ---- what describes it ---- */

/* Once shards and prefilter are known. */
static void look_out(struct writing *work)
{
    struct dataset_summary *summary = &work->summary;
    summary->outlook = dataset_outlook(summary->expected_rate, work->manifest.info.shard_count,
                                       &summary->prediction);
}

static enum status name_version(struct writing *work, struct error *err)
{
    struct dataset_info *info = &work->manifest.info;
    char hex[2 * DATASET_DIGEST_BYTES + 1];
    uint8_t digest[SHA256_BYTES];
    struct bytes text;
    bytes_init(&text, VERSION_MAX_BYTES);
    dataset_digest_hex(info->rows_digest, hex);
    bytes_append_format(&text, "blindlist dataset %d\nrows %s\nrate %.17g\nseed %lu\nshards %llu\n",
                        DATASET_FORMAT, hex, info->false_positive_rate,
                        (unsigned long)info->murmur_seed, (unsigned long long)info->shard_count);
    if (info->parsing[0] != '\0')
        bytes_append_format(&text, "parsing %s\n", info->parsing);
    if (info->prefilter_public_key[0] != '\0')
        bytes_append_format(&text, "signer %s\n", info->prefilter_public_key);
    enum status status = wire_parameters_write(&work->parameters, WIRE_TEXT, &text, err);
    if (status == STATUS_OK)
        status = bytes_status(&text, "version", err);
    if (status == STATUS_OK) {
        struct sha256 hash;
        sha256_init(&hash);
        sha256_add(&hash, bytes_view(&text));
        sha256_finish(&hash, digest);
        dataset_digest_hex(digest, hex);
        memcpy(info->version, hex, DATASET_VERSION_BYTES);
        info->version[DATASET_VERSION_BYTES] = '\0';
    }
    bytes_deinit(&text);
    return status;
}

/* ---- when nothing has changed ---- */

/* The version in force as the result. */
static enum status take_before(struct writing *work, struct error *err)
{
    const struct dataset_shard_rows *known = dataset_shard_rows(work->before);
    struct dataset_info *info = &work->manifest.info;
    struct bloom_params params;
    *info = *dataset_info(work->before);
    memcpy(work->manifest.shard_rows.rows, known->rows,
           (size_t)info->shard_count * sizeof *known->rows);
    for (uint64_t i = 0; i < info->shard_count; i++)
        work->summary.shard_bytes += pir_shard_size(dataset_shard(work->before, i));
    if (bloom_params_choose(info->row_count, info->false_positive_rate, info->murmur_seed,
                            &params) == BLOOM_OK)
        work->summary.expected_rate = bloom_expected_rate(&params, info->row_count);
    work->summary.update.shards_linked = info->shard_count;
    work->summary.is_updated = true;
    work->summary.kept_shape = true;
    work->summary.existed = true;
    work->summary.is_unchanged = true;
    const enum status status = describe_shards(work, err);
    if (status == STATUS_OK)
        look_out(work);
    return status;
}

/* Rows and settings that lead to the version in force need no work when that version is whole. */
static enum status compare(struct writing *work, struct error *err)
{
    const struct dataset_info *info = &work->manifest.info;
    struct error ignored;
    if (work->settings->is_full || !work->has_old_shape ||
        dataset_shard_rows(work->before)->rows == NULL ||
        dataset_info(work->before)->row_count != info->row_count)
        return STATUS_OK;
    digest_rows(work, work->manifest.info.rows_digest);
    choose_seed(work);
    work->parameters = *dataset_parameters(work->before);
    const enum status status = name_version(work, err);
    if (status != STATUS_OK || strcmp(dataset_info(work->before)->version, info->version) != 0 ||
        dataset_verify(work->before, work->pool, NULL, &ignored) != STATUS_OK)
        return status;
    return take_before(work, err);
}

static enum status write_report(struct writing *work, struct error *err)
{
    struct dataset_summary *summary = &work->summary;
    const struct dataset_report_facts facts = {.info = &work->manifest.info,
                                               .origin = &work->settings->origin,
                                               .shard_rows = &work->manifest.shard_rows,
                                               .load = &summary->load,
                                               .prefilter = &summary->prefilter,
                                               .expected_rate = summary->expected_rate,
                                               .prediction = &summary->prediction,
                                               .outlook = &summary->outlook};
    const struct dataset_row_counts counts = {.added = summary->update.rows_added,
                                              .removed = summary->update.rows_removed};
    look_out(work);
    return dataset_report_write(work->settings->report, &facts, work->before,
                                summary->is_updated ? &counts : NULL, work->temporary, err);
}

static enum status list_files(struct writing *work, struct error *err)
{
    return dataset_files_list(work->temporary, work->pool, &work->manifest,
                              &work->summary.shard_bytes, err);
}

static enum status write_manifest(struct writing *work, struct error *err)
{
    char *path = NULL;
    struct bytes json;
    bytes_init(&json, DATASET_MANIFEST_MAX_BYTES);
    enum status status = dataset_manifest_format(&work->manifest, &work->parameters,
                                                 &work->settings->origin, &json, err);
    if (status == STATUS_OK)
        status = path_of(work, "dataset.json", &path, err);
    if (status == STATUS_OK)
        status = file_write(path, FILE_MODE_PUBLIC, bytes_view(&json), err);
    mem_free(path);
    bytes_deinit(&json);
    return status;
}

/* What the workers are to keep to. */
static enum status write_plan(struct writing *work, struct error *err)
{
    char *path = NULL;
    enum status status = path_of(work, DATASET_PLAN_PARAMETERS_NAME, &path, err);
    if (status == STATUS_OK)
        status = wire_parameters_write_file(path, &work->parameters, err);
    mem_free(path);
    return status == STATUS_OK
               ? dataset_plan_write(&work->manifest, &work->parameters, &work->settings->origin,
                                    work->settings->plan, work->temporary, err)
               : status;
}

static enum status publish_plan(struct writing *work, struct error *err)
{
    char *parts = path_join(work->home, DATASET_PARTS_NAME);
    char *target = parts != NULL ? path_join(parts, DATASET_PLAN_FOLDER_NAME) : NULL;
    enum status status = target != NULL ? folder_make(parts, err)
                                        : error_set(err, STATUS_NOMEM, "plan: out of memory");
    if (status == STATUS_OK)
        status = folder_publish(work->temporary, target, work->pool, err);
    mem_free(target);
    mem_free(parts);
    return status;
}

/* ---- putting it in force ---- */

static enum status publish(struct writing *work, struct error *err)
{
    const char *version = work->manifest.info.version;
    const enum status status = dataset_publish(work->home, work->temporary, version, work->pool,
                                               &work->summary.existed, err);
    work->summary.is_unchanged = work->summary.existed && work->before != NULL &&
                                 strcmp(dataset_info(work->before)->version, version) == 0;
    return status;
}

static uint64_t now_ns(const struct dataset_settings *settings)
{
    return settings->now_ns != NULL ? settings->now_ns() : 0;
}

/* One after the other, until one fails or finds that there is nothing to do. */
struct step {
    enum status (*run)(struct writing *work, struct error *err);
    enum dataset_phase phase;
};
static const struct step version_steps[] = {
    {fill, DATASET_PHASE_KEYS},
    {settle_rows, DATASET_PHASE_ROWS},
    {choose_shards, DATASET_PHASE_ROWS},
    {compare, DATASET_PHASE_ROWS},
    {write_rows, DATASET_PHASE_ROWS},
    {write_shards, DATASET_PHASE_SHARDS},
    {write_prefilter, DATASET_PHASE_PREFILTER},
    {check_shards, DATASET_PHASE_DIGESTS},
    {name_version, DATASET_PHASE_PUBLISH},
    {write_report, DATASET_PHASE_PUBLISH},
    {list_files, DATASET_PHASE_PUBLISH},
    {write_manifest, DATASET_PHASE_PUBLISH},
    {publish, DATASET_PHASE_PUBLISH},
};
static const struct step plan_steps[] = {
    {fill, DATASET_PHASE_KEYS},
    {settle_rows, DATASET_PHASE_ROWS},
    {choose_shards, DATASET_PHASE_ROWS},
    {compare, DATASET_PHASE_ROWS},
    {write_rows, DATASET_PHASE_ROWS},
    {write_shards, DATASET_PHASE_SHARDS},
    {write_prefilter, DATASET_PHASE_PREFILTER},
    {name_version, DATASET_PHASE_PUBLISH},
    {write_report, DATASET_PHASE_PUBLISH},
    {write_plan, DATASET_PHASE_PUBLISH},
    {publish_plan, DATASET_PHASE_PUBLISH},
};

enum status dataset_write(const char *data, struct row_set *rows,
                          const struct dataset_settings *settings, struct thread_pool *pool,
                          struct dataset_summary *ret, struct error *err)
{
    enum status status = check_settings(settings, err);
    if (status != STATUS_OK)
        return status;
    struct writing *work = mem_alloc_zeroed(1, sizeof *work);
    if (work == NULL)
        return error_set(err, STATUS_NOMEM, "dataset: out of memory");
    work->settings = settings;
    work->rows = rows;
    work->pool = pool;
    work->lock = FOLDER_LOCK_NONE;
    dataset_manifest_init(&work->manifest);
    snprintf(work->manifest.info.use_case, sizeof work->manifest.info.use_case, "%s",
             settings->use_case);

    const struct step *steps = settings->plan != NULL ? plan_steps : version_steps;
    const size_t step_count =
        settings->plan != NULL ? ARRAY_COUNT(plan_steps) : ARRAY_COUNT(version_steps);
    uint64_t start_ns = now_ns(settings);
    status = dataset_manifest_set_parsing(&work->manifest, settings->parsing, err);
    if (status == STATUS_OK)
        status = begin(work, data, err);
    for (size_t i = 0; i < step_count && status == STATUS_OK && !work->summary.is_unchanged; i++) {
        status = steps[i].run(work, err);
        const uint64_t end_ns = now_ns(settings);
        work->summary.phase_ns[steps[i].phase] += end_ns - start_ns;
        start_ns = end_ns;
    }
    if (status == STATUS_OK) {
        work->summary.info = work->manifest.info;
        work->summary.parameters = work->parameters;
        work->summary.has_other_parsing =
            work->before != NULL &&
            strcmp(dataset_info(work->before)->parsing, work->manifest.info.parsing) != 0;
        *ret = work->summary;
    }

    if (work->temporary != NULL)
        folder_remove(work->temporary); /* gone already after a publication */
    dataset_free(work->before);
    pir_partition_free(work->partition);
    symmetric_rows_free(work->symmetric_rows);
    voprf_key_free(work->new_key);
    dataset_manifest_deinit(&work->manifest);
    folder_lock_release(work->lock);
    mem_free(work->temporary);
    mem_free(work->home);
    mem_free(work);
    return status;
}
