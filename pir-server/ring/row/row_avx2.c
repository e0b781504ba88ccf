/* AVX2: eight residues at a time; the loops are in row_wide.h. */
#include "pir-server/ring/row/row_internal.h"
#include "pir-server/ring/vec_avx2.h"

#if defined(__x86_64__) && defined(__AVX2__)
#define VEC_BLOCK ((size_t)1) /* with two, what key switching adds no longer fits 16 registers */

#include "pir-server/ring/row/row_wide.h"

const struct row_kernel row_kernel_avx2 = ROW_WIDE_KERNEL("avx2");
#else
const struct row_kernel row_kernel_avx2 = {.name = "avx2"}; /* its transforms do not run either */
#endif
