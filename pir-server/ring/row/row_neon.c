/* ARM NEON; the loops are in row_wide.h. */
#include "pir-server/ring/row/row_internal.h"
#include "pir-server/ring/vec_neon.h"

#if defined(VEC_LANES)
#define VEC_BLOCK ((size_t)4) /* sixteen accumulators of the thirty-two registers */

#include "pir-server/ring/row/row_wide.h"

const struct row_kernel row_kernel_neon = ROW_WIDE_KERNEL("neon");
#else
const struct row_kernel row_kernel_neon = {.name = "neon"}; /* its transforms do not run either */
#endif
