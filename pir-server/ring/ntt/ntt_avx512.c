/* AVX-512: sixteen residues at a time.
 *
 * As ntt_avx2.c, with registers twice as wide: four short steps on thirty-two neighbours, and
 * two-source permutations where AVX2 needs a shift and a blend. */
#include "pir-server/ring/ntt/ntt_internal.h"

#if defined(__x86_64__) && defined(__AVX512F__)
#include <immintrin.h>

#define LANES 16

static bool runs_on(const struct cpu *cpu, size_t n)
{
    return cpu->has_avx512 && n >= 2 * LANES;
}

static inline __m512i load(const uint32_t *at)
{
    return _mm512_loadu_si512(at);
}

static inline void store(uint32_t *at, __m512i value)
{
    _mm512_storeu_si512(at, value);
}

static inline __m512i broadcast(uint32_t value)
{
    return _mm512_set1_epi32((int32_t)value);
}

struct lanes_of_q {
    __m512i q;
    __m512i q2;
    __m512i odd_lanes; /* index of the permutation that takes the high halves of two registers */
};

static inline struct lanes_of_q lanes_of_q(uint32_t q)
{
    return (struct lanes_of_q){
        .q = broadcast(q),
        .q2 = broadcast(2 * q),
        .odd_lanes = _mm512_setr_epi32(1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31)};
}

struct factor {
    __m512i value;
    __m512i quotient;
    __m512i quotient_odd; /* the odd lanes moved down to the even ones */
};

static inline __m512i odd_to_even(__m512i x)
{
    return _mm512_shuffle_epi32(x, _MM_PERM_DDBB);
}

static inline struct factor factor_of(__m512i value, __m512i quotient)
{
    return (struct factor){
        .value = value, .quotient = quotient, .quotient_odd = odd_to_even(quotient)};
}

static inline struct factor factor_broadcast(const uint32_t *values, const uint32_t *quotients,
                                             size_t at)
{
    const __m512i quotient = broadcast(quotients[at]);
    return (struct factor){
        .value = broadcast(values[at]), .quotient = quotient, .quotient_odd = quotient};
}

/* x * factor mod q in [0, 2q), for every 32-bit x. */
static inline __m512i mul_lazy(__m512i x, struct factor factor, struct lanes_of_q k)
{
    const __m512i even = _mm512_mul_epu32(x, factor.quotient);
    const __m512i odd = _mm512_mul_epu32(odd_to_even(x), factor.quotient_odd);
    const __m512i estimate = _mm512_permutex2var_epi32(even, k.odd_lanes, odd);
    return _mm512_sub_epi32(_mm512_mullo_epi32(x, factor.value), _mm512_mullo_epi32(estimate, k.q));
}

/* x - bound when x >= bound, else x: the difference wraps to a large number in the other case. */
static inline __m512i correct_by(__m512i x, __m512i bound)
{
    return _mm512_min_epu32(x, _mm512_sub_epi32(x, bound));
}

/* [0, 4q) in, [0, 4q) out. */
static inline void forward_step(__m512i *low, __m512i *high, struct factor factor,
                                struct lanes_of_q k)
{
    const __m512i x = correct_by(*low, k.q2);
    const __m512i y = mul_lazy(*high, factor, k);
    *low = _mm512_add_epi32(x, y);
    *high = _mm512_sub_epi32(_mm512_add_epi32(x, k.q2), y);
}

/* [0, 2q) in, [0, 2q) out. */
static inline void inverse_step(__m512i *low, __m512i *high, struct factor factor,
                                struct lanes_of_q k)
{
    const __m512i x = *low;
    const __m512i y = *high;
    *low = correct_by(_mm512_add_epi32(x, y), k.q2);
    *high = mul_lazy(_mm512_sub_epi32(_mm512_add_epi32(x, k.q2), y), factor, k);
}

/* Thirty-two neighbours a0..a15, b0..b15 of two registers, split for blocks of 16, 8, 4 and 2; all
 * but the last are undone by themselves. */

/* low = a0..a7 b0..b7, high = a8..a15 b8..b15 */
static inline void exchange_eights(__m512i *low, __m512i *high)
{
    const __m512i first = _mm512_shuffle_i64x2(*low, *high, 0x44);
    *high = _mm512_shuffle_i64x2(*low, *high, 0xee);
    *low = first;
}

/* From there: low = a0..a3 a8..a11 b.., high = a4..a7 a12..a15 b.. */
static inline void exchange_fours(__m512i *low, __m512i *high)
{
    const __m512i take_low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const __m512i take_high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    const __m512i first = _mm512_permutex2var_epi64(*low, take_low, *high);
    *high = _mm512_permutex2var_epi64(*low, take_high, *high);
    *low = first;
}

/* From there, in each 128-bit part: low = 0 1 4 5, high = 2 3 6 7 of its eight. */
static inline void exchange_twos(__m512i *low, __m512i *high)
{
    const __m512i first = _mm512_unpacklo_epi64(*low, *high);
    *high = _mm512_unpackhi_epi64(*low, *high);
    *low = first;
}

/* From there, in each 128-bit part: low = 0 4 2 6, high = 1 5 3 7 of its eight. */
static inline void split_ones(__m512i *low, __m512i *high)
{
    const __m512 x = _mm512_castsi512_ps(*low);
    const __m512 y = _mm512_castsi512_ps(*high);
    *low = _mm512_castps_si512(_mm512_shuffle_ps(x, y, 0x88));
    *high = _mm512_castps_si512(_mm512_shuffle_ps(x, y, 0xdd));
}

/* Undoes split_ones(). */
static inline void join_ones(__m512i *low, __m512i *high)
{
    const __m512i first = _mm512_unpacklo_epi32(*low, *high);
    *high = _mm512_unpackhi_epi32(*low, *high);
    *low = first;
}

/* Factors of two blocks of 16, four of 8, eight of 4 and sixteen of 2 in the order of those lanes.
 */
static inline __m512i spread_two(const uint32_t *two)
{
    const __m128i pair = _mm_loadl_epi64((const __m128i *)(const void *)two);
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1),
        _mm512_castsi128_si512(pair));
}

static inline __m512i spread_four(const uint32_t *four)
{
    const __m128i quad = _mm_loadu_si128((const __m128i *)(const void *)four);
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3),
        _mm512_castsi128_si512(quad));
}

static inline __m512i spread_eight(const uint32_t *eight)
{
    const __m256i oct = _mm256_loadu_si256((const __m256i *)(const void *)eight);
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7),
        _mm512_castsi256_si512(oct));
}

static inline __m512i spread_sixteen(const uint32_t *sixteen)
{
    return _mm512_shuffle_epi32(load(sixteen), _MM_PERM_DBCA);
}

static inline struct factor factor_spread(__m512i (*spread)(const uint32_t *),
                                          const uint32_t *values, const uint32_t *quotients,
                                          size_t at)
{
    return factor_of(spread(values + at), spread(quotients + at));
}

/* The steps with blocks of 16, 8, 4 and 2 on thirty-two neighbours; pair = their number. */
static inline void forward_last_four(__m512i *low, __m512i *high, const uint32_t *values,
                                     const uint32_t *quotients, size_t n, size_t pair,
                                     struct lanes_of_q k)
{
    exchange_eights(low, high);
    forward_step(low, high, factor_spread(spread_two, values, quotients, n / 16 + 2 * pair), k);
    exchange_fours(low, high);
    forward_step(low, high, factor_spread(spread_four, values, quotients, n / 8 + 4 * pair), k);
    exchange_twos(low, high);
    forward_step(low, high, factor_spread(spread_eight, values, quotients, n / 4 + 8 * pair), k);
    split_ones(low, high);
    forward_step(low, high, factor_spread(spread_sixteen, values, quotients, n / 2 + 16 * pair), k);
    join_ones(low, high);
    exchange_twos(low, high);
    exchange_fours(low, high);
    exchange_eights(low, high);
}

static inline void inverse_first_four(__m512i *low, __m512i *high, const uint32_t *values,
                                      const uint32_t *quotients, size_t n, size_t pair,
                                      struct lanes_of_q k)
{
    exchange_eights(low, high);
    exchange_fours(low, high);
    exchange_twos(low, high);
    split_ones(low, high);
    inverse_step(low, high, factor_spread(spread_sixteen, values, quotients, n / 2 + 16 * pair), k);
    join_ones(low, high);
    inverse_step(low, high, factor_spread(spread_eight, values, quotients, n / 4 + 8 * pair), k);
    exchange_twos(low, high);
    inverse_step(low, high, factor_spread(spread_four, values, quotients, n / 8 + 4 * pair), k);
    exchange_fours(low, high);
    inverse_step(low, high, factor_spread(spread_two, values, quotients, n / 16 + 2 * pair), k);
    exchange_eights(low, high);
}

/* Two forward steps on the quarters of one block of 4 * quarter values. */
static inline void forward_two_steps(uint32_t *block, size_t quarter, const uint32_t *values,
                                     const uint32_t *quotients, size_t at, struct lanes_of_q k)
{
    const struct factor outer = factor_broadcast(values, quotients, at);
    const struct factor left = factor_broadcast(values, quotients, 2 * at);
    const struct factor right = factor_broadcast(values, quotients, 2 * at + 1);
    for (size_t i = 0; i < quarter; i += LANES) {
        __m512i a = load(block + i);
        __m512i b = load(block + i + quarter);
        __m512i c = load(block + i + 2 * quarter);
        __m512i d = load(block + i + 3 * quarter);
        forward_step(&a, &c, outer, k);
        forward_step(&b, &d, outer, k);
        forward_step(&a, &b, left, k);
        forward_step(&c, &d, right, k);
        store(block + i, a);
        store(block + i + quarter, b);
        store(block + i + 2 * quarter, c);
        store(block + i + 3 * quarter, d);
    }
}

static void forward_lazy(uint32_t *row, const struct ntt_tables *tables)
{
    const size_t n = tables->n;
    const uint32_t *const values = tables->forward;
    const uint32_t *const quotients = tables->forward_quotient;
    const struct lanes_of_q k = lanes_of_q(tables->modulus.value);

    size_t blocks = 1;
    for (; n / blocks >= 4 * LANES; blocks *= 4) {
        const size_t quarter = n / (4 * blocks);
        for (size_t i = 0; i < blocks; i++)
            forward_two_steps(row + 4 * i * quarter, quarter, values, quotients, blocks + i, k);
    }
    const bool has_step = n / blocks == 2 * LANES; /* one with halves of one vector */
    for (size_t pair = 0; pair < n / (2 * LANES); pair++) {
        uint32_t *const at = row + 2 * LANES * pair;
        __m512i low = load(at);
        __m512i high = load(at + LANES);
        if (has_step)
            forward_step(&low, &high, factor_broadcast(values, quotients, blocks + pair), k);
        forward_last_four(&low, &high, values, quotients, n, pair, k);
        store(at, low);
        store(at + LANES, high);
    }
}

static inline void inverse_two_steps(uint32_t *block, size_t quarter, const uint32_t *values,
                                     const uint32_t *quotients, size_t at, struct lanes_of_q k)
{
    const struct factor outer = factor_broadcast(values, quotients, at);
    const struct factor left = factor_broadcast(values, quotients, 2 * at);
    const struct factor right = factor_broadcast(values, quotients, 2 * at + 1);
    for (size_t i = 0; i < quarter; i += LANES) {
        __m512i a = load(block + i);
        __m512i b = load(block + i + quarter);
        __m512i c = load(block + i + 2 * quarter);
        __m512i d = load(block + i + 3 * quarter);
        inverse_step(&a, &b, left, k);
        inverse_step(&c, &d, right, k);
        inverse_step(&a, &c, outer, k);
        inverse_step(&b, &d, outer, k);
        store(block + i, a);
        store(block + i + quarter, b);
        store(block + i + 2 * quarter, c);
        store(block + i + 3 * quarter, d);
    }
}

/* The last step, with 1/n, fully reduced. */
static void inverse_last_step(uint32_t *row, const struct ntt_tables *tables, struct lanes_of_q k)
{
    const size_t half = tables->n / 2;
    const struct factor scale = factor_broadcast(&tables->scale.value, &tables->scale.quotient, 0);
    const struct factor scale_root =
        factor_broadcast(&tables->scale_root.value, &tables->scale_root.quotient, 0);
    for (size_t i = 0; i < half; i += LANES) {
        const __m512i x = load(row + i);
        const __m512i y = load(row + i + half);
        const __m512i sum = _mm512_add_epi32(x, y);
        const __m512i difference = _mm512_sub_epi32(_mm512_add_epi32(x, k.q2), y);
        store(row + i, correct_by(mul_lazy(sum, scale, k), k.q));
        store(row + i + half, correct_by(mul_lazy(difference, scale_root, k), k.q));
    }
}

static void inverse(uint32_t *row, const struct ntt_tables *tables)
{
    const size_t n = tables->n;
    const uint32_t *const values = tables->inverse;
    const uint32_t *const quotients = tables->inverse_quotient;
    const struct lanes_of_q k = lanes_of_q(tables->modulus.value);

    /* Steps between the first four and the last one: log2 n - 5. An odd one is done beside the
     * first four. */
    const bool has_step = tables->log2_n % 2 == 0;
    size_t blocks = n / (2 * LANES);
    for (size_t pair = 0; pair < n / (2 * LANES); pair++) {
        uint32_t *const at = row + 2 * LANES * pair;
        __m512i low = load(at);
        __m512i high = load(at + LANES);
        inverse_first_four(&low, &high, values, quotients, n, pair, k);
        if (has_step)
            inverse_step(&low, &high, factor_broadcast(values, quotients, blocks + pair), k);
        store(at, low);
        store(at + LANES, high);
    }
    if (has_step)
        blocks /= 2;
    for (; blocks > 1; blocks /= 4) {
        const size_t quarter = n / (2 * blocks);
        for (size_t i = 0; i < blocks / 2; i++)
            inverse_two_steps(row + 4 * i * quarter, quarter, values, quotients, blocks / 2 + i, k);
    }
    inverse_last_step(row, tables, k);
}

static void correct(uint32_t *row, const struct ntt_tables *tables)
{
    const __m512i q = broadcast(tables->modulus.value);
    const __m512i q2 = broadcast(2 * tables->modulus.value);
    for (size_t i = 0; i < tables->n; i += LANES)
        store(row + i, correct_by(correct_by(load(row + i), q2), q));
}

const struct ntt_kernel ntt_kernel_avx512 = {
    .name = "avx512",
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

const struct ntt_kernel ntt_kernel_avx512 = {.name = "avx512", .runs_on = runs_on};
#endif
