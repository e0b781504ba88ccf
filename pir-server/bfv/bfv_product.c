#include "pir-server/bfv/bfv_product.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_workspace_internal.h"

#include <assert.h>
#include <string.h>

static_assert(BFV_TILE_WORDS == ROW_STRIP_WORDS, "tiles of plaintexts meet strips of selectors");

size_t bfv_tile_words(const struct bfv_context *context)
{
    return row_strip_words(context->degree);
}

enum { DOT_COLUMNS = 64 }; /* at a time */

/* One strip of the columns from `column` on, at most DOT_COLUMNS. */
static void dot_strip(const struct bfv_context *context, const struct bfv_dot *query, size_t first,
                      size_t at, const struct row_dot *columns, size_t column)
{
    const size_t tile = bfv_tile_words(context);
    uint32_t *rets[DOT_COLUMNS];
    struct row_dot operands = *columns;
    for (size_t c = 0; c < columns->columns; c++)
        rets[c] = query->ret[column + c].words;
    operands.pairs = bfv_selectors_strip(query->selectors, first, at / tile);
    operands.ret = rets;
    row_dot_strip(context->basis->rows, &operands, tile, context->capacity,
                  &context->basis->modulus[at / context->degree]);
}

/* Strip by strip, all queries for one strip, and all columns for one query: the plaintexts stream
 * past once and a strip of them stays in the second cache, that of one query's selectors in the
 * first. */
void bfv_plaintext_dot(const struct bfv_context *context, const struct bfv_dot *queries,
                       size_t count, size_t first, const struct bfv_plaintext_matrix *plaintexts,
                       struct bfv_part part)
{
    const size_t tile = bfv_tile_words(context);
    const size_t words = context->levels * context->degree;
    const size_t begin = words / tile * part.index / part.count * tile;
    const size_t end = words / tile * (part.index + 1) / part.count * tile;
    size_t before = 0; /* plaintexts of the columns done */
    for (size_t c = 0; c < plaintexts->column_count; c += DOT_COLUMNS) {
        const size_t left = plaintexts->column_count - c;
        struct row_dot columns = {.rows = plaintexts->rows + before,
                                  .counts = plaintexts->column_counts + c,
                                  .columns = left < DOT_COLUMNS ? left : DOT_COLUMNS};
        for (size_t at = begin; at < end; at += tile) {
            columns.tiles = plaintexts->words + at * plaintexts->count + before * tile;
            columns.ret_offset[0] = at;
            columns.ret_offset[1] = words + at;
            for (size_t i = 0; i < count; i++)
                dot_strip(context, &queries[i], first, at, &columns, c);
        }
        for (size_t k = 0; k < columns.columns; k++)
            before += columns.counts[k];
    }
    for (size_t i = 0; i < count && part.index == 0; i++)
        for (size_t c = 0; c < plaintexts->column_count; c++)
            queries[i].ret[c].form = BFV_EVALUATION;
}

struct bfv_lifted {
    uint32_t *words; /* [2][L + aux][N] evaluation form */
};

enum status bfv_lifted_new(const struct bfv_context *context, struct bfv_lifted **ret,
                           struct error *err)
{
    struct bfv_lifted *const lifted = mem_alloc_zeroed(1, sizeof *lifted);
    if (lifted != NULL)
        lifted->words = poly_alloc(context->degree, 2 * (context->levels + context->aux->count));
    if (lifted == NULL || lifted->words == NULL) {
        bfv_lifted_free(lifted);
        return error_set(err, STATUS_NOMEM, "no memory for a lifted ciphertext");
    }
    *ret = lifted;
    return STATUS_OK;
}

void bfv_lifted_free(struct bfv_lifted *lifted)
{
    if (lifted == NULL)
        return;
    mem_free(lifted->words);
    mem_free(lifted);
}

static_assert(BFV_MAX_LEVELS <= ROW_EXTEND_MAX, "all moduli are lifted at once");

/* Step 1 of section 9, from coefficient form in `x` [L][N] to the auxiliary base [aux][N]:
 * lift = sum y_i ((Q/q_i) / m~) + r (Q / m~) mod b. */
static void lift_poly(const struct bfv_context *context, const uint32_t *x, uint32_t *ret)
{
    const struct row_extend operands = {.x = x,
                                        .count = context->levels,
                                        .moduli = context->basis->modulus,
                                        .scale = context->lift_factor,
                                        .low = context->lift_small,
                                        .bits = BFV_LIFT_BITS,
                                        .ret = ret,
                                        .ret_count = context->aux->count,
                                        .ret_moduli = context->aux->modulus,
                                        .factors = context->lift_aux[0],
                                        .factor_stride = BFV_MAX_LEVELS + 1};
    row_extend(context->basis->rows, &operands, context->degree);
}

void bfv_lift(struct bfv_workspace *workspace, const struct bfv_ciphertext *ciphertext,
              struct bfv_lifted *ret)
{
    const struct bfv_context *const context = workspace->context;
    assert(ciphertext->poly_count == 2 && ciphertext->moduli_count == context->levels);
    const size_t words = context->levels * context->degree;
    const size_t all = words + context->aux->count * context->degree;
    for (size_t p = 0; p < 2; p++) {
        const uint32_t *const from = ciphertext->words + p * words;
        const uint32_t *x = from;
        uint32_t *const to = ret->words + p * all;
        for (size_t i = 0; i < context->levels; i++) {
            const struct ntt_tables *const tables = context->basis->tables[i];
            const size_t row = i * context->degree;
            if (ciphertext->form == BFV_COEFFICIENT) {
                ntt_forward(to + row, from + row, tables);
            } else {
                x = workspace->scratch;
                ntt_inverse(workspace->scratch + row, from + row, tables);
                memcpy(to + row, from + row, context->degree * sizeof *to);
            }
        }
        /* The lift is x modulo each q_i: nothing to compute there. */
        lift_poly(context, x, to + words);
        poly_forward(to + words, context->aux, context->aux->count);
    }
}

/* Row i of the joint base: the moduli q, then the auxiliary base. */
static const struct modulus *joint_modulus(const struct bfv_context *context, size_t i)
{
    return i < context->levels ? &context->basis->modulus[i]
                               : &context->aux->modulus[i - context->levels];
}

static size_t joint_words(const struct bfv_context *context)
{
    return (context->levels + context->aux->count) * context->degree;
}

void bfv_product_begin(struct bfv_workspace *workspace)
{
    memset(workspace->product, 0, 3 * joint_words(workspace->context) * sizeof *workspace->product);
    workspace->product_terms = 0;
}

static void fold_products(struct bfv_workspace *workspace)
{
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    const size_t rows = context->levels + context->aux->count;
    for (size_t i = 0; i < 3 * rows; i++)
        row_fold(context->basis->rows, workspace->product + i * n, n,
                 joint_modulus(context, i % rows));
    workspace->product_terms = 1;
}

void bfv_product_add(struct bfv_workspace *workspace, const struct bfv_lifted *x,
                     const struct bfv_lifted *y)
{
    const size_t all = joint_words(workspace->context);
    if (workspace->product_terms + 2 > workspace->context->capacity)
        fold_products(workspace);
    const size_t n = workspace->context->degree;
    const struct row_kernel *const kernel = workspace->context->basis->rows;
    for (size_t at = 0; at < all; at += n) {
        const struct row_pair pair = {.x = x->words + at, .y = y->words + at, .second = all};
        uint64_t *const sums = workspace->product + at;
        row_multiply_add_pair(kernel, sums, sums + all, sums + 2 * all, &pair, n);
    }
    workspace->product_terms += 2;
}

void bfv_product_merge(struct bfv_workspace *workspace, struct bfv_workspace *other)
{
    if (workspace->product_terms + other->product_terms > workspace->context->capacity) {
        fold_products(workspace);
        fold_products(other);
    }
    const size_t words = 3 * joint_words(workspace->context);
    for (size_t k = 0; k < words; k++)
        workspace->product[k] += other->product[k];
    workspace->product_terms += other->product_terms;
}

/* Step 3: the rows of q become z_i, those of the auxiliary base (t D - sum z_i Q/q_i) / Q. */
static void scale_rows(const struct bfv_context *context, uint32_t *rows)
{
    const struct row_kernel *const kernel = context->basis->rows;
    const size_t n = context->degree;
    const size_t levels = context->levels;
    const uint32_t *terms[BFV_MAX_LEVELS + 1];
    for (size_t i = 0; i < levels; i++) {
        terms[i] = rows + i * n;
        row_scale(kernel, rows + i * n, rows + i * n, context->scale_factor[i], n,
                  &context->basis->modulus[i]);
    }
    for (size_t b = 0; b < context->aux->count; b++) {
        uint32_t *const row = rows + (levels + b) * n;
        terms[levels] = row;
        row_combine(kernel, row, terms, context->scale_aux[b], levels + 1, n,
                    &context->aux->modulus[b]);
    }
}

/* From the auxiliary base (rows [aux][N], overwritten) back to q exactly: m_sk tells how often the
 * product B of the others went round, alpha times, where alpha is centred. Shenoy and Kumaresan
 * 1989. */
static void convert_back(struct bfv_workspace *workspace, uint32_t *rows, uint32_t *ret)
{
    const struct bfv_context *const context = workspace->context;
    const struct row_kernel *const kernel = context->basis->rows;
    const size_t n = context->degree;
    const size_t own = context->aux->count - 1;
    const struct modulus *const m_sk = &context->aux->modulus[own];
    uint32_t *const alpha = rows + own * n;
    uint32_t *const is_negative = workspace->small;
    const uint32_t *terms[BFV_MAX_AUX + 1];
    for (size_t b = 0; b < own; b++) {
        terms[b] = rows + b * n;
        row_scale(kernel, rows + b * n, rows + b * n, context->back_factor[b], n,
                  &context->aux->modulus[b]);
    }
    terms[own] = alpha;
    row_combine(kernel, alpha, terms, context->back_sk, own + 1, n, m_sk);
    for (size_t k = 0; k < n; k++)
        is_negative[k] = (m_sk->value / 2 - alpha[k]) >> 31;
    terms[own + 1] = is_negative;
    for (size_t i = 0; i < context->levels; i++)
        row_combine(kernel, ret + i * n, terms, context->back_q[i], own + 2, n,
                    &context->basis->modulus[i]);
}

void bfv_product_finish(struct bfv_workspace *workspace, struct bfv_ciphertext *ret)
{
    const struct bfv_context *const context = workspace->context;
    assert(ret->poly_count == 3 && ret->moduli_count == context->levels);
    const size_t n = context->degree;
    const size_t levels = context->levels;
    const size_t count = levels + context->aux->count;
    uint32_t *const rows = workspace->scratch;
    for (size_t p = 0; p < 3; p++) {
        for (size_t i = 0; i < count; i++)
            row_reduce(context->basis->rows, rows + i * n, workspace->product + (p * count + i) * n,
                       n, joint_modulus(context, i));
        poly_inverse(rows, context->basis, levels);
        poly_inverse(rows + levels * n, context->aux, context->aux->count);
        scale_rows(context, rows);
        convert_back(workspace, rows + levels * n, bfv_ciphertext_poly(context, ret, p));
    }
    ret->form = BFV_COEFFICIENT;
}
