/* app_set - the apps that are served: each with its catalog, issuer, report log and counters.
 *
 * A set never changes. A reload makes a new one, whole or not at all, which shares with the one
 * before what stays: versions of datasets (also when a use case moves from app to app), and by the
 * app's name its issuer, its counters and, by their folder, its reports. A request holds a
 * reference to the set until it is answered.
 *
 * Order     datasets first, then what leaves traces: issuer keys are made and report files opened
 *           when all else is good.
 * Threads   a set may be shared; app_set_load() and app_set_tend() belong to the thread that loads.
 */
#ifndef BLINDLIST_SERVICE_APP_SET_H
#define BLINDLIST_SERVICE_APP_SET_H

#include "pir-server/service/app.h"
#include "pir-server/service/app_figures.h"
#include "pir-server/service/catalog.h"
#include "pir-server/service/issuer.h"
#include "pir-server/service/report_log.h"

struct app_holder;

/* One app. All is of the set. */
struct served_app {
    const struct app_config *config; /* of its list */
    const struct catalog *catalog;
    struct kept_keys *issuer;   /* NULL: nobody is asked for a token, and none is issued */
    struct report_log *reports; /* NULL: reports are counted and dropped */
    struct app_counters *counters;
    uint64_t serial;                              /* as long as its name is served; never 0 */
    char cache_control[HTTP_CACHE_CONTROL_BYTES]; /* of what changes with an update */
    struct app_holder *held_issuer;               /* shared with other sets */
    struct app_holder *held_reports;
};

struct app_set {
    struct served_app *apps; /* [app_count] in the order of the list */
    size_t app_count;
    const struct app_list *list;
    uint64_t due_s; /* see struct catalog */
    uint64_t last_serial;
};

struct app_source {
    struct catalog_source catalogs;
    struct store *store;
    const struct key_seal *seal; /* NULL: issuer keys are stored as they are */
    struct key_spans token_keys;
};

/* Makes the set of a list.
 *   old        what is served so far; NULL at the start
 *   is_strict  an app that has nothing to serve, and a use case that is new and cannot be loaded,
 *              are failures; else they are logged and counted in *ret_failed, and what was
 *              served stays
 * On failure nothing has changed; issuer keys that were made stay in the store. */
enum status app_set_load(const struct app_source *source, const struct app_list *list,
                         const struct app_set *old, bool is_strict, const struct app_set **ret,
                         size_t *ret_failed, struct error *err) MUST_CHECK;
const struct app_set *app_set_ref(const struct app_set *set);
void app_set_unref(const struct app_set *set); /* takes NULL */

/* The app that has this host, in its one spelling (http_host.h); NULL. */
const struct served_app *app_set_find_host(const struct app_set *set, const char *host);
/* The use case of this name, of whatever app; NULL. */
const struct catalog_use_case *app_set_find_use_case(const struct app_set *set, const char *name);
size_t app_set_use_case_count(const struct app_set *set);
/* Tends all issuers; what fails is logged. */
void app_set_tend(const struct app_set *set, uint64_t now_s, const struct log *log);

#endif
