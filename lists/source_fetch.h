/* source_fetch - one URL source over HTTPS: asked for conditionally, with limits, retried.
 *
 * Asks     GET with If-None-Match and If-Modified-Since when a copy is known; gzip and zstd are
 *          accepted and left packed (lists/source_text.h unpacks).
 * Limits   SOURCE_REDIRECTS_MAX redirects; https only unless the source allows http; the source's
 *          size; the source's time for all attempts together; SOURCE_STALL_S without progress.
 * Retries  what may pass: no connection, a broken transfer, HTTP 408, 429, 5xx. The first wait is
 *          `retry_wait_ms`, each further one twice as long, or what Retry-After says; never beyond
 *          the source's time. What will not pass (404, TLS, a limit) is not tried again.
 * Trust    the system's certificates, or those of the source's `ca` alone. A user and password in
 *          the URL go to its host only. Proxies are the environment's. No cookies.
 * Privacy  messages hold no URL: the caller puts id and host in front. libcurl's words are passed
 *          on only where they name no more than a host.
 * Threads  any, after curl_global_init().
 * Source   RFC 9110 (conditional requests, Retry-After). */
#ifndef BLINDLIST_LISTS_SOURCE_FETCH_H
#define BLINDLIST_LISTS_SOURCE_FETCH_H

#include "lists/lists_config.h"
#include "lists/source_cache.h"

#define SOURCE_REDIRECTS_MAX     5
#define SOURCE_CONNECT_S         15
#define SOURCE_STALL_S           30
#define SOURCE_RETRY_WAIT_MS     1000
#define SOURCE_RETRY_WAIT_MAX_MS 60000

struct source_answer {
    bool not_modified; /* the copy is current; the rest is empty */
    struct bytes body;
    char *etag; /* NULL = none */
    char *last_modified;
};
void source_answer_deinit(struct source_answer *answer); /* takes a zeroed struct, too */

/*   known          the copy whose validators are sent; NULL = none
 *   retry_wait_ms  SOURCE_RETRY_WAIT_MS, less in tests
 * STATUS_NOT_FOUND (404, 410), STATUS_UNAUTHORIZED (401, 403, 407), STATUS_BUSY (a status that may
 * pass), STATUS_TOO_LARGE, STATUS_INVALID (any other answer), STATUS_IO (no answer, or none whole).
 */
enum status source_fetch(const struct lists_source *source, const struct source_copy *known,
                         uint64_t retry_wait_ms, struct source_answer *ret,
                         struct error *err) MUST_CHECK;

#endif
