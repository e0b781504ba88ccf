/* Ten million keys of three sources, many of them redundant: gathered, sorted, selected. */
#include "bench/bench.h"

#include "base/cpu.h"
#include "lists/key_selection.h"

#include <stdio.h>
#include <sys/resource.h>

#define KEYS    UINT64_C(10000000)
#define SOURCES 3

struct state {
    struct thread_pool *pool;
    struct public_suffixes *suffixes;
    struct key_table *block;
    struct key_table *allow;
    struct key_selection *selection;
};

/* Half hosts, half paths; a host in eight has a parent in the list, a path in four a folder. */
static size_t write_key(char *text, size_t capacity, uint64_t number, uint64_t noise)
{
    const unsigned long long parent = number / 16;
    switch (number % 16) {
    case 0:
        return (size_t)snprintf(text, capacity, "example-%llu.com", parent);
    case 1:
        return (size_t)snprintf(text, capacity, "ads.example-%llu.com", parent);
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
        return (size_t)snprintf(text, capacity, "h%llu.site-%llu.net", (unsigned long long)noise,
                                parent * 8 + number % 16);
    case 8:
        return (size_t)snprintf(text, capacity, "pages-%llu.org/a", parent);
    case 9:
    case 10:
        return (size_t)snprintf(text, capacity, "pages-%llu.org/a/%llu.html", parent,
                                (unsigned long long)noise);
    default:
        return (size_t)snprintf(text, capacity, "b%llu.pages-%llu.org/b/index.html",
                                (unsigned long long)noise % 100, parent * 8 + number % 16);
    }
}

static void add(struct key_table *table, const char *text, size_t size, uint64_t number)
{
    struct error error;
    const struct key_origin origin = {.source = (uint16_t)(number % SOURCES),
                                      .line = (uint32_t)(number / SOURCES + 1)};
    if (key_table_add(table, span_of(text, size), origin, &error) != STATUS_OK)
        bench_fail("%s", error.message);
}

static void gather(void *context)
{
    struct state *state = context;
    struct error error;
    uint64_t x = 1;
    key_table_free(state->block);
    state->block = NULL;
    if (key_table_new(&state->block, &error) != STATUS_OK)
        bench_fail("%s", error.message);
    for (uint64_t i = 0; i < KEYS; i++) {
        char text[64];
        /* Not in order: a permutation of the numbers, since 7919 and KEYS have no common factor. */
        const uint64_t number = i * UINT64_C(7919) % KEYS;
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        add(state->block, text, write_key(text, sizeof text, number, x >> 40), i);
    }
}

static void sort(void *context)
{
    struct state *state = context;
    struct error error;
    if (key_table_finish(state->block, state->pool, &error) != STATUS_OK)
        bench_fail("%s", error.message);
}

static void choose(void *context)
{
    struct state *state = context;
    struct error error;
    const struct random_source random = random_system();
    const struct key_tables tables = {.block = state->block, .allow = state->allow};
    const struct key_selection_options options = {.keep_covered = false};
    key_selection_free(state->selection);
    state->selection = NULL;
    if (key_selection_new(&tables, &options, state->suffixes, &random, state->pool,
                          &state->selection, &error) != STATUS_OK)
        bench_fail("%s", error.message);
}

/* What cannot be done twice on the same keys. */
static void time_once(const char *label, void (*work)(void *context), void *context)
{
    const uint64_t start = bench_now_ns();
    work(context);
    printf("%s once_ms=%.1f\n", label, (double)(bench_now_ns() - start) / 1e6);
}

static void print_memory(const char *when)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        bench_fail("no resource usage");
    printf("keys_memory when=%s peak_mb=%.0f\n", when, (double)usage.ru_maxrss * 1024 / 1e6);
}

int main(void)
{
    struct state state = {.block = NULL};
    struct error error;
    char text[64];
    const size_t cores = cpu_core_count();
    if ((cores > 1 && thread_pool_new(cores - 1, 1, &state.pool, &error) != STATUS_OK) ||
        public_suffixes_new(&state.suffixes, &error) != STATUS_OK ||
        key_table_new(&state.allow, &error) != STATUS_OK)
        bench_fail("%s", error.message);
    for (unsigned i = 0; i < 1000; i++)
        add(state.allow, text, (size_t)snprintf(text, sizeof text, "x.example-%u.com", i), i);
    if (key_table_finish(state.allow, NULL, &error) != STATUS_OK)
        bench_fail("%s", error.message);

    time_once("keys_gather keys=10000000", gather, &state);
    snprintf(text, sizeof text, "keys_sort keys=10000000 threads=%zu", cores);
    time_once(text, sort, &state);
    print_memory("sorted");
    snprintf(text, sizeof text, "keys_select keys=10000000 allow=1000 threads=%zu", cores);
    bench_time(text, 3, choose, &state);
    print_memory("selected");
    printf("keys_fates kept=%zu covered=%zu allowed=%zu conflicts=%zu\n",
           key_selection_count(state.selection, KEY_KEPT),
           key_selection_count(state.selection, KEY_COVERED),
           key_selection_count(state.selection, KEY_ALLOWED),
           key_selection_conflict_count(state.selection));

    key_selection_free(state.selection);
    key_table_free(state.block);
    key_table_free(state.allow);
    public_suffixes_free(state.suffixes);
    thread_pool_free(state.pool);
    return 0;
}
