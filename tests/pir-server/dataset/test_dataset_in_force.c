#include "pir-server/dataset/dataset_in_force.h"

#include "base/file.h"
#include "base/folder_lock.h"
#include "base/mem.h"
#include "tests/pir-server/dataset/dataset_help.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define A "aaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbb"
#define C "cccccccccccccccc"

static char *home;

static void set_up(void)
{
    static const char *const versions[] = {A, B, C};
    home = data_folder_new();
    for (size_t i = 0; i < ARRAY_COUNT(versions); i++) {
        char *path = path_join(home, versions[i]);
        cr_assert_eq(mkdir(path, 0700), 0);
        mem_free(path);
    }
}

static void tear_down(void)
{
    data_folder_remove(home);
}

TestSuite(dataset_in_force, .init = set_up, .fini = tear_down);

/* What is in force, and what was before. */
static void expect(const char *now, const char *before)
{
    char got[DATASET_VERSION_BYTES + 1];
    dataset_in_force(home, got);
    cr_assert_str_eq(got, now);
    cr_assert_eq(dataset_in_force_before(home, got, NULL), STATUS_OK);
    cr_assert_str_eq(got, before);
}

static void put(const char *version)
{
    struct error err = {0};
    cr_assert_eq(dataset_put_in_force(home, version, &err), STATUS_OK, "%s", err.message);
}

static void take_back(enum status expected)
{
    struct error err = {0};
    cr_assert_eq(dataset_take_back(home, &err), expected, "%s", err.message);
}

static void set_link(const char *target)
{
    char *path = path_join(home, "current");
    cr_assert_eq(link_replace(target, path, NULL), STATUS_OK);
    mem_free(path);
}

static void set_history(const char *text)
{
    char *path = path_join(home, ".history");
    cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, span_of_text(text), NULL), STATUS_OK);
    mem_free(path);
}

Test(dataset_in_force, step_by_step_and_back)
{
    expect("", "");
    take_back(STATUS_NOT_FOUND);
    put(A);
    expect(A, "");
    take_back(STATUS_NOT_FOUND);
    expect(A, "");
    put(B);
    put(B);
    put(C);
    expect(C, B);
    take_back(STATUS_OK);
    expect(B, A);
    take_back(STATUS_OK);
    expect(A, "");
    take_back(STATUS_NOT_FOUND);
    put(C);
    expect(C, A);
}

Test(dataset_in_force, again_after_another)
{
    put(A);
    put(B);
    put(A);
    expect(A, B);
    take_back(STATUS_OK);
    expect(B, A);
    take_back(STATUS_OK);
    expect(A, "");
}

/* A kill between the two steps leaves one line too many. */
Test(dataset_in_force, a_line_too_many)
{
    set_history(A "\n" B "\n" C "\n");
    set_link(B);
    expect(B, A);
    put(C);
    expect(C, B);
    set_history(A "\n" B "\n" A "\n");
    set_link(B);
    expect(B, A);
    take_back(STATUS_OK);
    expect(A, "");
}

Test(dataset_in_force, versions_that_are_gone_are_passed_over)
{
    put(A);
    put(B);
    put(C);
    char *path = path_join(home, B);
    cr_assert_eq(rmdir(path), 0);
    mem_free(path);
    expect(C, A);
    take_back(STATUS_OK);
    expect(A, "");
}

Test(dataset_in_force, links_made_by_hand)
{
    char target[300];
    put(A);
    put(B);
    set_link(C);
    expect(C, B);
    put(A);
    expect(A, C);
    (void)snprintf(target, sizeof target, "../%s/%s", strrchr(home, '/') + 1, B);
    set_link(target);
    expect(B, A);
    set_link("/usr/lib");
    expect("", A);
    set_link("dddddddddddddddd");
    expect("dddddddddddddddd", A);
    take_back(STATUS_OK);
    expect(A, C);
}

Test(dataset_in_force, a_damaged_history_is_no_hindrance)
{
    set_history("nonsense\n\n" B "\nBBBBBBBBBBBBBBBB\n" A); /* no end of line */
    set_link(A);
    expect(A, B);
    char *large = mem_alloc(100001, 1);
    memset(large, 'x', 100000);
    large[100000] = '\0';
    set_history(large);
    mem_free(large);
    expect(A, "");
    put(C);
    expect(C, A);
}

Test(dataset_in_force, a_history_ends_somewhere)
{
    for (size_t i = 0; i < 3 * DATASET_HISTORY_MAX; i++)
        put(i % 2 == 0 ? A : B);
    put(C);
    for (size_t i = 1; i < DATASET_HISTORY_MAX; i++)
        take_back(STATUS_OK);
    take_back(STATUS_NOT_FOUND);
}

Test(dataset_in_force, without_memory_all_stays)
{
    put(A);
    size_t n = 1;
    for (;; n++) {
        mem_fail_nth(n);
        const enum status status = dataset_put_in_force(home, B, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        if (!reached)
            break;
        cr_assert_eq(status, STATUS_NOMEM);
        expect(A, "");
    }
    cr_assert_gt(n, 3);
    expect(B, A);
}
