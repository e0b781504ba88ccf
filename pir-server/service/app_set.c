#include "pir-server/service/app_set.h"

#include "base/mem.h"
#include "base/span.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The counter stays out of the header: nobody else touches it. */
struct counted_set {
    struct app_set set; /* first */
    atomic_size_t references;
};

/* What several sets may have: one of both. */
struct app_holder {
    struct kept_keys *issuer;
    struct report_log *reports;
    atomic_size_t references;
};

/* ---- what is shared ---- */

static struct app_holder *holder_new(void)
{
    struct app_holder *holder = mem_alloc_zeroed(1, sizeof *holder);
    if (holder != NULL)
        atomic_init(&holder->references, 1);
    return holder;
}

static struct app_holder *holder_ref(struct app_holder *holder)
{
    atomic_fetch_add(&holder->references, 1);
    return holder;
}

static void holder_unref(struct app_holder *holder)
{
    if (holder == NULL || atomic_fetch_sub(&holder->references, 1) != 1)
        return;
    kept_keys_free(holder->issuer);
    report_log_close(holder->reports);
    mem_free(holder);
}

/* ---- sets ---- */

static struct counted_set *counted_of(const struct app_set *set)
{
    return (struct counted_set *)(uintptr_t)set;
}

const struct app_set *app_set_ref(const struct app_set *set)
{
    atomic_fetch_add(&counted_of(set)->references, 1);
    return set;
}

void app_set_unref(const struct app_set *set)
{
    if (set == NULL || atomic_fetch_sub(&counted_of(set)->references, 1) != 1)
        return;
    for (size_t i = 0; i < set->app_count; i++) {
        catalog_unref(set->apps[i].catalog);
        app_counters_unref(set->apps[i].counters);
        holder_unref(set->apps[i].held_issuer);
        holder_unref(set->apps[i].held_reports);
    }
    mem_free(set->apps);
    app_list_unref(set->list);
    mem_free(counted_of(set));
}

const struct served_app *app_set_find_host(const struct app_set *set, const char *host)
{
    const size_t index = app_list_find_host(set->list, host);
    return index == APP_NONE ? NULL : &set->apps[index];
}

size_t app_set_use_case_count(const struct app_set *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->app_count; i++)
        count += set->apps[i].catalog->use_case_count;
    return count;
}

static const struct served_app *find_name(const struct app_set *set, const char *name)
{
    const size_t index = set == NULL ? APP_NONE : app_list_find_name(set->list, name);
    return index == APP_NONE ? NULL : &set->apps[index];
}

const struct catalog_use_case *app_set_find_use_case(const struct app_set *set, const char *name)
{
    unsigned versions_kept = 0;
    const size_t index = app_list_find_use_case(set->list, name, &versions_kept);
    return index == APP_NONE ? NULL : catalog_find(set->apps[index].catalog, span_of_text(name));
}

/* ---- which use cases ---- */

static int compare_parts(const void *a, const void *b)
{
    return strcmp(((const struct catalog_part *)a)->name, ((const struct catalog_part *)b)->name);
}

/* What app `index` is to serve: the use cases that it names, or of those in the folder the ones
 * that no app does.
 *   ret  [more than use cases that it names, and names in the folder] */
static size_t choose_parts(const struct app_set *set, size_t index, const struct app_set *old,
                           const struct folder_names *names, struct catalog_part *ret)
{
    const struct app_config *config = set->apps[index].config;
    size_t count = 0;
    for (size_t i = 0; i < config->use_case_count; i++)
        ret[count++] = (struct catalog_part){.name = config->use_cases[i].name,
                                             .versions_kept = config->use_cases[i].versions_kept};
    for (size_t i = 0; config->use_case_count == 0 && i < names->count; i++) {
        unsigned versions_kept = 0;
        if (app_list_find_use_case(set->list, names->list[i], &versions_kept) == index)
            ret[count++] =
                (struct catalog_part){.name = names->list[i], .versions_kept = versions_kept};
    }
    qsort(ret, count, sizeof *ret, compare_parts);
    for (size_t i = 0; i < count; i++)
        ret[i].before = old == NULL ? NULL : app_set_find_use_case(old, ret[i].name);
    return count;
}

static enum status load_catalog(const struct app_source *source, struct app_set *set, size_t index,
                                const struct app_set *old, const struct folder_names *names,
                                bool is_strict, size_t *failed, struct error *err)
{
    struct served_app *app = &set->apps[index];
    const struct served_app *before = find_name(old, app->config->name);
    const size_t most = app->config->use_case_count + names->count;
    struct catalog_part *parts = mem_alloc_zeroed(most, sizeof *parts);
    struct error why = {0};
    size_t missing = 0;
    if (parts == NULL)
        return error_set(err, STATUS_NOMEM, "apps: out of memory");
    const struct catalog_wish wish = {.parts = parts,
                                      .count = choose_parts(set, index, old, names, parts),
                                      .keep_s =
                                          (uint64_t)app->config->max_age_s + app->config->grace_s,
                                      .is_strict = is_strict};
    const enum status status =
        catalog_load(&source->catalogs, &wish, &app->catalog, &missing, &why);
    mem_free(parts);
    *failed += missing;
    if (status == STATUS_OK) {
        if (app->catalog->due_s < set->due_s)
            set->due_s = app->catalog->due_s;
        return STATUS_OK;
    }
    if (is_strict || before == NULL || status == STATUS_NOMEM || app_list_count(set->list) == 1) {
        if (err != NULL)
            *err = why;
        return app->config->name[0] == '\0'
                   ? status
                   : error_prefix(err, status, "app %s", app->config->name);
    }
    /* The others go on. */
    log_write(source->catalogs.log, LOG_ERROR, "app=%s stays as it was: %s", app->config->name,
              why.message);
    ++*failed;
    app->catalog = catalog_ref(before->catalog);
    return STATUS_OK;
}

static void log_gone(const struct app_set *old, const struct app_set *set, const struct log *log)
{
    for (size_t i = 0; old != NULL && i < old->app_count; i++) {
        const struct catalog *catalog = old->apps[i].catalog;
        if (find_name(set, old->apps[i].config->name) == NULL)
            log_write(log, LOG_INFO, "app=%s is no longer served", old->apps[i].config->name);
        for (size_t k = 0; k < catalog->use_case_count; k++) {
            if (app_set_find_use_case(set, catalog->use_cases[k].name) == NULL)
                log_write(log, LOG_INFO, "dataset use_case=%s is no longer there, no longer served",
                          catalog->use_cases[k].name);
        }
    }
}

/* ---- what an app has besides ---- */

static enum status open_counters(struct app_set *set, struct served_app *app,
                                 const struct served_app *before, struct error *err)
{
    app->serial = before != NULL ? before->serial : ++set->last_serial;
    app->counters = before != NULL ? app_counters_ref(before->counters) : app_counters_new();
    return app->counters != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "apps: out of memory");
}

static enum status open_issuer(const struct app_source *source, struct served_app *app,
                               const struct served_app *before, struct error *err)
{
    const struct kept_keys_options options = {.kind = &issuer_kept_keys,
                                              .store = source->store,
                                              .app = app->config->name,
                                              .seal = source->seal,
                                              .spans = source->token_keys,
                                              .log = source->catalogs.log};
    if (!app->config->needs_tokens)
        return STATUS_OK;
    enum status status = STATUS_OK;
    if (before != NULL && before->held_issuer != NULL) {
        app->held_issuer = holder_ref(before->held_issuer);
    } else {
        app->held_issuer = holder_new();
        status = app->held_issuer == NULL ? error_set(err, STATUS_NOMEM, "apps: out of memory")
                                          : kept_keys_new(&options, source->catalogs.now_s,
                                                          &app->held_issuer->issuer, err);
    }
    if (status == STATUS_OK)
        app->issuer = app->held_issuer->issuer;
    return status;
}

static struct app_holder *find_reports(const struct app_set *set, const char *folder)
{
    for (size_t i = 0; set != NULL && i < set->app_count; i++) {
        const struct served_app *app = &set->apps[i];
        if (app->reports != NULL && strcmp(app->config->reports, folder) == 0)
            return app->held_reports;
    }
    return NULL;
}

static enum status open_reports(struct served_app *app, const struct app_set *old,
                                struct error *err)
{
    const struct app_config *config = app->config;
    if (config->reports == NULL)
        return STATUS_OK;
    struct app_holder *before = find_reports(old, config->reports);
    enum status status = STATUS_OK;
    if (before != NULL) {
        app->held_reports = holder_ref(before);
    } else {
        app->held_reports = holder_new();
        status = app->held_reports == NULL
                     ? error_set(err, STATUS_NOMEM, "apps: out of memory")
                     : report_log_open(config->reports, REPORT_LOG_FILE_BYTES,
                                       config->reports_bytes, &app->held_reports->reports, err);
    }
    if (status == STATUS_OK)
        app->reports = app->held_reports->reports;
    return status;
}

/* ---- loading ---- */

static enum status set_new(const struct app_list *list, const struct app_set *old,
                           struct app_set **ret, struct error *err)
{
    const size_t count = app_list_count(list);
    struct counted_set *counted = mem_alloc_zeroed(1, sizeof *counted);
    struct served_app *apps = mem_alloc_zeroed(count, sizeof *apps);
    if (counted == NULL || apps == NULL) {
        mem_free(counted);
        mem_free(apps);
        return error_set(err, STATUS_NOMEM, "apps: out of memory");
    }
    atomic_init(&counted->references, 1);
    counted->set = (struct app_set){.apps = apps,
                                    .app_count = count,
                                    .list = app_list_ref(list),
                                    .due_s = CATALOG_NEVER,
                                    .last_serial = old == NULL ? 0 : old->last_serial};
    for (size_t i = 0; i < count; i++) {
        apps[i].config = app_list_get(list, i);
        snprintf(apps[i].cache_control, sizeof apps[i].cache_control, "public, max-age=%" PRIu32,
                 apps[i].config->max_age_s);
    }
    *ret = &counted->set;
    return STATUS_OK;
}

static enum status fill(const struct app_source *source, struct app_set *set,
                        const struct app_set *old, bool is_strict, size_t *failed,
                        struct error *err)
{
    struct folder_names names = {0};
    enum status status = dataset_list(source->catalogs.data, &names, err);
    for (size_t i = 0; status == STATUS_OK && i < set->app_count; i++)
        status = load_catalog(source, set, i, old, &names, is_strict, failed, err);
    folder_names_deinit(&names);
    for (size_t i = 0; status == STATUS_OK && i < set->app_count; i++) {
        struct served_app *app = &set->apps[i];
        const struct served_app *before = find_name(old, app->config->name);
        status = open_counters(set, app, before, err);
        if (status == STATUS_OK)
            status = open_reports(app, old, err);
        if (status == STATUS_OK)
            status = open_issuer(source, app, before, err);
    }
    return status;
}

enum status app_set_load(const struct app_source *source, const struct app_list *list,
                         const struct app_set *old, bool is_strict, const struct app_set **ret,
                         size_t *ret_failed, struct error *err)
{
    struct app_set *set = NULL;
    size_t failed = 0;
    enum status status = set_new(list, old, &set, err);
    if (status == STATUS_OK)
        status = fill(source, set, old, is_strict, &failed, err);
    if (status != STATUS_OK) {
        app_set_unref(set);
        return status;
    }
    for (size_t i = 0; i < set->app_count; i++) {
        if (set->apps[i].reports != NULL)
            report_log_limit(set->apps[i].reports, set->apps[i].config->reports_bytes);
    }
    log_gone(old, set, source->catalogs.log);
    *ret_failed = failed;
    *ret = set;
    return STATUS_OK;
}

void app_set_tend(const struct app_set *set, uint64_t now_s, const struct log *log)
{
    for (size_t i = 0; i < set->app_count; i++) {
        struct error error;
        if (set->apps[i].issuer != NULL &&
            kept_keys_tend(set->apps[i].issuer, now_s, &error) != STATUS_OK)
            log_write(log, LOG_ERROR, "issuer keys not tended app=%s: %s",
                      set->apps[i].config->name, error.message);
    }
}
