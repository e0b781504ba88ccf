/* The scratch of one compute thread for queries of all shapes that it was reserved for. */
#include "base/mem.h"
#include "pir-server/bfv/bfv_serial.h"
#include "pir-server/pir/pir_workspace_internal.h"

struct pir_needs pir_needs_of(const struct pir_layout *layout)
{
    return (struct pir_needs){
        .selectors = layout->selector_count,
        .queries = layout->query_ciphertext_count,
        .columns = layout->dimensions[1],
        /* With one chunk every lifted selector is used once. */
        .lifted = layout->chunk_count > 1 ? layout->dimensions[1] : 1,
        .replies = layout->table_count,
        .chunks = layout->table_count * layout->chunk_count,
    };
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static struct pir_needs needs_union(struct pir_needs a, struct pir_needs b)
{
    return (struct pir_needs){
        .selectors = larger(a.selectors, b.selectors),
        .queries = larger(a.queries, b.queries),
        .columns = larger(a.columns, b.columns),
        .lifted = larger(a.lifted, b.lifted),
        .replies = larger(a.replies, b.replies),
        .chunks = larger(a.chunks, b.chunks),
    };
}

bool pir_needs_are_met(struct pir_needs have, struct pir_needs want)
{
    return have.selectors >= want.selectors && have.queries >= want.queries &&
           have.columns >= want.columns && have.lifted >= want.lifted &&
           have.replies >= want.replies && have.chunks >= want.chunks;
}

/* ---- the workspace ---- */

static void ciphertexts_free(struct bfv_ciphertext *ciphertexts, size_t count)
{
    for (size_t i = 0; ciphertexts != NULL && i < count; i++)
        bfv_ciphertext_deinit(&ciphertexts[i]);
    mem_free(ciphertexts);
}

static enum status ciphertexts_new(const struct bfv_context *context, size_t count,
                                   enum bfv_form form, struct bfv_ciphertext **ret,
                                   struct error *err)
{
    struct bfv_ciphertext *made = mem_alloc_zeroed(count, sizeof *made);
    if (made == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for %zu ciphertexts", count);
    for (size_t i = 0; i < count; i++) {
        const enum status st = bfv_ciphertext_init(
            context, 2, bfv_context_ciphertext_moduli(context), form, &made[i], err);
        if (st != STATUS_OK) {
            ciphertexts_free(made, count);
            return st;
        }
    }
    *ret = made;
    return STATUS_OK;
}

static size_t reply_bytes(const struct bfv_context *context, const uint32_t skips[2])
{
    return bfv_ciphertext_full_bytes(context, 2, 1, skips);
}

static enum status workspace_fill(struct pir_workspace *w, struct error *err)
{
    const struct pir_needs *have = &w->have;
    enum status st = bfv_workspace_new(w->context, &w->bfv, err);
    if (st == STATUS_OK)
        st = bfv_selectors_new(w->context, have->selectors, &w->selectors, err);
    if (st == STATUS_OK)
        st = ciphertexts_new(w->context, have->queries, BFV_COEFFICIENT, &w->queries, err);
    if (st == STATUS_OK)
        st = ciphertexts_new(w->context, have->columns, BFV_EVALUATION, &w->columns, err);
    if (st == STATUS_OK)
        st = bfv_ciphertext_init(w->context, 3, bfv_context_ciphertext_moduli(w->context),
                                 BFV_COEFFICIENT, &w->product, err);
    if (st == STATUS_OK)
        st = bfv_ciphertext_init(w->context, 2, bfv_context_ciphertext_moduli(w->context),
                                 BFV_EVALUATION, &w->selector, err);
    if (st == STATUS_OK)
        st = bfv_lifted_new(w->context, &w->lifted_column, err);
    if (st != STATUS_OK)
        return st;
    w->lifted = mem_alloc_zeroed(have->lifted, sizeof *w->lifted);
    w->reply_ciphertexts = mem_alloc_zeroed(have->chunks, sizeof *w->reply_ciphertexts);
    w->replies = mem_alloc_zeroed(have->replies, sizeof *w->replies);
    if (w->lifted == NULL || w->reply_ciphertexts == NULL || w->replies == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for a query workspace");
    for (size_t i = 0; i < have->lifted && st == STATUS_OK; i++)
        st = bfv_lifted_new(w->context, &w->lifted[i], err);
    if (st != STATUS_OK)
        return st;
    bfv_response_skips(w->context, w->skips);
    const size_t polys_bytes = have->chunks * reply_bytes(w->context, w->skips);
    bytes_init(&w->polys, polys_bytes);
    bytes_reserve(&w->polys, polys_bytes);
    return bytes_status(&w->polys, "response", err);
}

static enum status workspace_make(const struct bfv_context *context, struct pir_needs needs,
                                  struct pir_workspace **ret, struct error *err)
{
    struct pir_workspace *made = mem_alloc_zeroed(1, sizeof *made);
    if (made == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for a query workspace");
    made->context = context;
    made->have = needs;
    const enum status st = workspace_fill(made, err);
    if (st == STATUS_OK)
        *ret = made;
    else
        pir_workspace_free(made);
    return st;
}

enum status pir_workspace_new(const struct bfv_context *context, const struct pir_layout *layout,
                              struct pir_workspace **ret, struct error *err)
{
    return workspace_make(context, pir_needs_of(layout), ret, err);
}

/* What `w` holds, not `w` itself. */
static void workspace_deinit(struct pir_workspace *w)
{
    ciphertexts_free(w->queries, w->have.queries);
    ciphertexts_free(w->columns, w->have.columns);
    for (size_t i = 0; w->lifted != NULL && i < w->have.lifted; i++)
        bfv_lifted_free(w->lifted[i]);
    mem_free(w->lifted);
    bfv_lifted_free(w->lifted_column);
    bfv_ciphertext_deinit(&w->selector);
    bfv_ciphertext_deinit(&w->product);
    bfv_selectors_free(w->selectors);
    bfv_workspace_free(w->bfv);
    bytes_deinit(&w->polys);
    mem_free(w->reply_ciphertexts);
    mem_free(w->replies);
}

void pir_workspace_free(struct pir_workspace *workspace)
{
    if (workspace == NULL)
        return;
    workspace_deinit(workspace);
    mem_free(workspace);
}

enum status pir_workspace_reserve(struct pir_workspace *workspace, const struct pir_layout *layout,
                                  struct error *err)
{
    const struct pir_needs needs = pir_needs_of(layout);
    struct pir_workspace *larger_one = NULL;
    if (pir_needs_are_met(workspace->have, needs))
        return STATUS_OK;
    const enum status st =
        workspace_make(workspace->context, needs_union(workspace->have, needs), &larger_one, err);
    if (st != STATUS_OK)
        return st;
    workspace_deinit(workspace);
    *workspace = *larger_one;
    mem_free(larger_one);
    return STATUS_OK;
}

size_t pir_workspace_bytes(const struct bfv_context *context, const struct pir_layout *layout)
{
    const struct pir_needs needs = pir_needs_of(layout);
    uint32_t skips[2];
    bfv_response_skips(context, skips);
    const size_t ciphertext =
        bfv_ciphertext_words(context, 2, bfv_context_ciphertext_moduli(context)) * sizeof(uint32_t);
    /* A lifted ciphertext has L + 1 auxiliary moduli besides its own L. */
    return (needs.selectors + needs.queries + needs.columns) * ciphertext +
           (needs.lifted + 1) * 3 * ciphertext + needs.chunks * reply_bytes(context, skips);
}
