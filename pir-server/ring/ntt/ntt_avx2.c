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

/* From there: low = a0 a1 a4 a5 | b.., high = a2 a3 a6 a7 | b..; undone by itself. */
static inline void exchange_twos(vec *low, vec *high)
{
    const vec first = _mm256_unpacklo_epi64(*low, *high);
    *high = _mm256_unpackhi_epi64(*low, *high);
    *low = first;
}

/* From there: low = a0 a4 a2 a6 | b.., high = a1 a5 a3 a7 | b... */
static inline void split_ones(vec *low, vec *high)
{
    const __m256 x = _mm256_castsi256_ps(*low);
    const __m256 y = _mm256_castsi256_ps(*high);
    *low = _mm256_castps_si256(_mm256_shuffle_ps(x, y, 0x88));
    *high = _mm256_castps_si256(_mm256_shuffle_ps(x, y, 0xdd));
}

/* Undoes split_ones(): low = a0 a1 a4 a5 | b.., high = a2 a3 a6 a7 | b... */
static inline void join_ones(vec *low, vec *high)
{
    const vec first = _mm256_unpacklo_epi32(*low, *high);
    *high = _mm256_unpackhi_epi32(*low, *high);
    *low = first;
}

/* Factors of two blocks of eight, four of four and eight of two, in the order of the lanes above.
 */
static inline vec spread_two(const uint32_t *two)
{
    const __m128i pair = _mm_loadl_epi64((const __m128i *)(const void *)two);
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(pair),
                                       _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
}

static inline vec spread_four(const uint32_t *four)
{
    const __m128i quad = _mm_loadu_si128((const __m128i *)(const void *)four);
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(quad),
                                       _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
}

static inline vec spread_eight(const uint32_t *eight)
{
    /* The order of the lanes that split_ones() leaves: 0 2 1 3 in each half. */
    return _mm256_shuffle_epi32(vec_load(eight), 0xd8);
}

/* The steps with blocks of 8, 4 and 2 on sixteen neighbours; pair = their number. */
static inline void forward_short_steps(vec *low, vec *high, const uint32_t *values,
                                       const uint32_t *quotients, size_t n, size_t pair,
                                       struct lanes_of_q k)
{
    const size_t eights = n / 8 + 2 * pair;
    const size_t fours = n / 4 + 4 * pair;
    const size_t twos = n / 2 + 8 * pair;
    exchange_fours(low, high);
    forward_step(low, high, factor_of(spread_two(values + eights), spread_two(quotients + eights)),
                 k);
    exchange_twos(low, high);
    forward_step(low, high, factor_of(spread_four(values + fours), spread_four(quotients + fours)),
                 k);
    split_ones(low, high);
    forward_step(low, high, factor_of(spread_eight(values + twos), spread_eight(quotients + twos)),
                 k);
    join_ones(low, high);
    exchange_twos(low, high);
    exchange_fours(low, high);
}

static inline void inverse_short_steps(vec *low, vec *high, const uint32_t *values,
                                       const uint32_t *quotients, size_t n, size_t pair,
                                       struct lanes_of_q k)
{
    const size_t eights = n / 8 + 2 * pair;
    const size_t fours = n / 4 + 4 * pair;
    const size_t twos = n / 2 + 8 * pair;
    exchange_fours(low, high);
    exchange_twos(low, high);
    split_ones(low, high);
    inverse_step(low, high, factor_of(spread_eight(values + twos), spread_eight(quotients + twos)),
                 k);
    join_ones(low, high);
    inverse_step(low, high, factor_of(spread_four(values + fours), spread_four(quotients + fours)),
                 k);
    exchange_twos(low, high);
    inverse_step(low, high, factor_of(spread_two(values + eights), spread_two(quotients + eights)),
                 k);
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
