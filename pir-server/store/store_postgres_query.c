/* Statements of the PostgreSQL store: their text, and how one is sent and its result read. They are
 * prepared on a connection when first used there; numbers and bytes go and come in binary. */
#include "pir-server/store/store_postgres_internal.h"

#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VALUES_MAX      8
#define NUMBER_BYTES    8
#define OVER_TIMEOUT_MS ((uint64_t)1000) /* the server's own timeout comes first */
#define SQLSTATE_BYTES  5
#define FORMAT_BINARY   1

static const char *const statement_text[POSTGRES_STATEMENT_COUNT] = {
    [POSTGRES_BEGIN] = "BEGIN",
    [POSTGRES_COMMIT] = "COMMIT",
    [POSTGRES_ROLLBACK] = "ROLLBACK",
    /* Who changes evaluation keys holds this row, so they do it one after the other. */
    [POSTGRES_LOCK_SUMS] = "SELECT 1 FROM evaluation_key_sum FOR UPDATE",
    [POSTGRES_DELETE_EXPIRED] =
        "DELETE FROM evaluation_key WHERE number IN (SELECT number FROM evaluation_key"
        " WHERE stored_at <= $1::int8 ORDER BY stored_at LIMIT $2::int8)",
    [POSTGRES_DELETE_KEY] =
        "DELETE FROM evaluation_key WHERE user_hash = $1::bytea AND key_id = $2::bytea",
    [POSTGRES_INSERT_KEY] =
        "INSERT INTO evaluation_key (user_hash, key_id, made_at, stored_at, size_bytes, serialized)"
        " VALUES ($1::bytea, $2::bytea, $3::int8, $4::int8, $5::int8, $6::bytea)",
    [POSTGRES_SUM_OF_USER] = "SELECT count(*), coalesce(sum(size_bytes), 0)::int8"
                             " FROM evaluation_key WHERE user_hash = $1::bytea",
    [POSTGRES_DELETE_OLDEST_OF_USER] =
        "DELETE FROM evaluation_key WHERE number = (SELECT number FROM evaluation_key"
        " WHERE user_hash = $1::bytea ORDER BY number LIMIT 1)",
    [POSTGRES_SUM_OF_ALL] = "SELECT key_count, key_bytes FROM evaluation_key_sum",
    [POSTGRES_SELECT_KEY] =
        "SELECT made_at, stored_at, serialized FROM evaluation_key"
        " WHERE user_hash = $1::bytea AND key_id = $2::bytea AND stored_at > $3::int8",
    [POSTGRES_SELECT_KEY_TIME] =
        "SELECT made_at, stored_at FROM evaluation_key"
        " WHERE user_hash = $1::bytea AND key_id = $2::bytea AND stored_at > $3::int8",
    /* Adding is rare, and spending does not wait for it. */
    [POSTGRES_LOCK_ISSUER_KEYS] = "LOCK TABLE issuer_key IN SHARE ROW EXCLUSIVE MODE",
    [POSTGRES_COUNT_ISSUER_KEYS_NEAR] =
        "SELECT count(*) FROM issuer_key WHERE id = $1::bytea OR (app = $4::bytea"
        " AND abs(not_before::numeric - $2::int8::numeric) < $3::int8::numeric)",
    [POSTGRES_INSERT_ISSUER_KEY] =
        "INSERT INTO issuer_key (id, made_at, not_before, retire_at, secret, app)"
        " VALUES ($1::bytea, $2::int8, $3::int8, $4::int8, $5::bytea, $6::bytea)",
    [POSTGRES_SELECT_ISSUER_KEYS] = "SELECT id, made_at, not_before, retire_at, secret, app"
                                    " FROM issuer_key ORDER BY app, not_before, id",
    [POSTGRES_MARK_ISSUER_KEY] = "UPDATE issuer_key SET retire_at = $2::int8 WHERE id = $1::bytea",
    [POSTGRES_REMOVE_ISSUER_KEY] =
        "WITH gone AS (DELETE FROM issuer_key WHERE id = $1::bytea RETURNING number)"
        " INSERT INTO removed_issuer_key SELECT number FROM gone",
    [POSTGRES_LOCK_GATEWAY_KEYS] = "LOCK TABLE gateway_key IN SHARE ROW EXCLUSIVE MODE",
    [POSTGRES_COUNT_GATEWAY_KEYS_NEAR] =
        "SELECT count(*) FROM gateway_key WHERE id = $1::int8"
        " OR abs(not_before::numeric - $2::int8::numeric) < $3::int8::numeric",
    [POSTGRES_INSERT_GATEWAY_KEY] =
        "INSERT INTO gateway_key (id, made_at, not_before, retire_at, secret)"
        " VALUES ($1::int8, $2::int8, $3::int8, $4::int8, $5::bytea)",
    [POSTGRES_SELECT_GATEWAY_KEYS] = "SELECT id, made_at, not_before, retire_at, secret"
                                     " FROM gateway_key ORDER BY not_before, id",
    [POSTGRES_MARK_GATEWAY_KEY] = "UPDATE gateway_key SET retire_at = $2::int8 WHERE id = $1::int8",
    [POSTGRES_REMOVE_GATEWAY_KEY] = "DELETE FROM gateway_key WHERE id = $1::int8",
    [POSTGRES_SELECT_TENDED] = "SELECT at FROM tended WHERE app = $1::bytea",
    [POSTGRES_SET_TENDED] = "INSERT INTO tended VALUES ($1::bytea, $2::int8)"
                            " ON CONFLICT (app) DO UPDATE SET at = excluded.at",
    /* One row for each token, in order: 0 no such key, 1 spent now, 2 spent before. The keys are
     * held until the end, so none is removed under a token of its own. Rows go in in one order, so
     * two servers with the same tokens wait for each other and not in a ring. What went in is
     * looked up by hash, since that stands in an expression and is no join. */
    [POSTGRES_SPEND] =
        "WITH key AS (SELECT number, id FROM issuer_key WHERE id = ANY ($1::bytea[])"
        " ORDER BY number FOR KEY SHARE),"
        " asked AS (SELECT u.at, key.number, u.nonce,"
        " row_number() OVER (PARTITION BY key.number, u.nonce ORDER BY u.at) AS turn"
        " FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS u (key_id, nonce, at)"
        " LEFT JOIN key ON key.id = u.key_id),"
        " fresh AS (INSERT INTO spent_token (key_number, nonce) SELECT number, nonce FROM asked"
        " WHERE number IS NOT NULL AND turn = 1 ORDER BY number, nonce"
        " ON CONFLICT DO NOTHING RETURNING key_number, nonce)"
        " SELECT CASE WHEN number IS NULL THEN 0"
        " WHEN turn = 1 AND (number, nonce) IN (SELECT key_number, nonce FROM fresh) THEN 1"
        " ELSE 2 END::int8 FROM asked ORDER BY at",
    [POSTGRES_LOCK_PURGE] = "SELECT pg_try_advisory_xact_lock($1::int8)::int::int8",
    [POSTGRES_SELECT_REMOVED_KEY] = "SELECT number FROM removed_issuer_key LIMIT 1",
    [POSTGRES_DELETE_SPENT] =
        "DELETE FROM spent_token WHERE ctid = ANY (ARRAY(SELECT ctid FROM spent_token"
        " WHERE key_number = $1::int8 LIMIT $2::int8))",
    [POSTGRES_DELETE_REMOVED_KEY] = "DELETE FROM removed_issuer_key WHERE number = $1::int8",
    [POSTGRES_INSERT_USER_TOKEN] =
        "INSERT INTO user_token (app, hash, label, made_at, expires_at, revoked_at, per_minute,"
        " per_day) VALUES ($1::bytea, $2::bytea, $3::bytea, $4::int8, $5::int8, $6::int8, $7::int8,"
        " $8::int8) ON CONFLICT DO NOTHING",
    [POSTGRES_SELECT_USER_TOKENS] =
        "SELECT app, hash, label, made_at, expires_at, revoked_at, per_minute, per_day, issued"
        " FROM user_token ORDER BY app, made_at, hash",
    [POSTGRES_REVOKE_USER_TOKEN] = "UPDATE user_token SET revoked_at ="
                                   " CASE revoked_at WHEN 0 THEN $2::int8 ELSE revoked_at END"
                                   " WHERE hash = $1::bytea",
    [POSTGRES_RESTORE_USER_TOKEN] = "UPDATE user_token SET revoked_at = 0 WHERE hash = $1::bytea",
    [POSTGRES_CHECK_USER_TOKEN] =
        "SELECT 1 FROM user_token WHERE hash = $1::bytea AND app = $2::bytea AND revoked_at = 0"
        " AND (expires_at = 0 OR expires_at > $3::int8)",
    /* Locked in one order, as above. */
    [POSTGRES_SELECT_ISSUE_COUNTS] =
        "SELECT hash, app, per_minute, per_day, last_minute, in_last_minute, last_day, in_last_day"
        " FROM user_token WHERE hash = ANY ($1::bytea[]) AND revoked_at = 0"
        " AND (expires_at = 0 OR expires_at > $2::int8) ORDER BY hash FOR NO KEY UPDATE",
    [POSTGRES_UPDATE_ISSUE_COUNTS] =
        "UPDATE user_token SET issued = user_token.issued + u.more, last_minute = u.minute,"
        " in_last_minute = u.in_minute, last_day = u.day, in_last_day = u.in_day"
        " FROM unnest($1::bytea[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::int8[])"
        " AS u (hash, more, minute, in_minute, day, in_day) WHERE user_token.hash = u.hash",
    /* Adding is rare, and nobody waits for it. */
};

/* ---- values ---- */

static void put_number(uint8_t ret[NUMBER_BYTES], uint64_t number)
{
    for (int i = 0; i < NUMBER_BYTES; i++)
        ret[i] = (uint8_t)(number >> (8 * (NUMBER_BYTES - 1 - i)));
}

struct postgres_value postgres_number(uint64_t number)
{
    struct postgres_value value = {.is_number = true};
    put_number(value.number, number);
    return value;
}

/* One dimension, no NULL, counted from 1. */
void postgres_array_begin(struct bytes *array, uint32_t element_oid, size_t count)
{
    bytes_append_u32be(array, 1);
    bytes_append_u32be(array, 0);
    bytes_append_u32be(array, element_oid);
    bytes_append_u32be(array, (uint32_t)count);
    bytes_append_u32be(array, 1);
}

void postgres_array_add(struct bytes *array, const void *data, size_t size)
{
    bytes_append_u32be(array, (uint32_t)size);
    bytes_append(array, span_of(data, size));
}

void postgres_array_add_number(struct bytes *array, uint64_t number)
{
    uint8_t data[NUMBER_BYTES];
    put_number(data, number);
    postgres_array_add(array, data, sizeof data);
}

size_t postgres_rows(const PGresult *result)
{
    return (size_t)PQntuples(result);
}

size_t postgres_changed(PGresult *result)
{
    return (size_t)strtoull(PQcmdTuples(result), NULL, 10);
}

struct span postgres_column_span(const PGresult *result, size_t row, int at)
{
    return span_of(PQgetvalue(result, (int)row, at), (size_t)PQgetlength(result, (int)row, at));
}

uint64_t postgres_column_number(const PGresult *result, size_t row, int at)
{
    const struct span column = postgres_column_span(result, row, at);
    uint64_t number = 0;
    for (size_t i = 0; i < column.size && i < NUMBER_BYTES; i++)
        number = number << 8 | column.data[i];
    return number;
}

enum status postgres_column_copy(const struct store_postgres *self, const PGresult *result,
                                 size_t row, int at, void *ret, size_t size, struct error *err)
{
    const struct span column = postgres_column_span(result, row, at);
    if (column.size != size)
        return error_set(err, STATUS_MALFORMED, "%s: a field of %zu bytes has %zu", self->name,
                         size, column.size);
    memcpy(ret, column.data, size);
    return STATUS_OK;
}

enum status postgres_column_text_copy(const struct store_postgres *self, const PGresult *result,
                                      size_t row, int at, char *ret, size_t size, struct error *err)
{
    const struct span column = postgres_column_span(result, row, at);
    if (column.size >= size)
        return error_set(err, STATUS_MALFORMED, "%s: a text of %zu bytes, at most %zu", self->name,
                         column.size, size - 1);
    memcpy(ret, column.data, column.size);
    ret[column.size] = '\0';
    return STATUS_OK;
}

/* ---- failures ---- */

static bool is_state(const char *state, const char *prefix)
{
    return strncmp(state, prefix, strlen(prefix)) == 0;
}

/* By the SQLSTATE, or its first letters (PostgreSQL's documentation, appendix A). */
static enum status status_of(const char *state)
{
    static const struct {
        const char *prefix;
        enum status status;
    } table[] = {
        {"08", STATUS_BUSY},     /* connection lost */
        {"40", STATUS_BUSY},     /* taken back for the sake of another: deadlock */
        {"53100", STATUS_IO},    /* disk full */
        {"53200", STATUS_NOMEM}, /* out of memory */
        {"53", STATUS_BUSY},     /* too many connections */
        {"55P03", STATUS_BUSY},  /* locked for too long */
        {"57", STATUS_BUSY},     /* too slow, shutting down, not up yet */
        {"25P0", STATUS_BUSY},   /* the session idled for too long */
        {"XX001", STATUS_MALFORMED}, {"XX002", STATUS_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        if (is_state(state, table[i].prefix))
            return table[i].status;
    }
    return STATUS_IO;
}

/* Of a failure only the first line is told: details quote values. */
static enum status fail(const struct store_postgres *self, struct postgres_connection *connection,
                        const PGresult *result, const char *doing, struct error *err)
{
    const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *reason =
        result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const bool is_lost = state == NULL || PQstatus(connection->pg) == CONNECTION_BAD;
    const enum status status = is_lost ? STATUS_BUSY : status_of(state);
    const enum status told =
        error_set(err, status, "%s: %s: %s", self->name, doing,
                  is_lost || reason == NULL ? "the connection was lost" : reason);
    /* Read-only: this server is a standby by now, and another may be told from it anew. */
    if (is_lost || is_state(state, "25006"))
        postgres_drop(connection);
    return told;
}

/* ---- sending and waiting ---- */

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Sends what waits and takes in what comes, until a result is whole. False: lost, or too late. */
static bool exchange(PGconn *pg, uint64_t deadline_ms)
{
    for (;;) {
        const int more = PQflush(pg);
        if (more < 0)
            return false;
        if (more == 0 && PQisBusy(pg) == 0)
            return true;
        const uint64_t now = now_ms();
        if (now >= deadline_ms)
            return false;
        const uint64_t left = deadline_ms - now;
        struct pollfd wait = {.fd = PQsocket(pg),
                              .events = (short)(POLLIN | (more > 0 ? POLLOUT : 0))};
        if (poll(&wait, 1, left < INT_MAX ? (int)left : INT_MAX) > 0 &&
            (wait.revents & ~POLLOUT) != 0 && PQconsumeInput(pg) == 0)
            return false;
    }
}

/* The result of what was sent: of several statements the first that failed, else the last. */
static enum status receive(struct store_postgres *self, struct postgres_connection *connection,
                           uint64_t wait_ms, const char *doing, PGresult **ret, struct error *err)
{
    const uint64_t deadline_ms = wait_ms == 0 ? UINT64_MAX : now_ms() + wait_ms + OVER_TIMEOUT_MS;
    PGresult *result = NULL;
    for (;;) {
        if (!exchange(connection->pg, deadline_ms)) {
            PQclear(result);
            const bool is_late = now_ms() >= deadline_ms;
            postgres_drop(connection);
            return error_set(err, STATUS_BUSY, "%s: %s: %s", self->name, doing,
                             is_late ? "no answer in time" : "the connection was lost");
        }
        PGresult *next = PQgetResult(connection->pg);
        if (next == NULL)
            break;
        if (result == NULL || PQresultStatus(result) != PGRES_FATAL_ERROR) {
            PQclear(result);
            result = next;
        } else {
            PQclear(next);
        }
    }
    const ExecStatusType got = result != NULL ? PQresultStatus(result) : PGRES_FATAL_ERROR;
    if (got != PGRES_COMMAND_OK && got != PGRES_TUPLES_OK) {
        const enum status status = fail(self, connection, result, doing, err);
        PQclear(result);
        return status;
    }
    if (ret != NULL)
        *ret = result;
    else
        PQclear(result);
    return STATUS_OK;
}

static void name_statement(enum postgres_statement which, char ret[16])
{
    snprintf(ret, 16, "s%u", (unsigned)which);
}

static enum status prepare(struct store_postgres *self, struct postgres_connection *connection,
                           enum postgres_statement which, const char *doing, struct error *err)
{
    char name[16];
    if (connection->is_prepared[which])
        return STATUS_OK;
    name_statement(which, name);
    if (PQsendPrepare(connection->pg, name, statement_text[which], 0, NULL) == 0)
        return fail(self, connection, NULL, doing, err);
    const enum status status =
        receive(self, connection, self->store.limits.busy_timeout_ms, doing, NULL, err);
    if (status == STATUS_OK)
        connection->is_prepared[which] = true;
    return status;
}

enum status postgres_ask(struct store_postgres *self, struct postgres_connection *connection,
                         enum postgres_statement which, const struct postgres_value *values,
                         size_t count, const char *doing, PGresult **ret, struct error *err)
{
    const char *data[VALUES_MAX];
    int sizes[VALUES_MAX];
    int formats[VALUES_MAX];
    char name[16];
    enum status status = prepare(self, connection, which, doing, err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        const struct span value =
            values[i].is_number ? span_of(values[i].number, NUMBER_BYTES) : values[i].bytes;
        if (value.size > INT_MAX)
            return error_set(err, STATUS_TOO_LARGE, "%s: %s: %zu bytes", self->name, doing,
                             value.size);
        data[i] = value.size > 0 ? (const char *)value.data : ""; /* empty is not NULL */
        sizes[i] = (int)value.size;
        formats[i] = FORMAT_BINARY;
    }
    name_statement(which, name);
    if (PQsendQueryPrepared(connection->pg, name, (int)count, data, sizes, formats,
                            FORMAT_BINARY) == 0)
        return fail(self, connection, NULL, doing, err);
    return receive(self, connection, self->store.limits.busy_timeout_ms, doing, ret, err);
}

enum status postgres_ask_alone(struct store_postgres *self, enum postgres_statement which,
                               const struct postgres_value *values, size_t count, const char *doing,
                               PGresult **ret, struct error *err)
{
    struct postgres_connection *connection = NULL;
    enum status status = postgres_take(self, &connection, err);
    if (status == STATUS_OK)
        status = postgres_ask(self, connection, which, values, count, doing, ret, err);
    postgres_give(self, connection);
    return status;
}

enum status postgres_change_row(struct store *store, enum postgres_statement which,
                                const struct postgres_value *values, size_t count, const char *what,
                                const char *doing, struct error *err)
{
    struct store_postgres *self = postgres_of(store);
    PGresult *result = NULL;
    enum status status = postgres_ask_alone(self, which, values, count, doing, &result, err);
    if (status == STATUS_OK && postgres_changed(result) == 0)
        status = error_set(err, STATUS_NOT_FOUND, "%s: no such %s", self->name, what);
    PQclear(result);
    return status;
}

enum status postgres_execute(struct store_postgres *self, struct postgres_connection *connection,
                             const char *text, uint64_t wait_ms, uint64_t *ret_number,
                             const char *doing, struct error *err)
{
    PGresult *result = NULL;
    if (PQsendQuery(connection->pg, text) == 0)
        return fail(self, connection, NULL, doing, err);
    const enum status status = receive(self, connection, wait_ms, doing, &result, err);
    if (status == STATUS_OK && ret_number != NULL)
        *ret_number = postgres_rows(result) > 0 ? strtoull(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return status;
}

/* ---- transactions ---- */

enum status postgres_begin(struct store_postgres *self, struct postgres_connection **ret,
                           struct error *err)
{
    enum status status = postgres_take(self, ret, err);
    if (status == STATUS_OK)
        status = postgres_ask(self, *ret, POSTGRES_BEGIN, NULL, 0, "beginning a change", NULL, err);
    return status;
}

enum status postgres_end(struct store_postgres *self, struct postgres_connection *connection,
                         enum status status, struct error *err)
{
    if (status == STATUS_OK)
        status = postgres_ask(self, connection, POSTGRES_COMMIT, NULL, 0, "writing to the disk",
                              NULL, err);
    if (status != STATUS_OK && connection != NULL && connection->pg != NULL &&
        PQtransactionStatus(connection->pg) != PQTRANS_IDLE) {
        const enum status ignored = postgres_ask(self, connection, POSTGRES_ROLLBACK, NULL, 0,
                                                 "taking a change back", NULL, NULL);
        (void)ignored; /* a connection in the middle of something is closed */
    }
    postgres_give(self, connection);
    return status;
}
