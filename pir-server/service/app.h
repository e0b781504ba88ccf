/* app - the apps (customers) of a server, as they are configured.
 *
 * App      what one customer has of a server: host names, use cases, issuer keys, user tokens,
 *          evaluation keys, limits, reports and figures. A request belongs to the app that has its
 *          Host; nothing of one app opens anything of another. With one app there is nothing to
 *          configure: app_config_default() serves all under every host.
 * Rules    app_list_new() checks them all, so that whoever reads a configuration need not:
 *          - names are distinct: letters, digits, '.', '_' and '-', at most STORE_APP_MAX_BYTES,
 *            or "", the app of a server without configured apps. Keys and user tokens in the state
 *            are found by it: whoever renames an app makes a new one.
 *          - hosts are distinct in all apps (http_host.h has their spelling); an app without hosts
 *            takes every request that no other takes, and there is at most one
 *          - a use case is of one app only; at most one app names none and has those that are left
 *          - folders of reports are distinct
 *          - versions_kept is in [1, APP_VERSIONS_MAX]; max_age_s and grace_s are at most
 *            APP_MAX_AGE_MAX_S
 * Memory   a list is a copy, shared by references, and never changes.
 * Errors   STATUS_INVALID: the message starts with the place, as "apps[1].hosts[0]: ".
 * Threads  any. */
#ifndef BLINDLIST_SERVICE_APP_H
#define BLINDLIST_SERVICE_APP_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define APP_VERSIONS_KEPT 2
#define APP_VERSIONS_MAX  16
#define APP_MAX_AGE_S     300
#define APP_GRACE_S       600
#define APP_MAX_AGE_MAX_S ((uint32_t)7 * 86400)
#define APPS_MAX          ((size_t)10000)

struct app_use_case {
    const char *name;
    unsigned versions_kept; /* 0: as the app says */
};

struct app_limits {
    /* For user tokens that have no limit of their own; 0 = any number. */
    uint32_t tokens_per_minute;
    uint32_t tokens_per_day;
    /* Bodies of queries under way at a time, so that one app leaves room for the others; beyond it
     * 503. 0 = as many as the server takes. */
    uint32_t queries_under_way;
};

struct app_config {
    const char *name;
    const char *const *hosts; /* [host_count] any spelling; 0: those that no other app has */
    size_t host_count;
    const struct app_use_case *use_cases; /* [use_case_count]; 0: those that no other app names */
    size_t use_case_count;
    /* Versions of a use case with different configurations that devices may ask: so many, and what
     * was replaced for max_age_s + grace_s more in any case. */
    unsigned versions_kept;
    uint32_t max_age_s;     /* for which caches may keep what changes with an update */
    uint32_t grace_s;       /* for clients that have just read it from there */
    bool needs_tokens;      /* requests cost Privacy Pass tokens, which the app issues */
    const char *reports;    /* folder of devices' reports, which exists; NULL: they are dropped */
    uint64_t reports_bytes; /* kept there in all */
    struct app_limits limits;
};

/* Named "", all hosts, all use cases, no tokens, no reports. */
struct app_config app_config_default(void);

struct app_list;
/* Copies, and brings hosts into their one spelling. */
enum status app_list_new(const struct app_config *apps, size_t count, const struct app_list **ret,
                         struct error *err) MUST_CHECK;
const struct app_list *app_list_ref(const struct app_list *list);
void app_list_unref(const struct app_list *list); /* takes NULL */
size_t app_list_count(const struct app_list *list);
/* By index, in the order of the configuration. */
const struct app_config *app_list_get(const struct app_list *list, size_t index);

/* ---- who has what: an index, or APP_NONE ---- */

#define APP_NONE SIZE_MAX

/* host: in its one spelling; "" is nobody's but the default app's. */
size_t app_list_find_host(const struct app_list *list, const char *host);
size_t app_list_find_name(const struct app_list *list, const char *name);
/* ret_versions_kept: set when there is one. */
size_t app_list_find_use_case(const struct app_list *list, const char *use_case,
                              unsigned *ret_versions_kept);

#endif
