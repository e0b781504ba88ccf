/* The noise budget of whole answers before the last modulus switch: every kernel against the plain
 * method, which the kernel "ref" is. */
#include "pir-server/bfv/bfv_secret.h"
#include "pir-server/dataset/dataset_write.h"
#include "pir-server/pir/pir_answer_internal.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/pir/pir_noise.h"
#include "pir-server/pir/pir_processing.h"
#include "pir-server/ring/ntt/ntt.h"
#include "tests/patience.h"
#include "tests/pir-server/pir/pir_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Issue 4 allows this much less than the plain method leaves. */
#define LOSS_BITS_MAX 0.5
/* What an answer has to leave: half a bit would do, two are planned for (spec/bfv.md section 9). */
#define BUDGET_BITS_MIN 2.0
/* Keys and queries of their own. The budget of one spreads by a third of a bit, half when kernels
 * are compared. */
#define LOOK_UPS 8

#define LOGT_5 FIXTURE_SET
#define LOGT_6 "n_4096_logq_27_28_28_logt_6"

/* The shard that compile would make of that many rows of a byte each. */
static struct pir_shard *shard_of(const struct fixture_rows *rows, const char *set)
{
    const struct bfv_parameters encryption = fixture_encryption(set);
    struct pir_partition *partition = fixture_partition(rows, 1);
    struct bfv_context *context = NULL;
    struct pir_processing processing;
    struct pir_shape_wish wish;
    struct pir_shard *shard = NULL;
    pir_shape_wish_init(&wish);
    wish.max_key_bytes = DATASET_MAX_KEY_BYTES;
    pir_processing_init(&encryption, 1, &processing);
    cr_assert_eq(bfv_context_new(&encryption, 0, NULL, &context, NULL), STATUS_OK);
    cr_assert_eq(pir_processing_choose(partition, &wish, &processing, NULL), STATUS_OK);
    cr_assert_eq(pir_process_shard(context, partition, 0, &processing, 0, &shard, NULL), STATUS_OK);
    bfv_context_free(context);
    pir_partition_free(partition);
    return shard;
}

/* One look-up by one kernel. Keys and query follow from `seed`, for every kernel the same. */
static double budget_with(const char *kernel, const struct pir_shard *shard,
                          const struct pir_evaluation_key_config *config, struct span keyword,
                          uint64_t seed)
{
    const struct pir_layout *layout = pir_shard_layout(shard);
    struct random_seeded random = fixture_random(seed);
    const struct random_source source = fixture_source(&random);
    struct bfv_context *context = NULL;
    struct pir_workspace *workspace = NULL;
    struct pir_client_query *query = NULL;
    const struct bfv_ciphertext *answer = NULL;
    double budget = 0;
    cr_assert_eq(bfv_context_new(&config->encryption, 0, kernel, &context, NULL), STATUS_OK);
    cr_assert_str_eq(bfv_context_kernel_name(context), kernel);
    struct fixture_keys keys = fixture_keys_new(context, config, &random);
    cr_assert_eq(pir_workspace_new(context, layout, &workspace, NULL), STATUS_OK);
    cr_assert_eq(pir_client_query_new(context, layout, keys.secret, keyword, &source, &query, NULL),
                 STATUS_OK);
    cr_assert_eq(pir_answer_before_drop(workspace, shard, keys.evaluation,
                                        pir_client_query_message(query), 0, &answer, NULL),
                 STATUS_OK);
    cr_assert_eq(answer->moduli_count, layout->moduli_count, "switched down already");
    cr_assert_eq(bfv_noise_budget_vartime(context, keys.secret, answer, &budget, NULL), STATUS_OK);
    pir_client_query_free(query);
    pir_workspace_free(workspace);
    fixture_keys_free(&keys);
    bfv_context_free(context);
    return budget;
}

/* The mean of some look-ups, each of which has to leave enough. */
static double mean_budget(const char *kernel, const struct pir_shard *shard,
                          const struct pir_evaluation_key_config *config,
                          const struct fixture_rows *rows, size_t look_ups)
{
    double sum = 0;
    for (size_t i = 0; i < look_ups; i++) {
        const size_t row = (rows->count / 2 + i * rows->count / look_ups) % rows->count;
        const double budget = budget_with(kernel, shard, config, rows->rows[row].keyword, 5 + i);
        cr_assert_gt(budget, BUDGET_BITS_MIN, "%s, look-up %zu: %f bits", kernel, i, budget);
        sum += budget;
    }
    return sum / (double)look_ups;
}

/* Against every wide kernel that runs here, which is at least one. Returns the plain method's. */
static double compare_kernels(const struct pir_shard *shard,
                              const struct pir_evaluation_key_config *config,
                              const struct fixture_rows *rows, size_t look_ups)
{
    const struct cpu cpu = cpu_detect();
    const double plain = mean_budget("ref", shard, config, rows, look_ups);
    size_t compared = 0;
    for (size_t i = 0; ntt_kernel_list(i) != NULL; i++) {
        const char *const name = ntt_kernel_list(i);
        const struct ntt_kernel *kernel;
        if (strcmp(name, "ref") == 0 ||
            ntt_kernel_choose(&cpu, name, config->encryption.degree, &kernel, NULL) != STATUS_OK)
            continue;
        const double budget = mean_budget(name, shard, config, rows, look_ups);
        cr_assert_gt(budget, plain - LOSS_BITS_MAX, "%s: %f bits, plain %f", name, budget, plain);
        compared++;
    }
    if (compared == 0)
        cr_skip_test("no kernel but ref runs here");
    return plain;
}

/* Keys of one element a level, and with the composite elements of all pairs of levels. */
static void check_all_pairs(const char *set, size_t count)
{
    struct fixture_rows rows = fixture_rows_new(count, 1, 1, count);
    struct pir_shard *shard = shard_of(&rows, set);
    const uint64_t selectors = pir_shard_layout(shard)->selector_count;
    const struct bfv_parameters encryption = fixture_encryption(set);
    struct pir_evaluation_key_config config = {.encryption = encryption, .has_relin_key = true};
    pir_galois_elements(encryption.degree, selectors, PIR_KEY_COMPRESSION_NONE,
                        config.galois_elements, &config.galois_element_count);
    (void)compare_kernels(shard, &config, &rows, 1);
    const size_t alone = config.galois_element_count;
    pir_galois_elements_pair(encryption.degree, selectors, alone / 2, config.galois_elements,
                             &config.galois_element_count);
    cr_assert_eq(config.galois_element_count, alone + alone / 2);
    (void)compare_kernels(shard, &config, &rows, 1);
    pir_shard_free(shard);
    fixture_rows_free(&rows);
}

/* The keys that devices are asked for, which hold composite elements, and rows as compile makes
 * them: what all plaintexts have in common, such as the value, adds up over a column. */
static void check_as_served(const char *set, size_t count)
{
    struct fixture_rows rows = fixture_rows_new(count, 1, 1, count);
    for (size_t i = 0; i < count; i++)
        rows.rows[i].value = span_of_text("1");
    struct pir_shard *shard = shard_of(&rows, set);
    const struct pir_evaluation_key_config *config = &pir_shard_parameters(shard)->evaluation_key;
    struct pir_evaluation_key_config alone = *config;
    pir_galois_elements(config->encryption.degree, pir_shard_layout(shard)->selector_count,
                        PIR_KEY_COMPRESSION_NONE, alone.galois_elements,
                        &alone.galois_element_count);
    cr_assert_gt(config->galois_element_count, alone.galois_element_count);
    const struct pir_layout *layout = pir_shard_layout(shard);
    const struct pir_cost_grid grid = {.tables = layout->table_count,
                                       .chunks = layout->chunk_count,
                                       .rows = layout->dimensions[0],
                                       .columns = layout->dimensions[1]};
    const double modelled = pir_noise_budget_bits(&config->encryption, &grid, config);
    const double measured = compare_kernels(shard, config, &rows, LOOK_UPS);
    cr_assert(fabs(modelled - measured) < 1, "%f bits, by the model %f", measured, modelled);
    pir_shard_free(shard);
    fixture_rows_free(&rows);
}

Test(pir_answer_budget, ten_thousand_rows, .timeout = PATIENCE_OF_TEST_S)
{
    check_all_pairs(LOGT_5, 10000);
}

Test(pir_answer_budget, sixty_two_thousand_five_hundred_rows, .timeout = PATIENCE_OF_TEST_S)
{
    check_all_pairs(LOGT_5, 62500);
}

Test(pir_answer_budget, five_bits_as_served, .timeout = PATIENCE_OF_TEST_S)
{
    check_as_served(LOGT_5, 10000);
    check_as_served(LOGT_5, 62500);
}

Test(pir_answer_budget, six_bits_as_served, .timeout = PATIENCE_OF_TEST_S)
{
    check_as_served(LOGT_6, 10000);
    check_as_served(LOGT_6, 62500);
}
