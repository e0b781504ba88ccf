/* bench_bfv - the steps of one query, n_4096_logq_27_28_28_logt_5, on one thread.
 *
 * `query` is all server work of a query on a shard of 62,500 rows as the reference lays it out (two
 * tables of 24 x 8 plaintexts, 64 selectors), without parsing and HTTP. */
#include "base/mem.h"
#include "bench/bench.h"
#include "pir-server/bfv/bfv_plaintext.h"
#include "pir-server/bfv/bfv_product.h"

#include <stdio.h>
#include <string.h>

enum { TABLES = 2, ROWS = 24, COLUMNS = 8, SELECTORS = TABLES * (ROWS + COLUMNS) };

struct state {
    struct bfv_context *context;
    struct bfv_secret_key *secret;
    struct bfv_evaluation_key *key;
    struct bfv_workspace *workspace;
    struct bfv_selectors *selectors;
    struct bfv_ciphertext query;
    struct bfv_ciphertext turned;
    struct bfv_ciphertext columns[COLUMNS];
    struct bfv_ciphertext product;
    struct bfv_lifted *x;
    struct bfv_lifted *y;
    uint32_t *plaintexts; /* tile by tile, all plaintexts of a table side by side */
    uint16_t rows[COLUMNS * ROWS];
    uint32_t column_counts[COLUMNS];
    struct bfv_ciphertext selector;
    struct bytes bytes;
    struct bfv_seeded parts[2]; /* of one key-switching key, as they travel */
};

static void check(enum status status, const struct error *error)
{
    if (status != STATUS_OK)
        bench_fail("%s", error->message);
}

static struct bfv_switch_key *read_key(const struct state *state, const struct bfv_seeded *parts)
{
    struct error error;
    struct bfv_switch_key *part;
    check(bfv_switch_key_new(state->context, &part, &error), &error);
    for (size_t j = 0; j < 2; j++)
        check(bfv_switch_key_read_seeded(part, j, bytes_view(&parts[j].poly0),
                                         span_of(parts[j].seed, DRBG_SEED_BYTES), &error),
              &error);
    return part;
}

/* Reading one Galois key; an evaluation key of nine and a relinearization key takes ten times that.
 */
static void read_one_key(void *context)
{
    struct state *const state = context;
    bfv_switch_key_free(read_key(state, state->parts));
}

static void make_keys(struct state *state, const struct random_source *random)
{
    struct error error;
    struct bfv_seeded *const parts = state->parts;
    for (size_t j = 0; j < 2; j++)
        bfv_seeded_init(&parts[j]);
    check(bfv_secret_key_new(state->context, random, &state->secret, &error), &error);
    check(bfv_evaluation_key_new(state->context, &state->key, &error), &error);
    for (uint64_t element = 129; element <= 4097; element = 2 * element - 1) {
        check(bfv_galois_key_make(state->context, state->secret, element, random, parts, &error),
              &error);
        check(bfv_evaluation_key_add_galois(state->key, element, read_key(state, parts), &error),
              &error);
    }
    check(bfv_relin_key_make(state->context, state->secret, random, parts, &error), &error);
    check(bfv_evaluation_key_set_relin(state->key, read_key(state, parts), &error), &error);
}

static void make_plaintexts(struct state *state)
{
    const size_t words = bfv_ciphertext_words(state->context, 1, 2);
    const size_t count = TABLES * COLUMNS * ROWS;
    state->plaintexts = mem_alloc_aligned(MEM_ROW_ALIGNMENT, count * words, sizeof(uint32_t));
    if (state->plaintexts == NULL)
        bench_fail("no memory");
    for (size_t i = 0; i < count * words; i++)
        state->plaintexts[i] = (uint32_t)(i * 2654435761u) >> 6;
    for (size_t p = 0; p < COLUMNS * ROWS; p++)
        state->rows[p] = (uint16_t)(p % ROWS);
    for (size_t c = 0; c < COLUMNS; c++)
        state->column_counts[c] = ROWS;
}

static void expand(void *context)
{
    struct state *const state = context;
    struct error error;
    check(bfv_expand(state->workspace, state->key, &state->query, SELECTORS, state->selectors, 0,
                     BFV_WHOLE, &error),
          &error);
}

static void galois(void *context)
{
    struct state *const state = context;
    struct error error;
    check(bfv_apply_galois(state->workspace, state->key, 1025, &state->turned, &error), &error);
}

static void dot_table(struct state *state, size_t table)
{
    const size_t words = bfv_ciphertext_words(state->context, 1, 2);
    const struct bfv_plaintext_matrix matrix = {.words = state->plaintexts +
                                                         table * COLUMNS * ROWS * words,
                                                .count = COLUMNS * ROWS,
                                                .rows = state->rows,
                                                .column_counts = state->column_counts,
                                                .column_count = COLUMNS};
    const struct bfv_dot query = {.selectors = state->selectors, .ret = state->columns};
    bfv_plaintext_dot(state->context, &query, 1, table * (ROWS + COLUMNS), &matrix, BFV_WHOLE);
}

static void dot(void *context)
{
    struct state *const state = context;
    for (size_t table = 0; table < TABLES; table++)
        dot_table(state, table);
}

static void product_table(struct state *state, size_t table)
{
    bfv_product_begin(state->workspace);
    for (size_t c = 0; c < COLUMNS; c++) {
        bfv_selectors_get(state->selectors, table * (ROWS + COLUMNS) + ROWS + c, &state->selector);
        bfv_lift(state->workspace, &state->selector, state->x);
        bfv_lift(state->workspace, &state->columns[c], state->y);
        bfv_product_add(state->workspace, state->x, state->y);
    }
    bfv_product_finish(state->workspace, &state->product);
}

static void product(void *context)
{
    struct state *const state = context;
    for (size_t table = 0; table < TABLES; table++)
        product_table(state, table);
}

static void respond(struct state *state)
{
    struct error error;
    uint32_t skips[2];
    struct bfv_ciphertext *const reply = &state->product;
    check(bfv_relinearize(state->workspace, state->key, reply, &error), &error);
    bfv_ciphertext_switch_down(state->context, reply, 1);
    bfv_response_skips(state->context, skips);
    bytes_clear(&state->bytes);
    bfv_ciphertext_write_full(state->context, reply, skips, &state->bytes);
    check(bytes_status(&state->bytes, "response", &error), &error);
    reply->poly_count = 3;
    reply->moduli_count = 2;
}

static void query(void *context)
{
    struct state *const state = context;
    expand(state);
    for (size_t table = 0; table < TABLES; table++) {
        dot_table(state, table);
        product_table(state, table);
        respond(state);
    }
}

static void setup(struct state *state, const char *kernel)
{
    struct error error;
    struct random_seeded seeded;
    const uint8_t seed[RANDOM_SEED_BYTES] = {1};
    const struct random_source random = random_seeded_init(&seeded, seed);
    const struct bfv_named_parameters *const set =
        bfv_named_parameters_find("n_4096_logq_27_28_28_logt_5");
    check(bfv_context_new(&set->parameters, 0, kernel, &state->context, &error), &error);
    check(bfv_workspace_new(state->context, &state->workspace, &error), &error);
    check(bfv_ciphertext_init(state->context, 2, 2, BFV_EVALUATION, &state->selector, &error),
          &error);
    check(bfv_selectors_new(state->context, SELECTORS, &state->selectors, &error), &error);
    check(bfv_lifted_new(state->context, &state->x, &error), &error);
    check(bfv_lifted_new(state->context, &state->y, &error), &error);
    make_keys(state, &random);
    make_plaintexts(state);
    bytes_init(&state->bytes, 1 << 20);
    check(bfv_ciphertext_init(state->context, 2, 2, BFV_COEFFICIENT, &state->query, &error),
          &error);
    check(bfv_ciphertext_init(state->context, 2, 2, BFV_COEFFICIENT, &state->turned, &error),
          &error);
    check(bfv_ciphertext_init(state->context, 3, 2, BFV_COEFFICIENT, &state->product, &error),
          &error);
    for (size_t c = 0; c < COLUMNS; c++)
        check(bfv_ciphertext_init(state->context, 2, 2, BFV_EVALUATION, &state->columns[c], &error),
              &error);
    uint32_t *const message = poly_alloc(bfv_context_degree(state->context), 1);
    if (message == NULL)
        bench_fail("no memory");
    check(bfv_encrypt(state->context, state->secret, message, seed, &random, &state->query, &error),
          &error);
    mem_free(message);
}

static void teardown(struct state *state)
{
    for (size_t j = 0; j < 2; j++)
        bfv_seeded_deinit(&state->parts[j]);
    for (size_t c = 0; c < COLUMNS; c++)
        bfv_ciphertext_deinit(&state->columns[c]);
    bfv_ciphertext_deinit(&state->product);
    bfv_ciphertext_deinit(&state->turned);
    bfv_ciphertext_deinit(&state->query);
    mem_free(state->plaintexts);
    bytes_deinit(&state->bytes);
    bfv_lifted_free(state->x);
    bfv_lifted_free(state->y);
    bfv_ciphertext_deinit(&state->selector);
    bfv_selectors_free(state->selectors);
    bfv_workspace_free(state->workspace);
    bfv_evaluation_key_free(state->key);
    bfv_secret_key_free(state->secret);
    bfv_context_free(state->context);
}

static void run(struct state *state)
{
    char label[96];
    const char *const kernel = bfv_context_kernel_name(state->context);
    snprintf(label, sizeof label, "key_switch kernel=%s n=4096 moduli=2", kernel);
    bench_time(label, 50, galois, state);
    snprintf(label, sizeof label, "read_key kernel=%s n=4096 parts=2 moduli=3", kernel);
    bench_time(label, 50, read_one_key, state);
    snprintf(label, sizeof label, "expand kernel=%s selectors=%d", kernel, SELECTORS);
    bench_time(label, 20, expand, state);
    snprintf(label, sizeof label, "plaintext_dot kernel=%s tables=2 rows=24 columns=8", kernel);
    bench_time(label, 20, dot, state);
    snprintf(label, sizeof label, "ciphertext_product kernel=%s tables=2 pairs=8", kernel);
    bench_time(label, 20, product, state);
    snprintf(label, sizeof label, "query kernel=%s tables=2 rows=24 columns=8", kernel);
    bench_time(label, 20, query, state);
}

int main(void)
{
    const struct cpu cpu = cpu_detect();
    for (size_t i = 0; ntt_kernel_list(i) != NULL; i++) {
        const struct ntt_kernel *kernel;
        if (ntt_kernel_choose(&cpu, ntt_kernel_list(i), 4096, &kernel, NULL) != STATUS_OK)
            continue;
        struct state state = {0};
        setup(&state, ntt_kernel_list(i));
        run(&state);
        teardown(&state);
    }
    return 0;
}
