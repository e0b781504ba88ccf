/* Every kernel of the ring against the portable one, with nothing but libc: what runs in an
 * emulator of another processor (kernels_arm64.test.sh) as well as here. */
#include "base/cpu.h"
#include "base/mem.h"
#include "pir-server/ring/rns.h"
#include "tests/tap.h"

#include <string.h>

enum { N_MAX = 4096, ROWS = 19, PATTERNS = 5 };
static const uint64_t moduli[] = {40961, 134176769, 268369921, 1073692673};

struct pair {
    struct rns_basis *ref;
    struct rns_basis *own;
    size_t n;
    size_t at; /* of the modulus */
};

static uint32_t a[ROWS * N_MAX], b[ROWS * N_MAX], words[4 * N_MAX];
static uint32_t first[N_MAX + 1], second[N_MAX + 1], third[N_MAX + 1], fourth[N_MAX + 1];
static uint64_t sums[2][3][N_MAX];

/* Pattern 0: zeros; 1: all bound - 1; 2: one value of that; others: random. */
static void fill(uint32_t *ret, size_t count, uint64_t bound, unsigned pattern)
{
    uint64_t state = pattern * 0x9e3779b97f4a7c15u + count + bound;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        ret[i] = pattern >= 3 ? (uint32_t)((state >> 24) % bound) : 0;
        if (pattern == 1 || (pattern == 2 && i == count / 3))
            ret[i] = (uint32_t)(bound - 1);
    }
}

static bool are_equal(const uint32_t *x, const uint32_t *y, size_t n)
{
    return memcmp(x, y, n * sizeof *x) == 0;
}

static bool are_congruent(const uint32_t *x, const uint32_t *y, size_t n, uint32_t q)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] % q != y[i] % q)
            return false;
    return true;
}

static bool transforms_agree(const struct pair *p, unsigned pattern)
{
    const struct ntt_tables *const ref = p->ref->tables[p->at];
    const struct ntt_tables *const own = p->own->tables[p->at];
    const uint32_t q = p->own->modulus[p->at].value;
    first[p->n] = second[p->n] = 77;
    fill(a, p->n, 4 * (uint64_t)q, pattern);
    ntt_forward_lazy(first, a, ref);
    ntt_forward_lazy(second, a, own);
    bool agree = are_congruent(first, second, p->n, q);
    for (size_t i = 0; i < p->n; i++)
        agree &= second[i] < 4 * q;
    fill(a, p->n, 2 * (uint64_t)q, pattern);
    ntt_inverse(first, a, ref);
    ntt_inverse(second, a, own);
    agree &= are_equal(first, second, p->n);
    ntt_inverse(a, a, own); /* in place */
    return agree && are_equal(first, a, p->n) && second[p->n] == 77;
}

/* Key switching, with digits as they are and moved. */
static bool dot_products_agree(const struct pair *p, unsigned pattern)
{
    const struct modulus *const q = &p->own->modulus[p->at];
    const uint32_t *rows[ROWS];
    fill(a, ROWS * p->n, q->value, pattern);
    fill(b, ROWS * p->n, q->value, pattern == 1 ? 1 : pattern + 7);
    for (size_t r = 0; r < ROWS; r++)
        rows[r] = b + r * p->n;
    automorphism_eval_sources(words, 17, p->n);
    bool agree = true;
    for (size_t moved = 0; moved < 2; moved++) {
        const struct row_switch operands = {.digits = rows,
                                            .sources = moved != 0 ? words : NULL,
                                            .key = a,
                                            .stride = 2 * p->n,
                                            .count = 2,
                                            .room = 4,
                                            .c = a,
                                            .more = {b, a}};
        const size_t half = p->n / 2;
        row_switch_lazy(p->ref->rows, first, second, &operands, 0, p->n, q);
        row_switch_lazy(p->own->rows, third, fourth, &operands, 0, p->n, q);
        agree &= are_congruent(first, third, p->n, q->value) &&
                 are_congruent(second, fourth, p->n, q->value);
        row_switch_add(p->ref->rows, first, second, &operands, half, half, q);
        row_switch_add(p->own->rows, third, fourth, &operands, half, half, q);
        agree &= are_equal(first, third, half) && are_equal(second, fourth, half);
    }
    const size_t strip = row_strip_words(p->n);
    enum { TILES = ROWS / 2 };
    static const uint32_t counts[2] = {TILES - 1, 1};
    uint16_t pairs[TILES];
    for (size_t r = 0; r < TILES; r++)
        pairs[r] = (uint16_t)(r * 5 % TILES);
    for (size_t k = 0; k < 2; k++) {
        uint32_t *const rets[2] = {k == 0 ? first : third, k == 0 ? second : fourth};
        const struct row_dot operands = {.pairs = a,
                                         .tiles = b,
                                         .rows = pairs,
                                         .counts = counts,
                                         .columns = 2,
                                         .ret = rets,
                                         .ret_offset = {0, strip}};
        row_dot_strip(k == 0 ? p->ref->rows : p->own->rows, &operands, strip, 8, q);
    }
    return agree && are_equal(first, third, 2 * strip < p->n ? 2 * strip : p->n) &&
           are_equal(second, fourth, 2 * strip < p->n ? 2 * strip : p->n);
}

/* Arrays of sums are private to a kernel; what they are reduced to is not. */
static bool sums_agree(const struct pair *p, unsigned pattern)
{
    const struct modulus *const q = &p->own->modulus[p->at];
    const struct row_kernel *const kernels[2] = {p->ref->rows, p->own->rows};
    uint32_t *const results[2][2] = {{first, second}, {third, fourth}};
    fill(a, ROWS * p->n, q->value, pattern);
    bool agree = true;
    for (size_t s = 0; s < 3; s++) {
        memset(sums, 0, sizeof sums);
        for (size_t k = 0; k < 2; k++) {
            uint64_t *const all[3] = {sums[k][0], sums[k][1], sums[k][2]};
            for (size_t r = 0; r < 2; r++) {
                const struct row_pair row = {
                    .x = a + r * p->n, .y = a + (r + 4) * p->n, .second = 2 * p->n};
                row_multiply_add_pair(kernels[k], all[0], all[1], all[2], &row, p->n);
            }
            row_reduce(kernels[k], results[k][0], all[s], p->n, q);
            row_fold(kernels[k], all[s], p->n, q);
            row_reduce(kernels[k], results[k][1], all[s], p->n, q);
        }
        agree &= are_equal(first, third, p->n) && are_equal(second, fourth, p->n);
    }
    return agree;
}

static bool numbers_agree(const struct pair *p, unsigned pattern)
{
    const struct modulus *const q = &p->own->modulus[p->at];
    fill(words, 4 * p->n, (uint64_t)1 << 32, pattern);
    row_reduce_128(p->ref->rows, first, words, p->n, q);
    row_reduce_128(p->own->rows, second, words, p->n, q);
    return are_equal(first, second, p->n);
}

static bool elements_agree(const struct pair *p, unsigned pattern)
{
    const struct modulus *const q = &p->own->modulus[p->at];
    const size_t n = p->n;
    const uint32_t *const list[3] = {a, b, a};
    const uint32_t factors[3] = {q->value - 1, 1, q->value / 2};
    const uint32_t scales[5] = {q->value - 1, 1, q->value / 2, q->value / 3, 5};
    fill(a, 4 * n, q->value, pattern);
    fill(b, 2 * n, q->value, pattern == 1 ? 1 : pattern + 1);
    bool agree = true;
    row_add(p->ref->rows, first, a, b, n, q);
    row_add(p->own->rows, second, a, b, n, q);
    agree &= are_equal(first, second, n);
    row_add_constant(p->ref->rows, first, a, q->value - 1, n, q);
    row_add_constant(p->own->rows, second, a, q->value - 1, n, q);
    agree &= are_equal(first, second, n);
    struct row_blocks blocks[4]; /* of one word, two, four and half a row */
    uint32_t *const quotients = b + 2 * n;
    for (size_t i = 0; i < n + ROW_BLOCKS_SLACK; i++)
        quotients[i] = shoup_quotient(q, b[i]);
    for (unsigned k = 0; k < 4; k++)
        blocks[k] =
            (struct row_blocks){.values = b, .quotients = quotients, .log2_block = k == 3 ? 5 : k};
    const struct row_strips strips[2] = {{third, row_strip_words(n)}, {fourth, row_strip_words(n)}};
    for (size_t k = 0; k < 2; k++) {
        uint32_t *const out = k == 0 ? first : second;
        row_split(k == 0 ? p->ref->rows : p->own->rows, strips[0], strips[1], a, b, &blocks[0], n,
                  q);
        memcpy(out, third, n * sizeof *out);
        for (size_t i = 0; i < n; i++)
            out[i] += 3 * fourth[i];
    }
    agree &= are_equal(first, second, n);
    struct row_four four = {.c = a, .turned = {b, a, b}, .quarter = q->value / 3};
    for (size_t k = 0; k < 4; k++)
        four.ret[k] = (struct row_strips){words + k * n, row_strip_words(n)};
    for (size_t m = 0; m < ARRAY_COUNT(blocks); m++) {
        for (size_t k = 0; k < 3; k++)
            four.monomials[k] = blocks[(m + k) % ARRAY_COUNT(blocks)];
        row_split_four(p->ref->rows, &four, n, q);
        memcpy(a + 4 * n, words, 4 * n * sizeof *a);
        row_split_four(p->own->rows, &four, n, q);
        agree &= are_equal(a + 4 * n, words, 4 * n);
    }
    row_drop_lazy(p->ref->rows, first, a, q->value / 2, q->value - 2, n, q);
    row_drop_lazy(p->own->rows, second, a, q->value / 2, q->value - 2, n, q);
    agree &= are_equal(first, second, n);
    for (size_t count = 1; count <= 4; count++) {
        const struct modulus same[4] = {*q, *q, *q, *q};
        struct row_extend extend = {.x = a,
                                    .count = count,
                                    .moduli = same,
                                    .scale = scales,
                                    .low = scales,
                                    .bits = 15,
                                    .ret = words,
                                    .ret_count = 2,
                                    .ret_moduli = same,
                                    .factors = scales};
        row_extend(p->ref->rows, &extend, n);
        memcpy(a + 4 * n, words, 2 * n * sizeof *a);
        row_extend(p->own->rows, &extend, n);
        agree &= are_equal(a + 4 * n, words, 2 * n);
    }
    row_combine(p->ref->rows, first, list, factors, 3, n, q);
    row_combine(p->own->rows, second, list, factors, 3, n, q);
    agree &= are_equal(first, second, n);
    row_scale_difference(p->ref->rows, first, a, b, q->value, q->value - 1, n, q);
    row_scale_difference(p->own->rows, second, a, b, q->value, q->value - 1, n, q);
    return agree && are_equal(first, second, n);
}

/* The product of two polynomials modulo X^n + 1, by transforms and by the schoolbook. */
static bool product_is_right(const struct pair *p)
{
    const uint64_t q = p->own->modulus[p->at].value;
    const struct ntt_tables *const tables = p->own->tables[p->at];
    fill(a, p->n, q, 3);
    fill(b, p->n, q, 4);
    for (size_t k = 0; k < p->n; k++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < p->n; i++) {
            const uint64_t term = (uint64_t)a[i] * b[(p->n + k - i) % p->n] % q;
            sum += i <= k ? term : q - term;
        }
        third[k] = (uint32_t)(sum % q);
    }
    ntt_forward(first, a, tables);
    ntt_forward(second, b, tables);
    for (size_t k = 0; k < p->n; k++)
        first[k] = (uint32_t)((uint64_t)first[k] * second[k] % q);
    ntt_inverse(first, first, tables);
    return are_equal(first, third, p->n);
}

static void check_kernel(const struct ntt_kernel *ref, const struct ntt_kernel *kernel, size_t n)
{
    static bool (*const checks[])(const struct pair *, unsigned) = {
        transforms_agree, dot_products_agree, sums_agree, numbers_agree, elements_agree};
    static const char *const names[] = {"transforms", "dot products", "sums", "numbers of 128 bits",
                                        "elementwise steps"};
    struct pair p = {.n = n};
    const bool is_made =
        rns_basis_new(n, moduli, ARRAY_COUNT(moduli), ref, &p.ref, NULL) == STATUS_OK &&
        rns_basis_new(n, moduli, ARRAY_COUNT(moduli), kernel, &p.own, NULL) == STATUS_OK;
    TAP_CHECK(is_made, "%s n=%zu: tables", ntt_kernel_name(kernel), n);
    for (size_t c = 0; is_made && c < ARRAY_COUNT(checks); c++) {
        bool agree = true;
        for (p.at = 0; p.at < ARRAY_COUNT(moduli); p.at++)
            for (unsigned pattern = 0; pattern < PATTERNS; pattern++)
                agree &= checks[c](&p, pattern);
        TAP_CHECK(agree, "%s n=%zu: %s are those of ref", ntt_kernel_name(kernel), n, names[c]);
    }
    p.at = 2;
    if (is_made && n <= 1024)
        TAP_CHECK(product_is_right(&p), "%s n=%zu: a product of polynomials",
                  ntt_kernel_name(kernel), n);
    rns_basis_free(p.ref);
    rns_basis_free(p.own);
}

int main(void)
{
    static const size_t degrees[] = {8, 16, 32, 64, 128, 256, 512, 1024, 2048, N_MAX};
    const struct cpu cpu = cpu_detect();
    for (size_t k = 0; ntt_kernel_list(k) != NULL; k++)
        for (size_t d = 0; d < ARRAY_COUNT(degrees); d++) {
            const struct ntt_kernel *ref = NULL;
            const struct ntt_kernel *kernel = NULL;
            const char *const name = ntt_kernel_list(k);
            if (ntt_kernel_choose(&cpu, "ref", degrees[d], &ref, NULL) == STATUS_OK &&
                ntt_kernel_choose(&cpu, name, degrees[d], &kernel, NULL) == STATUS_OK)
                check_kernel(ref, kernel, degrees[d]);
            else if (degrees[d] == N_MAX)
                printf("ok %d - # SKIP kernel %s does not run on this machine\n", ++tap_number,
                       name);
        }
    return tap_finish();
}
