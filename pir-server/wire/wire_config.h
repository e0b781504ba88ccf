/* wire_config - what a server tells devices about its use cases: ConfigRequest, ConfigResponse.
 *
 * Server   a struct wire_config is made once for a dataset version from the parameters of its
 *          shards; it holds both forms of the PIRConfig ready to send, its configuration id and the
 *          key configuration. Constant: shared freely by threads.
 * Client   asks here; what comes back is read by wire_served.h.
 * Source   service.md section 3, wire.md sections 4 to 6. Threads  any. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_WIRE_CONFIG_H
#define BLINDLIST_PIR_SERVER_WIRE_WIRE_CONFIG_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/wire/wire_limits.h"

struct pir_parameters;
struct pir_evaluation_key_config;

/* ---- server: one dataset version ---- */

struct wire_config;
/* shards  [shard_count] the parameters of each shard, in order; equal ones may be one pointer.
 * STATUS_INVALID when encryption, keyword parameters or batch sizes of shards differ (one client
 * configuration cannot say that), STATUS_TOO_LARGE beyond WIRE_SHARDS_MAX or when the Galois
 * elements of all shards together are too many. */
enum status wire_config_new(const struct pir_parameters *const *shards, size_t shard_count,
                            struct wire_config **ret, struct error *err) MUST_CHECK;
void wire_config_free(struct wire_config *config); /* takes NULL */

/* Configuration id: WIRE_CONFIG_ID_BYTES, SHA-256 of the PIRConfig in its newest form. */
const uint8_t *wire_config_id(const struct wire_config *config);
/* Identifier of the key configuration: WIRE_KEY_ID_BYTES. */
const uint8_t *wire_config_key_id(const struct wire_config *config);
/* Union of what the shards need: one key serves all. */
const struct pir_evaluation_key_config *wire_config_key_config(const struct wire_config *config);
/* The serialized PIRConfig, newest form. */
struct span wire_config_serialized(const struct wire_config *config);

/* ---- server: request and response ---- */

struct wire_config_request; /* opaque; owns copies of what it shows */
/* STATUS_INVALID when there are ids, but not as many as use cases; STATUS_MALFORMED also for names
 * that are not UTF-8. */
enum status wire_config_request_read(struct span body, struct wire_config_request **ret,
                                     struct error *err) MUST_CHECK;
void wire_config_request_free(struct wire_config_request *request); /* takes NULL */
/* Use cases named; 0 = all are wanted. */
size_t wire_config_request_count(const struct wire_config_request *request);
/* Name i, as given: names may repeat. */
struct span wire_config_request_use_case(const struct wire_config_request *request, size_t i);
/* The configuration id that the client has for name i; empty when it has none. */
struct span wire_config_request_existing_id(const struct wire_config_request *request, size_t i);

/* A ConfigResponse is an entry for each use case and then a key state for each, one after the
 * other: the parts are written by themselves, and kept. */
enum wire_config_form {
    WIRE_CONFIG_NEWEST,
    WIRE_CONFIG_OLD_PLATFORM, /* below iOS 18.2 and macOS 15.2: shards spelled out */
    WIRE_CONFIG_REUSE,        /* the client has it: says only that */
    WIRE_CONFIG_FORM_COUNT
};
/* Appends the entry of one use case; use cases of a response are distinct. STATUS_UNSUPPORTED for
 * an old platform and a sharding function other than SHA-256. */
enum status wire_config_entry_write(const struct wire_config *config, struct span use_case,
                                    enum wire_config_form form, struct bytes *ret,
                                    struct error *err) MUST_CHECK;
/* Appends a key state.
 *   timestamp  of the key that is stored of this client; 0 = none */
enum status wire_config_key_state_write(const struct wire_config *config, uint64_t timestamp,
                                        struct bytes *ret, struct error *err) MUST_CHECK;

/* ---- client ---- */

/* existing_ids may be NULL: no ids are sent. Empty spans: none for that use case. */
enum status wire_config_request_write(const struct span *use_cases, const struct span *existing_ids,
                                      size_t count, struct bytes *ret,
                                      struct error *err) MUST_CHECK;

#endif
