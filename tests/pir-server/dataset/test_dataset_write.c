#include "pir-server/dataset/dataset_write.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/pir/keyword_hash.h"
#include "pir-server/pir/pir_parameters.h"
#include "pir-server/pir/pir_processing.h"
#include "tests/patience.h"
#include "tests/pir-server/dataset/dataset_help.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *data;
static struct dataset_summary summary;
static struct error error;

static void make_folder(void)
{
    data = data_folder_new();
}
static void remove_folder(void)
{
    data_folder_remove(data);
}
TestSuite(dataset_write, .init = make_folder, .fini = remove_folder);

static enum status try_rows(const char *stem, size_t count, const struct dataset_settings *settings)
{
    struct row_set *rows = numbered_rows(stem, count);
    const enum status status = dataset_write(data, rows, settings, NULL, &summary, &error);
    row_set_free(rows);
    return status;
}

static void write_rows(const char *stem, size_t count, const struct dataset_settings *settings)
{
    cr_assert_eq(try_rows(stem, count, settings), STATUS_OK, "%s", error.message);
}

static struct dataset *open_it(void)
{
    struct dataset *dataset = NULL;
    cr_assert_eq(dataset_open(data, "a.b", 0, &dataset, &error), STATUS_OK, "%s", error.message);
    return dataset;
}

/* Entries of DATA/a.b. */
static size_t entry_count(void)
{
    char *home = path_join(data, "a.b");
    DIR *listing = opendir(home);
    size_t count = 0;
    cr_assert_not_null(listing);
    for (const struct dirent *e = readdir(listing); e != NULL; e = readdir(listing))
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(listing);
    mem_free(home);
    return count;
}

Test(dataset_write, settings_out_of_range_are_refused)
{
    struct dataset_settings settings = plain_settings();
    settings.use_case = "a/b";
    cr_assert_eq(try_rows("x", 1, &settings), STATUS_INVALID);
    settings = plain_settings();
    settings.shard_count = 3;
    cr_assert_eq(try_rows("x", 1, &settings), STATUS_INVALID);
    settings.shard_count = 2 * DATASET_SHARDS_MAX;
    cr_assert_eq(try_rows("x", 1, &settings), STATUS_INVALID);
    settings = plain_settings();
    settings.wish.hash_function_count = 3;
    cr_assert_eq(try_rows("x", 1, &settings), STATUS_INVALID);
    settings = plain_settings();
    settings.parameter_set = "n_4096_logq_27_28_28_logt_13";
    cr_assert_eq(try_rows("x", 1, &settings), STATUS_INVALID);
    static const double rates[] = {0, 1, -1, 2};
    for (size_t i = 0; i < ARRAY_COUNT(rates); i++) {
        settings = plain_settings();
        settings.false_positive_rate = rates[i];
        cr_assert_eq(try_rows("x", 1, &settings), STATUS_INVALID);
    }
    struct folder_names names;
    cr_assert_eq(dataset_list(data, &names, NULL), STATUS_OK);
    cr_assert_eq(names.count, 0);
    folder_names_deinit(&names);
}

Test(dataset_write, no_row_at_all_still_has_the_test_row)
{
    const struct dataset_settings settings = plain_settings();
    write_rows("x", 0, &settings);
    cr_assert_eq(summary.info.row_count, 1);
    cr_assert_eq(summary.info.shard_count, 1);
    struct dataset *dataset = open_it();
    cr_assert_eq(dataset_verify(dataset, NULL, NULL, NULL), STATUS_OK);
    cr_assert(dataset_holds(dataset, span_of_text(DATASET_TEST_ROW)));
    dataset_free(dataset);
}

/* Most shards are empty. */
Test(dataset_write, more_shards_than_rows)
{
    struct dataset_settings settings = plain_settings();
    settings.shard_count = 32;
    write_rows("x", 3, &settings);
    struct dataset *dataset = open_it();
    cr_assert_eq(dataset_verify(dataset, NULL, NULL, NULL), STATUS_OK);
    cr_assert_eq(summary.load.rows_least, 0);
    cr_assert(dataset_holds(dataset, span_of_text("x2.example.com")));
    cr_assert_not(dataset_holds(dataset, span_of_text("x3.example.com")));
    dataset_free(dataset);
}

Test(dataset_write, every_row_is_held)
{
    for (size_t functions = 1; functions <= 2; functions++) {
        struct dataset_settings settings = plain_settings();
        settings.wish.hash_function_count = functions;
        settings.rows_per_shard = 200;
        write_rows("x", 700, &settings);
        cr_assert_eq(summary.info.shard_count, 4);
        cr_assert_eq(summary.parameters.hash_function_count, functions);
        struct dataset *dataset = open_it();
        for (size_t i = 0; i < 700; i += 13) {
            char text[32];
            snprintf(text, sizeof text, "x%zu.example.com", i);
            cr_assert(dataset_holds(dataset, span_of_text(text)), "%s", text);
        }
        dataset_free(dataset);
    }
}

static bool same_files(const char *a, const char *b)
{
    char command[600];
    snprintf(command, sizeof command, "diff -r %s %s >/dev/null", a, b);
    return system(command) == 0;
}

Test(dataset_write, same_bytes_whatever_the_threads)
{
    struct dataset_settings settings = plain_settings();
    settings.shard_count = 8;
    char *folders[3];
    for (size_t threads = 0; threads < 3; threads++) {
        struct thread_pool *pool = NULL;
        char *home = path_join(data, threads == 0 ? "t0" : threads == 1 ? "t1" : "t2");
        struct row_set *rows = numbered_rows("x", 2000);
        if (threads > 0)
            cr_assert_eq(thread_pool_new(threads * 2, 1, &pool, NULL), STATUS_OK);
        cr_assert_eq(dataset_write(home, rows, &settings, pool, &summary, NULL), STATUS_OK);
        thread_pool_free(pool);
        row_set_free(rows);
        folders[threads] = path_join(home, "a.b");
        mem_free(home);
    }
    cr_assert(same_files(folders[0], folders[1]));
    cr_assert(same_files(folders[0], folders[2]));
    for (size_t i = 0; i < 3; i++)
        mem_free(folders[i]);
}

Test(dataset_write, the_version_follows_rows_rate_and_seed)
{
    struct dataset_settings settings = plain_settings();
    char versions[5][DATASET_VERSION_BYTES + 1];
    write_rows("x", 10, &settings);
    strcpy(versions[0], summary.info.version);
    write_rows("y", 10, &settings);
    strcpy(versions[1], summary.info.version);
    settings.false_positive_rate = 0.01;
    write_rows("x", 10, &settings);
    strcpy(versions[2], summary.info.version);
    settings.has_seed = true;
    settings.murmur_seed = 7;
    write_rows("x", 10, &settings);
    strcpy(versions[3], summary.info.version);
    cr_assert_eq(summary.info.murmur_seed, 7);
    settings.shard_count = 2;
    write_rows("x", 10, &settings);
    strcpy(versions[4], summary.info.version);
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < i; j++)
            cr_expect_str_neq(versions[i], versions[j]);
    }
    cr_assert_eq(entry_count(), 5 + 3, "five versions, current, .history, .lock");
}

Test(dataset_write, the_same_again_is_no_new_version)
{
    const struct dataset_settings settings = plain_settings();
    write_rows("x", 100, &settings);
    cr_assert_not(summary.existed);
    write_rows("y", 100, &settings);
    write_rows("x", 100, &settings);
    cr_assert(summary.existed && !summary.is_unchanged);
    const struct dataset_outlook outlook = summary.outlook;
    write_rows("x", 100, &settings);
    cr_assert(summary.existed && summary.is_unchanged);
    cr_assert_gt(summary.outlook.queries, 0);
    cr_assert_eq(summary.outlook.queries, outlook.queries);
    cr_assert_eq(summary.outlook.people_a_core, outlook.people_a_core);
    struct dataset *dataset = open_it();
    cr_assert_str_eq(dataset_info(dataset)->version, summary.info.version);
    cr_assert_eq(entry_count(), 5);
    dataset_free(dataset);
}

Test(dataset_write, a_damaged_folder_of_the_same_version_is_replaced)
{
    const struct dataset_settings settings = plain_settings();
    write_rows("x", 100, &settings);
    struct dataset *dataset = open_it();
    damage_file(dataset_folder(dataset), "rows.txt", "W");
    dataset_free(dataset);
    write_rows("x", 100, &settings);
    cr_assert_not(summary.existed);
    dataset = open_it();
    cr_assert_eq(dataset_verify(dataset, NULL, NULL, NULL), STATUS_OK);
    dataset_free(dataset);
    cr_assert_eq(entry_count(), 4);
}

Test(dataset_write, the_shape_is_kept_while_rows_fit)
{
    struct dataset_settings settings = plain_settings();
    settings.shard_count = 2;
    write_rows("x", 2000, &settings);
    const uint64_t buckets = summary.parameters.entry_count;
    cr_assert_not(summary.kept_shape);

    settings.shard_count = 0; /* as before */
    write_rows("x", 2200, &settings);
    cr_assert(summary.kept_shape);
    cr_assert_eq(summary.info.shard_count, 2);
    cr_assert_eq(summary.parameters.entry_count, buckets);
    write_rows("x", 100, &settings);
    cr_assert_eq(summary.parameters.entry_count, buckets, "fewer rows fit, too");

    write_rows("x", 20000, &settings);
    cr_assert_not(summary.kept_shape);
    cr_assert_gt(summary.parameters.entry_count, buckets);
    struct dataset *dataset = open_it();
    cr_assert(dataset_holds(dataset, span_of_text("x19999.example.com")));
    dataset_free(dataset);

    settings.shard_count = 4;
    write_rows("x", 100, &settings);
    cr_assert_not(summary.kept_shape);
    cr_assert_eq(summary.info.shard_count, 4);
}

/* A shape that today's defaults would not choose, as an earlier version may have it. */
Test(dataset_write, keys_of_devices_are_kept_with_the_shape_and_beyond)
{
    struct dataset_settings settings = plain_settings();
    settings.wish.max_key_bytes = 600000;
    write_rows("x", 40000, &settings);
    const struct pir_parameters before = summary.parameters;
    cr_assert_leq(summary.prediction.evaluation_key_bytes, 600000);

    settings = plain_settings();
    write_rows("x", 41000, &settings);
    cr_assert(summary.kept_shape);
    cr_assert(summary.kept_keys);
    cr_assert(pir_parameters_equal(&summary.parameters, &before));
    struct dataset *dataset = open_it();
    cr_assert(pir_parameters_equal(dataset_parameters(dataset), &before));
    dataset_free(dataset);

    /* Outgrown: more buckets, for the same keys, which cost little here. */
    struct pir_cost_constants constants = *pir_cost_shipped();
    constants.ns[PIR_COST_DECOMPOSITION] = 1;
    settings.wish.constants = &constants;
    settings.wish.growth_percent = 0;
    write_rows("x", 55000, &settings);
    cr_assert_not(summary.kept_shape);
    cr_assert(summary.kept_keys);
    cr_assert_gt(summary.parameters.entry_count, before.entry_count);

    /* Where they cost much, others are asked for. */
    constants.ns[PIR_COST_DECOMPOSITION] = PIR_COST_NS_MAX;
    write_rows("x", 70000, &settings);
    cr_assert_not(summary.kept_shape);
    cr_assert_not(summary.kept_keys);
    cr_assert_gt(summary.prediction.evaluation_key_bytes, 600000);

    /* A limit that they exceed. */
    settings.wish.max_key_bytes = summary.prediction.evaluation_key_bytes - 1;
    settings.shard_count = 4;
    write_rows("x", 55000, &settings);
    cr_assert_not(summary.kept_keys);
    cr_assert_leq(summary.prediction.evaluation_key_bytes, settings.wish.max_key_bytes);
    settings.wish.max_key_bytes = 1;
    settings.shard_count = 1;
    cr_assert_eq(try_rows("x", 55000, &settings), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(error.message, "an evaluation key takes at least"));
}

static uint64_t modulus_of(size_t count, const struct dataset_settings *settings)
{
    write_rows("x", count, settings);
    return summary.parameters.encryption.plaintext_modulus;
}

Test(dataset_write, encryption_parameters_by_default_and_as_before)
{
    struct dataset_settings settings = plain_settings();
    cr_assert_eq(modulus_of(1000, &settings), 37, "t of 6 bits");

    /* An earlier default stays, in the shape before and in a larger one. */
    settings.parameter_set = DATASET_RLWE_PARAMETERS_ROOMY;
    cr_assert_eq(modulus_of(1000, &settings), 17, "another is asked for");
    settings.parameter_set = NULL;
    cr_assert_eq(modulus_of(1001, &settings), 17);
    cr_assert(summary.kept_shape);
    cr_assert_eq(modulus_of(30000, &settings), 17);
    cr_assert_not(summary.kept_shape);
    settings.parameter_set = DATASET_RLWE_PARAMETERS;
    cr_assert_eq(modulus_of(30000, &settings), 37);
}

/* A reply takes 13.3 KB with t of 6 bits, 12.3 with one of 5. */
Test(dataset_write, other_encryption_parameters_where_those_by_default_are_beyond_a_limit)
{
    struct dataset_settings settings = plain_settings();
    settings.wish.max_response_bytes = 13000;
    cr_assert_eq(modulus_of(1000, &settings), 17);
    settings.wish.max_response_bytes = 10000;
    settings.shard_count = 2;
    cr_assert_eq(try_rows("x", 1000, &settings), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(error.message, "a response takes at least 12"), "%s", error.message);
    settings = plain_settings();
    settings.shard_count = 2;
    settings.wish.max_response_bytes = 13000;
    settings.parameter_set = DATASET_RLWE_PARAMETERS;
    cr_assert_eq(try_rows("x", 1000, &settings), STATUS_TOO_LARGE, "what is asked for is taken");
    cr_assert_not_null(strstr(error.message, "a response takes at least 13"), "%s", error.message);
}

/* Ten thousand keys made to fall into one bucket of the shape that their number suggests. */
Test(dataset_write, colliding_keys_make_the_shape_larger, .timeout = PATIENCE_OF_TEST_S)
{
    enum { KEYS = 10000 };
    const struct dataset_settings settings = plain_settings();
    write_rows("x", KEYS, &settings);
    const uint64_t buckets = summary.parameters.entry_count;
    struct row_set *rows = NULL;
    char last[32] = "";
    cr_assert_eq(row_set_new(&rows, NULL), STATUS_OK);
    for (uint64_t i = 0; row_set_count(rows) < KEYS; i++) {
        char text[32];
        uint64_t index;
        snprintf(text, sizeof text, "%llu.example.com", (unsigned long long)i);
        keyword_bucket_indices(keyword_hash(span_of_text(text)), buckets, 1, &index);
        if (index != 0)
            continue;
        cr_assert_eq(row_set_add(rows, span_of_text(text), NULL), STATUS_OK);
        memcpy(last, text, sizeof last);
    }
    cr_assert_eq(dataset_write(data, rows, &settings, NULL, &summary, &error), STATUS_OK, "%s",
                 error.message);
    row_set_free(rows);
    cr_assert_gt(summary.parameters.entry_count, buckets);
    cr_assert_eq(summary.info.row_count, KEYS + 1);
    struct dataset *dataset = open_it();
    cr_assert(dataset_holds(dataset, span_of_text(last)));
    dataset_free(dataset);
}

Test(dataset_write, leftovers_of_a_killed_run_are_removed)
{
    const struct dataset_settings settings = plain_settings();
    write_rows("x", 10, &settings);
    char *home = path_join(data, "a.b");
    char *left = NULL;
    cr_assert_eq(folder_make_temporary(home, "dataset", &left, NULL), STATUS_OK);
    char *file = path_join(left, "rows.txt");
    cr_assert_eq(file_write(file, 0600, span_of_text("half"), NULL), STATUS_OK);
    char *link = path_join(home, ".current.0123456789abcdef.tmp");
    cr_assert_eq(symlink("nowhere", link), 0);
    cr_assert_eq(entry_count(), 6);
    write_rows("x", 10, &settings);
    cr_assert_eq(entry_count(), 4);
    mem_free(link);
    mem_free(file);
    mem_free(left);
    mem_free(home);
}

Test(dataset_write, two_runs_at_once_are_refused)
{
    const struct dataset_settings settings = plain_settings();
    write_rows("x", 10, &settings);
    char *home = path_join(data, "a.b");
    char *path = path_join(home, ".lock");
    const int fd = open(path, O_RDWR);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    cr_assert_eq(try_rows("y", 10, &settings), STATUS_BUSY);
    close(fd);
    cr_assert_eq(try_rows("y", 10, &settings), STATUS_OK);
    mem_free(path);
    mem_free(home);
}

Test(dataset_write, a_target_that_is_no_folder_is_named)
{
    const struct dataset_settings settings = plain_settings();
    char *file = path_join(data, "file");
    cr_assert_eq(file_write(file, 0600, span_of_text("x"), NULL), STATUS_OK);
    struct row_set *rows = numbered_rows("x", 1);
    cr_assert_neq(dataset_write(file, rows, &settings, NULL, &summary, &error), STATUS_OK);
    cr_assert_not_null(strstr(error.message, "file"), "%s", error.message);
    row_set_free(rows);
    mem_free(file);
}

/* Whatever allocation fails: a status, nothing left over, and the version before still in force. */
Test(dataset_write, failed_allocations_leave_the_version_before, .timeout = PATIENCE_OF_TEST_S)
{
    struct dataset_settings settings = plain_settings();
    write_rows("x", 20, &settings);
    char before[DATASET_VERSION_BYTES + 1];
    strcpy(before, summary.info.version);
    struct row_set *rows = NULL;
    size_t n = 1;
    for (;; n++) {
        rows = numbered_rows("y", 20);
        mem_fail_nth(n);
        const enum status status = dataset_write(data, rows, &settings, NULL, &summary, &error);
        const bool failed = !mem_fail_pending();
        mem_fail_nth(0);
        row_set_free(rows);
        if (!failed) {
            cr_assert_eq(status, STATUS_OK);
            break;
        }
        if (status == STATUS_OK) { /* only the cleaning up, which is best effort, went without */
            write_rows("x", 20, &settings);
            continue;
        }
        cr_assert_eq(status, STATUS_NOMEM, "allocation %zu: %d", n, (int)status);
        struct dataset *dataset = open_it();
        cr_assert_str_eq(dataset_info(dataset)->version, before);
        dataset_free(dataset);
        cr_assert_lt(n, 2000);
    }
    cr_assert_gt(n, 50);
}
