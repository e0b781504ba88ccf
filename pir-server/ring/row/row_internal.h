/* row_internal - the table that every kernel of row fills; row.h has the contracts. */
#ifndef BLINDLIST_RING_ROW_INTERNAL_H
#define BLINDLIST_RING_ROW_INTERNAL_H

#include "pir-server/ring/row/row.h"

struct row_kernel {
    const char *name;
    /* is_montgomery: row_dot_pair_montgomery_lazy(), else row_dot_pair(). */
    void (*dot_pair)(uint32_t *ret0, uint32_t *ret1, const struct row_operands *operands, size_t n,
                     uint64_t room, const struct modulus *q, bool is_montgomery);
    void (*multiply_add_pair)(uint64_t *sum0, uint64_t *sum1, const uint32_t *a0,
                              const uint32_t *a1, const uint32_t *b, size_t n);
    void (*fold)(uint64_t *sum, size_t n, const struct modulus *q);
    void (*reduce)(uint32_t *ret, const uint64_t *sum, size_t n, const struct modulus *q);
    void (*reduce_128)(uint32_t *ret, const uint32_t *words, size_t n, const struct modulus *q);
    void (*combine)(uint32_t *ret, const uint32_t *const *rows, const uint32_t *factors,
                    size_t count, size_t n, const struct modulus *q);
    /* (a + offset - b) * factor; b may be NULL: zeros. */
    void (*scale_difference)(uint32_t *ret, const uint32_t *a, const uint32_t *b, uint32_t offset,
                             uint32_t factor, uint32_t quotient, size_t n, uint32_t q);
    void (*multiply_montgomery)(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n,
                                const struct modulus *q);
    void (*add)(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n, uint32_t q);
    void (*sub)(uint32_t *ret, const uint32_t *a, const uint32_t *b, size_t n, uint32_t q);
    void (*add_constant)(uint32_t *ret, const uint32_t *a, uint32_t constant, size_t n, uint32_t q);
};

/* Rows that row_combine() sums before one reduction: 4 * 2^30 * q = 2^32 q. */
#define ROW_COMBINE_GROUP ((size_t)4)

extern const struct row_kernel row_kernel_ref;
extern const struct row_kernel row_kernel_avx2;
extern const struct row_kernel row_kernel_neon;
extern const struct row_kernel row_kernel_avx512;

#endif
