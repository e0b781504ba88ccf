/* wire_query - EncryptedIndices (a query) and PIRResponse (its answer).
 *
 * The bytes are the whole message: a file of the offline commands, or a `query` or `pir_response`
 * field of wire_requests.h.
 *
 * Errors   STATUS_MALFORMED for a wrong number of ciphertexts, indices, replies or chunks, and for
 *          whatever bfv_serial.h refuses; messages name the ciphertext, never its contents.
 * Threads  any. Source  keyword-pir.md sections 6 and 7; bfv.md section 6.2. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_WIRE_QUERY_H
#define BLINDLIST_PIR_SERVER_WIRE_WIRE_QUERY_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"

struct bfv_context;
struct bfv_ciphertext;
struct bfv_seeded;

/* Server: the ciphertexts of a query.
 *   ciphertext_count  what the shard's layout asks for, exactly
 *   index_count       the same for num_pir_calls (the batch size)
 *   ret  [ciphertext_count], each made by the caller: 2 polynomials, L moduli, coefficient form */
enum status wire_query_read(const struct bfv_context *context, struct span in,
                            size_t ciphertext_count, uint64_t index_count,
                            struct bfv_ciphertext *ret, struct error *err) MUST_CHECK;
/* Client: appends the message. */
enum status wire_query_write(const struct bfv_seeded *ciphertexts, size_t ciphertext_count,
                             uint64_t index_count, struct bytes *ret, struct error *err) MUST_CHECK;

/* Server: appends the answer.
 *   ciphertexts  [reply_count][chunk_count], 2 polynomials over q_0, coefficient form; written with
 *                the skips of bfv_response_skips() and correction factor 1 */
enum status wire_response_write(const struct bfv_context *context,
                                const struct bfv_ciphertext *ciphertexts, size_t reply_count,
                                size_t chunk_count, struct bytes *ret,
                                struct error *err) MUST_CHECK;
/* Client: exactly reply_count replies of chunk_count ciphertexts.
 *   ret  [reply_count][chunk_count], each made by the caller: 2 polynomials, 1 modulus, coefficient
 *        form
 * A response with a stash is STATUS_UNSUPPORTED: what it hides or overrides would be missed. */
enum status wire_response_read(const struct bfv_context *context, struct span in,
                               size_t reply_count, size_t chunk_count, struct bfv_ciphertext *ret,
                               struct error *err) MUST_CHECK;

#endif
