/* blindlist dataset gc: old versions removed. */
#include "base/quantity.h"
#include "pir-server/dataset/dataset_gc.h"
#include "tools/cmd_dataset.h"
#include "tools/tool_json.h"

#include <stdio.h>

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
    for (size_t i = 0; i < result->version_count; i++) {
        const struct dataset_collected *version = &result->versions[i];
        if (version->fate != DATASET_KEPT)
            printf("  %s %s%s\n", version->name,
                   is_dry_run && version->fate == DATASET_REMOVED ? "would be " : "",
                   fate_names[version->fate]);
    }
    printf("%s: %zu of %zu versions removed, %zu in use, %zu unfinished removed, %s freed%s\n",
           asked->use_case, result->removed_count, result->version_count, result->in_use_count,
           result->unfinished_count, quantity_size((double)result->freed_bytes).text,
           is_dry_run ? " (dry run: nothing was done)" : "");
}

static int run_gc(struct tool_args *args)
{
    struct cmd_dataset asked = {0};
    struct dataset_gc_result result = {0};
    struct error error;
    size_t keep = 0;
    bool is_dry_run = false;
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        if (got == OPT_GC_DRY_RUN)
            is_dry_run = true;
        else if (got == OPT_GC_KEEP && tool_take_size(args, 1, UINT32_MAX, &keep) != EXIT_DONE)
            return EXIT_USAGE;
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
        status = dataset_gc(asked.data, asked.use_case, keep, is_dry_run, &result, &error);
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

const struct tool_command command_dataset_gc = {
    .name = "dataset gc",
    .synopsis = "--keep N --data DIR [--use-case NAME] [--dry-run]",
    .summary = "remove old versions, and what killed runs left",
    .details = "Keeps the version in force, the one a rollback leads to, then the newest, N in\n"
               "all, and beyond that those that a running program has open.",
    .options = gc_options,
    .option_count = ARRAY_COUNT(gc_options),
    .run = run_gc,
};
