/* AVX2: eight residues at a time; ntt_wide.h has all but the short steps. */
#include "pir-server/ring/ntt/ntt_internal.h"
#include "pir-server/ring/vec_avx2.h"

#if defined(__x86_64__) && defined(__AVX2__)
#define NTT_SHORT_STEPS 3

#include "pir-server/ring/ntt/ntt_wide.h"

static bool runs_on(const struct cpu *cpu, size_t n)
{
    return cpu->has_avx2 && n >= 2 * VEC_LANES;
}

/* Sixteen neighbours a0..a7, b0..b7 of two registers, split for blocks of 8, 4 and 2. Two blocks of
 * eight: low = a0..a3 b0..b3, high = a4..a7 b4..b7; undone by itself. */
static inline void exchange_fours(vec *low, vec *high)
{
    const vec first = _mm256_permute2x128_si256(*low, *high, 0x20);
    *high = _mm256_permute2x128_si256(*low, *high, 0x31);
    *low = first;
}

/* From there, once: low = a0 a4 a1 a5 | b.., high = a2 a6 a3 a7 | b..; twice: low = a0 a2 a4 a6 |
 * b.., high = a1 a3 a5 a7 | b..; three times: as it was. */
static inline void interleave(vec *low, vec *high)
{
    const vec first = _mm256_unpacklo_epi32(*low, *high);
    *high = _mm256_unpackhi_epi32(*low, *high);
    *low = first;
}

/* Undoes interleave(). */
static inline void separate(vec *low, vec *high)
{
    const __m256 x = _mm256_castsi256_ps(*low);
    const __m256 y = _mm256_castsi256_ps(*high);
    *low = _mm256_castps_si256(_mm256_shuffle_ps(x, y, 0x88));
    *high = _mm256_castps_si256(_mm256_shuffle_ps(x, y, 0xdd));
}

/* Factors of two blocks of eight and four of four in the order of those lanes. */
static inline vec spread_two(const uint32_t *two)
{
    const __m128i pair = _mm_loadl_epi64((const __m128i *)(const void *)two);
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(pair),
                                       _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
}

static inline vec spread_four(const uint32_t *four)
{
    const __m128i quad = _mm_loadu_si128((const __m128i *)(const void *)four);
    return _mm256_permute4x64_epi64(_mm256_castsi128_si256(quad), 0x50);
}

/* The factors of the steps with blocks of 8, 4 and 2 on sixteen neighbours; pair = their number. */
static inline struct factor factor_eights(const uint32_t *values, const uint32_t *quotients,
                                          size_t n, size_t pair)
{
    const size_t at = n / 8 + 2 * pair;
    return factor_of_twins(spread_two(values + at), spread_two(quotients + at));
}

static inline struct factor factor_fours(const uint32_t *values, const uint32_t *quotients,
                                         size_t n, size_t pair)
{
    const size_t at = n / 4 + 4 * pair;
    return factor_of(spread_four(values + at), spread_four(quotients + at));
}

static inline struct factor factor_twos(const uint32_t *values, const uint32_t *quotients, size_t n,
                                        size_t pair)
{
    const size_t at = n / 2 + 8 * pair;
    return factor_of(vec_load(values + at), vec_load(quotients + at));
}

static inline void forward_short_steps(vec *low, vec *high, const uint32_t *values,
                                       const uint32_t *quotients, size_t n, size_t pair,
                                       struct lanes_of_q k)
{
    exchange_fours(low, high);
    forward_step(low, high, factor_eights(values, quotients, n, pair), k);
    interleave(low, high);
    forward_step(low, high, factor_fours(values, quotients, n, pair), k);
    interleave(low, high);
    forward_step(low, high, factor_twos(values, quotients, n, pair), k);
    interleave(low, high);
    exchange_fours(low, high);
}

static inline void inverse_short_steps(vec *low, vec *high, const uint32_t *values,
                                       const uint32_t *quotients, size_t n, size_t pair,
                                       struct lanes_of_q k)
{
    exchange_fours(low, high);
    separate(low, high);
    inverse_step(low, high, factor_twos(values, quotients, n, pair), k);
    separate(low, high);
    inverse_step(low, high, factor_fours(values, quotients, n, pair), k);
    separate(low, high);
    inverse_step(low, high, factor_eights(values, quotients, n, pair), k);
    exchange_fours(low, high);
}

const struct ntt_kernel ntt_kernel_avx2 = {
    .name = "avx2",
    .runs_on = runs_on,
    .forward_lazy = forward_lazy,
    .inverse = inverse,
    .correct = correct,
};
#else
static bool runs_on(const struct cpu *cpu, size_t n)
{
    (void)cpu;
    (void)n;
    return false;
}

const struct ntt_kernel ntt_kernel_avx2 = {.name = "avx2", .runs_on = runs_on};
#endif
