/* Many threads get, put, drop and clear the same few names; what a thread holds stays whole. */
#include "pir-server/service/key_cache.h"

#include "base/mem.h"
#include "base/random.h"
#include "tests/tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define THREADS 8
#define ROUNDS  20000
#define NAMES   24

struct value {
    uint32_t number;
    uint32_t check; /* ~number while it lives */
};

static struct key_cache *cache;
static atomic_int alive;
static atomic_int broken;

static void destroy(void *argument)
{
    struct value *value = argument;
    value->check = 0;
    atomic_fetch_sub(&alive, 1);
    mem_free(value);
}

static void *work(void *argument)
{
    struct random_seeded random;
    const uint8_t seed[RANDOM_SEED_BYTES] = {(uint8_t) * (int *)argument};
    (void)random_seeded_init(&random, seed);
    for (int i = 0; i < ROUNDS; i++) {
        const uint32_t number = (uint32_t)random_seeded_below(&random, NAMES);
        uint8_t name[KEY_CACHE_NAME_BYTES] = {0};
        memcpy(name, &number, sizeof number);
        const uint64_t dice = random_seeded_below(&random, 100);
        if (dice < 5) {
            key_cache_drop(cache, name);
            continue;
        }
        if (dice == 5) {
            key_cache_clear(cache);
            continue;
        }
        struct key_cache_ticket ticket;
        struct key_cache_entry *entry = key_cache_get(cache, name, &ticket);
        if (entry == NULL) {
            struct value *value = mem_alloc(1, sizeof *value);
            *value = (struct value){.number = number, .check = ~number};
            atomic_fetch_add(&alive, 1);
            if (key_cache_put(cache, name, ticket, value,
                              (struct store_key_times){.made_at = number}, 10 + number, destroy,
                              &entry, NULL) != STATUS_OK) {
                atomic_fetch_add(&broken, 1);
                continue;
            }
        }
        const struct value *value = key_cache_value(entry);
        if (value->number != number || value->check != ~number)
            atomic_fetch_add(&broken, 1);
        key_cache_release(cache, entry);
    }
    return NULL;
}

int main(void)
{
    struct error error;
    if (key_cache_new(200, &cache, &error) != STATUS_OK)
        return 1;
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, work, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    const struct key_cache_figures figures = key_cache_look(cache);
    TAP_CHECK(broken == 0, "every value held was whole");
    TAP_CHECK(figures.bytes <= 200, "%zu bytes of 200", figures.bytes);
    TAP_CHECK((size_t)alive == figures.entries, "%d values live, %zu entries", (int)alive,
              figures.entries);
    key_cache_free(cache);
    TAP_CHECK(alive == 0, "all values freed");
    return tap_finish();
}
