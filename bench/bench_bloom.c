/* Filters of a million URLs: hashing and inserting alone, and from a text file as the command does
 * (two passes, default seed). Then the command itself on files of 1, 10 and 50 million URLs, which
 * are made in the temporary folder: time, most memory, and the size of the filter to compare. */
#include "bench/bench.h"

#include "base/cpu.h"
#include "base/file.h"
#include "base/mem.h"
#include "bench/command_process.h"
#include "bloom/formats/bloom_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEYS UINT64_C(1000000)

#define COMMAND_RUNS 3

struct state {
    struct thread_pool *pool;
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
    const struct bloom_build_options options = {.rate = BLOOM_DEFAULT_RATE, .pool = state->pool};
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
    const uint8_t *at = state->text.data;
    const uint8_t *end = at + state->text.size;
    while (at < end) {
        struct bloom_key keys[256];
        struct bloom_hashes hashes[256];
        size_t count = 0;
        for (; at < end && count < ARRAY_COUNT(keys); count++) {
            const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
            keys[count] = (struct bloom_key){.data = at, .size = (size_t)(stop - at)};
            at = stop + 1;
        }
        bloom_hash_keys(keys, count, filter->meta.params.murmur_seed, hashes);
        bloom_builder_add_hashes(&builder, hashes, count);
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

/* ---- the command ---- */

static void write_keys(const char *path, uint64_t count)
{
    uint64_t x = 1;
    FILE *file = fopen(path, "w");
    if (file == NULL)
        bench_fail("%s: cannot be made", path);
    for (uint64_t i = 0; i < count; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        fprintf(file, "cdn%u.example-%u.com/a/b/index/%llu.html\n", (unsigned)(x >> 44),
                (unsigned)(x >> 40 & 0xfffff), (unsigned long long)i);
    }
    if (fclose(file) != 0)
        bench_fail("%s: cannot be written; is the disk full?", path);
}

static void time_command(const char *program, const char *folder, uint64_t count)
{
    char *keys = path_join(folder, "keys.txt");
    char *out = path_join(folder, "filter.bloom");
    struct command_series series = {0};
    struct bloom_params params;
    if (keys == NULL || out == NULL ||
        bloom_params_choose(count, BLOOM_DEFAULT_RATE, 0, &params) != BLOOM_OK)
        bench_fail("no filter of %llu keys", (unsigned long long)count);
    write_keys(keys, count);
    const char *const words[] = {program, "bloom", "build", keys, "--out", out, NULL};
    for (size_t i = 0; i < COMMAND_RUNS; i++)
        command_process_run(words, "/dev/null", folder, &series);
    printf("bloom_command keys=%llu threads=%zu median_ms=%.1f min_ms=%.1f runs=%d max_rss_mb=%.1f "
           "filter_mb=%.1f\n",
           (unsigned long long)count, cpu_core_count(),
           (double)command_series_median_ns(&series) / 1e6, (double)series.took_ns[0] / 1e6,
           COMMAND_RUNS, (double)series.most_bytes / 1e6,
           (double)bloom_byte_count(params.bit_count) / 1e6);
    fflush(stdout);
    unlink(keys);
    mem_free(keys);
    mem_free(out);
}

static void time_commands(const char *self)
{
    static const uint64_t counts[] = {1000000, 10000000, 50000000};
    char folder[] = "/tmp/bench_bloom.XXXXXX";
    char program[COMMAND_PATH_BYTES];
    command_process_find(self, "blindlist", program);
    if (mkdtemp(folder) == NULL)
        bench_fail("%s: cannot be made", folder);
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++)
        time_command(program, folder, counts[i]);
    folder_remove(folder);
}

int main(int argc, char **argv)
{
    (void)argc;
    struct state state = {.path = "/tmp/bench_bloom.XXXXXX"};
    struct error error;
    const int fd = mkstemp(state.path);
    if (fd < 0)
        bench_fail("%s: cannot be made", state.path);
    close(fd);
    make_keys(&state);
    if (file_write(state.path, FILE_MODE_PUBLIC, bytes_view(&state.text), &error) != STATUS_OK)
        bench_fail("%s", error.message);
    char label[64];
    const size_t cores = cpu_core_count();
    bench_time("bloom_build keys=1000000 threads=1", 5, build, &state);
    if (cores > 1 && thread_pool_new(cores - 1, 1, &state.pool, &error) != STATUS_OK)
        bench_fail("%s", error.message);
    snprintf(label, sizeof label, "bloom_build keys=1000000 threads=%zu", cores);
    bench_time(label, 5, build, &state);
    bench_time("bloom_insert keys=1000000", 5, insert, &state);
    bench_time("bloom_ask keys=1000000", 5, ask, &state);
    unlink(state.path);
    thread_pool_free(state.pool);
    bloom_filter_free(state.filter);
    bytes_deinit(&state.text);
    time_commands(argv[0]);
    return 0;
}
