/* blindlist dataset verify: every byte of versions, compared with the digests. */
#include "base/quantity.h"
#include "pir-server/dataset/dataset.h"
#include "tools/cmd_dataset.h"
#include "tools/tool_json.h"
#include "tools/tool_threads.h"

#include <stdio.h>

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

static json_t *verdict_json(const char *version, bool is_whole, uint64_t bytes,
                            const struct error *why)
{
    return json_pack("{s:s, s:b, s:I, s:o}", "version", version, "whole", is_whole, "bytes",
                     (json_int_t)bytes, "error",
                     is_whole ? json_null() : tool_text_json(span_of_text(why->message)));
}

/* EXIT_DONE, EXIT_ANSWER_NO for damage, else EXIT_FAILED. */
static int verify_and_tell(const struct cmd_dataset *asked, const char *version,
                           struct thread_pool *pool, json_t *list)
{
    struct error error = {0};
    uint64_t bytes = 0;
    const enum status status = verify_version(asked, version, pool, &bytes, &error);
    const bool is_whole = status == STATUS_OK;
    if (!is_whole && !is_damage(status))
        return tool_fail(&error);
    if (list != NULL) {
        if (json_array_append_new(list, verdict_json(version, is_whole, bytes, &error)) != 0) {
            error_set(&error, STATUS_NOMEM, "%s: out of memory", version);
            return tool_fail(&error);
        }
    } else if (is_whole) {
        printf("%s is whole (%s)\n", version, quantity_size((double)bytes).text);
    } else {
        printf("%s is damaged: %s\n", version, error.message);
    }
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

const struct tool_command command_dataset_verify = {
    .name = "dataset verify",
    .synopsis = "[VERSION...] --data DIR [--use-case NAME] [--all]",
    .summary = "read every byte of versions and compare the digests",
    .details = "Without a VERSION, the one in force. Names the first file that is damaged, and in\n"
               "a shard the plaintext. Exit code 3 when a version is damaged.",
    .options = verify_options,
    .option_count = ARRAY_COUNT(verify_options),
    .run = run_verify,
};
