/* A million list lines: read, sorted, made into a dataset version of 16 shards on disk, opened. */
#include "bench/bench.h"

#include "base/cpu.h"
#include "base/file.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_write.h"
#include "urls/list_reading.h"

#include <stdio.h>
#include <stdlib.h>

#define LINES  UINT64_C(1000000)
#define SHARDS 16

struct state {
    struct list_reading *reading;
    struct thread_pool *pool;
    char folder[64];
    char list[96]; /* a file in it */
};

/* Hosts, hosts with paths, hosts lines and rules, a quarter each. */
static void make_list(const char *path)
{
    uint64_t x = 1;
    struct file_writer *writer = NULL;
    struct error error;
    if (file_writer_new(path, FILE_MODE_PUBLIC, &writer, &error) != STATUS_OK)
        bench_fail("%s", error.message);
    for (uint64_t i = 0; i < LINES; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const unsigned long long number = i;
        const unsigned long long noise = x >> 40;
        char line[128];
        int size = 0;
        switch (i % 4) {
        case 0:
            size = snprintf(line, sizeof line, "a%llu.example-%llu.com\n", noise, number);
            break;
        case 1:
            size = snprintf(line, sizeof line, "https://b%llu.example-%llu.net/a/index.html\n",
                            noise, number);
            break;
        case 2:
            size = snprintf(line, sizeof line, "0.0.0.0 c%llu.example-%llu.org\n", noise, number);
            break;
        default:
            size = snprintf(line, sizeof line, "||d%llu.example-%llu.co.uk^\n", noise, number);
            break;
        }
        file_writer_write(writer, span_of(line, (size_t)size));
    }
    if (file_writer_commit(writer, &error) != STATUS_OK)
        bench_fail("%s", error.message);
}

static void read_list(void *context)
{
    struct state *state = context;
    const struct list_reading_sink sink = {.bytes = NULL};
    struct list_counts counts = {0};
    struct error error;
    list_reading_free(state->reading);
    state->reading = NULL;
    if (list_reading_new(NULL, &sink, state->pool, &state->reading, &error) != STATUS_OK ||
        list_reading_file(state->reading, state->list, false, &counts, &error) != STATUS_OK)
        bench_fail("%s", error.message);
    if (counts.kept != LINES)
        bench_fail("lines were dropped");
}

static void read_and_sort(void *context)
{
    struct state *state = context;
    struct error error;
    read_list(context);
    if (row_set_finish(list_reading_rows(state->reading), state->pool, &error) != STATUS_OK)
        bench_fail("%s", error.message);
}

static void write_version(void *context)
{
    struct state *state = context;
    struct dataset_settings settings;
    dataset_settings_init(&settings);
    settings.use_case = "bench";
    settings.shard_count = SHARDS;
    struct dataset_summary summary;
    struct error error;
    char *home = path_join(state->folder, "bench");
    folder_remove(home);
    mem_free(home);
    read_list(context);
    if (dataset_write(state->folder, list_reading_rows(state->reading), &settings, state->pool,
                      &summary, &error) != STATUS_OK)
        bench_fail("%s", error.message);
}

static void open_version(void *context)
{
    const struct state *state = context;
    struct dataset *dataset = NULL;
    struct error error;
    if (dataset_open(state->folder, "bench", 0, &dataset, &error) != STATUS_OK)
        bench_fail("%s", error.message);
    dataset_free(dataset);
}

int main(void)
{
    struct state state = {.folder = "/tmp/bench_dataset.XXXXXX"};
    const size_t cores = cpu_core_count();
    char label[128];
    struct error error;
    if (mkdtemp(state.folder) == NULL)
        bench_fail("%s: cannot be made", state.folder);
    snprintf(state.list, sizeof state.list, "%s/list.txt", state.folder);
    make_list(state.list);
    bench_time("list_read lines=1000000", 5, read_list, &state);
    bench_time("list_read_and_sort lines=1000000", 5, read_and_sort, &state);
    if (cores > 1 && thread_pool_new(cores - 1, 1, &state.pool, &error) != STATUS_OK)
        bench_fail("%s", error.message);
    list_reading_free(state.reading); /* belongs to no pool */
    state.reading = NULL;
    snprintf(label, sizeof label, "list_read_and_sort lines=1000000 threads=%zu", cores);
    bench_time(label, 5, read_and_sort, &state);
    snprintf(label, sizeof label, "compile lines=1000000 shards=%d threads=%zu", SHARDS, cores);
    bench_time(label, 3, write_version, &state);
    snprintf(label, sizeof label, "dataset_open rows=1000001 shards=%d", SHARDS);
    bench_time(label, 20, open_version, &state);

    list_reading_free(state.reading);
    thread_pool_free(state.pool);
    folder_remove(state.folder);
    return 0;
}
