#include "pir-server/pir/pir_client.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_plaintext.h"
#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/keyword_hash.h"

#include <math.h>

struct pir_client_query {
    struct pir_query message;
    struct pir_ciphertext_bytes *ciphertexts; /* [count], views of `seeded` */
    struct bfv_seeded *seeded;                /* [count] */
    size_t count;
};

/* (2^log)^-1 mod t, t odd. */
static uint32_t inverse_power_of_two(unsigned log, uint64_t t)
{
    const uint64_t half = (t + 1) / 2;
    uint64_t inverse = 1 % t;
    for (unsigned i = 0; i < log; i++)
        inverse = inverse * half % t;
    return (uint32_t)inverse;
}

static unsigned ceil_log2(size_t value)
{
    unsigned log = 0;
    while (((size_t)1 << log) < value)
        log++;
    return log;
}

/* All ones when a == b, else zero, without a branch. */
static uint32_t equal_mask(uint64_t a, uint64_t b)
{
    const uint64_t difference = a ^ b;
    return (uint32_t)((difference | (0 - difference)) >> 63) - 1;
}

/* Positions of the selectors that are one: one per index and dimension.
 *   ret  [2 * KEYWORD_HASH_FUNCTIONS_MAX]; returns how many */
static size_t selector_positions(const struct pir_layout *layout, struct span keyword,
                                 uint64_t *ret)
{
    uint64_t indices[KEYWORD_HASH_FUNCTIONS_MAX];
    size_t count = 0;
    keyword_bucket_indices(keyword_hash(keyword), layout->entry_count, layout->table_count,
                           indices);
    for (size_t j = 0; j < layout->table_count; j++) {
        const uint64_t p = indices[j] / layout->entries_per_plaintext;
        const uint64_t first = (uint64_t)j * layout->selectors_per_index;
        ret[count++] = first + p / layout->dimensions[1];
        if (layout->dimension_count > 1)
            ret[count++] = first + layout->dimensions[0] + p % layout->dimensions[1];
    }
    mem_wipe(indices, sizeof indices);
    return count;
}

static void view_seeded(const struct bfv_seeded *seeded, struct pir_ciphertext_bytes *ret)
{
    *ret = (struct pir_ciphertext_bytes){.kind = PIR_CIPHERTEXT_SEEDED,
                                         .poly0 = bytes_view(&seeded->poly0),
                                         .seed = span_of(seeded->seed, sizeof seeded->seed)};
}

/* Encrypts all blocks of selectors into query->seeded. */
static enum status encrypt_blocks(const struct bfv_context *context,
                                  const struct pir_layout *layout,
                                  const struct bfv_secret_key *secret, struct span keyword,
                                  const struct random_source *random,
                                  struct pir_client_query *query, struct error *err)
{
    const uint64_t t = bfv_context_parameters(context)->plaintext_modulus;
    uint64_t positions[2 * KEYWORD_HASH_FUNCTIONS_MAX];
    enum status st = STATUS_OK;
    uint32_t *coefficients =
        mem_alloc_aligned(MEM_ROW_ALIGNMENT, layout->degree, sizeof *coefficients);
    if (coefficients == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for a query");
    const size_t ones = selector_positions(layout, keyword, positions);

    for (size_t block = 0; block < query->count && st == STATUS_OK; block++) {
        const size_t first = block * layout->degree;
        const size_t left = layout->selector_count - first;
        const size_t length = left < layout->degree ? left : layout->degree;
        const uint32_t one = inverse_power_of_two(ceil_log2(length), t);
        /* Every coefficient compares with every position: the positions are secret. */
        for (size_t i = 0; i < layout->degree; i++) {
            uint32_t mask = 0;
            for (size_t k = 0; k < ones; k++)
                mask |= equal_mask(positions[k], first + i);
            coefficients[i] = one & mask;
        }
        st = bfv_encrypt_seeded(context, secret, coefficients, random, &query->seeded[block], err);
        view_seeded(&query->seeded[block], &query->ciphertexts[block]);
    }
    mem_wipe(positions, sizeof positions);
    mem_free_secret(coefficients, layout->degree * sizeof *coefficients);
    return st;
}

enum status pir_client_query_new(const struct bfv_context *context, const struct pir_layout *layout,
                                 const struct bfv_secret_key *secret, struct span keyword,
                                 const struct random_source *random, struct pir_client_query **ret,
                                 struct error *err)
{
    enum status st = STATUS_OK;
    struct pir_client_query *query = mem_alloc_zeroed(1, sizeof *query);
    if (query != NULL) {
        const size_t count = layout->query_ciphertext_count;
        query->ciphertexts = mem_alloc_zeroed(count, sizeof *query->ciphertexts);
        query->seeded = mem_alloc_zeroed(count, sizeof *query->seeded);
        if (query->seeded != NULL) {
            query->count = count;
            for (size_t i = 0; i < count; i++)
                bfv_seeded_init(&query->seeded[i]);
        }
    }
    if (query == NULL || query->ciphertexts == NULL || query->seeded == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for a query");
        goto done;
    }
    st = encrypt_blocks(context, layout, secret, keyword, random, query, err);
    if (st != STATUS_OK)
        goto done;
    query->message = (struct pir_query){.ciphertexts = query->ciphertexts,
                                        .ciphertext_count = query->count,
                                        .num_pir_calls = layout->table_count};
    *ret = query;
    query = NULL;
done:
    pir_client_query_free(query);
    return st;
}

void pir_client_query_free(struct pir_client_query *query)
{
    if (query == NULL)
        return;
    for (size_t i = 0; i < query->count; i++)
        bfv_seeded_deinit(&query->seeded[i]);
    mem_free(query->seeded);
    mem_free(query->ciphertexts);
    mem_free(query);
}

const struct pir_query *pir_client_query_message(const struct pir_client_query *query)
{
    return &query->message;
}

/* ---- the response ---- */

void pir_result_init(struct pir_result *result)
{
    result->found = false;
    result->noise_budget_bits = 0;
    bytes_init(&result->value, HASH_BUCKET_VALUE_MAX);
}

void pir_result_deinit(struct pir_result *result)
{
    bytes_deinit_secret(&result->value);
}

/* Scratch for decrypting the chunks of one reply. */
struct opened_reply {
    struct bfv_ciphertext ciphertext;
    uint32_t *coefficients; /* [N] */
    uint8_t *bytes;         /* [chunks][plaintext_bytes] */
    double noise_budget_bits;
};

static enum status open_reply(const struct bfv_context *context, const struct pir_layout *layout,
                              const struct bfv_secret_key *secret, const struct pir_reply *reply,
                              struct opened_reply *opened, struct error *err)
{
    if (reply->ciphertext_count != layout->chunk_count)
        return error_set(err, STATUS_MALFORMED, "%zu ciphertexts, an entry has %zu",
                         reply->ciphertext_count, layout->chunk_count);
    for (size_t chunk = 0; chunk < layout->chunk_count; chunk++) {
        const struct pir_ciphertext_bytes *in = &reply->ciphertexts[chunk];
        double budget;
        if (in->kind != PIR_CIPHERTEXT_FULL)
            return error_set(err, STATUS_MALFORMED, "ciphertext %zu is not a full one", chunk);
        enum status st = bfv_ciphertext_read_full(context, in->polys, in->skip_lsbs, in->skip_count,
                                                  in->correction_factor, &opened->ciphertext, err);
        if (st == STATUS_OK)
            st = bfv_noise_budget_vartime(context, secret, &opened->ciphertext, &budget, err);
        if (st == STATUS_OK)
            st = bfv_decrypt(context, secret, &opened->ciphertext, opened->coefficients, err);
        if (st == STATUS_OK)
            st = bfv_plaintext_decode(context, opened->coefficients,
                                      opened->bytes + chunk * layout->plaintext_bytes, err);
        if (st != STATUS_OK)
            return error_prefix(err, st, "ciphertext %zu", chunk);
        if (budget < opened->noise_budget_bits)
            opened->noise_budget_bits = budget;
    }
    return STATUS_OK;
}

/* All replies are opened and all buckets parsed, then the first table with the keyword wins. */
static enum status read_replies(const struct bfv_context *context, const struct pir_layout *layout,
                                const struct bfv_secret_key *secret, struct span keyword,
                                const struct pir_response *response, struct opened_reply *opened,
                                struct bytes *value, bool *ret_found, struct error *err)
{
    uint64_t indices[KEYWORD_HASH_FUNCTIONS_MAX];
    const uint64_t hash = keyword_hash(keyword);
    keyword_bucket_indices(hash, layout->entry_count, layout->table_count, indices);
    *ret_found = false;
    for (size_t j = 0; j < layout->table_count; j++) {
        bool here = false;
        struct span here_value = {0};
        enum status st = open_reply(context, layout, secret, &response->replies[j], opened, err);
        if (st == STATUS_OK) {
            const size_t at =
                (size_t)(indices[j] % layout->entries_per_plaintext) * layout->entry_bytes;
            st = hash_bucket_find(span_of(opened->bytes + at, layout->entry_bytes), hash, &here,
                                  &here_value, err);
        }
        if (st != STATUS_OK)
            return error_prefix(err, st, "reply %zu", j);
        if (here && !*ret_found) {
            bytes_append(value, here_value);
            *ret_found = true;
        }
    }
    return bytes_status(value, "value", err);
}

enum status pir_client_read_response(const struct bfv_context *context,
                                     const struct pir_layout *layout,
                                     const struct bfv_secret_key *secret, struct span keyword,
                                     const struct pir_response *response, struct pir_result *ret,
                                     struct error *err)
{
    const size_t bytes_size = layout->chunk_count * layout->plaintext_bytes;
    struct opened_reply opened = {.noise_budget_bits = INFINITY};
    struct bytes value;
    bool found = false;

    bytes_init(&value, HASH_BUCKET_VALUE_MAX);
    enum status st = STATUS_OK;
    if (response->reply_count != layout->table_count) {
        st = error_set(err, STATUS_MALFORMED, "%zu replies, the query had %zu indices",
                       response->reply_count, layout->table_count);
        goto done;
    }
    st = bfv_ciphertext_init(context, 2, 1, BFV_COEFFICIENT, &opened.ciphertext, err);
    if (st != STATUS_OK)
        goto done;
    opened.coefficients =
        mem_alloc_aligned(MEM_ROW_ALIGNMENT, layout->degree, sizeof *opened.coefficients);
    opened.bytes = mem_alloc(bytes_size, 1);
    bytes_reserve(&value, HASH_BUCKET_VALUE_MAX);
    if (opened.coefficients == NULL || opened.bytes == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory to read a response");
        goto done;
    }
    st = read_replies(context, layout, secret, keyword, response, &opened, &value, &found, err);
    if (st != STATUS_OK)
        goto done;
    ret->found = found;
    ret->noise_budget_bits = opened.noise_budget_bits;
    bytes_deinit_secret(&ret->value);
    ret->value = value;
    bytes_init(&value, 0);
done:
    bytes_deinit_secret(&value);
    bfv_ciphertext_deinit(&opened.ciphertext);
    if (opened.coefficients != NULL)
        mem_free_secret(opened.coefficients, layout->degree * sizeof *opened.coefficients);
    if (opened.bytes != NULL)
        mem_free_secret(opened.bytes, bytes_size);
    return st;
}
