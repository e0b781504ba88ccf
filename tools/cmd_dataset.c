/* blindlist dataset list | activate | rollback | verify | gc; show and diff have their own files.
 */
#include "tools/cmd_dataset.h"

#include "pir-server/bfv/bfv_parameters.h"
#include "pir-server/dataset/dataset_gc.h"
#include "pir-server/dataset/dataset_in_force.h"
#include "tools/commands.h"
#include "tools/tool_json.h"
#include "tools/tool_threads.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define PREFIX_LEAST      ((size_t)4)
#define NS_PER_S          ((int64_t)1000000000)
#define SHOWN_TIME_FORMAT "%Y-%m-%d %H:%M:%S"

/* ---- shared ---- */

bool cmd_dataset_take(struct cmd_dataset *asked, int got, const struct tool_args *args)
{
    switch (got) {
    case OPT_DATA:
        asked->data = args->value;
        return true;
    case OPT_USE_CASE:
        asked->use_case = args->value;
        return true;
    case OPT_JSON:
        asked->json = true;
        return true;
    case TOOL_OPERAND:
        if (asked->operand_count == asked->operands_max)
            return false;
        asked->operands[asked->operand_count++] = args->value;
        return true;
    default:
        return false;
    }
}

int cmd_dataset_stop(int got, struct tool_args *args)
{
    if (got == TOOL_OPERAND)
        return tool_usage_error(args, "%s is one too many", args->value);
    return args->exit_code;
}

int cmd_dataset_check(const struct cmd_dataset *asked, size_t operands_min,
                      const struct tool_args *args)
{
    if (asked->data == NULL)
        return tool_usage_error(args, "--data is missing");
    if (asked->operand_count < operands_min)
        return tool_usage_error(args, "a version is missing");
    if (asked->use_case != NULL && !dataset_use_case_is_valid(asked->use_case))
        return tool_usage_error(args, "--use-case %s: this is no name of a use case",
                                asked->use_case);
    return EXIT_DONE;
}

enum status cmd_dataset_read(struct cmd_dataset *asked, struct error *err)
{
    if (asked->use_case == NULL) {
        const enum status status = dataset_use_cases(asked->data, &asked->use_cases, err);
        if (status != STATUS_OK)
            return status;
        if (asked->use_cases.count == 0)
            return error_set(err, STATUS_NOT_FOUND, "%s: no dataset in it", asked->data);
        if (asked->use_cases.count > 1)
            return error_set(err, STATUS_INVALID, "%s: has %zu use cases; --use-case says which",
                             asked->data, asked->use_cases.count);
        asked->use_case = asked->use_cases.list[0];
    }
    return dataset_versions_read(asked->data, asked->use_case, &asked->versions, err);
}

void cmd_dataset_deinit(struct cmd_dataset *asked)
{
    dataset_versions_deinit(&asked->versions);
    folder_names_deinit(&asked->use_cases);
}

static enum status find_in_force(const struct cmd_dataset *asked,
                                 const struct dataset_version **ret, struct error *err)
{
    const struct dataset_versions *versions = &asked->versions;
    const struct dataset_version *found = dataset_versions_find(versions, versions->in_force);
    if (found == NULL && versions->in_force[0] != '\0')
        return error_set(err, STATUS_NOT_FOUND, "%s/%s/current: leads to %s, which is not there",
                         asked->data, asked->use_case, versions->in_force);
    if (found == NULL)
        return error_set(err, STATUS_NOT_FOUND, "%s/%s: no version is in force", asked->data,
                         asked->use_case);
    *ret = found;
    return STATUS_OK;
}

static bool is_meant(const struct dataset_version *version, const char *typed)
{
    if (strcmp(typed, "previous") == 0)
        return version->is_before;
    return strlen(typed) >= PREFIX_LEAST && strncmp(version->name, typed, strlen(typed)) == 0;
}

enum status cmd_dataset_find(const struct cmd_dataset *asked, const char *typed,
                             const struct dataset_version **ret, struct error *err)
{
    const struct dataset_version *found = NULL;
    if (strcmp(typed, "current") == 0)
        return find_in_force(asked, ret, err);
    for (size_t i = 0; i < asked->versions.count; i++) {
        if (!is_meant(&asked->versions.list[i], typed))
            continue;
        if (found != NULL)
            return error_set(err, STATUS_INVALID, "%s: more than one version begins like that",
                             typed);
        found = &asked->versions.list[i];
    }
    if (found == NULL)
        return error_set(err, STATUS_NOT_FOUND, "%s/%s: has no %s version", asked->data,
                         asked->use_case, typed);
    *ret = found;
    return STATUS_OK;
}

int64_t cmd_dataset_seconds(int64_t time_ns)
{
    return time_ns / NS_PER_S;
}

void cmd_dataset_time_text(int64_t time_ns, char ret[CMD_DATASET_TIME_BYTES])
{
    const time_t seconds = (time_t)cmd_dataset_seconds(time_ns);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) == NULL ||
        strftime(ret, CMD_DATASET_TIME_BYTES, SHOWN_TIME_FORMAT, &utc) == 0)
        snprintf(ret, CMD_DATASET_TIME_BYTES, "?");
}

const char *cmd_dataset_state(const struct dataset_version *version)
{
    return version->is_in_force ? "in force" : version->is_before ? "before" : "";
}

const char *cmd_dataset_set_name(const struct bfv_parameters *encryption)
{
    for (size_t i = 0; bfv_named_parameters_list(i) != NULL; i++) {
        if (bfv_parameters_equal(&bfv_named_parameters_list(i)->parameters, encryption))
            return bfv_named_parameters_list(i)->name;
    }
    return "no named set";
}

/* ---- list ---- */

static const struct tool_option list_options[] = {
    [OPT_DATA] = CMD_DATASET_DATA,
    [OPT_USE_CASE] = {"use-case", 'u', "NAME", "only this one"},
    [OPT_JSON] = CMD_DATASET_JSON,
};

static json_t *version_json(const struct dataset_version *version)
{
    if (version->why.status != STATUS_OK)
        return json_pack("{s:s, s:b, s:b, s:I, s:s}", "version", version->name, "inForce",
                         version->is_in_force, "before", version->is_before, "made",
                         (json_int_t)cmd_dataset_seconds(version->made_ns), "error",
                         version->why.message);
    return json_pack("{s:s, s:b, s:b, s:I, s:I, s:I, s:I}", "version", version->name, "inForce",
                     version->is_in_force, "before", version->is_before, "made",
                     (json_int_t)cmd_dataset_seconds(version->made_ns), "rows",
                     (json_int_t)version->row_count, "shards", (json_int_t)version->shard_count,
                     "bytes", (json_int_t)version->bytes);
}

static json_t *use_case_json(const char *use_case, const struct dataset_versions *versions)
{
    json_t *list = json_array();
    for (size_t i = 0; i < versions->count && list != NULL; i++) {
        if (json_array_append_new(list, version_json(&versions->list[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return json_pack("{s:s, s:s?, s:o}", "useCase", use_case, "inForce",
                     versions->in_force[0] != '\0' ? versions->in_force : NULL, "versions", list);
}

static void print_versions(const char *use_case, const struct dataset_versions *versions)
{
    printf("%s\n", use_case);
    for (size_t i = 0; i < versions->count; i++) {
        const struct dataset_version *version = &versions->list[i];
        char made[CMD_DATASET_TIME_BYTES];
        char size[TOOL_SIZE_BYTES];
        cmd_dataset_time_text(version->made_ns, made);
        tool_size_text(version->bytes, size);
        printf("  %s  %s", version->name, made);
        if (version->why.status != STATUS_OK)
            printf("  cannot be read");
        else
            printf("  %10" PRIu64 " rows  %11s in %" PRIu64 " shard%s", version->row_count, size,
                   version->shard_count, version->shard_count == 1 ? "" : "s");
        printf("%s%s\n", cmd_dataset_state(version)[0] != '\0' ? "  " : "",
               cmd_dataset_state(version));
    }
}

/* What is wrong, beside what is listed. */
static void print_warnings(const char *use_case, const struct dataset_versions *versions)
{
    if (versions->in_force[0] == '\0')
        fprintf(stderr, "blindlist: warning: %s: no version is in force\n", use_case);
    else if (dataset_versions_find(versions, versions->in_force) == NULL)
        fprintf(stderr, "blindlist: warning: %s: `current` leads to %s, which is not there\n",
                use_case, versions->in_force);
    for (size_t i = 0; i < versions->count; i++) {
        if (versions->list[i].why.status != STATUS_OK)
            fprintf(stderr, "blindlist: warning: %s\n", versions->list[i].why.message);
    }
}

/* `list` NULL: for a person. */
static enum status list_use_case(const char *data, const char *use_case, json_t *list,
                                 struct error *err)
{
    struct dataset_versions versions = {0};
    enum status status = dataset_versions_read(data, use_case, &versions, err);
    if (status != STATUS_OK)
        return status;
    if (list == NULL)
        print_versions(use_case, &versions);
    else if (json_array_append_new(list, use_case_json(use_case, &versions)) != 0)
        status = error_set(err, STATUS_NOMEM, "%s: out of memory", data);
    print_warnings(use_case, &versions);
    dataset_versions_deinit(&versions);
    return status;
}

static int run_list(struct tool_args *args)
{
    struct cmd_dataset asked = {0};
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        if (!cmd_dataset_take(&asked, got, args))
            return cmd_dataset_stop(got, args);
    }
    const int code = cmd_dataset_check(&asked, 0, args);
    if (code != EXIT_DONE)
        return code;
    struct error error;
    json_t *list = asked.json ? json_array() : NULL;
    enum status status = STATUS_OK;
    if (asked.use_case != NULL)
        status = list_use_case(asked.data, asked.use_case, list, &error);
    else
        status = dataset_use_cases(asked.data, &asked.use_cases, &error);
    for (size_t i = 0; i < asked.use_cases.count && status == STATUS_OK; i++)
        status = list_use_case(asked.data, asked.use_cases.list[i], list, &error);
    cmd_dataset_deinit(&asked);
    if (status != STATUS_OK) {
        json_decref(list);
        return tool_fail(&error);
    }
    return asked.json ? tool_print_json(json_pack("{s:o}", "useCases", list)) : EXIT_DONE;
}

static const struct tool_command command_dataset_list = {
    .name = "dataset list",
    .synopsis = "--data DIR [--use-case NAME] [--json]",
    .summary = "list use cases and versions, and which is in force",
    .details = "Newest first: version, when it was made (UTC), rows, shards, bytes of its files\n"
               "(which versions may share), and whether it is in force or was before.",
    .options = list_options,
    .option_count = ARRAY_COUNT(list_options),
    .run = run_list,
};

/* ---- verify ---- */

enum { OPT_VERIFY_ALL = CMD_DATASET_OPTIONS, OPT_VERIFY_THREADS };
static const struct tool_option verify_options[] = {
    [OPT_DATA] = CMD_DATASET_DATA,
    [OPT_USE_CASE] = CMD_DATASET_USE_CASE,
    [OPT_JSON] = CMD_DATASET_JSON,
    [OPT_VERIFY_ALL] = {"all", 0, NULL, "all versions of the use case"},
    [OPT_VERIFY_THREADS] = TOOL_THREADS_OPTION,
};

/* Reasons for which a version is damaged, rather than impossible to look at. */
static bool is_damage(enum status status)
{
    return status == STATUS_MISMATCH || status == STATUS_MALFORMED || status == STATUS_INVALID ||
           status == STATUS_NOT_FOUND || status == STATUS_TOO_LARGE || status == STATUS_UNSUPPORTED;
}

static enum status verify_version(const struct cmd_dataset *asked, const char *version,
                                  struct thread_pool *pool, uint64_t *ret_bytes, struct error *err)
{
    struct dataset *dataset = NULL;
    struct progress progress;
    enum status status =
        dataset_open_version(asked->data, asked->use_case, version, 0, &dataset, err);
    if (status != STATUS_OK)
        return status;
    *ret_bytes = dataset_bytes(dataset);
    progress_begin(&progress, "verifying", *ret_bytes);
    status = dataset_verify(dataset, pool, &progress, err);
    progress_end(&progress);
    dataset_free(dataset);
    return status;
}

/* EXIT_DONE, EXIT_ANSWER_NO for damage, else EXIT_FAILED. */
static int verify_and_tell(const struct cmd_dataset *asked, const char *version,
                           struct thread_pool *pool, json_t *list)
{
    struct error error = {0};
    char size[TOOL_SIZE_BYTES];
    uint64_t bytes = 0;
    const enum status status = verify_version(asked, version, pool, &bytes, &error);
    const bool is_whole = status == STATUS_OK;
    if (!is_whole && !is_damage(status))
        return tool_fail(&error);
    tool_size_text(bytes, size);
    if (list != NULL)
        json_array_append_new(list, json_pack("{s:s, s:b, s:I, s:s?}", "version", version, "whole",
                                              is_whole, "bytes", (json_int_t)bytes, "error",
                                              is_whole ? NULL : error.message));
    else if (is_whole)
        printf("%s is whole (%s)\n", version, size);
    else
        printf("%s is damaged: %s\n", version, error.message);
    return is_whole ? EXIT_DONE : EXIT_ANSWER_NO;
}

/* The versions typed, all of them, or the one in force. */
static int verify_asked(const struct cmd_dataset *asked, bool all, struct thread_pool *pool,
                        json_t *list)
{
    static const char *const current[] = {"current"};
    const char *const *typed = asked->operand_count > 0 ? asked->operands : current;
    const size_t count = all                        ? asked->versions.count
                         : asked->operand_count > 0 ? asked->operand_count
                                                    : 1;
    int exit_code = EXIT_DONE;
    for (size_t i = 0; i < count; i++) {
        struct error error;
        const struct dataset_version *version = all ? &asked->versions.list[i] : NULL;
        if (!all && cmd_dataset_find(asked, typed[i], &version, &error) != STATUS_OK)
            return tool_fail(&error);
        const int code = verify_and_tell(asked, version->name, pool, list);
        if (code == EXIT_FAILED)
            return code;
        if (code != EXIT_DONE)
            exit_code = code;
    }
    return exit_code;
}

static int run_verify(struct tool_args *args)
{
    struct cmd_dataset asked = {.operands_max = CMD_DATASET_OPERANDS_MAX};
    struct thread_pool *pool = NULL;
    struct error error;
    bool all = false;
    size_t threads = 0; /* as many as cores */
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        if (got == OPT_VERIFY_ALL)
            all = true;
        else if (got == OPT_VERIFY_THREADS && tool_take_threads(args, &threads) != EXIT_DONE)
            return EXIT_USAGE;
        else if (got != OPT_VERIFY_THREADS && !cmd_dataset_take(&asked, got, args))
            return cmd_dataset_stop(got, args);
    }
    int code = cmd_dataset_check(&asked, 0, args);
    if (code != EXIT_DONE)
        return code;
    if (all && asked.operand_count > 0)
        return tool_usage_error(args, "--all and a version exclude each other");
    json_t *list = asked.json ? json_array() : NULL;
    enum status status = cmd_dataset_read(&asked, &error);
    if (status == STATUS_OK)
        status = tool_thread_pool_new(threads, &pool, &error);
    code = status == STATUS_OK ? verify_asked(&asked, all, pool, list) : tool_fail(&error);
    if (asked.json && code != EXIT_FAILED &&
        tool_print_json(json_pack("{s:s, s:O}", "useCase", asked.use_case, "versions", list)) !=
            EXIT_DONE)
        code = EXIT_FAILED;
    json_decref(list);
    thread_pool_free(pool);
    cmd_dataset_deinit(&asked);
    return code;
}

static const struct tool_command command_dataset_verify = {
    .name = "dataset verify",
    .synopsis = "[VERSION...] --data DIR [--use-case NAME] [--all]",
    .summary = "read every byte of versions and compare the digests",
    .details = "Without a VERSION, the one in force. Names the first file that is damaged, and in\n"
               "a shard the plaintext. Exit code 3 when a version is damaged.",
    .options = verify_options,
    .option_count = ARRAY_COUNT(verify_options),
    .run = run_verify,
};

/* ---- activate, rollback ---- */

enum { OPT_SWITCH_VERIFY = CMD_DATASET_OPTIONS };
static const struct tool_option switch_options[] = {
    [OPT_DATA] = CMD_DATASET_DATA,
    [OPT_USE_CASE] = CMD_DATASET_USE_CASE,
    [OPT_JSON] = CMD_DATASET_JSON,
    [OPT_SWITCH_VERIFY] = {"verify", 0, NULL, "read every byte of the version first"},
};

static enum status switch_to(struct cmd_dataset *asked, bool verify, char *ret_before,
                             char *ret_now, struct error *err)
{
    const struct dataset_version *version = NULL;
    struct progress progress;
    struct dataset_check check = {.verify = verify, .progress = &progress};
    enum status status = cmd_dataset_read(asked, err);
    if (status == STATUS_OK && asked->operand_count > 0)
        status = cmd_dataset_find(asked, asked->operands[0], &version, err);
    if (status == STATUS_OK && verify)
        status = tool_thread_pool_new(0, &check.pool, err);
    if (status == STATUS_OK) {
        progress_begin(&progress, verify ? "verifying" : NULL, 0);
        status =
            dataset_activate(asked->data, asked->use_case, version != NULL ? version->name : NULL,
                             &check, ret_before, ret_now, err);
        progress_end(&progress);
    }
    thread_pool_free(check.pool);
    return status;
}

static int run_switch(struct tool_args *args, size_t operands)
{
    struct cmd_dataset asked = {.operands_max = operands};
    struct error error;
    char before[DATASET_VERSION_BYTES + 1];
    char now[DATASET_VERSION_BYTES + 1];
    bool verify = false;
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        if (got == OPT_SWITCH_VERIFY)
            verify = true;
        else if (!cmd_dataset_take(&asked, got, args))
            return cmd_dataset_stop(got, args);
    }
    int code = cmd_dataset_check(&asked, operands, args);
    if (code != EXIT_DONE)
        return code;
    if (switch_to(&asked, verify, before, now, &error) != STATUS_OK)
        code = tool_fail(&error);
    else if (asked.json)
        code = tool_print_json(json_pack("{s:s, s:s, s:s?}", "useCase", asked.use_case, "inForce",
                                         now, "before", before[0] != '\0' ? before : NULL));
    else if (strcmp(before, now) == 0)
        printf("%s: %s is in force, as before\n", asked.use_case, now);
    else
        printf("%s: %s is in force, instead of %s\n", asked.use_case, now,
               before[0] != '\0' ? before : "none");
    cmd_dataset_deinit(&asked);
    return code;
}

static int run_activate(struct tool_args *args)
{
    return run_switch(args, 1);
}

static int run_rollback(struct tool_args *args)
{
    return run_switch(args, 0);
}

static const struct tool_command command_dataset_activate = {
    .name = "dataset activate",
    .synopsis = "VERSION --data DIR [--use-case NAME] [--verify]",
    .summary = "put a version in force, once it is seen to be whole",
    .details = "Headers and sizes are checked, with --verify every byte; then `current` is\n"
               "switched in one step. A running server notices.",
    .options = switch_options,
    .option_count = ARRAY_COUNT(switch_options),
    .run = run_activate,
};

static const struct tool_command command_dataset_rollback = {
    .name = "dataset rollback",
    .synopsis = "--data DIR [--use-case NAME] [--verify]",
    .summary = "put back the version that was in force before",
    .details = "Like activate. Once more goes one further back.",
    .options = switch_options,
    .option_count = ARRAY_COUNT(switch_options),
    .run = run_rollback,
};

/* ---- gc ---- */

enum { OPT_GC_KEEP = CMD_DATASET_OPTIONS, OPT_GC_DRY_RUN };
static const struct tool_option gc_options[] = {
    [OPT_DATA] = CMD_DATASET_DATA,
    [OPT_USE_CASE] = CMD_DATASET_USE_CASE,
    [OPT_JSON] = CMD_DATASET_JSON,
    [OPT_GC_KEEP] = {"keep", 'k', "N", "versions to keep, at least 1"},
    [OPT_GC_DRY_RUN] = {"dry-run", 'n', NULL, "only say what would be removed"},
};

static const char *const fate_names[] = {
    [DATASET_KEPT] = "kept", [DATASET_IN_USE] = "in use", [DATASET_REMOVED] = "removed"};

static json_t *gc_json(const struct cmd_dataset *asked, bool is_dry_run,
                       const struct dataset_gc_result *result)
{
    json_t *list = json_array();
    for (size_t i = 0; i < result->version_count && list != NULL; i++) {
        const struct dataset_collected *version = &result->versions[i];
        if (json_array_append_new(list, json_pack("{s:s, s:s}", "version", version->name, "fate",
                                                  fate_names[version->fate])) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return json_pack("{s:s, s:b, s:o, s:I, s:I}", "useCase", asked->use_case, "dryRun", is_dry_run,
                     "versions", list, "unfinished", (json_int_t)result->unfinished_count,
                     "freedBytes", (json_int_t)result->freed_bytes);
}

static void print_gc(const struct cmd_dataset *asked, bool is_dry_run,
                     const struct dataset_gc_result *result)
{
    char size[TOOL_SIZE_BYTES];
    for (size_t i = 0; i < result->version_count; i++) {
        const struct dataset_collected *version = &result->versions[i];
        if (version->fate != DATASET_KEPT)
            printf("  %s %s%s\n", version->name,
                   is_dry_run && version->fate == DATASET_REMOVED ? "would be " : "",
                   fate_names[version->fate]);
    }
    tool_size_text(result->freed_bytes, size);
    printf("%s: %zu of %zu versions removed, %zu in use, %zu unfinished removed, %s freed%s\n",
           asked->use_case, result->removed_count, result->version_count, result->in_use_count,
           result->unfinished_count, size, is_dry_run ? " (dry run: nothing was done)" : "");
}

static int run_gc(struct tool_args *args)
{
    struct cmd_dataset asked = {0};
    struct dataset_gc_result result = {0};
    struct error error;
    uint64_t keep = 0;
    bool is_dry_run = false;
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        if (got == OPT_GC_DRY_RUN)
            is_dry_run = true;
        else if (got == OPT_GC_KEEP && !tool_parse_u64(args->value, 1, UINT32_MAX, &keep))
            return tool_usage_error(args, "--keep %s: a number from 1 is wanted", args->value);
        else if (got != OPT_GC_KEEP && !cmd_dataset_take(&asked, got, args))
            return cmd_dataset_stop(got, args);
    }
    int code = cmd_dataset_check(&asked, 0, args);
    if (code != EXIT_DONE)
        return code;
    if (keep == 0)
        return tool_usage_error(args, "--keep is missing");
    enum status status = cmd_dataset_read(&asked, &error);
    if (status == STATUS_OK)
        status = dataset_gc(asked.data, asked.use_case, (size_t)keep, is_dry_run, &result, &error);
    if (status != STATUS_OK)
        code = tool_fail(&error);
    else if (asked.json)
        code = tool_print_json(gc_json(&asked, is_dry_run, &result));
    else
        print_gc(&asked, is_dry_run, &result);
    dataset_gc_result_deinit(&result);
    cmd_dataset_deinit(&asked);
    return code;
}

static const struct tool_command command_dataset_gc = {
    .name = "dataset gc",
    .synopsis = "--keep N --data DIR [--use-case NAME] [--dry-run]",
    .summary = "remove old versions, and what killed runs left",
    .details = "Keeps the version in force, the one a rollback leads to, then the newest, N in\n"
               "all, and beyond that those that a running program has open.",
    .options = gc_options,
    .option_count = ARRAY_COUNT(gc_options),
    .run = run_gc,
};

/* ---- the group ---- */

static const struct tool_command *const members[] = {
    &command_dataset_list,     &command_dataset_show,     &command_dataset_diff,
    &command_dataset_activate, &command_dataset_rollback, &command_dataset_verify,
    &command_dataset_gc,
};

const struct tool_command command_dataset = {
    .name = "dataset",
    .synopsis = "COMMAND ...",
    .summary = "look into published versions, switch between them, remove old ones",
    .members = members,
    .member_count = ARRAY_COUNT(members),
};
