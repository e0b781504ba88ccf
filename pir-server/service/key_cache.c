/* A chained hash table and a doubly linked list by age under one mutex. The name consists of two
 * SHA-256 values, so eight bytes of each make a good hash. A miss costs a decoding of a
 * millisecond; the lock is held for nanoseconds. */
#include "pir-server/service/key_cache.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* Keys take a megabyte or so each: a few thousand fit any limit, chains stay short. */
#define BUCKETS 4096
/* Drops are counted by stripe, so that an upload of one user rarely spoils the miss of another. */
#define STRIPES 256

struct key_cache_entry {
    uint8_t name[KEY_CACHE_NAME_BYTES];
    void *value;
    struct store_key_times times;
    key_cache_destroy *destroy;
    size_t size_bytes;
    size_t holders; /* the cache itself is one while the entry is in it */
    struct key_cache_entry *chain;
    struct key_cache_entry *newer;
    struct key_cache_entry *older;
};

struct key_cache {
    pthread_mutex_t lock;
    size_t max_bytes;
    size_t bytes;
    size_t count;
    uint64_t hits;
    uint64_t misses;
    struct key_cache_entry *newest;
    struct key_cache_entry *oldest;
    uint64_t drops[STRIPES];
    struct key_cache_entry *buckets[BUCKETS];
};

static uint64_t hash_of(const uint8_t name[KEY_CACHE_NAME_BYTES])
{
    uint64_t user;
    uint64_t key;
    memcpy(&user, name, sizeof user);
    memcpy(&key, name + KEY_CACHE_NAME_BYTES / 2, sizeof key);
    return user ^ key;
}

static struct key_cache_entry **bucket_of(struct key_cache *cache, const uint8_t *name)
{
    return &cache->buckets[hash_of(name) % BUCKETS];
}

static uint64_t *drops_of(struct key_cache *cache, const uint8_t *name)
{
    return &cache->drops[name[8] % STRIPES];
}

enum status key_cache_new(size_t max_bytes, struct key_cache **ret, struct error *err)
{
    struct key_cache *cache = mem_alloc_zeroed(1, sizeof *cache);
    if (cache == NULL)
        return error_set(err, STATUS_NOMEM, "key cache: out of memory");
    cache->max_bytes = max_bytes;
    pthread_mutex_init(&cache->lock, NULL);
    *ret = cache;
    return STATUS_OK;
}

void key_cache_free(struct key_cache *cache)
{
    if (cache == NULL)
        return;
    key_cache_clear(cache);
    pthread_mutex_destroy(&cache->lock);
    mem_free(cache);
}

static void unlink_age(struct key_cache *cache, struct key_cache_entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void link_newest(struct key_cache *cache, struct key_cache_entry *entry)
{
    entry->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static struct key_cache_entry *find(struct key_cache *cache, const uint8_t *name)
{
    struct key_cache_entry *entry = *bucket_of(cache, name);
    while (entry != NULL && memcmp(entry->name, name, KEY_CACHE_NAME_BYTES) != 0)
        entry = entry->chain;
    return entry;
}

/* Takes the entry out of the cache. Returned when nobody else holds it: to be destroyed by the
 * caller after unlocking; then `chain` links a list of such. */
static void take_out(struct key_cache *cache, struct key_cache_entry *entry,
                     struct key_cache_entry **garbage)
{
    struct key_cache_entry **slot = bucket_of(cache, entry->name);
    while (*slot != entry)
        slot = &(*slot)->chain;
    *slot = entry->chain;
    entry->chain = NULL;
    unlink_age(cache, entry);
    cache->bytes -= entry->size_bytes;
    cache->count--;
    if (--entry->holders == 0) {
        entry->chain = *garbage;
        *garbage = entry;
    }
}

static void destroy_all(struct key_cache_entry *garbage)
{
    while (garbage != NULL) {
        struct key_cache_entry *next = garbage->chain;
        garbage->destroy(garbage->value);
        mem_free(garbage);
        garbage = next;
    }
}

struct key_cache_entry *key_cache_get(struct key_cache *cache,
                                      const uint8_t name[KEY_CACHE_NAME_BYTES],
                                      struct key_cache_ticket *ret_ticket)
{
    pthread_mutex_lock(&cache->lock);
    struct key_cache_entry *entry = find(cache, name);
    if (entry != NULL) {
        entry->holders++;
        unlink_age(cache, entry);
        link_newest(cache, entry);
        cache->hits++;
    } else {
        ret_ticket->drops = *drops_of(cache, name);
        cache->misses++;
    }
    pthread_mutex_unlock(&cache->lock);
    return entry;
}

enum status key_cache_put(struct key_cache *cache, const uint8_t name[KEY_CACHE_NAME_BYTES],
                          struct key_cache_ticket ticket, void *value, struct store_key_times times,
                          size_t size_bytes, key_cache_destroy *destroy,
                          struct key_cache_entry **ret, struct error *err)
{
    struct key_cache_entry *entry = mem_alloc_zeroed(1, sizeof *entry);
    if (entry == NULL)
        return error_set(err, STATUS_NOMEM, "key cache: out of memory");
    memcpy(entry->name, name, sizeof entry->name);
    entry->value = value;
    entry->times = times;
    entry->destroy = destroy;
    entry->size_bytes = size_bytes;
    entry->holders = 1;

    struct key_cache_entry *garbage = NULL;
    pthread_mutex_lock(&cache->lock);
    if (ticket.drops == *drops_of(cache, name) && size_bytes <= cache->max_bytes) {
        struct key_cache_entry *older = find(cache, name); /* another thread was faster */
        if (older != NULL)
            take_out(cache, older, &garbage);
        while (cache->bytes > cache->max_bytes - size_bytes)
            take_out(cache, cache->oldest, &garbage);
        struct key_cache_entry **bucket = bucket_of(cache, name);
        entry->chain = *bucket;
        *bucket = entry;
        link_newest(cache, entry);
        cache->bytes += size_bytes;
        cache->count++;
        entry->holders++;
    }
    pthread_mutex_unlock(&cache->lock);
    destroy_all(garbage);
    *ret = entry;
    return STATUS_OK;
}

void *key_cache_value(const struct key_cache_entry *entry)
{
    return entry->value;
}

struct store_key_times key_cache_times(const struct key_cache_entry *entry)
{
    return entry->times;
}

void key_cache_release(struct key_cache *cache, struct key_cache_entry *entry)
{
    if (entry == NULL)
        return;
    pthread_mutex_lock(&cache->lock);
    const bool is_last = --entry->holders == 0;
    pthread_mutex_unlock(&cache->lock);
    if (is_last) {
        entry->chain = NULL;
        destroy_all(entry);
    }
}

void key_cache_drop(struct key_cache *cache, const uint8_t name[KEY_CACHE_NAME_BYTES])
{
    struct key_cache_entry *garbage = NULL;
    pthread_mutex_lock(&cache->lock);
    (*drops_of(cache, name))++;
    struct key_cache_entry *entry = find(cache, name);
    if (entry != NULL)
        take_out(cache, entry, &garbage);
    pthread_mutex_unlock(&cache->lock);
    destroy_all(garbage);
}

void key_cache_clear(struct key_cache *cache)
{
    struct key_cache_entry *garbage = NULL;
    pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; i < STRIPES; i++)
        cache->drops[i]++;
    while (cache->oldest != NULL)
        take_out(cache, cache->oldest, &garbage);
    pthread_mutex_unlock(&cache->lock);
    destroy_all(garbage);
}

struct key_cache_figures key_cache_look(struct key_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    const struct key_cache_figures figures = {.entries = cache->count,
                                              .bytes = cache->bytes,
                                              .hits = cache->hits,
                                              .misses = cache->misses};
    pthread_mutex_unlock(&cache->lock);
    return figures;
}
