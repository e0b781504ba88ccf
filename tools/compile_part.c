#include "tools/compile_part.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/pir/sha256.h"
#include "tools/tool_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define READ_BYTES        ((size_t)65536)
#define MISSING_SHOWN_MAX ((size_t)10)

/* ---- settings ---- */

void compile_job_deinit(struct compile_job *job)
{
    for (size_t i = 0; i < job->plan.setting_count; i++)
        mem_free(job->settings[i]);
    mem_free(job->settings);
}

/* Takes `setting`, which may be NULL for lack of memory. */
static bool add(struct compile_job *job, char *setting)
{
    const size_t count = job->plan.setting_count;
    char **settings =
        setting != NULL ? mem_realloc(job->settings, count + 1, sizeof *settings) : NULL;
    if (settings == NULL) {
        mem_free(setting);
        return false;
    }
    settings[count] = setting;
    job->settings = settings;
    job->plan.settings = (const char *const *)settings;
    job->plan.setting_count = count + 1;
    return true;
}

/* "--<name> <value>" (mem_free). */
static char *setting_text(const char *name, const char *value)
{
    struct bytes text;
    bytes_init(&text, DATASET_PLAN_SETTING_MAX_BYTES);
    bytes_append_format(&text, "--%s%s%s", name, value[0] != '\0' ? " " : "", value);
    bytes_append_u8(&text, 0);
    char *copy = text.status == STATUS_OK ? mem_strdup((const char *)text.data) : NULL;
    bytes_deinit(&text);
    return copy;
}

bool compile_job_add(struct compile_job *job, const struct tool_args *args)
{
    return add(job,
               setting_text(args->option->name, args->option->argument != NULL ? args->value : ""));
}

static enum status digest_file(const char *path, uint8_t ret[DATASET_DIGEST_BYTES],
                               struct error *err)
{
    struct file_reader *reader = NULL;
    struct sha256 hash;
    uint8_t *buffer = mem_alloc(READ_BYTES, 1);
    size_t got = 0;
    enum status status = buffer != NULL ? file_reader_open(path, &reader, err)
                                        : error_set(err, STATUS_NOMEM, "%s: out of memory", path);
    sha256_init(&hash);
    do {
        if (status == STATUS_OK)
            status = file_reader_read(reader, buffer, READ_BYTES, &got, err);
        if (status == STATUS_OK)
            sha256_add(&hash, span_of(buffer, got));
    } while (status == STATUS_OK && got > 0);
    if (status == STATUS_OK)
        sha256_finish(&hash, ret);
    file_reader_close(reader);
    mem_free(buffer);
    return status;
}

static enum status add_text(struct compile_job *job, const char *option, const char *value,
                            struct error *err)
{
    return add(job, setting_text(option, value)) ? STATUS_OK
                                                 : error_set(err, STATUS_NOMEM, "out of memory");
}

/* What the file holds, not what it is called. */
static enum status add_file(struct compile_job *job, const char *option, const char *path,
                            struct error *err)
{
    char hex[2 * DATASET_DIGEST_BYTES + 1];
    uint8_t digest[DATASET_DIGEST_BYTES];
    if (path == NULL)
        return STATUS_OK;
    const enum status status = digest_file(path, digest, err);
    if (status != STATUS_OK)
        return status;
    dataset_digest_hex(digest, hex);
    return add_text(job, option, hex, err);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum status compile_part_settle(struct compile_job *job, const char *costs_path,
                                const char *parsing_path, const char *public_key, struct error *err)
{
    enum status status = add_file(job, "costs", costs_path, err);
    if (status == STATUS_OK)
        status = add_file(job, "parsing-configuration", parsing_path, err);
    if (status == STATUS_OK && public_key[0] != '\0')
        status = add_text(job, "sign-key", public_key, err);
    if (status == STATUS_OK && job->plan.setting_count > DATASET_PLAN_SETTINGS_MAX)
        status = error_set(err, STATUS_TOO_LARGE, "--part: %zu options, at most %zu",
                           job->plan.setting_count, DATASET_PLAN_SETTINGS_MAX);
    if (status == STATUS_OK && job->plan.setting_count > 0)
        qsort(job->settings, job->plan.setting_count, sizeof *job->settings, compare_texts);
    return status;
}

/* ---- options ---- */

/* Decimal digits up to `end`; false for anything else, or beyond `most`. */
static bool read_number(const char **at, char end, uint32_t most, uint32_t *ret)
{
    uint64_t number = 0;
    const char *from = *at;
    for (; **at >= '0' && **at <= '9' && number <= most; (*at)++)
        number = 10 * number + (uint64_t)(**at - '0');
    if (*at == from || **at != end || number > most)
        return false;
    *at += end != '\0';
    *ret = (uint32_t)number;
    return true;
}

int compile_part_take(const struct tool_args *args, struct compile_job *job)
{
    const char *at = args->value;
    uint32_t index;
    uint32_t parts;
    if (!read_number(&at, '/', DATASET_PLAN_PARTS_MAX, &index) ||
        !read_number(&at, '\0', DATASET_PLAN_PARTS_MAX, &parts) || index >= parts)
        return tool_bad_value(args, "I/N is wanted, I from 0 to N - 1, N at most 65536");
    job->index = index;
    job->plan.parts = parts;
    return EXIT_DONE;
}

int compile_part_take_name(const struct tool_args *args, struct compile_job *job)
{
    if (!dataset_use_case_is_valid(args->value))
        return tool_bad_value(args, "letters, digits, '.', '-', '_', at most 200 bytes");
    job->plan.name = args->value;
    return EXIT_DONE;
}

/* ---- lists ---- */

enum status compile_part_check_lists(const struct dataset_plan *plan, char *const *lists,
                                     size_t count, struct error *err)
{
    enum status status = STATUS_OK;
    if (plan->source_count != count)
        return error_set(err, STATUS_MISMATCH, "%s: the job was planned with %zu lists, not %zu",
                         plan->file, plan->source_count, count);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        uint8_t digest[DATASET_DIGEST_BYTES];
        status = digest_file(lists[i], digest, err);
        if (status == STATUS_OK)
            status = dataset_plan_check_source(plan, i, lists[i], digest, err);
    }
    return status;
}

/* ---- what came out ---- */

static void print_missing(const struct dataset_part_summary *summary)
{
    printf("  %-10s of parts", "wait");
    for (size_t i = 0; i < summary->missing_count && i < MISSING_SHOWN_MAX; i++)
        printf("%s %" PRIu32, i > 0 ? "," : "", summary->missing[i]);
    if (summary->missing_count > MISSING_SHOWN_MAX)
        printf(" and %zu more", summary->missing_count - MISSING_SHOWN_MAX);
    printf(": the last one puts the version in force\n");
}

int compile_part_print(const struct dataset_part *part, const struct dataset_part_summary *summary)
{
    printf("%s version %s, part %" PRIu32 " of %" PRIu32 "%s\n", part->use_case, summary->version,
           part->index, part->job.parts, summary->is_unchanged ? " (unchanged)" : "");
    if (summary->is_unchanged)
        return EXIT_DONE;
    printf("  %-10s %" PRIu64 " distinct, with the test row%s\n", "rows", summary->row_count,
           summary->is_planner ? ", planned here" : "");
    printf("  %-10s %" PRIu64 " of %" PRIu64 " made, %" PRIu64 " were there\n", "shards",
           summary->shards_made, summary->shard_count, summary->shards_reused);
    if (summary->is_joined)
        printf("  %-10s %s/%s/%s\n", "folder", part->data, part->use_case, summary->version);
    else
        print_missing(summary);
    return EXIT_DONE;
}

static json_t *missing_json(const struct dataset_part_summary *summary)
{
    json_t *array = json_array();
    for (size_t i = 0; i < summary->missing_count && array != NULL; i++)
        if (json_array_append_new(array, json_count(summary->missing[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

struct json_t *compile_part_json(const struct dataset_part *part,
                                 const struct dataset_part_summary *summary)
{
    json_t *root = json_object();
    if (root != NULL && json_put(root, "useCase", json_string(part->use_case)) &&
        json_put(root, "version", json_string(summary->version)) &&
        json_put(root, "part", json_count(part->index)) &&
        json_put(root, "parts", json_count(part->job.parts)) &&
        json_put(root, "changed", json_boolean(!summary->is_unchanged)) &&
        json_put(root, "planned", json_boolean(summary->is_planner)) &&
        json_put(root, "joined", json_boolean(summary->is_joined)) &&
        json_put(root, "rows", json_count(summary->row_count)) &&
        json_put(root, "shards", json_count(summary->shard_count)) &&
        json_put(root, "shardsMade", json_count(summary->shards_made)) &&
        json_put(root, "shardsReused", json_count(summary->shards_reused)) &&
        json_put(root, "missingParts", missing_json(summary)))
        return root;
    json_decref(root);
    return NULL;
}
