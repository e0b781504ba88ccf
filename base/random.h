/* random - sources of random bytes, passed in and never reached from inside an algorithm.
 *
 * struct random_source is a function and its state. Two are here: the operating system's (for keys,
 * noise and seeds) and a seeded ChaCha20 stream (for reproducible work and tests; RFC 8439 section
 * 2.4, block counter from 0, nonce 0, key = seed; after 2^32 blocks the counter runs on into the
 * first word of the nonce). Who seeds with a secret wipes the struct random_seeded afterwards.
 *
 * Threads  a source belongs to one thread at a time. */
#ifndef BLINDLIST_BASE_RANDOM_H
#define BLINDLIST_BASE_RANDOM_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct random_source {
    /* Fills `out` whole or fails (STATUS_IO). */
    enum status (*fill)(void *state, uint8_t *out, size_t size, struct error *err);
    void *state; /* borrowed */
};

static inline enum status MUST_CHECK random_fill(const struct random_source *source, void *out,
                                                 size_t size, struct error *err)
{
    return source->fill(source->state, out, size, err);
}

/* The operating system's generator; needs no state. */
struct random_source random_system(void);

#define RANDOM_SEED_BYTES 32

struct random_seeded {
    uint32_t key[8];
    uint64_t counter; /* of 64-byte blocks */
    uint8_t block[64];
    size_t block_used;
};

/* A stream that depends on the seed only. `state` must outlive the returned source. */
struct random_source random_seeded_init(struct random_seeded *state,
                                        const uint8_t seed[RANDOM_SEED_BYTES]);
/* Next 64 bits of the stream, little-endian; cannot fail. */
uint64_t random_seeded_u64(struct random_seeded *state);
/* Uniform in [0, bound), bound > 0, by rejection. */
uint64_t random_seeded_below(struct random_seeded *state, uint64_t bound);

#endif
