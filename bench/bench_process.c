/* From rows in memory to processed shards, without files: 100,000, 1,000,000 and 10,000,000 rows of
 * value "1", one hash function, two threads, each size in a process of its own.
 *
 *   process_rows      the whole work, and its three parts: keywords hashed and grouped by shard
 *                     (partition), shape chosen (shape), shards made and dropped (shards)
 *   process_resident  peak of the process (VmHWM), and how much of it the rows themselves take
 *
 * Shards   as blindlist compile chooses: the least power of two of at most 65,536 rows each. */
#include "base/mem.h"
#include "bench/bench.h"
#include "pir-server/dataset/dataset_write.h"
#include "pir-server/pir/pir_processing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS_MAX 5

static void must(enum status st, const struct error *err)
{
    if (st != STATUS_OK)
        bench_fail("%s", err->message);
}

/* ---- rows: "host<number>.example/", one after the other ---- */

#define KEYWORD_BYTES ((size_t)21) /* eight digits; the rest is not used */

struct names {
    char *text;      /* [count][KEYWORD_BYTES] */
    uint8_t *length; /* [count] */
};

static struct span name_of(const void *context, size_t row)
{
    const struct names *names = context;
    return span_of(names->text + row * KEYWORD_BYTES, names->length[row]);
}

static struct names names_new(size_t count)
{
    struct names names = {.text = mem_alloc(count, KEYWORD_BYTES),
                          .length = mem_alloc(count, sizeof *names.length)};
    if (names.text == NULL || names.length == NULL)
        bench_fail("no memory for %zu rows", count);
    for (size_t i = 0; i < count; i++) {
        char text[48];
        const int length = snprintf(text, sizeof text, "host%zu.example/", i);
        memcpy(names.text + i * KEYWORD_BYTES, text, (size_t)length);
        names.length[i] = (uint8_t)length;
    }
    return names;
}

/* ---- the work ---- */

enum part { PART_PARTITION, PART_SHAPE, PART_SHARDS, PART_WHOLE, PART_COUNT };

static const char *const part_names[PART_COUNT] = {"partition", "shape", "shards", "whole"};

static enum status drop(void *context, uint64_t shard, const struct pir_shard *processed,
                        struct error *err)
{
    (void)context;
    (void)shard;
    (void)processed;
    (void)err;
    return STATUS_OK;
}

static void process(const struct pir_rows *rows, uint64_t shards, const struct bfv_context *context,
                    const struct bfv_parameters *encryption, struct thread_pool *pool,
                    uint64_t ret_ns[PART_COUNT])
{
    const struct sharding sharding = {.function = SHARDING_SHA256};
    struct pir_partition *partition = NULL;
    struct pir_processing processing;
    struct pir_shape_wish wish;
    struct error err;
    const uint64_t start = bench_now_ns();
    must(pir_partition_new(rows, shards, &sharding, pool, &partition, &err), &err);
    const uint64_t grouped = bench_now_ns();
    pir_shape_wish_init(&wish);
    pir_processing_init(encryption, 1, &processing);
    must(pir_processing_choose(partition, &wish, &processing, &err), &err);
    const uint64_t shaped = bench_now_ns();
    must(pir_process_all(context, partition, &processing, 0, pool, NULL, drop, NULL, &err), &err);
    const uint64_t end = bench_now_ns();
    pir_partition_free(partition);
    ret_ns[PART_PARTITION] = grouped - start;
    ret_ns[PART_SHAPE] = shaped - grouped;
    ret_ns[PART_SHARDS] = end - shaped;
    ret_ns[PART_WHOLE] = end - start;
}

/* VmHWM of this process in MiB; 0 where the system does not tell. */
static unsigned long peak_mib(void)
{
    char line[256];
    unsigned long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmHWM: %lu", &kib) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return kib / 1024;
}

static void sort_few(uint64_t *values, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && values[k - 1] > values[k]; k--) {
            const uint64_t swapped = values[k];
            values[k] = values[k - 1];
            values[k - 1] = swapped;
        }
}

static void measure(size_t row_count, size_t runs)
{
    const struct bfv_parameters encryption =
        bfv_named_parameters_find(DATASET_RLWE_PARAMETERS)->parameters;
    struct bfv_context *context = NULL;
    struct thread_pool *pool = NULL;
    struct error err;
    uint64_t shards = 1;
    uint64_t took[PART_COUNT][RUNS_MAX];

    while (shards * DATASET_ROWS_PER_SHARD < row_count)
        shards *= 2;
    must(bfv_context_new(&encryption, 0, NULL, &context, &err), &err);
    must(thread_pool_new(1, 0, &pool, &err), &err);
    struct names names = names_new(row_count);
    const unsigned long rows_mib = peak_mib();
    const struct pir_rows rows = {.count = row_count,
                                  .context = &names,
                                  .keyword = name_of,
                                  .constant_value = span_of("1", 1)};
    for (size_t run = 0; run < runs; run++) {
        uint64_t ns[PART_COUNT];
        process(&rows, shards, context, &encryption, pool, ns);
        for (size_t part = 0; part < PART_COUNT; part++)
            took[part][run] = ns[part];
    }
    for (size_t part = 0; part < PART_COUNT; part++) {
        sort_few(took[part], runs);
        printf("process_rows part=%s kernel=%s rows=%zu shards=%" PRIu64
               " threads=2 median_ms=%.1f min_ms=%.1f runs=%zu\n",
               part_names[part], bfv_context_kernel_name(context), row_count, shards,
               (double)took[part][runs / 2] / 1e6, (double)took[part][0] / 1e6, runs);
    }
    printf("process_resident rows=%zu shards=%" PRIu64 " peak_mib=%lu of_that_rows_mib=%lu\n",
           row_count, shards, peak_mib(), rows_mib);
    thread_pool_free(pool);
    mem_free(names.text);
    mem_free(names.length);
    bfv_context_free(context);
}

int main(void)
{
    static const struct {
        size_t rows;
        size_t runs;
    } SIZES[] = {{100000, RUNS_MAX}, {1000000, RUNS_MAX}, {10000000, 3}};
    for (size_t i = 0; i < ARRAY_COUNT(SIZES); i++) {
        fflush(stdout);
        const pid_t child = fork();
        if (child < 0)
            bench_fail("fork failed");
        if (child == 0) {
            measure(SIZES[i].rows, SIZES[i].runs);
            fflush(stdout);
            _exit(0);
        }
        int result = 0;
        if (waitpid(child, &result, 0) != child || result != 0)
            bench_fail("%zu rows: the process that measures them failed", SIZES[i].rows);
    }
    return 0;
}
