/* wire_served - a ConfigResponse as a client takes it: which use cases are served, and how.
 *
 * Both forms of the configuration are read (shards spelled out, or one for all); parameters of
 * single shards are made on demand.
 *
 * Memory   a struct wire_served_list owns everything; a struct wire_served borrows from it.
 * Threads  any; a list never changes once read.
 * Source   service.md section 3, wire.md sections 4 to 6. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_WIRE_SERVED_H
#define BLINDLIST_PIR_SERVER_WIRE_WIRE_SERVED_H

#include "base/span.h"
#include "base/status.h"
#include "pir-server/wire/wire_limits.h"

#include <stdbool.h>

struct pir_parameters;
struct pir_evaluation_key_config;

struct wire_served_list; /* opaque */
/* Takes all of it apart. STATUS_UNSUPPORTED when a member is no PIR configuration or not MulPIR;
 * STATUS_MALFORMED when parts are missing, a use case comes twice, no key state fits the key
 * identifier of a configuration, or counts are out of range. */
enum status wire_served_list_read(struct span body, struct wire_served_list **ret,
                                  struct error *err) MUST_CHECK;
void wire_served_list_free(struct wire_served_list *list); /* takes NULL */
size_t wire_served_list_count(const struct wire_served_list *list);

/* One use case. */
struct wire_served {
    struct span use_case;
    bool reuse;               /* the id sent with the request still holds; nothing below is set */
    struct span config_id;    /* opaque bytes, sent back with queries */
    struct span key_id;       /* identifier for keys: WIRE_KEY_ID_BYTES */
    uint64_t key_timestamp;   /* of the key that the server has, 0 = none */
    size_t shard_count;       /* in [1, WIRE_SHARDS_MAX] */
    bool shards_are_repeated; /* one form for all of them, which iOS knows from 18.2 on */
    const struct wire_served_internal *internal;
};
/* Entry i in [0, count). */
const struct wire_served *wire_served_list_get(const struct wire_served_list *list, size_t i);
/* By name; STATUS_NOT_FOUND when the response has no such use case. */
enum status wire_served_list_find(const struct wire_served_list *list, struct span use_case,
                                  const struct wire_served **ret, struct error *err) MUST_CHECK;

/* When the key was made that the server has for a key configuration, 0 = it has none: of a
 * configuration kept from before, after `reuse`. STATUS_MALFORMED when the response tells nothing
 * of it. */
enum status wire_served_list_key_time(const struct wire_served_list *list, struct span key_id,
                                      uint64_t *ret, struct error *err) MUST_CHECK;

/* What keys have to contain, the same for all shards. NULL with `reuse`. */
const struct pir_evaluation_key_config *wire_served_key_config(const struct wire_served *served);
/* The parameters of one shard, as its file would say them; the key configuration is the one for
 * all shards. STATUS_INVALID for a shard beyond shard_count. To be checked with
 * pir_layout_init(). */
enum status wire_served_shard(const struct wire_served *served, size_t shard,
                              struct pir_parameters *ret, struct error *err) MUST_CHECK;

#endif
