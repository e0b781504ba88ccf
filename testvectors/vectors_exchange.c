/* The shard and the keys of an exchange, from the seeds and buckets of its case. */
#include "testvectors/vectors_exchange.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_plaintext.h"
#include "pir-server/pir/hash_bucket.h"
#include "pir-server/wire/wire_keys.h"
#include "testvectors/vectors_kind.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXCHANGE_MAX_TABLES  4
#define EXCHANGE_MAX_BUCKETS 64
#define EXCHANGE_MAX_MODULI  4
#define EXCHANGE_SET         "n_4096_logq_27_28_28_logt_5"

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

/* ---- seeds ---- */

enum status exchange_noise_init(struct exchange_noise *noise, const uint8_t seed[DRBG_SEED_BYTES],
                                struct error *err)
{
    *noise = (struct exchange_noise){.drbg = {.cipher = NULL}};
    return drbg_init(&noise->drbg, seed, err);
}

void exchange_noise_deinit(struct exchange_noise *noise)
{
    drbg_deinit(&noise->drbg);
}

struct random_source exchange_noise_source(struct exchange_noise *noise)
{
    return drbg_source(&noise->drbg);
}

static enum status copy_seed(struct bytes *bytes, uint8_t ret[DRBG_SEED_BYTES], struct error *err)
{
    if (bytes->size != DRBG_SEED_BYTES)
        return error_set(err, STATUS_INVALID, "a seed has %zu bytes, not %d", bytes->size,
                         DRBG_SEED_BYTES);
    memcpy(ret, bytes->data, DRBG_SEED_BYTES);
    return STATUS_OK;
}

enum status exchange_seed_at(const json_t *list, size_t index, uint8_t ret[DRBG_SEED_BYTES],
                             struct error *err)
{
    struct bytes bytes;
    bytes_init(&bytes, VECTORS_MAX_BYTES);
    enum status st = vectors_hex_at(list, index, &bytes, err);
    if (st == STATUS_OK)
        st = copy_seed(&bytes, ret, err);
    bytes_deinit(&bytes);
    return st;
}

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
        st = bfv_context_new(&p->encryption, 0, "ref", &exchange->context, err);
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
    bytes_init(&plaintexts.data, VECTORS_MAX_BYTES);
    plaintexts.values = mem_alloc(exchange->layout.degree, sizeof *plaintexts.values);
    const enum status st =
        plaintexts.values != NULL
            ? pir_shard_build(&exchange->parameters, 0, &source, &exchange->shard, err)
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

/* ---- keys ---- */

static enum status make_secret(const json_t *in, struct exchange *exchange, struct vectors_out *out,
                               struct error *err)
{
    uint8_t seed[DRBG_SEED_BYTES];
    struct exchange_noise noise = {.drbg = {.cipher = NULL}};
    struct bytes bytes;
    bytes_init(&bytes, VECTORS_MAX_BYTES);
    enum status st = vectors_hex(in, "secret_key_seed", &bytes, err);
    if (st == STATUS_OK)
        st = copy_seed(&bytes, seed, err);
    if (st == STATUS_OK)
        st = exchange_noise_init(&noise, seed, err);
    if (st != STATUS_OK)
        goto done;
    const struct random_source random = exchange_noise_source(&noise);
    st = bfv_secret_key_new(exchange->context, &random, &exchange->secret, err);
    if (st != STATUS_OK)
        goto done;
    bytes_clear(&bytes);
    bfv_secret_key_write(exchange->secret, &bytes);
    st = bytes_status(&bytes, "a secret key", err);
    if (st == STATUS_OK)
        vectors_put(out, "secret_key_sha256", vectors_json_sha256(bytes_view(&bytes)));
done:
    exchange_noise_deinit(&noise);
    bytes_deinit_secret(&bytes);
    return st;
}

static void put_varint(struct bytes *ret, uint64_t value)
{
    for (; value > 127; value >>= 7)
        bytes_append_u8(ret, (uint8_t)(value | 128));
    bytes_append_u8(ret, (uint8_t)value);
}

/* A length-delimited Protobuf field. The messages are put together here, not by wire/, because the
 * map of Galois keys must come in a fixed order. */
static void put_field(struct bytes *ret, unsigned number, struct span content)
{
    put_varint(ret, number << 3 | 2);
    put_varint(ret, content.size);
    bytes_append(ret, content);
}

/* Makes component j, appends its SerializedCiphertext as field 1 to `ret`, and the digest of its
 * first polynomial to `digests`. element 0 stands for the relinearization key. */
static enum status add_component(const struct exchange *exchange, uint32_t element, size_t j,
                                 const json_t *pair, struct bytes *ret, json_t *digests,
                                 struct error *err)
{
    uint8_t a_seed[DRBG_SEED_BYTES], error_seed[DRBG_SEED_BYTES];
    const size_t moduli = exchange->layout.moduli_count + 1;
    struct exchange_noise noise = {.drbg = {.cipher = NULL}};
    struct bfv_ciphertext component = {.words = NULL};
    struct bytes poly0, seeded, outer;
    bytes_init(&poly0, VECTORS_MAX_BYTES);
    bytes_init(&seeded, VECTORS_MAX_BYTES);
    bytes_init(&outer, VECTORS_MAX_BYTES);
    enum status st = exchange_seed_at(pair, 0, a_seed, err);
    if (st == STATUS_OK)
        st = exchange_seed_at(pair, 1, error_seed, err);
    if (st == STATUS_OK)
        st = exchange_noise_init(&noise, error_seed, err);
    if (st == STATUS_OK)
        st = bfv_ciphertext_init(exchange->context, 2, moduli, BFV_EVALUATION, &component, err);
    if (st != STATUS_OK)
        goto done;
    const struct random_source random = exchange_noise_source(&noise);
    st = element != 0 ? bfv_galois_key_component(exchange->context, exchange->secret, element, j,
                                                 a_seed, &random, &component, err)
                      : bfv_relin_key_component(exchange->context, exchange->secret, j, a_seed,
                                                &random, &component, err);
    if (st != STATUS_OK)
        goto done;
    bfv_poly_write(exchange->context, bfv_ciphertext_poly(exchange->context, &component, 0), moduli,
                   0, &poly0);
    put_field(&seeded, 1, bytes_view(&poly0));
    put_field(&seeded, 2, span_of(a_seed, sizeof a_seed));
    put_field(&outer, 1, bytes_view(&seeded)); /* oneof: seeded */
    put_field(ret, 1, bytes_view(&outer));
    st = bytes_status(&poly0, "a key component", err);
    if (st == STATUS_OK)
        st = bytes_status(&seeded, "a key component", err);
    if (st == STATUS_OK)
        st = bytes_status(&outer, "a key component", err);
    if (st == STATUS_OK)
        st = bytes_status(ret, "a key", err);
    if (st == STATUS_OK)
        st = vectors_append(digests, vectors_json_sha256(bytes_view(&poly0)), err);
done:
    bfv_ciphertext_deinit(&component);
    exchange_noise_deinit(&noise);
    bytes_deinit(&outer);
    bytes_deinit(&seeded);
    bytes_deinit(&poly0);
    return st;
}

/* Appends a SerializedKeySwitchKey as field `number` to `ret`. */
static enum status add_switch_key(const struct exchange *exchange, uint32_t element,
                                  const json_t *pairs, unsigned number, struct bytes *ret,
                                  json_t *digests, struct error *err)
{
    struct bytes components, key;
    bytes_init(&components, VECTORS_MAX_BYTES);
    bytes_init(&key, VECTORS_MAX_BYTES);
    enum status st = STATUS_OK;
    if (json_array_size(pairs) != exchange->layout.moduli_count)
        st = error_set(err, STATUS_INVALID, "a key has %zu pairs of seeds, not %zu",
                       json_array_size(pairs), exchange->layout.moduli_count);
    for (size_t j = 0; st == STATUS_OK && j < json_array_size(pairs); j++)
        st = add_component(exchange, element, j, json_array_get(pairs, j), &components, digests,
                           err);
    if (st == STATUS_OK)
        st = bytes_status(&components, "key components", err);
    if (st == STATUS_OK) {
        put_field(&key, 1, bytes_view(&components));
        put_field(ret, number, bytes_view(&key));
        st = bytes_status(&key, "a key", err);
    }
    if (st == STATUS_OK)
        st = bytes_status(ret, "a key", err);
    bytes_deinit(&key);
    bytes_deinit(&components);
    return st;
}

/* Makes all keys, reads the message back as a server would. */
static enum status make_keys(const json_t *in, struct exchange *exchange, struct vectors_out *out,
                             struct error *err)
{
    const json_t *lists = vectors_list(in, "galois_key_seeds");
    const struct pir_evaluation_key_config *config = &exchange->parameters.evaluation_key;
    json_t *digests = json_array();
    struct bytes entry, galois, message;
    bytes_init(&entry, VECTORS_MAX_BYTES);
    bytes_init(&galois, VECTORS_MAX_BYTES);
    bytes_init(&message, VECTORS_MAX_BYTES);
    enum status st =
        digests != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "no memory for digests");
    if (st == STATUS_OK && json_array_size(lists) != config->galois_element_count)
        st = error_set(err, STATUS_INVALID, "galois_key_seeds are for %zu elements, not %zu",
                       json_array_size(lists), config->galois_element_count);
    for (size_t i = 0; st == STATUS_OK && i < config->galois_element_count; i++) {
        const uint32_t element = config->galois_elements[i];
        bytes_clear(&entry);
        put_varint(&entry, 1 << 3); /* key of the map: a number */
        put_varint(&entry, element);
        st = add_switch_key(exchange, element, json_array_get(lists, i), 2, &entry, digests, err);
        if (st == STATUS_OK)
            put_field(&galois, 1, bytes_view(&entry));
    }
    if (st == STATUS_OK)
        st = bytes_status(&galois, "the Galois keys", err);
    if (st != STATUS_OK)
        goto done;
    put_field(&message, 1, bytes_view(&galois));
    bytes_clear(&entry);
    st = add_switch_key(exchange, 0, vectors_list(in, "relinearization_key_seeds"), 1, &entry,
                        digests, err);
    if (st != STATUS_OK)
        goto done;
    put_field(&message, 2, bytes_view(&entry));
    st = bytes_status(&message, "an evaluation key", err);
    if (st == STATUS_OK)
        st = wire_evaluation_key_read(exchange->context, config, bytes_view(&message),
                                      &exchange->key, err);
    if (st != STATUS_OK)
        goto done;
    vectors_put(out, "key_components_sha256", json_incref(digests));
    vectors_put_number(out, "evaluation_key_size", message.size);
    vectors_put(out, "evaluation_key_sha256", vectors_json_sha256(bytes_view(&message)));
done:
    json_decref(digests);
    bytes_deinit(&message);
    bytes_deinit(&galois);
    bytes_deinit(&entry);
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
        st = make_secret(in, &exchange, out, err);
    if (st == STATUS_OK)
        st = make_keys(in, &exchange, out, err);
    if (st == STATUS_OK)
        st = look_up_all(&exchange, vectors_list(in, "queries"), out, err);
done:
    bfv_evaluation_key_free(exchange.key);
    bfv_secret_key_free(exchange.secret);
    pir_shard_free(exchange.shard);
    bfv_context_free(exchange.context);
    return st;
}

/* ---- inputs ---- */

/* Seeds are digests of what they are for. */
static json_t *seed_for(const char *label, unsigned a, unsigned b, const char *use)
{
    char text[128];
    const int size =
        snprintf(text, sizeof text, "blindlist test vectors, %s %u.%u, %s", label, a, b, use);
    return vectors_json_sha256(span_of(text, (size_t)size));
}

static json_t *seed_pairs(const char *label, unsigned number)
{
    json_t *pairs = json_array();
    for (unsigned j = 0; pairs != NULL && j < 2; j++) {
        if (json_array_append_new(pairs, json_pack("[o,o]", seed_for(label, number, j, "a"),
                                                   seed_for(label, number, j, "error"))) != 0) {
            json_decref(pairs);
            pairs = NULL;
        }
    }
    return pairs;
}

static const struct exchange_row {
    const char *keyword, *value; /* value in hex */
} input_rows[] = {
    {"www.apple.com/url-filter-test", "31"},
    {"example.com", "31"},
    {"bad.example.net/path", "31"},
    {"bad.example.net/path/to?id=123", "31"},
    {"xn--bcher-kva.example", "31"},
    {"192.0.2.1", "31"},
    {"[2001:db8::1]", "31"},
    {"ads.example.org", "31"},
    {"tracker.example.org:8443", "31"},
    {"a.example", "31"},
    {"with.a.longer.value.example", "76616c75652077697468206d616e79206279746573ff00fe01"},
    {"with.an.empty.value.example", ""},
};

struct exchange_shape {
    const char *note;
    unsigned functions, buckets, entry_size;
    const char *keywords[3]; /* queries; NULL at the end */
};

static const struct exchange_shape shapes[] = {
    {"one hash function, a bucket a plaintext", 1, 2, 2048, {"www.apple.com/url-filter-test"}},
    {"two hash functions, two buckets a plaintext; a hit and a miss",
     2,
     3,
     1024,
     {"with.a.longer.value.example", "absent.example"}},
};

/* Row i goes to table i mod functions: all fit, so nothing is evicted. */
static json_t *tables_of(const struct exchange_shape *shape)
{
    json_t *tables = json_array();
    bool failed = tables == NULL;
    struct bytes bucket, slots;
    bytes_init(&bucket, VECTORS_MAX_BYTES);
    bytes_init(&slots, VECTORS_MAX_BYTES);
    for (unsigned t = 0; !failed && t < shape->functions; t++) {
        json_t *table = json_array();
        for (unsigned b = 0; !failed && b < shape->buckets; b++) {
            uint8_t count = 0;
            bytes_clear(&slots);
            bytes_clear(&bucket);
            for (size_t i = t; i < ARRAY_COUNT(input_rows); i += shape->functions) {
                uint64_t indices[EXCHANGE_MAX_TABLES];
                const uint64_t hash = keyword_hash(span_of_text(input_rows[i].keyword));
                keyword_bucket_indices(hash, shape->buckets, shape->functions, indices);
                if (indices[t] != b)
                    continue;
                json_t *value = json_pack("{s:s}", "value", input_rows[i].value);
                bytes_append_u64le(&slots, hash);
                bytes_append_u16le(&slots, (uint16_t)(strlen(input_rows[i].value) / 2));
                failed = failed || value == NULL ||
                         vectors_hex(value, "value", &slots, NULL) != STATUS_OK;
                json_decref(value);
                count++;
            }
            bytes_append_u8(&bucket, count);
            bytes_append(&bucket, bytes_view(&slots));
            failed = failed || bucket.status != STATUS_OK ||
                     json_array_append_new(table, vectors_json_hex(bytes_view(&bucket))) != 0;
        }
        failed = json_array_append_new(tables, table) != 0 || failed;
    }
    bytes_deinit(&slots);
    bytes_deinit(&bucket);
    if (!failed)
        return tables;
    json_decref(tables);
    return NULL;
}

static enum status list_exchanges(json_t *ret, struct error *err)
{
    const struct bfv_parameters *set = &bfv_named_parameters_find(EXCHANGE_SET)->parameters;
    enum status st = STATUS_OK;
    for (unsigned c = 0; st == STATUS_OK && c < ARRAY_COUNT(shapes); c++) {
        const struct exchange_shape *shape = &shapes[c];
        uint64_t dimensions[PIR_DIMENSIONS_MAX];
        uint32_t elements[PIR_GALOIS_ELEMENTS_MAX];
        size_t element_count = 0;
        json_t *rows = json_array(), *keys = json_array(), *queries = json_array();
        pir_dimensions(
            pir_plaintexts_needed(shape->buckets, shape->entry_size, bfv_bytes_per_plaintext(set)),
            shape->functions, true, dimensions);
        pir_galois_elements(set->degree, shape->functions * (dimensions[0] + dimensions[1]),
                            PIR_KEY_COMPRESSION_NONE, elements, &element_count);
        for (size_t i = 0; st == STATUS_OK && i < ARRAY_COUNT(input_rows); i++)
            st = vectors_append(
                rows, json_pack("[s,s]", input_rows[i].keyword, input_rows[i].value), err);
        for (size_t i = 0; st == STATUS_OK && i < element_count; i++) {
            char label[32];
            snprintf(label, sizeof label, "Galois key %" PRIu32, elements[i]);
            st = vectors_append(keys, seed_pairs(label, c), err);
        }
        for (unsigned i = 0; st == STATUS_OK && shape->keywords[i] != NULL; i++)
            st = vectors_append(queries,
                                json_pack("{s:s, s:o, s:o}", "keyword", shape->keywords[i],
                                          "a_seed", seed_for("query", c, i, "a"), "error_seed",
                                          seed_for("query", c, i, "error")),
                                err);
        if (st == STATUS_OK)
            st = vectors_append(
                ret,
                json_pack(
                    "{s:s, s:s, s:I, s:I, s:[I,I,I], s:i, s:i, s:i, s:[I,I], s:O, s:o, s:o, s:O, "
                    "s:o, s:O}",
                    "note", shape->note, "parameter_set", EXCHANGE_SET, "degree",
                    (json_int_t)set->degree, "plaintext_modulus",
                    (json_int_t)set->plaintext_modulus, "moduli",
                    (json_int_t)set->coefficient_moduli[0], (json_int_t)set->coefficient_moduli[1],
                    (json_int_t)set->coefficient_moduli[2], "hash_functions", (int)shape->functions,
                    "buckets_per_table", (int)shape->buckets, "entry_size", (int)shape->entry_size,
                    "dimensions", (json_int_t)dimensions[0], (json_int_t)dimensions[1], "rows",
                    rows, "tables", tables_of(shape), "secret_key_seed",
                    seed_for("secret key", c, 0, "key"), "galois_key_seeds", keys,
                    "relinearization_key_seeds", seed_pairs("relinearization key", c), "queries",
                    queries),
                err);
        json_decref(rows);
        json_decref(keys);
        json_decref(queries);
    }
    return st;
}

static const struct vectors_kind kinds[] = {
    {"exchange.json", NULL, members, ARRAY_COUNT(members), compute_exchange, NULL, list_exchanges},
};

const struct vectors_kind *vectors_kinds_exchange(size_t *count)
{
    *count = ARRAY_COUNT(kinds);
    return kinds;
}
