/* sha256_many_internal - what the kernels of sha256_many share; sha256_many.h has the contract. */
#ifndef BLINDLIST_PIR_SHA256_MANY_INTERNAL_H
#define BLINDLIST_PIR_SHA256_MANY_INTERNAL_H

#include "pir-server/pir/sha256_many/sha256_many.h"

#define SHA256_BLOCK_BYTES ((size_t)64)
#define SHA256_WORDS       ((size_t)8) /* of a state */
#define SHA256_ROUNDS      ((size_t)64)
#define SHA256_LANES_MAX   ((size_t)16)

struct sha256_many_kernel {
    const char *name;
    size_t lanes; /* inputs side by side */
    bool (*runs_on)(const struct cpu *cpu);
    /* NULL: not built, for the compiler's target is another machine. */
    void (*hash)(const struct span *inputs, size_t count, uint8_t (*ret)[SHA256_MANY_BYTES]);
};

extern const struct sha256_many_kernel sha256_many_kernel_avx512;
extern const struct sha256_many_kernel sha256_many_kernel_shani;
extern const struct sha256_many_kernel sha256_many_kernel_avx2;
extern const struct sha256_many_kernel sha256_many_kernel_ref;

/* FIPS 180-4 section 4.2.2. */
extern const uint32_t sha256_round_constants[SHA256_ROUNDS];

/* One block into each lane.
 *   state   [SHA256_WORDS][lanes] words
 *   blocks  [lanes] of SHA256_BLOCK_BYTES each */
typedef void sha256_compress(uint32_t *state, const uint8_t *const *blocks);

/* Hashes all inputs with `compress`, which has `lanes` lanes, at most SHA256_LANES_MAX. */
void sha256_many_by_lanes(sha256_compress *compress, size_t lanes, const struct span *inputs,
                          size_t count, uint8_t (*ret)[SHA256_MANY_BYTES]);

#endif
