/* blindlist dataset activate | rollback: which version is in force. */
#include "base/file.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_in_force.h"
#include "pir-server/dataset/dataset_manifest.h"
#include "tools/cmd_dataset.h"
#include "tools/tool_json.h"
#include "tools/tool_signing.h"
#include "tools/tool_threads.h"

#include <stdio.h>

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

/* Whose signature the prefilter of a version has; "" = nobody's, or the version cannot be read. */
static void read_signer(const struct cmd_dataset *asked, const char *version,
                        char ret[BLOOM_PUBLIC_KEY_TEXT_BYTES])
{
    struct error ignored;
    struct dataset_manifest manifest;
    char *home = path_join(asked->data, asked->use_case);
    char *folder = home != NULL ? path_join(home, version) : NULL;
    dataset_manifest_init(&manifest);
    ret[0] = '\0';
    if (folder != NULL && dataset_manifest_read(folder, &manifest, &ignored) == STATUS_OK)
        memcpy(ret, manifest.info.prefilter_public_key, BLOOM_PUBLIC_KEY_TEXT_BYTES);
    dataset_manifest_deinit(&manifest);
    mem_free(folder);
    mem_free(home);
}

static void warn_of_signer(const struct cmd_dataset *asked, const char *before, const char *now)
{
    char old_signer[BLOOM_PUBLIC_KEY_TEXT_BYTES] = "";
    char new_signer[BLOOM_PUBLIC_KEY_TEXT_BYTES];
    if (before[0] != '\0')
        read_signer(asked, before, old_signer);
    read_signer(asked, now, new_signer);
    if (old_signer[0] != '\0' && strcmp(old_signer, new_signer) != 0)
        tool_signing_warn(new_signer);
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
    else
        warn_of_signer(&asked, before, now);
    if (code == EXIT_DONE && asked.json)
        code = tool_print_json(json_pack("{s:s, s:s, s:s?}", "useCase", asked.use_case, "inForce",
                                         now, "before", before[0] != '\0' ? before : NULL));
    else if (code == EXIT_DONE && strcmp(before, now) == 0)
        printf("%s: %s is in force, as before\n", asked.use_case, now);
    else if (code == EXIT_DONE)
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

const struct tool_command command_dataset_activate = {
    .name = "dataset activate",
    .synopsis = "VERSION --data DIR [--use-case NAME] [--verify]",
    .summary = "put a version in force, once it is seen to be whole",
    .details = "Headers and sizes are checked, with --verify every byte; then `current` is\n"
               "switched in one step. A running server notices.",
    .options = switch_options,
    .option_count = ARRAY_COUNT(switch_options),
    .run = run_activate,
};

const struct tool_command command_dataset_rollback = {
    .name = "dataset rollback",
    .synopsis = "--data DIR [--use-case NAME] [--verify]",
    .summary = "put back the version that was in force before",
    .details = "Like activate. Once more goes one further back.",
    .options = switch_options,
    .option_count = ARRAY_COUNT(switch_options),
    .run = run_rollback,
};
