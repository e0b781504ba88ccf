/* store_gateway_keys - keys of the Oblivious HTTP gateway, which must outlive a restart: devices
 * hold their configurations for weeks. Part of the store (store.h), whose rules on time,
 * durability, errors and threads hold here too.
 *
 * Secrets  the private half is a string of bytes to the store, sealed or not as the caller likes;
 *          it is handed out to visitors only and shows up in no message.
 * Several  servers over one state: whoever adds a key first has it, the others are told so.
 * Source   RFC 9458 section 3. */
#ifndef BLINDLIST_STORE_STORE_GATEWAY_KEYS_H
#define BLINDLIST_STORE_STORE_GATEWAY_KEYS_H

#include "pir-server/store/store.h"

struct store_gateway_key {
    uint8_t id; /* of its configuration */
    uint64_t made_at;
    uint64_t not_before; /* from this second on it is published */
    uint64_t retire_at;  /* from this second on it may be removed; 0 = not marked */
    struct span secret;  /* borrowed; the key as the caller wrote it */
};

/* Adds a key. STATUS_EXISTS when there is one of that id, or one whose not_before is less than
 * `within_s` away: so of several servers that find it is time for a new key, one makes it. */
enum status store_add_gateway_key(struct store *store, const struct store_gateway_key *key,
                                  uint64_t within_s, struct error *err) MUST_CHECK;
/* All keys, by not_before and id. The key is the visitor's for the call only; a failure that the
 * visitor returns ends the list and is returned. */
enum status store_list_gateway_keys(struct store *store,
                                    enum status (*visit)(void *context,
                                                         const struct store_gateway_key *key,
                                                         struct error *err),
                                    void *context, struct error *err) MUST_CHECK;
/* Sets retire_at. STATUS_NOT_FOUND when there is no such key. */
enum status store_mark_gateway_key(struct store *store, uint8_t id, uint64_t retire_at,
                                   struct error *err) MUST_CHECK;
/* STATUS_NOT_FOUND when there is none. */
enum status store_remove_gateway_key(struct store *store, uint8_t id, struct error *err) MUST_CHECK;

#endif
