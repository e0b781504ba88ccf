/* AVX-512: sixteen residues at a time; the loops are in row_wide.h. */
#include "pir-server/ring/row/row_internal.h"
#include "pir-server/ring/vec_avx512.h"

#if defined(__x86_64__) && defined(__AVX512F__)
#define VEC_BLOCK ((size_t)4) /* sixteen accumulators of the thirty-two registers */

#include "pir-server/ring/row/row_wide.h"

const struct row_kernel row_kernel_avx512 = ROW_WIDE_KERNEL("avx512");
#else
const struct row_kernel row_kernel_avx512 = {.name =
                                                 "avx512"}; /* its transforms do not run either */
#endif
