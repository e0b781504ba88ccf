/* vec_avx512 - a register of 32-bit lanes and the operations on it that the wide kernels are
 * written in.
 *
 * For files built with AVX-512 only; empty elsewhere. 64-bit values lie in pairs of lanes, the even
 * one low. Threads  any. */
#ifndef BLINDLIST_RING_VEC_AVX512_H
#define BLINDLIST_RING_VEC_AVX512_H

#if defined(__x86_64__) && defined(__AVX512F__)
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

typedef __m512i vec;
#define VEC_LANES      ((size_t)16)
#define VEC_LOG2_LANES 4u

static inline vec vec_load(const uint32_t *at)
{
    return _mm512_loadu_si512(at);
}

static inline void vec_store(uint32_t *at, vec x)
{
    _mm512_storeu_si512(at, x);
}

static inline vec vec_load64(const uint64_t *at)
{
    return _mm512_loadu_si512(at);
}

static inline void vec_store64(uint64_t *at, vec x)
{
    _mm512_storeu_si512(at, x);
}

static inline vec vec_set(uint32_t value)
{
    return _mm512_set1_epi32((int32_t)value);
}

static inline vec vec_add(vec a, vec b)
{
    return _mm512_add_epi32(a, b);
}

static inline vec vec_sub(vec a, vec b)
{
    return _mm512_sub_epi32(a, b);
}

static inline vec vec_min(vec a, vec b)
{
    return _mm512_min_epu32(a, b);
}

static inline vec vec_add64(vec a, vec b)
{
    return _mm512_add_epi64(a, b);
}

static inline vec vec_and(vec a, vec b)
{
    return _mm512_and_si512(a, b);
}

/* All bits of the lanes whose highest bit is set. */
static inline vec vec_negative(vec x)
{
    return _mm512_srai_epi32(x, 31);
}

/* Lane i of the result is lane index[i] mod VEC_LANES of x. */
static inline vec vec_permute(vec x, vec index)
{
    return _mm512_permutexvar_epi32(index, x);
}

/* 32x32->64 of the even lanes. */
static inline vec vec_mul(vec a, vec b)
{
    return _mm512_mul_epu32(a, b);
}

static inline vec vec_mul_low(vec a, vec b)
{
    return _mm512_mullo_epi32(a, b);
}

/* The odd lanes moved to the even ones; the odd lanes of the result are zero. */
static inline vec vec_odd(vec x)
{
    return _mm512_srli_epi64(x, 32);
}

/* The even lanes alone; the odd lanes of the result are zero. */
static inline vec vec_low(vec x)
{
    return _mm512_maskz_mov_epi32(0x5555, x);
}

/* The high halves of 64-bit lanes: of `even` to the even lanes, of `odd` to the odd ones. */
static inline vec vec_join_high(vec even, vec odd)
{
    return _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
}

/* Sums of neighbouring 64-bit lanes 2i and 2i + 1 of four registers, as if these were one: the sums
 * with even number to `ret_even`, with odd number to `ret_odd`. */
static inline void vec_add_neighbours(const vec x[4], vec *ret_even, vec *ret_odd)
{
    const vec evens = _mm512_setr_epi64(0, 4, 1, 5, 8, 12, 9, 13);
    const vec odds = _mm512_setr_epi64(2, 6, 3, 7, 10, 14, 11, 15);
    const vec first =
        _mm512_add_epi64(_mm512_unpacklo_epi64(x[0], x[1]), _mm512_unpackhi_epi64(x[0], x[1]));
    const vec last =
        _mm512_add_epi64(_mm512_unpacklo_epi64(x[2], x[3]), _mm512_unpackhi_epi64(x[2], x[3]));
    *ret_even = _mm512_permutex2var_epi64(first, evens, last);
    *ret_odd = _mm512_permutex2var_epi64(first, odds, last);
}

#endif

#endif
