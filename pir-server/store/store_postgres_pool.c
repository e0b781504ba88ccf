/* Connections to PostgreSQL: made, kept, thrown away. Nothing here waits without a deadline but the
 * look-up of a host's name, which is libpq's. */
#include "pir-server/store/store_postgres_internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DOWN_LEAST_MS ((uint64_t)500)

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What PostgreSQL says of itself on a connection is for nobody. */
static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

/* Not the password: libpq puts none into its messages. In one line. */
static enum status unreachable(const struct store_postgres *self, const PGconn *pg,
                               struct error *err)
{
    char reason[ERROR_MESSAGE_BYTES];
    snprintf(reason, sizeof reason, "%s", PQerrorMessage(pg));
    size_t size = strlen(reason);
    while (size > 0 && reason[size - 1] == '\n')
        reason[--size] = '\0';
    for (size_t i = 0; i < size; i++) {
        if (reason[i] == '\n' || reason[i] == '\t')
            reason[i] = ' ';
    }
    return error_set(err, STATUS_BUSY, "%s: cannot connect: %s", self->name, reason);
}

static enum status shake_hands(struct store_postgres *self, PGconn *pg, uint64_t deadline_ms,
                               struct error *err)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    if (PQstatus(pg) == CONNECTION_BAD)
        return unreachable(self, pg, err);
    while (next != PGRES_POLLING_OK) {
        struct pollfd wait = {.fd = PQsocket(pg),
                              .events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        const uint64_t now = now_ms();
        if (now >= deadline_ms)
            return error_set(err, STATUS_BUSY, "%s: cannot connect: no answer in %" PRIu32 " ms",
                             self->name, self->store.limits.busy_timeout_ms);
        if (poll(&wait, 1, (int)(deadline_ms - now)) <= 0)
            continue;
        next = PQconnectPoll(pg);
        if (next == PGRES_POLLING_FAILED)
            return unreachable(self, pg, err);
    }
    return STATUS_OK;
}

/* The time limits are the server's part of ours. A session that says nothing in the middle of a
 * transaction has lost its program: what it has locked is free again. */
static enum status prepare_session(struct store_postgres *self,
                                   struct postgres_connection *connection, struct error *err)
{
    char text[512];
    const uint32_t timeout_ms = self->store.limits.busy_timeout_ms;
    snprintf(text, sizeof text,
             "SET statement_timeout = %" PRIu32 "; SET lock_timeout = %" PRIu32
             "; SET idle_in_transaction_session_timeout = %" PRIu32
             "; SET default_transaction_isolation = 'read committed'; SET jit = off;"
             "SET search_path = blindlist;"
             "SELECT set_config('synchronous_commit', 'on', false)"
             " WHERE current_setting('synchronous_commit') = 'off'",
             timeout_ms, timeout_ms, timeout_ms);
    return postgres_execute(self, connection, text, timeout_ms, NULL, "opening", err);
}

static enum status connect_to(struct store_postgres *self, struct postgres_connection *connection,
                              struct error *err)
{
    static const char *const keywords[] = {"fallback_application_name", "dbname", "client_encoding",
                                           NULL};
    const char *const values[] = {"blindlist-server", self->conninfo, "UTF8", NULL};
    PGconn *pg = PQconnectStartParams(keywords, values, 1);
    if (pg == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", self->name);
    enum status status = shake_hands(self, pg, now_ms() + self->store.limits.busy_timeout_ms, err);
    if (status == STATUS_OK && PQsetnonblocking(pg, 1) != 0)
        status = unreachable(self, pg, err);
    if (status != STATUS_OK) {
        PQfinish(pg);
        return status;
    }
    PQsetNoticeReceiver(pg, ignore_notice, NULL);
    connection->pg = pg;
    memset(connection->is_prepared, 0, sizeof connection->is_prepared);
    status = prepare_session(self, connection, err);
    if (status != STATUS_OK)
        postgres_drop(connection);
    return status;
}

/* A server that was stopped has closed what lies idle here; better seen before something is sent,
 * for then it is certain that nothing was done. */
static bool is_alive(PGconn *pg)
{
    struct pollfd now = {.fd = PQsocket(pg), .events = POLLIN};
    while (poll(&now, 1, 0) > 0) {
        if (PQconsumeInput(pg) == 0)
            return false;
        (void)PQisBusy(pg); /* reads the messages */
    }
    return PQstatus(pg) == CONNECTION_OK && PQtransactionStatus(pg) == PQTRANS_IDLE;
}

static enum status connect_or_fail_fast(struct store_postgres *self,
                                        struct postgres_connection *connection, struct error *err)
{
    const uint64_t start_ms = now_ms();
    pthread_mutex_lock(&self->lock);
    const bool is_down = start_ms < self->down_until_ms;
    const uint64_t made_before = self->made_count;
    pthread_mutex_unlock(&self->lock);
    if (is_down)
        return error_set(err, STATUS_BUSY, "%s: could not be reached a moment ago", self->name);
    const enum status status = connect_to(self, connection, err);
    const uint64_t end_ms = now_ms();
    const uint64_t took_ms = end_ms - start_ms;
    pthread_mutex_lock(&self->lock);
    if (status == STATUS_OK) {
        self->made_count++;
        self->down_until_ms = 0;
    } else if (self->made_count == made_before) { /* nobody else got through meanwhile */
        self->down_until_ms = end_ms + (took_ms > DOWN_LEAST_MS ? took_ms : DOWN_LEAST_MS);
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

/* A free one, with an open connection if there is such; NULL: all are taken. */
static struct postgres_connection *find_free(struct store_postgres *self)
{
    struct postgres_connection *found = NULL;
    for (size_t i = 0; i < POSTGRES_POOL_MAX; i++) {
        struct postgres_connection *at = &self->connections[i];
        if (!at->is_taken && (found == NULL || (found->pg == NULL && at->pg != NULL)))
            found = at;
    }
    return found;
}

enum status postgres_take(struct store_postgres *self, struct postgres_connection **ret,
                          struct error *err)
{
    struct postgres_connection *connection;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(self->store.limits.busy_timeout_ms / 1000 + 1);
    int failed = 0;
    pthread_mutex_lock(&self->lock);
    while ((connection = find_free(self)) == NULL && failed == 0)
        failed = pthread_cond_timedwait(&self->given, &self->lock, &until);
    if (connection != NULL)
        connection->is_taken = true;
    pthread_mutex_unlock(&self->lock);
    if (connection == NULL)
        return error_set(err, STATUS_BUSY, "%s: all %zu connections are taken", self->name,
                         POSTGRES_POOL_MAX);
    enum status status = STATUS_OK;
    if (connection->pg != NULL && !is_alive(connection->pg))
        postgres_drop(connection);
    if (connection->pg == NULL)
        status = connect_or_fail_fast(self, connection, err);
    if (status != STATUS_OK) {
        postgres_give(self, connection);
        return status;
    }
    *ret = connection;
    return STATUS_OK;
}

void postgres_drop(struct postgres_connection *connection)
{
    PQfinish(connection->pg);
    connection->pg = NULL;
}

void postgres_give(struct store_postgres *self, struct postgres_connection *connection)
{
    if (connection == NULL)
        return;
    if (connection->pg != NULL && PQtransactionStatus(connection->pg) != PQTRANS_IDLE)
        postgres_drop(connection);
    pthread_mutex_lock(&self->lock);
    connection->is_taken = false;
    pthread_cond_signal(&self->given);
    pthread_mutex_unlock(&self->lock);
}

/* "host=db dbname=blindlist": the first word is one that libpq knows. */
static bool starts_with_keyword(const char *name)
{
    PQconninfoOption *options = PQconninfoParse("", NULL);
    const size_t size = strcspn(name, "= ");
    bool is_known = false;
    for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++)
        is_known |= strlen(option->keyword) == size && strncmp(option->keyword, name, size) == 0;
    PQconninfoFree(options);
    return is_known && name[size + strspn(name + size, " ")] == '=';
}

bool store_is_postgres(const char *name)
{
    static const char *const schemes[] = {"postgresql://", "postgres://"};
    for (size_t i = 0; i < ARRAY_COUNT(schemes); i++) {
        if (strncmp(name, schemes[i], strlen(schemes[i])) == 0)
            return true;
    }
    return starts_with_keyword(name);
}

/* Database and host are known to libpq before it has reached anybody. */
static void name_from(struct store_postgres *self, PQconninfoOption *options)
{
    const char *database = "";
    const char *host = "";
    for (PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (strcmp(option->keyword, "dbname") == 0 && option->val != NULL)
            database = option->val;
        if (strcmp(option->keyword, "host") == 0 && option->val != NULL)
            host = option->val;
    }
    snprintf(self->name, sizeof self->name, "PostgreSQL state%s%s%s%s",
             *database != '\0' ? " " : "", database, *host != '\0' ? " at " : "", host);
}

enum status postgres_pool_init(struct store_postgres *self, const char *conninfo, struct error *err)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->given, &monotonic);
    pthread_condattr_destroy(&monotonic);
    self->conninfo = mem_strdup(conninfo);
    /* libpq's own message quotes what it does not understand, which may be a password. */
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    if (options == NULL)
        return error_set(err, STATUS_INVALID,
                         "state: neither a URI nor a connection string as libpq reads them");
    name_from(self, options);
    PQconninfoFree(options);
    return self->conninfo != NULL ? STATUS_OK
                                  : error_set(err, STATUS_NOMEM, "%s: out of memory", self->name);
}

void postgres_pool_deinit(struct store_postgres *self)
{
    for (size_t i = 0; i < POSTGRES_POOL_MAX; i++)
        postgres_drop(&self->connections[i]);
    if (self->conninfo != NULL)
        mem_free_secret(self->conninfo, strlen(self->conninfo));
    pthread_cond_destroy(&self->given);
    pthread_mutex_destroy(&self->lock);
}
