/* One struct exchange is one request and its response. libmicrohttpd calls access_handler() for it
 * first with the head, then with pieces of the body, then once with no piece (the request is
 * whole), and after a suspension once more.
 *
 * libmicrohttpd accepts a response only with the head or after the whole body, so a refusal that
 * comes in between waits while the rest of the body is thrown away. */
#include "pir-server/service/http_server.h"

#include "base/mem.h"
#include "base/random.h"
#include "pir-server/service/http_address.h"
#include "pir-server/service/listen_sockets.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LISTEN_BACKLOG   4096 /* connections that arrive at once */
#define SOCKETS_A_THREAD 64
/* Of the datasets, the state and the system. */
#define FILES_BESIDE 1024

struct http_server {
    struct http_handler handler;
    struct http_server_options options;
    const struct log *log;
    struct MHD_Daemon *daemon;
    struct connection_watch *watch;
    uint64_t id_seed; /* drawn at the start */
    _Atomic uint64_t id_count;
    int listen_fd;
    char address[HTTP_ADDRESS_BYTES];
    atomic_size_t bodies_bytes; /* memory of all bodies in flight */
    atomic_bool is_draining;
    pthread_mutex_t lock;
    pthread_cond_t quiet; /* one of these went down */
    size_t connections;   /* open */
    size_t exchanges;     /* requests under way */
    size_t working;       /* of them, in the handler's hands */
    bool is_ending;       /* nothing is begun any more */
};

struct exchange {
    struct http_server *server;
    struct MHD_Connection *connection;
    struct watched_connection *watched;
    struct http_request request;
    char *joined[HTTP_HEADER_COUNT]; /* owned values of headers that came in several lines */
    struct bytes body;
    size_t charged; /* of bodies_bytes */
    uint64_t discarded;
    struct http_response *response; /* heap: libmicrohttpd sends from it after we are done */
    bool needs_host;                /* HTTP/1.1 */
    bool must_close;                /* after the response */
    bool is_decided;                /* response is complete; the rest of the body is thrown away */
    struct http_admission admission;
    unsigned status;
    size_t response_bytes;
    int64_t start_us;
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The n-th number of SplitMix64 (Steele, Lea and Flood, 2014): no two alike, and nobody tells from
 * one how many came before it. */
static uint64_t draw_id(struct http_server *server)
{
    const uint64_t count = atomic_fetch_add_explicit(&server->id_count, 1, memory_order_relaxed);
    uint64_t id = server->id_seed + count * 0x9e3779b97f4a7c15;
    id = (id ^ (id >> 30)) * 0xbf58476d1ce4e5b9;
    id = (id ^ (id >> 27)) * 0x94d049bb133111eb;
    return id ^ (id >> 31);
}

/* ---- an exchange's life ---- */

static void release_body(struct exchange *exchange)
{
    bytes_deinit_secret(&exchange->body);
    atomic_fetch_sub(&exchange->server->bodies_bytes, exchange->charged);
    exchange->charged = 0;
    exchange->request.body = span_of(NULL, 0);
}

static void response_free(void *argument)
{
    struct http_response *response = argument;
    if (response == NULL)
        return;
    http_response_deinit(response);
    mem_free(response);
}

static void exchange_free(struct exchange *exchange)
{
    struct http_server *server = exchange->server;
    release_body(exchange);
    response_free(exchange->response);
    for (size_t i = 0; i < HTTP_HEADER_COUNT; i++)
        mem_free_secret(exchange->joined[i],
                        exchange->joined[i] != NULL ? strlen(exchange->joined[i]) : 0);
    mem_free(exchange);
    pthread_mutex_lock(&server->lock);
    server->exchanges--;
    pthread_cond_broadcast(&server->quiet);
    pthread_mutex_unlock(&server->lock);
}

static struct exchange *exchange_new(struct http_server *server, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct exchange *exchange = mem_alloc_zeroed(1, sizeof *exchange);
    struct http_response *response = mem_alloc_zeroed(1, sizeof *response);
    if (info == NULL || info->socket_context == NULL || exchange == NULL || response == NULL) {
        mem_free(exchange);
        mem_free(response);
        return NULL;
    }
    http_response_init(response);
    exchange->server = server;
    exchange->connection = connection;
    exchange->watched = info->socket_context;
    exchange->response = response;
    exchange->admission.label = "unknown";
    exchange->start_us = now_us();
    exchange->request.id = draw_id(server);
    bytes_init(&exchange->body, 0);
    pthread_mutex_lock(&server->lock);
    server->exchanges++;
    pthread_mutex_unlock(&server->lock);
    return exchange;
}

/* ---- the head ---- */

static bool join_value(struct exchange *exchange, size_t header, const char *value)
{
    const char *before = exchange->request.headers[header];
    const size_t size = strlen(before) + 2 + strlen(value) + 1;
    char *joined = mem_alloc(size, 1);
    if (joined == NULL)
        return false;
    snprintf(joined, size, "%s, %s", before, value);
    mem_free_secret(exchange->joined[header],
                    exchange->joined[header] != NULL ? strlen(exchange->joined[header]) : 0);
    exchange->joined[header] = joined;
    exchange->request.headers[header] = joined;
    return true;
}

struct header_walk {
    struct exchange *exchange;
    bool has_failed;
    bool is_too_large; /* a field */
    unsigned hosts;
    unsigned lengths;
    unsigned encodings;
};

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    (void)kind;
    struct header_walk *walk = context;
    struct http_request *request = &walk->exchange->request;
    if (strlen(name) + (value != NULL ? strlen(value) : 0) > HTTP_FIELD_MAX_BYTES)
        walk->is_too_large = true;
    walk->hosts += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
    walk->lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
    walk->encodings += strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
    for (size_t i = 0; i < HTTP_HEADER_COUNT; i++) {
        if (strcasecmp(name, http_header_name((enum http_header)i)) != 0)
            continue;
        if (value == NULL)
            value = "";
        if (request->headers[i] == NULL)
            request->headers[i] = value;
        else if (!join_value(walk->exchange, i, value))
            walk->has_failed = true;
    }
    return MHD_YES;
}

/* Said twice or in two ways, or not at all where it must be (RFC 9112 section 3.2), nobody knows
 * for whom the request is, or where it ends: what stands in front of this server may have
 * understood it otherwise. */
static bool is_ambiguous(const struct header_walk *walk)
{
    const bool lacks_host = walk->hosts == 0 && walk->exchange->needs_host;
    return lacks_host || walk->hosts > 1 || walk->lengths + walk->encodings > 1;
}

/* Content-Length; 0 when there is none. libmicrohttpd has refused what is no number. */
static uint64_t declared_length(struct MHD_Connection *connection)
{
    const char *value =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return value == NULL ? 0 : strtoull(value, NULL, 10);
}

static bool waits_for_continue(struct MHD_Connection *connection)
{
    const char *value =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);
    return value != NULL && strcasecmp(value, "100-continue") == 0;
}

/* ---- the response ---- */

static bool add_headers(struct exchange *exchange, struct MHD_Response *message)
{
    struct http_response_fields fields;
    const bool closes = exchange->must_close || atomic_load(&exchange->server->is_draining);
    bool is_good = true;
    http_response_list_fields(exchange->response, &fields);
    for (size_t i = 0; i < fields.count; i++)
        is_good &= MHD_add_response_header(message, fields.lines[i].name, fields.lines[i].value) ==
                   MHD_YES;
    if (closes)
        is_good &= MHD_add_response_header(message, "connection", "close") == MHD_YES;
    return is_good;
}

static enum MHD_Result send_response(struct exchange *exchange)
{
    struct http_response *response = exchange->response;
    const struct span body = http_response_body(response);
    exchange->status = response->status;
    exchange->response_bytes = body.size;
    release_body(exchange);
    /* libmicrohttpd wants a pointer even for nothing. */
    void *data = body.size > 0 ? (void *)(uintptr_t)body.data : (void *)response;
    struct MHD_Response *message = MHD_create_response_from_buffer_with_free_callback_cls(
        body.size, data, response_free, response);
    if (message == NULL)
        return MHD_NO;
    const bool is_complete = add_headers(exchange, message);
    exchange->response = NULL; /* now the message's */
    enum MHD_Result result = MHD_NO;
    if (is_complete) {
        connection_watch_send(exchange->watched, body.size);
        result = MHD_queue_response(exchange->connection, exchange->status, message);
    }
    MHD_destroy_response(message);
    return result;
}

static void refuse(struct exchange *exchange, enum http_refusal why)
{
    static const unsigned statuses[] = {[HTTP_REFUSAL_HEAD] = 431,
                                        [HTTP_REFUSAL_AMBIGUOUS] = 400,
                                        [HTTP_REFUSAL_BODY] = 413,
                                        [HTTP_REFUSAL_MEMORY] = 503};
    const struct http_handler *handler = &exchange->server->handler;
    http_response_empty(exchange->response, statuses[why]);
    if (why == HTTP_REFUSAL_MEMORY)
        exchange->response->retry_after_s = HTTP_RETRY_AFTER_S;
    if (handler->refused != NULL)
        handler->refused(handler->context, &exchange->admission, why);
    exchange->is_decided = true;
    release_body(exchange);
    connection_watch_refuse(exchange->watched);
}

/* ---- the steps of a request ---- */

static enum MHD_Result begin_request(struct exchange *exchange, const char *url, const char *method)
{
    struct http_server *server = exchange->server;
    struct header_walk walk = {.exchange = exchange};
    exchange->request.method = http_method_of(method);
    exchange->request.target = url;
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, take_header, &walk);
    if (walk.has_failed)
        return MHD_NO;

    const uint64_t length = declared_length(exchange->connection);
    if (walk.is_too_large)
        refuse(exchange, HTTP_REFUSAL_HEAD);
    else if (is_ambiguous(&walk))
        refuse(exchange, HTTP_REFUSAL_AMBIGUOUS);
    else if (!server->handler.admit(server->handler.context, &exchange->request, exchange->response,
                                    &exchange->admission))
        exchange->is_decided = true;
    else if (exchange->admission.body_max > 0 && length > exchange->admission.body_max)
        refuse(exchange, HTTP_REFUSAL_BODY);
    /* A length that is said is the most that can come, and all that is charged. */
    bytes_init(&exchange->body, length > 0 && length < exchange->admission.body_max
                                    ? (size_t)length
                                    : exchange->admission.body_max);
    connection_watch_body(exchange->watched, exchange->is_decided          ? REQUEST_REFUSED
                                             : exchange->admission.is_paid ? REQUEST_PAID
                                                                           : REQUEST_FREE);
    exchange->must_close = is_ambiguous(&walk);
    if (exchange->is_decided && (exchange->must_close || waits_for_continue(exchange->connection) ||
                                 length > HTTP_DISCARD_MAX_BYTES))
        return send_response(exchange);
    return MHD_YES;
}

/* Takes so much of the memory for bodies; false when it is not there. */
static bool charge(struct http_server *server, size_t more)
{
    size_t used = atomic_load(&server->bodies_bytes);
    do {
        if (more > server->options.bodies_max_bytes ||
            used > server->options.bodies_max_bytes - more)
            return false;
    } while (!atomic_compare_exchange_weak(&server->bodies_bytes, &used, used + more));
    return true;
}

static size_t body_weight(const struct exchange *exchange)
{
    return exchange->admission.body_weight > 0 ? exchange->admission.body_weight : 1;
}

/* Appends a piece; the memory it takes is charged before it is taken. */
static void keep_piece(struct exchange *exchange, struct span piece)
{
    struct http_server *server = exchange->server;
    struct bytes *body = &exchange->body;
    if (piece.size > body->max_size - body->size) {
        refuse(exchange, HTTP_REFUSAL_BODY);
        return;
    }
    if (body->size + piece.size > body->capacity) {
        /* Doubling, as bytes do; 64 KiB at first, since most bodies are of that order. */
        size_t room = body->capacity < 65536 ? 65536 : body->capacity * 2;
        if (room < body->size + piece.size)
            room = body->size + piece.size;
        if (room > body->max_size)
            room = body->max_size;
        const size_t cost = room * body_weight(exchange);
        if (!charge(server, cost - exchange->charged)) {
            refuse(exchange, HTTP_REFUSAL_MEMORY);
            return;
        }
        exchange->charged = cost;
        bytes_reserve(body, room);
    }
    bytes_append(body, piece);
    if (body->status != STATUS_OK)
        refuse(exchange, HTTP_REFUSAL_MEMORY);
}

static enum MHD_Result take_piece(struct exchange *exchange, const char *data, size_t *size)
{
    const struct span piece = span_of(data, *size);
    *size = 0;
    connection_watch_received(exchange->watched, piece.size);
    if (!exchange->is_decided && exchange->admission.body_max > 0)
        keep_piece(exchange, piece);
    if (exchange->is_decided || exchange->admission.body_max == 0) {
        exchange->discarded += piece.size;
        if (exchange->discarded > HTTP_DISCARD_MAX_BYTES)
            return MHD_NO;
    }
    return MHD_YES;
}

/* The handler is done: from any thread, the connection suspended. */
static void resume(void *context)
{
    struct exchange *exchange = context;
    struct http_server *server = exchange->server;
    exchange->is_decided = true;
    MHD_resume_connection(exchange->connection);
    /* From here on the exchange may be gone. */
    pthread_mutex_lock(&server->lock);
    server->working--;
    pthread_cond_broadcast(&server->quiet);
    pthread_mutex_unlock(&server->lock);
}

static void note_decided(void *context)
{
    ((struct exchange *)context)->is_decided = true;
}

static enum MHD_Result handle_request(struct exchange *exchange)
{
    struct http_server *server = exchange->server;
    exchange->request.body = bytes_view(&exchange->body);
    connection_watch_work(exchange->watched);
    if (!exchange->admission.is_slow) {
        server->handler.start(server->handler.context, &exchange->request, &exchange->admission,
                              exchange->response, note_decided, exchange);
        return send_response(exchange);
    }
    pthread_mutex_lock(&server->lock);
    const bool is_ending = server->is_ending;
    server->working += is_ending ? 0 : 1;
    pthread_mutex_unlock(&server->lock);
    if (is_ending)
        return MHD_NO;
    MHD_suspend_connection(exchange->connection);
    server->handler.start(server->handler.context, &exchange->request, &exchange->admission,
                          exchange->response, resume, exchange);
    return MHD_YES;
}

static enum MHD_Result access_handler(void *context, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *upload_data, size_t *upload_data_size,
                                      void **slot)
{
    struct http_server *server = context;
    struct exchange *exchange = *slot;
    if (exchange == NULL) {
        exchange = exchange_new(server, connection);
        if (exchange == NULL)
            return MHD_NO;
        *slot = exchange;
        exchange->needs_host = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
        return begin_request(exchange, url, method);
    }
    if (*upload_data_size > 0)
        return take_piece(exchange, upload_data, upload_data_size);
    if (exchange->is_decided)
        return send_response(exchange);
    return handle_request(exchange);
}

static void completed(void *context, struct MHD_Connection *connection, void **slot,
                      enum MHD_RequestTerminationCode code)
{
    (void)connection;
    struct http_server *server = context;
    struct exchange *exchange = *slot;
    if (exchange == NULL)
        return;
    *slot = NULL;
    log_write(server->log, LOG_DEBUG,
              "request id=%016" PRIx64 " route=%s status=%u bytes=%zu time_us=%" PRId64 "%s",
              exchange->request.id, exchange->admission.label, exchange->status,
              exchange->response_bytes, now_us() - exchange->start_us,
              code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : " cut-off");
    connection_watch_idle(exchange->watched);
    exchange_free(exchange);
}

static void connection_changed(void *context, struct MHD_Connection *connection, void **slot,
                               enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = context;
    const bool is_closed = code == MHD_CONNECTION_NOTIFY_CLOSED;
    pthread_mutex_lock(&server->lock);
    server->connections += is_closed ? (size_t)-1 : 1;
    pthread_cond_broadcast(&server->quiet);
    pthread_mutex_unlock(&server->lock);
    if (is_closed) {
        connection_watch_close(*slot);
        *slot = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *client =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info != NULL && client != NULL)
        *slot = connection_watch_open(server->watch, info->connect_fd, client->client_addr);
}

/* Two threads may take one connection each of the same address at the same time. */
static enum MHD_Result admit_address(void *context, const struct sockaddr *address, socklen_t size)
{
    struct http_server *server = context;
    (void)size;
    return connection_watch_admits(server->watch, address) ? MHD_YES : MHD_NO;
}

/* Paths are decoded by route.c, component by component. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

/* libmicrohttpd's own messages could hold parts of a request. */
static void say_nothing(void *context, const char *format, va_list args)
{
    (void)context;
    (void)format;
    (void)args;
}

/* ---- the address ---- */

static enum status listen_on(struct http_server *server, struct error *err)
{
    struct listen_sockets none = {.count = 0};
    enum status status = STATUS_OK;
    if (server->listen_fd < 0)
        status = listen_sockets_take(&none, server->options.address, &server->listen_fd, err);
    if (status == STATUS_OK && listen(server->listen_fd, LISTEN_BACKLOG) != 0)
        status = error_set_errno(err, errno, "%s: cannot listen", server->options.address);
    if (status == STATUS_OK)
        http_address_of_socket(server->listen_fd, server->address);
    return status;
}

/* ---- start and end ---- */

struct http_server_options http_server_options_default(void)
{
    return (struct http_server_options){
        .address = "127.0.0.1:8080",
        .fd = -1,
        .threads = HTTP_THREADS,
        .bodies_max_bytes = HTTP_BODIES_MAX_BYTES,
        .idle_s = HTTP_IDLE_S,
        .limits = {.head_ms = HTTP_HEAD_MS,
                   .idle_ms = HTTP_KEEP_ALIVE_MS,
                   .body_ms = HTTP_BODY_MS,
                   .send_ms = HTTP_SEND_MS,
                   .bytes_per_second = HTTP_LEAST_BYTES_PER_SECOND,
                   .connections_max = HTTP_CONNECTIONS_MAX,
                   .address_max = HTTP_ADDRESS_MAX,
                   .proxies = HTTP_PROXIES},
    };
}

/* The watch ends what is too much; until the daemon has noticed, there may be more. The daemon
 * shares them out among its threads, however many each one has. */
static unsigned sockets_at_most(const struct http_server_options *options)
{
    return 2 * options->limits.connections_max + options->threads * SOCKETS_A_THREAD;
}

/* Raises the number of files that the process may have open to what connections need. */
static void allow_files(unsigned connections, const struct log *log)
{
    struct rlimit files;
    const rlim_t wanted = (rlim_t)connections + FILES_BESIDE;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted)
        return;
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < wanted)
        log_write(log, LOG_WARNING,
                  "%u connections need more open files than the system allows (%ju): raise the "
                  "limit (ulimit -n, LimitNOFILE=) or set fewer connections",
                  connections, (uintmax_t)files.rlim_cur);
}

enum status http_server_start(const struct http_server_options *options,
                              const struct http_handler *handler, const struct log *log,
                              struct http_server **ret, struct error *err)
{
    struct http_server *server = mem_alloc_zeroed(1, sizeof *server);
    if (server == NULL) {
        if (options->fd >= 0)
            close(options->fd);
        return error_set(err, STATUS_NOMEM, "HTTP server: out of memory");
    }
    server->handler = *handler;
    server->options = *options;
    server->log = log;
    server->listen_fd = options->fd;
    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&server->quiet, &attributes);
    pthread_condattr_destroy(&attributes);

    const struct random_source source = random_system();
    enum status status = random_fill(&source, &server->id_seed, sizeof server->id_seed, err);
    if (status == STATUS_OK)
        status = listen_on(server, err);
    if (status == STATUS_OK)
        status = connection_watch_new(&options->limits, log, &server->watch, err);
    if (status != STATUS_OK)
        goto done;
    allow_files(options->limits.connections_max, log);
    /* A pool of one is refused: then the daemon runs a single thread. */
    const unsigned pool = options->threads > 1 ? options->threads : 0;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
        admit_address, server, access_handler, server, MHD_OPTION_EXTERNAL_LOGGER, say_nothing,
        NULL, MHD_OPTION_LISTEN_SOCKET, server->listen_fd, MHD_OPTION_THREAD_POOL_SIZE, pool,
        MHD_OPTION_CONNECTION_LIMIT, sockets_at_most(options), MHD_OPTION_CONNECTION_TIMEOUT,
        options->idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_HEAD_MAX_BYTES,
        MHD_OPTION_NOTIFY_COMPLETED, completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        connection_changed, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_END);
    if (server->daemon == NULL) {
        status = error_set_errno(err, errno, "HTTP server on %s", options->address);
        goto done;
    }
    *ret = server;
    server = NULL;
done:
    http_server_free(server);
    return status;
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}

void http_server_look(struct http_server *server, struct http_server_figures *ret)
{
    connection_watch_look(server->watch, &ret->connections);
    pthread_mutex_lock(&server->lock);
    ret->requests = server->exchanges;
    pthread_mutex_unlock(&server->lock);
    ret->bodies_bytes = atomic_load(&server->bodies_bytes);
}

int http_server_socket(const struct http_server *server)
{
    return server->listen_fd;
}

/* Waits until `*count` is 0 or the deadline; the lock is held. */
static bool wait_quiet(struct http_server *server, const size_t *count, unsigned timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (*count > 0) {
        if (pthread_cond_timedwait(&server->quiet, &server->lock, &until) == ETIMEDOUT)
            break;
    }
    return *count == 0;
}

bool http_server_drain(struct http_server *server, unsigned timeout_ms)
{
    atomic_store(&server->is_draining, true);
    /* The socket is ours and closed at the end: a thread may still look at it. */
    const MHD_socket quiesced = MHD_quiesce_daemon(server->daemon);
    (void)quiesced;
    pthread_mutex_lock(&server->lock);
    const bool is_quiet = wait_quiet(server, &server->exchanges, timeout_ms);
    pthread_mutex_unlock(&server->lock);
    return is_quiet;
}

void http_server_linger(struct http_server *server, unsigned timeout_ms)
{
    pthread_mutex_lock(&server->lock);
    (void)wait_quiet(server, &server->connections, timeout_ms);
    pthread_mutex_unlock(&server->lock);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    if (server->daemon != NULL) {
        const bool is_drained = http_server_drain(server, 0);
        (void)is_drained;
        /* A suspended connection must not be stopped. What works ends by itself. */
        pthread_mutex_lock(&server->lock);
        while (server->working > 0)
            pthread_cond_wait(&server->quiet, &server->lock);
        server->is_ending = true;
        pthread_mutex_unlock(&server->lock);
        MHD_stop_daemon(server->daemon);
    }
    connection_watch_free(server->watch);
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    pthread_cond_destroy(&server->quiet);
    pthread_mutex_destroy(&server->lock);
    mem_free(server);
}
