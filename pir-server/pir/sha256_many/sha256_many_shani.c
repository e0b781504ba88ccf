/* SHA-NI: two lanes. The instruction for two rounds waits four cycles for the one before and could
 * begin every other: two inputs in turn take little more time than one. */
#include "pir-server/pir/sha256_many/sha256_many_internal.h"

static bool runs_on(const struct cpu *cpu)
{
    return cpu->has_sha_ni;
}

#if defined(__x86_64__) && defined(__SHA__)
#include <immintrin.h>

#define LANES ((size_t)2)
#define QUADS (SHA256_ROUNDS / 4)

/* In the order of the instructions, from the high word to the low one: A B E F and C D G H. */
struct stream {
    __m128i abef;
    __m128i cdgh;
    __m128i w[4]; /* sixteen words of the schedule */
};

static inline __m128i load(const void *at)
{
    return _mm_loadu_si128(at);
}

static inline __m128i shuffle_words(__m128i low, __m128i high, int is_odd)
{
    const __m128 a = _mm_castsi128_ps(low);
    const __m128 b = _mm_castsi128_ps(high);
    return _mm_castps_si128(is_odd ? _mm_shuffle_ps(a, b, _MM_SHUFFLE(1, 3, 1, 3))
                                   : _mm_shuffle_ps(a, b, _MM_SHUFFLE(0, 2, 0, 2)));
}

static inline void four_rounds(struct stream *stream, __m128i words, size_t quad)
{
    const __m128i sum = _mm_add_epi32(words, load(sha256_round_constants + 4 * quad));
    stream->cdgh = _mm_sha256rnds2_epu32(stream->cdgh, stream->abef, sum);
    stream->abef = _mm_sha256rnds2_epu32(stream->abef, stream->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

/* The next four words take the place of the four of `quad`. */
static inline void schedule(struct stream *stream, size_t quad)
{
    __m128i *const w = stream->w;
    const __m128i last = w[(quad + 3) % 4];
    const __m128i early = _mm_sha256msg1_epu32(w[quad % 4], w[(quad + 1) % 4]);
    const __m128i middle = _mm_alignr_epi8(last, w[(quad + 2) % 4], 4);
    w[quad % 4] = _mm_sha256msg2_epu32(_mm_add_epi32(early, middle), last);
}

static void compress(uint32_t *state, const uint8_t *const *blocks)
{
    const __m128i order = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    const __m128i ab = load(state), cd = load(state + 4);
    const __m128i ef = load(state + 8), gh = load(state + 12);
    struct stream stream[LANES], before[LANES];
    UNROLL_8
    for (size_t i = 0; i < LANES; i++) {
        stream[i].abef = before[i].abef = shuffle_words(ef, ab, (int)i);
        stream[i].cdgh = before[i].cdgh = shuffle_words(gh, cd, (int)i);
        UNROLL_8
        for (size_t k = 0; k < 4; k++)
            stream[i].w[k] = _mm_shuffle_epi8(load(blocks[i] + 16 * k), order);
    }
    for (size_t quad = 0; quad < QUADS; quad += 4) {
        UNROLL_8
        for (size_t k = 0; k < 4; k++) {
            UNROLL_8
            for (size_t i = 0; i < LANES; i++)
                four_rounds(&stream[i], stream[i].w[k], quad + k);
            /* The last quads have no successors; the words they would have are not used. */
            UNROLL_8
            for (size_t i = 0; i < LANES; i++)
                schedule(&stream[i], k);
        }
    }
    UNROLL_8
    for (size_t i = 0; i < LANES; i++) {
        stream[i].abef = _mm_add_epi32(stream[i].abef, before[i].abef);
        stream[i].cdgh = _mm_add_epi32(stream[i].cdgh, before[i].cdgh);
    }
    const __m128i words[4] = {_mm_unpackhi_epi32(stream[0].abef, stream[1].abef),
                              _mm_unpackhi_epi32(stream[0].cdgh, stream[1].cdgh),
                              _mm_unpacklo_epi32(stream[0].abef, stream[1].abef),
                              _mm_unpacklo_epi32(stream[0].cdgh, stream[1].cdgh)};
    UNROLL_8
    for (size_t i = 0; i < 4; i++)
        _mm_storeu_si128((__m128i *)(void *)(state + 4 * i), _mm_shuffle_epi32(words[i], 0x4e));
}

static void hash(const struct span *inputs, size_t count, uint8_t (*ret)[SHA256_MANY_BYTES])
{
    sha256_many_by_lanes(compress, LANES, inputs, count, ret);
}

const struct sha256_many_kernel sha256_many_kernel_shani = {"shani", LANES, runs_on, hash};
#else
const struct sha256_many_kernel sha256_many_kernel_shani = {.name = "shani", .runs_on = runs_on};
#endif
