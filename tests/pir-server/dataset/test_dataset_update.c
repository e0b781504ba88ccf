/* Versions made from the version before, against versions made anew. */
#include "pir-server/dataset/dataset_update.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "pir-server/dataset/dataset_write.h"
#include "pir-server/pir/keyword_hash.h"
#include "pir-server/pir/pir_parameters.h"
#include "tests/patience.h"
#include "tests/pir-server/dataset/dataset_help.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UNIVERSE = 6000, SHARDS = 4 };

static char *data;
static struct dataset_settings settings;
static struct dataset_summary summary;
static struct error error;
static bool is_in[UNIVERSE];

static void make_folder(void)
{
    data = data_folder_new();
    settings = plain_settings();
    settings.shard_count = SHARDS;
    for (size_t i = 0; i < UNIVERSE; i++)
        is_in[i] = i % 2 == 0;
}
static void remove_folder(void)
{
    data_folder_remove(data);
}
TestSuite(dataset_update, .init = make_folder, .fini = remove_folder,
          .timeout = PATIENCE_OF_TEST_S);

static void row_text(size_t number, char ret[32])
{
    snprintf(ret, 32, "r%zu.example.com", number * 7919 % 100003);
}

static struct row_set *rows_now(void)
{
    struct row_set *rows = NULL;
    cr_assert_eq(row_set_new(&rows, NULL), STATUS_OK);
    for (size_t i = 0; i < UNIVERSE; i++) {
        char text[32];
        row_text(i, text);
        if (is_in[i])
            cr_assert_eq(row_set_add(rows, span_of_text(text), NULL), STATUS_OK);
    }
    return rows;
}

static enum status try_write(const char *folder, size_t workers)
{
    struct thread_pool *pool = NULL;
    struct row_set *rows = rows_now();
    cr_assert_eq(thread_pool_new(workers, 1, &pool, NULL), STATUS_OK);
    const enum status status = dataset_write(folder, rows, &settings, pool, &summary, &error);
    thread_pool_free(pool);
    row_set_free(rows);
    return status;
}

static void write_version(const char *folder, size_t workers)
{
    cr_assert_eq(try_write(folder, workers), STATUS_OK, "%s", error.message);
}

/* All is as it should be, whatever way it was made. */
static void check_current(const char *folder)
{
    struct dataset *dataset = NULL;
    cr_assert_eq(dataset_open(folder, "a.b", 0, &dataset, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(dataset_verify(dataset, NULL, NULL, &error), STATUS_OK, "%s", error.message);
    dataset_free(dataset);
}

/* The version in force must be made anew because of `words`, and is whole then. */
static void check_full(const char *words)
{
    write_version(data, 1);
    cr_assert_not(summary.is_updated);
    cr_assert_not_null(strstr(summary.full_reason, words), "%s", summary.full_reason);
    check_current(data);
}

static void check_same(const char *a, const char *b)
{
    char command[600];
    snprintf(command, sizeof command, "diff -r %s/a.b/current/ %s/a.b/current/ >/dev/null", a, b);
    cr_assert_eq(system(command), 0, "%s", command);
}

/* Path of a file of the version in force. */
static const char *current(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/a.b/current/%s", data, name);
    return path;
}

Test(dataset_update, gives_the_bytes_of_a_full_build)
{
    static const size_t changes[] = {1, 2, 5, 9, 3, 1, 8, 4};
    const uint8_t seed[RANDOM_SEED_BYTES] = {3};
    struct random_seeded random;
    char *parts = path_join(data, "parts");
    char *full = path_join(data, "full");
    (void)random_seeded_init(&random, seed);
    write_version(parts, 0);
    write_version(full, 0);
    for (size_t round = 0; round < ARRAY_COUNT(changes); round++) {
        size_t added = 0;
        for (size_t i = 0; i < changes[round]; i++) {
            const size_t row = (size_t)random_seeded_below(&random, UNIVERSE);
            is_in[row] = !is_in[row];
            added += is_in[row];
        }
        settings.is_full = false;
        write_version(parts, round % 4);
        cr_assert(summary.is_updated, "round %zu: %s", round, summary.full_reason);
        cr_assert(summary.kept_shape);
        cr_assert_leq(summary.update.rows_added, added);
        cr_assert_leq(summary.update.plaintexts, changes[round]);
        settings.is_full = true;
        write_version(full, 1);
        cr_assert_not(summary.is_updated);
        cr_assert_str_eq(summary.full_reason, "it was asked for");
        check_same(parts, full);
        check_current(parts);
    }
    mem_free(parts);
    mem_free(full);
}

/* Rows leave until a bucket, and in the end every bucket but that of the test row, is empty, and
 * come back. */
Test(dataset_update, empties_and_fills_buckets)
{
    char *parts = path_join(data, "parts");
    char *full = path_join(data, "full");
    for (size_t i = 20; i < UNIVERSE; i++)
        is_in[i] = false;
    settings.shard_count = 1;
    for (int round = 0; round < 6; round++) {
        for (int way = 0; way < 2; way++) {
            settings.is_full = way == 1;
            write_version(way == 0 ? parts : full, 1);
        }
        check_same(parts, full);
        for (size_t i = 0; i < 20; i += 2)
            is_in[i] = round % 2 == 1;
    }
    mem_free(parts);
    mem_free(full);
}

Test(dataset_update, links_shards_that_stay_and_never_shares_what_changes)
{
    const struct sharding sharding = {.function = SHARDING_SHA256};
    char text[32];
    struct stat info;
    write_version(data, 1);
    char first[DATASET_VERSION_BYTES + 1];
    strcpy(first, summary.info.version);
    is_in[1] = true;
    row_text(1, text);
    const uint64_t shard = sharding_shard_of(&sharding, keyword_hash(span_of_text(text)), SHARDS);
    write_version(data, 1);
    cr_assert(summary.is_updated, "%s", summary.full_reason);
    cr_assert_eq(summary.update.rows_added, 1);
    cr_assert_eq(summary.update.rows_removed, 0);
    cr_assert_eq(summary.update.plaintexts, 1);
    cr_assert_eq(summary.update.shards_linked, SHARDS - 1);
    for (uint64_t i = 0; i < SHARDS; i++) {
        char name[32];
        snprintf(name, sizeof name, "shard-%u.pir", (unsigned)i);
        cr_assert_eq(stat(current(name), &info), 0);
        cr_assert_eq(info.st_nlink, i == shard ? 1 : 2, "%s", name);
    }
    char *old = path_join(data, "a.b");
    char *folder = path_join(old, first);
    struct dataset *dataset = NULL;
    cr_assert_eq(dataset_open_folder(folder, 0, &dataset, &error), STATUS_OK);
    cr_assert_eq(dataset_verify(dataset, NULL, NULL, &error), STATUS_OK, "%s", error.message);
    dataset_free(dataset);
    folder_remove(folder); /* as somebody who clears up does */
    check_current(data);
    mem_free(folder);
    mem_free(old);
}

Test(dataset_update, starts_anew_when_it_must)
{
    check_full("there is no version before");
    is_in[1] = true;
    settings.shard_count = 2;
    check_full("another number of shards");
    is_in[3] = true;
    settings.shard_count = 0;
    settings.wish.hash_function_count = 2;
    check_full("another number of shards or hash functions");
    is_in[5] = true;
    settings.wish.hash_function_count = 0;
    check_full("two hash functions");
    settings.wish.hash_function_count = 1;
    write_version(data, 1);
    for (size_t i = 0; i < 2000; i++)
        is_in[i] = i % 2 != 0;
    check_full("rows came and");
}

static void replace_in_manifest(const char *from, const char *to)
{
    struct bytes json;
    bytes_init(&json, (size_t)1 << 20);
    cr_assert_eq(file_read(current("dataset.json"), &json, NULL), STATUS_OK);
    bytes_append_u8(&json, 0);
    char *at = strstr((char *)json.data, from);
    cr_assert_not_null(at);
    cr_assert_eq(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
    const int fd = open(current("dataset.json"), O_WRONLY);
    cr_assert_eq(write(fd, json.data, json.size - 1), (ssize_t)json.size - 1);
    close(fd);
    bytes_deinit(&json);
}

Test(dataset_update, starts_anew_when_the_version_before_does_not_say_enough)
{
    write_version(data, 1);
    is_in[1] = true;
    replace_in_manifest("\"load\"", "\"lead\"");
    check_full("does not say how many rows");
    is_in[3] = true;
    replace_in_manifest("\"mergedRows\": 0", "\"mergedRows\": 1");
    check_full("does not add up");
    is_in[5] = true;
    replace_in_manifest("\"mergedRows\": 0", "\"mergedRows\": x");
    check_full("dataset.json");
}

/* Writes a byte at an offset, counted from the end when it is negative. */
static void damage_at(const char *name, off_t offset)
{
    const int fd = open(current(name), O_RDWR);
    uint8_t byte;
    cr_assert_geq(fd, 0);
    const off_t at = lseek(fd, offset, offset < 0 ? SEEK_END : SEEK_SET);
    cr_assert_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

Test(dataset_update, starts_anew_when_the_version_before_is_damaged)
{
    write_version(data, 1);
    is_in[1] = true;
    damage_at("shard-2.pir", -10);
    check_full("shard 2: ");
    is_in[3] = true;
    damage_at("shard-0.pir", 5000);
    check_full("shard");
    is_in[5] = true;
    damage_at("rows.txt", 3);
    check_full("rows.txt");
    is_in[7] = true;
    cr_assert_eq(unlink(current("shard-1.pir")), 0);
    check_full("shard-1.pir");
    is_in[9] = true;
    cr_assert_eq(unlink(current("rows.txt")), 0);
    check_full("rows.txt");
    is_in[11] = true;
    write_version(data, 1);
    cr_assert(summary.is_updated, "and goes on from there: %s", summary.full_reason);
}

/* Keys made to fall into one bucket: the shape grows, no row is lost. */
Test(dataset_update, starts_anew_when_a_bucket_overflows)
{
    settings.shard_count = 1;
    write_version(data, 1);
    const uint64_t buckets = summary.parameters.entry_count;
    struct row_set *rows = rows_now();
    char text[64] = "";
    size_t found = 0;
    for (uint64_t i = 0; found < 250; i++) {
        uint64_t index;
        snprintf(text, sizeof text, "%llu.collides.example", (unsigned long long)i);
        keyword_bucket_indices(keyword_hash(span_of_text(text)), buckets, 1, &index);
        if (index != 0)
            continue;
        cr_assert_eq(row_set_add(rows, span_of_text(text), NULL), STATUS_OK);
        found++;
    }
    settings.shard_count = 0;
    cr_assert_eq(dataset_write(data, rows, &settings, NULL, &summary, &error), STATUS_OK, "%s",
                 error.message);
    row_set_free(rows);
    cr_assert_not(summary.is_updated);
    cr_assert_gt(summary.parameters.entry_count, buckets);
    check_current(data);
}

Test(dataset_update, failed_allocations_leave_the_version_before)
{
    for (size_t i = 40; i < UNIVERSE; i++)
        is_in[i] = false;
    settings.shard_count = 2;
    write_version(data, 0);
    is_in[1] = true;
    size_t n = 1;
    for (;; n++) {
        struct row_set *rows = rows_now();
        mem_fail_nth(n);
        const enum status status = dataset_write(data, rows, &settings, NULL, &summary, &error);
        const bool failed = !mem_fail_pending();
        mem_fail_nth(0);
        row_set_free(rows);
        check_current(data);
        if (!failed)
            break;
        cr_assert(status == STATUS_NOMEM || status == STATUS_OK, "allocation %zu: %d", n,
                  (int)status);
        if (status == STATUS_OK) { /* it was only the cleaning up, or the version before */
            is_in[1] = false;
            write_version(data, 0);
            is_in[1] = true;
        }
        cr_assert_lt(n, 3000);
    }
    cr_assert_gt(n, 50);
}
