/* blindlist dataset list: the use cases and their versions. */
#include "base/quantity.h"
#include "tools/cmd_dataset.h"
#include "tools/tool_json.h"

#include <inttypes.h>
#include <stdio.h>

static const struct tool_option list_options[] = {
    [OPT_DATA] = CMD_DATASET_DATA,
    [OPT_USE_CASE] = {"use-case", 'u', "NAME", "only this one"},
    [OPT_JSON] = CMD_DATASET_JSON,
};

static json_t *version_json(const struct dataset_version *version)
{
    if (version->why.status != STATUS_OK)
        return json_pack("{s:s, s:b, s:b, s:I, s:o}", "version", version->name, "inForce",
                         version->is_in_force, "before", version->is_before, "made",
                         (json_int_t)cmd_dataset_seconds(version->made_ns), "error",
                         tool_text_json(span_of_text(version->why.message)));
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
        cmd_dataset_time_text(version->made_ns, made);
        printf("  %s  %s", version->name, made);
        if (version->why.status != STATUS_OK)
            printf("  cannot be read");
        else
            printf("  %10" PRIu64 " rows  %11s in %" PRIu64 " shard%s", version->row_count,
                   quantity_size((double)version->bytes).text, version->shard_count,
                   version->shard_count == 1 ? "" : "s");
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

const struct tool_command command_dataset_list = {
    .name = "dataset list",
    .synopsis = "--data DIR [--use-case NAME] [--json]",
    .summary = "list use cases and versions, and which is in force",
    .details = "Newest first: version, when it was made (UTC), rows, shards, bytes of its files\n"
               "(which versions may share), and whether it is in force or was before.",
    .options = list_options,
    .option_count = ARRAY_COUNT(list_options),
    .run = run_list,
};
