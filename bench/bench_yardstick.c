/* bench_yardstick - two figures of the machine at hand, by which timings of other machines compare.
 *
 * read_gb_per_s  one thread reads 256 MiB that no cache holds; the best of five passes, 10^9 bytes
 * gmac_per_s     one thread, 32x32 -> 64 bit multiply and add in registers, 10^9 a second
 *
 * One line a kernel: portable C as the compiler makes it, and AVX2 where the processor has it. */
#include "base/mem.h"
#include "bench/bench.h"
#include "bench/yardstick_internal.h"

#include <stdio.h>

#define READ_BYTES ((size_t)256 << 20)
#define ROUNDS     ((uint64_t)10000000)

static uint64_t read_words(const uint32_t *words, size_t count)
{
    uint64_t sums[4] = {0};
    for (size_t i = 0; i < count; i += 4) {
        for (size_t k = 0; k < 4; k++)
            sums[k] += words[i + k];
    }
    return sums[0] + sums[1] + sums[2] + sums[3];
}

static uint64_t multiply_add(uint64_t rounds)
{
    uint64_t sums[YARDSTICK_LANES];
    uint64_t total = 0;
    for (size_t k = 0; k < YARDSTICK_LANES; k++)
        sums[k] = k + 1;
    /* Four at a time, so that they stay in registers. */
    for (size_t at = 0; at < YARDSTICK_LANES; at += 4) {
        uint64_t a = sums[at];
        uint64_t b = sums[at + 1];
        uint64_t c = sums[at + 2];
        uint64_t d = sums[at + 3];
        for (uint64_t i = 0; i < rounds; i++) {
            a += (uint64_t)(uint32_t)a * 12345;
            b += (uint64_t)(uint32_t)b * 12345;
            c += (uint64_t)(uint32_t)c * 12345;
            d += (uint64_t)(uint32_t)d * 12345;
        }
        total += a + b + c + d;
    }
    return total;
}

static const struct yardstick_kernel portable = {"portable", read_words, multiply_add};

/* Returns what the kernel computed, so that it must be computed. */
static uint64_t measure(const struct yardstick_kernel *kernel, const uint32_t *words)
{
    uint64_t best_read_ns = UINT64_MAX;
    uint64_t sum = 0;
    for (int pass = 0; pass < 5; pass++) {
        const uint64_t start = bench_now_ns();
        sum += kernel->read(words, READ_BYTES / sizeof *words);
        const uint64_t took = bench_now_ns() - start;
        best_read_ns = took < best_read_ns ? took : best_read_ns;
    }
    const uint64_t start = bench_now_ns();
    sum += kernel->multiply_add(ROUNDS);
    const uint64_t took = bench_now_ns() - start;
    printf("yardstick kernel=%s read_gb_per_s=%.1f gmac_per_s=%.1f\n", kernel->name,
           (double)READ_BYTES / (double)best_read_ns,
           (double)(ROUNDS * YARDSTICK_LANES) / (double)took);
    fflush(stdout);
    return sum;
}

int main(void)
{
    uint32_t *words = mem_alloc_aligned(MEM_ROW_ALIGNMENT, READ_BYTES, 1);
    if (words == NULL)
        bench_fail("yardstick: no memory for 256 MiB");
    for (size_t i = 0; i < READ_BYTES / sizeof *words; i++)
        words[i] = (uint32_t)(i * 2654435761u);
    volatile uint64_t sink = measure(&portable, words);
#if defined(__x86_64__)
    if (cpu_detect().has_avx2)
        sink = measure(&yardstick_avx2, words);
#endif
    (void)sink;
    mem_free(words);
    return 0;
}
