/* AVX-512: sixteen lanes. */
#include "pir-server/pir/sha256_many/sha256_many_internal.h"

static bool runs_on(const struct cpu *cpu)
{
    return cpu->has_avx512;
}

#if defined(__x86_64__) && defined(__AVX512BW__)
#include <immintrin.h>

typedef __m512i lane_vec;
#define LANES ((size_t)16)

/* Functions of three bits, their values at 000 to 111 from the low bit up. */
#define BITS_XOR3     0x96
#define BITS_CHOOSE   0xca
#define BITS_MAJORITY 0xe8

/* The instruction holds its count: no function can pass it on. */
#define lane_rotate(x, count) _mm512_ror_epi32((x), (count))
#define lane_shift(x, count)  _mm512_srli_epi32((x), (count))

static inline lane_vec lane_set(uint32_t value)
{
    return _mm512_set1_epi32((int32_t)value);
}

static inline lane_vec lane_load(const uint32_t *at)
{
    return _mm512_loadu_si512(at);
}

static inline void lane_store(uint32_t *at, lane_vec x)
{
    _mm512_storeu_si512(at, x);
}

static inline lane_vec lane_add(lane_vec a, lane_vec b)
{
    return _mm512_add_epi32(a, b);
}

static inline lane_vec lane_xor3(lane_vec a, lane_vec b, lane_vec c)
{
    return _mm512_ternarylogic_epi32(a, b, c, BITS_XOR3);
}

/* e ? f : g */
static inline lane_vec lane_choose(lane_vec e, lane_vec f, lane_vec g)
{
    return _mm512_ternarylogic_epi32(e, f, g, BITS_CHOOSE);
}

static inline lane_vec lane_majority(lane_vec a, lane_vec b, lane_vec c)
{
    return _mm512_ternarylogic_epi32(a, b, c, BITS_MAJORITY);
}

/* Turned from rows, one a block, into columns: 4x4 words inside each 128 bits, then these. */
static inline void load_words(const uint8_t *const *blocks, lane_vec w[16])
{
    const __m512i order =
        _mm512_broadcast_i32x4(_mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
    __m512i x[16];
    for (size_t i = 0; i < 16; i += 4) {
        __m512i row[4], pair[4];
        UNROLL_8
        for (size_t k = 0; k < 4; k++)
            row[k] = _mm512_shuffle_epi8(_mm512_loadu_si512(blocks[i + k]), order);
        pair[0] = _mm512_unpacklo_epi32(row[0], row[1]);
        pair[1] = _mm512_unpackhi_epi32(row[0], row[1]);
        pair[2] = _mm512_unpacklo_epi32(row[2], row[3]);
        pair[3] = _mm512_unpackhi_epi32(row[2], row[3]);
        x[i] = _mm512_unpacklo_epi64(pair[0], pair[2]);
        x[i + 1] = _mm512_unpackhi_epi64(pair[0], pair[2]);
        x[i + 2] = _mm512_unpacklo_epi64(pair[1], pair[3]);
        x[i + 3] = _mm512_unpackhi_epi64(pair[1], pair[3]);
    }
    /* x[4j + k]: words k, 4 + k, 8 + k, 12 + k of lanes 4j to 4j + 3. */
    for (size_t k = 0; k < 4; k++) {
        const __m512i low01 = _mm512_shuffle_i32x4(x[k], x[4 + k], 0x44);
        const __m512i high01 = _mm512_shuffle_i32x4(x[k], x[4 + k], 0xee);
        const __m512i low23 = _mm512_shuffle_i32x4(x[8 + k], x[12 + k], 0x44);
        const __m512i high23 = _mm512_shuffle_i32x4(x[8 + k], x[12 + k], 0xee);
        w[k] = _mm512_shuffle_i32x4(low01, low23, 0x88);
        w[4 + k] = _mm512_shuffle_i32x4(low01, low23, 0xdd);
        w[8 + k] = _mm512_shuffle_i32x4(high01, high23, 0x88);
        w[12 + k] = _mm512_shuffle_i32x4(high01, high23, 0xdd);
    }
}

#include "pir-server/pir/sha256_many/sha256_many_wide.h"

const struct sha256_many_kernel sha256_many_kernel_avx512 = {"avx512", LANES, runs_on, wide_hash};
#else
const struct sha256_many_kernel sha256_many_kernel_avx512 = {.name = "avx512", .runs_on = runs_on};
#endif
