/* sha256_many - SHA-256 of many inputs, several at a time.
 *
 * A hash at a time mostly waits, for each round needs the one before. Here several inputs go
 * through the rounds side by side, one a lane. A lane that is done takes the next input, so lengths
 * may be mixed. It serves keys, which are one block or two, and plaintexts of shards alike.
 *
 * Kernels  "shani" two inputs at a time, "avx512" sixteen, "avx2" eight, "ref" OpenSSL one by one.
 *          base/cpu.h says how a machine's is chosen or forced; no set that can be forced has
 *          SHA-NI.
 * Memory   the stack, 4 KB. Errors  none. Threads  any.
 * Time     depends on the lengths alone.
 * Source   FIPS 180-4. */
#ifndef BLINDLIST_PIR_SHA256_MANY_H
#define BLINDLIST_PIR_SHA256_MANY_H

#include "base/cpu.h"
#include "base/span.h"

#include <stdint.h>

#define SHA256_MANY_BYTES ((size_t)32)

struct sha256_many_kernel;
/* The fastest kernel that `cpu` runs. */
const struct sha256_many_kernel *sha256_many_kernel_for(const struct cpu *cpu);
/* The number-th kernel there is, fastest first, whether or not it runs here; NULL at the end. */
const struct sha256_many_kernel *sha256_many_kernel_list(size_t number);
const char *sha256_many_kernel_name(const struct sha256_many_kernel *kernel);
bool sha256_many_kernel_runs_on(const struct sha256_many_kernel *kernel, const struct cpu *cpu);

/* Inputs that a kernel takes side by side: multiples of it waste nothing. */
size_t sha256_many_kernel_lanes(const struct sha256_many_kernel *kernel);

/* ret[i] = SHA-256 of inputs[i]; ret may not overlap an input. */
void sha256_many(const struct sha256_many_kernel *kernel, const struct span *inputs, size_t count,
                 uint8_t (*ret)[SHA256_MANY_BYTES]);

#endif
