/* ntt_wide - the transforms for vectors of 32-bit lanes; ntt_ref.c has the steps and their ranges.
 *
 * A pass holds eight registers and does two or three steps on them: on two blocks of four or on one
 * of eight. The last pass of the forward transform (the first of the inverse) takes eight
 * neighbouring vectors, does three steps on them and then the short steps, NTT_SHORT_STEPS of them,
 * whose blocks are shorter than two vectors: on pairs of registers whose lanes are reordered before
 * each. A row of 4096 is read and written three times.
 *
 * Four butterflies go side by side, stage by stage. A step is a chain of 11 cycles and of no more
 * than 13 operations, four of which a processor starts in a cycle; one step after the other, it
 * waits, since its schedulers (64 operations on a Zen 4) do not see far enough ahead. Shoup's
 * multiplication takes two 32x32->64 products for the quotient and two low halves: on the
 * processors tried that beats Montgomery's six full products. Signed residues, which need no +2q,
 * gained nothing.
 *
 * A kernel file includes its vec_ operations, defines NTT_SHORT_STEPS and includes this; it then
 * defines reorder(), reorder_back() and short_factor(). Everything here is static, so no code for
 * wide registers gets into other files.
 *
 * Count    a forward step on two registers is 11 operations: 8 for the product, 3 for sum and
 *          difference; one less with AVX-512, whose join is a single one. n = 4096 with AVX2 does
 *          3072 of them, 256 times 5 reductions of 2, 10 reorderings and 6 for factors: 40,400, at
 *          four a cycle 2.7 us on a Zen 4 of 3.7 GHz. AVX-512 needs 38,000 halves: 2.6 us. */
#ifndef BLINDLIST_RING_NTT_WIDE_H
#define BLINDLIST_RING_NTT_WIDE_H

#include "pir-server/ring/ntt/ntt_forward_wide.h"
#include "pir-server/ring/ntt/ntt_inverse_wide.h"

#define NTT_WIDE_KERNEL(kernel_name)                                                               \
    {                                                                                              \
        .name = kernel_name, .runs_on = runs_on, .forward_lazy = forward_lazy, .forward = forward, \
        .inverse = inverse                                                                         \
    }

#endif
