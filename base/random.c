#include "base/random.h"

#include "base/span.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static enum status system_fill(void *state, uint8_t *out, size_t size, struct error *err)
{
    (void)state;
    while (size > 0) {
        /* getentropy() gives at most 256 bytes a call and exists on Linux and the BSDs alike. */
        const size_t now = size < 256 ? size : 256;
        if (getentropy(out, now) != 0)
            return error_set_errno(err, errno, "the system's random generator");
        out += now;
        size -= now;
    }
    return STATUS_OK;
}

struct random_source random_system(void)
{
    return (struct random_source){.fill = system_fill, .state = NULL};
}

static uint32_t rotate_left(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}

static void quarter_round(uint32_t s[16], size_t a, size_t b, size_t c, size_t d)
{
    s[a] += s[b];
    s[d] = rotate_left(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotate_left(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotate_left(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotate_left(s[b] ^ s[c], 7);
}

/* RFC 8439 section 2.3, with a 64-bit block counter in words 12 and 13. */
static void next_block(struct random_seeded *state)
{
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(start + 4, state->key, sizeof state->key);
    start[12] = (uint32_t)state->counter;
    start[13] = (uint32_t)(state->counter >> 32);

    uint32_t s[16];
    memcpy(s, start, sizeof s);
    for (int round = 0; round < 10; round++) {
        quarter_round(s, 0, 4, 8, 12);
        quarter_round(s, 1, 5, 9, 13);
        quarter_round(s, 2, 6, 10, 14);
        quarter_round(s, 3, 7, 11, 15);
        quarter_round(s, 0, 5, 10, 15);
        quarter_round(s, 1, 6, 11, 12);
        quarter_round(s, 2, 7, 8, 13);
        quarter_round(s, 3, 4, 9, 14);
    }
    for (size_t i = 0; i < 16; i++) {
        const uint32_t word = s[i] + start[i];
        for (size_t k = 0; k < 4; k++)
            state->block[4 * i + k] = (uint8_t)(word >> (8 * k));
    }
    state->counter++;
    state->block_used = 0;
}

static enum status seeded_fill(void *opaque, uint8_t *out, size_t size, struct error *err)
{
    (void)err;
    struct random_seeded *state = opaque;
    while (size > 0) {
        if (state->block_used == sizeof state->block)
            next_block(state);
        const size_t left = sizeof state->block - state->block_used;
        const size_t now = size < left ? size : left;
        memcpy(out, state->block + state->block_used, now);
        state->block_used += now;
        out += now;
        size -= now;
    }
    return STATUS_OK;
}

struct random_source random_seeded_init(struct random_seeded *state,
                                        const uint8_t seed[RANDOM_SEED_BYTES])
{
    *state = (struct random_seeded){.block_used = sizeof state->block};
    for (size_t i = 0; i < RANDOM_SEED_BYTES; i++)
        state->key[i / 4] |= (uint32_t)seed[i] << (8 * (i % 4));
    return (struct random_source){.fill = seeded_fill, .state = state};
}

uint64_t random_seeded_u64(struct random_seeded *state)
{
    uint8_t le[8];
    (void)seeded_fill(state, le, sizeof le, NULL);
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof le; i++)
        value |= (uint64_t)le[i] << (8 * i);
    return value;
}

uint64_t random_seeded_below(struct random_seeded *state, uint64_t bound)
{
    /* 2^64 mod bound values at the low end are rejected, so the rest divides evenly. */
    const uint64_t reject_below = (0 - bound) % bound;
    for (;;) {
        const uint64_t value = random_seeded_u64(state);
        if (value >= reject_below)
            return value % bound;
    }
}
