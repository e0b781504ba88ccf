/* sha256_many_wide - the rounds over registers of 32-bit lanes, one input a lane.
 *
 * Includers define before: lane_vec, LANES, and lane_set(), lane_load(), lane_store(), lane_add(),
 * lane_xor3(), lane_choose(), lane_majority(), lane_rotate(), lane_shift() and load_words(), which
 * turns a block of each lane into 16 registers of one word each. */
#ifndef BLINDLIST_PIR_SHA256_MANY_WIDE_H
#define BLINDLIST_PIR_SHA256_MANY_WIDE_H

#include "pir-server/pir/sha256_many/sha256_many_internal.h"

#define BLOCK_WORDS ((size_t)16)

/* The registers change their roles from round to round instead of their contents. */
static inline void wide_round(lane_vec s[SHA256_WORDS], size_t round, lane_vec word,
                              uint32_t constant)
{
    const lane_vec a = s[(8 - round) & 7];
    const lane_vec b = s[(9 - round) & 7];
    const lane_vec c = s[(10 - round) & 7];
    const lane_vec e = s[(12 - round) & 7];
    const lane_vec f = s[(13 - round) & 7];
    const lane_vec g = s[(14 - round) & 7];
    const lane_vec sigma1 = lane_xor3(lane_rotate(e, 6), lane_rotate(e, 11), lane_rotate(e, 25));
    const lane_vec sigma0 = lane_xor3(lane_rotate(a, 2), lane_rotate(a, 13), lane_rotate(a, 22));
    const lane_vec first =
        lane_add(lane_add(s[(15 - round) & 7], lane_add(word, lane_set(constant))),
                 lane_add(sigma1, lane_choose(e, f, g)));
    s[(11 - round) & 7] = lane_add(s[(11 - round) & 7], first);
    s[(15 - round) & 7] = lane_add(first, lane_add(sigma0, lane_majority(a, b, c)));
}

/* Word t of the schedule, in the place of word t - 16. */
static inline lane_vec wide_schedule(lane_vec w[BLOCK_WORDS], size_t t)
{
    const lane_vec early = w[(t + 1) % BLOCK_WORDS];
    const lane_vec late = w[(t + 14) % BLOCK_WORDS];
    const lane_vec sigma0 =
        lane_xor3(lane_rotate(early, 7), lane_rotate(early, 18), lane_shift(early, 3));
    const lane_vec sigma1 =
        lane_xor3(lane_rotate(late, 17), lane_rotate(late, 19), lane_shift(late, 10));
    w[t % BLOCK_WORDS] =
        lane_add(lane_add(w[t % BLOCK_WORDS], w[(t + 9) % BLOCK_WORDS]), lane_add(sigma0, sigma1));
    return w[t % BLOCK_WORDS];
}

static void wide_compress(uint32_t *state, const uint8_t *const *blocks)
{
    lane_vec w[BLOCK_WORDS];
    lane_vec s[SHA256_WORDS];
    load_words(blocks, w);
    for (size_t i = 0; i < SHA256_WORDS; i++)
        s[i] = lane_load(state + i * LANES);
    for (size_t t = 0; t < BLOCK_WORDS; t += 8) {
        UNROLL_8
        for (size_t r = 0; r < 8; r++)
            wide_round(s, r, w[t + r], sha256_round_constants[t + r]);
    }
    for (size_t t = BLOCK_WORDS; t < SHA256_ROUNDS; t += 8) {
        UNROLL_8
        for (size_t r = 0; r < 8; r++)
            wide_round(s, r, wide_schedule(w, t + r), sha256_round_constants[t + r]);
    }
    for (size_t i = 0; i < SHA256_WORDS; i++)
        lane_store(state + i * LANES, lane_add(s[i], lane_load(state + i * LANES)));
}

static void wide_hash(const struct span *inputs, size_t count, uint8_t (*ret)[SHA256_MANY_BYTES])
{
    sha256_many_by_lanes(wide_compress, LANES, inputs, count, ret);
}

#endif
