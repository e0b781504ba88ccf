/* blindlist-server --check-config: each thing by itself, so that all that is wrong is told. */
#include "base/cpu.h"
#include "base/mem.h"
#include "pir-server/configure.h"
#include "pir-server/dataset/dataset.h"
#include "pir-server/dataset/dataset_import.h"
#include "pir-server/privacypass/key_seal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct checking {
    const struct config *config;
    size_t faults;
};

static void note(struct checking *checking, enum status status, const struct error *error)
{
    if (status == STATUS_OK)
        return;
    checking->faults++;
    printf("%s\n", error->message);
}

/* A folder of reports, an app's data: what is written to must be there. */
static void check_folder(struct checking *checking, const char *path)
{
    struct error error;
    struct stat info;
    if (stat(path, &info) != 0)
        note(checking, error_set_errno(&error, errno, "%s", path), &error);
    else if (!S_ISDIR(info.st_mode))
        note(checking, error_set(&error, STATUS_INVALID, "%s: is no folder", path), &error);
    else if (access(path, W_OK) != 0)
        note(checking, error_set_errno(&error, errno, "%s", path), &error);
}

static void check_key_file(struct checking *checking, const char *path)
{
    struct key_seal seal;
    struct error error;
    if (path == NULL)
        return;
    note(checking, key_seal_read(path, &seal, &error), &error);
    key_seal_wipe(&seal);
}

static void check_dataset(struct checking *checking, const char *use_case)
{
    struct dataset *dataset = NULL;
    struct error error;
    enum status status =
        dataset_open(checking->config->settings.data, use_case, 0, &dataset, &error);
    if (status == STATUS_OK)
        status = dataset_check_sizes(dataset, &error);
    note(checking, status, &error);
    dataset_free(dataset);
}

/* Those that an app names, whether they are there or not. */
static void check_named(struct checking *checking, const struct app_config *app)
{
    for (size_t i = 0; i < app->use_case_count; i++)
        check_dataset(checking, app->use_cases[i].name);
}

/* The others, which belong to the app that names none. */
static void check_rest(struct checking *checking, const struct app_config *app)
{
    const struct config *config = checking->config;
    struct folder_names names = {0};
    struct error error;
    size_t count = 0;
    unsigned ignored;
    enum status status = dataset_list(config->settings.data, &names, &error);
    for (size_t i = 0; i < names.count && status == STATUS_OK; i++) {
        const size_t owner = app_list_find_use_case(config->apps, names.list[i], &ignored);
        if (owner == APP_NONE || app_list_get(config->apps, owner) != app)
            continue;
        check_dataset(checking, names.list[i]);
        count++;
    }
    if (status == STATUS_OK && count == 0)
        status =
            error_set(&error, STATUS_NOT_FOUND, "%s: no dataset in it%s%s", config->settings.data,
                      app->name[0] != '\0' ? " for the app " : "", app->name);
    note(checking, status, &error);
    folder_names_deinit(&names);
}

static void check_apps(struct checking *checking)
{
    const struct app_list *apps = checking->config->apps;
    for (size_t i = 0; i < app_list_count(apps); i++) {
        const struct app_config *app = app_list_get(apps, i);
        if (app->reports != NULL)
            check_folder(checking, app->reports);
        if (checking->config->reference != NULL)
            continue;
        if (app->use_case_count > 0)
            check_named(checking, app);
        else
            check_rest(checking, app);
    }
}

static void check_imports(struct checking *checking, const struct reference_config *reference)
{
    for (size_t i = 0; i < reference->use_case_count; i++) {
        const struct reference_use_case *use_case = &reference->use_cases[i];
        const struct dataset_import import = {.use_case = use_case->name,
                                              .stem = use_case->stem,
                                              .shard_count = use_case->shard_count,
                                              .symmetric_key = use_case->symmetric_key};
        struct error error;
        if (use_case->version_count > 0)
            note(checking, dataset_import_check(&import, NULL, &error), &error);
    }
}

/* What a message of configure() means for the exit code. */
static int refuse(const struct options *options, enum status status, const struct error *error)
{
    if (options->config == NULL)
        return options_usage_error("%s", error->message);
    const bool is_fault = status == STATUS_INVALID || status == STATUS_MALFORMED ||
                          status == STATUS_UNSUPPORTED || status == STATUS_TOO_LARGE;
    if (is_fault)
        puts(error->message);
    else
        fprintf(stderr, "blindlist-server: %s\n", error->message);
    return is_fault ? OPTIONS_NO : OPTIONS_FAILED;
}

int configure_check(const struct options *options)
{
    struct config *config = NULL;
    struct error error;
    const enum status status = configure(options, &config, &error);
    if (status != STATUS_OK)
        return refuse(options, status, &error);
    struct checking checking = {.config = config};
    note(&checking, cpu_force_kernel(config->settings.kernel, &error), &error);
    check_key_file(&checking, config->settings.key_file);
    check_apps(&checking);
    if (config->reference != NULL)
        check_imports(&checking, config->reference);
    if (checking.faults == 0)
        printf("%s: good\n", options->config != NULL ? options->config : "configuration");
    config_free(config);
    if (fflush(stdout) != 0)
        return OPTIONS_FAILED;
    return checking.faults == 0 ? OPTIONS_DONE : OPTIONS_NO;
}
