/* AVX2: eight residues at a time.
 *
 * The steps are those of ntt_ref.c with the same ranges. Two steps are done on four vectors in one
 * pass over the row; the last three forward steps (the first three inverse ones), whose blocks are
 * shorter than a vector, work on sixteen neighbours in two registers that are reordered between the
 * steps. Shoup's multiplication takes two 32x32->64 products for the quotient and two low halves:
 * on the processors tried that beats Montgomery's six full products. */
#include "pir-server/ring/ntt/ntt_internal.h"

#if defined(__x86_64__) && defined(__AVX2__)
#include <immintrin.h>

#define LANES 8

static bool runs_on(const struct cpu *cpu, size_t n)
{
    return cpu->has_avx2 && n >= 2 * LANES;
}

static inline __m256i load(const uint32_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

static inline void store(uint32_t *at, __m256i value)
{
    _mm256_storeu_si256((__m256i *)(void *)at, value);
}

static inline __m256i broadcast(uint32_t value)
{
    return _mm256_set1_epi32((int32_t)value);
}

/* The multiples of q that the steps need. */
struct lanes_of_q {
    __m256i q;
    __m256i q2;
};

/* A factor and its quotient; quotient_odd has the odd lanes moved down to the even ones. */
struct factor {
    __m256i value;
    __m256i quotient;
    __m256i quotient_odd;
};

static inline struct factor factor_of(__m256i value, __m256i quotient)
{
    return (struct factor){
        .value = value, .quotient = quotient, .quotient_odd = _mm256_srli_epi64(quotient, 32)};
}

static inline struct factor factor_broadcast(const uint32_t *values, const uint32_t *quotients,
                                             size_t at)
{
    const __m256i quotient = broadcast(quotients[at]);
    return (struct factor){
        .value = broadcast(values[at]), .quotient = quotient, .quotient_odd = quotient};
}

/* x * factor mod q in [0, 2q), for every 32-bit x. */
static inline __m256i mul_lazy(__m256i x, struct factor factor, __m256i q)
{
    const __m256i even = _mm256_mul_epu32(x, factor.quotient);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), factor.quotient_odd);
    const __m256i estimate = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
    return _mm256_sub_epi32(_mm256_mullo_epi32(x, factor.value), _mm256_mullo_epi32(estimate, q));
}

/* x - bound when x >= bound, else x: the difference wraps to a large number in the other case. */
static inline __m256i correct_by(__m256i x, __m256i bound)
{
    return _mm256_min_epu32(x, _mm256_sub_epi32(x, bound));
}

/* [0, 4q) in, [0, 4q) out. */
static inline void forward_step(__m256i *low, __m256i *high, struct factor factor,
                                struct lanes_of_q k)
{
    const __m256i x = correct_by(*low, k.q2);
    const __m256i y = mul_lazy(*high, factor, k.q);
    *low = _mm256_add_epi32(x, y);
    *high = _mm256_sub_epi32(_mm256_add_epi32(x, k.q2), y);
}

/* [0, 2q) in, [0, 2q) out. */
static inline void inverse_step(__m256i *low, __m256i *high, struct factor factor,
                                struct lanes_of_q k)
{
    const __m256i x = *low;
    const __m256i y = *high;
    *low = correct_by(_mm256_add_epi32(x, y), k.q2);
    *high = mul_lazy(_mm256_sub_epi32(_mm256_add_epi32(x, k.q2), y), factor, k.q);
}

/* Sixteen neighbours a0..a7, b0..b7 of two registers, split for blocks of 8, 4 and 2. Two blocks of
 * eight: low = a0..a3 b0..b3, high = a4..a7 b4..b7; undone by itself. */
static inline void exchange_fours(__m256i *low, __m256i *high)
{
    const __m256i first = _mm256_permute2x128_si256(*low, *high, 0x20);
    *high = _mm256_permute2x128_si256(*low, *high, 0x31);
    *low = first;
}

/* From there: low = a0 a1 a4 a5 | b.., high = a2 a3 a6 a7 | b..; undone by itself. */
static inline void exchange_twos(__m256i *low, __m256i *high)
{
    const __m256i first = _mm256_unpacklo_epi64(*low, *high);
    *high = _mm256_unpackhi_epi64(*low, *high);
    *low = first;
}

/* From there: low = a0 a4 a2 a6 | b.., high = a1 a5 a3 a7 | b... */
static inline void split_ones(__m256i *low, __m256i *high)
{
    const __m256 x = _mm256_castsi256_ps(*low);
    const __m256 y = _mm256_castsi256_ps(*high);
    *low = _mm256_castps_si256(_mm256_shuffle_ps(x, y, 0x88));
    *high = _mm256_castps_si256(_mm256_shuffle_ps(x, y, 0xdd));
}

/* Undoes split_ones(): low = a0 a1 a4 a5 | b.., high = a2 a3 a6 a7 | b... */
static inline void join_ones(__m256i *low, __m256i *high)
{
    const __m256i first = _mm256_unpacklo_epi32(*low, *high);
    *high = _mm256_unpackhi_epi32(*low, *high);
    *low = first;
}

/* Factors of two blocks of eight, four of four and eight of two, in the order of the lanes above.
 */
static inline __m256i spread_two(const uint32_t *two)
{
    const __m128i pair = _mm_loadl_epi64((const __m128i *)(const void *)two);
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(pair),
                                       _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
}

static inline __m256i spread_four(const uint32_t *four)
{
    const __m128i quad = _mm_loadu_si128((const __m128i *)(const void *)four);
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(quad),
                                       _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
}

static inline __m256i spread_eight(const uint32_t *eight)
{
    /* The order of the lanes that split_ones() leaves: 0 2 1 3 in each half. */
    return _mm256_shuffle_epi32(load(eight), 0xd8);
}

/* The steps with blocks of 8, 4 and 2 on sixteen neighbours; pair = their number. */
static inline void forward_last_three(__m256i *low, __m256i *high, const uint32_t *values,
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

static inline void inverse_first_three(__m256i *low, __m256i *high, const uint32_t *values,
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

/* Two forward steps on the quarters of one block of 4 * quarter values. */
static inline void forward_two_steps(uint32_t *block, size_t quarter, const uint32_t *values,
                                     const uint32_t *quotients, size_t at, struct lanes_of_q k)
{
    const struct factor outer = factor_broadcast(values, quotients, at);
    const struct factor left = factor_broadcast(values, quotients, 2 * at);
    const struct factor right = factor_broadcast(values, quotients, 2 * at + 1);
    for (size_t i = 0; i < quarter; i += LANES) {
        __m256i a = load(block + i);
        __m256i b = load(block + i + quarter);
        __m256i c = load(block + i + 2 * quarter);
        __m256i d = load(block + i + 3 * quarter);
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
    const struct lanes_of_q k = {.q = broadcast(tables->modulus.value),
                                 .q2 = broadcast(2 * tables->modulus.value)};

    size_t blocks = 1;
    for (; n / blocks >= 4 * LANES; blocks *= 4) {
        const size_t quarter = n / (4 * blocks);
        for (size_t i = 0; i < blocks; i++)
            forward_two_steps(row + 4 * i * quarter, quarter, values, quotients, blocks + i, k);
    }
    const bool has_step = n / blocks == 2 * LANES; /* one with halves of one vector */
    for (size_t pair = 0; pair < n / (2 * LANES); pair++) {
        uint32_t *const at = row + 2 * LANES * pair;
        __m256i low = load(at);
        __m256i high = load(at + LANES);
        if (has_step)
            forward_step(&low, &high, factor_broadcast(values, quotients, blocks + pair), k);
        forward_last_three(&low, &high, values, quotients, n, pair, k);
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
        __m256i a = load(block + i);
        __m256i b = load(block + i + quarter);
        __m256i c = load(block + i + 2 * quarter);
        __m256i d = load(block + i + 3 * quarter);
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
        const __m256i x = load(row + i);
        const __m256i y = load(row + i + half);
        const __m256i sum = _mm256_add_epi32(x, y);
        const __m256i difference = _mm256_sub_epi32(_mm256_add_epi32(x, k.q2), y);
        store(row + i, correct_by(mul_lazy(sum, scale, k.q), k.q));
        store(row + i + half, correct_by(mul_lazy(difference, scale_root, k.q), k.q));
    }
}

static void inverse(uint32_t *row, const struct ntt_tables *tables)
{
    const size_t n = tables->n;
    const uint32_t *const values = tables->inverse;
    const uint32_t *const quotients = tables->inverse_quotient;
    const struct lanes_of_q k = {.q = broadcast(tables->modulus.value),
                                 .q2 = broadcast(2 * tables->modulus.value)};

    /* Steps between the first three and the last one: log2 n - 4. An odd one is done beside the
     * first three. */
    const bool has_step = tables->log2_n % 2 == 1;
    size_t blocks = n / (2 * LANES);
    for (size_t pair = 0; pair < n / (2 * LANES); pair++) {
        uint32_t *const at = row + 2 * LANES * pair;
        __m256i low = load(at);
        __m256i high = load(at + LANES);
        inverse_first_three(&low, &high, values, quotients, n, pair, k);
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
    const __m256i q = broadcast(tables->modulus.value);
    const __m256i q2 = broadcast(2 * tables->modulus.value);
    for (size_t i = 0; i < tables->n; i += LANES)
        store(row + i, correct_by(correct_by(load(row + i), q2), q));
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
