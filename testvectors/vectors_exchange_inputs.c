/* The exchanges that are published: rows, shapes, seeds. */
#include "pir-server/pir/keyword_hash.h"
#include "testvectors/vectors_exchange.h"
#include "testvectors/vectors_kind.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXCHANGE_SET "n_4096_logq_27_28_28_logt_5"

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

enum status exchange_list_inputs(json_t *ret, struct error *err)
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
