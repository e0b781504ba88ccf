/* The store in a PostgreSQL database, which several servers share: opened, brought up to date,
 * looked after. Everything is in the schema "blindlist".
 *
 * A commit returns when PostgreSQL has flushed it. A call whose connection is lost fails with
 * STATUS_BUSY and is never tried again here: nobody knows whether it was done. The next call
 * connects anew. */
#include "pir-server/store/store_postgres_internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>

/* The advisory lock of whoever brings the schema up to date: "blstschm". */
#define MIGRATION_LOCK "7092170457190983789"

/* Numbered from 1; the number is in the schema's own table. Never edited, only added to. What the
 * columns are, store_sqlite.c says. */
static const char *const migrations[] = {
    /* 1 */
    "CREATE TABLE evaluation_key ("
    " number int8 GENERATED ALWAYS AS IDENTITY UNIQUE," /* which of two came first */
    " user_hash bytea NOT NULL,"
    " key_id bytea NOT NULL,"
    " made_at int8 NOT NULL,"
    " stored_at int8 NOT NULL,"
    " size_bytes int8 NOT NULL,"
    " serialized bytea NOT NULL,"
    " PRIMARY KEY (user_hash, key_id));"
    "ALTER TABLE evaluation_key ALTER serialized SET STORAGE EXTERNAL;" /* it is noise */
    "CREATE INDEX evaluation_key_by_age ON evaluation_key (stored_at);"
    "CREATE TABLE evaluation_key_sum (key_count int8 NOT NULL, key_bytes int8 NOT NULL);"
    "INSERT INTO evaluation_key_sum VALUES (0, 0);"
    "CREATE FUNCTION evaluation_key_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " IF TG_OP = 'INSERT' THEN"
    "  UPDATE blindlist.evaluation_key_sum SET key_count = key_count + 1,"
    "  key_bytes = key_bytes + NEW.size_bytes;"
    " ELSE"
    "  UPDATE blindlist.evaluation_key_sum SET key_count = key_count - 1,"
    "  key_bytes = key_bytes - OLD.size_bytes;"
    " END IF; RETURN NULL; END $$;"
    "CREATE TRIGGER evaluation_key_changed AFTER INSERT OR DELETE ON evaluation_key"
    " FOR EACH ROW EXECUTE FUNCTION evaluation_key_changed();"
    "CREATE TABLE issuer_key ("
    " number int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY," /* spent_token refers to it */
    " app bytea NOT NULL,"
    " id bytea NOT NULL UNIQUE,"
    " made_at int8 NOT NULL,"
    " not_before int8 NOT NULL,"
    " retire_at int8 NOT NULL,"
    " secret bytea NOT NULL);"
    "CREATE TABLE removed_issuer_key (number int8 PRIMARY KEY);"
    "CREATE TABLE spent_token ("
    " key_number int8 NOT NULL,"
    " nonce bytea NOT NULL,"
    " PRIMARY KEY (key_number, nonce));"
    "CREATE TABLE user_token ("
    " hash bytea NOT NULL PRIMARY KEY,"
    " app bytea NOT NULL,"
    " label bytea NOT NULL,"
    " made_at int8 NOT NULL,"
    " expires_at int8 NOT NULL,"
    " revoked_at int8 NOT NULL,"
    " per_minute int8 NOT NULL,"
    " per_day int8 NOT NULL,"
    " issued int8 NOT NULL DEFAULT 0,"
    " last_minute int8 NOT NULL DEFAULT 0,"
    " in_last_minute int8 NOT NULL DEFAULT 0,"
    " last_day int8 NOT NULL DEFAULT 0,"
    " in_last_day int8 NOT NULL DEFAULT 0);",
    /* 2 */
    "CREATE TABLE gateway_key ("
    " id int8 NOT NULL PRIMARY KEY,"
    " made_at int8 NOT NULL,"
    " not_before int8 NOT NULL,"
    " retire_at int8 NOT NULL,"
    " secret bytea NOT NULL);",
    /* 3 */
    "CREATE TABLE tended ("
    " app bytea NOT NULL PRIMARY KEY,"
    " at int8 NOT NULL);",
};
#define SCHEMA_VERSION ((uint64_t)ARRAY_COUNT(migrations))

/* What must find nothing, and what is wrong if it does. */
static const struct {
    const char *query;
    const char *fault;
} checks[] = {
    {"SELECT count(*) FROM evaluation_key_sum WHERE key_count <>"
     " (SELECT count(*) FROM evaluation_key) OR key_bytes <>"
     " (SELECT coalesce(sum(octet_length(serialized)), 0) FROM evaluation_key)",
     "the sums of its evaluation keys are wrong"},
    {"SELECT abs(count(*) - 1) FROM evaluation_key_sum",
     "the sums of its evaluation keys are missing"},
    {"SELECT count(*) FROM evaluation_key WHERE octet_length(user_hash) <> 32"
     " OR octet_length(key_id) <> 32 OR octet_length(serialized) <> size_bytes"
     " OR sha256(serialized) IS NULL", /* reads it */
     "an evaluation key is not of its size"},
    {"SELECT count(*) FROM spent_token WHERE octet_length(nonce) <> 32",
     "the nonce of a spent token is not of its size"},
    {"SELECT count(*) FROM spent_token WHERE key_number NOT IN (SELECT number FROM issuer_key"
     " UNION ALL SELECT number FROM removed_issuer_key)",
     "a token was spent under no issuer key"},
    {"SELECT count(*) FROM issuer_key WHERE octet_length(id) <> 32 OR octet_length(app) > 64"
     " OR sha256(secret) IS NULL",
     "an issuer key is not of its size"},
    {"SELECT count(*) FROM user_token WHERE octet_length(hash) <> 32 OR octet_length(app) > 64"
     " OR octet_length(label) > 128",
     "a user token is not of its size"},
    {"SELECT count(*) FROM gateway_key WHERE id < 0 OR id > 255 OR sha256(secret) IS NULL",
     "a gateway key has no id of one"},
};

static const char vacuum_text[] =
    "VACUUM (ANALYZE) blindlist.evaluation_key, blindlist.evaluation_key_sum,"
    " blindlist.issuer_key, blindlist.removed_issuer_key, blindlist.spent_token,"
    " blindlist.user_token, blindlist.gateway_key";

/* ---- opening ---- */

static void postgres_close(struct store *store)
{
    struct store_postgres *self = postgres_of(store);
    postgres_pool_deinit(self);
    mem_free(self);
}

/* A short question while it is opened. */
static enum status ask(struct store_postgres *self, struct postgres_connection *connection,
                       const char *text, uint64_t *ret_number, struct error *err)
{
    return postgres_execute(self, connection, text, self->store.limits.busy_timeout_ms, ret_number,
                            "opening", err);
}

/* *ret_version is 0 when there is nothing yet. The catalog is asked as any table is: names that are
 * looked up by themselves may be those of before the lock. */
static enum status read_version(struct store_postgres *self, struct postgres_connection *connection,
                                uint64_t *ret_version, struct error *err)
{
    uint64_t is_there = 0;
    enum status status = ask(self, connection,
                             "SELECT count(*) FROM pg_class c JOIN pg_namespace n"
                             " ON n.oid = c.relnamespace WHERE n.nspname = 'blindlist'"
                             " AND c.relname = 'schema_version'",
                             &is_there, err);
    *ret_version = 0;
    if (status == STATUS_OK && is_there == 1)
        status =
            ask(self, connection, "SELECT version FROM blindlist.schema_version", ret_version, err);
    if (status == STATUS_OK && *ret_version > SCHEMA_VERSION)
        status = error_set(err, STATUS_UNSUPPORTED,
                           "%s: written by a newer blindlist-server (schema %" PRIu64
                           ", this one knows %" PRIu64 ")",
                           self->name, *ret_version, SCHEMA_VERSION);
    return status;
}

/* The schema may have been made for us by somebody who may do so. */
static enum status make_schema(struct store_postgres *self, struct postgres_connection *connection,
                               struct error *err)
{
    uint64_t is_there = 0;
    enum status status =
        ask(self, connection, "SELECT count(*) FROM pg_namespace WHERE nspname = 'blindlist'",
            &is_there, err);
    if (status == STATUS_OK && is_there == 0)
        status = ask(self, connection, "CREATE SCHEMA blindlist", NULL, err);
    if (status == STATUS_OK)
        status = ask(self, connection,
                     "CREATE TABLE blindlist.schema_version (version int4 NOT NULL);"
                     "INSERT INTO blindlist.schema_version VALUES (0)",
                     NULL, err);
    return status;
}

/* The lock goes with the transaction. Of servers that start at once the others wait, then see that
 * it is done. */
static enum status migrate_locked(struct store_postgres *self,
                                  struct postgres_connection *connection, struct error *err)
{
    uint64_t version = 0;
    enum status status =
        ask(self, connection, "SELECT pg_advisory_xact_lock(" MIGRATION_LOCK ")", NULL, err);
    if (status == STATUS_OK)
        status = read_version(self, connection, &version, err);
    if (status == STATUS_OK && version == 0)
        status = make_schema(self, connection, err);
    for (; status == STATUS_OK && version < SCHEMA_VERSION; version++)
        status = ask(self, connection, migrations[version], NULL, err);
    if (status == STATUS_OK) {
        char text[96];
        snprintf(text, sizeof text, "UPDATE blindlist.schema_version SET version = %" PRIu64,
                 SCHEMA_VERSION);
        status = ask(self, connection, text, NULL, err);
    }
    return status;
}

static enum status migrate(struct store_postgres *self, struct error *err)
{
    struct postgres_connection *connection = NULL;
    enum status status = postgres_begin(self, &connection, err);
    if (status == STATUS_OK)
        status = migrate_locked(self, connection, err);
    return postgres_end(self, connection, status, err);
}

/* Can it be written, and of which version is it? */
static enum status inspect(struct store_postgres *self, uint64_t *ret_version, struct error *err)
{
    struct postgres_connection *connection = NULL;
    uint64_t is_read_only = 0;
    enum status status = postgres_take(self, &connection, err);
    if (status == STATUS_OK)
        status =
            ask(self, connection, "SELECT (current_setting('transaction_read_only') = 'on')::int",
                &is_read_only, err);
    if (status == STATUS_OK && is_read_only == 1)
        status = error_set(err, STATUS_IO, "%s: is read-only; is it a standby?", self->name);
    if (status == STATUS_OK)
        status = read_version(self, connection, ret_version, err);
    postgres_give(self, connection);
    return status;
}

/* ---- for operators ---- */

static enum status postgres_purge(struct store *store, uint64_t now_s, size_t *ret_removed,
                                  struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    const enum status status = postgres_purge_keys(self, now_s, ret_removed, err);
    return status == STATUS_OK ? postgres_purge_spent(self, err) : status;
}

/* For statements that take as long as they take; the connection is of no other use then. */
static enum status take_for_long(struct store_postgres *self, struct postgres_connection **ret,
                                 struct error *err)
{
    enum status status = postgres_take(self, ret, err);
    if (status == STATUS_OK)
        status = ask(self, *ret, "SET statement_timeout = 0", NULL, err);
    return status;
}

static void give_used(struct store_postgres *self, struct postgres_connection *connection)
{
    if (connection != NULL)
        postgres_drop(connection);
    postgres_give(self, connection);
}

static enum status postgres_check(struct store *store, struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    struct postgres_connection *connection = NULL;
    enum status status = take_for_long(self, &connection, err);
    if (status == STATUS_OK) /* all of one moment, while servers go on */
        status =
            ask(self, connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, err);
    for (size_t i = 0; i < ARRAY_COUNT(checks) && status == STATUS_OK; i++) {
        uint64_t wrong = 0;
        status = postgres_execute(self, connection, checks[i].query, 0, &wrong, "checking it", err);
        if (status == STATUS_OK && wrong != 0)
            status = error_set(err, STATUS_MALFORMED, "%s: %s", self->name, checks[i].fault);
    }
    give_used(self, connection);
    return status;
}

static enum status postgres_backup(struct store *store, const char *path, struct error *err)
{
    (void)path;
    return error_set(err, STATUS_UNSUPPORTED,
                     "%s: is copied by PostgreSQL's own tools: pg_dump --schema=blindlist",
                     postgres_of(store)->name);
}

/* Who only may read cannot lock a row. */
static enum status postgres_probe(struct store *store, struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    struct postgres_connection *connection = NULL;
    enum status status = postgres_begin(self, &connection, err);
    if (status == STATUS_OK)
        status =
            postgres_ask(self, connection, POSTGRES_LOCK_SUMS, NULL, 0, "locking a row", NULL, err);
    return postgres_end(self, connection, status, err);
}

static enum status postgres_vacuum(struct store *store, struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    struct postgres_connection *connection = NULL;
    enum status status = take_for_long(self, &connection, err);
    if (status == STATUS_OK)
        status = postgres_execute(self, connection, vacuum_text, 0, NULL, "packing it", err);
    give_used(self, connection);
    return status;
}

enum status store_open_postgres(const char *conninfo, const struct store_limits *limits,
                                enum store_presence presence, struct store **ret, struct error *err)
{
    static const struct store_operations operations = {
        .close = postgres_close,
        .put_keys = postgres_put_keys,
        .get_key = postgres_get_key,
        .get_usage = postgres_get_usage,
        .purge = postgres_purge,
        .probe = postgres_probe,
        .check = postgres_check,
        .backup = postgres_backup,
        .vacuum = postgres_vacuum,
        .add_ring_key = postgres_add_ring_key,
        .list_ring_keys = postgres_list_ring_keys,
        .mark_ring_key = postgres_mark_ring_key,
        .get_tended = postgres_get_tended,
        .set_tended = postgres_set_tended,
        .remove_ring_key = postgres_remove_ring_key,
        .spend_tokens = postgres_spend_tokens,
        .add_user_tokens = postgres_add_user_tokens,
        .list_user_tokens = postgres_list_user_tokens,
        .revoke_user_token = postgres_revoke_user_token,
        .restore_user_token = postgres_restore_user_token,
        .check_user_token = postgres_check_user_token,
        .count_issues = postgres_count_issues,
    };
    struct store_postgres *self = mem_alloc_zeroed(1, sizeof *self);
    if (self == NULL)
        return error_set(err, STATUS_NOMEM, "PostgreSQL state: out of memory");
    self->store = (struct store){.operations = &operations, .limits = *limits};
    uint64_t version = 0;
    enum status status = postgres_pool_init(self, conninfo, err);
    if (status == STATUS_OK)
        status = inspect(self, &version, err);
    if (status == STATUS_OK && version == 0 && presence == STORE_MUST_EXIST)
        status = error_set(err, STATUS_NOT_FOUND, "%s: there is none in the database", self->name);
    if (status == STATUS_OK && version < SCHEMA_VERSION)
        status = migrate(self, err);
    if (status != STATUS_OK) {
        postgres_close(&self->store);
        return status;
    }
    *ret = &self->store;
    return STATUS_OK;
}
