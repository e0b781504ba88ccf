/* bench_shape - the cost model against the clock: one query on one shard, one thread.
 *
 *   shape_constant  nanoseconds of each kind of work, found by least squares from the fastest
 *                   queries on shards of several shapes
 *   shape_query     a shape that the model chooses: predicted with these constants, and measured on
 *                   a shard that is full
 * The shapes of the second kind are not among those that the constants are found with. */
#include "base/mem.h"
#include "bench/bench.h"
#include "pir-server/bfv/bfv_evaluation_key.h"
#include "pir-server/dataset/dataset_write.h"
#include "pir-server/pir/pir_answer.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/pir/pir_shape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SET    "n_4096_logq_27_28_28_logt_5"
#define ROUNDS 21

static void must(enum status st, const struct error *err)
{
    if (st != STATUS_OK)
        bench_fail("%s", err->message);
}

/* ---- a shard and a query on it ---- */

struct asked {
    const struct bfv_context *context;
    struct pir_parameters parameters;
    struct bfv_evaluation_key *key;
    struct pir_shard *shard;
    struct pir_workspace *workspace;
    struct pir_client_query *query;
    double took_ns[ROUNDS];
};

struct filling {
    size_t words;
    bool nil;
};

static enum status fill(void *context, size_t position, uint32_t *ret, bool *ret_is_nil,
                        struct error *err)
{
    const struct filling *filling = context;
    (void)err;
    *ret_is_nil = filling->nil;
    for (size_t i = 0; i < filling->words && !filling->nil; i++)
        ret[i] = (uint32_t)((i + position) * 2654435761u) >> 6; /* below 2^26 */
    return STATUS_OK;
}

static struct bfv_switch_key *read_key(const struct bfv_context *context, struct bfv_seeded *parts)
{
    struct bfv_switch_key *key = NULL;
    struct error err;
    must(bfv_switch_key_new(context, &key, &err), &err);
    for (size_t j = 0; j < bfv_context_ciphertext_moduli(context); j++) {
        must(bfv_switch_key_read_seeded(key, j, bytes_view(&parts[j].poly0),
                                        span_of(parts[j].seed, sizeof parts[j].seed), &err),
             &err);
        bytes_clear(&parts[j].poly0);
    }
    return key;
}

static void make_key(struct asked *asked, const struct bfv_secret_key *secret)
{
    const struct pir_evaluation_key_config *config = &asked->parameters.evaluation_key;
    const struct random_source random = random_system();
    struct bfv_seeded parts[BFV_MAX_MODULI];
    struct error err;
    for (size_t j = 0; j < BFV_MAX_MODULI; j++)
        bfv_seeded_init(&parts[j]);
    must(bfv_evaluation_key_new(asked->context, &asked->key, &err), &err);
    for (size_t i = 0; i < config->galois_element_count; i++) {
        const uint32_t element = config->galois_elements[i];
        must(bfv_galois_key_make(asked->context, secret, element, &random, parts, &err), &err);
        must(bfv_evaluation_key_add_galois(asked->key, element, read_key(asked->context, parts),
                                           &err),
             &err);
    }
    must(bfv_relin_key_make(asked->context, secret, &random, parts, &err), &err);
    must(bfv_evaluation_key_set_relin(asked->key, read_key(asked->context, parts), &err), &err);
    for (size_t j = 0; j < BFV_MAX_MODULI; j++)
        bfv_seeded_deinit(&parts[j]);
}

static void asked_init(const struct bfv_context *context, const struct pir_parameters *parameters,
                       bool nil, struct asked *ret)
{
    const struct random_source random = random_system();
    struct bfv_secret_key *secret = NULL;
    struct error err;
    struct filling filling = {
        .words = bfv_context_degree(context) * bfv_context_ciphertext_moduli(context), .nil = nil};
    const struct pir_plaintext_source source = {.context = &filling, .next = fill};
    *ret = (struct asked){.context = context, .parameters = *parameters};
    must(pir_shard_build(parameters, 0, &source, &ret->shard, &err), &err);
    must(bfv_secret_key_new(context, &random, &secret, &err), &err);
    make_key(ret, secret);
    const struct pir_layout *layout = pir_shard_layout(ret->shard);
    must(pir_workspace_new(context, layout, &ret->workspace, &err), &err);
    must(pir_client_query_new(context, layout, secret, span_of_text("a"), &random, &ret->query,
                              &err),
         &err);
    bfv_secret_key_free(secret);
}

static void asked_deinit(struct asked *asked)
{
    pir_client_query_free(asked->query);
    pir_workspace_free(asked->workspace);
    pir_shard_free(asked->shard);
    bfv_evaluation_key_free(asked->key);
}

static double ask(struct asked *asked)
{
    struct pir_response response;
    struct error err;
    const uint64_t start = bench_now_ns();
    must(pir_answer(asked->workspace, asked->shard, asked->key,
                    pir_client_query_message(asked->query), &response, &err),
         &err);
    return (double)(bench_now_ns() - start);
}

/* The fastest round: what the machine does undisturbed. */
static double fastest(const double *values)
{
    double least = values[0];
    for (size_t i = 1; i < ROUNDS; i++)
        least = fmin(least, values[i]);
    return least;
}

/* ---- constants ---- */

struct sample {
    uint64_t rows, columns; /* D0, D1; 0 columns: one dimension */
    uint64_t tables, chunks;
    bool nil; /* costs nothing in dimension 0 */
};
static const struct sample SAMPLES[] = {
    {8, 0, 1, 1, true},    {96, 0, 1, 1, true},   {32, 0, 1, 1, true},  {8, 0, 1, 12, true},
    {8, 1, 1, 1, true},    {8, 24, 1, 1, true},   {32, 16, 1, 1, true}, {8, 12, 1, 4, true},
    {8, 1, 1, 8, true},    {48, 20, 1, 1, false}, {24, 8, 2, 1, false}, {80, 16, 1, 1, false},
    {64, 0, 1, 16, false},
};
#define SAMPLE_COUNT ARRAY_COUNT(SAMPLES)

static struct pir_parameters parameters_of(const struct sample *sample)
{
    const struct bfv_parameters encryption = bfv_named_parameters_find(SET)->parameters;
    const size_t plaintext = bfv_bytes_per_plaintext(&encryption);
    const uint64_t columns = sample->columns == 0 ? 1 : sample->columns;
    struct pir_parameters p = {.encryption = encryption,
                               .entry_count = sample->rows * columns,
                               .entry_bytes = sample->chunks * plaintext,
                               .dimensions = {sample->rows, sample->columns},
                               .dimension_count = sample->columns == 0 ? 1 : 2,
                               .has_keyword_parameters = true,
                               .hash_function_count = sample->tables,
                               .has_sharding_function = true,
                               .sharding = {.function = SHARDING_SHA256},
                               .algorithm = PIR_ALGORITHM_MUL_PIR,
                               .batch_size = sample->tables,
                               .evaluation_key = {.encryption = encryption, .has_relin_key = true}};
    pir_galois_elements(encryption.degree, sample->tables * (sample->rows + sample->columns),
                        PIR_KEY_COMPRESSION_NONE, p.evaluation_key.galois_elements,
                        &p.evaluation_key.galois_element_count);
    return p;
}

#define TERMS PIR_COST_TERM_COUNT

/* Least squares of relative errors by the normal equations; a term that would be negative is left
 * out and the others solved again. */
static void solve(double counts[][TERMS], const double *took, size_t count, double ret[TERMS])
{
    bool used[TERMS];
    for (size_t i = 0; i < TERMS; i++)
        used[i] = true;
    for (bool again = true; again;) {
        double m[TERMS][TERMS + 1] = {0};
        for (size_t i = 0; i < TERMS; i++) {
            for (size_t j = 0; j < TERMS; j++)
                for (size_t s = 0; s < count && used[i] && used[j]; s++)
                    m[i][j] += counts[s][i] * counts[s][j] / (took[s] * took[s]);
            for (size_t s = 0; s < count && used[i]; s++)
                m[i][TERMS] += counts[s][i] / took[s];
            if (!used[i])
                m[i][i] = 1;
        }
        for (size_t i = 0; i < TERMS; i++) { /* Gauss and Jordan; the matrix is positive definite */
            for (size_t j = TERMS + 1; j-- > i;)
                m[i][j] /= m[i][i];
            for (size_t k = 0; k < TERMS; k++)
                for (size_t j = TERMS + 1; k != i && j-- > i;)
                    m[k][j] -= m[k][i] * m[i][j];
        }
        again = false;
        for (size_t i = 0; i < TERMS; i++) {
            ret[i] = m[i][TERMS];
            if (ret[i] < 0) {
                used[i] = false;
                again = true;
            }
        }
    }
}

static struct pir_cost_constants measure_constants(const struct bfv_context *context)
{
    static struct asked asked[SAMPLE_COUNT];
    static double counts[SAMPLE_COUNT][TERMS];
    double took[SAMPLE_COUNT];
    double found[TERMS];
    struct error err;
    for (size_t s = 0; s < SAMPLE_COUNT; s++) {
        const struct pir_parameters p = parameters_of(&SAMPLES[s]);
        struct pir_prediction prediction;
        must(pir_cost_predict(&p, 0, NULL, &prediction, &err), &err);
        for (size_t i = 0; i < TERMS; i++)
            counts[s][i] =
                SAMPLES[s].nil && i == PIR_COST_PLAINTEXT ? 0 : (double)prediction.counts.count[i];
        asked_init(context, &p, SAMPLES[s].nil, &asked[s]);
        (void)ask(&asked[s]);
    }
    for (size_t round = 0; round < ROUNDS; round++) /* interleaved: noise meets all alike */
        for (size_t s = 0; s < SAMPLE_COUNT; s++)
            asked[s].took_ns[round] = ask(&asked[s]);
    for (size_t s = 0; s < SAMPLE_COUNT; s++) {
        took[s] = fastest(asked[s].took_ns);
        asked_deinit(&asked[s]);
    }
    solve(counts, took, SAMPLE_COUNT, found);
    const struct bfv_parameters *encryption = bfv_context_parameters(context);
    struct pir_cost_constants ret = {.degree = encryption->degree,
                                     .moduli_count = encryption->moduli_count};
    for (size_t i = 0; i < TERMS; i++) {
        ret.ns[i] = (uint64_t)llround(found[i]);
        printf("shape_constant kernel=%s term=%s ns=%llu shipped_ns=%llu\n",
               bfv_context_kernel_name(context), pir_cost_term_name((enum pir_cost_term)i),
               (unsigned long long)ret.ns[i], (unsigned long long)pir_cost_shipped()->ns[i]);
    }
    return ret;
}

/* ---- prediction against measurement ---- */

static void compare_rows(const struct bfv_context *context, uint64_t rows,
                         const struct pir_cost_constants *constants)
{
    const struct pir_shape_load load = {.encryption = *bfv_context_parameters(context),
                                        .sharding = {.function = SHARDING_SHA256},
                                        .shard_count = 1,
                                        .rows = rows,
                                        .longest_value = 1};
    struct pir_shape_wish wish;
    struct pir_parameters p;
    struct pir_prediction prediction;
    struct asked asked;
    struct error err;
    pir_shape_wish_init(&wish); /* as blindlist compile does */
    wish.max_key_bytes = DATASET_MAX_KEY_BYTES;
    must(pir_shape_choose(&load, &wish, &p, &err), &err);
    must(pir_cost_predict(&p, 0, constants, &prediction, &err), &err);
    asked_init(context, &p, false, &asked);
    (void)ask(&asked);
    for (size_t round = 0; round < ROUNDS; round++)
        asked.took_ns[round] = ask(&asked);
    const double measured = fastest(asked.took_ns);
    asked_deinit(&asked);
    const double quotient = (double)prediction.query_ns / measured;
    printf("shape_query kernel=%s rows=%llu buckets=%llu bucket_bytes=%llu dimensions=%llux%llu "
           "predicted_us=%.1f measured_us=%.1f quotient=%.2f agrees=%s\n",
           bfv_context_kernel_name(context), (unsigned long long)rows,
           (unsigned long long)p.entry_count, (unsigned long long)p.entry_bytes,
           (unsigned long long)p.dimensions[0], (unsigned long long)p.dimensions[1],
           (double)prediction.query_ns / 1e3, measured / 1e3, quotient,
           quotient >= 0.75 && quotient <= 1.25 ? "yes" : "no");
    fflush(stdout);
}

int main(void)
{
    static const uint64_t ROWS[] = {1000, 10000, 62500, 100000, 500000};
    const struct bfv_parameters encryption = bfv_named_parameters_find(SET)->parameters;
    struct bfv_context *context = NULL;
    struct error err;
    must(bfv_context_new(&encryption, 0, NULL, &context, &err), &err);
    const struct pir_cost_constants constants = measure_constants(context);
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++)
        compare_rows(context, ROWS[i], &constants);
    bfv_context_free(context);
    return 0;
}
