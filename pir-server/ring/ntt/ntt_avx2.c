/* AVX2: eight residues at a time; ntt_wide.h has all but the short steps. */
#include "pir-server/ring/ntt/ntt_internal.h"
#include "pir-server/ring/vec_avx2.h"

#if defined(__x86_64__) && defined(__AVX2__)
#define NTT_SHORT_STEPS 3

#include "pir-server/ring/ntt/ntt_wide.h"

static bool runs_on(const struct cpu *cpu, size_t n)
{
    return cpu->has_avx2 && n >= NTT_WIDE_MIN;
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

static ALWAYS_INLINE void reorder(vec *low, vec *high, size_t step)
{
    if (step > 0)
        interleave(low, high);
    if (step == 0 || step == NTT_SHORT_STEPS)
        exchange_fours(low, high);
}

static ALWAYS_INLINE void reorder_back(vec *low, vec *high, size_t step)
{
    if (step == 0 || step == NTT_SHORT_STEPS)
        exchange_fours(low, high);
    if (step > 0)
        separate(low, high);
}

/* Factors of two blocks of eight and four of four in the order of those lanes. */
static inline vec spread_two(const uint32_t *two)
{
    const __m256d pairs = _mm256_broadcast_sd((const double *)(const void *)two);
    return _mm256_castps_si256(
        _mm256_permutevar_ps(_mm256_castpd_ps(pairs), _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1)));
}

static inline vec spread_four(const uint32_t *four)
{
    const __m256 quads = _mm256_broadcast_ps((const __m128 *)(const void *)four);
    return _mm256_castps_si256(
        _mm256_permutevar_ps(quads, _mm256_setr_epi32(0, 1, 0, 1, 2, 3, 2, 3)));
}

static ALWAYS_INLINE struct factor short_factor(const uint32_t *values, const uint32_t *quotients,
                                                size_t step)
{
    if (step == 0)
        return factor_of_twins(spread_two(values), spread_two(quotients));
    if (step == 1)
        return factor_of(spread_four(values), spread_four(quotients));
    return factor_of(vec_load(values), vec_load(quotients));
}

const struct ntt_kernel ntt_kernel_avx2 = NTT_WIDE_KERNEL("avx2");
#else
const struct ntt_kernel ntt_kernel_avx2 = {.name = "avx2"};
#endif
