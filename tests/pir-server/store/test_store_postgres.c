/* The cases of every store, over a PostgreSQL server of this program's own, each in a database of
 * its own; and what goes wrong with databases. */
#include "tests/pir-server/store/postgres_server.h"
#include "tests/pir-server/store/store_cases.h"

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/parameterized.h>
#include <postgresql/libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW         ((uint64_t)1800000000)
#define PATIENCE_MS 60000                     /* a busy machine is no failure */
#define ENVIRONMENT "BLINDLIST_TEST_POSTGRES" /* how the processes of the tests are told */

static char name[POSTGRES_SERVER_NAME_BYTES + 64];
static struct store *store;
static struct error error;

ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
    char answer[POSTGRES_SERVER_NAME_BYTES];
    (void)tests;
    postgres_server_start(NULL, answer);
    setenv(ENVIRONMENT, answer, 1);
}

/* By the server's owner, in the database `where`. */
static void run_sql(const char *where, const char *text)
{
    PGconn *pg = PQconnectdb(where);
    cr_assert_eq(PQstatus(pg), CONNECTION_OK, "%s", PQerrorMessage(pg));
    PGresult *result = PQexec(pg, text);
    cr_assert(PQresultStatus(result) == PGRES_COMMAND_OK ||
                  PQresultStatus(result) == PGRES_TUPLES_OK,
              "%s", PQerrorMessage(pg));
    PQclear(result);
    PQfinish(pg);
}

static enum status open_as(const char *where, enum store_presence presence, struct store **ret)
{
    struct store_limits limits = store_limits_default();
    limits.busy_timeout_ms = PATIENCE_MS;
    return store_open(where, &limits, presence, ret, &error);
}

static struct store *open_at(const char *where)
{
    struct store *opened = NULL;
    cr_assert_eq(open_as(where, STORE_MAY_BE_NEW, &opened), STATUS_OK, "%s", error.message);
    return opened;
}

static struct store *reopen(struct store *before)
{
    store_close(before);
    return open_at(name);
}

static void set_up(void)
{
    const char *server = getenv(ENVIRONMENT);
    char text[64];
    if (server == NULL || strncmp(server, "skip ", 5) == 0)
        cr_skip_test("%s", server != NULL ? server + 5 : "no PostgreSQL");
    snprintf(text, sizeof text, "CREATE DATABASE t%d", (int)getpid());
    run_sql(server, text);
    snprintf(name, sizeof name, "%s dbname=t%d", server, (int)getpid()); /* the last one counts */
    store = open_at(name);
}

static void tear_down(void)
{
    store_close(store);
}

TestSuite(store_postgres, .init = set_up, .fini = tear_down);

/* By number: a pointer means nothing in the process that a case runs in. */
ParameterizedTestParameters(store_postgres, does_what_a_store_does)
{
    static size_t numbers[STORE_CASES_MAX];
    cr_assert_leq(store_case_count, STORE_CASES_MAX);
    for (size_t i = 0; i < store_case_count; i++)
        numbers[i] = i;
    return cr_make_param_array(size_t, numbers, store_case_count);
}

ParameterizedTest(const size_t *number, store_postgres, does_what_a_store_does)
{
    cr_log_info("%s", store_cases[*number].name);
    store_cases[*number].run(store, reopen, &store);
}

/* ---- what goes wrong with databases ---- */

static const uint8_t key_id[STORE_KEY_ID_BYTES] = {1};
static struct store_user user;

static enum status put_key(struct store *where, const char *text)
{
    struct store_key key = {.made_at = 7, .serialized = span_of_text(text)};
    memcpy(key.id, key_id, sizeof key.id);
    return store_put_keys(where, &user, &key, 1, NOW, &error);
}

static enum status get_key(struct store *where)
{
    uint64_t made_at = 0;
    return store_get_key_time(where, &user, key_id, NOW, &made_at, &error);
}

static enum status open_existing(const char *where)
{
    struct store *opened = NULL;
    const enum status status = open_as(where, STORE_MUST_EXIST, &opened);
    store_close(opened);
    return status;
}

static void expect_message(const char *text)
{
    cr_assert(strstr(error.message, text) != NULL, "%s", error.message);
}

Test(store_postgres, a_name_tells_a_database_from_a_file)
{
    cr_assert(!store_is_file("postgresql://user:secret@db/state"));
    cr_assert(!store_is_file("postgres://db"));
    cr_assert(!store_is_file("host=db dbname=state"));
    cr_assert(!store_is_file("dbname = state"));
    cr_assert(!store_is_file("service=state"));
    cr_assert(store_is_file("state"));
    cr_assert(store_is_file("/data/a=b"));
    cr_assert(store_is_file("a=b"));
    cr_assert(store_is_file("host"));
    cr_assert(store_is_file("=x"));
    cr_assert(store_is_file(""));
}

Test(store_postgres, a_password_is_in_no_message)
{
    static const char *const wrong[] = {
        "postgresql://user:topsecret@/db?bad=topsecret",
        "host=/nowhere password=topsecret top secret", "host=/nowhere password='topsecret",
        "postgresql://user:topsecret@[::1/db", "postgresql://user:topsecret@localhost:nine/db"};
    struct store *opened = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        cr_assert_neq(open_as(wrong[i], STORE_MAY_BE_NEW, &opened), STATUS_OK);
        cr_assert(strstr(error.message, "topsecret") == NULL, "%s", error.message);
    }
    cr_assert_eq(open_existing("host=/nowhere dbname=x password=topsecret"), STATUS_BUSY);
    expect_message("PostgreSQL state x at /nowhere: cannot connect: ");
    cr_assert(strstr(error.message, "topsecret") == NULL, "%s", error.message);
}

Test(store_postgres, a_state_is_made_when_it_may_be_new)
{
    char empty[sizeof name];
    snprintf(empty, sizeof empty, "%s dbname=postgres", getenv(ENVIRONMENT));
    cr_assert_eq(open_existing(empty), STATUS_NOT_FOUND);
    cr_assert_eq(open_existing(name), STATUS_OK);
    snprintf(empty, sizeof empty, "%s dbname=nosuch", getenv(ENVIRONMENT));
    cr_assert_eq(open_existing(empty), STATUS_BUSY);
    expect_message("database \"nosuch\" does not exist");
}

Test(store_postgres, a_newer_state_is_refused)
{
    run_sql(name, "UPDATE blindlist.schema_version SET version = 99");
    cr_assert_eq(open_existing(name), STATUS_UNSUPPORTED);
    expect_message("schema 99");
}

Test(store_postgres, wrong_sums_and_references_fail_the_check)
{
    cr_assert_eq(put_key(store, "key"), STATUS_OK, "%s", error.message);
    cr_assert_eq(store_check(store, &error), STATUS_OK, "%s", error.message);
    run_sql(name, "UPDATE blindlist.evaluation_key_sum SET key_bytes = 9");
    cr_assert_eq(store_check(store, &error), STATUS_MALFORMED);
    expect_message("sums");
    run_sql(name, "UPDATE blindlist.evaluation_key_sum SET key_bytes = 3;"
                  "INSERT INTO blindlist.spent_token VALUES (77, decode(repeat('00', 32), 'hex'))");
    cr_assert_eq(store_check(store, &error), STATUS_MALFORMED);
    expect_message("spent under no issuer key");
    cr_assert_eq(put_key(store, "another"), STATUS_OK, "it works on");
}

Test(store_postgres, a_backup_is_not_ours)
{
    cr_assert_eq(store_backup(store, "/tmp/copy", &error), STATUS_UNSUPPORTED);
    expect_message("pg_dump");
}

Test(store_postgres, what_is_locked_for_long_is_busy)
{
    struct store_limits limits = store_limits_default();
    limits.busy_timeout_ms = 3000; /* for the opening to succeed on a busy machine */
    store_close(store);
    cr_assert_eq(store_open(name, &limits, STORE_MUST_EXIST, &store, &error), STATUS_OK);
    PGconn *other = PQconnectdb(name);
    PQclear(PQexec(other, "BEGIN; LOCK TABLE blindlist.evaluation_key"));
    cr_assert_eq(put_key(store, "key"), STATUS_BUSY);
    expect_message("timeout");
    PQfinish(other);
    store = reopen(store);
    cr_assert_eq(put_key(store, "key"), STATUS_OK, "%s", error.message);
    cr_assert_eq(get_key(store), STATUS_OK);
}

/* As a server that was restarted leaves them. */
Test(store_postgres, lost_connections_are_made_anew)
{
    cr_assert_eq(put_key(store, "key"), STATUS_OK, "%s", error.message);
    run_sql(name, "SELECT count(pg_terminate_backend(pid, 30000)) FROM pg_stat_activity"
                  " WHERE datname = current_database() AND pid <> pg_backend_pid()");
    cr_assert_eq(get_key(store), STATUS_OK, "%s", error.message);
}

/* Who commits learns nothing, and takes the token for neither spent nor unspent. */
Test(store_postgres, a_connection_lost_while_it_commits_is_busy)
{
    run_sql(name, "CREATE FUNCTION blindlist.die() RETURNS trigger LANGUAGE plpgsql AS"
                  " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';"
                  "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON blindlist.spent_token"
                  " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION blindlist.die()");
    const struct store_ring_key key = {.app = "a", .made_at = NOW, .secret = span_of_text("x")};
    const struct store_spend spend = {.nonce = {1}};
    enum status answer = STATUS_INTERNAL;
    cr_assert_eq(store_add_ring_key(store, STORE_ISSUER_KEYS, &key, 0, &error), STATUS_OK, "%s",
                 error.message);
    cr_assert_eq(store_spend_tokens(store, &spend, 1, &answer, &error), STATUS_BUSY);
    cr_assert_eq(answer, STATUS_INTERNAL, "untouched");
    run_sql(name, "DROP TRIGGER die ON blindlist.spent_token");
    cr_assert_eq(store_spend_tokens(store, &spend, 1, &answer, &error), STATUS_OK, "%s",
                 error.message);
    cr_assert_eq(answer, STATUS_OK);
}

Test(store_postgres, a_database_that_may_only_be_read_is_refused)
{
    char text[128];
    snprintf(text, sizeof text, "ALTER DATABASE t%d SET default_transaction_read_only = on",
             (int)getpid());
    run_sql(name, text);
    cr_assert_eq(open_existing(name), STATUS_IO);
    expect_message("read-only");
    run_sql(name, "SELECT count(pg_terminate_backend(pid, 30000)) FROM pg_stat_activity"
                  " WHERE datname = current_database() AND pid <> pg_backend_pid()");
    cr_assert_eq(put_key(store, "key"), STATUS_IO, "while it is open");
    expect_message("read-only");
    cr_assert_eq(get_key(store), STATUS_NO_KEY, "reading goes on");
}

/* Two that open a new database at once: one makes the schema, the other finds it. */
static void *open_another(void *context)
{
    struct store *opened = NULL;
    *(enum status *)context = open_as(name, STORE_MAY_BE_NEW, &opened);
    store_close(opened);
    return NULL;
}

Test(store_postgres, of_servers_that_start_at_once_one_makes_the_schema)
{
    enum { SERVERS = 6 };
    pthread_t threads[SERVERS];
    enum status answers[SERVERS];
    run_sql(name, "SET client_min_messages = error; DROP SCHEMA blindlist CASCADE");
    for (size_t i = 0; i < SERVERS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, open_another, &answers[i]), 0);
    for (size_t i = 0; i < SERVERS; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_eq(answers[i], STATUS_OK, "%s", error.message);
    }
}
