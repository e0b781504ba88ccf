/* row_internal - the table that every kernel of row fills; row.h has the contracts. */
#ifndef BLINDLIST_RING_ROW_INTERNAL_H
#define BLINDLIST_RING_ROW_INTERNAL_H

#include "pir-server/ring/row/row.h"

struct row_kernel {
    const char *name;
    void (*switch_lazy)(uint32_t *ret0, uint32_t *ret1, const struct row_switch *operands,
                        size_t at, size_t n, const struct modulus *q);
    void (*switch_add)(uint32_t *ret0, uint32_t *ret1, const struct row_switch *operands, size_t at,
                       size_t n, const struct modulus *q);
    void (*drop_lazy)(uint32_t *ret, const uint32_t *x, uint32_t bound, uint32_t factor,
                      uint32_t quotient, size_t n, uint32_t q);
    void (*permute)(uint32_t *ret, const uint32_t *from, const uint32_t *sources, size_t n);
    void (*split)(struct row_strips even, struct row_strips odd, const uint32_t *c,
                  const uint32_t *r, const struct row_blocks *monomial, size_t n,
                  const struct modulus *q);
    void (*split_four)(const struct row_four *operands, uint32_t quotient, size_t n,
                       const struct modulus *q);
    void (*dot_strip)(const struct row_dot *operands, size_t n, uint64_t room,
                      const struct modulus *q);
    void (*multiply_add_pair)(uint64_t *sum0, uint64_t *sum1, uint64_t *sum2,
                              const struct row_pair *pair, size_t n);
    void (*fold)(uint64_t *sum, size_t n, const struct modulus *q);
    void (*reduce)(uint32_t *ret, const uint64_t *sum, size_t n, const struct modulus *q);
    void (*reduce_128)(uint32_t *ret, const uint32_t *words, size_t n, const struct modulus *q);
    void (*combine)(uint32_t *ret, const uint32_t *const *rows, const uint32_t *factors,
                    size_t count, size_t n, const struct modulus *q);
    /* quotients [count]: of Shoup, for the scale factors. */
    void (*extend)(const struct row_extend *operands, const uint32_t *quotients, size_t n);
    /* (a + offset - b) * factor; b may be NULL: zeros. */
    void (*scale_difference)(uint32_t *ret, const uint32_t *a, const uint32_t *b, uint32_t offset,
                             uint32_t factor, uint32_t quotient, size_t n, uint32_t q);
    void (*add)(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n, uint32_t q);
    void (*add_constant)(uint32_t *ret, const uint32_t *a, uint32_t constant, size_t n, uint32_t q);
};

/* Rows that row_combine() sums before one reduction: 4 * 2^30 * q = 2^32 q. */
#define ROW_COMBINE_GROUP ((size_t)4)

extern const struct row_kernel row_kernel_ref;
extern const struct row_kernel row_kernel_avx2;
extern const struct row_kernel row_kernel_neon;
extern const struct row_kernel row_kernel_avx512;

#endif
