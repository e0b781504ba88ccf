/* ARM NEON: four residues at a time; ntt_wide.h has all but the short steps. */
#include "pir-server/ring/ntt/ntt_internal.h"
#include "pir-server/ring/vec_neon.h"

#if defined(VEC_LANES)
#define NTT_SHORT_STEPS 2

#include "pir-server/ring/ntt/ntt_wide.h"

static bool runs_on(const struct cpu *cpu, size_t n)
{
    return cpu->has_neon && n >= NTT_WIDE_MIN;
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

static ALWAYS_INLINE void reorder(vec *low, vec *high, size_t step)
{
    if (step > 0)
        exchange_ones(low, high);
    if (step == 0 || step == NTT_SHORT_STEPS)
        exchange_twos(low, high);
}

static ALWAYS_INLINE void reorder_back(vec *low, vec *high, size_t step)
{
    if (step == 0 || step == NTT_SHORT_STEPS)
        exchange_twos(low, high);
    if (step > 0)
        exchange_ones(low, high);
}

/* Factors of two blocks of four in the order of those lanes. */
static inline vec spread_two(const uint32_t *two)
{
    return vcombine_u32(vdup_n_u32(two[0]), vdup_n_u32(two[1]));
}

static ALWAYS_INLINE struct factor short_factor(const uint32_t *values, const uint32_t *quotients,
                                                size_t step)
{
    if (step == 0)
        return factor_of_twins(spread_two(values), spread_two(quotients));
    return factor_of(vec_load(values), vec_load(quotients));
}

const struct ntt_kernel ntt_kernel_neon = NTT_WIDE_KERNEL("neon");
#else
const struct ntt_kernel ntt_kernel_neon = {.name = "neon"};
#endif
