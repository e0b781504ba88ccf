#include "pir-server/config/config.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/config/config_field.h"

#include <string.h>

static void take(struct settings *settings, enum setting setting, char *text)
{
    if (text != NULL)
        settings_take_text(settings, setting, text);
}

/* A state may be a database, which is found by no path. */
static bool names_file(const struct json_field *field)
{
    const char *text = json_string_value(field->value);
    return text == NULL || store_is_file(text);
}

static void read_setting(const struct json_field *field, enum setting setting,
                         struct settings *settings)
{
    const struct setting_row *row = &setting_table[setting];
    const uint64_t least = row->least * row->unit;
    const uint64_t most = row->most * row->unit;
    switch (row->kind) {
    case SETTING_IS_TEXT:
        take(settings, setting, config_text(field, CONFIG_VALUE_MAX_BYTES));
        break;
    case SETTING_IS_PATH:
        take(settings, setting,
             setting == SETTING_STATE && !names_file(field)
                 ? config_text(field, CONFIG_PATH_MAX_BYTES)
                 : config_path(field));
        break;
    case SETTING_IS_CHOICE:
        settings_set_text(
            settings, setting,
            row->choices[json_field_choice(field, row->choices, row->choice_count, 0)]);
        break;
    case SETTING_IS_SWITCH:
        settings_set_switch(settings, setting, json_field_flag(field, false));
        break;
    case SETTING_IS_NUMBER:
        settings_set_number(settings, setting, json_field_integer(field, least, most, least));
        break;
    case SETTING_IS_SIZE:
        settings_set_number(settings, setting, json_field_size(field, least, most, least));
        break;
    case SETTING_IS_DURATION:
        settings_set_number(settings, setting, json_field_duration(field, least, most, least));
        break;
    }
}

/* A file of ours. */
static void read_own(const struct json_field *root, struct config *config)
{
    const char *names[SETTING_COUNT + 1];
    for (size_t i = 0; i < SETTING_COUNT; i++)
        names[i] = setting_table[i].field;
    names[SETTING_COUNT] = "apps";
    json_field_keys(root, names, ARRAY_COUNT(names));
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct json_field field = json_field_member(root, names[i]);
        if (field.value != NULL)
            read_setting(&field, (enum setting)i, &config->settings);
    }
    const struct json_field apps = json_field_member(root, "apps");
    config_apps_read(&apps, &config->drafts);
    if (config->drafts.count > 0 && config->settings.reports != NULL) {
        const struct json_field reports = json_field_member(root, "reports");
        json_field_refuse(&reports, "with apps, each names a folder of its own");
    }
}

/* The reference's: what it imports lies beside the file. */
static void read_reference(const struct json_field *root, struct config *config)
{
    struct settings *settings = &config->settings;
    reference_config_read(root, &config->reference);
    if (config->reference == NULL)
        return;
    const json_t *name = json_string(REFERENCE_DATA_NAME);
    const struct json_field data = {
        .reader = root->reader, .value = name, .parent = root, .name = "data"};
    if (name == NULL)
        config_no_memory(root);
    else
        take(settings, SETTING_DATA, config_path(&data));
    json_decref((json_t *)(uintptr_t)name);
    settings->reports = config->reference->reports;
}

enum status config_parse(const char *path, struct span text, struct config **ret, struct error *err)
{
    struct json_reader reader = {.file = path, .text = text, .err = err};
    json_t *document = NULL;
    struct config *config = mem_alloc_zeroed(1, sizeof *config);
    if (config == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", path);
    settings_init(&config->settings);
    const enum status status = json_field_load(path, text, &document, err);
    if (status != STATUS_OK) {
        config_free(config);
        return status;
    }
    const struct json_field root = json_field_root(&reader, document);
    json_field_object(&root);
    config->path = mem_strdup(path);
    if (config->path == NULL)
        config_no_memory(&root);
    if (reference_config_is_one(&root))
        read_reference(&root, config);
    else
        read_own(&root, config);
    json_decref(document);
    if (reader.status == STATUS_OK)
        *ret = config;
    else
        config_free(config);
    return reader.status;
}

enum status config_new(const char *path, struct config **ret, struct error *err)
{
    if (path == NULL) {
        struct config *config = mem_alloc_zeroed(1, sizeof *config);
        if (config == NULL)
            return error_set(err, STATUS_NOMEM, "configuration: out of memory");
        settings_init(&config->settings);
        *ret = config;
        return STATUS_OK;
    }
    struct bytes text;
    bytes_init(&text, CONFIG_FILE_MAX_BYTES);
    enum status status = file_read(path, &text, err);
    if (status == STATUS_OK)
        status = config_parse(path, bytes_view(&text), ret, err);
    bytes_deinit_secret(&text); /* user tokens of a reference's file */
    return status;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    app_list_unref(config->apps);
    reference_config_free(config->reference);
    config_apps_deinit(&config->drafts);
    settings_deinit(&config->settings);
    mem_free(config->path);
    mem_free(config);
}

/* ---- the apps that follow ---- */

/* What a server without apps in its file serves. */
static struct app_config default_app(const struct settings *settings)
{
    struct app_config app = app_config_default();
    app.needs_tokens = settings_have_tokens(settings);
    app.reports = settings->reports;
    app.reports_bytes = settings->reports_bytes;
    return app;
}

static unsigned versions_kept(const struct reference_use_case *use_case)
{
    return (unsigned)(use_case->version_count < APP_VERSIONS_MAX ? use_case->version_count
                                                                 : APP_VERSIONS_MAX);
}

/* One app with the use cases that are not removed. */
static enum status list_reference(const struct config *config, const struct app_list **ret,
                                  struct error *err)
{
    const struct reference_config *reference = config->reference;
    struct app_config app = default_app(&config->settings);
    struct app_use_case *use_cases = mem_alloc(reference->use_case_count, sizeof *use_cases);
    if (use_cases == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", config->path);
    for (size_t i = 0; i < reference->use_case_count; i++) {
        const struct reference_use_case *from = &reference->use_cases[i];
        if (from->version_count > 0)
            use_cases[app.use_case_count++] =
                (struct app_use_case){.name = from->name, .versions_kept = versions_kept(from)};
    }
    app.use_cases = use_cases;
    const enum status status = app_list_new(&app, 1, ret, err);
    mem_free(use_cases);
    return status;
}

static enum status list_apps(const struct config *config, const struct app_list **ret,
                             struct error *err)
{
    const struct app_config only = default_app(&config->settings);
    if (config->reference != NULL)
        return list_reference(config, ret, err);
    if (config->drafts.count > 0)
        return config_apps_list(&config->drafts, only.needs_tokens, ret, err);
    return app_list_new(&only, 1, ret, err);
}

enum status config_settle(struct config *config, struct error *err)
{
    if (config->drafts.count > 0 && config->settings.reports != NULL)
        return error_set(err, STATUS_INVALID,
                         "--reports: with apps, each names a folder of its own");
    const enum status status = settings_check(&config->settings, err);
    return status == STATUS_OK ? list_apps(config, &config->apps, err) : status;
}
