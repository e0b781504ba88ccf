#include "pir-server/dataset/process_trial.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_plaintext.h"
#include "pir-server/bfv/bfv_secret.h"
#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/pir_answer.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/wire/wire_keys.h"
#include "pir-server/wire/wire_query.h"

#include <time.h>

#define MESSAGE_MAX_BYTES ((size_t)1 << 30)

struct lookup {
    const struct bfv_context *context;
    const struct pir_shard *shard;
    struct bfv_secret_key *secret;
    struct bfv_evaluation_key *key;
    struct pir_workspace *workspace;
    struct pir_client_query *query;
    struct wire_query *received_query;
    struct wire_response *received_response;
    struct bytes key_message;
    struct bytes query_message;
    struct bytes response_message;
    struct pir_result result;
    double query_ms;
    double answer_ms;
    size_t slots;
};

static double now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static enum status make_keys(struct lookup *l, const struct random_source *random,
                             struct error *err)
{
    const struct pir_evaluation_key_config *config =
        &pir_shard_parameters(l->shard)->evaluation_key;
    enum status st = bfv_secret_key_new(l->context, random, &l->secret, err);
    if (st == STATUS_OK)
        st = wire_evaluation_key_make(l->context, config, l->secret, random, &l->key_message, err);
    if (st == STATUS_OK)
        st =
            wire_evaluation_key_read(l->context, config, bytes_view(&l->key_message), &l->key, err);
    return st;
}

static enum status exchange(struct lookup *l, struct span keyword,
                            const struct random_source *random, struct error *err)
{
    const struct pir_layout *layout = pir_shard_layout(l->shard);
    struct pir_response response;
    const double start = now_ms();
    enum status st =
        pir_client_query_new(l->context, layout, l->secret, keyword, random, &l->query, err);
    if (st == STATUS_OK)
        st = wire_query_write(pir_client_query_message(l->query), &l->query_message, err);
    l->query_ms = now_ms() - start;
    if (st == STATUS_OK)
        st = wire_query_read(bytes_view(&l->query_message), &l->received_query, err);
    if (st == STATUS_OK)
        st = pir_workspace_new(l->context, layout, &l->workspace, err);
    if (st != STATUS_OK)
        return st;
    const double answer_start = now_ms();
    st = pir_answer(l->workspace, l->shard, l->key, wire_query_get(l->received_query), &response,
                    err);
    l->answer_ms = now_ms() - answer_start;
    if (st == STATUS_OK)
        st = wire_response_write(&response, &l->response_message, err);
    if (st == STATUS_OK)
        st = wire_response_read(bytes_view(&l->response_message), &l->received_response, err);
    return st;
}

/* Slots of all buckets in the replies: what the client sees besides its own row. */
static enum status count_slots(struct lookup *l, struct error *err)
{
    const struct pir_layout *layout = pir_shard_layout(l->shard);
    const struct pir_response *response = wire_response_get(l->received_response);
    struct bfv_ciphertext ciphertext = {0};
    uint32_t *coefficients = mem_alloc_aligned(MEM_ROW_ALIGNMENT, layout->degree, 4);
    uint8_t *bytes = mem_alloc(layout->chunk_count, layout->plaintext_bytes);
    struct hash_bucket_slot *slots = mem_alloc(HASH_BUCKET_SLOTS_MAX, sizeof *slots);
    enum status st = bfv_ciphertext_init(l->context, 2, 1, BFV_COEFFICIENT, &ciphertext, err);
    if (st == STATUS_OK && (coefficients == NULL || bytes == NULL || slots == NULL))
        st = error_set(err, STATUS_NOMEM, "no memory to read a response");
    for (size_t j = 0; j < layout->table_count && st == STATUS_OK; j++) {
        for (size_t chunk = 0; chunk < layout->chunk_count && st == STATUS_OK; chunk++) {
            const struct pir_ciphertext_bytes *in = &response->replies[j].ciphertexts[chunk];
            st = bfv_ciphertext_read_full(l->context, in->polys, in->skip_lsbs, in->skip_count,
                                          in->correction_factor, &ciphertext, err);
            if (st == STATUS_OK)
                st = bfv_decrypt(l->context, l->secret, &ciphertext, coefficients, err);
            if (st == STATUS_OK)
                st = bfv_plaintext_decode(l->context, coefficients,
                                          bytes + chunk * layout->plaintext_bytes, err);
        }
        for (size_t i = 0; i < layout->entries_per_plaintext && st == STATUS_OK; i++) {
            size_t count = 0;
            st = hash_bucket_parse(span_of(bytes + i * layout->entry_bytes, layout->entry_bytes),
                                   slots, &count, err);
            l->slots += count;
        }
    }
    bfv_ciphertext_deinit(&ciphertext);
    mem_free(coefficients);
    mem_free(bytes);
    mem_free(slots);
    return st;
}

static enum status compare(struct lookup *l, struct span keyword, struct span value,
                           struct error *err)
{
    struct error reason = {0};
    enum status st =
        pir_client_read_response(l->context, pir_shard_layout(l->shard), l->secret, keyword,
                                 wire_response_get(l->received_response), &l->result, &reason);
    if (st == STATUS_NOMEM)
        return error_set(err, st, "%s", reason.message);
    if (st != STATUS_OK)
        return error_set(err, STATUS_MISMATCH,
                         "a trial look-up cannot be read (no noise budget left?): %s",
                         reason.message);
    if (!l->result.found)
        return error_set(err, STATUS_MISMATCH, "a trial look-up did not find its row");
    if (!span_equal(bytes_view(&l->result.value), value))
        return error_set(err, STATUS_MISMATCH, "a trial look-up found another value");
    return count_slots(l, err);
}

static void record(const struct lookup *l, struct process_trial *trial)
{
    const struct pir_evaluation_key_config *config =
        &pir_shard_parameters(l->shard)->evaluation_key;
    const struct pir_layout *layout = pir_shard_layout(l->shard);
    const bool is_first = trial->count == 0;
    if (is_first || l->result.noise_budget_bits < trial->noise_budget_bits)
        trial->noise_budget_bits = l->result.noise_budget_bits;
    if (is_first || l->query_ms < trial->query_ms)
        trial->query_ms = l->query_ms;
    if (is_first || l->answer_ms < trial->answer_ms)
        trial->answer_ms = l->answer_ms;
    trial->key_count = config->galois_element_count + (config->has_relin_key ? 1 : 0);
    trial->key_bytes = l->key_message.size;
    trial->query_ciphertexts = layout->query_ciphertext_count;
    trial->query_bytes = l->query_message.size;
    trial->response_ciphertexts = layout->table_count * layout->chunk_count;
    trial->response_bytes = l->response_message.size;
    trial->entries_per_response = l->slots;
    trial->count++;
}

enum status process_trial_run(const struct bfv_context *context, const struct pir_shard *shard,
                              struct span keyword, struct span value,
                              const struct random_source *random, struct process_trial *trial,
                              struct error *err)
{
    struct lookup l = {.context = context, .shard = shard};
    bytes_init(&l.key_message, MESSAGE_MAX_BYTES);
    bytes_init(&l.query_message, MESSAGE_MAX_BYTES);
    bytes_init(&l.response_message, MESSAGE_MAX_BYTES);
    pir_result_init(&l.result);
    enum status st = make_keys(&l, random, err);
    if (st == STATUS_OK)
        st = exchange(&l, keyword, random, err);
    if (st == STATUS_OK)
        st = compare(&l, keyword, value, err);
    if (st == STATUS_OK)
        record(&l, trial);
    pir_result_deinit(&l.result);
    wire_response_free(l.received_response);
    wire_query_free(l.received_query);
    pir_client_query_free(l.query);
    pir_workspace_free(l.workspace);
    bfv_evaluation_key_free(l.key);
    bfv_secret_key_free(l.secret);
    bytes_deinit(&l.key_message);
    bytes_deinit(&l.query_message);
    bytes_deinit(&l.response_message);
    return st;
}
