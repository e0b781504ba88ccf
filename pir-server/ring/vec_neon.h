/* vec_neon - a register of 32-bit lanes and the operations on it that the wide kernels are written
 * in.
 *
 * For 64-bit ARM, little-endian; empty elsewhere. 64-bit values lie in pairs of lanes, the even one
 * low. Threads  any. */
#ifndef BLINDLIST_RING_VEC_NEON_H
#define BLINDLIST_RING_VEC_NEON_H

#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(__ARM_BIG_ENDIAN)
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32x4_t vec;
#define VEC_LANES      ((size_t)4)
#define VEC_LOG2_LANES 2u

static inline vec vec_load(const uint32_t *at)
{
    return vld1q_u32(at);
}

static inline void vec_store(uint32_t *at, vec x)
{
    vst1q_u32(at, x);
}

static inline vec vec_load64(const uint64_t *at)
{
    return vreinterpretq_u32_u64(vld1q_u64(at));
}

static inline void vec_store64(uint64_t *at, vec x)
{
    vst1q_u64(at, vreinterpretq_u64_u32(x));
}

static inline vec vec_set(uint32_t value)
{
    return vdupq_n_u32(value);
}

static inline vec vec_add(vec a, vec b)
{
    return vaddq_u32(a, b);
}

static inline vec vec_sub(vec a, vec b)
{
    return vsubq_u32(a, b);
}

static inline vec vec_min(vec a, vec b)
{
    return vminq_u32(a, b);
}

static inline vec vec_add64(vec a, vec b)
{
    return vreinterpretq_u32_u64(vaddq_u64(vreinterpretq_u64_u32(a), vreinterpretq_u64_u32(b)));
}

/* 32x32->64 of the even lanes. */
static inline vec vec_mul(vec a, vec b)
{
    return vreinterpretq_u32_u64(
        vmull_u32(vmovn_u64(vreinterpretq_u64_u32(a)), vmovn_u64(vreinterpretq_u64_u32(b))));
}

static inline vec vec_mul_low(vec a, vec b)
{
    return vmulq_u32(a, b);
}

static inline vec vec_and(vec a, vec b)
{
    return vandq_u32(a, b);
}

/* All bits of the lanes whose highest bit is set. */
static inline vec vec_negative(vec x)
{
    return vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_u32(x), 31));
}

/* Lane i of the result is lane index[i] mod VEC_LANES of x. */
static inline vec vec_permute(vec x, vec index)
{
    const uint32x4_t lane = vandq_u32(index, vdupq_n_u32(VEC_LANES - 1));
    const uint32x4_t bytes =
        vaddq_u32(vmulq_u32(lane, vdupq_n_u32(0x04040404)), vdupq_n_u32(0x03020100));
    return vreinterpretq_u32_u8(vqtbl1q_u8(vreinterpretq_u8_u32(x), vreinterpretq_u8_u32(bytes)));
}

/* The odd lanes moved to the even ones; the odd lanes of the result are zero. */
static inline vec vec_odd(vec x)
{
    return vreinterpretq_u32_u64(vshrq_n_u64(vreinterpretq_u64_u32(x), 32));
}

/* The even lanes alone; the odd lanes of the result are zero. */
static inline vec vec_low(vec x)
{
    return vtrn1q_u32(x, vdupq_n_u32(0));
}

/* The high halves of 64-bit lanes: of `even` to the even lanes, of `odd` to the odd ones. */
static inline vec vec_join_high(vec even, vec odd)
{
    return vtrn2q_u32(even, odd);
}

/* Sums of neighbouring 64-bit lanes 2i and 2i + 1 of four registers, as if these were one: the sums
 * with even number to `ret_even`, with odd number to `ret_odd`. */
static inline void vec_add_neighbours(const vec x[4], vec *ret_even, vec *ret_odd)
{
    *ret_even =
        vreinterpretq_u32_u64(vpaddq_u64(vreinterpretq_u64_u32(x[0]), vreinterpretq_u64_u32(x[2])));
    *ret_odd =
        vreinterpretq_u32_u64(vpaddq_u64(vreinterpretq_u64_u32(x[1]), vreinterpretq_u64_u32(x[3])));
}

#endif

#endif
