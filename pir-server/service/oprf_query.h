/* oprf_query - the question that symmetric PIR begins with, as one request of POST /queries.
 *
 * Which key  that of the version whose configuration id the request names; without an id, as the
 *            reference's client asks, that of the newest. (The reference always takes the newest:
 *            a device with the configuration before would find a wrong proof.)
 * Threads    planned by one, answered by another.
 * Source     spec/service.md section 5, spec/keyword-pir.md section 10.2. */
#ifndef BLINDLIST_SERVICE_OPRF_QUERY_H
#define BLINDLIST_SERVICE_OPRF_QUERY_H

#include "pir-server/oprf/voprf.h"
#include "pir-server/service/catalog.h"
#include "pir-server/wire/wire_requests.h"

struct oprf_query {
    const struct voprf_key *key; /* borrowed from a version; NULL: the request is another one */
    uint8_t element[VOPRF_ELEMENT_BYTES];
    struct voprf_answer answer;
};

/* Copies what it needs. STATUS_INVALID: the use case is not symmetric, or the element has another
 * size; STATUS_STALE_CONFIG: the configuration is not served. */
enum status oprf_query_plan(const struct catalog_use_case *use_case,
                            const struct wire_request *request, struct oprf_query *ret,
                            struct error *err) MUST_CHECK;
/* STATUS_INVALID when the element is none. */
enum status oprf_query_answer(struct oprf_query *query, struct error *err) MUST_CHECK;

#endif
