/* wire_query - EncryptedIndices (a query) and PIRResponse (its answer).
 *
 * The bytes are the whole message: a file of the offline commands, or a `query` or answer of
 * wire_requests.h. Ciphertexts stay bytes in the shape of pir_messages.h; pir/ and bfv/ check and
 * decode them. Here: form, and counts against the limits below.
 *
 * Memory   an opaque object owns copies of what its views show: the bytes may go.
 * Errors   STATUS_MALFORMED, STATUS_TOO_LARGE, STATUS_NOMEM.
 * Threads  any; an object never changes once read.
 * Source   keyword-pir.md sections 6 and 7; bfv.md section 6.2. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_WIRE_QUERY_H
#define BLINDLIST_PIR_SERVER_WIRE_WIRE_QUERY_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/pir/pir_messages.h"

/* The smallest ring of any use takes 2,048 ciphertexts for the selectors of the largest query. */
#define WIRE_QUERY_CIPHERTEXTS_MAX ((size_t)2048)
/* One reply per hash function. */
#define WIRE_REPLIES_MAX ((size_t)64)
/* Ciphertexts of one reply: chunks of the largest entry there can be. */
#define WIRE_REPLY_CHUNKS_MAX ((size_t)16384)

struct wire_query; /* opaque */
enum status wire_query_read(struct span in, struct wire_query **ret, struct error *err) MUST_CHECK;
void wire_query_free(struct wire_query *query); /* takes NULL */
/* Borrowed from the object. */
const struct pir_query *wire_query_get(const struct wire_query *query);
/* Appends the message. */
enum status wire_query_write(const struct pir_query *query, struct bytes *ret,
                             struct error *err) MUST_CHECK;

struct wire_response; /* opaque */
/* A stash with entries is STATUS_UNSUPPORTED: what it hides or overrides would be missed. */
enum status wire_response_read(struct span in, struct wire_response **ret,
                               struct error *err) MUST_CHECK;
void wire_response_free(struct wire_response *response); /* takes NULL */
const struct pir_response *wire_response_get(const struct wire_response *response);
/* Appends the message. Correction factors are written as they are given: 1 in BFV. */
enum status wire_response_write(const struct pir_response *response, struct bytes *ret,
                                struct error *err) MUST_CHECK;

#endif
