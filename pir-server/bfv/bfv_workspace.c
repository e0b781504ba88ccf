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
    if (workspace == NULL)
        goto no_memory;
    workspace->context = context;
    workspace->moved = poly_alloc(n, 2 * levels);
    workspace->repeated = poly_alloc(n, 2 * levels);
    workspace->integers = poly_alloc(n, levels);
    workspace->digits = poly_alloc(n, levels);
    workspace->dropped = poly_alloc(n, 2 * BFV_TURN_MOST);
    workspace->terms = poly_alloc(n, 2 * BFV_TURN_MOST);
    workspace->tile = poly_alloc(bfv_turn_tile_words(n), 2 * BFV_TURN_MOST);
    workspace->scratch = poly_alloc(n, all);
    workspace->small = poly_alloc(n, 1);
    workspace->product =
        mem_alloc_aligned(MEM_ROW_ALIGNMENT, 3 * all * n, sizeof *workspace->product);
    size_t nodes = 1;
    for (size_t left = n; left > 1; left /= 2)
        nodes += 2;
    workspace->nodes =
        mem_alloc_rows(nodes * bfv_ciphertext_words(context, 2, levels), sizeof *workspace->nodes);
    if (workspace->moved == NULL || workspace->repeated == NULL || workspace->integers == NULL ||
        workspace->digits == NULL || workspace->dropped == NULL || workspace->terms == NULL ||
        workspace->tile == NULL || workspace->scratch == NULL || workspace->small == NULL ||
        workspace->product == NULL || workspace->nodes == NULL)
        goto no_memory;
    *ret = workspace;
    return STATUS_OK;
no_memory:
    bfv_workspace_free(workspace);
    return error_set(err, STATUS_NOMEM, "no memory for the workspace of a thread");
}

void bfv_workspace_free(struct bfv_workspace *workspace)
{
    if (workspace == NULL)
        return;
    mem_free(workspace->moved);
    mem_free(workspace->repeated);
    mem_free(workspace->integers);
    mem_free(workspace->digits);
    mem_free(workspace->dropped);
    mem_free(workspace->terms);
    mem_free(workspace->tile);
    mem_free(workspace->scratch);
    mem_free(workspace->small);
    mem_free(workspace->product);
    mem_free(workspace->nodes);
    mem_free(workspace);
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

/* The digits of a polynomial, whose integers are workspace->integers [rows][N], modulo that of row
 * r: where they are is left in workspace->digit_rows.
 *   evaluated  the polynomial in evaluation form when there is one, else NULL: digit j modulo q_j
 *              is row j */
static void make_digits(struct bfv_workspace *workspace, const uint32_t *integers,
                        const uint32_t *evaluated, size_t r, size_t rows)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    const size_t m = switch_modulus(context, r, rows);
    const bool lazy = digits_may_be_lazy(&context->basis->modulus[m], rows);
    for (size_t j = 0; j < rows; j++) {
        uint32_t *const digit = workspace->digits + j * n;
        const bool is_there = j == m && evaluated != NULL;
        if (!is_there)
            transform_digit(context, integers + j * n, j, m, lazy, digit);
        workspace->digit_rows[j] = is_there ? evaluated + j * n : digit;
    }
}

/* Those digits times row r of a key, whose Montgomery factor goes in the reduction at the end. */
static struct row_switch digits_times_key(const struct bfv_workspace *workspace,
                                          const struct bfv_switch_key *part, size_t r, size_t rows)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    const size_t m = switch_modulus(context, r, rows);
    return (struct row_switch){.digits = workspace->digit_rows,
                               .key = switch_key_row(part, context->levels, n, m, 0, 0),
                               .stride = 2 * n,
                               .count = rows,
                               .room = ((uint64_t)1 << 32) / context->basis->modulus[m].value};
}

/* The products of spec/bfv.md section 7.3 modulo P, both to coefficient form: [2][N]. */
static void multiply_modulo_p(struct bfv_workspace *workspace, const struct row_switch *operands,
                              uint32_t *ret)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    const size_t p = context->levels;
    row_switch_lazy(context->basis->rows, ret, ret + n, operands, 0, n,
                    &context->basis->modulus[p]);
    ntt_inverse(ret, ret, context->basis->tables[p]);
    ntt_inverse(ret + n, ret + n, context->basis->tables[p]);
}

/* d in coefficient form [rows][N]; u_0 and u_1 are added to `sum` [2][rows][N]. */
static void add_switched(struct bfv_workspace *workspace, const struct bfv_switch_key *part,
                         const uint32_t *d, size_t rows, uint32_t *sum)
{
    const struct bfv_context *const context = workspace->context;
    const struct row_kernel *const kernel = context->basis->rows;
    const size_t n = context->degree;
    make_digits(workspace, d, NULL, rows, rows);
    struct row_switch operands = digits_times_key(workspace, part, rows, rows);
    multiply_modulo_p(workspace, &operands, workspace->dropped);
    for (size_t i = 0; i < rows; i++) {
        const struct modulus *const q = &context->basis->modulus[i];
        uint32_t *const u = workspace->terms;
        make_digits(workspace, d, NULL, i, rows);
        operands = digits_times_key(workspace, part, i, rows);
        row_switch_lazy(kernel, u, u + n, &operands, 0, n, q);
        for (size_t number = 0; number < 2; number++) {
            uint32_t *const row = sum + (number * rows + i) * n;
            uint32_t *const term = u + 2 * n;
            ntt_inverse(u + number * n, u + number * n, context->basis->tables[i]);
            bfv_drop_term(context, i, workspace->dropped + number * n, term);
            row_scale(kernel, term, term, 1, n, q); /* to [0, q) */
            row_add(kernel, row, row, u + number * n, n, q);
            row_add(kernel, row, row, term, n, q);
        }
    }
}

/* The digits are made modulus by modulus, P first: what is divided away is needed in all others. */
void bfv_turn_begin(const struct bfv_turn *turn)
{
    struct bfv_workspace *const workspace = turn->workspace;
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    const uint32_t *const evaluated = turn->c + turn->rows * n;
    for (size_t i = 0; i < turn->rows; i++)
        ntt_inverse(workspace->integers + i * n, evaluated + i * n, context->basis->tables[i]);
    make_digits(workspace, workspace->integers, evaluated, turn->rows, turn->rows);
    for (size_t k = 0; k < turn->count; k++) {
        struct row_switch operands =
            digits_times_key(workspace, turn->parts[k], turn->rows, turn->rows);
        operands.sources = turn->is_moved ? NULL : turn->parts[k]->sources;
        multiply_modulo_p(workspace, &operands, workspace->dropped + 2 * k * n);
    }
}

/* 7q is the most that row_switch_add() sums. */
void bfv_turn_modulus(const struct bfv_turn *turn, size_t i)
{
    struct bfv_workspace *const workspace = turn->workspace;
    const struct bfv_context *const context = workspace->context;
    const struct ntt_tables *const tables = context->basis->tables[i];
    const size_t n = context->degree;
    const bool is_lazy = context->basis->modulus[i].value <= UINT32_MAX / 7;
    for (size_t k = 0; k < 2 * turn->count; k++) {
        uint32_t *const term = workspace->terms + k * n;
        bfv_drop_term(context, i, workspace->dropped + k * n, term);
        if (is_lazy)
            ntt_forward_lazy(term, term, tables);
        else
            ntt_forward(term, term, tables);
    }
    make_digits(workspace, workspace->integers, turn->c + turn->rows * n, i, turn->rows);
}

void bfv_turn_tile(const struct bfv_turn *turn, size_t i, size_t at, size_t tile, uint32_t *ret)
{
    const struct bfv_workspace *const workspace = turn->workspace;
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    for (size_t k = 0; k < turn->count; k++) {
        const uint32_t *const terms = workspace->terms + 2 * k * n;
        struct row_switch operands = digits_times_key(workspace, turn->parts[k], i, turn->rows);
        operands.sources = turn->is_moved ? NULL : turn->parts[k]->sources;
        operands.c = turn->c + i * n;
        operands.more[0] = terms;
        operands.more[1] = terms + n;
        row_switch_add(context->basis->rows, ret + 2 * k * tile, ret + (2 * k + 1) * tile,
                       &operands, at, tile, &context->basis->modulus[i]);
    }
}

void bfv_turn_move(struct bfv_turn *turn, uint32_t *moved)
{
    const struct bfv_context *const context = turn->workspace->context;
    const size_t n = context->degree;
    for (size_t row = 0; row < 2 * turn->rows; row++)
        row_permute(context->basis->rows, moved + row * n, turn->c + row * n,
                    turn->parts[0]->sources, n);
    turn->c = moved;
    turn->is_moved = true;
}

void bfv_switch_galois(struct bfv_workspace *workspace, const struct bfv_switch_key *part,
                       size_t rows, uint32_t *c)
{
    const size_t n = workspace->context->degree;
    const size_t tile = bfv_turn_tile_words(n);
    struct bfv_turn turn = {
        .workspace = workspace, .count = 1, .parts = {part}, .rows = rows, .c = c};
    bfv_turn_move(&turn, workspace->moved);
    bfv_turn_begin(&turn);
    for (size_t i = 0; i < rows; i++) {
        bfv_turn_modulus(&turn, i);
        for (size_t at = 0; at < n; at += tile) {
            bfv_turn_tile(&turn, i, at, tile, workspace->tile);
            memcpy(c + i * n + at, workspace->tile, tile * sizeof *c);
            memcpy(c + (rows + i) * n + at, workspace->tile + tile, tile * sizeof *c);
        }
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
    bfv_switch_galois(workspace, part, ciphertext->moduli_count, ciphertext->words);
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
    add_switched(workspace, part, ciphertext->words + 2 * words, rows, ciphertext->words);
    ciphertext->poly_count = 2;
    return STATUS_OK;
}
