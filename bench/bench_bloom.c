/* Filters of a million URLs: hashing and inserting alone, and from a text file as the command does
 * (two passes, default seed). */
#include "bench/bench.h"

#include "base/file.h"
#include "base/mem.h"
#include "bloom/formats/bloom_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEYS UINT64_C(1000000)

struct state {
    char path[64];
    struct bytes text;
    struct bloom_filter *filter;
};

/* Ordinary URLs of about 43 bytes. */
static void make_keys(struct state *state)
{
    uint64_t x = 1;
    bytes_init(&state->text, (size_t)1 << 28);
    for (uint64_t i = 0; i < KEYS; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes_append_format(&state->text, "cdn%llu.example-%llu.com/a/b/index/%llu.html\n",
                            (unsigned long long)(x >> 44), (unsigned long long)(x >> 40 & 0xfffff),
                            (unsigned long long)i);
    }
    if (bytes_status(&state->text, "keys", NULL) != STATUS_OK)
        bench_fail("out of memory for the keys");
}

static void build(void *context)
{
    struct state *state = context;
    const struct bloom_build_options options = {.rate = BLOOM_DEFAULT_RATE};
    struct error error;
    bloom_filter_free(state->filter);
    state->filter = NULL;
    if (bloom_build_file(state->path, &options, &state->filter, NULL, &error) != STATUS_OK)
        bench_fail("%s", error.message);
}

/* Over keys in memory, into the filter that is there. */
static void insert(void *context)
{
    struct state *state = context;
    struct bloom_filter *filter = state->filter;
    struct bloom_builder builder;
    if (bloom_builder_init(&builder, &filter->meta.params, filter->bits, filter->byte_count) !=
        BLOOM_OK)
        bench_fail("the filter cannot be built on");
    const char *at = (const char *)state->text.data;
    const char *end = at + state->text.size;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        bloom_builder_add(&builder, at, (size_t)(stop - at));
        at = stop + 1;
    }
    bloom_builder_finish(&builder);
}

static void ask(void *context)
{
    struct state *state = context;
    const struct bloom_reader reader = bloom_filter_reader(state->filter);
    const char *at = (const char *)state->text.data;
    const char *end = at + state->text.size;
    uint64_t found = 0;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        found += bloom_reader_has_key(&reader, at, (size_t)(stop - at));
        at = stop + 1;
    }
    if (found != KEYS)
        bench_fail("%llu of %llu keys found", (unsigned long long)found, (unsigned long long)KEYS);
}

int main(void)
{
    struct state state = {.path = "/tmp/bench_bloom.XXXXXX"};
    struct error error;
    const int fd = mkstemp(state.path);
    if (fd < 0)
        bench_fail("%s: cannot be made", state.path);
    close(fd);
    make_keys(&state);
    if (file_write(state.path, FILE_MODE_PUBLIC, bytes_view(&state.text), &error) != STATUS_OK)
        bench_fail("%s", error.message);
    bench_time("bloom_build keys=1000000", 5, build, &state);
    bench_time("bloom_insert keys=1000000", 5, insert, &state);
    bench_time("bloom_ask keys=1000000", 5, ask, &state);
    unlink(state.path);
    bloom_filter_free(state.filter);
    bytes_deinit(&state.text);
    return 0;
}
