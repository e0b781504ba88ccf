#include "pir-server/dataset/cost_measure.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "pir-server/pir/pir_answer.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/wire/wire_keys.h"

#include <math.h>

#define KEY_MAX_BYTES ((size_t)64 << 20)

/* ---- a shard and a query on it ---- */

struct asked {
    struct bfv_evaluation_key *key;
    struct pir_shard *shard;
    struct pir_workspace *workspace;
    struct pir_client_query *query;
    uint64_t fastest_ns;
};

struct filling {
    size_t words;
    bool nil;
};

/* Any words below every modulus will do. */
static enum status fill(void *context, size_t position, uint32_t *ret, bool *ret_is_nil,
                        struct error *err)
{
    const struct filling *filling = context;
    (void)err;
    *ret_is_nil = filling->nil;
    for (size_t i = 0; i < filling->words && !filling->nil; i++)
        ret[i] = (uint32_t)((i + position) * 2654435761u) >> 6;
    return STATUS_OK;
}

static void asked_deinit(struct asked *asked)
{
    pir_client_query_free(asked->query);
    pir_workspace_free(asked->workspace);
    pir_shard_free(asked->shard);
    bfv_evaluation_key_free(asked->key);
}

/* A device's keys, as they come out of a message. */
static enum status make_key(const struct bfv_context *context, const struct bfv_secret_key *secret,
                            const struct pir_evaluation_key_config *config,
                            struct bfv_evaluation_key **ret, struct error *err)
{
    const struct random_source random = random_system();
    struct bytes message;
    bytes_init(&message, KEY_MAX_BYTES);
    enum status status = wire_evaluation_key_make(context, config, secret, &random, &message, err);
    if (status == STATUS_OK)
        status = wire_evaluation_key_read(context, config, bytes_view(&message), ret, err);
    bytes_deinit(&message);
    return status;
}

/* asked_deinit() also after a failure.
 *   nil  a shard without rows, which costs nothing in dimension 0 */
static enum status asked_init(const struct bfv_context *context,
                              const struct pir_parameters *parameters, bool nil, struct asked *ret,
                              struct error *err)
{
    const struct random_source random = random_system();
    const struct cpu cpu = cpu_detect();
    struct bfv_secret_key *secret = NULL;
    struct filling filling = {
        .words = bfv_context_degree(context) * bfv_context_ciphertext_moduli(context), .nil = nil};
    const struct pir_plaintext_source source = {.context = &filling, .next = fill};
    *ret = (struct asked){.fastest_ns = UINT64_MAX};
    enum status status =
        pir_shard_build(parameters, 0, sha256_many_kernel_for(&cpu), &source, &ret->shard, err);
    if (status == STATUS_OK)
        status = bfv_secret_key_new(context, &random, &secret, err);
    if (status == STATUS_OK)
        status = make_key(context, secret, &parameters->evaluation_key, &ret->key, err);
    if (status == STATUS_OK)
        status = pir_workspace_new(context, pir_shard_layout(ret->shard), &ret->workspace, err);
    if (status == STATUS_OK)
        status = pir_client_query_new(context, pir_shard_layout(ret->shard), secret,
                                      span_of_text("a"), &random, &ret->query, err);
    bfv_secret_key_free(secret);
    return status;
}

static enum status ask(struct asked *asked, struct error *err)
{
    struct pir_response response;
    const uint64_t start = cpu_thread_ns();
    const enum status status = pir_answer(asked->workspace, asked->shard, asked->key,
                                          pir_client_query_message(asked->query), &response, err);
    const uint64_t took = cpu_thread_ns() - start;
    if (took < asked->fastest_ns)
        asked->fastest_ns = took > 0 ? took : 1;
    return status;
}

/* All of them round by round: each finds caches that the others have used, as on a server whose
 * queries are of many devices. */
static enum status run_rounds(const struct cost_measure *measure, struct asked *asked, size_t count,
                              struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t round = 0; round <= measure->rounds && status == STATUS_OK; round++) {
        for (size_t i = 0; i < count && status == STATUS_OK; i++) {
            status = ask(&asked[i], err);
            if (round == 0) /* warms up */
                asked[i].fastest_ns = UINT64_MAX;
        }
        if (round > 0 && measure->progress != NULL)
            progress_add(measure->progress, 1);
    }
    return status;
}

enum status cost_measure_queries(const struct cost_measure *measure,
                                 const struct pir_parameters *parameters, size_t count,
                                 uint64_t *ret_ns, struct error *err)
{
    struct asked *asked = mem_alloc_zeroed(count, sizeof *asked);
    if (asked == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for %zu shards", count);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = asked_init(measure->context, &parameters[i], false, &asked[i], err);
    if (status == STATUS_OK)
        status = run_rounds(measure, asked, count, err);
    for (size_t i = 0; i < count; i++) {
        if (status == STATUS_OK)
            ret_ns[i] = asked[i].fastest_ns;
        asked_deinit(&asked[i]);
    }
    mem_free(asked);
    return status;
}

/* ---- the samples ---- */

/* Between them every kind of work is much in one sample and little in others. */
struct sample {
    uint64_t rows, columns; /* D0, D1; 0 columns: one dimension */
    uint64_t tables, chunks;
    size_t pairs; /* of levels of the expansion */
    bool nil;
};
static const struct sample SAMPLES[] = {
    {8, 0, 1, 1, 0, true},   {64, 0, 1, 1, 0, true},   {64, 0, 1, 1, 3, true},
    {128, 0, 1, 1, 3, true}, {32, 0, 1, 1, 2, true},   {8, 0, 1, 12, 0, true},
    {8, 1, 1, 1, 0, true},   {8, 24, 1, 1, 2, true},   {32, 16, 1, 1, 0, true},
    {8, 12, 1, 4, 1, true},  {8, 1, 1, 8, 0, true},    {48, 16, 1, 1, 2, false},
    {24, 8, 2, 1, 0, false}, {80, 16, 1, 1, 1, false}, {64, 0, 1, 16, 3, false},
};
#define SAMPLE_COUNT ARRAY_COUNT(SAMPLES)

static struct pir_parameters parameters_of(const struct bfv_parameters *encryption,
                                           const struct sample *sample)
{
    const uint64_t columns = sample->columns == 0 ? 1 : sample->columns;
    const uint64_t selectors = sample->tables * (sample->rows + sample->columns);
    struct pir_parameters p = {
        .encryption = *encryption,
        .entry_count = sample->rows * columns,
        .entry_bytes = sample->chunks * bfv_bytes_per_plaintext(encryption),
        .dimensions = {sample->rows, sample->columns},
        .dimension_count = sample->columns == 0 ? 1 : 2,
        .has_keyword_parameters = true,
        .hash_function_count = sample->tables,
        .has_sharding_function = true,
        .sharding = {.function = SHARDING_SHA256},
        .algorithm = PIR_ALGORITHM_MUL_PIR,
        .batch_size = sample->tables,
        .evaluation_key = {.encryption = *encryption, .has_relin_key = true}};
    struct pir_evaluation_key_config *key = &p.evaluation_key;
    pir_galois_elements(encryption->degree, selectors, PIR_KEY_COMPRESSION_NONE,
                        key->galois_elements, &key->galois_element_count);
    pir_galois_elements_pair(encryption->degree, selectors, sample->pairs, key->galois_elements,
                             &key->galois_element_count);
    return p;
}

/* ---- least squares ---- */

#define TERMS PIR_COST_TERM_COUNT

/* Added to the diagonal as a part of it: kinds of work that always come together (decompositions
 * and automorphisms without pairs of levels) share their cost instead of leaving it undefined. */
#define RIDGE 1e-6

/* The normal equations of the terms in use, solved by Gauss and Jordan; their matrix is positive
 * definite. */
static void solve_used(double counts[SAMPLE_COUNT][TERMS], const double took[SAMPLE_COUNT],
                       const bool used[TERMS], double ret[TERMS])
{
    double m[TERMS][TERMS + 1] = {0};
    for (size_t i = 0; i < TERMS; i++) {
        for (size_t j = 0; j < TERMS; j++)
            for (size_t s = 0; s < SAMPLE_COUNT && used[i] && used[j]; s++)
                m[i][j] += counts[s][i] * counts[s][j] / (took[s] * took[s]);
        for (size_t s = 0; s < SAMPLE_COUNT && used[i]; s++)
            m[i][TERMS] += counts[s][i] / took[s];
        m[i][i] = used[i] ? m[i][i] * (1 + RIDGE) : 1;
    }
    for (size_t i = 0; i < TERMS; i++) {
        for (size_t j = TERMS + 1; j-- > i;)
            m[i][j] /= m[i][i];
        for (size_t k = 0; k < TERMS; k++)
            for (size_t j = TERMS + 1; k != i && j-- > i;)
                m[k][j] -= m[k][i] * m[i][j];
    }
    for (size_t i = 0; i < TERMS; i++)
        ret[i] = m[i][TERMS];
}

/* Terms that come out negative are left out, and the others solved again. */
static void solve(double counts[SAMPLE_COUNT][TERMS], const double took[SAMPLE_COUNT],
                  double ret[TERMS])
{
    bool used[TERMS];
    for (size_t i = 0; i < TERMS; i++)
        used[i] = true;
    for (bool again = true; again;) {
        again = false;
        solve_used(counts, took, used, ret);
        for (size_t i = 0; i < TERMS; i++) {
            again = again || ret[i] < 0;
            used[i] = used[i] && ret[i] >= 0;
        }
    }
}

/* ---- the constants ---- */

enum status cost_measure_constants(const struct cost_measure *measure,
                                   struct pir_cost_constants *ret, struct error *err)
{
    const struct bfv_parameters *encryption = bfv_context_parameters(measure->context);
    struct pir_cost_constants constants = {
        .degree = encryption->degree,
        .moduli_count = encryption->moduli_count,
        .pairs_levels = strcmp(bfv_context_kernel_name(measure->context), "ref") != 0};
    struct asked asked[SAMPLE_COUNT] = {0};
    double counts[SAMPLE_COUNT][TERMS];
    double took[SAMPLE_COUNT];
    double found[TERMS];
    enum status status = STATUS_OK;
    for (size_t s = 0; s < SAMPLE_COUNT && status == STATUS_OK; s++) {
        const struct pir_parameters parameters = parameters_of(encryption, &SAMPLES[s]);
        struct pir_prediction prediction;
        status = pir_cost_predict(&parameters, 0, &constants, &prediction, err);
        for (size_t i = 0; i < TERMS && status == STATUS_OK; i++)
            counts[s][i] =
                SAMPLES[s].nil && i == PIR_COST_PLAINTEXT ? 0 : (double)prediction.counts.count[i];
        if (status == STATUS_OK)
            status = asked_init(measure->context, &parameters, SAMPLES[s].nil, &asked[s], err);
    }
    if (status == STATUS_OK)
        status = run_rounds(measure, asked, SAMPLE_COUNT, err);
    for (size_t s = 0; s < SAMPLE_COUNT; s++) {
        took[s] = (double)asked[s].fastest_ns;
        asked_deinit(&asked[s]);
    }
    if (status != STATUS_OK)
        return status;
    solve(counts, took, found);
    for (size_t i = 0; i < TERMS; i++)
        constants.ns[i] = (uint64_t)fmin(round(found[i]), (double)PIR_COST_NS_MAX);
    *ret = constants;
    return STATUS_OK;
}
