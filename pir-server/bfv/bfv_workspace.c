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
        workspace->moved = poly_alloc(n, 2 * levels);
        workspace->integers = poly_alloc(n, levels);
        workspace->digits = poly_alloc(n, levels);
        workspace->switched = poly_alloc(n, 2 * (levels + 1));
        workspace->turned = poly_alloc(n, 2 * levels);
        workspace->scratch = poly_alloc(n, all);
        workspace->small = poly_alloc(n, 2);
        workspace->product =
            mem_alloc_aligned(MEM_ROW_ALIGNMENT, 3 * all * n, sizeof *workspace->product);
    }
    if (workspace == NULL || workspace->moved == NULL || workspace->integers == NULL ||
        workspace->digits == NULL || workspace->switched == NULL || workspace->turned == NULL ||
        workspace->scratch == NULL || workspace->small == NULL || workspace->product == NULL) {
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

const struct bfv_context *bfv_workspace_context(const struct bfv_workspace *workspace)
{
    return workspace->context;
}

/* Digit j, an integer in [0, q_j), modulo m and transformed. In [0, 4m) when `lazy`, else [0, m).
 * A digit below 4m needs no reduction: the transform takes it as it is. */
static void transform_digit(const struct bfv_context *context, const uint32_t *digit, size_t j,
                            size_t m, bool lazy, uint32_t *ret)
{
    const size_t n = context->degree;
    const struct modulus *const modulus = &context->basis->modulus[m];
    if (context->basis->modulus[j].value / 4 < modulus->value) {
        memcpy(ret, digit, n * sizeof *ret);
    } else {
        for (size_t k = 0; k < n; k++)
            ret[k] = modulus_reduce(modulus, digit[k]);
    }
    if (lazy)
        ntt_forward_lazy(ret, ret, context->basis->tables[m]);
    else
        ntt_forward(ret, ret, context->basis->tables[m]);
}

/* The products of spec/bfv.md section 7.3 for the polynomial d, [rows][N]: leaves u_0 and u_1
 * before P is dropped in workspace->switched, [2][rows + 1][N], evaluation form in [0, 2q). d
 * coefficient form evaluated  d in evaluation form when there is one, else NULL: digit j modulo q_j
 * is row j */
static void multiply_digits(struct bfv_workspace *workspace, const struct bfv_switch_key *part,
                            const uint32_t *d, const uint32_t *evaluated, size_t rows)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    uint32_t *const u0 = workspace->switched;
    uint32_t *const u1 = workspace->switched + (rows + 1) * n;
    const uint32_t *digits[BFV_MAX_LEVELS];
    for (size_t r = 0; r <= rows; r++) {
        const size_t m = r < rows ? r : context->levels; /* P last, at every level */
        const struct modulus *const modulus = &context->basis->modulus[m];
        /* Sum over j of digit j times component j; the key's Montgomery factor goes in the one
         * reduction at the end, which wants a sum below 2^32 m. */
        const uint64_t room = ((uint64_t)1 << 32) / modulus->value;
        const bool lazy = 4 * rows <= room;
        for (size_t j = 0; j < rows; j++) {
            digits[j] = workspace->digits + j * n;
            if (j == m && evaluated != NULL)
                digits[j] = evaluated + j * n;
            else
                transform_digit(context, d + j * n, j, m, lazy, workspace->digits + j * n);
        }
        const struct row_operands operands = {
            .a0 = switch_key_row(part, context->levels, n, m, 0, 0),
            .a1 = switch_key_row(part, context->levels, n, m, 0, 1),
            .stride = 2 * n,
            .b = digits,
            .count = rows};
        row_dot_pair_montgomery_lazy(context->basis->rows, u0 + r * n, u1 + r * n, &operands, n,
                                     room, modulus);
    }
}

/* d in coefficient form; u_0 and u_1 in coefficient form, [2][rows + 1][N] in workspace->switched,
 * of which the last row is scratch. */
static void switch_key(struct bfv_workspace *workspace, const struct bfv_switch_key *part,
                       const uint32_t *d, size_t rows)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    multiply_digits(workspace, part, d, NULL, rows);
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

/* The same in evaluation form throughout: twelve transforms as well (for L = 2), but none before
 * or after it. */
static void switch_key_evaluated(struct bfv_workspace *workspace, const struct bfv_switch_key *part,
                                 const uint32_t *d, size_t rows)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    memcpy(workspace->integers, d, rows * n * sizeof *d);
    poly_inverse(workspace->integers, context->basis, rows);
    multiply_digits(workspace, part, workspace->integers, d, rows);
    for (size_t number = 0; number < 2; number++) {
        uint32_t *const u = workspace->switched + number * (rows + 1) * n;
        uint32_t *const last = u + rows * n;
        ntt_inverse(last, last, context->basis->tables[context->levels]);
        bfv_drop_shift(context, context->levels, last, last);
        for (size_t i = 0; i < rows; i++)
            bfv_drop_row_evaluated(context, context->levels, i, u + i * n, last, workspace->digits,
                                   u + i * n);
    }
}

void bfv_switch_galois(struct bfv_workspace *workspace, const struct bfv_switch_key *part,
                       const uint32_t *from, size_t rows, uint32_t *to)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    const size_t words = rows * n;
    for (size_t row = 0; row < 2 * rows; row++)
        for (size_t k = 0; k < n; k++)
            workspace->moved[row * n + k] = from[row * n + part->sources[k]];
    switch_key_evaluated(workspace, part, workspace->moved + words, rows);
    poly_add(to, workspace->moved, workspace->switched, context->basis, rows);
    memcpy(to + words, workspace->switched + words + n, words * sizeof *to);
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
