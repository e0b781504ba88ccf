/* One process at a time, and what killed ones left. */
#include "base/folder_lock.h"

#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/folder_lock.XXXXXX";

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void tear_down(void)
{
    folder_remove(folder);
}

TestSuite(folder_lock, .init = set_up, .fini = tear_down);

static bool is_there(const char *name)
{
    struct stat info;
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return lstat(path, &info) == 0;
}

static void make(const char *name)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, span_of_text("x"), NULL), STATUS_OK);
}

Test(folder_lock, one_at_a_time)
{
    int first = FOLDER_LOCK_NONE;
    int second = FOLDER_LOCK_NONE;
    struct error err = {0};
    char expected[200];
    cr_assert_eq(folder_lock_take(folder, "another one works here", &first, &err), STATUS_OK);
    cr_assert_eq(folder_lock_take(folder, "another one works here", &second, &err), STATUS_BUSY);
    (void)snprintf(expected, sizeof expected, "%s: another one works here", folder);
    cr_assert_str_eq(err.message, expected);
    cr_assert_eq(second, FOLDER_LOCK_NONE);
    folder_lock_release(first);
    cr_assert_eq(folder_lock_take(folder, "", &second, &err), STATUS_OK);
    folder_lock_release(second);
    folder_lock_release(FOLDER_LOCK_NONE);
}

Test(folder_lock, removes_what_is_unfinished)
{
    static const char *const kept[] = {".keep", "a.tmp", ".tmp", "body"};
    char *temporary = NULL;
    int lock;
    struct error err = {0};
    char link[200];
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++)
        make(kept[i]);
    make(".body.0123.tmp");
    cr_assert_eq(folder_make_temporary(folder, "version", &temporary, &err), STATUS_OK);
    (void)snprintf(link, sizeof link, "%s/.current.1.tmp", folder);
    cr_assert_eq(symlink("body", link), 0);
    cr_assert_eq(folder_lock_take(folder, "", &lock, &err), STATUS_OK);
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++)
        cr_assert(is_there(kept[i]), "%s", kept[i]);
    cr_assert_not(is_there(".body.0123.tmp"));
    cr_assert_not(is_there(".current.1.tmp"));
    cr_assert_not(is_there(strrchr(temporary, '/') + 1));
    mem_free(temporary);
    folder_lock_release(lock);
}

Test(folder_lock, a_folder_that_is_not_there)
{
    int lock = FOLDER_LOCK_NONE;
    struct error err = {0};
    cr_assert_eq(folder_lock_take("/no/such/folder", "", &lock, &err), STATUS_NOT_FOUND);
    cr_assert_eq(lock, FOLDER_LOCK_NONE);
    mem_fail_nth(1);
    cr_assert_eq(folder_lock_take(folder, "", &lock, &err), STATUS_NOMEM);
    mem_fail_nth(0);
}

Test(folder_lock, as_it_is)
{
    int lock;
    make(".body.0123.tmp");
    cr_assert_eq(folder_lock_take_as_it_is(folder, "", &lock, NULL), STATUS_OK);
    cr_assert(is_there(".body.0123.tmp"));
    folder_lock_clean(folder);
    cr_assert_not(is_there(".body.0123.tmp"));
    folder_lock_release(lock);
    cr_assert(folder_lock_is_unfinished(".x.1.tmp"));
    cr_assert_not(folder_lock_is_unfinished("x.1.tmp"));
    cr_assert_not(folder_lock_is_unfinished(".history"));
}
