/* key_cache - decoded evaluation keys, least recently used out first, bounded in bytes.
 *
 * An entry is reference counted: it stays usable after it was pushed out or dropped, until the last
 * holder releases it. So memory is bounded by the limit plus what requests in work hold.
 *
 * Freshness  A thread that misses loads the key from the store and puts it in. When meanwhile a new
 *            key was stored and the cache told (key_cache_drop), the old one must not enter: a miss
 *            hands out a ticket, and a put with a ticket from before a drop is not kept. (The
 *            holder still gets its value; its query raced with the upload.)
 *
 * Threads  any. Nothing is freed while the lock is held. */
#ifndef BLINDLIST_SERVICE_KEY_CACHE_H
#define BLINDLIST_SERVICE_KEY_CACHE_H

#include "pir-server/store/store.h"

#include <stddef.h>
#include <stdint.h>

/* Hash of the user, then the identifier of the key configuration. */
#define KEY_CACHE_NAME_BYTES 64

struct key_cache;
struct key_cache_entry;
struct key_cache_ticket {
    uint64_t drops;
};

enum status key_cache_new(size_t max_bytes, struct key_cache **ret, struct error *err) MUST_CHECK;
/* No entry may be held any more. Takes NULL. */
void key_cache_free(struct key_cache *cache);

/* The entry, held for the caller; NULL: not there, and the ticket is for key_cache_put(). */
struct key_cache_entry *key_cache_get(struct key_cache *cache,
                                      const uint8_t name[KEY_CACHE_NAME_BYTES],
                                      struct key_cache_ticket *ret_ticket) MUST_CHECK;

typedef void key_cache_destroy(void *value);
/* Takes `value` (on success) and gives it back as an entry held for the caller, whether or not it
 * was kept. `size_bytes` is what the value costs in memory.
 *   times     handed back by key_cache_times(): whether it has expired is for the caller to see */
enum status key_cache_put(struct key_cache *cache, const uint8_t name[KEY_CACHE_NAME_BYTES],
                          struct key_cache_ticket ticket, void *value, struct store_key_times times,
                          size_t size_bytes, key_cache_destroy *destroy,
                          struct key_cache_entry **ret, struct error *err) MUST_CHECK;
void *key_cache_value(const struct key_cache_entry *entry);
struct store_key_times key_cache_times(const struct key_cache_entry *entry);
/* Takes NULL. */
void key_cache_release(struct key_cache *cache, struct key_cache_entry *entry);

/* Forgets the entry of this name: a newer key is in the store now. */
void key_cache_drop(struct key_cache *cache, const uint8_t name[KEY_CACHE_NAME_BYTES]);
/* Forgets all. */
void key_cache_clear(struct key_cache *cache);

struct key_cache_figures {
    size_t entries;
    size_t bytes;
    uint64_t hits;
    uint64_t misses;
};
struct key_cache_figures key_cache_look(struct key_cache *cache);

#endif
