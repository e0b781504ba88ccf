#include "pir-server/bfv/bfv_expand.h"

#include "base/checked.h"
#include "base/mem.h"
#include "pir-server/bfv/bfv_workspace_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Selectors lie this much further apart than their size, so that equal places of many of them do
 * not share a set of the caches. */
#define PADDING_WORDS 80

struct bfv_selectors {
    const struct bfv_context *context; /* borrowed */
    size_t capacity;
    size_t stride; /* words from one selector to the next */
    uint32_t *words;
    enum bfv_form *forms; /* [capacity] */
};

enum status bfv_selectors_new(const struct bfv_context *context, size_t capacity,
                              struct bfv_selectors **ret, struct error *err)
{
    size_t words;
    struct bfv_selectors *selectors = mem_alloc_zeroed(1, sizeof *selectors);
    if (selectors == NULL)
        goto no_memory;
    selectors->context = context;
    selectors->capacity = capacity;
    selectors->stride = bfv_ciphertext_words(context, 2, context->levels) + PADDING_WORDS;
    if (!size_mul(selectors->stride, capacity, &words))
        goto no_memory;
    selectors->words = mem_alloc_aligned(MEM_ROW_ALIGNMENT, words, sizeof *selectors->words);
    selectors->forms = mem_alloc_zeroed(capacity, sizeof *selectors->forms);
    if (selectors->words == NULL || selectors->forms == NULL)
        goto no_memory;
    *ret = selectors;
    return STATUS_OK;
no_memory:
    bfv_selectors_free(selectors);
    return error_set(err, STATUS_NOMEM, "no memory for %zu selectors", capacity);
}

void bfv_selectors_free(struct bfv_selectors *selectors)
{
    if (selectors == NULL)
        return;
    mem_free(selectors->words);
    mem_free(selectors->forms);
    mem_free(selectors);
}

struct bfv_ciphertext bfv_selector(const struct bfv_selectors *selectors, size_t i)
{
    assert(i < selectors->capacity);
    struct bfv_ciphertext view;
    bfv_ciphertext_init_view(selectors->words + i * selectors->stride, 2,
                             selectors->context->levels, selectors->forms[i], &view);
    return view;
}

static unsigned ceil_log2(size_t value)
{
    unsigned log = 0;
    while (((size_t)1 << log) < value)
        log++;
    return log;
}

/* How level l = 1, 2, .. of the expansion gets its element N / 2^(l-1) + 1. */
struct step {
    uint32_t element; /* applied `times` times */
    uint32_t times;
};

static bool is_power_plus_one(uint32_t element)
{
    return element > 2 && ((element - 1) & (element - 2)) == 0;
}

/* The largest element of the form 2^a + 1 up to the target, as clients make them; it is of use only
 * when its power is the target (the reference assumes so). */
static enum status find_step(const struct bfv_context *context, const uint32_t *elements,
                             size_t element_count, unsigned level, struct step *ret,
                             struct error *err)
{
    const uint32_t target = (uint32_t)(context->degree >> (level - 1)) + 1;
    uint32_t best = 0;
    for (size_t i = 0; i < element_count; i++)
        if (elements[i] <= target && elements[i] > best && is_power_plus_one(elements[i]))
            best = elements[i];
    if (best != 0) {
        const uint32_t times = (target - 1) / (best - 1);
        const uint64_t mask = 2 * (uint64_t)context->degree - 1;
        uint64_t power = 1;
        for (uint32_t i = 0; i < times; i++)
            power = power * best & mask;
        if (power == target) {
            *ret = (struct step){.element = best, .times = times};
            return STATUS_OK;
        }
    }
    return error_set(
        err, STATUS_NO_KEY,
        "the evaluation key has no Galois element for %" PRIu32 ", alone or by repetition", target);
}

#define MAX_STEPS 15 /* log2 of the largest degree */

static enum status find_steps(const struct bfv_context *context, const uint32_t *elements,
                              size_t element_count, size_t count, struct step ret[MAX_STEPS],
                              struct error *err)
{
    if (count == 0 || count > context->degree)
        return error_set(err, STATUS_INVALID, "%zu selectors: a query holds 1..%zu", count,
                         context->degree);
    enum status status = STATUS_OK;
    for (unsigned level = 1; level <= ceil_log2(count) && status == STATUS_OK; level++)
        status = find_step(context, elements, element_count, level, &ret[level - 1], err);
    return status;
}

enum status bfv_expand_check_elements(const struct bfv_context *context, const uint32_t *elements,
                                      size_t element_count, size_t count, struct error *err)
{
    struct step steps[MAX_STEPS];
    return find_steps(context, elements, element_count, count, steps, err);
}

/* Selector `even` becomes e + r and `odd` (e - r) X^-shift, with e what `even` was and r its
 * automorphism; all in evaluation form.
 *   monomial  X^-shift */
static void split(struct bfv_workspace *workspace, const struct bfv_evaluation_key *key,
                  struct step step, const uint32_t *monomial, uint32_t *even, uint32_t *odd)
{
    const struct bfv_context *const context = workspace->context;
    const struct rns_basis *const basis = context->basis;
    const size_t rows = context->levels;
    const size_t n = context->degree;
    const size_t words = rows * n;
    const struct bfv_switch_key *const part = bfv_evaluation_key_galois(key, step.element);
    uint32_t *const turned = workspace->turned;
    bfv_switch_galois(workspace, part, even, rows, turned);
    for (uint32_t i = 1; i < step.times; i++)
        bfv_switch_galois(workspace, part, turned, rows, turned);
    for (size_t at = 0; at < 2 * words; at += n) {
        const size_t row = at / n % rows;
        const struct modulus *const q = &basis->modulus[row];
        row_sub(basis->rows, odd + at, even + at, turned + at, n, q);
        row_multiply_montgomery(basis->rows, odd + at, odd + at, monomial + row * n, n, q);
        row_add(basis->rows, even + at, even + at, turned + at, n, q);
    }
}

/* In evaluation form from the first step on: the automorphism is a permutation there, and most
 * selectors are wanted so. Level by level, in place: after level l the first 2^l selectors are
 * there, selector r holding the coefficients r mod 2^l. Only the last level may lack a partner; its
 * selector is doubled then. */
enum status bfv_expand(struct bfv_workspace *workspace, const struct bfv_evaluation_key *key,
                       const struct bfv_ciphertext *query, size_t count, const enum bfv_form *forms,
                       struct bfv_selectors *selectors, size_t first, struct error *err)
{
    const struct bfv_context *const context = workspace->context;
    assert(query->poly_count == 2 && query->moduli_count == context->levels &&
           query->form == BFV_COEFFICIENT);
    if (first > selectors->capacity || count > selectors->capacity - first)
        return error_set(err, STATUS_INVALID, "%zu selectors from %zu on: there is room for %zu",
                         count, first, selectors->capacity);
    struct step steps[MAX_STEPS];
    uint32_t elements[BFV_MAX_GALOIS_KEYS];
    const size_t element_count = bfv_evaluation_key_galois_count(key);
    for (size_t i = 0; i < element_count; i++)
        elements[i] = bfv_evaluation_key_galois_element(key, i);
    const enum status status = find_steps(context, elements, element_count, count, steps, err);
    if (status != STATUS_OK)
        return status;

    const size_t stride = selectors->stride;
    uint32_t *const start = selectors->words + first * stride;
    const size_t words = context->levels * context->degree;
    memcpy(start, query->words, 2 * words * sizeof *start);
    poly_forward(start, context->basis, context->levels);
    poly_forward(start + words, context->basis, context->levels);
    for (unsigned level = 1; level <= ceil_log2(count); level++) {
        const size_t shift = (size_t)1 << (level - 1);
        for (size_t r = 0; r < shift; r++) {
            uint32_t *const even = start + r * stride;
            if (r + shift < count) {
                split(workspace, key, steps[level - 1], context->monomials + (level - 1) * words,
                      even, even + shift * stride);
            } else {
                poly_add(even, even, even, context->basis, context->levels);
                poly_add(even + words, even + words, even + words, context->basis, context->levels);
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        selectors->forms[first + i] = BFV_EVALUATION;
        struct bfv_ciphertext view = bfv_selector(selectors, first + i);
        bfv_ciphertext_to_form(context, &view, forms != NULL ? forms[i] : BFV_COEFFICIENT);
        selectors->forms[first + i] = view.form;
    }
    return STATUS_OK;
}
