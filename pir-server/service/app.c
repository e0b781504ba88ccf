#include "pir-server/service/app.h"

#include "base/mem.h"
#include "pir-server/dataset/dataset.h"
#include "pir-server/service/catalog.h"
#include "pir-server/service/http_host.h"
#include "pir-server/service/report_log.h"
#include "pir-server/store/store_tokens.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Who has something, sorted by what it is. */
struct entry {
    const char *text;
    size_t app;
    size_t item; /* of the app's own array */
};
struct index {
    struct entry *entries;
    size_t count;
};

struct app_list {
    struct app_config *apps;
    size_t count;
    struct index names;
    struct index hosts;
    struct index use_cases;
    size_t rest_of_hosts;     /* the app that has the hosts that no other has, or APP_NONE */
    size_t rest_of_use_cases; /* the same */
    atomic_size_t references;
};

struct app_config app_config_default(void)
{
    return (struct app_config){.name = "",
                               .versions_kept = APP_VERSIONS_KEPT,
                               .max_age_s = APP_MAX_AGE_S,
                               .grace_s = APP_GRACE_S,
                               .reports_bytes = REPORT_LOG_TOTAL_BYTES};
}

/* ---- one app ---- */

static bool name_is_valid(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t size = strlen(name);
    return size <= STORE_APP_MAX_BYTES && strspn(name, letters) == size;
}

static bool versions_are_valid(unsigned count)
{
    static_assert(APP_VERSIONS_MAX <= CATALOG_SHAPES_MAX, "a catalog has room for them");
    return count >= 1 && count <= APP_VERSIONS_MAX;
}

static enum status check_app(const struct app_config *app, size_t index, struct error *err)
{
    if (!name_is_valid(app->name))
        return error_set(err, STATUS_INVALID,
                         "apps[%zu].name: at most %zu letters, digits, '.', '_' and '-'", index,
                         STORE_APP_MAX_BYTES);
    if (!versions_are_valid(app->versions_kept))
        return error_set(err, STATUS_INVALID, "apps[%zu].versions: %u is not from 1 to %d", index,
                         app->versions_kept, APP_VERSIONS_MAX);
    if (app->max_age_s > APP_MAX_AGE_MAX_S)
        return error_set(err, STATUS_INVALID, "apps[%zu].maxAge: %u s is more than %u", index,
                         app->max_age_s, APP_MAX_AGE_MAX_S);
    if (app->grace_s > APP_MAX_AGE_MAX_S)
        return error_set(err, STATUS_INVALID, "apps[%zu].grace: %u s is more than %u", index,
                         app->grace_s, APP_MAX_AGE_MAX_S);
    for (size_t i = 0; i < app->use_case_count; i++) {
        const struct app_use_case *use_case = &app->use_cases[i];
        if (!dataset_use_case_is_valid(use_case->name))
            return error_set(err, STATUS_INVALID, "apps[%zu].useCases[%zu]: no name of a use case",
                             index, i);
        if (use_case->versions_kept != 0 && !versions_are_valid(use_case->versions_kept))
            return error_set(err, STATUS_INVALID,
                             "apps[%zu].useCases[%zu].versions: %u is not from 1 to %d", index, i,
                             use_case->versions_kept, APP_VERSIONS_MAX);
    }
    return STATUS_OK;
}

/* ---- the copy ---- */

static void config_deinit(struct app_config *app)
{
    for (size_t i = 0; app->hosts != NULL && i < app->host_count; i++)
        mem_free((void *)(uintptr_t)app->hosts[i]);
    for (size_t i = 0; app->use_cases != NULL && i < app->use_case_count; i++)
        mem_free((void *)(uintptr_t)app->use_cases[i].name);
    mem_free((void *)(uintptr_t)app->hosts);
    mem_free((void *)(uintptr_t)app->use_cases);
    mem_free((void *)(uintptr_t)app->reports);
    mem_free((void *)(uintptr_t)app->name);
}

/* `ret` is zeroed, and for config_deinit() also on failure. */
static enum status copy_config(const struct app_config *app, size_t index, struct app_config *ret,
                               struct error *err)
{
    const char **hosts = mem_alloc_zeroed(app->host_count, sizeof(const char *));
    struct app_use_case *use_cases = mem_alloc_zeroed(app->use_case_count, sizeof *use_cases);
    *ret = *app;
    ret->name = mem_strdup(app->name);
    ret->reports = app->reports == NULL ? NULL : mem_strdup(app->reports);
    ret->hosts = hosts;
    ret->use_cases = use_cases;
    bool is_whole = hosts != NULL && use_cases != NULL && ret->name != NULL &&
                    (app->reports == NULL || ret->reports != NULL);
    for (size_t i = 0; is_whole && i < app->host_count; i++) {
        char host[HTTP_HOST_BYTES];
        if (!http_host_of_name(app->hosts[i], host))
            return error_set(err, STATUS_INVALID,
                             "apps[%zu].hosts[%zu]: not the name of a host, without port", index,
                             i);
        hosts[i] = mem_strdup(host);
        is_whole = hosts[i] != NULL;
    }
    for (size_t i = 0; is_whole && i < app->use_case_count; i++) {
        use_cases[i] = app->use_cases[i];
        use_cases[i].name = mem_strdup(app->use_cases[i].name);
        if (use_cases[i].versions_kept == 0)
            use_cases[i].versions_kept = app->versions_kept;
        is_whole = use_cases[i].name != NULL;
    }
    return is_whole ? STATUS_OK : error_set(err, STATUS_NOMEM, "apps: out of memory");
}

/* ---- who has what ---- */

static int compare_entries(const void *a, const void *b)
{
    const struct entry *one = a;
    const struct entry *other = b;
    const int order = strcmp(one->text, other->text);
    if (order != 0)
        return order;
    return one->app != other->app ? (one->app > other->app) - (one->app < other->app)
                                  : (one->item > other->item) - (one->item < other->item);
}

static size_t index_find(const struct index *index, const char *text)
{
    size_t low = 0;
    size_t high = index->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(index->entries[middle].text, text);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return APP_NONE;
}

/* Texts of one sort, of all apps. */
struct sort {
    const char *place; /* "hosts" of "apps[0].hosts[1]" */
    bool is_array;     /* "name" has no index */
    size_t (*count)(const struct app_config *app);
    const char *(*get)(const struct app_config *app, size_t item);
};

static size_t count_one(const struct app_config *app)
{
    (void)app;
    return 1;
}
static const char *get_name(const struct app_config *app, size_t item)
{
    (void)item;
    return app->name;
}
static size_t count_reports(const struct app_config *app)
{
    return app->reports != NULL ? 1 : 0;
}
static const char *get_reports(const struct app_config *app, size_t item)
{
    (void)item;
    return app->reports;
}
static size_t count_hosts(const struct app_config *app)
{
    return app->host_count;
}
static const char *get_host(const struct app_config *app, size_t item)
{
    return app->hosts[item];
}
static size_t count_use_cases(const struct app_config *app)
{
    return app->use_case_count;
}
static const char *get_use_case(const struct app_config *app, size_t item)
{
    return app->use_cases[item].name;
}

static const struct sort names = {"name", false, count_one, get_name};
static const struct sort folders = {"reports", false, count_reports, get_reports};
static const struct sort hosts = {"hosts", true, count_hosts, get_host};
static const struct sort use_cases = {"useCases", true, count_use_cases, get_use_case};

static enum status refuse_second(const struct sort *sort, const struct entry *first,
                                 const struct entry *second, struct error *err)
{
    if (sort->is_array)
        return error_set(err, STATUS_INVALID, "apps[%zu].%s[%zu]: %s is of apps[%zu], too",
                         second->app, sort->place, second->item, second->text, first->app);
    return error_set(err, STATUS_INVALID, "apps[%zu].%s: the same as of apps[%zu]", second->app,
                     sort->place, first->app);
}

static enum status index_init(const struct app_list *list, const struct sort *sort,
                              struct index *ret, struct error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += sort->count(&list->apps[i]);
    ret->entries = mem_alloc(count, sizeof *ret->entries);
    if (ret->entries == NULL)
        return error_set(err, STATUS_NOMEM, "apps: out of memory");
    for (size_t i = 0; i < list->count; i++) {
        for (size_t k = 0; k < sort->count(&list->apps[i]); k++)
            ret->entries[ret->count++] =
                (struct entry){.text = sort->get(&list->apps[i], k), .app = i, .item = k};
    }
    qsort(ret->entries, ret->count, sizeof *ret->entries, compare_entries);
    for (size_t i = 1; i < ret->count; i++) {
        if (strcmp(ret->entries[i - 1].text, ret->entries[i].text) == 0)
            return refuse_second(sort, &ret->entries[i - 1], &ret->entries[i], err);
    }
    return STATUS_OK;
}

/* Are texts of this sort distinct? */
static enum status check_distinct(const struct app_list *list, const struct sort *sort,
                                  struct error *err)
{
    struct index index = {0};
    const enum status status = index_init(list, sort, &index, err);
    mem_free(index.entries);
    return status;
}

/* The only app that has none of this sort. */
static enum status find_rest(const struct app_list *list, const struct sort *sort, size_t *ret,
                             struct error *err)
{
    *ret = APP_NONE;
    for (size_t i = 0; i < list->count; i++) {
        if (sort->count(&list->apps[i]) > 0)
            continue;
        if (*ret != APP_NONE)
            return error_set(err, STATUS_INVALID,
                             "apps[%zu].%s: none, as apps[%zu]: only one can "
                             "have what no other has",
                             i, sort->place, *ret);
        *ret = i;
    }
    return STATUS_OK;
}

/* ---- the list ---- */

enum status app_list_new(const struct app_config *apps, size_t count, const struct app_list **ret,
                         struct error *err)
{
    if (count == 0 || count > APPS_MAX)
        return error_set(err, STATUS_INVALID, "apps: %zu are not from 1 to %zu", count, APPS_MAX);
    struct app_list *list = mem_alloc_zeroed(1, sizeof *list);
    if (list == NULL)
        return error_set(err, STATUS_NOMEM, "apps: out of memory");
    atomic_init(&list->references, 1);
    list->apps = mem_alloc_zeroed(count, sizeof *list->apps);
    enum status status =
        list->apps != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "apps: out of memory");
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        status = check_app(&apps[i], i, err);
        if (status == STATUS_OK)
            status = copy_config(&apps[i], list->count++, &list->apps[i], err);
    }
    if (status == STATUS_OK)
        status = index_init(list, &names, &list->names, err);
    if (status == STATUS_OK)
        status = index_init(list, &hosts, &list->hosts, err);
    if (status == STATUS_OK)
        status = index_init(list, &use_cases, &list->use_cases, err);
    if (status == STATUS_OK)
        status = check_distinct(list, &folders, err);
    if (status == STATUS_OK)
        status = find_rest(list, &hosts, &list->rest_of_hosts, err);
    if (status == STATUS_OK)
        status = find_rest(list, &use_cases, &list->rest_of_use_cases, err);
    if (status == STATUS_OK)
        *ret = list;
    else
        app_list_unref(list);
    return status;
}

static struct app_list *own(const struct app_list *list)
{
    return (struct app_list *)(uintptr_t)list; /* the counter changes, and nothing else */
}

const struct app_list *app_list_ref(const struct app_list *list)
{
    atomic_fetch_add(&own(list)->references, 1);
    return list;
}

void app_list_unref(const struct app_list *list)
{
    if (list == NULL || atomic_fetch_sub(&own(list)->references, 1) != 1)
        return;
    for (size_t i = 0; i < list->count; i++)
        config_deinit(&list->apps[i]);
    mem_free(list->apps);
    mem_free(list->names.entries);
    mem_free(list->hosts.entries);
    mem_free(list->use_cases.entries);
    mem_free(own(list));
}

size_t app_list_count(const struct app_list *list)
{
    return list->count;
}

const struct app_config *app_list_get(const struct app_list *list, size_t index)
{
    return &list->apps[index];
}

size_t app_list_find_host(const struct app_list *list, const char *host)
{
    const size_t at = index_find(&list->hosts, host);
    return at != APP_NONE ? list->hosts.entries[at].app : list->rest_of_hosts;
}

size_t app_list_find_name(const struct app_list *list, const char *name)
{
    const size_t at = index_find(&list->names, name);
    return at != APP_NONE ? list->names.entries[at].app : APP_NONE;
}

size_t app_list_find_use_case(const struct app_list *list, const char *use_case,
                              unsigned *ret_versions_kept)
{
    const size_t at = index_find(&list->use_cases, use_case);
    if (at == APP_NONE) {
        if (list->rest_of_use_cases != APP_NONE)
            *ret_versions_kept = list->apps[list->rest_of_use_cases].versions_kept;
        return list->rest_of_use_cases;
    }
    const struct entry *entry = &list->use_cases.entries[at];
    *ret_versions_kept = list->apps[entry->app].use_cases[entry->item].versions_kept;
    return entry->app;
}
