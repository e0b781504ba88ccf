/* The cases of every store, over SQLite; and what an operator does with its file. */
#include "tests/pir-server/store/store_cases.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW ((uint64_t)1800000000)

static char folder[64];
static char path[96];
static struct store *store;
static struct error error;

static struct store *open_at(const char *where)
{
    const struct store_limits limits = store_limits_default();
    struct store *opened = NULL;
    const enum status status = store_open(where, &limits, STORE_MAY_BE_NEW, &opened, &error);
    cr_assert_eq(status, STATUS_OK, "%s", error.message);
    return opened;
}

static struct store *reopen(struct store *before)
{
    store_close(before);
    return open_at(path);
}

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/blindlist-store-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/state", folder);
    store = open_at(path);
}

static void tear_down(void)
{
    store_close(store);
    folder_remove(folder);
}

TestSuite(store_sqlite, .init = set_up, .fini = tear_down);

/* By number: a pointer means nothing in the process that a case runs in. */
ParameterizedTestParameters(store_sqlite, does_what_a_store_does)
{
    static size_t numbers[STORE_CASES_MAX];
    cr_assert_leq(store_case_count, STORE_CASES_MAX);
    for (size_t i = 0; i < store_case_count; i++)
        numbers[i] = i;
    return cr_make_param_array(size_t, numbers, store_case_count);
}

ParameterizedTest(const size_t *number, store_sqlite, does_what_a_store_does)
{
    cr_log_info("%s", store_cases[*number].name);
    store_cases[*number].run(store, reopen, &store);
}

static void put_key(void)
{
    const struct store_user user = store_user_of("", "u");
    const struct store_key key = {.made_at = 7, .serialized = span_of_text("key")};
    cr_assert_eq(store_put_keys(store, &user, &key, 1, NOW, &error), STATUS_OK);
}

Test(store_sqlite, a_backup_is_a_state_file_of_then)
{
    char copy[128];
    snprintf(copy, sizeof copy, "%s/copy", folder);
    put_key();
    cr_assert_eq(store_backup(store, copy, &error), STATUS_OK, "%s", error.message);
    struct stat info;
    cr_assert_eq(stat(copy, &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0600);
    cr_assert_eq(store_backup(store, copy, &error), STATUS_EXISTS);
    struct store *second = open_at(copy);
    struct store_usage usage;
    cr_assert_eq(store_get_usage(second, &usage, &error), STATUS_OK);
    cr_assert_eq(usage.key_count, 1);
    cr_assert_eq(store_check(second, &error), STATUS_OK, "%s", error.message);
    store_close(second);
}

Test(store_sqlite, a_backup_that_fails_leaves_nothing)
{
    char copy[128];
    snprintf(copy, sizeof copy, "%s/no/such/folder", folder);
    cr_assert_eq(store_backup(store, copy, &error), STATUS_NOT_FOUND);
    cr_assert(strstr(error.message, copy) != NULL, "%s", error.message);
}

Test(store_sqlite, wrong_sums_fail_the_check)
{
    put_key();
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "UPDATE evaluation_key_sum SET key_count = 9", NULL, NULL, NULL),
                 SQLITE_OK);
    sqlite3_close(db);
    cr_assert_eq(store_check(store, &error), STATUS_MALFORMED);
    cr_assert(strstr(error.message, "sums") != NULL, "%s", error.message);
}

Test(store_sqlite, a_state_file_of_the_first_schema_is_brought_up_to_date)
{
    put_key();
    store_close(store);
    store = NULL;
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db,
                              "DROP TABLE issuer_key; DROP TABLE removed_issuer_key;"
                              "DROP TABLE spent_token; DROP TABLE user_token;"
                              "DROP TABLE gateway_key; DROP TABLE tended;"
                              "PRAGMA user_version = 1",
                              NULL, NULL, NULL),
                 SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    store = open_at(path);
    struct store_usage usage;
    cr_assert_eq(store_get_usage(store, &usage, &error), STATUS_OK);
    cr_assert_eq(usage.key_count, 1);
    const struct store_ring_key key = {.app = "a", .secret = span_of_text("secret")};
    cr_assert_eq(store_add_ring_key(store, STORE_ISSUER_KEYS, &key, 0, &error), STATUS_OK, "%s",
                 error.message);
}
