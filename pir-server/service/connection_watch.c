#include "pir-server/service/connection_watch.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

/* How often the thread looks; so late can a deadline be noticed. */
#define LOOK_EVERY_MS 250

struct watched_connection {
    struct connection_watch *watch;
    int fd;
    int64_t deadline_ms; /* INT64_MAX = none */
    int64_t phase_start_ms;
    uint64_t received;
    bool is_receiving; /* a body */
    bool has_ended;    /* seen at the last look: the client will send no more */
    struct watched_connection *next;
    struct watched_connection *previous;
};

struct connection_watch {
    struct connection_times times;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool is_started;
    bool is_ending;
    struct watched_connection *first;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The client has closed its side and all it sent was read. */
static bool is_at_end(const struct watched_connection *connection)
{
    char byte;
    return recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Late, or in the middle of a body that will never be whole. (Edge-triggered epoll tells the server
 * of a client's end just once; when that comes with the last bytes it goes unnoticed.) The end must
 * be seen twice: at the first time the server may be about to find the body complete. */
static bool is_to_end(struct watched_connection *connection, int64_t now)
{
    const bool had_ended = connection->has_ended;
    connection->has_ended = connection->is_receiving && is_at_end(connection);
    return connection->deadline_ms <= now || (had_ended && connection->has_ended);
}

/* Shutting down makes the server's next read or write fail, so it closes the connection itself. The
 * lock keeps the descriptor from being closed, and used again for another one, meanwhile. */
static void *look(void *argument)
{
    struct connection_watch *watch = argument;
    pthread_mutex_lock(&watch->lock);
    while (!watch->is_ending) {
        const int64_t now = now_ms();
        for (struct watched_connection *at = watch->first; at != NULL; at = at->next) {
            if (is_to_end(at, now)) {
                shutdown(at->fd, SHUT_RDWR);
                at->deadline_ms = INT64_MAX;
                at->is_receiving = false;
            }
        }
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_EVERY_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&watch->wake, &watch->lock, &until);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

enum status connection_watch_new(const struct connection_times *times,
                                 struct connection_watch **ret, struct error *err)
{
    struct connection_watch *watch = mem_alloc_zeroed(1, sizeof *watch);
    if (watch == NULL)
        return error_set(err, STATUS_NOMEM, "connection watch: out of memory");
    watch->times = *times;
    pthread_mutex_init(&watch->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    const int failed = pthread_create(&watch->thread, NULL, look, watch);
    if (failed != 0) {
        connection_watch_free(watch);
        return error_set_errno(err, failed, "connection watch: cannot start a thread");
    }
    watch->is_started = true;
    *ret = watch;
    return STATUS_OK;
}

void connection_watch_free(struct connection_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->is_started) {
        pthread_mutex_lock(&watch->lock);
        watch->is_ending = true;
        pthread_cond_signal(&watch->wake);
        pthread_mutex_unlock(&watch->lock);
        pthread_join(watch->thread, NULL);
    }
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->lock);
    mem_free(watch);
}

struct watched_connection *connection_watch_open(struct connection_watch *watch, int fd)
{
    struct watched_connection *connection = mem_alloc_zeroed(1, sizeof *connection);
    if (connection == NULL)
        return NULL;
    connection->watch = watch;
    connection->fd = fd;
    connection->deadline_ms = now_ms() + watch->times.head_ms;
    pthread_mutex_lock(&watch->lock);
    connection->next = watch->first;
    if (watch->first != NULL)
        watch->first->previous = connection;
    watch->first = connection;
    pthread_mutex_unlock(&watch->lock);
    return connection;
}

void connection_watch_close(struct watched_connection *connection)
{
    if (connection == NULL)
        return;
    struct connection_watch *watch = connection->watch;
    pthread_mutex_lock(&watch->lock);
    *(connection->previous != NULL ? &connection->previous->next : &watch->first) =
        connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    pthread_mutex_unlock(&watch->lock);
    mem_free(connection);
}

static void set_deadline(struct watched_connection *connection, int64_t deadline_ms,
                         bool is_receiving)
{
    pthread_mutex_lock(&connection->watch->lock);
    connection->deadline_ms = deadline_ms;
    connection->is_receiving = is_receiving;
    connection->has_ended = connection->has_ended && is_receiving;
    pthread_mutex_unlock(&connection->watch->lock);
}

/* Milliseconds in which so many bytes pass at the least speed; sizes stay far below 2^50. */
static int64_t time_for(const struct connection_watch *watch, uint64_t bytes)
{
    return (int64_t)(bytes * 1000 / watch->times.bytes_per_second);
}

void connection_watch_body(struct watched_connection *connection)
{
    connection->received = 0;
    connection->phase_start_ms = now_ms();
    set_deadline(connection, connection->phase_start_ms + connection->watch->times.body_ms, true);
}

void connection_watch_received(struct watched_connection *connection, uint64_t more)
{
    connection->received += more;
    set_deadline(connection,
                 connection->phase_start_ms + connection->watch->times.body_ms +
                     time_for(connection->watch, connection->received),
                 true);
}

void connection_watch_work(struct watched_connection *connection)
{
    set_deadline(connection, INT64_MAX, false);
}

void connection_watch_send(struct watched_connection *connection, uint64_t size_bytes)
{
    set_deadline(connection,
                 now_ms() + connection->watch->times.send_ms +
                     time_for(connection->watch, size_bytes),
                 false);
}

void connection_watch_idle(struct watched_connection *connection)
{
    set_deadline(connection, now_ms() + connection->watch->times.idle_ms, false);
}
