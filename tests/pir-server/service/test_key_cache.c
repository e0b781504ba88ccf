#include "pir-server/service/key_cache.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <string.h>

static int alive;
static struct key_cache *cache;
static struct error error;

static void destroy(void *value)
{
    alive--;
    mem_free(value);
}

static void name_of(uint32_t number, uint8_t ret[KEY_CACHE_NAME_BYTES])
{
    memset(ret, 0, KEY_CACHE_NAME_BYTES);
    memcpy(ret + 20, &number, sizeof number); /* all in one bucket: chains are used */
}

static struct key_cache_entry *put(uint32_t number, size_t size)
{
    uint8_t name[KEY_CACHE_NAME_BYTES];
    name_of(number, name);
    struct key_cache_ticket ticket;
    struct key_cache_entry *entry = key_cache_get(cache, name, &ticket);
    cr_assert(entry == NULL);
    uint32_t *value = mem_alloc(1, sizeof *value);
    *value = number;
    alive++;
    cr_assert_eq(key_cache_put(cache, name, ticket, value,
                               (struct store_key_times){.made_at = number}, size, destroy, &entry,
                               &error),
                 STATUS_OK);
    return entry;
}

static bool has(uint32_t number)
{
    uint8_t name[KEY_CACHE_NAME_BYTES];
    name_of(number, name);
    struct key_cache_ticket ticket;
    struct key_cache_entry *entry = key_cache_get(cache, name, &ticket);
    if (entry == NULL)
        return false;
    cr_assert_eq(*(uint32_t *)key_cache_value(entry), number);
    cr_assert_eq(key_cache_times(entry).made_at, number);
    key_cache_release(cache, entry);
    return true;
}

static void set_up(void)
{
    cr_assert_eq(key_cache_new(100, &cache, &error), STATUS_OK);
}

static void tear_down(void)
{
    key_cache_free(cache);
    cr_assert_eq(alive, 0);
}

TestSuite(key_cache, .init = set_up, .fini = tear_down);

Test(key_cache, the_least_recently_used_goes_first)
{
    key_cache_release(cache, put(1, 40));
    key_cache_release(cache, put(2, 40));
    cr_assert(has(1));
    key_cache_release(cache, put(3, 40));
    cr_assert(has(1));
    cr_assert(!has(2));
    cr_assert(has(3));
    const struct key_cache_figures figures = key_cache_look(cache);
    cr_assert_eq(figures.bytes, 80);
    cr_assert_eq(figures.entries, 2);
    key_cache_release(cache, put(4, 100));
    cr_assert(!has(1) && !has(3) && has(4));
}

Test(key_cache, what_is_held_stays_usable)
{
    struct key_cache_entry *held = put(1, 60);
    key_cache_release(cache, put(2, 60));
    cr_assert(!has(1));
    cr_assert_eq(*(uint32_t *)key_cache_value(held), 1);
    cr_assert_eq(alive, 2);
    key_cache_release(cache, held);
    cr_assert_eq(alive, 1);
}

Test(key_cache, larger_than_all_is_handed_back_but_not_kept)
{
    struct key_cache_entry *entry = put(1, 101);
    cr_assert_eq(*(uint32_t *)key_cache_value(entry), 1);
    cr_assert(!has(1));
    key_cache_release(cache, entry);
}

Test(key_cache, drop_forgets)
{
    key_cache_release(cache, put(1, 10));
    uint8_t name[KEY_CACHE_NAME_BYTES];
    name_of(1, name);
    key_cache_drop(cache, name);
    cr_assert(!has(1));
    key_cache_release(cache, put(1, 10));
    cr_assert(has(1));
}

Test(key_cache, an_old_ticket_puts_nothing_in)
{
    uint8_t name[KEY_CACHE_NAME_BYTES];
    name_of(1, name);
    struct key_cache_ticket ticket;
    struct key_cache_entry *entry = key_cache_get(cache, name, &ticket);
    cr_assert(entry == NULL);
    key_cache_drop(cache, name); /* meanwhile a new key was stored */
    uint32_t *value = mem_alloc(1, sizeof *value);
    *value = 1;
    alive++;
    cr_assert_eq(key_cache_put(cache, name, ticket, value, (struct store_key_times){.made_at = 1},
                               10, destroy, &entry, &error),
                 STATUS_OK);
    cr_assert(!has(1));
    key_cache_release(cache, entry);
    cr_assert_eq(alive, 0);
}

Test(key_cache, two_that_missed_leave_one_entry)
{
    uint8_t name[KEY_CACHE_NAME_BYTES];
    name_of(1, name);
    struct key_cache_ticket tickets[2];
    struct key_cache_entry *entries[2];
    for (size_t i = 0; i < 2; i++) {
        entries[i] = key_cache_get(cache, name, &tickets[i]);
        cr_assert(entries[i] == NULL);
    }
    for (size_t i = 0; i < 2; i++) {
        uint32_t *value = mem_alloc(1, sizeof *value);
        *value = 1;
        alive++;
        cr_assert_eq(key_cache_put(cache, name, tickets[i], value,
                                   (struct store_key_times){.made_at = 1}, 10, destroy, &entries[i],
                                   &error),
                     STATUS_OK);
    }
    cr_assert_eq(key_cache_look(cache).entries, 1);
    cr_assert_eq(key_cache_look(cache).bytes, 10);
    key_cache_release(cache, entries[0]);
    key_cache_release(cache, entries[1]);
    cr_assert(has(1));
}

Test(key_cache, without_memory_the_value_stays_the_callers)
{
    uint8_t name[KEY_CACHE_NAME_BYTES] = {0};
    struct key_cache_ticket ticket;
    struct key_cache_entry *entry = key_cache_get(cache, name, &ticket);
    int value = 0;
    mem_fail_nth(1);
    cr_assert_eq(key_cache_put(cache, name, ticket, &value, (struct store_key_times){0}, 1, destroy,
                               &entry, &error),
                 STATUS_NOMEM);
    cr_assert(entry == NULL);
}
