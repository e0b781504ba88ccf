/* lattice_help - what the tests of ring and bfv share. */
#ifndef BLINDLIST_TESTS_LATTICE_HELP_H
#define BLINDLIST_TESTS_LATTICE_HELP_H

#include "base/span.h"
#include "pir-server/ring/rns.h"

/* SHA-256 in lower-case hex, in storage of the helper (the next call overwrites it). */
const char *sha256_hex(struct span bytes);
/* Folder of the reference's vectors: BLINDLIST_VECTORS, default ../shared/vectors. */
const char *vectors_folder(void);
/* The moduli of group A (N = 4096), P last. */
extern const uint64_t group_a[3];
/* The fastest kernel here; aborts the test without one. */
const struct ntt_kernel *any_kernel(size_t n);
/* A basis that is there, or the test ends. */
struct rns_basis *basis_for(size_t degree, const uint64_t *moduli, size_t count);
/* Residues from a small generator: different for every seed. */
void fill_residues(uint32_t *ret, size_t n, uint32_t q, uint64_t seed);

#endif
