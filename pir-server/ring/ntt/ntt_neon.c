/* ARM NEON: four residues at a time; ntt_wide.h has all but the short steps. */
#include "pir-server/ring/ntt/ntt_internal.h"
#include "pir-server/ring/vec_neon.h"

#if defined(VEC_LANES)
#define NTT_SHORT_STEPS 2

#include "pir-server/ring/ntt/ntt_wide.h"

static bool runs_on(const struct cpu *cpu, size_t n)
{
    return cpu->has_neon && n >= 2 * VEC_LANES;
}

/* Eight neighbours a0..a3, b0..b3 of two registers, split for blocks of 4 and 2; both are undone by
 * themselves. low = a0 a1 b0 b1, high = a2 a3 b2 b3 */
static inline void exchange_twos(vec *low, vec *high)
{
    const uint64x2_t x = vreinterpretq_u64_u32(*low);
    const uint64x2_t y = vreinterpretq_u64_u32(*high);
    *low = vreinterpretq_u32_u64(vtrn1q_u64(x, y));
    *high = vreinterpretq_u32_u64(vtrn2q_u64(x, y));
}

/* From there: low = a0 a2 b0 b2, high = a1 a3 b1 b3 */
static inline void exchange_ones(vec *low, vec *high)
{
    const vec first = vtrn1q_u32(*low, *high);
    *high = vtrn2q_u32(*low, *high);
    *low = first;
}

/* Factors of two blocks of four, and of four of two, in the order of those lanes. */
static inline struct factor factor_of_fours(const uint32_t *values, const uint32_t *quotients,
                                            size_t at)
{
    return factor_of(vcombine_u32(vdup_n_u32(values[at]), vdup_n_u32(values[at + 1])),
                     vcombine_u32(vdup_n_u32(quotients[at]), vdup_n_u32(quotients[at + 1])));
}

static inline struct factor factor_of_twos(const uint32_t *values, const uint32_t *quotients,
                                           size_t at)
{
    return factor_of(vec_load(values + at), vec_load(quotients + at));
}

/* The steps with blocks of 4 and 2 on eight neighbours; pair = their number. */
static inline void forward_short_steps(vec *low, vec *high, const uint32_t *values,
                                       const uint32_t *quotients, size_t n, size_t pair,
                                       struct lanes_of_q k)
{
    exchange_twos(low, high);
    forward_step(low, high, factor_of_fours(values, quotients, n / 4 + 2 * pair), k);
    exchange_ones(low, high);
    forward_step(low, high, factor_of_twos(values, quotients, n / 2 + 4 * pair), k);
    exchange_ones(low, high);
    exchange_twos(low, high);
}

static inline void inverse_short_steps(vec *low, vec *high, const uint32_t *values,
                                       const uint32_t *quotients, size_t n, size_t pair,
                                       struct lanes_of_q k)
{
    exchange_twos(low, high);
    exchange_ones(low, high);
    inverse_step(low, high, factor_of_twos(values, quotients, n / 2 + 4 * pair), k);
    exchange_ones(low, high);
    inverse_step(low, high, factor_of_fours(values, quotients, n / 4 + 2 * pair), k);
    exchange_twos(low, high);
}

const struct ntt_kernel ntt_kernel_neon = {
    .name = "neon",
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

const struct ntt_kernel ntt_kernel_neon = {.name = "neon", .runs_on = runs_on};
#endif
