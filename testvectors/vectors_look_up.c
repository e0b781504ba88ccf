/* One look-up: the query, the server's steps, the response, and what the client reads in it. */
#include "base/mem.h"
#include "pir-server/bfv/bfv_plaintext.h"
#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/pir_answer.h"
#include "pir-server/pir/pir_client.h"
#include "pir-server/wire/wire_query.h"
#include "testvectors/vectors_exchange.h"
#include "testvectors/vectors_kind.h"

#include <math.h>
#include <string.h>

static const struct vectors_member query_members[] = {
    {"keyword", VECTORS_TEXT},
    {"a_seed", VECTORS_HEX},
    {"error_seed", VECTORS_HEX},
};

/* Everything of one look-up. Bytes own, the rest belongs to the objects named. */
struct look_up {
    const struct exchange *exchange;
    struct span keyword;
    uint64_t indices[KEYWORD_HASH_FUNCTIONS_MAX];
    struct bfv_ciphertext ciphertext; /* the query */
    struct bytes query;               /* EncryptedIndices */
    struct bytes response;            /* PIRResponse */
};

/* ---- the query ---- */

/* The query's plaintext, [N] zeroed. For each index a selector in each dimension is set. */
static enum status write_message(struct look_up *look_up, uint32_t *message,
                                 struct vectors_out *out, struct error *err)
{
    const struct exchange *exchange = look_up->exchange;
    const struct pir_layout *layout = &exchange->layout;
    const struct modulus *t = bfv_context_plaintext_modulus(exchange->context);
    json_t *indices = json_array(), *set = json_array();
    uint64_t power = 1;
    while (power < layout->selector_count)
        power *= 2;
    const uint32_t one = modulus_inverse(t, modulus_reduce(t, power));
    enum status st = STATUS_OK;
    keyword_bucket_indices(keyword_hash(look_up->keyword), layout->entry_count, layout->table_count,
                           look_up->indices);
    for (size_t j = 0; j < layout->table_count; j++) {
        const size_t p = (size_t)look_up->indices[j] / layout->entries_per_plaintext;
        const size_t base = j * layout->selectors_per_index;
        message[base + p / layout->dimensions[1]] = one;
        message[base + layout->dimensions[0] + p % layout->dimensions[1]] = one;
    }
    for (size_t j = 0; st == STATUS_OK && j < layout->table_count; j++)
        st = vectors_append(indices, json_integer((json_int_t)look_up->indices[j]), err);
    for (size_t i = 0; st == STATUS_OK && i < layout->selector_count; i++)
        if (message[i] != 0)
            st = vectors_append(set, json_integer((json_int_t)i), err);
    if (st == STATUS_OK) {
        vectors_put(out, "indices", json_incref(indices));
        vectors_put(out, "selectors_set", json_incref(set));
        vectors_put_number(out, "selector_value", one);
    }
    json_decref(indices);
    json_decref(set);
    return st;
}

static enum status read_seeds(const json_t *query, uint8_t ret_a[DRBG_SEED_BYTES],
                              uint8_t ret_error[DRBG_SEED_BYTES], struct error *err)
{
    json_t *pair =
        json_pack("[O,O]", json_object_get(query, "a_seed"), json_object_get(query, "error_seed"));
    if (pair == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for seeds");
    enum status st = exchange_seed_at(pair, 0, ret_a, err);
    if (st == STATUS_OK)
        st = exchange_seed_at(pair, 1, ret_error, err);
    json_decref(pair);
    return st;
}

static enum status make_query(struct look_up *look_up, const json_t *query, struct vectors_out *out,
                              struct error *err)
{
    const struct exchange *exchange = look_up->exchange;
    const struct pir_layout *layout = &exchange->layout;
    uint8_t a_seed[DRBG_SEED_BYTES], error_seed[DRBG_SEED_BYTES];
    struct exchange_noise noise = {.drbg = {.cipher = NULL}};
    struct bytes poly0;
    bytes_init(&poly0, VECTORS_MAX_BYTES);
    uint32_t *message = mem_alloc_zeroed(layout->degree, sizeof *message);
    enum status st = message != NULL ? read_seeds(query, a_seed, error_seed, err)
                                     : error_set(err, STATUS_NOMEM, "no memory for a message");
    if (st == STATUS_OK)
        st = exchange_noise_init(&noise, error_seed, err);
    if (st == STATUS_OK)
        st = write_message(look_up, message, out, err);
    if (st == STATUS_OK)
        st = bfv_ciphertext_init(exchange->context, 2, layout->moduli_count, BFV_COEFFICIENT,
                                 &look_up->ciphertext, err);
    if (st != STATUS_OK)
        goto done;
    const struct random_source random = exchange_noise_source(&noise);
    st = bfv_encrypt(exchange->context, exchange->secret, message, a_seed, &random,
                     &look_up->ciphertext, err);
    if (st != STATUS_OK)
        goto done;
    bfv_poly_write(exchange->context,
                   bfv_ciphertext_poly(exchange->context, &look_up->ciphertext, 0),
                   layout->moduli_count, 0, &poly0);
    st = bytes_status(&poly0, "a query", err);
    if (st != STATUS_OK)
        goto done;
    const struct pir_ciphertext_bytes ciphertext = {
        .kind = PIR_CIPHERTEXT_SEEDED,
        .poly0 = bytes_view(&poly0),
        .seed = span_of(a_seed, sizeof a_seed),
    };
    const struct pir_query sent = {
        .ciphertexts = &ciphertext, .ciphertext_count = 1, .num_pir_calls = layout->table_count};
    st = wire_query_write(&sent, &look_up->query, err);
    if (st == STATUS_OK)
        vectors_put_base64(out, "query", bytes_view(&look_up->query));
done:
    exchange_noise_deinit(&noise);
    bytes_deinit(&poly0);
    mem_free(message);
    return st;
}

/* ---- the steps in the server ---- */

enum { STEP_DIMENSION_0, STEP_PRODUCT, STEP_RELINEARIZED, STEP_SWITCHED, STEP_COUNT };
static const char *const step_names[STEP_COUNT] = {"dimension_0", "product", "relinearized",
                                                   "switched"};

struct steps {
    const struct exchange *exchange;
    struct bfv_workspace *workspace;
    struct bfv_selectors *selectors;
    struct bfv_ciphertext selector;
    struct bfv_ciphertext *columns; /* [D1] */
    struct bfv_ciphertext product;
    struct bfv_lifted *lifted[2];
    json_t *lists[STEP_COUNT]; /* of the table in work */
};

/* Appends the digest of a ciphertext in full form to `list`. */
static enum status add_digest(const struct exchange *exchange,
                              const struct bfv_ciphertext *ciphertext, json_t *list,
                              struct error *err)
{
    struct bytes full;
    bytes_init(&full, VECTORS_MAX_BYTES);
    bfv_ciphertext_write_full(exchange->context, ciphertext, NULL, &full);
    enum status st = bytes_status(&full, "a ciphertext", err);
    if (st == STATUS_OK)
        st = vectors_append(list, vectors_json_sha256(bytes_view(&full)), err);
    bytes_deinit(&full);
    return st;
}

static enum status run_chunk(struct steps *steps, size_t table, size_t chunk, struct error *err)
{
    const struct exchange *exchange = steps->exchange;
    const struct pir_layout *layout = &exchange->layout;
    const size_t first = table * layout->selectors_per_index;
    const struct bfv_plaintext_matrix plaintexts = pir_shard_matrix(exchange->shard, table, chunk);
    struct bfv_ciphertext result;
    json_t *digests = json_array();
    enum status st = STATUS_OK;
    for (size_t c = 0; c < layout->dimensions[1]; c++)
        steps->columns[c].form = BFV_EVALUATION;
    const struct bfv_dot query = {.selectors = steps->selectors, .ret = steps->columns};
    bfv_plaintext_dot(exchange->context, &query, 1, first, &plaintexts, BFV_WHOLE);
    bfv_product_begin(steps->workspace);
    for (size_t c = 0; st == STATUS_OK && c < layout->dimensions[1]; c++) {
        bfv_selectors_get(steps->selectors, first + layout->dimensions[0] + c, &steps->selector);
        bfv_ciphertext_to_form(exchange->context, &steps->columns[c], BFV_COEFFICIENT);
        st = add_digest(exchange, &steps->columns[c], digests, err);
        bfv_lift(steps->workspace, &steps->selector, steps->lifted[0]);
        bfv_lift(steps->workspace, &steps->columns[c], steps->lifted[1]);
        bfv_product_add(steps->workspace, steps->lifted[0], steps->lifted[1]);
    }
    bfv_ciphertext_init_view(steps->product.words, 3, layout->moduli_count, BFV_COEFFICIENT,
                             &result);
    bfv_product_finish(steps->workspace, &result);
    if (st == STATUS_OK)
        st = vectors_append(steps->lists[STEP_DIMENSION_0], json_incref(digests), err);
    if (st == STATUS_OK)
        st = add_digest(exchange, &result, steps->lists[STEP_PRODUCT], err);
    if (st == STATUS_OK)
        st = bfv_relinearize(steps->workspace, exchange->key, &result, err);
    if (st == STATUS_OK)
        st = add_digest(exchange, &result, steps->lists[STEP_RELINEARIZED], err);
    if (st == STATUS_OK) {
        bfv_ciphertext_switch_down(exchange->context, &result, 1);
        st = add_digest(exchange, &result, steps->lists[STEP_SWITCHED], err);
    }
    json_decref(digests);
    return st;
}

static enum status steps_init(struct steps *steps, struct error *err)
{
    const struct exchange *exchange = steps->exchange;
    const struct pir_layout *layout = &exchange->layout;
    enum status st = bfv_workspace_new(exchange->context, &steps->workspace, err);
    if (st == STATUS_OK)
        st = bfv_selectors_new(exchange->context, layout->selector_count, &steps->selectors, err);
    if (st == STATUS_OK)
        st = bfv_ciphertext_init(exchange->context, 3, layout->moduli_count, BFV_COEFFICIENT,
                                 &steps->product, err);
    if (st == STATUS_OK)
        st = bfv_ciphertext_init(exchange->context, 2, layout->moduli_count, BFV_EVALUATION,
                                 &steps->selector, err);
    for (size_t i = 0; st == STATUS_OK && i < ARRAY_COUNT(steps->lifted); i++)
        st = bfv_lifted_new(exchange->context, &steps->lifted[i], err);
    if (st != STATUS_OK)
        return st;
    steps->columns = mem_alloc_zeroed(layout->dimensions[1], sizeof *steps->columns);
    if (steps->columns == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for columns");
    for (size_t c = 0; st == STATUS_OK && c < layout->dimensions[1]; c++)
        st = bfv_ciphertext_init(exchange->context, 2, layout->moduli_count, BFV_EVALUATION,
                                 &steps->columns[c], err);
    return st;
}

static void steps_deinit(struct steps *steps)
{
    for (size_t c = 0; steps->columns != NULL && c < steps->exchange->layout.dimensions[1]; c++)
        bfv_ciphertext_deinit(&steps->columns[c]);
    mem_free(steps->columns);
    bfv_lifted_free(steps->lifted[0]);
    bfv_lifted_free(steps->lifted[1]);
    bfv_ciphertext_deinit(&steps->product);
    bfv_ciphertext_deinit(&steps->selector);
    bfv_selectors_free(steps->selectors);
    bfv_workspace_free(steps->workspace);
}

/* The digests are those of coefficient form. */
static enum status expand(struct steps *steps, const struct look_up *look_up, json_t *digests,
                          struct error *err)
{
    const struct exchange *exchange = look_up->exchange;
    const size_t count = exchange->layout.selector_count;
    enum status st = bfv_expand(steps->workspace, exchange->key, &look_up->ciphertext, count,
                                steps->selectors, 0, BFV_WHOLE, err);
    for (size_t i = 0; st == STATUS_OK && i < count; i++) {
        bfv_selectors_get(steps->selectors, i, &steps->selector);
        bfv_ciphertext_to_form(exchange->context, &steps->selector, BFV_COEFFICIENT);
        st = add_digest(exchange, &steps->selector, digests, err);
    }
    return st;
}

static enum status put_steps(const struct look_up *look_up, struct vectors_out *out,
                             struct error *err)
{
    const struct pir_layout *layout = &look_up->exchange->layout;
    struct steps steps = {.exchange = look_up->exchange};
    struct vectors_out all = {.object = NULL};
    json_t *expanded = json_array(), *tables[STEP_COUNT] = {NULL};
    enum status st = vectors_out_init(&all, err);
    if (st == STATUS_OK)
        st = steps_init(&steps, err);
    if (st == STATUS_OK)
        st = expand(&steps, look_up, expanded, err);
    if (st != STATUS_OK)
        goto done;
    vectors_put(&all, "expanded", json_incref(expanded));
    for (size_t s = 0; s < STEP_COUNT; s++)
        tables[s] = json_array();
    for (size_t table = 0; st == STATUS_OK && table < layout->table_count; table++) {
        for (size_t s = 0; s < STEP_COUNT; s++)
            steps.lists[s] = json_array();
        for (size_t chunk = 0; st == STATUS_OK && chunk < layout->chunk_count; chunk++)
            st = run_chunk(&steps, table, chunk, err);
        for (size_t s = 0; s < STEP_COUNT; s++) {
            if (json_array_append_new(tables[s], steps.lists[s]) != 0 && st == STATUS_OK)
                st = error_set(err, STATUS_NOMEM, "no memory for digests");
        }
    }
    for (size_t s = 0; st == STATUS_OK && s < STEP_COUNT; s++)
        vectors_put(&all, step_names[s], json_incref(tables[s]));
    if (st == STATUS_OK)
        st = vectors_out_check(&all, err);
    if (st == STATUS_OK)
        vectors_put(out, "steps", json_incref(all.object));
done:
    for (size_t s = 0; s < STEP_COUNT; s++)
        json_decref(tables[s]);
    json_decref(expanded);
    steps_deinit(&steps);
    vectors_out_deinit(&all);
    return st;
}

/* ---- the response ---- */

static enum status answer(struct look_up *look_up, struct vectors_out *out, struct error *err)
{
    const struct exchange *exchange = look_up->exchange;
    struct wire_query *query = NULL;
    struct pir_workspace *workspace = NULL;
    struct pir_response response;
    enum status st = wire_query_read(bytes_view(&look_up->query), &query, err);
    if (st == STATUS_OK)
        st = pir_workspace_new(exchange->context, &exchange->layout, &workspace, err);
    if (st == STATUS_OK)
        st = pir_answer(workspace, exchange->shard, exchange->key, wire_query_get(query), &response,
                        err);
    if (st == STATUS_OK)
        st = wire_response_write(&response, &look_up->response, err);
    if (st == STATUS_OK)
        vectors_put_base64(out, "response", bytes_view(&look_up->response));
    pir_workspace_free(workspace);
    wire_query_free(query);
    return st;
}

/* ---- what the client reads ---- */

/* Appends the decrypted payload of one reply, chunk after chunk. */
static enum status decrypt_reply(const struct exchange *exchange, const struct pir_reply *reply,
                                 struct bytes *ret, struct error *err)
{
    const struct pir_layout *layout = &exchange->layout;
    struct bfv_ciphertext ciphertext = {.words = NULL};
    uint32_t *values = mem_alloc(layout->degree, sizeof *values);
    enum status st = values != NULL ? bfv_ciphertext_init(exchange->context, 2, 1, BFV_COEFFICIENT,
                                                          &ciphertext, err)
                                    : error_set(err, STATUS_NOMEM, "no memory for a plaintext");
    for (size_t i = 0; st == STATUS_OK && i < reply->ciphertext_count; i++) {
        const struct pir_ciphertext_bytes *in = &reply->ciphertexts[i];
        ciphertext.form = BFV_COEFFICIENT;
        st = bfv_ciphertext_read_full(exchange->context, in->polys, in->skip_lsbs, in->skip_count,
                                      in->correction_factor, &ciphertext, err);
        if (st == STATUS_OK)
            st = bfv_decrypt(exchange->context, exchange->secret, &ciphertext, values, err);
        if (st != STATUS_OK)
            break;
        uint8_t *space = bytes_append_space(ret, layout->plaintext_bytes);
        st = space != NULL ? bfv_plaintext_decode(exchange->context, values, space, err)
                           : bytes_status(ret, "a decrypted reply", err);
    }
    bfv_ciphertext_deinit(&ciphertext);
    mem_free(values);
    return st;
}

/* The keyword's bucket of each table, without its padding. */
static enum status put_buckets(const struct look_up *look_up, const struct pir_response *response,
                               struct vectors_out *out, struct error *err)
{
    const struct exchange *exchange = look_up->exchange;
    const struct pir_layout *layout = &exchange->layout;
    struct hash_bucket_slot *slots = mem_alloc(HASH_BUCKET_SLOTS_MAX, sizeof *slots);
    json_t *buckets = json_array();
    struct bytes plain;
    bytes_init(&plain, VECTORS_MAX_BYTES);
    enum status st = slots != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "no memory: slots");
    for (size_t j = 0; st == STATUS_OK && j < response->reply_count; j++) {
        size_t count = 0;
        bytes_clear(&plain);
        st = decrypt_reply(exchange, &response->replies[j], &plain, err);
        if (st != STATUS_OK)
            break;
        const size_t at =
            (size_t)look_up->indices[j] % layout->entries_per_plaintext * layout->entry_bytes;
        const struct span bucket = span_part(bytes_view(&plain), at, layout->entry_bytes);
        st = hash_bucket_parse(bucket, slots, &count, err);
        if (st == STATUS_OK)
            st = vectors_append(
                buckets, vectors_json_hex(span_part(bucket, 0, hash_bucket_size(slots, count))),
                err);
    }
    if (st == STATUS_OK)
        vectors_put(out, "buckets", json_incref(buckets));
    json_decref(buckets);
    bytes_deinit(&plain);
    mem_free(slots);
    return st;
}

static enum status read_answer(const struct look_up *look_up, struct vectors_out *out,
                               struct error *err)
{
    const struct exchange *exchange = look_up->exchange;
    struct wire_response *response = NULL;
    struct pir_result result;
    pir_result_init(&result);
    enum status st = wire_response_read(bytes_view(&look_up->response), &response, err);
    if (st == STATUS_OK)
        st = put_buckets(look_up, wire_response_get(response), out, err);
    if (st == STATUS_OK)
        st = pir_client_read_response(exchange->context, &exchange->layout, exchange->secret,
                                      look_up->keyword, wire_response_get(response), &result, err);
    if (st == STATUS_OK) {
        const double budget = floor(100 * result.noise_budget_bits) / 100;
        vectors_put(out, "value",
                    result.found ? vectors_json_hex(bytes_view(&result.value)) : json_null());
        vectors_put(out, "noise_budget_bits", isfinite(budget) ? json_real(budget) : json_null());
    }
    pir_result_deinit(&result);
    wire_response_free(response);
    return st;
}

enum status exchange_look_up(const struct exchange *exchange, const json_t *query,
                             struct vectors_out *out, struct error *err)
{
    struct look_up look_up = {.exchange = exchange};
    bytes_init(&look_up.query, VECTORS_MAX_BYTES);
    bytes_init(&look_up.response, VECTORS_MAX_BYTES);
    enum status st = vectors_check_inputs(query, query_members, ARRAY_COUNT(query_members), err);
    if (st != STATUS_OK)
        goto done;
    look_up.keyword = vectors_text(query, "keyword");
    for (size_t i = 0; i < ARRAY_COUNT(query_members); i++) {
        const char *name = query_members[i].name;
        vectors_put(out, name, json_incref(json_object_get(query, name)));
    }
    st = make_query(&look_up, query, out, err);
    if (st == STATUS_OK)
        st = put_steps(&look_up, out, err);
    if (st == STATUS_OK)
        st = answer(&look_up, out, err);
    if (st == STATUS_OK)
        st = read_answer(&look_up, out, err);
done:
    bfv_ciphertext_deinit(&look_up.ciphertext);
    bytes_deinit(&look_up.response);
    bytes_deinit(&look_up.query);
    return st;
}
