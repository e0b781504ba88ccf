/* The sources are made as the reference leaves them: shards of ours as `.bin` with parameters. */
#include "pir-server/dataset/dataset_import.h"

#include "base/file.h"
#include "base/folder_lock.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_in_force.h"
#include "pir-server/pir/pir_shard_bin.h"
#include "pir-server/wire/wire_parameters.h"
#include "tests/pir-server/dataset/dataset_help.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHARDS 4

static char *made; /* datasets that the sources come from */
static char *data; /* what is imported */
static char *home;
static char *stem;
static struct dataset *origin;

/* Shard `from` of a dataset as shard `to` of the sources. */
static void export_shard(const struct dataset *dataset, uint64_t from, uint64_t to)
{
    char path[512];
    const struct pir_shard *shard = dataset_shard(dataset, from);
    snprintf(path, sizeof path, "%s-%u.bin", stem, (unsigned)to);
    cr_assert_eq(pir_shard_export_bin(shard, 0, path, NULL), STATUS_OK);
    snprintf(path, sizeof path, "%s-%u.params.txtpb", stem, (unsigned)to);
    cr_assert_eq(wire_parameters_write_file(path, pir_shard_parameters(shard), NULL), STATUS_OK);
}

static struct dataset *make(const char *name, size_t rows, uint64_t shards)
{
    struct dataset_settings settings = plain_settings();
    struct dataset_summary summary;
    struct dataset *dataset = NULL;
    struct row_set *set = numbered_rows(name, rows);
    settings.use_case = name;
    settings.shard_count = shards;
    cr_assert_eq(dataset_write(made, set, &settings, NULL, &summary, NULL), STATUS_OK);
    cr_assert_eq(dataset_open(made, name, 0, &dataset, NULL), STATUS_OK);
    row_set_free(set);
    return dataset;
}

static void set_up(void)
{
    made = data_folder_new();
    data = data_folder_new();
    home = path_join(data, "a.b");
    stem = path_join(made, "db");
    origin = make("origin", 40, SHARDS);
    for (uint64_t i = 0; i < SHARDS; i++)
        export_shard(origin, i, i);
}

static void tear_down(void)
{
    dataset_free(origin);
    mem_free(home);
    mem_free(stem);
    data_folder_remove(made);
    data_folder_remove(data);
}

TestSuite(dataset_import, .init = set_up, .fini = tear_down);

static struct dataset_import import_of(uint64_t shards)
{
    return (struct dataset_import){.use_case = "a.b", .stem = stem, .shard_count = shards};
}

static struct dataset *open_it(void)
{
    struct dataset *dataset = NULL;
    struct error error = {0};
    cr_assert_eq(dataset_open(data, "a.b", 0, &dataset, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(dataset_verify(dataset, NULL, NULL, &error), STATUS_OK, "%s", error.message);
    return dataset;
}

/* What is in force, after an import that must go well. */
static bool import(uint64_t shards, char ret_version[DATASET_VERSION_BYTES + 1])
{
    const struct dataset_import wanted = import_of(shards);
    struct error error = {0};
    size_t new_count = 0;
    cr_assert_eq(dataset_import(data, &wanted, 1, NULL, &new_count, &error), STATUS_OK, "%s",
                 error.message);
    dataset_in_force(home, ret_version);
    return new_count == 1;
}

static void set_time(const char *ending, time_t seconds)
{
    char path[512];
    snprintf(path, sizeof path, "%s-%s", stem, ending);
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

Test(dataset_import, shards_are_what_they_were)
{
    char version[DATASET_VERSION_BYTES + 1];
    cr_assert(import(SHARDS, version));
    struct dataset *dataset = open_it();
    cr_assert(dataset_info(dataset)->is_imported);
    cr_assert_eq(dataset_info(dataset)->shard_count, SHARDS);
    for (uint64_t i = 0; i < SHARDS; i++)
        cr_assert_arr_eq(pir_shard_digest(dataset_shard(dataset, i)),
                         pir_shard_digest(dataset_shard(origin, i)), SHA256_BYTES);
    for (size_t i = 0; i < 40; i++) {
        char keyword[64];
        snprintf(keyword, sizeof keyword, "origin%zu.example.com", i);
        cr_assert(dataset_holds(dataset, span_of_text(keyword)));
    }
    dataset_free(dataset);
}

Test(dataset_import, again_only_when_something_changed)
{
    char first[DATASET_VERSION_BYTES + 1];
    char version[DATASET_VERSION_BYTES + 1];
    set_time("1.bin", 1000);
    cr_assert(import(SHARDS, first));
    cr_assert_not(import(SHARDS, version));
    set_time("1.bin", 2000); /* other times, same content: the same version */
    cr_assert(import(SHARDS, version));
    cr_assert_str_eq(version, first);
    cr_assert_not(import(SHARDS, version));

    struct dataset *other = make("other", 41, SHARDS);
    export_shard(other, 2, 2);
    cr_assert(import(SHARDS, version));
    cr_assert_str_neq(version, first);
    struct dataset *dataset = open_it();
    cr_assert_arr_eq(pir_shard_digest(dataset_shard(dataset, 2)),
                     pir_shard_digest(dataset_shard(other, 2)), SHA256_BYTES);
    dataset_free(dataset);
    dataset_free(other);
    /* What another has put in force is not kept for what the files say. */
    cr_assert_eq(dataset_put_in_force(home, first, NULL), STATUS_OK);
    cr_assert(import(SHARDS, version));
    cr_assert_str_neq(version, first);
}

Test(dataset_import, any_number_of_shards_of_any_shape)
{
    char version[DATASET_VERSION_BYTES + 1];
    struct dataset *large = make("large", 5000, 1);
    cr_assert(import(3, version));
    struct dataset *dataset = open_it();
    cr_assert_eq(dataset_info(dataset)->shard_count, 3);
    dataset_free(dataset);
    export_shard(large, 0, 1);
    cr_assert(import(3, version));
    dataset = open_it();
    cr_assert_not(pir_parameters_equal(pir_shard_parameters(dataset_shard(dataset, 0)),
                                       pir_shard_parameters(dataset_shard(dataset, 1))));
    dataset_free(dataset);
    dataset_free(large);
}

/* Compiling lists into the same use case needs rows that are not there, and makes all anew. */
Test(dataset_import, lists_are_compiled_over_it)
{
    char version[DATASET_VERSION_BYTES + 1];
    struct dataset_settings settings = plain_settings();
    struct dataset_summary summary;
    struct row_set *rows = numbered_rows("y", 20);
    cr_assert(import(SHARDS, version));
    settings.shard_count = SHARDS;
    cr_assert_eq(dataset_write(data, rows, &settings, NULL, &summary, NULL), STATUS_OK);
    cr_assert_not(summary.is_updated);
    row_set_free(rows);
    struct dataset *dataset = open_it();
    cr_assert_not(dataset_info(dataset)->is_imported);
    dataset_free(dataset);
}

static void cut(const char *ending, off_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s-%s", stem, ending);
    cr_assert_eq(truncate(path, size), 0);
}

static size_t count_unfinished(void)
{
    size_t count = 0;
    DIR *folder = opendir(home);
    cr_assert_not_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        count += folder_lock_is_unfinished(entry->d_name);
    closedir(folder);
    return count;
}

/* The version before stays in force, and nothing is left over. */
static void fails(const struct dataset_import *wanted, enum status expected, const char *words)
{
    char before[DATASET_VERSION_BYTES + 1];
    char after[DATASET_VERSION_BYTES + 1];
    struct error error = {0};
    size_t new_count = 0;
    dataset_in_force(home, before);
    cr_expect_eq(dataset_import(data, wanted, 1, NULL, &new_count, &error), expected, "%s",
                 error.message);
    cr_expect_not_null(strstr(error.message, words), "%s", error.message);
    cr_expect_eq(dataset_import_check(wanted, NULL, &error), expected, "%s", error.message);
    dataset_in_force(home, after);
    cr_expect_str_eq(after, before);
    cr_expect_eq(count_unfinished(), 0);
}

Test(dataset_import, what_is_wrong_is_named)
{
    char version[DATASET_VERSION_BYTES + 1];
    struct dataset_import wanted = import_of(SHARDS);
    cr_assert(import(SHARDS, version));
    cut("3.bin", 100);
    fails(&wanted, STATUS_MALFORMED, "db-3.bin");
    cut("3.bin", 0);
    fails(&wanted, STATUS_MALFORMED, "db-3.bin");
    export_shard(origin, 3, 3);
    cut("2.params.txtpb", 40);
    fails(&wanted, STATUS_MALFORMED, "db-2.params.txtpb");
    export_shard(origin, 2, 2);
    wanted.shard_count = SHARDS + 1;
    fails(&wanted, STATUS_NOT_FOUND, "db-4.params.txtpb");
    wanted.shard_count = 0;
    fails(&wanted, STATUS_INVALID, "0 shards");
    wanted.shard_count = DATASET_SHARDS_MAX + 1;
    fails(&wanted, STATUS_INVALID, "65537 shards");
    wanted = import_of(SHARDS);
    wanted.use_case = "a/b";
    fails(&wanted, STATUS_INVALID, "use case");
    cr_assert(import(SHARDS, version)); /* times have changed: all is well again */
    struct dataset *dataset = open_it();
    dataset_free(dataset);
}

Test(dataset_import, another_is_at_work)
{
    char version[DATASET_VERSION_BYTES + 1];
    int lock = FOLDER_LOCK_NONE;
    struct error error;
    size_t new_count;
    cr_assert(import(SHARDS, version));
    set_time("0.bin", 7);
    cr_assert_eq(folder_lock_take(home, "test", &lock, NULL), STATUS_OK);
    const struct dataset_import wanted = import_of(SHARDS);
    cr_assert_eq(dataset_import(data, &wanted, 1, NULL, &new_count, &error), STATUS_BUSY);
    folder_lock_release(lock);
}

/* Every allocation of an import fails once: all of it or nothing. */
Test(dataset_import, without_memory)
{
    char before[DATASET_VERSION_BYTES + 1];
    char after[DATASET_VERSION_BYTES + 1];
    const struct dataset_import wanted = import_of(1);
    cr_assert(import(2, before));
    for (size_t n = 1;; n++) {
        struct error error = {0};
        size_t new_count = 0;
        mem_fail_nth(n);
        const enum status status = dataset_import(data, &wanted, 1, NULL, &new_count, &error);
        const bool failed = !mem_fail_pending();
        mem_fail_nth(0);
        dataset_in_force(home, after);
        dataset_free(open_it());
        if (!failed)
            break;
        cr_assert(status == STATUS_OK || status == STATUS_NOMEM, "allocation %zu: %s", n,
                  error.message);
        if (status == STATUS_OK) /* only what is best effort went without */
            cr_assert(import(2, before));
        cr_assert_lt(n, 2000);
    }
    cr_assert_str_neq(after, before);
}
