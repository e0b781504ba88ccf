/* vec_wide - what the wide kernels make of the operations of vec_avx2.h and its kin, one of which
 * is included before. */
#ifndef BLINDLIST_RING_VEC_WIDE_H
#define BLINDLIST_RING_VEC_WIDE_H

/* x - bound when x >= bound, else x: the difference wraps to a large number in the other case. */
static inline vec vec_correct(vec x, vec bound)
{
    return vec_min(x, vec_sub(x, bound));
}

#endif
