/* vec_avx2 - a register of 32-bit lanes and the operations on it that the wide kernels are written
 * in.
 *
 * For files built with AVX2 only; empty elsewhere. 64-bit values lie in pairs of lanes, the even
 * one low. Threads  any. */
#ifndef BLINDLIST_RING_VEC_AVX2_H
#define BLINDLIST_RING_VEC_AVX2_H

#if defined(__x86_64__) && defined(__AVX2__)
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

typedef __m256i vec;
#define VEC_LANES      ((size_t)8)
#define VEC_LOG2_LANES 3u

static inline vec vec_load(const uint32_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

static inline void vec_store(uint32_t *at, vec x)
{
    _mm256_storeu_si256((__m256i *)(void *)at, x);
}

static inline vec vec_load64(const uint64_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

static inline void vec_store64(uint64_t *at, vec x)
{
    _mm256_storeu_si256((__m256i *)(void *)at, x);
}

static inline vec vec_set(uint32_t value)
{
    return _mm256_set1_epi32((int32_t)value);
}

static inline vec vec_add(vec a, vec b)
{
    return _mm256_add_epi32(a, b);
}

static inline vec vec_sub(vec a, vec b)
{
    return _mm256_sub_epi32(a, b);
}

static inline vec vec_min(vec a, vec b)
{
    return _mm256_min_epu32(a, b);
}

static inline vec vec_add64(vec a, vec b)
{
    return _mm256_add_epi64(a, b);
}

static inline vec vec_and(vec a, vec b)
{
    return _mm256_and_si256(a, b);
}

/* All bits of the lanes whose highest bit is set. */
static inline vec vec_negative(vec x)
{
    return _mm256_srai_epi32(x, 31);
}

/* Lane i of the result is lane index[i] mod VEC_LANES of x. */
static inline vec vec_permute(vec x, vec index)
{
    return _mm256_permutevar8x32_epi32(x, index);
}

/* 32x32->64 of the even lanes. */
static inline vec vec_mul(vec a, vec b)
{
    return _mm256_mul_epu32(a, b);
}

static inline vec vec_mul_low(vec a, vec b)
{
    return _mm256_mullo_epi32(a, b);
}

/* The odd lanes moved to the even ones; the odd lanes of the result are zero. */
static inline vec vec_odd(vec x)
{
    return _mm256_srli_epi64(x, 32);
}

/* The even lanes alone; the odd lanes of the result are zero. */
static inline vec vec_low(vec x)
{
    return _mm256_blend_epi32(x, _mm256_setzero_si256(), 0xaa);
}

/* The high halves of 64-bit lanes: of `even` to the even lanes, of `odd` to the odd ones. */
static inline vec vec_join_high(vec even, vec odd)
{
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

/* Sums of neighbouring 64-bit lanes 2i and 2i + 1 of four registers, as if these were one: the sums
 * with even number to `ret_even`, with odd number to `ret_odd`. */
static inline void vec_add_neighbours(const vec x[4], vec *ret_even, vec *ret_odd)
{
    const vec first =
        _mm256_add_epi64(_mm256_unpacklo_epi64(x[0], x[1]), _mm256_unpackhi_epi64(x[0], x[1]));
    const vec last =
        _mm256_add_epi64(_mm256_unpacklo_epi64(x[2], x[3]), _mm256_unpackhi_epi64(x[2], x[3]));
    *ret_even = _mm256_permute2x128_si256(first, last, 0x20);
    *ret_odd = _mm256_permute2x128_si256(first, last, 0x31);
}

#endif

#endif
