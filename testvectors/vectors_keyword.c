/* Keyword PIR without the lattice: hashes, buckets, dimensions, plaintexts, Galois elements. */
#include "base/mem.h"
#include "pir-server/bfv/bfv_parameters.h"
#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/keyword_hash.h"
#include "pir-server/pir/pir_parameters.h"
#include "pir-server/ring/packing.h"
#include "testvectors/vectors_kind.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- keywords ---- */

static const struct vectors_member keywords_members[] = {
    {"keyword", VECTORS_TEXT},
    {"shard_counts", VECTORS_NUMBERS},
    {"double_mod", VECTORS_PAIRS},
    {"cuckoo", VECTORS_PAIRS},
};

/* Appends the shard for each pair [other shard count, shard count]. */
static enum status double_mod_shards(uint64_t hash, const json_t *pairs, json_t *ret,
                                     struct error *err)
{
    enum status st = STATUS_OK;
    for (size_t i = 0; st == STATUS_OK && i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        const uint64_t other = vectors_number_at(pair, 0), count = vectors_number_at(pair, 1);
        if (other == 0 || other > UINT32_MAX || count == 0)
            return error_set(err, STATUS_INVALID, "double_mod[%zu] is out of range", i);
        const struct sharding sharding = {.function = SHARDING_DOUBLE_MOD,
                                          .other_shard_count = (uint32_t)other};
        st = vectors_append(
            ret, json_integer((json_int_t)sharding_shard_of(&sharding, hash, count)), err);
    }
    return st;
}

/* Appends the list of bucket indices for each pair [buckets per table, hash functions]. */
static enum status cuckoo_indices(uint64_t hash, const json_t *pairs, json_t *ret,
                                  struct error *err)
{
    uint64_t indices[KEYWORD_HASH_FUNCTIONS_MAX];
    enum status st = STATUS_OK;
    for (size_t i = 0; st == STATUS_OK && i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        const uint64_t buckets = vectors_number_at(pair, 0), functions = vectors_number_at(pair, 1);
        if (buckets == 0 || functions == 0 || functions > KEYWORD_HASH_FUNCTIONS_MAX)
            return error_set(err, STATUS_INVALID, "cuckoo[%zu] is out of range", i);
        keyword_bucket_indices(hash, buckets, (size_t)functions, indices);
        json_t *list = json_array();
        for (size_t k = 0; st == STATUS_OK && k < functions; k++)
            st = vectors_append(list, json_integer((json_int_t)indices[k]), err);
        if (st == STATUS_OK)
            st = vectors_append(ret, list, err);
        else
            json_decref(list);
    }
    return st;
}

static enum status compute_keywords(const json_t *in, struct vectors_out *out, struct error *err)
{
    const uint64_t hash = keyword_hash(vectors_text(in, "keyword"));
    const json_t *counts = vectors_list(in, "shard_counts");
    const struct sharding sha256 = {.function = SHARDING_SHA256};
    json_t *shards = json_array(), *doubles = json_array(), *indices = json_array();
    uint8_t stored[8];
    char number[24];
    enum status st = STATUS_OK;
    for (size_t i = 0; i < sizeof stored; i++)
        stored[i] = (uint8_t)(hash >> 8 * i);
    vectors_put_hex(out, "stored", span_of(stored, sizeof stored));
    snprintf(number, sizeof number, "%" PRIu64, hash);
    vectors_put_text(out, "number", span_of_text(number));
    for (size_t i = 0; st == STATUS_OK && i < json_array_size(counts); i++) {
        const uint64_t count = vectors_number_at(counts, i);
        st = count == 0
                 ? error_set(err, STATUS_INVALID, "shard_counts[%zu] is 0", i)
                 : vectors_append(shards,
                                  json_integer((json_int_t)sharding_shard_of(&sha256, hash, count)),
                                  err);
    }
    if (st == STATUS_OK)
        st = double_mod_shards(hash, vectors_list(in, "double_mod"), doubles, err);
    if (st == STATUS_OK)
        st = cuckoo_indices(hash, vectors_list(in, "cuckoo"), indices, err);
    if (st == STATUS_OK) {
        vectors_put(out, "shards", json_incref(shards));
        vectors_put(out, "double_mod_shards", json_incref(doubles));
        vectors_put(out, "cuckoo_indices", json_incref(indices));
    }
    json_decref(shards);
    json_decref(doubles);
    json_decref(indices);
    return st;
}

static enum status list_keywords(json_t *ret, struct error *err)
{
    static const char *const keywords[] = {
        "example.com",
        "example.org",
        "www.apple.com/url-filter-test",
        "",
        "a",
        "bad.example.com",
        "example.net/path?id=123#fragment",
        "192.0.2.1",
        "[2001:db8::1]:443/",
        ("b\xc3\xbc"
         "cher.example"),
        "a.rather.long.host.name.example.com/with/a/path/that/takes/more/than/sixty-four/bytes",
        "row-0",
        "row-1",
        "row-2",
        "row-3",
        "row-4",
        "row-5",
        "row-6",
        "row-7",
    };
    enum status st = STATUS_OK;
    for (size_t i = 0; st == STATUS_OK && i < ARRAY_COUNT(keywords); i++)
        st = vectors_append(
            ret,
            json_pack("{s:s, s:[i,i,i,i,i,i], s:[[i,i],[i,i],[i,i]], s:[[i,i],[i,i],[i,i],[i,i],"
                      "[i,i],[i,i],[i,i]]}",
                      "keyword", keywords[i], "shard_counts", 1, 2, 4, 16, 1000, 65536,
                      "double_mod", 57, 10, 16, 4, 3, 8, "cuckoo", 32, 2, 1000, 3, 2, 3, 1, 2, 520,
                      1, 3, 2, 1000003, 4),
            err);
    return st;
}

/* ---- buckets ---- */

static const struct vectors_member buckets_members[] = {
    {"rows", VECTORS_ROWS},
    {"lookups", VECTORS_TEXTS},
};

static enum status compute_buckets(const json_t *in, struct vectors_out *out, struct error *err)
{
    const json_t *rows = vectors_list(in, "rows"), *lookups = vectors_list(in, "lookups");
    const size_t count = json_array_size(rows);
    struct hash_bucket_slot *slots = NULL;
    uint8_t *bucket = NULL;
    json_t *values = json_array();
    struct bytes value;
    bytes_init(&value, VECTORS_MAX_BYTES);
    enum status st = STATUS_OK;
    size_t size = 0;
    if (count > HASH_BUCKET_SLOTS_MAX) {
        st = error_set(err, STATUS_INVALID, "rows are more than a bucket takes");
        goto done;
    }
    slots = mem_alloc_zeroed(count + 1, sizeof *slots);
    bucket = mem_alloc(HASH_BUCKET_BYTES_MAX, 1);
    if (slots == NULL || bucket == NULL || values == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for a bucket");
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        size += vectors_text_at(json_array_get(rows, i), 1).size / 2;
    bytes_reserve(&value, size); /* so that spans into it stay */
    st = bytes_status(&value, "the values of a bucket", err);
    if (st != STATUS_OK)
        goto done;
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        const size_t start = value.size;
        st = vectors_hex_at(row, 1, &value, err);
        if (st != STATUS_OK)
            goto done;
        if (value.size - start > HASH_BUCKET_VALUE_MAX) {
            st = error_set(err, STATUS_INVALID, "rows[%zu] has too long a value", i);
            goto done;
        }
        slots[i] = (struct hash_bucket_slot){
            .hash = keyword_hash(vectors_text_at(row, 0)),
            .value = span_of(value.data + start, value.size - start),
        };
    }
    size = hash_bucket_write(slots, count, bucket);
    for (size_t i = 0; i < json_array_size(lookups); i++) {
        struct span found_value = {.size = 0};
        bool found = false;
        st = hash_bucket_find(span_of(bucket, size), keyword_hash(vectors_text_at(lookups, i)),
                              &found, &found_value, err);
        if (st == STATUS_OK)
            st = vectors_append(values, found ? vectors_json_hex(found_value) : json_null(), err);
        if (st != STATUS_OK)
            goto done;
    }
    vectors_put_hex(out, "bucket", span_of(bucket, size));
    vectors_put(out, "values", json_incref(values));
done:
    json_decref(values);
    bytes_deinit(&value);
    mem_free(bucket);
    mem_free(slots);
    return st;
}

static const char *const buckets_literals[] = {
    "{'note': 'empty', 'rows': [], 'lookups': ['example.com']}",
    "{'note': 'as URL filters have them', 'rows': [['example.com', '31']],"
    " 'lookups': ['example.com', 'example.org', '']}",
    "{'rows': [['example.com', '31'], ['example.org', '010203']],"
    " 'lookups': ['example.org', 'example.com', 'example.net']}",
    "{'note': 'the order of slots is free', 'rows': [['example.org', '010203'],"
    " ['example.com', '31']], 'lookups': ['example.org', 'example.com']}",
    "{'note': 'empty value, empty keyword', 'rows': [['example.com', ''], ['', '00'],"
    " ['www.apple.com/url-filter-test', '31']],"
    " 'lookups': ['example.com', '', 'www.apple.com/url-filter-test']}",
    "{'note': 'a value of 300 bytes', 'rows': [['a', "
    "'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
    "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
    "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
    "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
    "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
    "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b']],"
    " 'lookups': ['a', 'b']}",
    NULL,
};

/* ---- dimensions ---- */

static const struct vectors_member dimensions_members[] = {
    {"buckets_per_table", VECTORS_NUMBER},
    {"entry_size", VECTORS_NUMBER},
    {"bytes_per_plaintext", VECTORS_NUMBER},
    {"batch_size", VECTORS_NUMBER},
};

static enum status put_pair(struct vectors_out *out, const char *name, const uint64_t pair[2])
{
    vectors_put(out, name, json_pack("[I,I]", (json_int_t)pair[0], (json_int_t)pair[1]));
    return STATUS_OK;
}

static uint64_t up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static enum status compute_dimensions(const json_t *in, struct vectors_out *out, struct error *err)
{
    uint64_t buckets = 0, size = 0, room = 0, batch = 0, pair[PIR_DIMENSIONS_MAX];
    enum status st = vectors_number_in(in, "buckets_per_table", 1, 1u << 26, &buckets, err);
    if (st == STATUS_OK)
        st = vectors_number_in(in, "entry_size", 1, 1u << 24, &size, err);
    if (st == STATUS_OK)
        st = vectors_number_in(in, "bytes_per_plaintext", 1, 1u << 20, &room, err);
    if (st == STATUS_OK)
        st = vectors_number_in(in, "batch_size", 1, KEYWORD_HASH_FUNCTIONS_MAX, &batch, err);
    if (st != STATUS_OK)
        return st;
    const uint64_t plaintexts = pir_plaintexts_needed(buckets, size, room);
    vectors_put_number(out, "entries_per_plaintext", size <= room ? room / size : 1);
    vectors_put_number(out, "chunks", up(size, room));
    vectors_put_number(out, "plaintexts", plaintexts);
    pir_dimensions(plaintexts, batch, false, pair);
    put_pair(out, "even", pair);
    pir_dimensions(plaintexts, batch, true, pair);
    put_pair(out, "uneven", pair);
    return STATUS_OK;
}

static enum status list_dimensions(json_t *ret, struct error *err)
{
    static const struct {
        int buckets, size, room, batch;
    } cases[] = {
        {1, 1024, 2048, 1},    {1, 2048, 2048, 2},    {2, 2048, 2048, 1},     {2, 2048, 2048, 2},
        {3, 1024, 2048, 2},    {3, 2048, 2048, 1},    {4, 2048, 2048, 2},     {5, 2048, 2048, 1},
        {7, 2048, 2048, 3},    {16, 2048, 2048, 2},   {32, 1024, 2048, 2},    {50, 2048, 2048, 2},
        {100, 700, 2048, 2},   {196, 2048, 2048, 2},  {520, 2048, 2048, 1},   {520, 2048, 2048, 2},
        {1000, 2048, 2048, 2}, {1000, 2049, 2048, 2}, {5000, 1, 1, 1},        {5000, 2048, 2048, 1},
        {300, 5000, 2048, 1},  {4096, 17, 1536, 2},   {99999, 1024, 2048, 2},
    };
    enum status st = STATUS_OK;
    for (size_t i = 0; st == STATUS_OK && i < ARRAY_COUNT(cases); i++)
        st = vectors_append(ret,
                            json_pack("{s:i, s:i, s:i, s:i}", "buckets_per_table", cases[i].buckets,
                                      "entry_size", cases[i].size, "bytes_per_plaintext",
                                      cases[i].room, "batch_size", cases[i].batch),
                            err);
    return st;
}

/* ---- plaintexts ---- */

static const struct vectors_member coefficients_members[] = {
    {"data", VECTORS_HEX},
    {"bits_per_coefficient", VECTORS_NUMBER},
};

static enum status compute_coefficients(const json_t *in, struct vectors_out *out,
                                        struct error *err)
{
    uint64_t bits = 0;
    uint32_t *values = NULL;
    struct bytes data;
    bytes_init(&data, VECTORS_MAX_BYTES);
    enum status st = vectors_number_in(in, "bits_per_coefficient", 1, 28, &bits, err);
    if (st == STATUS_OK)
        st = vectors_hex(in, "data", &data, err);
    if (st != STATUS_OK)
        goto done;
    const size_t count = (size_t)up(8 * (uint64_t)data.size, bits);
    bytes_append_u32le(&data, 0); /* zero bits for the last coefficient */
    values = mem_alloc(count + 1, sizeof *values);
    st = bytes_status(&data, "data", err);
    if (st == STATUS_OK && values == NULL)
        st = error_set(err, STATUS_NOMEM, "no memory for coefficients");
    if (st != STATUS_OK)
        goto done;
    row_unpack(values, data.data, count, (uint32_t)bits, 0);
    vectors_put_words(out, "coefficients", values, count);
done:
    mem_free(values);
    bytes_deinit(&data);
    return st;
}

static const char *const coefficients_literals[] = {
    "{'note': 't = 17: four bits each', 'data': 'a3', 'bits_per_coefficient': 4}",
    "{'note': 'the bucket of two rows', 'data':"
    " '02a379a6f6eeafb9a5010031bfabc37432958b060300010203', 'bits_per_coefficient': 4}",
    "{'note': 't = 11: three bits, zero bits at the end', 'data': 'ff00ff0f',"
    " 'bits_per_coefficient': 3}",
    "{'note': 't = 37: five bits', 'data': '0123456789abcdef', 'bits_per_coefficient': 5}",
    "{'note': 'twelve bits', 'data': '0123456789abcdef01', 'bits_per_coefficient': 12}",
    "{'note': 'nothing', 'data': '', 'bits_per_coefficient': 4}",
    NULL,
};

static const struct vectors_member order_members[] = {
    {"tables", VECTORS_NUMBER},
    {"chunks", VECTORS_NUMBER},
    {"dimensions", VECTORS_NUMBERS},
    {"plaintexts", VECTORS_NUMBER},
};

/* Small enough to be printed. */
#define ORDER_MAX 4096

static enum status read_dimensions(const json_t *in, uint32_t ret[2], struct error *err)
{
    size_t count = 0;
    enum status st = vectors_words(vectors_list(in, "dimensions"), "dimensions", 1u << 20, 2, 2,
                                   ret, &count, err);
    if (st == STATUS_OK && (ret[0] == 0 || ret[1] == 0))
        st = error_set(err, STATUS_INVALID, "dimensions has a zero");
    return st;
}

static enum status compute_order(const json_t *in, struct vectors_out *out, struct error *err)
{
    uint64_t tables = 0, chunks = 0;
    uint32_t dimensions[2];
    json_t *list = NULL;
    enum status st = vectors_number_in(in, "tables", 1, KEYWORD_HASH_FUNCTIONS_MAX, &tables, err);
    if (st == STATUS_OK)
        st = vectors_number_in(in, "chunks", 1, ORDER_MAX, &chunks, err);
    if (st == STATUS_OK)
        st = read_dimensions(in, dimensions, err);
    if (st != STATUS_OK)
        return st;
    const uint64_t block = (uint64_t)dimensions[0] * dimensions[1];
    const uint64_t used = vectors_number(in, "plaintexts");
    if (block > ORDER_MAX || tables * chunks * block > ORDER_MAX)
        return error_set(err, STATUS_INVALID, "the order is too long for a vector");
    const struct pir_layout layout = {.dimensions = {dimensions[0], dimensions[1]},
                                      .chunk_count = (size_t)chunks};
    const size_t total = (size_t)(tables * chunks * block);
    list = json_array();
    for (size_t i = 0; list != NULL && st == STATUS_OK && i < total; i++)
        st = vectors_append(list, json_null(), err);
    for (size_t k = 0; list != NULL && st == STATUS_OK && k < total; k++) {
        const size_t table = k / (size_t)(chunks * block);
        const size_t chunk = k / (size_t)block % (size_t)chunks, p = k % (size_t)block;
        json_t *item =
            p < used ? json_pack("[I,I,I]", (json_int_t)table, (json_int_t)chunk, (json_int_t)p)
                     : json_pack("[I,I,n]", (json_int_t)table, (json_int_t)chunk);
        if (json_array_set_new(list, pir_layout_position(&layout, table, chunk, p), item) != 0)
            st = error_set(err, STATUS_NOMEM, "no memory for an order");
    }
    if (st == STATUS_OK)
        vectors_put(out, "order", json_incref(list));
    json_decref(list);
    return st;
}

static const char *const order_literals[] = {
    "{'tables': 1, 'chunks': 1, 'dimensions': [3, 2], 'plaintexts': 6}",
    "{'note': 'the last place stays nil', 'tables': 1, 'chunks': 1, 'dimensions': [3, 2],"
    " 'plaintexts': 5}",
    "{'tables': 2, 'chunks': 1, 'dimensions': [2, 1], 'plaintexts': 2}",
    "{'tables': 2, 'chunks': 3, 'dimensions': [2, 2], 'plaintexts': 3}",
    NULL,
};

static const struct vectors_member place_members[] = {
    {"index", VECTORS_NUMBER},
    {"entry_size", VECTORS_NUMBER},
    {"bytes_per_plaintext", VECTORS_NUMBER},
    {"dimensions", VECTORS_NUMBERS},
};

static enum status compute_place(const json_t *in, struct vectors_out *out, struct error *err)
{
    uint64_t index = 0, size = 0, room = 0;
    uint32_t dimensions[2];
    enum status st = vectors_number_in(in, "index", 0, 1u << 30, &index, err);
    if (st == STATUS_OK)
        st = vectors_number_in(in, "entry_size", 1, 1u << 24, &size, err);
    if (st == STATUS_OK)
        st = vectors_number_in(in, "bytes_per_plaintext", 1, 1u << 20, &room, err);
    if (st == STATUS_OK)
        st = read_dimensions(in, dimensions, err);
    if (st != STATUS_OK)
        return st;
    const uint64_t per = size <= room ? room / size : 1;
    const uint64_t plaintext = index / per;
    const uint64_t row = plaintext / dimensions[1], column = plaintext % dimensions[1];
    vectors_put_number(out, "plaintext", plaintext);
    vectors_put_number(out, "row", row);
    vectors_put_number(out, "column", column);
    vectors_put_number(out, "byte_offset", index % per * size);
    vectors_put(out, "selectors",
                json_pack("[I,I]", (json_int_t)row, (json_int_t)(dimensions[0] + column)));
    return STATUS_OK;
}

static const char *const place_literals[] = {
    "{'index': 0, 'entry_size': 2048, 'bytes_per_plaintext': 2048, 'dimensions': [2, 1]}",
    "{'index': 1, 'entry_size': 2048, 'bytes_per_plaintext': 2048, 'dimensions': [2, 1]}",
    "{'index': 2, 'entry_size': 1024, 'bytes_per_plaintext': 2048, 'dimensions': [2, 1]}",
    "{'index': 13, 'entry_size': 1024, 'bytes_per_plaintext': 2048, 'dimensions': [4, 4]}",
    "{'note': 'two entries of 700 bytes: 648 bytes stay unused', 'index': 99, 'entry_size': 700,"
    " 'bytes_per_plaintext': 2048, 'dimensions': [10, 5]}",
    "{'note': 'several plaintexts an entry', 'index': 17, 'entry_size': 5000,"
    " 'bytes_per_plaintext': 2048, 'dimensions': [10, 5]}",
    NULL,
};

/* ---- Galois elements ---- */

static const struct vectors_member elements_members[] = {
    {"degree", VECTORS_NUMBER},
    {"batch_size", VECTORS_NUMBER},
    {"dimensions", VECTORS_NUMBERS},
};

static enum status compute_elements(const json_t *in, struct vectors_out *out, struct error *err)
{
    static const struct {
        const char *name;
        enum pir_key_compression compression;
    } strategies[] = {
        {"none", PIR_KEY_COMPRESSION_NONE},
        {"hybrid", PIR_KEY_COMPRESSION_HYBRID},
        {"max", PIR_KEY_COMPRESSION_MAX},
    };
    uint32_t dimensions[2], elements[PIR_GALOIS_ELEMENTS_MAX];
    uint64_t degree = 0, batch = 0;
    enum status st = vectors_number_in(in, "degree", 4, 1u << 15, &degree, err);
    if (st == STATUS_OK)
        st = vectors_number_in(in, "batch_size", 1, KEYWORD_HASH_FUNCTIONS_MAX, &batch, err);
    if (st == STATUS_OK)
        st = read_dimensions(in, dimensions, err);
    if (st == STATUS_OK && (degree & (degree - 1)) != 0)
        st = error_set(err, STATUS_INVALID, "degree is no power of two");
    if (st != STATUS_OK)
        return st;
    const uint64_t selectors = batch * ((uint64_t)dimensions[0] + dimensions[1]);
    vectors_put_number(out, "selectors", selectors);
    for (size_t i = 0; i < ARRAY_COUNT(strategies); i++) {
        size_t count = 0;
        pir_galois_elements(degree, selectors, strategies[i].compression, elements, &count);
        vectors_put_words(out, strategies[i].name, elements, count);
    }
    return STATUS_OK;
}

static enum status list_elements(json_t *ret, struct error *err)
{
    static const struct {
        int degree, batch, rows, columns;
    } cases[] = {
        {4096, 1, 1, 1},   {4096, 1, 2, 1},    {4096, 2, 2, 1},    {4096, 1, 3, 1},
        {4096, 2, 4, 4},   {4096, 2, 10, 5},   {4096, 2, 22, 9},   {4096, 1, 24, 8},
        {4096, 1, 40, 13}, {4096, 1, 228, 22}, {4096, 1, 960, 64}, {4096, 2, 3000, 40},
        {8192, 2, 22, 9},  {8192, 1, 228, 22}, {2048, 2, 10, 5},   {8, 1, 2, 2},
    };
    enum status st = STATUS_OK;
    for (size_t i = 0; st == STATUS_OK && i < ARRAY_COUNT(cases); i++)
        st = vectors_append(ret,
                            json_pack("{s:s, s:i, s:i, s:[i,i]}", "what", "elements", "degree",
                                      cases[i].degree, "batch_size", cases[i].batch, "dimensions",
                                      cases[i].rows, cases[i].columns),
                            err);
    return st;
}

static const struct vectors_kind kinds[] = {
    {"keywords.json", NULL, keywords_members, ARRAY_COUNT(keywords_members), compute_keywords, NULL,
     list_keywords},
    {"buckets.json", NULL, buckets_members, ARRAY_COUNT(buckets_members), compute_buckets,
     buckets_literals, NULL},
    {"dimensions.json", NULL, dimensions_members, ARRAY_COUNT(dimensions_members),
     compute_dimensions, NULL, list_dimensions},
    {"plaintexts.json", "coefficients", coefficients_members, ARRAY_COUNT(coefficients_members),
     compute_coefficients, coefficients_literals, NULL},
    {"plaintexts.json", "order", order_members, ARRAY_COUNT(order_members), compute_order,
     order_literals, NULL},
    {"plaintexts.json", "place", place_members, ARRAY_COUNT(place_members), compute_place,
     place_literals, NULL},
    {"galois.json", "elements", elements_members, ARRAY_COUNT(elements_members), compute_elements,
     NULL, list_elements},
};

const struct vectors_kind *vectors_kinds_keyword(size_t *count)
{
    *count = ARRAY_COUNT(kinds);
    return kinds;
}
