/* Both sides against each other; the reference's own answers are in test_pir_reference.c. */
#include "base/mem.h"
#include "pir-server/bfv/bfv_serial.h"
#include "pir-server/pir/pir_answer.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/pir/pir_processing.h"
#include "tests/patience.h"
#include "tests/pir-server/pir/pir_fixture.h"

#include <criterion/criterion.h>
#include <math.h>

/* A processed shard with everything to ask it. */
struct setup {
    struct bfv_context *context;
    struct fixture_rows rows;
    struct pir_shard *shard;
    struct random_seeded random;
    struct fixture_keys keys;
    struct pir_workspace *workspace;
};

static struct pir_processing expanding(const struct bfv_parameters *encryption, size_t functions,
                                       size_t bucket_bytes)
{
    struct pir_processing processing;
    pir_processing_init(encryption, functions, &processing);
    processing.table.allow_expansion = true;
    processing.table.expansion_factor = 1.1;
    processing.table.target_load_factor = 0.9;
    processing.table.bucket_bytes = bucket_bytes;
    return processing;
}

static void setup_init(struct setup *s, const struct pir_processing *processing,
                       struct fixture_rows rows, bool one_dimension)
{
    struct error error = {0};
    struct pir_partition *partition = fixture_partition(&rows, 1);
    *s = (struct setup){.rows = rows, .random = fixture_random(77)};
    cr_assert_eq(
        bfv_context_new(&processing->encryption, BFV_ALLOW_INSECURE, NULL, &s->context, &error),
        STATUS_OK, "%s", error.message);
    cr_assert_eq(pir_process_shard(s->context, partition, 0, processing, BFV_ALLOW_INSECURE,
                                   &s->shard, &error),
                 STATUS_OK, "%s", error.message);
    if (one_dimension) {
        /* The same plaintexts in one column: [D0 * D1], row by row as they were made. */
        struct pir_parameters p = *pir_shard_parameters(s->shard);
        cr_assert_eq(p.dimensions[1], 1, "the test picks a table of one column");
        p.dimension_count = 1;
        const struct pir_plaintext_source source = pir_shard_source(s->shard);
        struct pir_shard *flat = NULL;
        cr_assert_eq(
            pir_shard_build(&p, BFV_ALLOW_INSECURE, fixture_kernel(), &source, &flat, &error),
            STATUS_OK, "%s", error.message);
        pir_shard_free(s->shard);
        s->shard = flat;
    }
    s->keys =
        fixture_keys_new(s->context, &pir_shard_parameters(s->shard)->evaluation_key, &s->random);
    cr_assert_eq(pir_workspace_new(s->context, pir_shard_layout(s->shard), &s->workspace, &error),
                 STATUS_OK, "%s", error.message);
    pir_partition_free(partition);
}

static void setup_deinit(struct setup *s)
{
    pir_workspace_free(s->workspace);
    fixture_keys_free(&s->keys);
    pir_shard_free(s->shard);
    fixture_rows_free(&s->rows);
    bfv_context_free(s->context);
}

/* A team whose seats take turns. */
struct seats {
    struct pir_workspace *workspaces[PIR_TEAM_MAX];
    size_t count;
};

static size_t seats_size(void *context)
{
    const struct seats *seats = context;
    return seats->count;
}

static void seats_run(void *context, size_t parts, pir_team_part *part,
                      void (*gather)(void *argument), void *argument)
{
    const struct seats *seats = context;
    for (size_t i = 0; i < parts; i++)
        part(argument, parts - 1 - i, i % seats->count, seats->workspaces[i % seats->count]);
    if (gather != NULL)
        gather(argument);
}

static void expect_same(const struct pir_response *a, const struct pir_response *b)
{
    cr_assert_eq(a->reply_count, b->reply_count);
    for (size_t r = 0; r < a->reply_count; r++) {
        cr_assert_eq(a->replies[r].ciphertext_count, b->replies[r].ciphertext_count);
        for (size_t c = 0; c < a->replies[r].ciphertext_count; c++)
            cr_assert(
                span_equal(a->replies[r].ciphertexts[c].polys, b->replies[r].ciphertexts[c].polys));
    }
}

/* `alone` is what one thread answers. */
static void ask_teams(const struct setup *s, const struct pir_query *query,
                      const struct pir_response *alone)
{
    struct seats seats = {.count = 0};
    const struct pir_team team = {.context = &seats, .size = seats_size, .run = seats_run};
    struct pir_response together;
    struct error error = {0};
    while (seats.count < PIR_TEAM_MAX) {
        cr_assert_eq(pir_workspace_new(s->context, pir_shard_layout(s->shard),
                                       &seats.workspaces[seats.count], &error),
                     STATUS_OK, "%s", error.message);
        seats.count++;
        if (seats.count > 3 && seats.count != PIR_TEAM_MAX)
            continue;
        mem_fail_nth(1); /* nor together */
        cr_assert_eq(pir_answer_together(seats.workspaces[0], &team, s->shard, s->keys.evaluation,
                                         query, &together, &error),
                     STATUS_OK, "%s", error.message);
        cr_assert(mem_fail_pending(), "an answer allocated memory");
        mem_fail_nth(0);
        expect_same(&together, alone);
    }
    for (size_t i = 0; i < seats.count; i++)
        pir_workspace_free(seats.workspaces[i]);
}

/* Asks for a keyword; checks the verdict and returns the noise budget. */
static double ask(struct setup *s, struct span keyword, const struct span *expected)
{
    const struct random_source source = fixture_source(&s->random);
    struct pir_client_query *query = NULL;
    struct pir_response response;
    struct pir_result result;
    struct error error = {0};
    const struct pir_layout *layout = pir_shard_layout(s->shard);
    cr_assert_eq(
        pir_client_query_new(s->context, layout, s->keys.secret, keyword, &source, &query, &error),
        STATUS_OK, "%s", error.message);
    mem_fail_nth(1); /* answering allocates nothing */
    const enum status st = pir_answer(s->workspace, s->shard, s->keys.evaluation,
                                      pir_client_query_message(query), &response, &error);
    cr_assert(mem_fail_pending(), "an answer allocated memory");
    mem_fail_nth(0);
    cr_assert_eq(st, STATUS_OK, "%s", error.message);
    pir_result_init(&result);
    cr_assert_eq(pir_client_read_response(s->context, layout, s->keys.secret, keyword, &response,
                                          &result, &error),
                 STATUS_OK, "%s", error.message);
    cr_assert_eq(result.found, expected != NULL, "%.*s", (int)keyword.size, keyword.data);
    if (expected != NULL)
        cr_assert(span_equal(bytes_view(&result.value), *expected));
    const double budget = result.noise_budget_bits;
    pir_result_deinit(&result);
    pir_client_query_free(query);
    return budget;
}

static void ask_some(struct setup *s, size_t count)
{
    for (size_t i = 0; i < count && s->rows.count > 0; i++) {
        const struct pir_row *row = &s->rows.rows[random_seeded_below(&s->random, s->rows.count)];
        cr_assert_gt(ask(s, row->keyword, &row->value), 0.0);
    }
    cr_assert_gt(ask(s, span_of_text("absent.example/"), NULL), 0.0);
}

Test(pir_answer, every_usable_set_finds_its_rows, .timeout = PATIENCE_OF_TEST_S)
{
    static const char *const SETS[] = {"n_4096_logq_27_28_28_logt_4", "n_4096_logq_27_28_28_logt_5",
                                       "n_4096_logq_27_28_28_logt_6"};
    for (size_t i = 0; i < ARRAY_COUNT(SETS); i++)
        for (size_t functions = 1; functions <= 2; functions++) {
            const struct bfv_parameters encryption = fixture_encryption(SETS[i]);
            struct pir_processing processing = expanding(&encryption, functions, 1500);
            struct setup s;
            processing.key_compression = (enum pir_key_compression)i;
            setup_init(&s, &processing, fixture_rows_new(700, 0, 40, i), false);
            ask_some(&s, 3);
            setup_deinit(&s);
        }
}

Test(pir_answer, entries_of_several_plaintexts, .timeout = PATIENCE_OF_TEST_S)
{
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    const struct pir_processing processing = expanding(&encryption, 2, 9000);
    struct setup s;
    setup_init(&s, &processing, fixture_rows_new(40, 0, 4000, 3), false);
    cr_assert_gt(pir_shard_layout(s.shard)->chunk_count, 1);
    ask_some(&s, 4);
    setup_deinit(&s);
}

Test(pir_answer, one_dimension, .timeout = PATIENCE_OF_TEST_S)
{
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    const struct pir_processing processing = expanding(&encryption, 2, 1024);
    struct setup s;
    setup_init(&s, &processing, fixture_rows_new(200, 1, 1, 3), true);
    ask_some(&s, 4);
    setup_deinit(&s);
}

/* N = 8: every query takes several ciphertexts, every entry several plaintexts. */
Test(pir_answer, queries_of_several_ciphertexts, .timeout = PATIENCE_OF_TEST_S)
{
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET_N_8);
    for (size_t functions = 1; functions <= 3; functions++) {
        const struct pir_processing processing = expanding(&encryption, functions, 60);
        struct setup s;
        setup_init(&s, &processing, fixture_rows_new(50, 0, 9, 3), false);
        cr_assert_gt(pir_shard_layout(s.shard)->query_ciphertext_count, 1);
        for (size_t i = 0; i < s.rows.count; i++)
            cr_assert_gt(ask(&s, s.rows.rows[i].keyword, &s.rows.rows[i].value), 0.0);
        ask_some(&s, 1);
        setup_deinit(&s);
    }
}

Test(pir_answer, an_empty_shard_answers_absent)
{
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    const struct pir_processing processing = expanding(&encryption, 2, 1024);
    struct setup s;
    setup_init(&s, &processing, fixture_rows_new(0, 0, 0, 1), false);
    cr_assert(isinf(ask(&s, span_of_text("anything"), NULL)), "all ciphertexts are zero");
    setup_deinit(&s);
}

Test(pir_answer, the_answer_depends_on_query_and_shard_only)
{
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    const struct pir_processing processing = expanding(&encryption, 2, 1024);
    struct setup s;
    setup_init(&s, &processing, fixture_rows_new(300, 1, 1, 3), false);
    const struct random_source source = fixture_source(&s.random);
    struct pir_client_query *query = NULL;
    struct pir_response response;
    struct bytes first;
    bytes_init(&first, 1u << 20);
    cr_assert_eq(pir_client_query_new(s.context, pir_shard_layout(s.shard), s.keys.secret,
                                      span_of_text("row1.example/"), &source, &query, NULL),
                 STATUS_OK);
    for (int round = 0; round < 2; round++) {
        cr_assert_eq(pir_answer(s.workspace, s.shard, s.keys.evaluation,
                                pir_client_query_message(query), &response, NULL),
                     STATUS_OK);
        for (size_t i = 0; i < response.reply_count; i++) {
            const struct span polys = response.replies[i].ciphertexts[0].polys;
            if (round == 0)
                bytes_append(&first, polys);
            else
                cr_assert_arr_eq(first.data + i * polys.size, polys.data, polys.size);
        }
        /* Another question in between leaves nothing behind. */
        (void)ask(&s, span_of_text("another.example/"), NULL);
    }
    bytes_deinit(&first);
    pir_client_query_free(query);
    setup_deinit(&s);
}

/* Two chunks, two tables; the second query is refused, which the others do not notice. */
Test(pir_answer, a_batch_answers_as_each_query_alone, .timeout = PATIENCE_OF_TEST_S)
{
    enum { COUNT = 4, REFUSED = 1 };
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    const struct pir_processing processing = expanding(&encryption, 2, 3000);
    struct setup s;
    setup_init(&s, &processing, fixture_rows_new(30, 1, 2000, 3), false);
    const struct pir_layout *layout = pir_shard_layout(s.shard);
    const struct random_source source = fixture_source(&s.random);
    struct pir_client_query *queries[COUNT];
    struct pir_job jobs[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        cr_assert_eq(pir_client_query_new(s.context, layout, s.keys.secret, s.rows.rows[i].keyword,
                                          &source, &queries[i], NULL),
                     STATUS_OK);
        jobs[i] = (struct pir_job){.key = s.keys.evaluation,
                                   .query = pir_client_query_message(queries[i])};
        cr_assert_eq(pir_workspace_new(s.context, layout, &jobs[i].workspace, NULL), STATUS_OK);
    }
    const struct pir_query none = {0};
    jobs[REFUSED].query = &none;
    mem_fail_nth(1); /* answering allocates nothing */
    pir_answer_batch(s.shard, jobs, COUNT);
    cr_assert(mem_fail_pending(), "an answer allocated memory");
    mem_fail_nth(0);
    for (size_t i = 0; i < COUNT; i++) {
        struct pir_response alone;
        if (i == REFUSED) {
            cr_assert_eq(jobs[i].status, STATUS_INVALID);
            cr_assert_not_null(strstr(jobs[i].error.message, "num_pir_calls"));
            continue;
        }
        cr_assert_eq(jobs[i].status, STATUS_OK, "%s", jobs[i].error.message);
        cr_assert_eq(
            pir_answer(s.workspace, s.shard, s.keys.evaluation, jobs[i].query, &alone, NULL),
            STATUS_OK);
        expect_same(&jobs[i].response, &alone);
    }
    for (size_t i = 0; i < COUNT; i++) {
        pir_workspace_free(jobs[i].workspace);
        pir_client_query_free(queries[i]);
    }
    setup_deinit(&s);
}

static void check_teams(const struct pir_processing *processing, size_t rows, size_t value_bytes,
                        bool one_dimension)
{
    struct setup s;
    setup_init(&s, processing, fixture_rows_new(rows, 1, value_bytes, 3), one_dimension);
    const struct random_source source = fixture_source(&s.random);
    struct pir_client_query *query = NULL;
    struct pir_response alone;
    struct error error = {0};
    cr_assert_eq(pir_client_query_new(s.context, pir_shard_layout(s.shard), s.keys.secret,
                                      s.rows.rows[0].keyword, &source, &query, &error),
                 STATUS_OK, "%s", error.message);
    cr_assert_eq(pir_answer(s.workspace, s.shard, s.keys.evaluation,
                            pir_client_query_message(query), &alone, &error),
                 STATUS_OK, "%s", error.message);
    ask_teams(&s, pir_client_query_message(query), &alone);
    pir_client_query_free(query);
    setup_deinit(&s);
}

Test(pir_answer, a_team_answers_as_one_thread_does, .timeout = PATIENCE_OF_TEST_S)
{
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    const struct pir_processing one_chunk = expanding(&encryption, 1, 2048);
    const struct pir_processing chunks = expanding(&encryption, 2, 5000);
    check_teams(&one_chunk, 3000, 1, false);
    check_teams(&chunks, 30, 2000, false);
    check_teams(&one_chunk, 20, 1, true);
}

Test(pir_answer, a_workspace_grows_for_another_shape, .timeout = PATIENCE_OF_TEST_S)
{
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    const struct pir_processing small = expanding(&encryption, 1, 2048);
    const struct pir_processing large = expanding(&encryption, 2, 5000);
    struct setup a;
    struct setup b;
    setup_init(&a, &small, fixture_rows_new(20, 1, 1, 3), false);
    setup_init(&b, &large, fixture_rows_new(30, 1, 2000, 3), false);
    pir_workspace_free(b.workspace);
    b.workspace = NULL;
    /* Contexts of equal parameters are interchangeable, so a's workspace serves b's shard. */
    struct pir_workspace *const own = a.workspace;
    struct pir_query none = {0};
    struct pir_response response;
    none.num_pir_calls = 2;
    cr_assert_eq(pir_answer(own, b.shard, b.keys.evaluation, &none, &response, NULL),
                 STATUS_INTERNAL, "not reserved yet");
    for (size_t n = 1;; n++) {
        mem_fail_nth(n);
        const enum status st = pir_workspace_reserve(own, pir_shard_layout(b.shard), NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        if (st == STATUS_OK && !reached)
            break;
        cr_assert_eq(st, STATUS_NOMEM);
        ask_some(&a, 1); /* a failure leaves it as it was */
    }
    b.workspace = own;
    struct bfv_context *const other = b.context;
    b.context = a.context;
    ask_some(&b, 2);
    ask_some(&a, 2);
    b.context = other;
    b.workspace = NULL;
    setup_deinit(&b);
    setup_deinit(&a);
}

/* ---- hostile queries ---- */

static enum status answer(struct setup *s, const struct pir_query *query, struct error *error)
{
    struct pir_response response;
    return pir_answer(s->workspace, s->shard, s->keys.evaluation, query, &response, error);
}

Test(pir_answer, refuses_hostile_queries)
{
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    const struct pir_processing processing = expanding(&encryption, 2, 1024);
    struct setup s;
    struct error error;
    setup_init(&s, &processing, fixture_rows_new(100, 1, 1, 3), false);
    const struct random_source source = fixture_source(&s.random);
    struct pir_client_query *made = NULL;
    cr_assert_eq(pir_client_query_new(s.context, pir_shard_layout(s.shard), s.keys.secret,
                                      span_of_text("x"), &source, &made, NULL),
                 STATUS_OK);
    const struct pir_query good = *pir_client_query_message(made);
    const struct pir_ciphertext_bytes seeded = good.ciphertexts[0];
    cr_assert_eq(answer(&s, &good, &error), STATUS_OK);

    struct pir_ciphertext_bytes two[2] = {seeded, seeded};
    struct pir_query q = good;
    static const uint64_t CALLS[] = {0, 1, 3, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(CALLS); i++) {
        q.num_pir_calls = CALLS[i];
        cr_expect_eq(answer(&s, &q, &error), STATUS_INVALID);
    }
    q = (struct pir_query){.ciphertexts = two, .ciphertext_count = 2, .num_pir_calls = 2};
    cr_expect_eq(answer(&s, &q, &error), STATUS_INVALID, "two ciphertexts");
    q.ciphertext_count = 0;
    cr_expect_eq(answer(&s, &q, &error), STATUS_INVALID, "no ciphertext");
    q.ciphertext_count = 1;

    two[0].kind = PIR_CIPHERTEXT_NONE;
    cr_expect_eq(answer(&s, &q, &error), STATUS_MALFORMED);
    two[0] = seeded;
    two[0].seed.size = 31;
    cr_expect_eq(answer(&s, &q, &error), STATUS_MALFORMED, "a seed of 31 bytes");
    two[0] = seeded;
    two[0].poly0.size--;
    cr_expect_eq(answer(&s, &q, &error), STATUS_MALFORMED, "a byte less");
    uint8_t *ones = mem_alloc(seeded.poly0.size, 1);
    memset(ones, 0xff, seeded.poly0.size);
    two[0] = seeded;
    two[0].poly0.data = ones;
    cr_expect_eq(answer(&s, &q, &error), STATUS_MALFORMED, "values of q and more");
    two[0] = (struct pir_ciphertext_bytes){.kind = PIR_CIPHERTEXT_FULL, .correction_factor = 1};
    cr_expect_eq(answer(&s, &q, &error), STATUS_MALFORMED, "no polynomials");
    cr_expect_not_null(strstr(error.message, "query: ciphertext 0"), "%s", error.message);

    /* Keys that lack something. */
    struct bfv_evaluation_key *const whole = s.keys.evaluation;
    cr_assert_eq(bfv_evaluation_key_new(s.context, &s.keys.evaluation, NULL), STATUS_OK);
    cr_expect_eq(answer(&s, &good, &error), STATUS_NO_KEY, "an empty key");
    bfv_evaluation_key_free(s.keys.evaluation);
    struct pir_evaluation_key_config config = pir_shard_parameters(s.shard)->evaluation_key;
    config.has_relin_key = false;
    struct fixture_keys lacking = fixture_keys_new(s.context, &config, &s.random);
    s.keys.evaluation = lacking.evaluation;
    cr_expect_eq(answer(&s, &good, &error), STATUS_NO_KEY, "no relinearization key");
    fixture_keys_free(&lacking);
    config.has_relin_key = true;
    config.galois_element_count = 1;
    config.galois_elements[0] = 3;
    lacking = fixture_keys_new(s.context, &config, &s.random);
    s.keys.evaluation = lacking.evaluation;
    cr_expect_eq(answer(&s, &good, &error), STATUS_NO_KEY, "elements that do not compose");
    fixture_keys_free(&lacking);

    s.keys.evaluation = whole;
    cr_expect_eq(answer(&s, &good, &error), STATUS_OK, "the workspace survived all that");
    mem_free(ones);
    pir_client_query_free(made);
    setup_deinit(&s);
}

Test(pir_answer, a_full_query_ciphertext_is_taken_too)
{
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    const struct pir_processing processing = expanding(&encryption, 2, 1024);
    struct setup s;
    setup_init(&s, &processing, fixture_rows_new(100, 1, 1, 3), false);
    const struct random_source source = fixture_source(&s.random);
    struct pir_client_query *made = NULL;
    struct bfv_ciphertext ciphertext;
    struct bytes polys;
    struct pir_response response;
    struct bytes seeded_answer;
    bytes_init(&polys, 1u << 20);
    bytes_init(&seeded_answer, 1u << 20);
    cr_assert_eq(pir_client_query_new(s.context, pir_shard_layout(s.shard), s.keys.secret,
                                      span_of_text("row7.example/"), &source, &made, NULL),
                 STATUS_OK);
    const struct pir_query *seeded = pir_client_query_message(made);
    cr_assert_eq(bfv_ciphertext_init(s.context, 2, 2, BFV_COEFFICIENT, &ciphertext, NULL),
                 STATUS_OK);
    cr_assert_eq(bfv_ciphertext_read_seeded(s.context, seeded->ciphertexts[0].poly0,
                                            seeded->ciphertexts[0].seed, &ciphertext, NULL),
                 STATUS_OK);
    bfv_ciphertext_write_full(s.context, &ciphertext, NULL, &polys);
    const struct pir_ciphertext_bytes full = {
        .kind = PIR_CIPHERTEXT_FULL, .polys = bytes_view(&polys), .correction_factor = 1};
    const struct pir_query query = {
        .ciphertexts = &full, .ciphertext_count = 1, .num_pir_calls = 2};
    cr_assert_eq(pir_answer(s.workspace, s.shard, s.keys.evaluation, seeded, &response, NULL),
                 STATUS_OK);
    bytes_append(&seeded_answer, response.replies[0].ciphertexts[0].polys);
    cr_assert_eq(pir_answer(s.workspace, s.shard, s.keys.evaluation, &query, &response, NULL),
                 STATUS_OK);
    cr_assert(span_equal(bytes_view(&seeded_answer), response.replies[0].ciphertexts[0].polys));
    bfv_ciphertext_deinit(&ciphertext);
    bytes_deinit(&polys);
    bytes_deinit(&seeded_answer);
    pir_client_query_free(made);
    setup_deinit(&s);
}

/* ---- the client's reading ---- */

Test(pir_answer, a_wrong_response_is_malformed_never_absent)
{
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    const struct pir_processing processing = expanding(&encryption, 2, 1024);
    struct setup s;
    setup_init(&s, &processing, fixture_rows_new(100, 1, 1, 3), false);
    const struct random_source source = fixture_source(&s.random);
    const struct pir_layout *layout = pir_shard_layout(s.shard);
    const struct span keyword = span_of_text("row7.example/");
    struct pir_client_query *made = NULL;
    struct pir_response response;
    struct pir_result result;
    struct error error;
    pir_result_init(&result);
    cr_assert_eq(
        pir_client_query_new(s.context, layout, s.keys.secret, keyword, &source, &made, NULL),
        STATUS_OK);
    cr_assert_eq(pir_answer(s.workspace, s.shard, s.keys.evaluation, pir_client_query_message(made),
                            &response, NULL),
                 STATUS_OK);
#define REFUSED(why)                                                                               \
    cr_expect_eq(pir_client_read_response(s.context, layout, s.keys.secret, keyword, &changed,     \
                                          &result, &error),                                        \
                 STATUS_MALFORMED, why)
    struct pir_response changed = response;
    changed.reply_count = 1;
    REFUSED("a reply less");
    struct pir_ciphertext_bytes ciphertexts[2] = {response.replies[0].ciphertexts[0],
                                                  response.replies[0].ciphertexts[0]};
    struct pir_reply replies[2] = {{ciphertexts, 1}, response.replies[1]};
    changed = (struct pir_response){.replies = replies, .reply_count = 2};
    replies[0].ciphertext_count = 2;
    REFUSED("a ciphertext more");
    replies[0].ciphertext_count = 0;
    REFUSED("no ciphertext");
    replies[0].ciphertext_count = 1;
    ciphertexts[0].kind = PIR_CIPHERTEXT_SEEDED;
    REFUSED("seeded");
    ciphertexts[0] = response.replies[0].ciphertexts[0];
    ciphertexts[0].correction_factor = 0;
    REFUSED("no correction factor");
    ciphertexts[0] = response.replies[0].ciphertexts[0];
    ciphertexts[0].skip_count = 1;
    REFUSED("one skip for two polynomials");
    ciphertexts[0] = response.replies[0].ciphertexts[0];
    ciphertexts[0].polys.size--;
    REFUSED("a byte less");
    /* Another key decrypts to noise, which is no bucket. */
    struct fixture_keys other =
        fixture_keys_new(s.context, &pir_shard_parameters(s.shard)->evaluation_key, &s.random);
    cr_expect_eq(pir_client_read_response(s.context, layout, other.secret, keyword, &response,
                                          &result, &error),
                 STATUS_MALFORMED);
    fixture_keys_free(&other);
#undef REFUSED
    /* And every failed allocation of both client functions. */
    for (size_t n = 1;; n++) {
        struct pir_client_query *again = NULL;
        mem_fail_nth(n);
        enum status st =
            pir_client_query_new(s.context, layout, s.keys.secret, keyword, &source, &again, NULL);
        if (st == STATUS_OK)
            st = pir_client_read_response(s.context, layout, s.keys.secret, keyword, &response,
                                          &result, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        pir_client_query_free(again);
        if (!reached) {
            cr_assert_eq(st, STATUS_OK);
            cr_assert_gt(n, 5);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM, "allocation %zu", n);
    }
    cr_assert(result.found);
    pir_result_deinit(&result);
    pir_client_query_free(made);
    setup_deinit(&s);
}

Test(pir_answer, every_failed_allocation_of_a_workspace_is_reported)
{
    const struct pir_parameters parameters = fixture_parameters(6);
    struct bfv_context *context = NULL;
    struct pir_layout layout;
    size_t n = 1;
    cr_assert_eq(bfv_context_new(&parameters.encryption, 0, NULL, &context, NULL), STATUS_OK);
    cr_assert_eq(pir_layout_init(&parameters, 0, &layout, NULL), STATUS_OK);
    cr_assert_gt(pir_workspace_bytes(context, &layout), 5 * 65536);
    for (;; n++) {
        struct pir_workspace *workspace = NULL;
        mem_fail_nth(n);
        const enum status st = pir_workspace_new(context, &layout, &workspace, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        pir_workspace_free(workspace);
        if (!reached) {
            cr_assert_eq(st, STATUS_OK);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM);
    }
    cr_assert_gt(n, 10);
    bfv_context_free(context);
}
