/* AVX-512: sixteen residues at a time; ntt_wide.h has all but the short steps. */
#include "pir-server/ring/ntt/ntt_internal.h"
#include "pir-server/ring/vec_avx512.h"

#if defined(__x86_64__) && defined(__AVX512F__)
#define NTT_SHORT_STEPS 4

#include "pir-server/ring/ntt/ntt_wide.h"

static bool runs_on(const struct cpu *cpu, size_t n)
{
    return cpu->has_avx512 && n >= NTT_WIDE_MIN;
}

/* Thirty-two neighbours a0..a15, b0..b15 of two registers, split for blocks of 16, 8, 4 and 2; all
 * but the last are undone by themselves. */

/* low = a0..a7 b0..b7, high = a8..a15 b8..b15 */
static inline void exchange_eights(vec *low, vec *high)
{
    const vec first = _mm512_shuffle_i64x2(*low, *high, 0x44);
    *high = _mm512_shuffle_i64x2(*low, *high, 0xee);
    *low = first;
}

/* From there: low = a0..a3 a8..a11 b.., high = a4..a7 a12..a15 b.. */
static inline void exchange_fours(vec *low, vec *high)
{
    const vec take_low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const vec take_high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    const vec first = _mm512_permutex2var_epi64(*low, take_low, *high);
    *high = _mm512_permutex2var_epi64(*low, take_high, *high);
    *low = first;
}

/* From there, in each 128-bit part: low = 0 1 4 5, high = 2 3 6 7 of its eight. */
static inline void exchange_twos(vec *low, vec *high)
{
    const vec first = _mm512_unpacklo_epi64(*low, *high);
    *high = _mm512_unpackhi_epi64(*low, *high);
    *low = first;
}

/* From there, in each 128-bit part: low = 0 4 2 6, high = 1 5 3 7 of its eight. */
static inline void split_ones(vec *low, vec *high)
{
    const __m512 x = _mm512_castsi512_ps(*low);
    const __m512 y = _mm512_castsi512_ps(*high);
    *low = _mm512_castps_si512(_mm512_shuffle_ps(x, y, 0x88));
    *high = _mm512_castps_si512(_mm512_shuffle_ps(x, y, 0xdd));
}

/* Undoes split_ones(). */
static inline void join_ones(vec *low, vec *high)
{
    const vec first = _mm512_unpacklo_epi32(*low, *high);
    *high = _mm512_unpackhi_epi32(*low, *high);
    *low = first;
}

/* All four at once, to where split_ones() ends: a permutation of both registers costs no more than
 * one exchange. */
static inline void split_all(vec *low, vec *high)
{
    const vec evens = _mm512_setr_epi32(0, 4, 2, 6, 8, 12, 10, 14, 16, 20, 18, 22, 24, 28, 26, 30);
    const vec odds = _mm512_setr_epi32(1, 5, 3, 7, 9, 13, 11, 15, 17, 21, 19, 23, 25, 29, 27, 31);
    const vec first = _mm512_permutex2var_epi32(*low, evens, *high);
    *high = _mm512_permutex2var_epi32(*low, odds, *high);
    *low = first;
}

/* Undoes split_all(). */
static inline void join_all(vec *low, vec *high)
{
    const vec lower = _mm512_setr_epi32(0, 16, 2, 18, 1, 17, 3, 19, 4, 20, 6, 22, 5, 21, 7, 23);
    const vec upper =
        _mm512_setr_epi32(8, 24, 10, 26, 9, 25, 11, 27, 12, 28, 14, 30, 13, 29, 15, 31);
    const vec first = _mm512_permutex2var_epi32(*low, lower, *high);
    *high = _mm512_permutex2var_epi32(*low, upper, *high);
    *low = first;
}

static ALWAYS_INLINE void reorder(vec *low, vec *high, size_t step)
{
    switch (step) {
    case 0:
        exchange_eights(low, high);
        return;
    case 1:
        exchange_fours(low, high);
        return;
    case 2:
        exchange_twos(low, high);
        return;
    case 3:
        split_ones(low, high);
        return;
    default:
        join_all(low, high);
    }
}

static ALWAYS_INLINE void reorder_back(vec *low, vec *high, size_t step)
{
    switch (step) {
    case 3:
        join_ones(low, high);
        return;
    case NTT_SHORT_STEPS:
        split_all(low, high);
        return;
    default:
        reorder(low, high, step);
    }
}

/* Factors of two blocks of 16, four of 8, eight of 4 and sixteen of 2 in the order of those lanes.
 */
static inline vec spread_two(const uint32_t *two)
{
    const __m128i pair = _mm_loadl_epi64((const __m128i *)(const void *)two);
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1),
        _mm512_castsi128_si512(pair));
}

static inline vec spread_four(const uint32_t *four)
{
    const __m128i quad = _mm_loadu_si128((const __m128i *)(const void *)four);
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3),
        _mm512_castsi128_si512(quad));
}

static inline vec spread_eight(const uint32_t *eight)
{
    const __m256i oct = _mm256_loadu_si256((const __m256i *)(const void *)eight);
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7),
        _mm512_castsi256_si512(oct));
}

static inline vec spread_sixteen(const uint32_t *sixteen)
{
    return _mm512_shuffle_epi32(vec_load(sixteen), _MM_PERM_DBCA);
}

static ALWAYS_INLINE struct factor short_factor(const uint32_t *values, const uint32_t *quotients,
                                                size_t step)
{
    switch (step) {
    case 0:
        return factor_of_twins(spread_two(values), spread_two(quotients));
    case 1:
        return factor_of_twins(spread_four(values), spread_four(quotients));
    case 2:
        return factor_of_twins(spread_eight(values), spread_eight(quotients));
    default:
        return factor_of(spread_sixteen(values), spread_sixteen(quotients));
    }
}

const struct ntt_kernel ntt_kernel_avx512 = NTT_WIDE_KERNEL("avx512");
#else
const struct ntt_kernel ntt_kernel_avx512 = {.name = "avx512"};
#endif
