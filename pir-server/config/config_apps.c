#include "pir-server/config/config_apps.h"

#include "base/mem.h"
#include "pir-server/config/config_field.h"
#include "pir-server/config/settings.h"
#include "pir-server/dataset/dataset.h"
#include "pir-server/store/store_tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSTS_MAX     ((size_t)1000)
#define USE_CASES_MAX ((size_t)10000)
#define PLACE_STEPS   ((size_t)8)

/* ---- one app ---- */

static uint32_t read_limit(const struct json_field *limits, const char *name)
{
    const struct json_field field = json_field_member(limits, name);
    return (uint32_t)json_field_integer(&field, 0, UINT32_MAX, 0);
}

static void read_limits(const struct json_field *limits, struct app_limits *ret)
{
    static const char *const keys[] = {"tokensPerMinute", "tokensPerDay", "queriesUnderWay"};
    json_field_keys(limits, keys, ARRAY_COUNT(keys));
    ret->tokens_per_minute = read_limit(limits, keys[0]);
    ret->tokens_per_day = read_limit(limits, keys[1]);
    ret->queries_under_way = read_limit(limits, keys[2]);
}

static unsigned read_versions(const struct json_field *object, unsigned fallback)
{
    const struct json_field field = json_field_member(object, "versions");
    return (unsigned)json_field_integer(&field, 1, APP_VERSIONS_MAX, fallback);
}

static void read_hosts(const struct json_field *list, struct app_config *ret)
{
    const size_t count = json_field_count(list, HOSTS_MAX);
    const char **hosts = mem_alloc_zeroed(count, sizeof(const char *));
    ret->hosts = hosts;
    if (count > 0 && hosts == NULL)
        config_no_memory(list);
    for (size_t i = 0; i < count && hosts != NULL; i++) {
        const struct json_field item = json_field_item(list, i);
        hosts[ret->host_count++] = config_text(&item, CONFIG_VALUE_MAX_BYTES);
    }
}

/* A name, or an object with more. */
static void read_use_case(const struct json_field *item, struct app_use_case *ret)
{
    static const char *const keys[] = {"name", "versions"};
    if (!json_is_object(item->value)) {
        ret->name = config_text(item, DATASET_USE_CASE_MAX_BYTES);
        return;
    }
    json_field_keys(item, keys, ARRAY_COUNT(keys));
    const struct json_field name = json_field_required(item, "name");
    ret->name = config_text(&name, DATASET_USE_CASE_MAX_BYTES);
    ret->versions_kept = read_versions(item, 0);
}

static void read_use_cases(const struct json_field *list, struct app_config *ret)
{
    const size_t count = json_field_count(list, USE_CASES_MAX);
    struct app_use_case *use_cases = mem_alloc_zeroed(count, sizeof *use_cases);
    ret->use_cases = use_cases;
    if (count > 0 && use_cases == NULL)
        config_no_memory(list);
    for (size_t i = 0; i < count && use_cases != NULL; i++) {
        const struct json_field item = json_field_item(list, i);
        read_use_case(&item, &use_cases[ret->use_case_count++]);
    }
}

/* "" is the name of the only app of a server without "apps". */
static char *read_name(const struct json_field *field)
{
    if (!json_is_string(field->value) || json_string_length(field->value) > 0)
        return config_text(field, STORE_APP_MAX_BYTES);
    char *empty = mem_strdup("");
    if (empty == NULL)
        config_no_memory(field);
    return empty;
}

static void read_app(const struct json_field *object, struct config_app *ret)
{
    static const char *const keys[] = {"name",  "hosts", "useCases", "versions",    "maxAge",
                                       "grace", "auth",  "reports",  "reportsSize", "limits"};
    const struct setting_row *auth_row = &setting_table[SETTING_AUTH];
    const struct setting_row *size_row = &setting_table[SETTING_REPORTS_SIZE];
    struct app_config *app = &ret->app;
    *app = app_config_default();
    app->name = NULL;
    json_field_keys(object, keys, ARRAY_COUNT(keys));
    const struct json_field name = json_field_required(object, "name");
    const struct json_field hosts = json_field_member(object, "hosts");
    const struct json_field use_cases = json_field_member(object, "useCases");
    const struct json_field max_age = json_field_member(object, "maxAge");
    const struct json_field grace = json_field_member(object, "grace");
    const struct json_field auth = json_field_member(object, auth_row->field);
    const struct json_field reports = json_field_member(object, "reports");
    const struct json_field size = json_field_member(object, size_row->field);
    const struct json_field limits = json_field_member(object, "limits");
    app->name = read_name(&name);
    read_hosts(&hosts, app);
    read_use_cases(&use_cases, app);
    app->versions_kept = read_versions(object, app->versions_kept);
    app->max_age_s = (uint32_t)json_field_duration(&max_age, 0, APP_MAX_AGE_MAX_S, app->max_age_s);
    app->grace_s = (uint32_t)json_field_duration(&grace, 0, APP_MAX_AGE_MAX_S, app->grace_s);
    ret->says_tokens = auth.value != NULL;
    app->needs_tokens = settings_way_has_tokens(
        auth_row->choices[json_field_choice(&auth, auth_row->choices, auth_row->choice_count, 0)]);
    app->reports = config_path(&reports);
    app->reports_bytes = json_field_size(&size, size_row->least * size_row->unit,
                                         size_row->most * size_row->unit, app->reports_bytes);
    read_limits(&limits, &app->limits);
}

static void deinit_app(struct app_config *app)
{
    for (size_t i = 0; i < app->host_count; i++)
        mem_free((void *)(uintptr_t)app->hosts[i]);
    for (size_t i = 0; i < app->use_case_count; i++)
        mem_free((void *)(uintptr_t)app->use_cases[i].name);
    mem_free((void *)(uintptr_t)app->hosts);
    mem_free((void *)(uintptr_t)app->use_cases);
    mem_free((void *)(uintptr_t)app->reports);
    mem_free((void *)(uintptr_t)app->name);
}

/* ---- what app_list_new() says ---- */

/* One step of a place, ".name" or "[index]" and behind a name that stands first; false at the end
 * of the place. */
static bool next_step(const char **at, char *name, size_t name_size, size_t *index)
{
    size_t size = 0;
    if (**at == '[') {
        char *end;
        *index = strtoul(*at + 1, &end, 10);
        *at = *end == ']' ? end + 1 : end;
        name[0] = '\0';
        return true;
    }
    if (**at == '.')
        ++*at;
    while (((*at)[size] >= 'a' && (*at)[size] <= 'z') || ((*at)[size] >= 'A' && (*at)[size] <= 'Z'))
        size++;
    if (size == 0 || size >= name_size)
        return false;
    memcpy(name, *at, size);
    name[size] = '\0';
    *at += size;
    return true;
}

/* "apps[1].hosts[0]: MESSAGE" becomes a message about that field. `apps` is the array. */
static void note_place(const struct json_field *apps, enum status status, const struct error *said)
{
    char names[PLACE_STEPS][32];
    struct json_field fields[PLACE_STEPS];
    struct error rest = {.status = status};
    const char *at = said->message;
    size_t count = 0;
    size_t index = 0;
    char first[32];
    if (strncmp(at, "apps[", 5) != 0 || !next_step(&at, first, sizeof first, &index)) {
        json_field_note(apps, status, said);
        return;
    }
    fields[count++] = *apps;
    while (count < PLACE_STEPS && next_step(&at, names[count], sizeof names[count], &index)) {
        fields[count] = names[count][0] != '\0'
                            ? json_field_member(&fields[count - 1], names[count])
                            : json_field_item(&fields[count - 1], index);
        count++;
    }
    (void)snprintf(rest.message, sizeof rest.message, "%s",
                   strncmp(at, ": ", 2) == 0 ? at + 2 : at);
    json_field_note(&fields[count - 1], status, &rest);
}

/* ---- all of them ---- */

void config_apps_read(const struct json_field *apps, struct config_apps *ret)
{
    const struct app_list *list = NULL;
    struct error said;
    *ret = (struct config_apps){0};
    const size_t count = json_field_count(apps, APPS_MAX);
    if (apps->value != NULL && count == 0)
        json_field_refuse(apps, "is empty: leave it out, or name an app");
    if (count == 0)
        return;
    ret->list = mem_alloc_zeroed(count, sizeof *ret->list);
    if (ret->list == NULL) {
        config_no_memory(apps);
        return;
    }
    for (size_t i = 0; i < count && apps->reader->status == STATUS_OK; i++) {
        const struct json_field object = json_field_item(apps, i);
        read_app(&object, &ret->list[ret->count++]);
    }
    if (apps->reader->status != STATUS_OK)
        return;
    const enum status status = config_apps_list(ret, true, &list, &said);
    if (status != STATUS_OK)
        note_place(apps, status, &said);
    app_list_unref(list);
}

void config_apps_deinit(struct config_apps *apps)
{
    for (size_t i = 0; i < apps->count; i++)
        deinit_app(&apps->list[i].app);
    mem_free(apps->list);
    *apps = (struct config_apps){0};
}

enum status config_apps_list(const struct config_apps *apps, bool needs_tokens,
                             const struct app_list **ret, struct error *err)
{
    struct app_config *list = mem_alloc(apps->count, sizeof *list);
    if (list == NULL)
        return error_set(err, STATUS_NOMEM, "apps: out of memory");
    for (size_t i = 0; i < apps->count; i++) {
        list[i] = apps->list[i].app;
        if (!apps->list[i].says_tokens)
            list[i].needs_tokens = needs_tokens;
    }
    const enum status status = app_list_new(list, apps->count, ret, err);
    mem_free(list);
    return status;
}
