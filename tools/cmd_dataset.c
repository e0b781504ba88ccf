/* blindlist dataset: the group, and what its commands share. */
#include "tools/cmd_dataset.h"

#include "pir-server/bfv/bfv_parameters.h"
#include "tools/commands.h"

#include <stdio.h>
#include <time.h>

#define PREFIX_LEAST      ((size_t)4)
#define NS_PER_S          ((int64_t)1000000000)
#define SHOWN_TIME_FORMAT "%Y-%m-%d %H:%M:%S"

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
