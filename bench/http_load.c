/* One loop over pselect(), whose timeout is fine enough for arrivals that are milliseconds apart.
 */
#include "bench/http_load.h"

#include "base/mem.h"
#include "bench/bench.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX_BYTES ((size_t)32 << 20)
#define ANSWERS_MAX      ((size_t)1 << 20)
#define READ_BYTES       ((size_t)65536)
#define SECOND_NS        ((uint64_t)1000000000)
#define HTTP_OK          200
#define HTTP_BUSY        503

struct connection {
    int fd;
    bool is_busy;
    uint64_t since_ns;
    struct span left; /* of the request */
    struct bytes in;
    size_t body_at; /* 0 = the head is not whole yet */
    size_t whole;   /* bytes of head and body */
    unsigned status;
};

struct http_load {
    struct connection *connections; /* [count] */
    size_t count;
    uint64_t *took_ns; /* [ANSWERS_MAX] */
};

static void connect_to(const char *address, struct connection *connection)
{
    char host[64];
    const char *colon = strrchr(address, ':');
    struct sockaddr_in at = {.sin_family = AF_INET};
    const int on = 1;
    if (colon == NULL || (size_t)(colon - address) >= sizeof host)
        bench_fail("%s: no address", address);
    snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    at.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, host, &at.sin_addr) != 1)
        bench_fail("%s: no address", address);
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connection->fd >= (int)FD_SETSIZE ||
        connect(connection->fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        fcntl(connection->fd, F_SETFL, O_NONBLOCK) != 0)
        bench_fail("%s: %s", address, strerror(errno));
    bytes_init(&connection->in, ANSWER_MAX_BYTES);
}

struct http_load *http_load_new(const char *address, size_t connections)
{
    struct http_load *load = mem_alloc_zeroed(1, sizeof *load);
    assert(connections <= HTTP_LOAD_CONNECTIONS_MAX);
    if (load == NULL)
        bench_fail("out of memory");
    load->took_ns = mem_alloc(ANSWERS_MAX, sizeof *load->took_ns);
    load->connections = mem_alloc_zeroed(connections, sizeof *load->connections);
    if (load->took_ns == NULL || load->connections == NULL)
        bench_fail("out of memory");
    for (; load->count < connections; load->count++)
        connect_to(address, &load->connections[load->count]);
    return load;
}

void http_load_free(struct http_load *load)
{
    if (load == NULL)
        return;
    for (size_t i = 0; i < load->count; i++) {
        close(load->connections[i].fd);
        bytes_deinit(&load->connections[i].in);
    }
    mem_free(load->connections);
    mem_free(load->took_ns);
    mem_free(load);
}

void http_load_request(const char *method, const char *target, const char *user, struct span body,
                       struct bytes *ret)
{
    bytes_append_format(ret,
                        "%s %s HTTP/1.1\r\nhost: bench\r\nuser-identifier: %s\r\n"
                        "user-agent: com.apple.ciphermld/1.0 iOS/18.2 bench\r\n"
                        "content-length: %zu\r\n\r\n",
                        method, target, user, body.size);
    bytes_append(ret, body);
    if (bytes_status(ret, "request", NULL) != STATUS_OK)
        bench_fail("out of memory for a request");
}

/* ---- one connection ---- */

static void begin(struct connection *connection, struct span request, uint64_t since_ns)
{
    connection->is_busy = true;
    connection->since_ns = since_ns;
    connection->left = request;
    connection->body_at = 0;
    bytes_clear(&connection->in);
}

static void send_some(struct connection *connection)
{
    while (connection->left.size > 0) {
        const ssize_t sent =
            send(connection->fd, connection->left.data, connection->left.size, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (sent < 0)
            bench_fail("sending a request: %s", strerror(errno));
        connection->left =
            span_part(connection->left, (size_t)sent, connection->left.size - (size_t)sent);
    }
}

/* Status and length, once the head is there. */
static void read_head(struct connection *connection)
{
    bytes_append_u8(&connection->in, 0);
    char *head = (char *)connection->in.data;
    connection->in.size--;
    const char *end = strstr(head, "\r\n\r\n");
    if (end == NULL)
        return;
    connection->body_at = (size_t)(end - head) + 4;
    connection->whole = connection->body_at;
    if (sscanf(head, "HTTP/1.1 %3u", &connection->status) != 1)
        bench_fail("the answer has no status");
    for (const char *line = strstr(head, "\r\n"); line != end; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, "content-length:", 15) == 0)
            connection->whole += strtoul(line + 17, NULL, 10);
    }
}

/* True when the answer is whole. */
static bool receive_some(struct connection *connection)
{
    struct bytes *in = &connection->in;
    for (;;) {
        const size_t room = connection->body_at > 0 ? connection->whole - in->size : READ_BYTES;
        const size_t before = in->size;
        uint8_t *space = bytes_append_space(in, room);
        if (space == NULL)
            bench_fail("the answer is too large");
        const ssize_t got = recv(connection->fd, space, room, 0);
        in->size = before + (got > 0 ? (size_t)got : 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        if (got <= 0)
            bench_fail("waiting for an answer: %s", got == 0 ? "closed" : strerror(errno));
        if (connection->body_at == 0)
            read_head(connection);
        if (connection->body_at > 0 && in->size >= connection->whole)
            return true;
    }
}

void http_load_ask(struct http_load *load, struct span request, struct bytes *ret_body)
{
    struct connection *connection = &load->connections[0];
    begin(connection, request, 0);
    for (;;) {
        fd_set readable;
        fd_set writable;
        FD_ZERO(&readable);
        FD_ZERO(&writable);
        FD_SET(connection->fd, &readable);
        send_some(connection);
        if (connection->left.size > 0)
            FD_SET(connection->fd, &writable);
        if (pselect(connection->fd + 1, &readable, &writable, NULL, NULL, NULL) < 0)
            bench_fail("pselect: %s", strerror(errno));
        if (FD_ISSET(connection->fd, &readable) && receive_some(connection))
            break;
    }
    connection->is_busy = false;
    const struct span body = span_part(bytes_view(&connection->in), connection->body_at,
                                       connection->whole - connection->body_at);
    if (connection->status != HTTP_OK)
        bench_fail("status %u: %.*s", connection->status, (int)(body.size < 200 ? body.size : 200),
                   (const char *)body.data);
    if (ret_body != NULL)
        bytes_append(ret_body, body);
}

/* ---- load ---- */

struct run {
    struct http_load *load;
    const struct span *requests;
    size_t request_count;
    size_t next_request;
    size_t clients;   /* connections that may be used */
    double mean_ns;   /* between arrivals; 0 = closed loop */
    uint64_t random;  /* of the arrivals */
    uint64_t next_ns; /* the next arrival */
    uint64_t end_ns;
    size_t busy;
    size_t answers; /* all */
    size_t in_time;
    size_t refused;
};

/* Exponential, mean run->mean_ns. */
static uint64_t draw_gap_ns(struct run *run)
{
    run->random = run->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    const double uniform = ((double)(run->random >> 11) + 0.5) / 9007199254740992.0;
    return (uint64_t)(-log(uniform) * run->mean_ns);
}

static bool has_arrived(const struct run *run, uint64_t now)
{
    const bool is_due =
        run->mean_ns > 0 ? run->next_ns < run->end_ns && run->next_ns <= now : now < run->end_ns;
    return is_due && run->busy < run->clients;
}

/* Starts what has arrived, as far as there are connections. */
static void start_due(struct run *run, uint64_t now)
{
    for (size_t i = 0; i < run->clients && has_arrived(run, now); i++) {
        struct connection *connection = &run->load->connections[i];
        if (connection->is_busy)
            continue;
        begin(connection, run->requests[run->next_request++ % run->request_count],
              run->mean_ns > 0 ? run->next_ns : now);
        run->busy++;
        if (run->mean_ns > 0)
            run->next_ns += draw_gap_ns(run);
        send_some(connection);
    }
}

static void finish(struct run *run, struct connection *connection)
{
    const uint64_t now = bench_now_ns();
    connection->is_busy = false;
    run->busy--;
    if (connection->status == HTTP_BUSY) {
        run->refused++;
        return;
    }
    if (connection->status != HTTP_OK)
        bench_fail("status %u under load", connection->status);
    if (run->answers < ANSWERS_MAX)
        run->load->took_ns[run->answers++] = now - connection->since_ns;
    run->in_time += now < run->end_ns;
}

static void wait_and_move(struct run *run)
{
    const uint64_t now = bench_now_ns();
    fd_set readable;
    fd_set writable;
    int largest = 0;
    uint64_t until = run->end_ns;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    for (size_t i = 0; i < run->clients; i++) {
        const struct connection *connection = &run->load->connections[i];
        if (!connection->is_busy)
            continue;
        FD_SET(connection->fd, &readable);
        if (connection->left.size > 0)
            FD_SET(connection->fd, &writable);
        largest = connection->fd > largest ? connection->fd : largest;
    }
    if (run->mean_ns > 0 && run->next_ns < until && run->busy < run->clients)
        until = run->next_ns;
    const uint64_t wait_ns = until > now ? until - now : 0;
    const struct timespec timeout = {.tv_sec = (time_t)(wait_ns / SECOND_NS),
                                     .tv_nsec = (long)(wait_ns % SECOND_NS)};
    /* After the end only the answers are waited for. */
    if (pselect(largest + 1, &readable, &writable, NULL, now < run->end_ns ? &timeout : NULL,
                NULL) < 0)
        bench_fail("pselect: %s", strerror(errno));
    for (size_t i = 0; i < run->clients; i++) {
        struct connection *connection = &run->load->connections[i];
        if (!connection->is_busy)
            continue;
        if (FD_ISSET(connection->fd, &writable))
            send_some(connection);
        if (FD_ISSET(connection->fd, &readable) && receive_some(connection))
            finish(run, connection);
    }
}

static int by_size(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static struct http_load_figures go(struct run *run, double seconds)
{
    const uint64_t start_ns = bench_now_ns();
    const uint64_t start_cpu_ns = bench_cpu_ns();
    run->end_ns = start_ns + (uint64_t)(seconds * (double)SECOND_NS);
    run->next_ns = start_ns;
    for (uint64_t now = start_ns; now < run->end_ns || run->busy > 0; now = bench_now_ns()) {
        start_due(run, now);
        wait_and_move(run);
    }
    if (run->answers == 0)
        bench_fail("no answer in %.1f s", seconds);
    const uint64_t cpu_ns = bench_cpu_ns() - start_cpu_ns;
    uint64_t *took = run->load->took_ns;
    qsort(took, run->answers, sizeof *took, by_size);
    return (struct http_load_figures){
        .answers = run->in_time,
        .per_second = (double)run->in_time / seconds,
        .p50_ns = took[run->answers / 2],
        .p99_ns = took[run->answers - 1 - run->answers / 100],
        .max_ns = took[run->answers - 1],
        .client_cpu_ns = cpu_ns,
        .refused = run->refused,
    };
}

struct http_load_figures http_load_closed(struct http_load *load, const struct span *requests,
                                          size_t count, size_t clients, double seconds)
{
    struct run run = {
        .load = load, .requests = requests, .request_count = count, .clients = clients};
    assert(clients > 0 && clients <= load->count);
    return go(&run, seconds);
}

struct http_load_figures http_load_poisson(struct http_load *load, const struct span *requests,
                                           size_t count, double per_second, double seconds)
{
    struct run run = {.load = load,
                      .requests = requests,
                      .request_count = count,
                      .clients = load->count,
                      .mean_ns = (double)SECOND_NS / per_second,
                      .random = 1};
    return go(&run, seconds);
}
