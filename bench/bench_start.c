/* a server's start, from fork() to the first 200, and its memory before and after queries. */
#include "bench/bench.h"

#include "base/file.h"
#include "bench/http_load.h"
#include "bench/load_device.h"
#include "bench/server_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#define USE_CASE      "bench.start"
#define RUNS          ((size_t)7)
#define QUERIES       ((size_t)8)
#define REQUEST_BYTES ((size_t)16 << 20)
/* A row takes about 300 bytes of shards; twice that, for the file system's sake. */
#define DISK_BYTES_A_ROW 600

struct state {
    char folder[64];
    uint64_t took_ns[RUNS];
};

static void ask(struct http_load *load, const char *target)
{
    struct bytes request;
    bytes_init(&request, REQUEST_BYTES);
    http_load_request("GET", target, "user", span_of(NULL, 0), &request);
    http_load_ask(load, bytes_view(&request), NULL);
    bytes_deinit(&request);
}

static int by_size(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void print_memory(const char *when, const struct server_process *server, size_t rows,
                         size_t shards)
{
    const struct server_memory memory = server_process_memory(server);
    printf("server_memory rows=%zu shards=%zu after=%s own_mb=%.1f file_mb=%.1f\n", rows, shards,
           when, (double)memory.own_bytes / 1e6, (double)memory.file_bytes / 1e6);
}

/* All queries go to the shard of row 0. */
static void ask_one_shard(struct http_load *load)
{
    struct load_device *device = load_device_new(load, USE_CASE, "user");
    const size_t shard = load_device_shard(device, 0);
    size_t row = 0;
    for (size_t i = 0; i < QUERIES; i++, row++) {
        struct bytes request;
        bytes_init(&request, REQUEST_BYTES);
        while (load_device_shard(device, row) != shard)
            row++;
        load_device_ask(device, &row, 1, &request);
        http_load_ask(load, bytes_view(&request), NULL);
        bytes_deinit(&request);
    }
    load_device_free(device);
}

static void measure(const char *program, size_t rows, uint64_t shards)
{
    struct state state = {.folder = "/tmp/bench_start.XXXXXX"};
    struct statvfs disk;
    if (statvfs("/tmp", &disk) != 0 ||
        (uint64_t)disk.f_bavail * disk.f_frsize < (uint64_t)rows * DISK_BYTES_A_ROW)
        bench_fail("/tmp has too little room for %zu rows", rows);
    if (mkdtemp(state.folder) == NULL)
        bench_fail("%s: cannot be made", state.folder);
    load_device_compile(state.folder, USE_CASE, rows, shards);
    for (size_t i = 0; i < RUNS; i++) {
        struct server_process server;
        server_process_start(program, state.folder, NULL, &server);
        struct http_load *load = http_load_new(server.address, 1);
        ask(load, "/healthz");
        state.took_ns[i] = bench_now_ns() - server.started_ns;
        if (i == RUNS - 1) {
            print_memory("start", &server, rows, (size_t)shards);
            ask_one_shard(load);
            print_memory("queries_to_one_shard", &server, rows, (size_t)shards);
        }
        http_load_free(load);
        server_process_stop(&server);
    }
    qsort(state.took_ns, RUNS, sizeof state.took_ns[0], by_size);
    printf("server_start rows=%zu shards=%zu median_ms=%.1f min_ms=%.1f runs=%zu\n", rows,
           (size_t)shards, (double)state.took_ns[RUNS / 2] / 1e6, (double)state.took_ns[0] / 1e6,
           RUNS);
    fflush(stdout);
    folder_remove(state.folder);
}

int main(int argc, char **argv)
{
    (void)argc;
    measure(argv[0], 1000000, 16);
    measure(argv[0], 10000000, 256);
    return 0;
}
