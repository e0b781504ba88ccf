/* The store in one SQLite file, in WAL mode with full synchronisation: a commit returns after its
 * frames are on the disk, and a reader sees the last commit without waiting for the writer.
 *
 * Two connections, each behind a mutex of its own: one writes, one reads. So a look-up waits for
 * another look-up at most (microseconds), never for a flush. Statements are prepared once.
 *
 * The sums that the quota needs are kept by triggers in the transaction of the change itself; a
 * scan of a million rows for each upload would not do. */
#include "pir-server/store/store.h"
#include "pir-server/store/store_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "blst", in the header of the file: tells our files from other SQLite files. */
#define STATE_APPLICATION_ID 0x626c7374
/* Up to this size the whole structure is checked when the file is opened (a few milliseconds a
 * megabyte); of larger files, what is read is checked when it is read. */
#define STATE_CHECK_MAX_BYTES ((off_t)64 << 20)

/* Numbered from 1; the number is in the file (user_version). Never edited, only added to. */
static const char *const migrations[] = {
    /* 1 */
    "CREATE TABLE evaluation_key ("
    " user_hash BLOB NOT NULL,"    /* SHA-256 of the User-Identifier */
    " key_id BLOB NOT NULL,"       /* SHA-256 of the evaluation key configuration */
    " made_at INTEGER NOT NULL,"   /* of the device; 64 bits, read as unsigned */
    " stored_at INTEGER NOT NULL," /* seconds since 1970, our clock */
    " size_bytes INTEGER NOT NULL,"
    " serialized BLOB NOT NULL,"
    " PRIMARY KEY (user_hash, key_id));"
    "CREATE INDEX evaluation_key_by_age ON evaluation_key (stored_at);"
    "CREATE TABLE evaluation_key_sum (key_count INTEGER NOT NULL, key_bytes INTEGER NOT NULL);"
    "INSERT INTO evaluation_key_sum VALUES (0, 0);"
    "CREATE TRIGGER evaluation_key_added AFTER INSERT ON evaluation_key BEGIN"
    " UPDATE evaluation_key_sum SET key_count = key_count + 1,"
    " key_bytes = key_bytes + NEW.size_bytes; END;"
    "CREATE TRIGGER evaluation_key_removed AFTER DELETE ON evaluation_key BEGIN"
    " UPDATE evaluation_key_sum SET key_count = key_count - 1,"
    " key_bytes = key_bytes - OLD.size_bytes; END;",
};
#define SCHEMA_VERSION ((int)ARRAY_COUNT(migrations))

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    DELETE_EXPIRED,
    DELETE_KEY,
    INSERT_KEY,
    SUM_OF_USER,
    DELETE_OLDEST_OF_USER,
    SUM_OF_ALL,
    SELECT_KEY,
    SELECT_KEY_TIME,
    STATEMENT_COUNT
};

static const char *const statement_text[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [DELETE_EXPIRED] = "DELETE FROM evaluation_key WHERE stored_at <= ?1",
    [DELETE_KEY] = "DELETE FROM evaluation_key WHERE user_hash = ?1 AND key_id = ?2",
    [INSERT_KEY] = "INSERT INTO evaluation_key VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SUM_OF_USER] = "SELECT count(*), coalesce(sum(size_bytes), 0) FROM evaluation_key"
                    " WHERE user_hash = ?1",
    [DELETE_OLDEST_OF_USER] =
        "DELETE FROM evaluation_key WHERE rowid = (SELECT rowid FROM evaluation_key"
        " WHERE user_hash = ?1 ORDER BY stored_at, rowid LIMIT 1)",
    [SUM_OF_ALL] = "SELECT key_count, key_bytes FROM evaluation_key_sum",
    [SELECT_KEY] = "SELECT made_at, serialized FROM evaluation_key"
                   " WHERE user_hash = ?1 AND key_id = ?2 AND stored_at > ?3",
    [SELECT_KEY_TIME] = "SELECT made_at FROM evaluation_key"
                        " WHERE user_hash = ?1 AND key_id = ?2 AND stored_at > ?3",
};

struct connection {
    pthread_mutex_t lock;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT]; /* prepared when first used */
};

struct store_sqlite {
    struct store store;
    struct store_limits limits;
    char *path; /* for messages */
    struct connection writer;
    struct connection reader;
};

static struct store_sqlite *sqlite_of(struct store *store)
{
    return (struct store_sqlite *)store;
}

static enum status fail(const struct store_sqlite *self, const struct connection *connection,
                        int code, const char *doing, struct error *err)
{
    const char *reason =
        connection->db != NULL ? sqlite3_errmsg(connection->db) : sqlite3_errstr(code);
    enum status status = STATUS_IO;
    switch (code & 0xff) { /* the low byte is the primary code */
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        status = STATUS_BUSY;
        break;
    case SQLITE_NOMEM:
        status = STATUS_NOMEM;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        status = STATUS_MALFORMED;
        break;
    case SQLITE_TOOBIG:
        status = STATUS_TOO_LARGE;
        break;
    }
    return error_set(err, status, "state file %s: %s: %s", self->path, doing, reason);
}

/* The statement, reset and without bindings; NULL leaves *ret_code set. */
static sqlite3_stmt *statement_of(struct connection *connection, enum statement which,
                                  int *ret_code)
{
    sqlite3_stmt **slot = &connection->statements[which];
    if (*slot == NULL)
        *ret_code = sqlite3_prepare_v3(connection->db, statement_text[which], -1,
                                       SQLITE_PREPARE_PERSISTENT, slot, NULL);
    return *slot;
}

/* Runs a statement that yields no row. Blobs are bound without a copy: they outlive the call. */
static enum status run(struct store_sqlite *self, struct connection *connection,
                       enum statement which, const struct span *blobs, size_t blob_count,
                       const int64_t *number, const char *doing, struct error *err)
{
    int code = SQLITE_OK;
    sqlite3_stmt *statement = statement_of(connection, which, &code);
    if (statement == NULL)
        return fail(self, connection, code, doing, err);
    int at = 1;
    for (size_t i = 0; i < blob_count && code == SQLITE_OK; i++, at++)
        code = sqlite3_bind_blob64(statement, at, blobs[i].data, blobs[i].size, SQLITE_STATIC);
    if (number != NULL && code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, at, *number);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    enum status status = STATUS_OK;
    if (code != SQLITE_DONE)
        status = fail(self, connection, code, doing, err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

static enum status run_plain(struct store_sqlite *self, enum statement which, const char *doing,
                             struct error *err)
{
    return run(self, &self->writer, which, NULL, 0, NULL, doing, err);
}

/* Two numbers of one row. */
static enum status select_sums(struct store_sqlite *self, struct connection *connection,
                               enum statement which, const struct store_user *user,
                               struct store_usage *ret, struct error *err)
{
    int code = SQLITE_OK;
    sqlite3_stmt *statement = statement_of(connection, which, &code);
    if (statement == NULL)
        return fail(self, connection, code, "reading the sums", err);
    if (user != NULL)
        code = sqlite3_bind_blob64(statement, 1, user->hash, sizeof user->hash, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    enum status status = STATUS_OK;
    if (code == SQLITE_ROW) {
        ret->key_count = (uint64_t)sqlite3_column_int64(statement, 0);
        ret->key_bytes = (uint64_t)sqlite3_column_int64(statement, 1);
    } else {
        status = fail(self, connection, code, "reading the sums", err);
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

/* Keys stored at this second or before have expired. */
static int64_t expiry_line(const struct store_sqlite *self, uint64_t now_s)
{
    return now_s > self->limits.key_ttl_s ? (int64_t)(now_s - self->limits.key_ttl_s) : -1;
}

static enum status insert_key(struct store_sqlite *self, const struct store_user *user,
                              const struct store_key *key, uint64_t now_s, struct error *err)
{
    const struct span where[2] = {span_of(user->hash, sizeof user->hash),
                                  span_of(key->id, sizeof key->id)};
    enum status status = run(self, &self->writer, DELETE_KEY, where, 2, NULL, "storing a key", err);
    if (status != STATUS_OK)
        return status;

    struct connection *connection = &self->writer;
    int code = SQLITE_OK;
    sqlite3_stmt *statement = statement_of(connection, INSERT_KEY, &code);
    if (statement == NULL)
        return fail(self, connection, code, "storing a key", err);
    const void *serialized = key->serialized.size > 0 ? key->serialized.data : (const void *)"";
    const bool is_bound =
        (code = sqlite3_bind_blob64(statement, 1, user->hash, sizeof user->hash, SQLITE_STATIC)) ==
            SQLITE_OK &&
        (code = sqlite3_bind_blob64(statement, 2, key->id, sizeof key->id, SQLITE_STATIC)) ==
            SQLITE_OK &&
        (code = sqlite3_bind_int64(statement, 3, (int64_t)key->made_at)) == SQLITE_OK &&
        (code = sqlite3_bind_int64(statement, 4, (int64_t)now_s)) == SQLITE_OK &&
        (code = sqlite3_bind_int64(statement, 5, (int64_t)key->serialized.size)) == SQLITE_OK &&
        (code = sqlite3_bind_blob64(statement, 6, serialized, key->serialized.size,
                                    SQLITE_STATIC)) == SQLITE_OK;
    if (is_bound)
        code = sqlite3_step(statement);
    if (!is_bound || code != SQLITE_DONE)
        status = fail(self, connection, code, "storing a key", err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

/* Brings the user below the quota by dropping the oldest keys. What was just written has the newest
 * time and the highest rowid, so it goes last. */
static enum status shrink_user(struct store_sqlite *self, const struct store_user *user,
                               struct error *err)
{
    for (;;) {
        struct store_usage usage;
        enum status status = select_sums(self, &self->writer, SUM_OF_USER, user, &usage, err);
        if (status != STATUS_OK)
            return status;
        if (usage.key_count <= self->limits.keys_per_user &&
            usage.key_bytes <= self->limits.key_bytes_per_user)
            return STATUS_OK;
        const struct span where = span_of(user->hash, sizeof user->hash);
        status = run(self, &self->writer, DELETE_OLDEST_OF_USER, &where, 1, NULL,
                     "dropping an old key", err);
        if (status != STATUS_OK)
            return status;
    }
}

static enum status put_in_transaction(struct store_sqlite *self, const struct store_user *user,
                                      const struct store_key *keys, size_t count, uint64_t now_s,
                                      struct error *err)
{
    const int64_t line = expiry_line(self, now_s);
    enum status status =
        run(self, &self->writer, DELETE_EXPIRED, NULL, 0, &line, "dropping expired keys", err);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = insert_key(self, user, &keys[i], now_s, err);
    if (status == STATUS_OK)
        status = shrink_user(self, user, err);
    struct store_usage usage;
    if (status == STATUS_OK)
        status = select_sums(self, &self->writer, SUM_OF_ALL, NULL, &usage, err);
    if (status == STATUS_OK && (usage.key_count > self->limits.keys_in_all ||
                                usage.key_bytes > self->limits.key_bytes_in_all))
        status = error_set(err, STATUS_BUSY,
                           "state file %s: full, %" PRIu64 " keys of %" PRIu64 ", %" PRIu64
                           " bytes of %" PRIu64,
                           self->path, usage.key_count, self->limits.keys_in_all, usage.key_bytes,
                           self->limits.key_bytes_in_all);
    return status;
}

static enum status begin(struct store_sqlite *self, struct error *err)
{
    return run_plain(self, BEGIN, "beginning a change", err);
}

/* Commits, or takes everything back when `status` or the commit is a failure. */
static enum status end(struct store_sqlite *self, enum status status, struct error *err)
{
    if (status == STATUS_OK)
        status = run_plain(self, COMMIT, "writing to the disk", err);
    /* After a full disk SQLite may have rolled back by itself; then there is nothing to do. */
    if (status != STATUS_OK && sqlite3_get_autocommit(self->writer.db) == 0) {
        const enum status ignored = run_plain(self, ROLLBACK, "taking a change back", NULL);
        (void)ignored;
    }
    return status;
}

static enum status sqlite_put_keys(struct store *store, const struct store_user *user,
                                   const struct store_key *keys, size_t count, uint64_t now_s,
                                   struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    for (size_t i = 0; i < count; i++) {
        const size_t size = keys[i].serialized.size;
        if (size > self->limits.key_bytes_per_user || size > STORE_EVALUATION_KEY_MAX_BYTES)
            return error_set(err, STATUS_TOO_LARGE,
                             "evaluation key of %zu bytes, at most %" PRIu64 " for one user", size,
                             self->limits.key_bytes_per_user);
    }
    pthread_mutex_lock(&self->writer.lock);
    enum status status = begin(self, err);
    if (status == STATUS_OK)
        status = end(self, put_in_transaction(self, user, keys, count, now_s, err), err);
    pthread_mutex_unlock(&self->writer.lock);
    return status;
}

static enum status sqlite_get_key(struct store *store, const struct store_user *user,
                                  const uint8_t id[STORE_KEY_ID_BYTES], uint64_t now_s,
                                  uint64_t *ret_made_at, struct bytes *ret, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    struct connection *connection = &self->reader;
    pthread_mutex_lock(&connection->lock);
    enum status status = STATUS_OK;
    int code = SQLITE_OK;
    sqlite3_stmt *statement =
        statement_of(connection, ret != NULL ? SELECT_KEY : SELECT_KEY_TIME, &code);
    if (statement == NULL) {
        status = fail(self, connection, code, "looking up a key", err);
        goto done;
    }
    code = sqlite3_bind_blob64(statement, 1, user->hash, sizeof user->hash, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_blob64(statement, 2, id, STORE_KEY_ID_BYTES, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 3, expiry_line(self, now_s));
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const uint64_t made_at = (uint64_t)sqlite3_column_int64(statement, 0);
        if (ret != NULL) {
            const void *blob = sqlite3_column_blob(statement, 1);
            const int size = sqlite3_column_bytes(statement, 1);
            bytes_append(ret, span_of(blob, size > 0 ? (size_t)size : 0));
            status = bytes_status(ret, "evaluation key", err);
        }
        if (status == STATUS_OK)
            *ret_made_at = made_at;
    } else if (code == SQLITE_DONE) {
        status = error_set(err, STATUS_NO_KEY, "evaluation key not found");
    } else {
        status = fail(self, connection, code, "looking up a key", err);
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
done:
    pthread_mutex_unlock(&connection->lock);
    return status;
}

static enum status sqlite_get_usage(struct store *store, struct store_usage *ret, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    pthread_mutex_lock(&self->reader.lock);
    const enum status status = select_sums(self, &self->reader, SUM_OF_ALL, NULL, ret, err);
    pthread_mutex_unlock(&self->reader.lock);
    return status;
}

static enum status sqlite_purge(struct store *store, uint64_t now_s, size_t *ret_removed,
                                struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    const int64_t line = expiry_line(self, now_s);
    size_t removed = 0;
    pthread_mutex_lock(&self->writer.lock);
    enum status status = begin(self, err);
    if (status == STATUS_OK) {
        status =
            run(self, &self->writer, DELETE_EXPIRED, NULL, 0, &line, "dropping expired keys", err);
        removed = status == STATUS_OK ? (size_t)sqlite3_changes(self->writer.db) : 0;
        status = end(self, status, err);
    }
    pthread_mutex_unlock(&self->writer.lock);
    if (status == STATUS_OK)
        *ret_removed = removed;
    return status;
}

/* ---- opening ---- */

static void connection_close(struct connection *connection)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(connection->statements[i]);
    sqlite3_close(connection->db);
    pthread_mutex_destroy(&connection->lock);
}

static void sqlite_close(struct store *store)
{
    struct store_sqlite *self = sqlite_of(store);
    connection_close(&self->reader);
    /* The last connection to close brings the WAL into the file and removes it. */
    connection_close(&self->writer);
    mem_free(self->path);
    mem_free(self);
}

static enum status execute(struct store_sqlite *self, struct connection *connection,
                           const char *text, const char *doing, struct error *err)
{
    const int code = sqlite3_exec(connection->db, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : fail(self, connection, code, doing, err);
}

/* The first column of the first row, as a number, or as text compared with `expected`. */
static enum status ask(struct store_sqlite *self, struct connection *connection, const char *text,
                       const char *expected, int64_t *ret_number, bool *ret_equal,
                       struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(connection->db, text, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    enum status status = STATUS_OK;
    if (code != SQLITE_ROW) {
        status = fail(self, connection, code, "opening", err);
    } else if (expected != NULL) {
        const unsigned char *got = sqlite3_column_text(statement, 0);
        *ret_equal = got != NULL && sqlite3_stricmp((const char *)got, expected) == 0;
    } else {
        *ret_number = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return status;
}

/* Is it ours, whole, and of a version we know? */
static enum status inspect(struct store_sqlite *self, int64_t *ret_version, struct error *err)
{
    struct connection *connection = &self->writer;
    int64_t tables = 0;
    int64_t application = 0;
    int64_t version = 0;
    enum status status =
        ask(self, connection, "SELECT count(*) FROM sqlite_schema", NULL, &tables, NULL, err);
    if (status == STATUS_OK)
        status = ask(self, connection, "PRAGMA application_id", NULL, &application, NULL, err);
    if (status == STATUS_OK)
        status = ask(self, connection, "PRAGMA user_version", NULL, &version, NULL, err);
    if (status != STATUS_OK)
        return status;
    if (tables > 0 && application != STATE_APPLICATION_ID)
        return error_set(err, STATUS_MALFORMED, "state file %s: an SQLite file of another program",
                         self->path);
    if (version > SCHEMA_VERSION)
        return error_set(err, STATUS_UNSUPPORTED,
                         "state file %s: written by a newer blindlist-server (schema %" PRId64
                         ", this one knows %d)",
                         self->path, version, SCHEMA_VERSION);
    struct stat file;
    if (tables > 0 && stat(self->path, &file) == 0 && file.st_size <= STATE_CHECK_MAX_BYTES) {
        bool is_whole = false;
        status = ask(self, connection, "PRAGMA quick_check(1)", "ok", NULL, &is_whole, err);
        if (status != STATUS_OK)
            return status;
        if (!is_whole)
            return error_set(err, STATUS_MALFORMED, "state file %s: damaged", self->path);
    }
    *ret_version = version;
    return STATUS_OK;
}

/* Each migration is a transaction with its number in it, so a kill between two is harmless. Two
 * servers that start at once: the second waits, then sees the number. */
static enum status migrate(struct store_sqlite *self, struct error *err)
{
    struct connection *connection = &self->writer;
    for (;;) {
        enum status status = begin(self, err);
        if (status != STATUS_OK)
            return status;
        int64_t version = 0;
        status = ask(self, connection, "PRAGMA user_version", NULL, &version, NULL, err);
        if (status == STATUS_OK && version < SCHEMA_VERSION) {
            char number[96];
            sqlite3_snprintf((int)sizeof number, number,
                             "PRAGMA application_id = %d; PRAGMA user_version = %d",
                             STATE_APPLICATION_ID, (int)version + 1);
            status = execute(self, connection, migrations[version],
                             "bringing the schema up to date", err);
            if (status == STATUS_OK)
                status = execute(self, connection, number, "bringing the schema up to date", err);
        }
        const bool is_done = version >= SCHEMA_VERSION;
        status = end(self, status, err);
        if (status != STATUS_OK || is_done)
            return status;
    }
}

static enum status connection_open(struct store_sqlite *self, struct connection *connection,
                                   struct error *err)
{
    /* Our mutex guards the connection, so SQLite's own is not needed. */
    int code = sqlite3_open_v2(self->path, &connection->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_extended_result_codes(connection->db, 1);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(connection->db, (int)self->limits.busy_timeout_ms);
    return code == SQLITE_OK ? STATUS_OK : fail(self, connection, code, "opening", err);
}

static enum status create_file(const char *path, struct error *err)
{
    /* Made by us, for the mode: SQLite would follow the umask, and the file holds what devices
     * uploaded. Its companions take the mode from it. */
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, errno, "state file %s", path);
    close(fd);
    return STATUS_OK;
}

enum status store_open_sqlite(const char *path, const struct store_limits *limits,
                              struct store **ret, struct error *err)
{
    static const struct store_operations operations = {
        .close = sqlite_close,
        .put_keys = sqlite_put_keys,
        .get_key = sqlite_get_key,
        .get_usage = sqlite_get_usage,
        .purge = sqlite_purge,
    };
    struct store_sqlite *self = mem_alloc_zeroed(1, sizeof *self);
    if (self == NULL)
        return error_set(err, STATUS_NOMEM, "state file %s: out of memory", path);
    self->store.operations = &operations;
    self->limits = *limits;
    pthread_mutex_init(&self->writer.lock, NULL);
    pthread_mutex_init(&self->reader.lock, NULL);

    enum status status = STATUS_OK;
    int64_t version = 0;
    bool is_wal = false;
    self->path = mem_strdup(path);
    if (self->path == NULL) {
        status = error_set(err, STATUS_NOMEM, "state file %s: out of memory", path);
        goto done;
    }
    status = create_file(path, err);
    if (status == STATUS_OK)
        status = connection_open(self, &self->writer, err);
    if (status == STATUS_OK)
        status = inspect(self, &version, err);
    if (status == STATUS_OK)
        status = ask(self, &self->writer, "PRAGMA journal_mode = WAL", "wal", NULL, &is_wal, err);
    if (status == STATUS_OK && !is_wal)
        status = error_set(err, STATUS_IO, "state file %s: its file system cannot do WAL", path);
    if (status == STATUS_OK)
        status = execute(self, &self->writer, "PRAGMA synchronous = FULL", "opening", err);
    if (status == STATUS_OK)
        status = migrate(self, err);
    if (status == STATUS_OK)
        status = connection_open(self, &self->reader, err);
    if (status == STATUS_OK)
        status = execute(self, &self->reader, "PRAGMA query_only = 1", "opening", err);
    if (status != STATUS_OK)
        goto done;
    *ret = &self->store;
    self = NULL;
done:
    if (self != NULL)
        sqlite_close(&self->store);
    return status;
}
