/* The portable kernel, and the definition of correct: OpenSSL, one input after the other. */
#include "pir-server/pir/sha256.h"
#include "pir-server/pir/sha256_many/sha256_many_internal.h"

#include <assert.h>

static_assert(SHA256_MANY_BYTES == SHA256_BYTES, "both modules speak of one digest");

static bool runs_on(const struct cpu *cpu)
{
    (void)cpu;
    return true;
}

static void hash(const struct span *inputs, size_t count, uint8_t (*ret)[SHA256_MANY_BYTES])
{
    for (size_t i = 0; i < count; i++) {
        struct sha256 state;
        sha256_init(&state);
        sha256_add(&state, inputs[i]);
        sha256_finish(&state, ret[i]);
    }
}

const struct sha256_many_kernel sha256_many_kernel_ref = {"ref", 1, runs_on, hash};
