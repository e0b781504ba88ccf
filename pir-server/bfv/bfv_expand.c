#include "pir-server/bfv/bfv_expand.h"

#include "base/checked.h"
#include "base/mem.h"
#include "pir-server/bfv/bfv_workspace_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

struct bfv_selectors {
    const struct bfv_context *context; /* borrowed */
    size_t capacity;
    uint32_t *words; /* [L N / strip][2 capacity + 1][strip] */
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
    if (!size_mul(capacity, 2, &words) || !size_add(words, 1, &words) ||
        !size_mul(context->levels * context->degree, words, &words))
        goto no_memory;
    selectors->words = mem_alloc_aligned(MEM_ROW_ALIGNMENT, words, sizeof *selectors->words);
    if (selectors->words == NULL)
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
    mem_free(selectors);
}

/* Words from one strip to the next. An odd number of lines, so that the strips of one selector,
 * written one after the other, spread over all sets of a cache. */
static size_t strip_stride(const struct bfv_selectors *selectors)
{
    return (2 * selectors->capacity + 1) * row_strip_words(selectors->context->degree);
}

/* Row `row` of polynomial `number` of selector i. */
static struct row_strips selector_row(const struct bfv_selectors *selectors, size_t i,
                                      size_t number, size_t row)
{
    const size_t n = selectors->context->degree;
    const size_t strip = row_strip_words(n);
    const size_t stride = strip_stride(selectors);
    return (struct row_strips){.words = selectors->words + row * (n / strip) * stride +
                                        (2 * i + number) * strip,
                               .stride = stride};
}

const uint32_t *bfv_selectors_strip(const struct bfv_selectors *selectors, size_t i, size_t strip)
{
    assert(i < selectors->capacity);
    const size_t words = row_strip_words(selectors->context->degree);
    return selectors->words + strip * strip_stride(selectors) + 2 * i * words;
}

static void gather(const struct bfv_selectors *selectors, size_t i, uint32_t *ret)
{
    const size_t n = selectors->context->degree;
    const size_t strip = row_strip_words(n);
    const size_t levels = selectors->context->levels;
    for (size_t row = 0; row < 2 * levels; row++) {
        const struct row_strips from = selector_row(selectors, i, row / levels, row % levels);
        for (size_t at = 0; at < n; at += strip)
            memcpy(ret + row * n + at, from.words + at / strip * from.stride, strip * sizeof *ret);
    }
}

static void scatter(struct bfv_selectors *selectors, size_t i, const uint32_t *words)
{
    const size_t n = selectors->context->degree;
    const size_t strip = row_strip_words(n);
    const size_t levels = selectors->context->levels;
    for (size_t row = 0; row < 2 * levels; row++) {
        const struct row_strips to = selector_row(selectors, i, row / levels, row % levels);
        for (size_t at = 0; at < n; at += strip)
            memcpy(to.words + at / strip * to.stride, words + row * n + at, strip * sizeof *words);
    }
}

void bfv_selectors_get(const struct bfv_selectors *selectors, size_t i, struct bfv_ciphertext *ret)
{
    assert(i < selectors->capacity && ret->poly_count == 2 &&
           ret->moduli_count == selectors->context->levels);
    gather(selectors, i, ret->words);
    ret->form = BFV_EVALUATION;
}

void bfv_selectors_set(struct bfv_selectors *selectors, size_t i,
                       const struct bfv_ciphertext *ciphertext)
{
    assert(i < selectors->capacity && ciphertext->poly_count == 2 &&
           ciphertext->moduli_count == selectors->context->levels &&
           ciphertext->form == BFV_EVALUATION);
    scatter(selectors, i, ciphertext->words);
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

/* The work of one bfv_expand(). */
struct expansion {
    struct bfv_workspace *workspace;
    const struct bfv_evaluation_key *key;
    struct bfv_selectors *selectors;
    size_t first;
    size_t count;
    struct step steps[MAX_STEPS];
};

/* Selector i becomes twice itself, i.e. what a node without a partner is at the last level. */
static void double_selector(const struct expansion *x, size_t i)
{
    const struct bfv_context *const context = x->workspace->context;
    const size_t words = context->levels * context->degree;
    uint32_t *const c = x->workspace->moved;
    gather(x->selectors, x->first + i, c);
    poly_add(c, c, c, context->basis, context->levels);
    poly_add(c + words, c + words, c + words, context->basis, context->levels);
    scatter(x->selectors, x->first + i, c);
}

/* Selectors r and r + s become e + t and (e - t) X^-s, with e [2][L][N] and t its automorphism.
 * Level `level` = 1, 2, ..; s = 2^(level - 1). */
static void split(const struct expansion *x, unsigned level, size_t r, const uint32_t *e,
                  const uint32_t *t)
{
    const struct bfv_context *const context = x->workspace->context;
    const size_t n = context->degree;
    const size_t levels = context->levels;
    const size_t shift = (size_t)1 << (level - 1);
    const uint32_t *const monomial = context->monomials + (level - 1) * levels * n;
    for (size_t row = 0; row < 2 * levels; row++) {
        const size_t i = row % levels;
        row_split(context->basis->rows, selector_row(x->selectors, x->first + r, row / levels, i),
                  selector_row(x->selectors, x->first + r + shift, row / levels, i), e + row * n,
                  t + row * n, monomial + i * n, n, &context->basis->modulus[i]);
    }
}

/* One level: after level l the first 2^l selectors are there, selector r holding the coefficients
 * r mod 2^l. Only the last level may lack a partner. */
static void expand_level(const struct expansion *x, unsigned level)
{
    struct bfv_workspace *const workspace = x->workspace;
    const size_t levels = workspace->context->levels;
    const size_t shift = (size_t)1 << (level - 1);
    const struct step step = x->steps[level - 1];
    const struct bfv_switch_key *const part = bfv_evaluation_key_galois(x->key, step.element);
    uint32_t *const turned = workspace->turned;
    uint32_t *const node = workspace->node;
    for (size_t r = 0; r < shift; r++) {
        if (r + shift >= x->count) {
            double_selector(x, r);
            continue;
        }
        gather(x->selectors, x->first + r, node);
        bfv_switch_galois(workspace, part, node, levels, turned);
        for (uint32_t i = 1; i < step.times; i++)
            bfv_switch_galois(workspace, part, turned, levels, turned);
        split(x, level, r, node, turned);
    }
}

/* The element that does levels `level` and `level` + 1 together, or 0: the key lacks one of the
 * three, or only their repetition would do. */
static uint32_t composite_element(const struct expansion *x, unsigned level)
{
    const struct step step = x->steps[level - 1];
    const struct step next = x->steps[level];
    const uint64_t mask = 2 * (uint64_t)x->workspace->context->degree - 1;
    const uint32_t both = (uint32_t)((uint64_t)step.element * next.element & mask);
    if (step.times != 1 || next.times != 1 || !bfv_evaluation_key_has_galois(x->key, both))
        return 0;
    return both;
}

/* Levels `level` and `level` + 1 in one. With s = 2^(level - 1), a node c at r and its
 * automorphisms r1 (of this level), r2 (of the next) and r3 (of both) become
 *     r           (c + r1) + (r2 + r3)
 *     r + s       ((c - r1) + X^(-N/2) (r2 - r3)) X^-s
 *     r + 2 s     ((c + r1) - (r2 + r3)) X^(-2 s)
 *     r + 3 s     ((c - r1) - X^(-N/2) (r2 - r3)) X^(-3 s)
 * for the automorphism of the next level takes X^-s to X^-s X^(-N/2). The last level may lack
 * partners: then what this level alone leaves is doubled. */
static void expand_two_levels(const struct expansion *x, unsigned level, uint32_t both)
{
    struct bfv_workspace *const workspace = x->workspace;
    const struct bfv_context *const context = workspace->context;
    const size_t n = context->degree;
    const size_t levels = context->levels;
    const size_t words = levels * n;
    const size_t shift = (size_t)1 << (level - 1);
    const struct bfv_switch_key *const parts[3] = {
        bfv_evaluation_key_galois(x->key, x->steps[level - 1].element),
        bfv_evaluation_key_galois(x->key, x->steps[level].element),
        bfv_evaluation_key_galois(x->key, both)};
    uint32_t *const node = workspace->node;
    uint32_t *const turned[3] = {workspace->turned, workspace->turned + 2 * words,
                                 workspace->turned + 4 * words};
    for (size_t r = 0; r < shift; r++) {
        const bool has_third = r + 2 * shift < x->count;
        const bool has_fourth = r + 3 * shift < x->count;
        gather(x->selectors, x->first + r, node);
        bfv_switch_galois_hoisted(workspace, parts, has_third ? 3 : 1, node, turned);
        if (!has_third) {
            split(x, level, r, node, turned[0]);
            double_selector(x, r);
            double_selector(x, r + shift);
            continue;
        }
        for (size_t row = 0; row < 2 * levels; row++) {
            const size_t i = row % levels;
            struct row_four four = {
                .c = node + row * n,
                .monomials = {context->monomials + (level - 1) * words + i * n,
                              context->monomials + level * words + i * n,
                              context->monomials_3 + (level - 1) * words + i * n},
                .quarter = context->quarter[i]};
            for (size_t k = 0; k < 3; k++)
                four.turned[k] = turned[k] + row * n;
            for (size_t k = 0; k < 4; k++)
                four.ret[k] = selector_row(x->selectors, x->first + r + k * shift, row / levels, i);
            if (!has_fourth) /* somewhere, and not used */
                four.ret[3] = (struct row_strips){.words = workspace->moved + row * n,
                                                  .stride = row_strip_words(n)};
            row_split_four(context->basis->rows, &four, n, &context->basis->modulus[i]);
        }
        if (!has_fourth) { /* 2 (c - r1) X^-s */
            for (size_t row = 0; row < 2 * levels; row++) {
                const size_t i = row % levels;
                const struct modulus *const q = &context->basis->modulus[i];
                const struct row_strips unused = {.words = workspace->moved + row * n,
                                                  .stride = row_strip_words(n)};
                row_split(context->basis->rows, unused,
                          selector_row(x->selectors, x->first + r + shift, row / levels, i),
                          node + row * n, turned[0] + row * n,
                          context->monomials + (level - 1) * words + i * n, n, q);
            }
            double_selector(x, r + shift);
        }
    }
}

/* In evaluation form from the first step on: the automorphism is a permutation there, and the
 * selectors are wanted so. Level by level, in place. Pairs of levels are counted from the last one,
 * where the nodes are many. */
enum status bfv_expand(struct bfv_workspace *workspace, const struct bfv_evaluation_key *key,
                       const struct bfv_ciphertext *query, size_t count,
                       struct bfv_selectors *selectors, size_t first, struct error *err)
{
    const struct bfv_context *const context = workspace->context;
    assert(query->poly_count == 2 && query->moduli_count == context->levels &&
           query->form == BFV_COEFFICIENT);
    if (first > selectors->capacity || count > selectors->capacity - first)
        return error_set(err, STATUS_INVALID, "%zu selectors from %zu on: there is room for %zu",
                         count, first, selectors->capacity);
    struct expansion x = {
        .workspace = workspace, .key = key, .selectors = selectors, .first = first, .count = count};
    uint32_t elements[BFV_MAX_GALOIS_KEYS];
    const size_t element_count = bfv_evaluation_key_galois_count(key);
    for (size_t i = 0; i < element_count; i++)
        elements[i] = bfv_evaluation_key_galois_element(key, i);
    const enum status status = find_steps(context, elements, element_count, count, x.steps, err);
    if (status != STATUS_OK)
        return status;

    uint32_t *const node = workspace->node;
    for (size_t row = 0; row < 2 * context->levels; row++)
        ntt_forward(node + row * context->degree, query->words + row * context->degree,
                    context->basis->tables[row % context->levels]);
    scatter(selectors, first, node);
    const unsigned last = ceil_log2(count);
    for (unsigned level = 1; level <= last;) {
        const bool begins_pair = level < last && (last - level) % 2 == 1;
        const uint32_t both = begins_pair && !context->is_plain ? composite_element(&x, level) : 0;
        if (both != 0)
            expand_two_levels(&x, level, both);
        else
            expand_level(&x, level);
        level += both != 0 ? 2 : 1;
    }
    return STATUS_OK;
}
