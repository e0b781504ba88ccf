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
    selectors->words = mem_alloc_rows(words, sizeof *selectors->words);
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

/* Strip `strip` of selector i. */
static uint32_t *strip_of(const struct bfv_selectors *selectors, size_t i, size_t strip)
{
    assert(i < selectors->capacity);
    const size_t words = row_strip_words(selectors->context->degree);
    return selectors->words + strip * strip_stride(selectors) + 2 * i * words;
}

const uint32_t *bfv_selectors_strip(const struct bfv_selectors *selectors, size_t i, size_t strip)
{
    return strip_of(selectors, i, strip);
}

/* Words of a polynomial of L moduli, and the strips that they are cut into. */
static size_t poly_words(const struct bfv_selectors *selectors)
{
    return selectors->context->levels * selectors->context->degree;
}

void bfv_selectors_set(struct bfv_selectors *selectors, size_t i, const uint32_t *words)
{
    const size_t strip = row_strip_words(selectors->context->degree);
    const size_t all = poly_words(selectors);
    for (size_t at = 0, number = 0; at < all; at += strip, number++) {
        uint32_t *const to = strip_of(selectors, i, number);
        memcpy(to, words + at, strip * sizeof *to);
        memcpy(to + strip, words + all + at, strip * sizeof *to);
    }
}

void bfv_selectors_get(const struct bfv_selectors *selectors, size_t i, struct bfv_ciphertext *ret)
{
    assert(i < selectors->capacity && ret->poly_count == 2 &&
           ret->moduli_count == selectors->context->levels);
    const size_t strip = row_strip_words(selectors->context->degree);
    const size_t all = poly_words(selectors);
    for (size_t at = 0, number = 0; at < all; at += strip, number++) {
        const uint32_t *const from = strip_of(selectors, i, number);
        memcpy(ret->words + at, from, strip * sizeof *from);
        memcpy(ret->words + all + at, from + strip, strip * sizeof *from);
    }
    ret->form = BFV_EVALUATION;
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

static unsigned ceil_log2(size_t value)
{
    unsigned log = 0;
    while (((size_t)1 << log) < value)
        log++;
    return log;
}

static enum status find_steps(const struct bfv_context *context, const uint32_t *elements,
                              size_t element_count, size_t count,
                              struct step ret[BFV_EXPAND_MAX_LEVELS], struct error *err)
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
    struct step steps[BFV_EXPAND_MAX_LEVELS];
    return find_steps(context, elements, element_count, count, steps, err);
}

/* The work of one bfv_expand(). */
struct expansion {
    struct bfv_workspace *workspace;
    const struct bfv_evaluation_key *key;
    struct bfv_selectors *selectors;
    size_t first;
    size_t count;
    struct bfv_part part;
    unsigned last; /* levels */
    struct step steps[BFV_EXPAND_MAX_LEVELS];
};

/* The element that does levels `level` and `level` + 1 together, or 0: the key lacks one of the
 * three, or only their repetition would do. Pairs of levels are counted from the last one, where
 * the nodes are many. */
static uint32_t composite_element(const struct expansion *x, unsigned level)
{
    if (x->workspace->context->is_plain || level >= x->last || (x->last - level) % 2 == 0)
        return 0;
    const struct step step = x->steps[level - 1];
    const struct step next = x->steps[level];
    const uint64_t mask = 2 * (uint64_t)x->workspace->context->degree - 1;
    const uint32_t both = (uint32_t)((uint64_t)step.element * next.element & mask);
    if (step.times != 1 || next.times != 1 || !bfv_evaluation_key_has_galois(x->key, both))
        return 0;
    return both;
}

/* A node that is split: after level l - 1 node r holds the coefficients r mod 2^(l - 1); its
 * children are r and r + shift, or r, r + shift, r + 2 shift, r + 3 shift. */
struct family {
    unsigned level; /* l = 1, 2, .. */
    size_t r;
    size_t shift; /* 2^(l - 1) */
    size_t children;
    const uint32_t *node; /* [2][L][N] */
    uint32_t *buffers;    /* [children][2][L][N] for those that are not the selectors yet */
    bool is_selector[4];
    bool is_second_alone; /* of four: it lacks its partner, and is made by this level alone */
};

/* Selector i becomes twice a node, i.e. what one without a partner is at the last level. */
static void set_doubled(const struct expansion *x, size_t i, uint32_t *node)
{
    const struct bfv_context *const context = x->workspace->context;
    const size_t words = context->levels * context->degree;
    poly_add(node, node, node, context->basis, context->levels);
    poly_add(node + words, node + words, node + words, context->basis, context->levels);
    bfv_selectors_set(x->selectors, x->first + i, node);
}

static uint32_t *child_buffer(const struct expansion *x, const struct family *family, size_t k)
{
    const struct bfv_context *const context = x->workspace->context;
    return family->buffers + k * bfv_ciphertext_words(context, 2, context->levels);
}

/* Where row i of polynomial `number` of child k goes, from word `at` on. */
static struct row_strips child_row(const struct expansion *x, const struct family *family, size_t k,
                                   size_t number, size_t i, size_t at)
{
    const size_t n = x->workspace->context->degree;
    const size_t levels = x->workspace->context->levels;
    const size_t strip = row_strip_words(n);
    if (!family->is_selector[k])
        return (struct row_strips){
            .words = child_buffer(x, family, k) + (number * levels + i) * n + at, .stride = strip};
    const size_t from = i * n + at;
    const size_t selector = x->first + family->r + k * family->shift;
    return (struct row_strips){.words = strip_of(x->selectors, selector, from / strip) +
                                        number * strip + from % strip,
                               .stride = strip_stride(x->selectors)};
}

/* With s = shift, a node c and its automorphism r1 become c + r1 and (c - r1) X^-s. With those of
 * the next level (r2) and of both (r3) as well:
 *     r           (c + r1) + (r2 + r3)
 *     r + s       ((c - r1) + X^(-N/2) (r2 - r3)) X^-s
 *     r + 2 s     ((c + r1) - (r2 + r3)) X^(-2 s)
 *     r + 3 s     ((c - r1) - X^(-N/2) (r2 - r3)) X^(-3 s)
 * for the automorphism of the next level takes X^-s to X^-s X^(-N/2), whose evaluation form is one
 * number in the first half of a row and minus that in the second.
 *   turned  [1 or 3][tile] words of r1, r2, r3 */
static void split_tile(const struct expansion *x, const struct family *family, size_t number,
                       size_t i, size_t at, size_t tile, const uint32_t *const turned[3])
{
    const struct bfv_context *const context = x->workspace->context;
    const struct row_kernel *const kernel = context->basis->rows;
    const size_t n = context->degree;
    const struct modulus *const q = &context->basis->modulus[i];
    const uint32_t *const c = family->node + (number * context->levels + i) * n + at;
    const struct row_blocks monomial =
        bfv_monomial(context, &context->monomials, i, family->level, at);
    struct row_strips rets[4];
    for (size_t k = 0; k < family->children; k++)
        rets[k] = child_row(x, family, k, number, i, at);
    if (family->children == 2) {
        row_split(kernel, rets[0], rets[1], c, turned[0], &monomial, tile, q);
        return;
    }
    if (family->is_second_alone)
        row_split(kernel, rets[3], rets[1], c, turned[0], &monomial, tile, q);
    const bool is_first_half = at < n / 2;
    struct row_four four = {
        .c = c,
        .turned = {turned[0], turned[is_first_half ? 1 : 2], turned[is_first_half ? 2 : 1]},
        .monomials = {monomial,
                      bfv_monomial(context, &context->monomials, i, family->level + 1, at),
                      bfv_monomial(context, &context->monomials_3, i, family->level, at)},
        .quarter = context->quarter[i]};
    for (size_t k = 0; k < 4; k++)
        four.ret[k] = rets[family->is_second_alone && k == 1 ? 3 : k];
    row_split_four(kernel, &four, tile, q);
}

/* All rows of a family, tile by tile: each word of the results is stored once. */
static void split(const struct expansion *x, const struct family *family,
                  const struct bfv_turn *turn)
{
    const struct bfv_context *const context = x->workspace->context;
    const size_t n = context->degree;
    const size_t tile = bfv_turn_tile_words(n);
    const uint32_t *const r = x->workspace->tile;
    bfv_turn_begin(turn);
    for (size_t i = 0; i < context->levels; i++) {
        bfv_turn_modulus(turn, i);
        for (size_t at = 0; at < n; at += tile) {
            bfv_turn_tile(turn, i, at, tile, x->workspace->tile);
            for (size_t number = 0; number < 2; number++) {
                const uint32_t *const turned[3] = {r + number * tile, r + (2 + number) * tile,
                                                   r + (4 + number) * tile};
                split_tile(x, family, number, i, at, tile, turned);
            }
        }
    }
}

/* One level. Only the last one may lack a partner. */
static void split_in_two(const struct expansion *x, struct family *family, uint32_t *node)
{
    struct bfv_workspace *const workspace = x->workspace;
    const size_t levels = workspace->context->levels;
    const struct step step = x->steps[family->level - 1];
    const struct bfv_switch_key *const part = bfv_evaluation_key_galois(x->key, step.element);
    if (family->r + family->shift >= x->count) {
        set_doubled(x, family->r, node);
        return;
    }
    family->children = 2;
    family->is_selector[0] = family->is_selector[1] = family->level == x->last;
    struct bfv_turn turn = {
        .workspace = workspace, .parts = {part}, .count = 1, .rows = levels, .c = node};
    if (step.times > 1) {
        memcpy(workspace->repeated, node,
               bfv_ciphertext_words(workspace->context, 2, levels) * sizeof *node);
        for (uint32_t i = 1; i < step.times; i++)
            bfv_switch_galois(workspace, part, levels, workspace->repeated);
        turn.c = workspace->repeated;
    }
    bfv_turn_move(&turn, workspace->moved);
    split(x, family, &turn);
}

/* Two levels in one. The last one may lack partners: then what the first one leaves is doubled. */
static void split_in_four(const struct expansion *x, struct family *family, uint32_t both)
{
    const bool is_last = family->level + 1 == x->last;
    const bool has_third = family->r + 2 * family->shift < x->count;
    const bool has_fourth = family->r + 3 * family->shift < x->count;
    const struct bfv_turn turn = {
        .workspace = x->workspace,
        .parts = {bfv_evaluation_key_galois(x->key, x->steps[family->level - 1].element),
                  bfv_evaluation_key_galois(x->key, x->steps[family->level].element),
                  bfv_evaluation_key_galois(x->key, both)},
        .count = has_third ? 3 : 1,
        .rows = x->workspace->context->levels,
        .c = family->node};
    family->children = has_third ? 4 : 2;
    family->is_second_alone = has_third && !has_fourth;
    family->is_selector[0] = family->is_selector[2] = is_last && has_third;
    family->is_selector[1] = family->is_selector[3] = is_last && has_fourth;
    split(x, family, &turn);
    if (!has_third)
        set_doubled(x, family->r, child_buffer(x, family, 0));
    if (!has_fourth)
        set_doubled(x, family->r + family->shift, child_buffer(x, family, 1));
}

/* Whether selectors of this part come from node r, which holds the coefficients r mod `modulus`. */
static bool is_in_part(const struct expansion *x, size_t r, size_t modulus)
{
    const size_t common = modulus < x->part.count ? modulus : x->part.count;
    return (r & (common - 1)) == (x->part.index & (common - 1));
}

/* In evaluation form throughout: the automorphism is a permutation there, and the selectors are
 * wanted so. Depth first: few nodes are on the way at a time, and stay in the second cache. The
 * children of a node of level l take the two nodes of that level, in four the next two as well. */
static void expand_node(const struct expansion *x, unsigned level, size_t r, uint32_t *node)
{
    const struct bfv_context *const context = x->workspace->context;
    const size_t words = bfv_ciphertext_words(context, 2, context->levels);
    struct family family = {.level = level,
                            .r = r,
                            .shift = (size_t)1 << (level - 1),
                            .node = node,
                            .buffers = x->workspace->nodes + (2 * level - 1) * words};
    const uint32_t both = composite_element(x, level);
    if (both != 0)
        split_in_four(x, &family, both);
    else
        split_in_two(x, &family, node);
    const unsigned next = level + (both != 0 ? 2 : 1);
    for (size_t k = 0; k < family.children && next <= x->last; k++)
        if (is_in_part(x, r + k * family.shift, family.shift * family.children))
            expand_node(x, next, r + k * family.shift, child_buffer(x, &family, k));
}

/* The last two levels write all selectors of a family: they must be of one part. */
static struct bfv_part part_for(struct bfv_part part, unsigned levels)
{
    while (part.count > 1 && 4 * part.count > (size_t)1 << levels)
        part.count /= 2;
    return part;
}

enum status bfv_expand(struct bfv_workspace *workspace, const struct bfv_evaluation_key *key,
                       const struct bfv_ciphertext *query, size_t count,
                       struct bfv_selectors *selectors, size_t first, struct bfv_part part,
                       struct error *err)
{
    const struct bfv_context *const context = workspace->context;
    assert(part.index < part.count && (part.count & (part.count - 1)) == 0);
    assert(query->poly_count == 2 && query->moduli_count == context->levels &&
           query->form == BFV_COEFFICIENT);
    if (first > selectors->capacity || count > selectors->capacity - first)
        return error_set(err, STATUS_INVALID, "%zu selectors from %zu on: there is room for %zu",
                         count, first, selectors->capacity);
    struct expansion x = {.workspace = workspace,
                          .key = key,
                          .selectors = selectors,
                          .first = first,
                          .count = count,
                          .last = ceil_log2(count)};
    x.part = part_for(part, x.last);
    uint32_t elements[BFV_MAX_GALOIS_KEYS];
    const size_t element_count = bfv_evaluation_key_galois_count(key);
    for (size_t i = 0; i < element_count; i++)
        elements[i] = bfv_evaluation_key_galois_element(key, i);
    const enum status status = find_steps(context, elements, element_count, count, x.steps, err);
    if (status != STATUS_OK)
        return status;

    if (part.index >= x.part.count)
        return STATUS_OK; /* the work is too small for it */
    uint32_t *const root = workspace->nodes;
    for (size_t row = 0; row < 2 * context->levels; row++)
        ntt_forward(root + row * context->degree, query->words + row * context->degree,
                    context->basis->tables[row % context->levels]);
    if (x.last == 0)
        bfv_selectors_set(selectors, first, root);
    else
        expand_node(&x, 1, 0, root);
    return STATUS_OK;
}
