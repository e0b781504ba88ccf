/* AVX2: eight lanes. */
#include "pir-server/pir/sha256_many/sha256_many_internal.h"

static bool runs_on(const struct cpu *cpu)
{
    return cpu->has_avx2;
}

#if defined(__x86_64__) && defined(__AVX2__)
#include <immintrin.h>

typedef __m256i lane_vec;
#define LANES ((size_t)8)

static inline lane_vec lane_set(uint32_t value)
{
    return _mm256_set1_epi32((int32_t)value);
}

static inline lane_vec lane_load(const uint32_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

static inline void lane_store(uint32_t *at, lane_vec x)
{
    _mm256_storeu_si256((__m256i *)(void *)at, x);
}

static inline lane_vec lane_add(lane_vec a, lane_vec b)
{
    return _mm256_add_epi32(a, b);
}

static inline lane_vec lane_xor3(lane_vec a, lane_vec b, lane_vec c)
{
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}

/* e ? f : g */
static inline lane_vec lane_choose(lane_vec e, lane_vec f, lane_vec g)
{
    return _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)));
}

static inline lane_vec lane_majority(lane_vec a, lane_vec b, lane_vec c)
{
    return _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
}

static inline lane_vec lane_shift(lane_vec x, int count)
{
    return _mm256_srli_epi32(x, count);
}

static inline lane_vec lane_rotate(lane_vec x, int count)
{
    return _mm256_or_si256(_mm256_srli_epi32(x, count), _mm256_slli_epi32(x, 32 - count));
}

/* Half a block of each lane, turned from rows into columns. */
static inline void load_half(const uint8_t *const *blocks, size_t offset, lane_vec w[8])
{
    const __m256i order = _mm256_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 3,
                                           2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    __m256i x[8], y[8];
    UNROLL_8
    for (size_t i = 0; i < 8; i++)
        x[i] = _mm256_shuffle_epi8(
            _mm256_loadu_si256((const __m256i *)(const void *)(blocks[i] + offset)), order);
    UNROLL_8
    for (size_t i = 0; i < 8; i += 2) {
        y[i] = _mm256_unpacklo_epi32(x[i], x[i + 1]);
        y[i + 1] = _mm256_unpackhi_epi32(x[i], x[i + 1]);
    }
    UNROLL_8
    for (size_t i = 0; i < 8; i += 4) {
        x[i] = _mm256_unpacklo_epi64(y[i], y[i + 2]);
        x[i + 1] = _mm256_unpackhi_epi64(y[i], y[i + 2]);
        x[i + 2] = _mm256_unpacklo_epi64(y[i + 1], y[i + 3]);
        x[i + 3] = _mm256_unpackhi_epi64(y[i + 1], y[i + 3]);
    }
    UNROLL_8
    for (size_t i = 0; i < 4; i++) {
        w[i] = _mm256_permute2x128_si256(x[i], x[i + 4], 0x20);
        w[i + 4] = _mm256_permute2x128_si256(x[i], x[i + 4], 0x31);
    }
}

static inline void load_words(const uint8_t *const *blocks, lane_vec w[16])
{
    load_half(blocks, 0, w);
    load_half(blocks, 32, w + 8);
}

#include "pir-server/pir/sha256_many/sha256_many_wide.h"

const struct sha256_many_kernel sha256_many_kernel_avx2 = {"avx2", LANES, runs_on, wide_hash};
#else
const struct sha256_many_kernel sha256_many_kernel_avx2 = {.name = "avx2", .runs_on = runs_on};
#endif
