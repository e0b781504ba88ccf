#include "pir-server/bfv/bfv_workspace.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_workspace_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum status bfv_workspace_new(const struct bfv_context *context, struct bfv_workspace **ret,
                              struct error *err)
{
    const size_t n = context->degree;
    const size_t levels = context->levels;
    const size_t all = levels + context->aux->count;
    struct bfv_workspace *workspace = mem_alloc_zeroed(1, sizeof *workspace);
    if (workspace != NULL) {
        workspace->context = context;
        workspace->node = poly_alloc(n, 2 * levels);
        workspace->moved = poly_alloc(n, 2 * levels);
        workspace->integers = poly_alloc(n, levels);
        workspace->digits = poly_alloc(n, (levels + 1) * levels);
        workspace->switched = poly_alloc(n, 2 * (levels + 1));
        workspace->turned = poly_alloc(n, 3 * 2 * levels);
        workspace->scratch = poly_alloc(n, all);
        workspace->small = poly_alloc(n, 1);
        workspace->product =
            mem_alloc_aligned(MEM_ROW_ALIGNMENT, 3 * all * n, sizeof *workspace->product);
    }
    if (workspace == NULL || workspace->node == NULL || workspace->moved == NULL ||
        workspace->integers == NULL || workspace->digits == NULL || workspace->switched == NULL ||
        workspace->turned == NULL || workspace->scratch == NULL || workspace->small == NULL ||
        workspace->product == NULL) {
        bfv_workspace_free(workspace);
        return error_set(err, STATUS_NOMEM, "no memory for the workspace of a thread");
    }
    *ret = workspace;
    return STATUS_OK;
}

void bfv_workspace_free(struct bfv_workspace *workspace)
{
    if (workspace == NULL)
        return;
    mem_free(workspace->node);
    mem_free(workspace->moved);
    mem_free(workspace->integers);
    mem_free(workspace->digits);
    mem_free(workspace->switched);
    mem_free(workspace->turned);
    mem_free(workspace->scratch);
    mem_free(workspace->small);
    mem_free(workspace->product);
    mem_free(workspace);
}

/* Digit j, an integer in [0, q_j), modulo m and transformed. In [0, 4m) when `lazy`, else [0, m).
 * A digit below 4m needs no reduction: the transform takes it as it is. */
static void transform_digit(const struct bfv_context *context, const uint32_t *digit, size_t j,
                            size_t m, bool lazy, uint32_t *ret)
{
    const size_t n = context->degree;
    const struct modulus *const modulus = &context->basis->modulus[m];
    const uint32_t *from = digit;
    if (context->basis->modulus[j].value / 4 >= modulus->value) {
        for (size_t k = 0; k < n; k++)
            ret[k] = modulus_reduce(modulus, digit[k]);
        from = ret;
    }
    if (lazy)
        ntt_forward_lazy(ret, from, context->basis->tables[m]);
    else
        ntt_forward(ret, from, context->basis->tables[m]);
}

/* Row r of key switching is modulo q_r, the last one modulo P, at every level. */
static size_t switch_modulus(const struct bfv_context *context, size_t r, size_t rows)
{
    return r < rows ? r : context->levels;
}

/* Whether a sum of `rows` products of lazily reduced digits stays below 2^32 q. */
static bool digits_may_be_lazy(const struct modulus *q, size_t rows)
{
    return 4 * rows <= ((uint64_t)1 << 32) / q->value;
}

/* The digits of the polynomial d, [rows][N], modulo every modulus, in workspace->digit_rows.
 *   d          coefficient form
 *   evaluated  d in evaluation form when there is one, else NULL: digit j modulo q_j is row j */
static void make_digits(struct bfv_workspace *workspace, const uint32_t *d,
                        const uint32_t *evaluated, size_t rows)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    for (size_t r = 0; r <= rows; r++) {
        const size_t m = switch_modulus(context, r, rows);
        const bool lazy = digits_may_be_lazy(&context->basis->modulus[m], rows);
        for (size_t j = 0; j < rows; j++) {
            uint32_t *const digit = workspace->digits + (r * rows + j) * n;
            const bool is_there = j == m && evaluated != NULL;
            if (!is_there)
                transform_digit(context, d + j * n, j, m, lazy, digit);
            workspace->digit_rows[r * rows + j] = is_there ? evaluated + j * n : digit;
        }
    }
}

/* The products of spec/bfv.md section 7.3 of the digits, moved by `sources` (NULL = as they are),
 * with the key: leaves u_0 and u_1 before P is dropped in workspace->switched, [2][rows + 1][N],
 * evaluation form in [0, 2q). */
static void multiply_digits(struct bfv_workspace *workspace, const struct bfv_switch_key *part,
                            const uint32_t *sources, size_t rows)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    for (size_t r = 0; r <= rows; r++) {
        const size_t m = switch_modulus(context, r, rows);
        const struct modulus *const modulus = &context->basis->modulus[m];
        /* The key's Montgomery factor goes in the one reduction at the end, which wants a sum
         * below 2^32 m. */
        const struct row_switch operands = {.digits = workspace->digit_rows + r * rows,
                                            .sources = sources,
                                            .key =
                                                switch_key_row(part, context->levels, n, m, 0, 0),
                                            .stride = 2 * n,
                                            .count = rows};
        row_switch_lazy(context->basis->rows, workspace->switched + r * n,
                        workspace->switched + (rows + 1 + r) * n, &operands, n,
                        ((uint64_t)1 << 32) / modulus->value, modulus);
    }
}

/* d in coefficient form; u_0 and u_1 in coefficient form, [2][rows + 1][N] in workspace->switched,
 * of which the last row is scratch. */
static void switch_key(struct bfv_workspace *workspace, const struct bfv_switch_key *part,
                       const uint32_t *d, size_t rows)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    make_digits(workspace, d, NULL, rows);
    multiply_digits(workspace, part, NULL, rows);
    for (size_t number = 0; number < 2; number++) {
        uint32_t *const u = workspace->switched + number * (rows + 1) * n;
        uint32_t *const last = u + rows * n;
        poly_inverse(u, context->basis, rows);
        ntt_inverse(last, last, context->basis->tables[context->levels]);
        bfv_drop_shift(context, context->levels, last, last);
        for (size_t i = 0; i < rows; i++)
            bfv_drop_row(context, context->levels, i, u + i * n, last, u + i * n);
    }
}

/* P is dropped from u_0 and u_1, which stay in evaluation form: to [2][rows][N]. */
static void drop_key_modulus(struct bfv_workspace *workspace, size_t rows, uint32_t *to)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    for (size_t number = 0; number < 2; number++) {
        uint32_t *const u = workspace->switched + number * (rows + 1) * n;
        uint32_t *const last = u + rows * n;
        ntt_inverse(last, last, context->basis->tables[context->levels]);
        for (size_t i = 0; i < rows; i++)
            bfv_drop_row_evaluated(context, context->levels, i, u + i * n, last,
                                   workspace->integers, to + (number * rows + i) * n);
    }
}

/* In evaluation form throughout: twelve transforms as well (for L = 2), but none before or after
 * it. The automorphism comes first and its digits are those of the moved polynomial, as in the
 * reference. */
void bfv_switch_galois(struct bfv_workspace *workspace, const struct bfv_switch_key *part,
                       const uint32_t *from, size_t rows, uint32_t *to)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    const size_t words = rows * n;
    uint32_t *const moved = workspace->moved;
    for (size_t row = 0; row < 2 * rows; row++)
        row_permute(context->basis->rows, moved + row * n, from + row * n, part->sources, n);
    for (size_t i = 0; i < rows; i++)
        ntt_inverse(workspace->integers + i * n, moved + words + i * n, context->basis->tables[i]);
    make_digits(workspace, workspace->integers, moved + words, rows);
    multiply_digits(workspace, part, NULL, rows);
    drop_key_modulus(workspace, rows, to);
    poly_add(to, to, moved, context->basis, rows);
}

void bfv_switch_galois_hoisted(struct bfv_workspace *workspace,
                               const struct bfv_switch_key *const *parts, size_t count,
                               const uint32_t *from, uint32_t *const *to)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    const size_t rows = context->levels;
    for (size_t i = 0; i < rows; i++)
        ntt_inverse(workspace->integers + i * n, from + (rows + i) * n, context->basis->tables[i]);
    make_digits(workspace, workspace->integers, from + rows * n, rows);
    for (size_t k = 0; k < count; k++) {
        multiply_digits(workspace, parts[k], parts[k]->sources, rows);
        drop_key_modulus(workspace, rows, to[k]);
        for (size_t i = 0; i < rows; i++)
            row_add_permuted(context->basis->rows, to[k] + i * n, to[k] + i * n, from + i * n,
                             parts[k]->sources, n, &context->basis->modulus[i]);
    }
}

enum status bfv_apply_galois(struct bfv_workspace *workspace, const struct bfv_evaluation_key *key,
                             uint64_t element, struct bfv_ciphertext *ciphertext, struct error *err)
{
    assert(ciphertext->poly_count == 2 && ciphertext->form == BFV_COEFFICIENT);
    assert(ciphertext->moduli_count <= workspace->context->levels);
    const struct bfv_switch_key *const part = bfv_evaluation_key_galois(key, element);
    if (part == NULL)
        return error_set(err, STATUS_NO_KEY, "the evaluation key has no Galois element %" PRIu64,
                         element);
    bfv_ciphertext_to_form(workspace->context, ciphertext, BFV_EVALUATION);
    bfv_switch_galois(workspace, part, ciphertext->words, ciphertext->moduli_count,
                      ciphertext->words);
    bfv_ciphertext_to_form(workspace->context, ciphertext, BFV_COEFFICIENT);
    return STATUS_OK;
}

enum status bfv_relinearize(struct bfv_workspace *workspace, const struct bfv_evaluation_key *key,
                            struct bfv_ciphertext *ciphertext, struct error *err)
{
    assert(ciphertext->poly_count == 3 && ciphertext->form == BFV_COEFFICIENT);
    assert(ciphertext->moduli_count <= workspace->context->levels);
    const struct bfv_switch_key *const part = bfv_evaluation_key_relin(key);
    if (part == NULL)
        return error_set(err, STATUS_NO_KEY, "the evaluation key has no relinearization key");
    const struct bfv_context *const context = workspace->context;
    const size_t rows = ciphertext->moduli_count;
    const size_t words = rows * context->degree;
    switch_key(workspace, part, ciphertext->words + 2 * words, rows);
    poly_add(ciphertext->words, ciphertext->words, workspace->switched, context->basis, rows);
    poly_add(ciphertext->words + words, ciphertext->words + words,
             workspace->switched + words + context->degree, context->basis, rows);
    ciphertext->poly_count = 2;
    return STATUS_OK;
}
