#define _GNU_SOURCE /* memmem */
/* The state file: what is put is there, for its time, within its quota, after any death. */
#include "pir-server/store/store.h"

#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW ((uint64_t)1800000000)

static char folder[64];
static char path[96];
static struct store *store;
static struct error error;

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/blindlist-store-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/state", folder);
}

static void tear_down(void)
{
    store_close(store);
    folder_remove(folder);
}

TestSuite(store, .init = set_up, .fini = tear_down);

static void open_with(const struct store_limits *limits)
{
    const enum status status = store_open(path, limits, STORE_MAY_BE_NEW, &store, &error);
    cr_assert_eq(status, STATUS_OK, "%s", error.message);
}

static void open_default(void)
{
    const struct store_limits limits = store_limits_default();
    open_with(&limits);
}

static void reopen(void)
{
    store_close(store);
    store = NULL;
    open_default();
}

static struct store_user user_named(const char *name)
{
    return store_user_of("", name);
}

static struct store_key key_of(uint8_t id, uint64_t made_at, const void *data, size_t size)
{
    struct store_key key = {.made_at = made_at, .serialized = span_of(data, size)};
    memset(key.id, id, sizeof key.id);
    return key;
}

static enum status put(const char *user, uint8_t id, uint64_t made_at, const char *text,
                       uint64_t now)
{
    const struct store_user who = user_named(user);
    const struct store_key key = key_of(id, made_at, text, strlen(text));
    return store_put_keys(store, &who, &key, 1, now, &error);
}

static void expect(const char *user, uint8_t id, uint64_t now, const char *text, uint64_t made_at)
{
    const struct store_user who = user_named(user);
    uint8_t key_id[STORE_KEY_ID_BYTES];
    memset(key_id, id, sizeof key_id);
    struct bytes got;
    bytes_init(&got, STORE_EVALUATION_KEY_MAX_BYTES);
    struct store_key_times times = {0};
    uint64_t got_time = 0;
    const enum status status = store_get_key(store, &who, key_id, now, &times, &got, &error);
    const enum status time_status = store_get_key_time(store, &who, key_id, now, &got_time, &error);
    cr_assert_eq(status, time_status);
    if (text == NULL) {
        cr_assert_eq(status, STATUS_NO_KEY);
    } else {
        cr_assert_eq(status, STATUS_OK, "%s", error.message);
        cr_assert(span_equal(bytes_view(&got), span_of_text(text)));
        cr_assert_eq(times.made_at, made_at);
        cr_assert_gt(times.expires_at, now);
        cr_assert_eq(got_time, made_at);
    }
    bytes_deinit(&got);
}

Test(store, gives_back_what_was_put_also_after_reopening)
{
    open_default();
    expect("u", 1, NOW, NULL, 0);
    cr_assert_eq(put("u", 1, 77, "first", NOW), STATUS_OK, "%s", error.message);
    cr_assert_eq(put("u", 2, UINT64_MAX, "", NOW), STATUS_OK);
    cr_assert_eq(put("", 1, 0, "of nobody", NOW), STATUS_OK);
    reopen();
    expect("u", 1, NOW, "first", 77);
    expect("u", 2, NOW, "", UINT64_MAX);
    expect("", 1, NOW, "of nobody", 0);
    expect("v", 1, NOW, NULL, 0);
}

Test(store, users_of_different_apps_are_different)
{
    const struct store_user plain = store_user_of("", "u");
    const struct store_user again = store_user_of("", "u");
    const struct store_user of_a = store_user_of("a", "u");
    const struct store_user of_b = store_user_of("b", "u");
    const struct store_user shifted = store_user_of("au", "");
    cr_expect_arr_eq(plain.hash, again.hash, sizeof plain.hash);
    cr_expect_arr_neq(plain.hash, of_a.hash, sizeof plain.hash);
    cr_expect_arr_neq(of_a.hash, of_b.hash, sizeof plain.hash);
    cr_expect_arr_neq(of_a.hash, shifted.hash, sizeof plain.hash);
}

Test(store, newer_key_replaces_older)
{
    open_default();
    cr_assert_eq(put("u", 1, 1, "old and long", NOW), STATUS_OK);
    cr_assert_eq(put("u", 1, 2, "new", NOW + 1), STATUS_OK);
    expect("u", 1, NOW, "new", 2);
    struct store_usage usage;
    cr_assert_eq(store_get_usage(store, &usage, &error), STATUS_OK);
    cr_assert_eq(usage.key_count, 1);
    cr_assert_eq(usage.key_bytes, 3);
}

Test(store, keys_expire)
{
    struct store_limits limits = store_limits_default();
    limits.key_ttl_s = 100;
    open_with(&limits);
    cr_assert_eq(put("u", 1, 1, "early", NOW), STATUS_OK);
    cr_assert_eq(put("v", 1, 1, "late", NOW + 60), STATUS_OK);
    expect("u", 1, NOW + 99, "early", 1);
    expect("u", 1, NOW + 100, NULL, 0);
    size_t removed = 0;
    cr_assert_eq(store_purge(store, NOW + 100, &removed, &error), STATUS_OK);
    cr_assert_eq(removed, 1);
    expect("v", 1, NOW + 100, "late", 1);
    struct store_usage usage;
    cr_assert_eq(store_get_usage(store, &usage, &error), STATUS_OK);
    cr_assert_eq(usage.key_count, 1);
    cr_assert_eq(usage.key_bytes, 4);
}

Test(store, a_user_beyond_the_quota_loses_the_oldest_keys)
{
    struct store_limits limits = store_limits_default();
    limits.keys_per_user = 3;
    limits.key_bytes_per_user = 20;
    open_with(&limits);
    for (uint8_t id = 1; id <= 5; id++)
        cr_assert_eq(put("u", id, id, "x", NOW + id), STATUS_OK);
    cr_assert_eq(put("v", 1, 9, "other", NOW), STATUS_OK);
    expect("u", 1, NOW, NULL, 0);
    expect("u", 2, NOW, NULL, 0);
    expect("u", 3, NOW, "x", 3);
    cr_assert_eq(put("u", 6, 6, "nineteen bytes long", NOW + 6), STATUS_OK);
    expect("u", 4, NOW, NULL, 0);
    expect("u", 5, NOW, "x", 5);
    expect("u", 6, NOW, "nineteen bytes long", 6);
    expect("v", 1, NOW, "other", 9);
    cr_assert_eq(put("u", 7, 7, "more than twenty bytes", NOW), STATUS_TOO_LARGE);
}

Test(store, a_full_store_refuses_and_keeps_what_it_has)
{
    struct store_limits limits = store_limits_default();
    limits.keys_in_all = 2;
    limits.key_ttl_s = 100;
    open_with(&limits);
    cr_assert_eq(put("a", 1, 1, "a", NOW), STATUS_OK);
    cr_assert_eq(put("b", 1, 1, "b", NOW), STATUS_OK);
    cr_assert_eq(put("c", 1, 1, "c", NOW), STATUS_BUSY);
    expect("a", 1, NOW, "a", 1);
    expect("c", 1, NOW, NULL, 0);
    cr_assert_eq(put("b", 1, 2, "b2", NOW), STATUS_OK, "replacing needs no room");
    cr_assert_eq(put("c", 1, 1, "c", NOW + 100), STATUS_OK, "what expired makes room");
}

Test(store, several_keys_are_put_together_or_not_at_all)
{
    struct store_limits limits = store_limits_default();
    limits.keys_in_all = 1;
    open_with(&limits);
    const struct store_user who = user_named("u");
    const struct store_key keys[2] = {key_of(1, 1, "one", 3), key_of(2, 2, "two", 3)};
    cr_assert_eq(store_put_keys(store, &who, keys, 2, NOW, &error), STATUS_BUSY);
    expect("u", 1, NOW, NULL, 0);
    cr_assert_eq(store_put_keys(store, &who, keys, 1, NOW, &error), STATUS_OK);
    expect("u", 1, NOW, "one", 1);
}

Test(store, the_file_is_private_and_holds_no_identifier)
{
    open_default();
    cr_assert_eq(put("8155D2E9-A2BF-418C-9C9B-EC24F5FE6FE7", 1, 1, "key", NOW), STATUS_OK);
    static const char *const suffixes[] = {"", "-wal"};
    for (size_t i = 0; i < ARRAY_COUNT(suffixes); i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        struct stat file;
        cr_assert_eq(stat(name, &file), 0);
        cr_assert_eq(file.st_mode & 0777, 0600);
        struct bytes content;
        bytes_init(&content, (size_t)1 << 24);
        cr_assert_eq(file_read(name, &content, &error), STATUS_OK);
        cr_assert(memmem(content.data, content.size, "8155D2E9", 8) == NULL);
        bytes_deinit(&content);
    }
}

static void expect_open_fails(enum status expected, const char *words)
{
    struct store_limits limits = store_limits_default();
    limits.busy_timeout_ms = 50;
    const enum status status = store_open(path, &limits, STORE_MAY_BE_NEW, &store, &error);
    cr_assert_eq(status, expected, "%s", status == STATUS_OK ? "opened" : error.message);
    cr_assert(strstr(error.message, words) != NULL, "%s", error.message);
    cr_assert(strstr(error.message, path) != NULL, "%s", error.message);
    cr_assert(store == NULL);
}

Test(store, refuses_what_is_no_state_file)
{
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 200; i++)
        fprintf(file, "this is a letter and not a database\n");
    fclose(file);
    expect_open_fails(STATUS_MALFORMED, "not a database");
}

static void run_sql(const char *text)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

Test(store, refuses_the_file_of_another_program)
{
    run_sql("CREATE TABLE bookmarks (url TEXT)");
    expect_open_fails(STATUS_MALFORMED, "another program");
}

Test(store, refuses_a_newer_schema)
{
    open_default();
    store_close(store);
    store = NULL;
    run_sql("PRAGMA user_version = 99");
    expect_open_fails(STATUS_UNSUPPORTED, "schema 99");
}

Test(store, notices_damage)
{
    open_default();
    char text[5001];
    memset(text, 'k', 5000);
    text[5000] = '\0';
    for (uint8_t id = 0; id < 10; id++)
        cr_assert_eq(put("u", id, 1, text, NOW), STATUS_OK);
    store_close(store);
    store = NULL;
    const int fd = open(path, O_RDWR);
    char noise[4096];
    memset(noise, 0xa5, sizeof noise);
    cr_assert_eq(pwrite(fd, noise, sizeof noise, 4096), (ssize_t)sizeof noise);
    close(fd);
    struct store_limits limits = store_limits_default();
    cr_assert_eq(store_open(path, &limits, STORE_MAY_BE_NEW, &store, &error), STATUS_MALFORMED);
    cr_assert(strstr(error.message, path) != NULL);
}

Test(store, truncated_file_is_an_error_not_an_empty_store)
{
    open_default();
    cr_assert_eq(put("u", 1, 1, "key", NOW), STATUS_OK);
    store_close(store);
    store = NULL;
    cr_assert_eq(truncate(path, 5000), 0);
    struct store_limits limits = store_limits_default();
    cr_assert_eq(store_open(path, &limits, STORE_MAY_BE_NEW, &store, &error), STATUS_MALFORMED);
}

Test(store, names_a_folder_that_does_not_exist)
{
    snprintf(path, sizeof path, "%s/no/such/state", folder);
    expect_open_fails(STATUS_NOT_FOUND, "no/such");
}

Test(store, a_locked_file_is_busy)
{
    struct store_limits limits = store_limits_default();
    limits.busy_timeout_ms = 50;
    open_with(&limits);
    cr_assert_eq(put("u", 1, 1, "key", NOW), STATUS_OK);
    sqlite3 *other;
    cr_assert_eq(sqlite3_open(path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(put("u", 2, 1, "key", NOW), STATUS_BUSY);
    expect("u", 1, NOW, "key", 1); /* readers go on */
    sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(other);
    cr_assert_eq(put("u", 2, 1, "key", NOW), STATUS_OK, "%s", error.message);
}

Test(store, a_full_disk_is_an_error_and_loses_nothing)
{
    open_default();
    cr_assert_eq(put("u", 1, 1, "kept", NOW), STATUS_OK);
    /* A file size limit stands in for the full disk: write() fails in the same place. */
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 200000;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    static uint8_t large[1000000];
    memset(large, 'x', sizeof large);
    const struct store_user who = user_named("u");
    const struct store_key key = key_of(2, 1, large, sizeof large);
    const enum status status = store_put_keys(store, &who, &key, 1, NOW, &error);
    limit.rlim_cur = before;
    setrlimit(RLIMIT_FSIZE, &limit);
    cr_assert_eq(status, STATUS_IO, "%s", error.message);
    expect("u", 1, NOW, "kept", 1);
    expect("u", 2, NOW, NULL, 0);
    cr_assert_eq(store_put_keys(store, &who, &key, 1, NOW, &error), STATUS_OK, "%s", error.message);
    reopen();
    expect("u", 1, NOW, "kept", 1);
}

/* A child stores keys and tells after each; it is killed in the middle. All it told is there. */
Test(store, a_killed_process_leaves_what_it_acknowledged)
{
    for (int round = 0; round < 5; round++) {
        int ends[2];
        cr_assert_eq(pipe(ends), 0);
        const pid_t child = fork();
        if (child == 0) {
            const struct store_limits limits = store_limits_default();
            struct store *own = NULL;
            if (store_open(path, &limits, STORE_MAY_BE_NEW, &own, NULL) != STATUS_OK)
                _exit(1);
            static uint8_t data[60000];
            for (uint32_t i = 0;; i++) {
                char name[32];
                snprintf(name, sizeof name, "round %d user %" PRIu32, round, i);
                memset(data, (int)i, sizeof data);
                const struct store_user who = user_named(name);
                const struct store_key key = key_of(1, i, data, sizeof data);
                if (store_put_keys(own, &who, &key, 1, NOW, NULL) != STATUS_OK ||
                    write(ends[1], &i, sizeof i) != sizeof i)
                    _exit(2);
            }
        }
        close(ends[1]);
        uint32_t last = 0;
        for (int i = 0; i < 5 + round; i++)
            cr_assert_eq(read(ends[0], &last, sizeof last), (ssize_t)sizeof last);
        usleep((useconds_t)(500 * round));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        uint32_t more;
        while (read(ends[0], &more, sizeof more) == (ssize_t)sizeof more)
            last = more;
        close(ends[0]);

        open_default();
        for (uint32_t i = 0; i <= last; i++) {
            char name[32];
            snprintf(name, sizeof name, "round %d user %" PRIu32, round, i);
            const struct store_user who = user_named(name);
            uint8_t id[STORE_KEY_ID_BYTES];
            memset(id, 1, sizeof id);
            uint64_t made_at = 0;
            cr_assert_eq(store_get_key_time(store, &who, id, NOW, &made_at, &error), STATUS_OK,
                         "round %d, key %u of %u", round, i, last);
            cr_assert_eq(made_at, i);
        }
        store_close(store);
        store = NULL;
    }
}

Test(store, survives_failing_allocations)
{
    const struct store_limits limits = store_limits_default();
    for (size_t n = 1;; n++) {
        mem_fail_nth(n);
        const enum status status = store_open(path, &limits, STORE_MAY_BE_NEW, &store, &error);
        if (mem_fail_pending()) {
            mem_fail_nth(0);
            cr_assert_eq(status, STATUS_OK);
            break;
        }
        cr_assert_eq(status, STATUS_NOMEM);
        cr_assert(store == NULL);
    }
    cr_assert_eq(put("u", 1, 1, "key", NOW), STATUS_OK);
    const struct store_user who = user_named("u");
    uint8_t id[STORE_KEY_ID_BYTES];
    memset(id, 1, sizeof id);
    struct bytes got;
    bytes_init(&got, 100);
    struct store_key_times times = {0};
    mem_fail_nth(1);
    cr_assert_eq(store_get_key(store, &who, id, NOW, &times, &got, &error), STATUS_NOMEM);
    bytes_deinit(&got);
}
