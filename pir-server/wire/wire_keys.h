/* wire_keys - SerializedEvaluationKey and SerializedSecretKey.
 *
 * Reading an evaluation key checks all of it (bfv.md section 6.2, "Rules"): every Galois element of
 * the configuration and the relinearization key are there, no element twice, L components each,
 * seeded or full, exact sizes, values below their moduli. Elements that the configuration does not
 * list are skipped unread.
 *
 * Errors   STATUS_MALFORMED the bytes are no key of these parameters; STATUS_NO_KEY a part that the
 *          configuration asks for is missing. Messages name the element and the component.
 * Threads  any. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_WIRE_KEYS_H
#define BLINDLIST_PIR_SERVER_WIRE_WIRE_KEYS_H

#include "base/bytes.h"
#include "base/random.h"
#include "base/span.h"
#include "base/status.h"

struct bfv_context;
struct bfv_evaluation_key;
struct bfv_secret_key;
struct pir_evaluation_key_config;

/* Server: from the bytes of an upload, of a file, or of a key carried along with a request.
 * config == NULL takes every element that is there, as the reference does; whether that is enough
 * for a shard is then asked of pir_answer_check_key(). */
enum status wire_evaluation_key_read(const struct bfv_context *context,
                                     const struct pir_evaluation_key_config *config, struct span in,
                                     struct bfv_evaluation_key **ret, struct error *err) MUST_CHECK;

/* Client: makes the keys that `config` lists, with seeds and noise from `random`, and appends the
 * serialized message. */
enum status wire_evaluation_key_make(const struct bfv_context *context,
                                     const struct pir_evaluation_key_config *config,
                                     const struct bfv_secret_key *secret,
                                     const struct random_source *random, struct bytes *ret,
                                     struct error *err) MUST_CHECK;

/* Client: secret key files. The caller wipes what was written (bytes_deinit_secret()). */
enum status wire_secret_key_read(const struct bfv_context *context, struct span in,
                                 struct bfv_secret_key **ret, struct error *err) MUST_CHECK;
enum status wire_secret_key_write(const struct bfv_secret_key *key, struct bytes *ret,
                                  struct error *err) MUST_CHECK;

#endif
