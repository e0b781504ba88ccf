#include "base/mem.h"
#include "base/thread_pool.h"
#include "pir-server/bfv/bfv_plaintext.h"
#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/pir_processing.h"
#include "tests/patience.h"
#include "tests/pir-server/pir/pir_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* A shard decoded again: the bytes of each plaintext. */
struct decoded {
    const struct pir_layout *layout;
    uint8_t *bytes; /* [plaintexts][plaintext_bytes] */
};

static struct decoded decode(const struct bfv_context *context, const struct pir_shard *shard)
{
    struct decoded decoded = {.layout = pir_shard_layout(shard)};
    const struct pir_layout *layout = decoded.layout;
    const size_t words = layout->moduli_count * layout->degree;
    uint32_t *row = mem_alloc_aligned(64, words, 4);
    uint32_t *scratch = mem_alloc_aligned(64, words, 4);
    uint32_t *coefficients = mem_alloc_aligned(64, layout->degree, 4);
    decoded.bytes = mem_alloc_zeroed(layout->plaintext_count, layout->plaintext_bytes);
    for (size_t i = 0; i < layout->plaintext_count; i++) {
        if (!pir_shard_plaintext(shard, i, row))
            continue;
        cr_assert_eq(bfv_plaintext_unlift(context, row, scratch, coefficients, NULL), STATUS_OK);
        cr_assert_eq(bfv_plaintext_decode(context, coefficients,
                                          decoded.bytes + i * layout->plaintext_bytes, NULL),
                     STATUS_OK);
    }
    mem_free(row);
    mem_free(scratch);
    mem_free(coefficients);
    return decoded;
}

/* Is the row in one of its buckets, with its value? As a client that sees plaintexts. */
static bool is_stored(const struct decoded *decoded, const struct pir_row *row)
{
    const struct pir_layout *layout = decoded->layout;
    const uint64_t hash = keyword_hash(row->keyword);
    uint64_t indices[KEYWORD_HASH_FUNCTIONS_MAX];
    uint8_t *entry = mem_alloc(layout->chunk_count, layout->plaintext_bytes);
    bool found = false;
    keyword_bucket_indices(hash, layout->entry_count, layout->table_count, indices);
    for (size_t table = 0; table < layout->table_count && !found; table++) {
        const size_t p = (size_t)indices[table] / layout->entries_per_plaintext;
        const size_t at =
            (size_t)indices[table] % layout->entries_per_plaintext * layout->entry_bytes;
        struct span value;
        for (size_t chunk = 0; chunk < layout->chunk_count; chunk++)
            memcpy(entry + chunk * layout->plaintext_bytes,
                   decoded->bytes +
                       pir_layout_position(layout, table, chunk, p) * layout->plaintext_bytes,
                   layout->plaintext_bytes);
        cr_assert_eq(
            hash_bucket_find(span_of(entry + at, layout->entry_bytes), hash, &found, &value, NULL),
            STATUS_OK);
        if (found)
            cr_assert(span_equal(value, row->value));
    }
    mem_free(entry);
    return found;
}

static struct bfv_context *context_of(const char *name)
{
    const struct bfv_parameters encryption = fixture_encryption(name);
    struct bfv_context *context = NULL;
    cr_assert_eq(bfv_context_new(&encryption, BFV_ALLOW_INSECURE, NULL, &context, NULL), STATUS_OK);
    return context;
}

static struct pir_shape_wish wish_of(size_t functions)
{
    struct pir_shape_wish wish;
    pir_shape_wish_init(&wish);
    wish.hash_function_count = functions;
    return wish;
}

static enum status fit(const struct pir_partition *partition, struct pir_processing *processing,
                       struct error *err)
{
    const struct pir_shape_wish wish = wish_of(processing->table.hash_function_count);
    return pir_processing_fit(partition, NULL, &wish, processing, err);
}

static void check_all_rows(const struct bfv_context *context, const struct fixture_rows *rows,
                           const struct pir_partition *partition,
                           const struct pir_processing *processing)
{
    for (uint64_t shard = 0; shard < pir_partition_shard_count(partition); shard++) {
        struct pir_shard *processed = NULL;
        struct error error;
        cr_assert_eq(pir_process_shard(context, partition, shard, processing, BFV_ALLOW_INSECURE,
                                       &processed, &error),
                     STATUS_OK, "%s", error.message);
        struct decoded decoded = decode(context, processed);
        size_t count;
        const struct pir_partition_entry *entries = pir_partition_shard(partition, shard, &count);
        for (size_t i = 0; i < count; i++)
            cr_assert(is_stored(&decoded, &rows->rows[entries[i].row]));
        mem_free(decoded.bytes);
        pir_shard_free(processed);
    }
}

Test(pir_processing, random_datasets_hold_every_row, .timeout = PATIENCE_OF_TEST_S)
{
    struct random_seeded random = fixture_random(11);
    struct bfv_context *context = context_of(FIXTURE_SET);
    for (int round = 0; round < 12; round++) {
        const size_t most = (size_t)random_seeded_below(&random, round % 3 == 0 ? 4000 : 100);
        const size_t count = (size_t)random_seeded_below(&random, 800);
        struct fixture_rows rows = fixture_rows_new(count, 0, most, (uint64_t)round);
        struct pir_partition *partition = fixture_partition(&rows, 1 + (uint64_t)round % 3);
        struct pir_processing processing;
        const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
        pir_processing_init(&encryption, 1 + (size_t)round % 3, &processing);
        processing.uneven_dimensions = round % 2 == 0;
        processing.key_compression = (enum pir_key_compression)(round % 3);
        if (round % 4 == 3) {
            cr_assert_eq(fit(partition, &processing, NULL), STATUS_OK);
        } else {
            processing.table.allow_expansion = true;
            processing.table.expansion_factor = 1.1;
            processing.table.target_load_factor = 0.9;
            processing.table.bucket_bytes =
                4 * (11 + most) + (size_t)random_seeded_below(&random, 3000);
            processing.use_max_bucket_bytes = round % 4 == 2;
        }
        check_all_rows(context, &rows, partition, &processing);
        pir_partition_free(partition);
        fixture_rows_free(&rows);
    }
    bfv_context_free(context);
}

/* Plaintexts of 4 bytes: every bucket takes many chunks. */
Test(pir_processing, many_chunks_hold_every_row, .timeout = PATIENCE_OF_TEST_S)
{
    struct bfv_context *context = context_of(FIXTURE_SET_N_8);
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET_N_8);
    struct fixture_rows rows = fixture_rows_new(60, 0, 20, 5);
    struct pir_partition *partition = fixture_partition(&rows, 2);
    for (size_t functions = 1; functions <= 3; functions++) {
        struct pir_processing processing;
        pir_processing_init(&encryption, functions, &processing);
        cr_assert_eq(fit(partition, &processing, NULL), STATUS_OK);
        check_all_rows(context, &rows, partition, &processing);
    }
    pir_partition_free(partition);
    fixture_rows_free(&rows);
    bfv_context_free(context);
}

struct collected {
    uint8_t digests[64][SHA256_BYTES];
    struct pir_parameters parameters[64];
};

static enum status collect(void *context, uint64_t shard, const struct pir_shard *processed,
                           struct error *err)
{
    struct collected *collected = context;
    (void)err;
    memcpy(collected->digests[shard], pir_shard_digest(processed), SHA256_BYTES);
    collected->parameters[shard] = *pir_shard_parameters(processed);
    return STATUS_OK;
}

Test(pir_processing, threads_and_row_order_change_nothing_and_shards_are_alike,
     .timeout = PATIENCE_OF_TEST_S)
{
    struct bfv_context *context = context_of(FIXTURE_SET);
    struct thread_pool *pool = NULL;
    cr_assert_eq(thread_pool_new(3, 8, &pool, NULL), STATUS_OK);
    for (size_t functions = 1; functions <= 2; functions++) {
        static struct collected first;
        static struct collected second;
        const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
        struct fixture_rows rows = fixture_rows_new(3000, 1, 1, 9);
        struct pir_processing processing;
        pir_processing_init(&encryption, functions, &processing);
        struct pir_partition *partition = fixture_partition(&rows, 8);
        cr_assert_eq(fit(partition, &processing, NULL), STATUS_OK);
        cr_assert_eq(
            pir_process_all(context, partition, &processing, 0, NULL, NULL, collect, &first, NULL),
            STATUS_OK);
        pir_partition_free(partition);

        for (size_t i = 0; i < rows.count / 2; i++) {
            const struct pir_row row = rows.rows[i];
            rows.rows[i] = rows.rows[rows.count - 1 - i];
            rows.rows[rows.count - 1 - i] = row;
        }
        partition = fixture_partition(&rows, 8);
        cr_assert_eq(
            pir_process_all(context, partition, &processing, 0, pool, NULL, collect, &second, NULL),
            STATUS_OK);
        pir_partition_free(partition);
        fixture_rows_free(&rows);
        for (size_t i = 0; i < 8; i++) {
            cr_assert_arr_eq(first.digests[i], second.digests[i], SHA256_BYTES);
            cr_assert(pir_parameters_equal(&first.parameters[i], &first.parameters[0]));
        }
    }
    thread_pool_free(pool);
    bfv_context_free(context);
}

Test(pir_processing, an_empty_shard_is_a_shard)
{
    struct bfv_context *context = context_of(FIXTURE_SET);
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    struct fixture_rows rows = fixture_rows_new(0, 0, 0, 1);
    struct pir_partition *partition = fixture_partition(&rows, 4);
    for (int fixed = 0; fixed < 2; fixed++) {
        struct pir_processing processing;
        struct pir_shard *shard = NULL;
        struct error error = {0};
        pir_processing_init(&encryption, 2, &processing);
        if (fixed != 0) {
            cr_assert_eq(fit(partition, &processing, NULL), STATUS_OK);
        } else {
            processing.table.allow_expansion = true;
            processing.table.expansion_factor = 1.1;
            processing.table.target_load_factor = 0.9;
        }
        cr_assert_eq(pir_process_shard(context, partition, 3, &processing, 0, &shard, &error),
                     STATUS_OK, "%s", error.message);
        cr_assert_eq(pir_shard_filled_count(shard), 0);
        cr_assert_eq(pir_shard_verify(shard, NULL), STATUS_OK);
        pir_shard_free(shard);
    }
    pir_partition_free(partition);
    fixture_rows_free(&rows);
    bfv_context_free(context);
}

/* "<n>.example" for which all fall into bucket 0 of `buckets`. */
static struct fixture_rows colliding_rows(size_t count, uint64_t buckets)
{
    struct fixture_rows rows = fixture_rows_new(count, 1, 1, 1);
    char text[32];
    size_t found = 0;
    for (size_t n = 0; found < count; n++) {
        uint64_t index;
        const int length = snprintf(text, sizeof text, "%zu.example", n);
        keyword_bucket_indices(keyword_hash(span_of(text, (size_t)length)), buckets, 1, &index);
        if (index != 0)
            continue;
        memcpy(rows.bytes + found * 33, text, (size_t)length);
        rows.rows[found].keyword.size = (size_t)length;
        found++;
    }
    return rows;
}

Test(pir_processing, the_chosen_shape_is_the_one_that_fits)
{
    struct fixture_rows rows = fixture_rows_new(3000, 0, 9, 12);
    struct pir_partition *partition = fixture_partition(&rows, 2);
    struct bfv_context *context = context_of(FIXTURE_SET);
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    for (size_t functions = 1; functions <= 2; functions++) {
        const struct pir_shape_wish wish = wish_of(functions);
        struct pir_processing processing;
        struct pir_processing fitted;
        struct pir_shard *shard = NULL;
        pir_processing_init(&encryption, functions, &processing);
        fitted = processing;
        cr_assert_eq(pir_processing_choose(partition, &wish, &processing, NULL), STATUS_OK);
        cr_assert_eq(fit(partition, &fitted, NULL), STATUS_OK);
        cr_assert(pir_parameters_equal(&processing.shape, &fitted.shape));
        cr_assert_eq(pir_process_shard(context, partition, 1, &processing, 0, &shard, NULL),
                     STATUS_OK);
        cr_assert(pir_parameters_equal(pir_shard_parameters(shard), &processing.shape));
        pir_shard_free(shard);
    }
    bfv_context_free(context);
    pir_partition_free(partition);
    fixture_rows_free(&rows);
}

Test(pir_processing, keys_made_to_collide_make_a_larger_shape_or_an_error,
     .timeout = PATIENCE_OF_TEST_S)
{
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    struct bfv_context *context = context_of(FIXTURE_SET);
    const struct pir_shape_wish wish = wish_of(1);
    const struct pir_shape_load load = {.encryption = encryption,
                                        .sharding = {.function = SHARDING_SHA256},
                                        .shard_count = 1,
                                        .rows = 10000,
                                        .longest_value = 1};
    struct pir_parameters shape;
    cr_assert_eq(pir_shape_choose(&load, &wish, &shape, NULL), STATUS_OK);
    const uint64_t first = shape.entry_count;
    struct fixture_rows rows = colliding_rows(10000, first);
    struct pir_partition *partition = fixture_partition(&rows, 1);
    struct pir_processing processing;
    struct pir_shard *shard = NULL;
    struct error error;
    pir_processing_init(&encryption, 1, &processing);
    cr_assert_eq(pir_processing_choose(partition, &wish, &processing, NULL), STATUS_OK);
    cr_assert_eq(processing.table.fixed_bucket_count, first);
    cr_assert_eq(pir_process_shard(context, partition, 0, &processing, 0, &shard, &error),
                 STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(error.message, "shard 0: a bucket overflows"), "%s", error.message);
    cr_assert_null(shard);
    cr_assert_eq(fit(partition, &processing, &error), STATUS_OK, "%s", error.message);
    cr_assert_gt(processing.table.fixed_bucket_count, first);
    check_all_rows(context, &rows, partition, &processing);
    pir_partition_free(partition);
    fixture_rows_free(&rows);
    bfv_context_free(context);
}

Test(pir_processing, every_failed_allocation_is_reported)
{
    struct bfv_context *context = context_of(FIXTURE_SET_N_8);
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET_N_8);
    struct fixture_rows rows = fixture_rows_new(20, 1, 4, 5);
    struct pir_partition *partition = fixture_partition(&rows, 1);
    size_t n = 1;
    for (;; n++) {
        struct pir_processing processing;
        struct pir_shard *shard = NULL;
        pir_processing_init(&encryption, 2, &processing);
        mem_fail_nth(n);
        enum status st = fit(partition, &processing, NULL);
        if (st == STATUS_OK)
            st = pir_process_shard(context, partition, 0, &processing, BFV_ALLOW_INSECURE, &shard,
                                   NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        pir_shard_free(shard);
        if (!reached) {
            cr_assert_eq(st, STATUS_OK);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM, "allocation %zu", n);
    }
    cr_assert_gt(n, 15);
    pir_partition_free(partition);
    fixture_rows_free(&rows);
    bfv_context_free(context);
}
