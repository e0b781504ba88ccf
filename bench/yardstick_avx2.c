#include "bench/yardstick_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

static uint64_t sum_of_lanes(__m256i sum)
{
    uint64_t lanes[4];
    _mm256_storeu_si256((__m256i *)lanes, sum);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

static uint64_t read_words(const uint32_t *words, size_t count)
{
    __m256i sums[4];
    for (size_t k = 0; k < 4; k++)
        sums[k] = _mm256_setzero_si256();
    for (size_t i = 0; i < count; i += 32) {
        for (size_t k = 0; k < 4; k++) {
            const __m256i more = _mm256_load_si256((const __m256i *)(words + i + 8 * k));
            sums[k] = _mm256_add_epi64(sums[k], more);
        }
    }
    return sum_of_lanes(
        _mm256_add_epi64(_mm256_add_epi64(sums[0], sums[1]), _mm256_add_epi64(sums[2], sums[3])));
}

static uint64_t multiply_add(uint64_t rounds)
{
    const __m256i factor = _mm256_set1_epi64x(12345);
    __m256i sums[YARDSTICK_LANES / 4];
    for (size_t k = 0; k < YARDSTICK_LANES / 4; k++)
        sums[k] = _mm256_set1_epi64x((int64_t)k + 1);
    for (uint64_t i = 0; i < rounds; i++) {
        for (size_t k = 0; k < YARDSTICK_LANES / 4; k++)
            sums[k] = _mm256_add_epi64(sums[k], _mm256_mul_epu32(sums[k], factor));
    }
    uint64_t total = 0;
    for (size_t k = 0; k < YARDSTICK_LANES / 4; k++)
        total += sum_of_lanes(sums[k]);
    return total;
}

const struct yardstick_kernel yardstick_avx2 = {"avx2", read_words, multiply_add};
#else
/* An empty file is no C. */
typedef int yardstick_avx2_is_for_x86;
#endif
