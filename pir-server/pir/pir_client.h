/* pir_client - the device's side of one look-up: the query, and the verdict from the response.
 *
 *     pir_client_query_new(context, layout, secret, keyword, random, &query, &err)
 *     ... wire/ writes pir_client_query_message(query), the server answers ...
 *     pir_client_read_response(context, layout, secret, keyword, &response, &result, &err)
 *
 * Secret   the keyword and the selectors: pir_client_query_free() wipes them. Reading a response
 *          depends on the keyword and is not hidden from other programs on the device.
 * Threads  one at a time.
 * Source   spec/keyword-pir.md sections 6 and 7.2. */
#ifndef BLINDLIST_PIR_PIR_CLIENT_H
#define BLINDLIST_PIR_PIR_CLIENT_H

#include "base/bytes.h"
#include "base/random.h"
#include "pir-server/bfv/bfv_secret.h"
#include "pir-server/pir/pir_messages.h"
#include "pir-server/pir/pir_parameters.h"

struct pir_client_query;
/* `layout` belongs to the keyword's shard. */
enum status pir_client_query_new(const struct bfv_context *context, const struct pir_layout *layout,
                                 const struct bfv_secret_key *secret, struct span keyword,
                                 const struct random_source *random, struct pir_client_query **ret,
                                 struct error *err) MUST_CHECK;
void pir_client_query_free(struct pir_client_query *query); /* takes NULL */
/* Borrowed from the query. */
const struct pir_query *pir_client_query_message(const struct pir_client_query *query);

struct pir_result {
    bool found;
    struct bytes value;       /* empty when absent */
    double noise_budget_bits; /* least over all ciphertexts; infinite when all are zero */
};
void pir_result_init(struct pir_result *result);
void pir_result_deinit(struct pir_result *result);

/* Decrypts, takes the keyword's bucket out of every reply and looks the keyword up. A response that
 * has another shape or a bucket that does not parse is STATUS_MALFORMED, never "absent". `ret` is
 * initialised. */
enum status pir_client_read_response(const struct bfv_context *context,
                                     const struct pir_layout *layout,
                                     const struct bfv_secret_key *secret, struct span keyword,
                                     const struct pir_response *response, struct pir_result *ret,
                                     struct error *err) MUST_CHECK;

#endif
