/* Which versions are listed, put in force and removed. */
#include "pir-server/dataset/dataset_gc.h"

#include "base/file.h"
#include "base/folder_lock.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_hold.h"
#include "pir-server/dataset/dataset_in_force.h"
#include "pir-server/dataset/dataset_versions.h"
#include "tests/pir-server/dataset/dataset_help.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSIONS 4

static char *data;
static char *home;
static char names[VERSIONS][DATASET_VERSION_BYTES + 1]; /* oldest first */

static void set_up(void)
{
    data = data_folder_new();
    home = path_join(data, "a.b");
    for (size_t i = 0; i < VERSIONS; i++) {
        struct dataset_settings settings = plain_settings();
        struct dataset_summary summary;
        struct row_set *rows = numbered_rows("x", 20 + i);
        settings.shard_count = 8;
        cr_assert_eq(dataset_write(data, rows, &settings, NULL, &summary, NULL), STATUS_OK);
        row_set_free(rows);
        memcpy(names[i], summary.info.version, sizeof names[i]);
    }
}

static void tear_down(void)
{
    mem_free(home);
    data_folder_remove(data);
}

TestSuite(dataset_gc, .init = set_up, .fini = tear_down);

static bool is_there(const char *name)
{
    struct stat info;
    char *path = path_join(home, name);
    const bool is = lstat(path, &info) == 0;
    mem_free(path);
    return is;
}

static struct dataset_gc_result collect(size_t keep, bool is_dry_run)
{
    struct dataset_gc_result result;
    struct error err = {0};
    cr_assert_eq(dataset_gc(data, "a.b", keep, is_dry_run, &result, &err), STATUS_OK, "%s",
                 err.message);
    return result;
}

static struct dataset *open_version(const char *version)
{
    struct dataset *dataset = NULL;
    struct error err = {0};
    cr_assert_eq(dataset_open_version(data, "a.b", version, 0, &dataset, &err), STATUS_OK, "%s",
                 err.message);
    return dataset;
}

static enum status activate(const char *version, bool verify)
{
    const struct dataset_check check = {.verify = verify};
    char before[DATASET_VERSION_BYTES + 1];
    char now[DATASET_VERSION_BYTES + 1];
    return dataset_activate(data, "a.b", version, &check, before, now, NULL);
}

Test(dataset_gc, versions_are_listed)
{
    struct dataset_versions versions;
    cr_assert_eq(dataset_versions_read(data, "a.b", &versions, NULL), STATUS_OK);
    cr_assert_eq(versions.count, VERSIONS);
    for (size_t i = 0; i < VERSIONS; i++) {
        const struct dataset_version *version = dataset_versions_find(&versions, names[i]);
        cr_assert_not_null(version);
        cr_assert_eq(version->why.status, STATUS_OK);
        cr_assert_eq(version->row_count, 21 + i);
        cr_assert_eq(version->shard_count, 8);
        cr_assert_eq(version->is_in_force, i == VERSIONS - 1);
        cr_assert_eq(version->is_before, i == VERSIONS - 2);
        struct dataset *dataset = open_version(names[i]);
        cr_assert_eq(version->bytes, dataset_bytes(dataset));
        cr_assert_eq(dataset_check_sizes(dataset, NULL), STATUS_OK);
        dataset_free(dataset);
    }
    cr_assert_null(dataset_versions_find(&versions, "0123456789abcdef"));
    dataset_versions_deinit(&versions);
    cr_assert_eq(dataset_versions_read(data, "no-such", &versions, NULL), STATUS_NOT_FOUND);
    cr_assert_eq(dataset_versions_read(data, "a/b", &versions, NULL), STATUS_INVALID);
}

Test(dataset_gc, use_cases_are_those_with_a_version_or_a_link)
{
    struct folder_names found;
    static const char *const others[] = {"empty", "linked"};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        char *path = path_join(data, others[i]);
        cr_assert_eq(mkdir(path, 0700), 0);
        char *link = path_join(path, "current");
        if (i == 1)
            cr_assert_eq(symlink("nowhere", link), 0);
        mem_free(link);
        mem_free(path);
    }
    char *current = path_join(home, "current");
    cr_assert_eq(unlink(current), 0);
    mem_free(current);
    cr_assert_eq(dataset_use_cases(data, &found, NULL), STATUS_OK);
    cr_assert_eq(found.count, 2);
    cr_assert_str_eq(found.list[0], "a.b");
    cr_assert_str_eq(found.list[1], "linked");
    folder_names_deinit(&found);
}

Test(dataset_gc, keeps_what_is_in_force_what_was_before_and_the_newest)
{
    cr_assert_eq(activate(names[0], true), STATUS_OK);
    struct dataset_gc_result dry = collect(3, true);
    cr_assert_eq(dry.removed_count, 1);
    cr_assert_gt(dry.freed_bytes, 0);
    for (size_t i = 0; i < VERSIONS; i++)
        cr_assert(is_there(names[i]));
    struct dataset_gc_result result = collect(3, false);
    cr_assert_eq(result.removed_count, 1);
    cr_assert_eq(result.freed_bytes, dry.freed_bytes);
    cr_assert_str_eq(result.versions[0].name, names[0]);
    cr_assert_str_eq(result.versions[1].name, names[3]);
    cr_assert_str_eq(result.versions[2].name, names[2]);
    cr_assert_eq(result.versions[2].fate, DATASET_KEPT);
    cr_assert_str_eq(result.versions[3].name, names[1]);
    cr_assert_eq(result.versions[3].fate, DATASET_REMOVED);
    cr_assert_not(is_there(names[1]));
    dataset_gc_result_deinit(&result);
    dataset_gc_result_deinit(&dry);
    result = collect(1, false);
    cr_assert_eq(result.removed_count, 2);
    dataset_gc_result_deinit(&result);
    cr_assert(is_there(names[0]));
    struct dataset *dataset = open_version(names[0]);
    cr_assert_eq(dataset_verify(dataset, NULL, NULL, NULL), STATUS_OK);
    dataset_free(dataset);
    cr_assert_eq(activate(NULL, false), STATUS_NOT_FOUND);
}

Test(dataset_gc, what_is_open_stays)
{
    struct dataset *open = open_version(names[1]);
    struct dataset_gc_result result = collect(1, false);
    cr_assert_eq(result.removed_count, 2);
    cr_assert_eq(result.in_use_count, 1);
    cr_assert(is_there(names[1]));
    dataset_gc_result_deinit(&result);
    cr_assert_eq(dataset_verify(open, NULL, NULL, NULL), STATUS_OK);
    dataset_free(open);
    result = collect(1, false);
    cr_assert_eq(result.removed_count, 1);
    cr_assert_eq(result.in_use_count, 0);
    cr_assert_not(is_there(names[1]));
    dataset_gc_result_deinit(&result);
}

/* Shards that versions share count as freed with the last one. */
Test(dataset_gc, shared_files_stay_with_the_others)
{
    struct dataset *newest = open_version(names[3]);
    struct dataset_gc_result result = collect(1, true);
    const uint64_t bytes = result.freed_bytes;
    dataset_gc_result_deinit(&result);
    cr_assert_lt(bytes, 3 * dataset_bytes(newest));
    result = collect(1, false);
    cr_assert_eq(result.freed_bytes, bytes);
    dataset_gc_result_deinit(&result);
    cr_assert_eq(dataset_verify(newest, NULL, NULL, NULL), STATUS_OK);
    dataset_free(newest);
}

Test(dataset_gc, without_a_version_in_force_nothing_is_removed)
{
    struct dataset_gc_result result;
    char *current = path_join(home, "current");
    cr_assert_eq(link_replace("0123456789abcdef", current, NULL), STATUS_OK);
    cr_assert_eq(dataset_gc(data, "a.b", 1, false, &result, NULL), STATUS_NOT_FOUND);
    cr_assert_eq(unlink(current), 0);
    cr_assert_eq(dataset_gc(data, "a.b", 1, false, &result, NULL), STATUS_NOT_FOUND);
    for (size_t i = 0; i < VERSIONS; i++)
        cr_assert(is_there(names[i]));
    mem_free(current);
    cr_assert_eq(dataset_gc(data, "a/b", 1, false, &result, NULL), STATUS_INVALID);
    cr_assert_eq(dataset_gc(data, "no-such", 1, false, &result, NULL), STATUS_NOT_FOUND);
}

Test(dataset_gc, what_killed_runs_left_goes_and_other_files_stay)
{
    char *left = NULL;
    cr_assert_eq(folder_make_temporary(home, "dataset", &left, NULL), STATUS_OK);
    char *file = path_join(left, "rows.txt");
    cr_assert_eq(file_write(file, FILE_MODE_PUBLIC, span_of_text("12345"), NULL), STATUS_OK);
    char *other = path_join(home, "notes.txt");
    cr_assert_eq(file_write(other, FILE_MODE_PUBLIC, span_of_text("x"), NULL), STATUS_OK);
    struct dataset_gc_result result = collect(VERSIONS, true);
    cr_assert_eq(result.unfinished_count, 1);
    cr_assert_eq(result.freed_bytes, 5);
    cr_assert(is_there(strrchr(left, '/') + 1));
    dataset_gc_result_deinit(&result);
    result = collect(VERSIONS, false);
    cr_assert_eq(result.unfinished_count, 1);
    cr_assert_eq(result.freed_bytes, 5);
    cr_assert_eq(result.removed_count, 0);
    cr_assert_not(is_there(strrchr(left, '/') + 1));
    cr_assert(is_there("notes.txt"));
    dataset_gc_result_deinit(&result);
    mem_free(other);
    mem_free(file);
    mem_free(left);
}

Test(dataset_gc, a_damaged_version_goes_first_and_is_never_put_in_force)
{
    char *folder = path_join(home, names[2]);
    damage_file(folder, "dataset.json", "{]");
    cr_assert_eq(activate(names[2], false), STATUS_MALFORMED);
    cr_assert_eq(activate(NULL, false), STATUS_MALFORMED);
    cr_assert_eq(activate(names[1], false), STATUS_OK); /* so that 3 is the one before */
    struct dataset_gc_result result = collect(3, false);
    cr_assert_eq(result.removed_count, 1);
    cr_assert_not(is_there(names[2]));
    dataset_gc_result_deinit(&result);
    mem_free(folder);
    folder = path_join(home, names[0]);
    damage_file(folder, "rows.txt", "zzzz");
    cr_assert_eq(activate(names[0], true), STATUS_MISMATCH);
    cr_assert_eq(activate(names[0], false), STATUS_OK);
    char *report = path_join(folder, "report.json");
    cr_assert_eq(unlink(report), 0);
    cr_assert_eq(activate(NULL, false), STATUS_OK);
    cr_assert_eq(activate(names[0], false), STATUS_NOT_FOUND);
    mem_free(report);
    mem_free(folder);
}

Test(dataset_gc, one_run_at_a_time)
{
    struct dataset_gc_result result;
    int lock;
    cr_assert_eq(folder_lock_take(home, "", &lock, NULL), STATUS_OK);
    cr_assert_eq(dataset_gc(data, "a.b", 1, false, &result, NULL), STATUS_BUSY);
    cr_assert_eq(activate(names[0], false), STATUS_BUSY);
    folder_lock_release(lock);
    cr_assert_eq(activate("no version", false), STATUS_INVALID);
}

Test(dataset_gc, each_allocation_may_fail)
{
    struct dataset_gc_result result;
    size_t n = 1;
    for (;; n++) {
        mem_fail_nth(n);
        const enum status status = dataset_gc(data, "a.b", 3, true, &result, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        if (status == STATUS_OK)
            dataset_gc_result_deinit(&result);
        if (!reached)
            break;
        cr_assert(status == STATUS_OK || status == STATUS_NOMEM || status == STATUS_NOT_FOUND);
    }
    cr_assert_gt(n, 20);
}

/* A hold ends with who has it, and holds what is there now. */
Test(dataset_gc, holds)
{
    char *folder = path_join(home, names[0]);
    int alone = DATASET_HOLD_NONE;
    const int first = dataset_hold_take(folder);
    const int second = dataset_hold_take(folder);
    cr_assert_neq(first, DATASET_HOLD_NONE);
    cr_assert_neq(second, DATASET_HOLD_NONE);
    dataset_hold_release(first);
    cr_assert_eq(dataset_hold_take_alone(folder, &alone, NULL), STATUS_BUSY);
    dataset_hold_release(second);
    cr_assert_eq(dataset_hold_take_alone(folder, &alone, NULL), STATUS_OK);
    cr_assert_eq(dataset_hold_take(folder), DATASET_HOLD_NONE);
    dataset_hold_release(alone);
    dataset_hold_release(DATASET_HOLD_NONE);
    cr_assert_eq(dataset_hold_take("/no/such/folder"), DATASET_HOLD_NONE);
    cr_assert_eq(dataset_hold_take_alone("/no/such/folder", &alone, NULL), STATUS_OK);
    cr_assert_eq(alone, DATASET_HOLD_NONE);
    mem_free(folder);
}
