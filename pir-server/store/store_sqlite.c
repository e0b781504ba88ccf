/* The store in one SQLite file, in WAL mode with full synchronisation: a commit returns after its
 * frames are on the disk, and a reader sees the last commit without waiting for the writer.
 *
 * Two connections, each behind a mutex of its own: one writes, one reads. So a look-up waits for
 * another look-up at most (microseconds), never for a flush. Statements are prepared once.
 *
 * The sums that the quota needs are kept by triggers in the transaction of the change itself; a
 * scan of a million rows for each upload would not do. */
#include "pir-server/store/store_sqlite_internal.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
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
    /* 2 */
    "CREATE TABLE issuer_key ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT," /* never given twice: spent_token refers to it */
    " app TEXT NOT NULL,"
    " id BLOB NOT NULL UNIQUE," /* SHA-256 of the public key */
    " made_at INTEGER NOT NULL,"
    " not_before INTEGER NOT NULL,"
    " retire_at INTEGER NOT NULL," /* 0 = not marked */
    " secret BLOB NOT NULL);"
    "CREATE TABLE removed_issuer_key (number INTEGER PRIMARY KEY);" /* some spent tokens are left */
    "CREATE TABLE spent_token ("
    " key_number INTEGER NOT NULL,"
    " nonce BLOB NOT NULL,"
    " PRIMARY KEY (key_number, nonce)) WITHOUT ROWID;"
    "CREATE TABLE user_token ("
    " hash BLOB NOT NULL PRIMARY KEY," /* SHA-256 of the token */
    " app TEXT NOT NULL,"
    " label TEXT NOT NULL,"
    " made_at INTEGER NOT NULL,"
    " expires_at INTEGER NOT NULL," /* 0 = never */
    " revoked_at INTEGER NOT NULL," /* 0 = in force */
    " per_minute INTEGER NOT NULL," /* 0 = no limit */
    " per_day INTEGER NOT NULL,"
    " issued INTEGER NOT NULL DEFAULT 0,"
    " last_minute INTEGER NOT NULL DEFAULT 0," /* since 1970, in which a token was issued */
    " in_last_minute INTEGER NOT NULL DEFAULT 0,"
    " last_day INTEGER NOT NULL DEFAULT 0,"
    " in_last_day INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;",
    /* 3 */
    "CREATE TABLE gateway_key ("
    " id INTEGER PRIMARY KEY," /* of its configuration, 0 to 255 */
    " made_at INTEGER NOT NULL,"
    " not_before INTEGER NOT NULL,"
    " retire_at INTEGER NOT NULL," /* 0 = not marked */
    " secret BLOB NOT NULL);",
    /* 4 */
    "CREATE TABLE tended (" /* when the issuer keys of an app were last looked after */
    " app TEXT NOT NULL PRIMARY KEY,"
    " at INTEGER NOT NULL) WITHOUT ROWID;",
};
#define SCHEMA_VERSION ((int)ARRAY_COUNT(migrations))

static const char *const statement_text[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_DELETE_EXPIRED] =
        "DELETE FROM evaluation_key WHERE rowid IN (SELECT rowid FROM evaluation_key"
        " WHERE stored_at <= ?1 ORDER BY stored_at LIMIT ?2)",
    [STATEMENT_DELETE_KEY] = "DELETE FROM evaluation_key WHERE user_hash = ?1 AND key_id = ?2",
    [STATEMENT_INSERT_KEY] = "INSERT INTO evaluation_key VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [STATEMENT_SUM_OF_USER] = "SELECT count(*), coalesce(sum(size_bytes), 0) FROM evaluation_key"
                              " WHERE user_hash = ?1",
    [STATEMENT_DELETE_OLDEST_OF_USER] =
        "DELETE FROM evaluation_key WHERE rowid = (SELECT rowid FROM evaluation_key"
        " WHERE user_hash = ?1 ORDER BY rowid LIMIT 1)",
    [STATEMENT_SUM_OF_ALL] = "SELECT key_count, key_bytes FROM evaluation_key_sum",
    [STATEMENT_SELECT_KEY] = "SELECT made_at, stored_at, serialized FROM evaluation_key"
                             " WHERE user_hash = ?1 AND key_id = ?2 AND stored_at > ?3",
    [STATEMENT_SELECT_KEY_TIME] = "SELECT made_at, stored_at FROM evaluation_key"
                                  " WHERE user_hash = ?1 AND key_id = ?2 AND stored_at > ?3",
    [STATEMENT_COUNT_ISSUER_KEYS_NEAR] = "SELECT count(*) FROM issuer_key WHERE id = ?1"
                                         " OR (app = ?4 AND abs(not_before - ?2) < ?3)",
    [STATEMENT_INSERT_ISSUER_KEY] = "INSERT INTO issuer_key (id, made_at, not_before,"
                                    " retire_at, secret, app) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [STATEMENT_SELECT_ISSUER_KEYS] = "SELECT id, made_at, not_before, retire_at, secret, app"
                                     " FROM issuer_key ORDER BY app, not_before, id",
    [STATEMENT_MARK_ISSUER_KEY] = "UPDATE issuer_key SET retire_at = ?2 WHERE id = ?1",
    [STATEMENT_INSERT_REMOVED_KEY] =
        "INSERT INTO removed_issuer_key SELECT number FROM issuer_key WHERE id = ?1",
    [STATEMENT_DELETE_ISSUER_KEY] = "DELETE FROM issuer_key WHERE id = ?1",
    [STATEMENT_COUNT_GATEWAY_KEYS_NEAR] =
        "SELECT count(*) FROM gateway_key WHERE id = ?1 OR abs(not_before - ?2) < ?3",
    [STATEMENT_INSERT_GATEWAY_KEY] = "INSERT INTO gateway_key VALUES (?1, ?2, ?3, ?4, ?5)",
    [STATEMENT_SELECT_GATEWAY_KEYS] = "SELECT id, made_at, not_before, retire_at, secret"
                                      " FROM gateway_key ORDER BY not_before, id",
    [STATEMENT_MARK_GATEWAY_KEY] = "UPDATE gateway_key SET retire_at = ?2 WHERE id = ?1",
    [STATEMENT_DELETE_GATEWAY_KEY] = "DELETE FROM gateway_key WHERE id = ?1",
    [STATEMENT_SELECT_TENDED] = "SELECT at FROM tended WHERE app = ?1",
    [STATEMENT_SET_TENDED] =
        "INSERT INTO tended VALUES (?1, ?2) ON CONFLICT (app) DO UPDATE SET at = excluded.at",
    [STATEMENT_SELECT_ISSUER_KEY_NUMBER] = "SELECT number FROM issuer_key WHERE id = ?1",
    [STATEMENT_INSERT_SPENT] = "INSERT OR IGNORE INTO spent_token VALUES (?1, ?2)",
    [STATEMENT_SELECT_REMOVED_KEY] = "SELECT number FROM removed_issuer_key LIMIT 1",
    [STATEMENT_DELETE_SPENT] = "DELETE FROM spent_token WHERE key_number = ?1 AND nonce IN"
                               " (SELECT nonce FROM spent_token WHERE key_number = ?1 LIMIT ?2)",
    [STATEMENT_DELETE_REMOVED_KEY] = "DELETE FROM removed_issuer_key WHERE number = ?1",
    [STATEMENT_INSERT_USER_TOKEN] =
        "INSERT OR IGNORE INTO user_token (app, hash, label, made_at, expires_at, revoked_at,"
        " per_minute, per_day) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [STATEMENT_SELECT_USER_TOKENS] =
        "SELECT app, hash, label, made_at, expires_at, revoked_at, per_minute, per_day, issued"
        " FROM user_token ORDER BY app, made_at, hash",
    [STATEMENT_REVOKE_USER_TOKEN] = "UPDATE user_token SET revoked_at ="
                                    " CASE revoked_at WHEN 0 THEN ?2 ELSE revoked_at END"
                                    " WHERE hash = ?1",
    [STATEMENT_RESTORE_USER_TOKEN] = "UPDATE user_token SET revoked_at = ?2 WHERE hash = ?1",
    [STATEMENT_CHECK_USER_TOKEN] =
        "SELECT 1 FROM user_token WHERE hash = ?1 AND app = ?2 AND revoked_at = 0"
        " AND (expires_at = 0 OR expires_at > ?3)",
    [STATEMENT_SELECT_ISSUE_COUNTS] =
        "SELECT per_minute, per_day, last_minute, in_last_minute, last_day, in_last_day"
        " FROM user_token WHERE hash = ?1 AND app = ?2 AND revoked_at = 0"
        " AND (expires_at = 0 OR expires_at > ?3)",
    [STATEMENT_UPDATE_ISSUE_COUNTS] =
        "UPDATE user_token SET issued = issued + 1, last_minute = ?2, in_last_minute = ?3,"
        " last_day = ?4, in_last_day = ?5 WHERE hash = ?1",
};

static enum status fail(const struct store_sqlite *self, const struct sqlite_connection *connection,
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
static sqlite3_stmt *statement_of(struct sqlite_connection *connection, enum sqlite_statement which,
                                  int *ret_code)
{
    sqlite3_stmt **slot = &connection->statements[which];
    if (*slot == NULL)
        *ret_code = sqlite3_prepare_v3(connection->db, statement_text[which], -1,
                                       SQLITE_PREPARE_PERSISTENT, slot, NULL);
    return *slot;
}

/* Without a copy: values outlive the statement's run. An empty blob is not NULL. */
static int bind(sqlite3_stmt *statement, int at, const struct sqlite_value *value)
{
    const void *data = value->bytes.size > 0 ? value->bytes.data : (const void *)"";
    switch (value->kind) {
    case SQLITE_VALUE_NUMBER:
        return sqlite3_bind_int64(statement, at, value->number);
    case SQLITE_VALUE_BLOB:
        return sqlite3_bind_blob64(statement, at, data, value->bytes.size, SQLITE_STATIC);
    case SQLITE_VALUE_TEXT:
        return sqlite3_bind_text64(statement, at, data, value->bytes.size, SQLITE_STATIC,
                                   SQLITE_UTF8);
    }
    return SQLITE_MISUSE;
}

enum status sqlite_ask(struct store_sqlite *self, struct sqlite_connection *connection,
                       enum sqlite_statement which, const struct sqlite_value *values, size_t count,
                       enum status (*row)(void *context, sqlite3_stmt *columns, struct error *err),
                       void *context, size_t *ret_rows, const char *doing, struct error *err)
{
    int code = SQLITE_OK;
    sqlite3_stmt *statement = statement_of(connection, which, &code);
    if (statement == NULL)
        return fail(self, connection, code, doing, err);
    for (size_t i = 0; i < count && code == SQLITE_OK; i++)
        code = bind(statement, (int)i + 1, &values[i]);
    enum status status = STATUS_OK;
    size_t rows = 0;
    if (code == SQLITE_OK) {
        while (status == STATUS_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
            rows++;
            if (row != NULL)
                status = row(context, statement, err);
        }
    }
    if (status == STATUS_OK && code != SQLITE_DONE)
        status = fail(self, connection, code, doing, err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (status == STATUS_OK && ret_rows != NULL)
        *ret_rows = rows;
    return status;
}

enum status sqlite_run(struct store_sqlite *self, struct sqlite_connection *connection,
                       enum sqlite_statement which, const struct sqlite_value *values, size_t count,
                       const char *doing, struct error *err)
{
    return sqlite_ask(self, connection, which, values, count, NULL, NULL, NULL, doing, err);
}

struct span sqlite_column_span(sqlite3_stmt *columns, int at)
{
    const void *data = sqlite3_column_blob(columns, at);
    const int size = sqlite3_column_bytes(columns, at);
    return span_of(data, size > 0 ? (size_t)size : 0);
}

enum status sqlite_column_copy(sqlite3_stmt *columns, int at, void *ret, size_t size,
                               struct error *err)
{
    const struct span blob = sqlite_column_span(columns, at);
    if (blob.size != size)
        return error_set(err, STATUS_MALFORMED, "state file: a field of %zu bytes has %zu", size,
                         blob.size);
    memcpy(ret, blob.data, size);
    return STATUS_OK;
}

enum status sqlite_column_text_copy(sqlite3_stmt *columns, int at, char *ret, size_t size,
                                    struct error *err)
{
    const struct span text = sqlite_column_span(columns, at);
    if (text.size >= size)
        return error_set(err, STATUS_MALFORMED, "state file: a text of %zu bytes, at most %zu",
                         text.size, size - 1);
    if (text.size > 0)
        memcpy(ret, text.data, text.size);
    ret[text.size] = '\0';
    return STATUS_OK;
}

enum status sqlite_take_number(void *context, sqlite3_stmt *columns, struct error *err)
{
    (void)err;
    *(uint64_t *)context = sqlite_column_number(columns, 0);
    return STATUS_OK;
}

/* ---- transactions ---- */

static enum status begin(struct store_sqlite *self, struct error *err)
{
    return sqlite_run(self, &self->writer, STATEMENT_BEGIN, NULL, 0, "beginning a change", err);
}

/* Commits, or takes everything back when `status` or the commit is a failure. */
static enum status end(struct store_sqlite *self, enum status status, struct error *err)
{
    struct sqlite_connection *writer = &self->writer;
    if (status == STATUS_OK)
        status = sqlite_run(self, writer, STATEMENT_COMMIT, NULL, 0, "writing to the disk", err);
    /* After a full disk SQLite may have rolled back by itself; then there is nothing to do. */
    if (status != STATUS_OK && sqlite3_get_autocommit(writer->db) == 0) {
        const enum status ignored =
            sqlite_run(self, writer, STATEMENT_ROLLBACK, NULL, 0, "taking a change back", NULL);
        (void)ignored;
    }
    return status;
}

/* What is written to a file that has lost its name is gone when we end, and what was spent there
 * could be spent again in the copy that took its place. */
static enum status check_place(struct store_sqlite *self, struct error *err)
{
    int has_moved = 0;
    const int code =
        sqlite3_file_control(self->writer.db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
    if (code != SQLITE_OK)
        return fail(self, &self->writer, code, "beginning a change", err);
    return has_moved == 0 ? STATUS_OK
                          : error_set(err, STATUS_IO,
                                      "state file %s: removed or exchanged while in use: put it "
                                      "back, or restart",
                                      self->path);
}

enum status sqlite_begin(struct store_sqlite *self, struct error *err)
{
    pthread_mutex_lock(&self->writer.lock);
    const enum status status = check_place(self, err);
    return status == STATUS_OK ? begin(self, err) : status;
}

enum status sqlite_end(struct store_sqlite *self, enum status status, struct error *err)
{
    status = end(self, status, err);
    pthread_mutex_unlock(&self->writer.lock);
    return status;
}

enum status sqlite_change_row(struct store_sqlite *self, enum sqlite_statement which,
                              const struct sqlite_value *values, size_t count, const char *what,
                              const char *doing, struct error *err)
{
    enum status status = sqlite_begin(self, err);
    if (status == STATUS_OK)
        status = sqlite_run(self, &self->writer, which, values, count, doing, err);
    if (status == STATUS_OK && sqlite3_changes(self->writer.db) == 0)
        status = error_set(err, STATUS_NOT_FOUND, "state file %s: no such %s", self->path, what);
    return sqlite_end(self, status, err);
}

/* ---- opening ---- */

static void connection_close(struct sqlite_connection *connection)
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

static enum status execute(struct store_sqlite *self, struct sqlite_connection *connection,
                           const char *text, const char *doing, struct error *err)
{
    const int code = sqlite3_exec(connection->db, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : fail(self, connection, code, doing, err);
}

/* The first column of the first row, as a number, or as text compared with `expected`. */
static enum status ask(struct store_sqlite *self, struct sqlite_connection *connection,
                       const char *text, const char *expected, int64_t *ret_number, bool *ret_equal,
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
    struct sqlite_connection *connection = &self->writer;
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
    struct sqlite_connection *connection = &self->writer;
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

static enum status connection_open(struct store_sqlite *self, struct sqlite_connection *connection,
                                   struct error *err)
{
    /* Our mutex guards the connection, so SQLite's own is not needed. */
    int code = sqlite3_open_v2(self->path, &connection->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_extended_result_codes(connection->db, 1);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(connection->db, (int)self->store.limits.busy_timeout_ms);
    return code == SQLITE_OK ? STATUS_OK : fail(self, connection, code, "opening", err);
}

static enum status touch_file(const char *path, enum store_presence presence, struct error *err)
{
    /* Made by us, for the mode: SQLite would follow the umask, and the file holds what devices
     * uploaded. Its companions take the mode from it. */
    const int fd =
        open(path, O_RDWR | O_CLOEXEC | (presence == STORE_MAY_BE_NEW ? O_CREAT : 0), 0600);
    if (fd < 0 && errno == ENOENT && presence == STORE_MUST_EXIST)
        return error_set(err, STATUS_NOT_FOUND, "%s: no such state file", path);
    if (fd < 0)
        return error_set_errno(err, errno, "state file %s", path);
    close(fd);
    return STATUS_OK;
}

/* ---- for operators ---- */

static enum status sqlite_purge(struct store *store, uint64_t now_s, size_t *ret_removed,
                                struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    const enum status status = sqlite_purge_keys(self, now_s, ret_removed, err);
    return status == STATUS_OK ? sqlite_purge_spent(self, err) : status;
}

/* What PRAGMA integrity_check and a query of ours find. */
static enum status check_connection(struct store_sqlite *self, struct sqlite_connection *connection,
                                    struct error *err)
{
    bool is_whole = false;
    int64_t wrong_sums = 0;
    enum status status =
        ask(self, connection, "PRAGMA integrity_check(1)", "ok", NULL, &is_whole, err);
    if (status == STATUS_OK && !is_whole)
        status = error_set(err, STATUS_MALFORMED, "state file %s: damaged", self->path);
    if (status == STATUS_OK)
        status = ask(self, connection,
                     "SELECT count(*) FROM evaluation_key_sum WHERE key_count <>"
                     " (SELECT count(*) FROM evaluation_key) OR key_bytes <>"
                     " (SELECT coalesce(sum(length(serialized)), 0) FROM evaluation_key)",
                     NULL, &wrong_sums, NULL, err);
    if (status == STATUS_OK && wrong_sums != 0)
        status = error_set(err, STATUS_MALFORMED,
                           "state file %s: the sums of its evaluation keys are wrong", self->path);
    return status;
}

static enum status sqlite_check(struct store *store, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    pthread_mutex_lock(&self->reader.lock);
    const enum status status = check_connection(self, &self->reader, err);
    pthread_mutex_unlock(&self->reader.lock);
    return status;
}

/* Copies all as of now into the empty file `path`, through a connection of its own: neither readers
 * nor writers wait. */
static enum status copy_into(struct store_sqlite *self, const char *path, struct error *err)
{
    struct sqlite_connection connection = {0};
    sqlite3_stmt *statement = NULL;
    pthread_mutex_init(&connection.lock, NULL);
    enum status status = connection_open(self, &connection, err);
    if (status == STATUS_OK) {
        int code = sqlite3_prepare_v2(connection.db, "VACUUM INTO ?1", -1, &statement, NULL);
        if (code == SQLITE_OK)
            code = sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC);
        if (code == SQLITE_OK)
            code = sqlite3_step(statement);
        if (code != SQLITE_DONE)
            status = fail(self, &connection, code, "copying it", err);
        sqlite3_finalize(statement);
    }
    connection_close(&connection);
    return status;
}

/* Flushes the finished copy, and gives it its name if that is free. */
static enum status publish_copy(const char *copy, const char *path, struct error *err)
{
    const int fd = open(copy, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno, "%s", copy);
    const bool is_flushed = fsync(fd) == 0;
    const int flush_error = errno;
    close(fd);
    return is_flushed ? file_link(copy, path, err) : error_set_errno(err, flush_error, "%s", copy);
}

static enum status sqlite_backup(struct store *store, const char *path, struct error *err)
{
    struct stat there;
    char *copy = NULL;
    if (lstat(path, &there) == 0)
        return error_set(err, STATUS_EXISTS, "%s: is there already", path);
    struct bytes name;
    bytes_init(&name, PATH_MAX);
    bytes_append_format(&name, "%s.%ld.tmp", path, (long)getpid());
    bytes_append_u8(&name, '\0');
    enum status status = bytes_status(&name, path, err);
    copy = (char *)name.data;
    if (status == STATUS_OK) {
        status = touch_file(copy, STORE_MAY_BE_NEW, err);
        if (status == STATUS_OK)
            status = copy_into(sqlite_of(store), copy, err);
        if (status == STATUS_OK)
            status = publish_copy(copy, path, err);
        (void)unlink(copy);
    }
    bytes_deinit(&name);
    return status;
}

/* SQLite writes the page that holds this number, whether or not it is another. */
static enum status sqlite_probe(struct store *store, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    char text[64];
    sqlite3_snprintf((int)sizeof text, text, "PRAGMA application_id = %d", STATE_APPLICATION_ID);
    enum status status = sqlite_begin(self, err);
    if (status == STATUS_OK)
        status = execute(self, &self->writer, text, "writing", err);
    return sqlite_end(self, status, err);
}

static enum status sqlite_vacuum(struct store *store, struct error *err)
{
    struct store_sqlite *self = sqlite_of(store);
    pthread_mutex_lock(&self->writer.lock);
    /* A copy of all, which may be larger than memory. */
    enum status status =
        execute(self, &self->writer, "PRAGMA temp_store = FILE; VACUUM", "packing it", err);
    if (status == STATUS_OK)
        status = execute(self, &self->writer, "PRAGMA wal_checkpoint(TRUNCATE)", "packing it", err);
    pthread_mutex_unlock(&self->writer.lock);
    return status;
}

/* What a statement puts aside stays in memory: it is small, and a server's sandbox has no folder
 * for it. */
#define NO_TEMPORARY_FILES "PRAGMA temp_store = MEMORY"

enum status store_open_sqlite(const char *path, const struct store_limits *limits,
                              enum store_presence presence, struct store **ret, struct error *err)
{
    static const struct store_operations operations = {
        .close = sqlite_close,
        .put_keys = sqlite_put_keys,
        .get_key = sqlite_get_key,
        .get_usage = sqlite_get_usage,
        .purge = sqlite_purge,
        .probe = sqlite_probe,
        .check = sqlite_check,
        .backup = sqlite_backup,
        .vacuum = sqlite_vacuum,
        .add_ring_key = sqlite_add_ring_key,
        .list_ring_keys = sqlite_list_ring_keys,
        .mark_ring_key = sqlite_mark_ring_key,
        .get_tended = sqlite_get_tended,
        .set_tended = sqlite_set_tended,
        .remove_ring_key = sqlite_remove_ring_key,
        .spend_tokens = sqlite_spend_tokens,
        .add_user_tokens = sqlite_add_user_tokens,
        .list_user_tokens = sqlite_list_user_tokens,
        .revoke_user_token = sqlite_revoke_user_token,
        .restore_user_token = sqlite_restore_user_token,
        .check_user_token = sqlite_check_user_token,
        .count_issues = sqlite_count_issues,
    };
    struct store_sqlite *self = mem_alloc_zeroed(1, sizeof *self);
    if (self == NULL)
        return error_set(err, STATUS_NOMEM, "state file %s: out of memory", path);
    self->store = (struct store){.operations = &operations, .limits = *limits};
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
    status = touch_file(path, presence, err);
    if (status == STATUS_OK)
        status = connection_open(self, &self->writer, err);
    if (status == STATUS_OK)
        status = inspect(self, &version, err);
    if (status == STATUS_OK)
        status = ask(self, &self->writer, "PRAGMA journal_mode = WAL", "wal", NULL, &is_wal, err);
    if (status == STATUS_OK && !is_wal)
        status = error_set(err, STATUS_IO, "state file %s: its file system cannot do WAL", path);
    if (status == STATUS_OK)
        status = execute(self, &self->writer, "PRAGMA synchronous = FULL; " NO_TEMPORARY_FILES,
                         "opening", err);
    if (status == STATUS_OK)
        status = migrate(self, err);
    if (status == STATUS_OK)
        status = connection_open(self, &self->reader, err);
    if (status == STATUS_OK)
        status = execute(self, &self->reader, "PRAGMA query_only = 1; " NO_TEMPORARY_FILES,
                         "opening", err);
    if (status != STATUS_OK)
        goto done;
    *ret = &self->store;
    self = NULL;
done:
    if (self != NULL)
        sqlite_close(&self->store);
    return status;
}
