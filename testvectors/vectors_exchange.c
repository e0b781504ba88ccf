/* The shard and the keys of an exchange, from the seeds and buckets of its case. */
#include "testvectors/vectors_exchange.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_plaintext.h"
#include "pir-server/pir/hash_bucket.h"
#include "testvectors/vectors_kind.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXCHANGE_MAX_BUCKETS 64
#define EXCHANGE_MAX_MODULI  4

static const struct vectors_member members[] = {
    {"parameter_set", VECTORS_TEXT},
    {"degree", VECTORS_NUMBER},
    {"plaintext_modulus", VECTORS_NUMBER},
    {"moduli", VECTORS_NUMBERS},
    {"hash_functions", VECTORS_NUMBER},
    {"buckets_per_table", VECTORS_NUMBER},
    {"entry_size", VECTORS_NUMBER},
    {"dimensions", VECTORS_NUMBERS},
    {"rows", VECTORS_ROWS},
    {"tables", VECTORS_TABLES},
    {"secret_key_seed", VECTORS_HEX},
    {"galois_key_seeds", VECTORS_SEED_LISTS},
    {"relinearization_key_seeds", VECTORS_SEED_PAIRS},
    {"queries", VECTORS_QUERIES},
};

/* ---- parameters ---- */

static enum status read_parameters(const json_t *in, struct exchange *exchange, struct error *err)
{
    uint32_t moduli[EXCHANGE_MAX_MODULI], dimensions[2];
    uint64_t functions = 0;
    size_t count = 0, dimension_count = 0;
    struct pir_parameters *p = &exchange->parameters;
    enum status st = vectors_words(vectors_list(in, "moduli"), "moduli", UINT32_MAX, 2,
                                   EXCHANGE_MAX_MODULI, moduli, &count, err);
    if (st == STATUS_OK)
        st = vectors_words(vectors_list(in, "dimensions"), "dimensions", 1u << 16, 2, 2, dimensions,
                           &dimension_count, err);
    if (st == STATUS_OK)
        st = vectors_number_in(in, "hash_functions", 1, EXCHANGE_MAX_TABLES, &functions, err);
    if (st == STATUS_OK)
        st = vectors_number_in(in, "buckets_per_table", 1, EXCHANGE_MAX_BUCKETS, &p->entry_count,
                               err);
    if (st != STATUS_OK)
        return st;
    p->encryption = (struct bfv_parameters){
        .degree = vectors_number(in, "degree"),
        .plaintext_modulus = vectors_number(in, "plaintext_modulus"),
        .moduli_count = count,
        .security_level = BFV_SECURITY_QUANTUM128,
        .he_scheme = BFV_SCHEME_BFV,
    };
    for (size_t i = 0; i < count; i++)
        p->encryption.coefficient_moduli[i] = moduli[i];
    const struct bfv_named_parameters *named =
        bfv_named_parameters_find(json_string_value(json_object_get(in, "parameter_set")));
    if (named == NULL || !bfv_parameters_equal(&named->parameters, &p->encryption))
        return error_set(err, STATUS_INVALID, "parameter_set has other numbers, or is not known");
    p->entry_bytes = vectors_number(in, "entry_size");
    p->dimensions[0] = dimensions[0];
    p->dimensions[1] = dimensions[1];
    p->dimension_count = 2;
    p->has_keyword_parameters = true;
    p->hash_function_count = functions;
    p->has_sharding_function = true;
    p->sharding = (struct sharding){.function = SHARDING_SHA256};
    p->algorithm = PIR_ALGORITHM_MUL_PIR;
    p->batch_size = functions;
    p->evaluation_key.encryption = p->encryption;
    p->evaluation_key.has_relin_key = true;
    pir_galois_elements(p->encryption.degree, functions * ((uint64_t)dimensions[0] + dimensions[1]),
                        PIR_KEY_COMPRESSION_NONE, p->evaluation_key.galois_elements,
                        &p->evaluation_key.galois_element_count);
    st = pir_layout_init(p, 0, &exchange->layout, err);
    if (st == STATUS_OK && exchange->layout.query_ciphertext_count != 1)
        st = error_set(err, STATUS_INVALID, "the query takes more than one ciphertext");
    if (st == STATUS_OK)
        st = bfv_context_new(&p->encryption, 0, NULL, &exchange->context, err);
    return st;
}

/* ---- buckets ---- */

/* How often a row sits in the bucket where a client looks for it. */
static enum status count_row(const struct exchange *exchange, const json_t *tables,
                             const json_t *row, struct hash_bucket_slot *slots, size_t *ret,
                             struct error *err)
{
    uint64_t indices[EXCHANGE_MAX_TABLES];
    const uint64_t hash = keyword_hash(vectors_text_at(row, 0));
    struct bytes value, bucket;
    enum status st;
    bytes_init(&value, VECTORS_MAX_BYTES);
    bytes_init(&bucket, VECTORS_MAX_BYTES);
    keyword_bucket_indices(hash, exchange->layout.entry_count, exchange->layout.table_count,
                           indices);
    *ret = 0;
    st = vectors_hex_at(row, 1, &value, err);
    for (size_t t = 0; st == STATUS_OK && t < exchange->layout.table_count; t++) {
        size_t count = 0;
        bytes_clear(&bucket);
        st = vectors_hex_at(json_array_get(tables, t), (size_t)indices[t], &bucket, err);
        if (st == STATUS_OK)
            st = hash_bucket_parse(bytes_view(&bucket), slots, &count, err);
        for (size_t i = 0; st == STATUS_OK && i < count; i++)
            *ret += slots[i].hash == hash && span_equal(slots[i].value, bytes_view(&value));
    }
    bytes_deinit(&bucket);
    bytes_deinit(&value);
    return st;
}

/* Slots of all buckets together; each bucket fits its entry. */
static enum status count_slots(const struct exchange *exchange, const json_t *tables,
                               struct hash_bucket_slot *slots, size_t *ret, struct error *err)
{
    struct bytes bucket;
    bytes_init(&bucket, VECTORS_MAX_BYTES);
    enum status st = STATUS_OK;
    if (json_array_size(tables) != exchange->layout.table_count)
        st = error_set(err, STATUS_INVALID, "tables are not as many as hash functions");
    *ret = 0;
    for (size_t t = 0; st == STATUS_OK && t < json_array_size(tables); t++) {
        const json_t *table = json_array_get(tables, t);
        if (json_array_size(table) != exchange->layout.entry_count)
            st = error_set(err, STATUS_INVALID, "tables[%zu] has %zu buckets, not %" PRIu64, t,
                           json_array_size(table), exchange->layout.entry_count);
        for (size_t b = 0; st == STATUS_OK && b < json_array_size(table); b++) {
            size_t count = 0;
            bytes_clear(&bucket);
            st = vectors_hex_at(table, b, &bucket, err);
            if (st == STATUS_OK && bucket.size > exchange->layout.entry_bytes)
                st = error_set(err, STATUS_INVALID, "tables[%zu][%zu] is larger than an entry", t,
                               b);
            if (st == STATUS_OK)
                st = hash_bucket_parse(bytes_view(&bucket), slots, &count, err);
            *ret += count;
        }
    }
    bytes_deinit(&bucket);
    return st;
}

/* Every row sits where a client looks for it, once, and nothing else is there. */
static enum status check_tables(const struct exchange *exchange, const json_t *in,
                                struct error *err)
{
    const json_t *tables = vectors_list(in, "tables"), *rows = vectors_list(in, "rows");
    struct hash_bucket_slot *slots = mem_alloc(HASH_BUCKET_SLOTS_MAX, sizeof *slots);
    size_t total = 0;
    if (slots == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for slots");
    enum status st = count_slots(exchange, tables, slots, &total, err);
    if (st == STATUS_OK && total != json_array_size(rows))
        st = error_set(err, STATUS_MISMATCH, "tables: expected %zu slots, got %zu",
                       json_array_size(rows), total);
    for (size_t i = 0; st == STATUS_OK && i < json_array_size(rows); i++) {
        size_t count = 0;
        st = count_row(exchange, tables, json_array_get(rows, i), slots, &count, err);
        if (st == STATUS_OK && count != 1)
            st = error_set(err, STATUS_MISMATCH,
                           "rows[%zu]: expected the row in one of its buckets, got it in %zu", i,
                           count);
    }
    mem_free(slots);
    return st;
}

/* ---- the shard ---- */

struct plaintexts {
    const struct exchange *exchange;
    const json_t *tables;
    struct bytes data; /* of one plaintext, or of one entry when that is longer */
    uint32_t *values;  /* [N] */
};

/* The bytes of `count` padded entries from `first` on. */
static enum status gather(struct plaintexts *source, size_t table, size_t first, size_t count,
                          struct error *err)
{
    const struct pir_layout *layout = &source->exchange->layout;
    const json_t *buckets = json_array_get(source->tables, table);
    enum status st = STATUS_OK;
    bytes_clear(&source->data);
    for (size_t i = first; st == STATUS_OK && i < first + count && i < layout->entry_count; i++) {
        const size_t end = (i - first + 1) * layout->entry_bytes;
        st = vectors_hex_at(buckets, i, &source->data, err);
        while (st == STATUS_OK && source->data.size < end) {
            bytes_append_u8(&source->data, 0);
            st = bytes_status(&source->data, "an entry", err);
        }
    }
    return st;
}

/* struct pir_plaintext_source: stored positions go table, chunk, column, row. */
static enum status next_plaintext(void *context, size_t position, uint32_t *ret, bool *ret_is_nil,
                                  struct error *err)
{
    struct plaintexts *source = context;
    const struct pir_layout *layout = &source->exchange->layout;
    const size_t block = layout->block_plaintext_count;
    const size_t table = position / block / layout->chunk_count;
    const size_t chunk = position / block % layout->chunk_count;
    const size_t row = position % block % layout->dimensions[0];
    const size_t column = position % block / layout->dimensions[0];
    const size_t p = row * layout->dimensions[1] + column;
    *ret_is_nil = true;
    if (p >= layout->used_plaintext_count)
        return STATUS_OK;
    enum status st = gather(source, table, p * layout->entries_per_plaintext,
                            layout->entries_per_plaintext, err);
    if (st != STATUS_OK)
        return st;
    struct span bytes = bytes_view(&source->data);
    if (layout->chunk_count > 1) {
        const size_t at = chunk * layout->plaintext_bytes;
        const size_t left = bytes.size - at;
        bytes =
            span_part(bytes, at, left < layout->plaintext_bytes ? left : layout->plaintext_bytes);
    }
    for (size_t i = 0; i < bytes.size; i++)
        *ret_is_nil = *ret_is_nil && bytes.data[i] == 0;
    if (*ret_is_nil)
        return STATUS_OK;
    st = bfv_plaintext_encode(source->exchange->context, bytes, source->values, err);
    if (st == STATUS_OK)
        bfv_plaintext_lift(source->exchange->context, source->values, ret);
    return st;
}

static enum status build_shard(const json_t *in, struct exchange *exchange, struct error *err)
{
    struct plaintexts plaintexts = {.exchange = exchange, .tables = vectors_list(in, "tables")};
    const struct pir_plaintext_source source = {.context = &plaintexts, .next = next_plaintext};
    const struct cpu cpu = cpu_detect();
    bytes_init(&plaintexts.data, VECTORS_MAX_BYTES);
    plaintexts.values = mem_alloc(exchange->layout.degree, sizeof *plaintexts.values);
    const enum status st =
        plaintexts.values != NULL
            ? pir_shard_build(&exchange->parameters, 0, sha256_many_kernel_for(&cpu), &source,
                              &exchange->shard, err)
            : error_set(err, STATUS_NOMEM, "no memory for a plaintext");
    mem_free(plaintexts.values);
    bytes_deinit(&plaintexts.data);
    return st;
}

/* Size and digest of the shard as the reference's file (spec/keyword-pir.md section 5.1). */
static enum status put_database(const struct exchange *exchange, struct vectors_out *out,
                                struct error *err)
{
    const struct pir_layout *layout = &exchange->layout;
    uint32_t *poly = poly_alloc(layout->degree, layout->moduli_count);
    struct bytes file;
    bytes_init(&file, VECTORS_MAX_BYTES);
    bytes_append_u8(&file, 1);
    bytes_append_u32le(&file, (uint32_t)layout->plaintext_count);
    for (size_t i = 0; poly != NULL && i < layout->plaintext_count; i++) {
        const bool is_there = pir_shard_plaintext(exchange->shard, i, poly);
        bytes_append_u8(&file, is_there ? 1 : 0);
        if (is_there)
            bfv_poly_write(exchange->context, poly, layout->moduli_count, 0, &file);
    }
    const enum status st = poly != NULL ? bytes_status(&file, "a processed shard", err)
                                        : error_set(err, STATUS_NOMEM, "no memory for a row");
    if (st == STATUS_OK) {
        vectors_put_number(out, "database_size", file.size);
        vectors_put(out, "database_sha256", vectors_json_sha256(bytes_view(&file)));
    }
    bytes_deinit(&file);
    mem_free(poly);
    return st;
}

/* ---- the case ---- */

static enum status look_up_all(const struct exchange *exchange, const json_t *queries,
                               struct vectors_out *out, struct error *err)
{
    json_t *answers = json_array();
    enum status st =
        answers != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "no memory for answers");
    for (size_t i = 0; st == STATUS_OK && i < json_array_size(queries); i++) {
        struct vectors_out answer = {.object = NULL};
        st = vectors_out_init(&answer, err);
        if (st == STATUS_OK)
            st = exchange_look_up(exchange, json_array_get(queries, i), &answer, err);
        if (st == STATUS_OK)
            st = vectors_out_check(&answer, err);
        if (st == STATUS_OK)
            st = vectors_append(answers, json_incref(answer.object), err);
        else
            st = error_prefix(err, st, "queries[%zu]", i);
        vectors_out_deinit(&answer);
    }
    if (st == STATUS_OK)
        vectors_put(out, "queries", json_incref(answers));
    json_decref(answers);
    return st;
}

static enum status compute_exchange(const json_t *in, struct vectors_out *out, struct error *err)
{
    struct exchange exchange = {.context = NULL};
    enum status st = read_parameters(in, &exchange, err);
    if (st == STATUS_OK)
        st = check_tables(&exchange, in, err);
    if (st == STATUS_OK)
        st = build_shard(in, &exchange, err);
    if (st != STATUS_OK)
        goto done;
    vectors_put_words(out, "galois_elements", exchange.parameters.evaluation_key.galois_elements,
                      exchange.parameters.evaluation_key.galois_element_count);
    st = put_database(&exchange, out, err);
    if (st == STATUS_OK)
        st = exchange_make_secret(&exchange, in, out, err);
    if (st == STATUS_OK)
        st = exchange_make_keys(&exchange, in, out, err);
    if (st == STATUS_OK)
        st = look_up_all(&exchange, vectors_list(in, "queries"), out, err);
done:
    bfv_evaluation_key_free(exchange.key);
    bfv_secret_key_free(exchange.secret);
    pir_shard_free(exchange.shard);
    bfv_context_free(exchange.context);
    return st;
}

static const struct vectors_kind kinds[] = {
    {"exchange.json", NULL, members, ARRAY_COUNT(members), compute_exchange, NULL,
     exchange_list_inputs},
};

const struct vectors_kind *vectors_kinds_exchange(size_t *count)
{
    *count = ARRAY_COUNT(kinds);
    return kinds;
}
