/* Every connection is in the list of its standing, in the order in which it got there. */
#include "pir-server/service/connection_watch.h"

#include "base/mem.h"
#include "pir-server/service/address_counts.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

/* How often the thread looks; so late can a deadline be noticed. */
#define LOOK_EVERY_MS 250
/* Looks from one line in the log to the next. */
#define LOOKS_A_LINE 40
/* Clients that have asked for nothing yet keep this part of all connections in any case. */
#define STRANGERS_SHARE 4

enum standing {
    STRANGER, /* nothing that it asked for was worth an answer, yet */
    IDLE,     /* waits between two requests */
    SLOW,     /* sends, or takes, what was not paid for */
    KEPT,     /* is being worked for, or has paid */
    ENDED,    /* was shut down; the server will notice */
    STANDING_COUNT
};

struct watched_connection {
    struct connection_watch *watch;
    struct address_count *address; /* NULL = not counted by its address */
    int fd;
    int64_t deadline_ms; /* INT64_MAX = none */
    int64_t phase_start_ms;
    uint64_t received;
    enum request_worth worth; /* of its last request */
    enum standing standing;
    bool is_receiving; /* a body */
    bool has_ended;    /* seen at the last look: the client will send no more */
    struct watched_connection *next;
    struct watched_connection *previous;
};

struct standing_list {
    struct watched_connection *first; /* the longest there */
    struct watched_connection *last;
    size_t count;
};

struct connection_watch {
    struct connection_limits limits;
    struct address_ranges proxies;
    const struct log *log;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    pthread_t thread;
    bool is_started;
    bool is_ending;
    struct address_counts *addresses;
    struct standing_list lists[STANDING_COUNT];
    struct connection_figures figures; /* `open` is not kept */
    struct connection_figures logged;  /* as of the last line in the log */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- standing; the lock is held ---- */

static void leave(struct watched_connection *connection)
{
    struct standing_list *list = &connection->watch->lists[connection->standing];
    *(connection->previous != NULL ? &connection->previous->next : &list->first) = connection->next;
    *(connection->next != NULL ? &connection->next->previous : &list->last) = connection->previous;
    list->count--;
}

static void enter(struct watched_connection *connection, enum standing standing)
{
    struct standing_list *list = &connection->watch->lists[standing];
    connection->standing = standing;
    connection->next = NULL;
    connection->previous = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = connection;
    list->last = connection;
    list->count++;
}

/* Shutting down makes the server's next read or write fail, so it closes the connection itself. The
 * lock keeps the descriptor from being closed, and used again for another one, meanwhile. */
static void end(struct watched_connection *connection)
{
    shutdown(connection->fd, SHUT_RDWR);
    connection->deadline_ms = INT64_MAX;
    connection->is_receiving = false;
    leave(connection);
    enter(connection, ENDED);
}

static size_t count_open(const struct connection_watch *watch)
{
    const struct standing_list *lists = watch->lists;
    return lists[STRANGER].count + lists[IDLE].count + lists[SLOW].count + lists[KEPT].count;
}

/* Ends the connection that is worth least, when there are too many. */
static void shed(struct connection_watch *watch)
{
    const struct standing_list *lists = watch->lists;
    if (count_open(watch) <= watch->limits.connections_max)
        return;
    struct watched_connection *least = lists[STRANGER].first;
    if (lists[STRANGER].count <= watch->limits.connections_max / STRANGERS_SHARE) {
        if (lists[IDLE].count > 0)
            least = lists[IDLE].first;
        else if (lists[SLOW].count > 0)
            least = lists[SLOW].first;
    }
    if (least == NULL)
        return;
    end(least);
    watch->figures.shed++;
}

/* ---- the thread ---- */

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

static void look_through(struct standing_list *list, int64_t now)
{
    struct watched_connection *next;
    for (struct watched_connection *at = list->first; at != NULL; at = next) {
        next = at->next;
        if (!is_to_end(at, now))
            continue;
        end(at);
        at->watch->figures.late++;
    }
}

static void log_refused(struct connection_watch *watch)
{
    const uint64_t refused = watch->figures.refused - watch->logged.refused;
    const uint64_t made_room = watch->figures.shed - watch->logged.shed;
    if (refused > 0 || made_room > 0)
        log_write(watch->log, LOG_WARNING,
                  "too many connections: not taken from an address that has many count=%" PRIu64
                  ", ended to make room count=%" PRIu64,
                  refused, made_room);
    watch->logged = watch->figures;
}

static void *look(void *argument)
{
    struct connection_watch *watch = argument;
    pthread_mutex_lock(&watch->lock);
    for (unsigned looks = 1; !watch->is_ending; looks++) {
        const int64_t now = now_ms();
        for (size_t i = 0; i < ENDED; i++)
            look_through(&watch->lists[i], now);
        if (looks % LOOKS_A_LINE == 0)
            log_refused(watch);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_EVERY_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&watch->wake, &watch->lock, &until);
    }
    log_refused(watch);
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

/* ---- start and end ---- */

enum status connection_watch_new(const struct connection_limits *limits, const struct log *log,
                                 struct connection_watch **ret, struct error *err)
{
    struct connection_watch *watch = mem_alloc_zeroed(1, sizeof *watch);
    if (watch == NULL)
        return error_set(err, STATUS_NOMEM, "connection watch: out of memory");
    watch->limits = *limits;
    watch->log = log;
    pthread_mutex_init(&watch->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    enum status status = address_ranges_parse(limits->proxies, &watch->proxies, err);
    if (status == STATUS_OK)
        status = address_counts_new(limits->connections_max, &watch->addresses, err);
    if (status != STATUS_OK)
        goto done;
    const int failed = pthread_create(&watch->thread, NULL, look, watch);
    if (failed != 0) {
        status = error_set_errno(err, failed, "connection watch: cannot start a thread");
        goto done;
    }
    watch->is_started = true;
    *ret = watch;
    watch = NULL;
done:
    connection_watch_free(watch);
    return status;
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
    address_counts_free(watch->addresses);
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->lock);
    mem_free(watch);
}

/* ---- a connection ---- */

/* Whose connections are counted by their address; false: these are not. */
static bool find_group(const struct connection_watch *watch, const struct sockaddr *address,
                       struct client_address *ret)
{
    struct client_address from;
    if (watch->limits.address_max == 0 || !client_address_of(address, &from) ||
        address_ranges_hold(&watch->proxies, &from))
        return false;
    *ret = client_address_group(&from);
    return true;
}

bool connection_watch_admits(struct connection_watch *watch, const struct sockaddr *address)
{
    struct client_address group;
    if (!find_group(watch, address, &group))
        return true;
    pthread_mutex_lock(&watch->lock);
    const bool is_admitted =
        address_counts_look(watch->addresses, &group) < watch->limits.address_max;
    watch->figures.refused += is_admitted ? 0 : 1;
    pthread_mutex_unlock(&watch->lock);
    return is_admitted;
}

struct watched_connection *connection_watch_open(struct connection_watch *watch, int fd,
                                                 const struct sockaddr *address)
{
    struct client_address group;
    struct watched_connection *connection = mem_alloc_zeroed(1, sizeof *connection);
    if (connection == NULL)
        return NULL;
    connection->watch = watch;
    connection->fd = fd;
    connection->deadline_ms = now_ms() + watch->limits.head_ms;
    const bool is_counted = find_group(watch, address, &group);
    pthread_mutex_lock(&watch->lock);
    if (is_counted)
        connection->address = address_counts_take(watch->addresses, &group);
    enter(connection, STRANGER);
    shed(watch);
    pthread_mutex_unlock(&watch->lock);
    return connection;
}

void connection_watch_close(struct watched_connection *connection)
{
    if (connection == NULL)
        return;
    struct connection_watch *watch = connection->watch;
    pthread_mutex_lock(&watch->lock);
    address_counts_give_back(watch->addresses, connection->address);
    leave(connection);
    pthread_mutex_unlock(&watch->lock);
    mem_free(connection);
}

/* Milliseconds in which so many bytes pass at the least speed; sizes stay far below 2^50. */
static int64_t time_for(const struct connection_watch *watch, uint64_t bytes)
{
    return (int64_t)(bytes * 1000 / watch->limits.bytes_per_second);
}

static void change(struct watched_connection *connection, enum standing standing,
                   int64_t deadline_ms, bool is_receiving)
{
    pthread_mutex_lock(&connection->watch->lock);
    if (connection->standing != ENDED) {
        leave(connection);
        enter(connection, standing);
        connection->deadline_ms = deadline_ms;
        connection->is_receiving = is_receiving;
        connection->has_ended = false;
    }
    pthread_mutex_unlock(&connection->watch->lock);
}

/* While bytes move. */
static enum standing standing_of(enum request_worth worth)
{
    return worth == REQUEST_REFUSED ? STRANGER : worth == REQUEST_PAID ? KEPT : SLOW;
}

void connection_watch_body(struct watched_connection *connection, enum request_worth worth)
{
    connection->worth = worth;
    connection->received = 0;
    connection->phase_start_ms = now_ms();
    change(connection, standing_of(worth),
           connection->phase_start_ms + connection->watch->limits.body_ms, true);
}

void connection_watch_refuse(struct watched_connection *connection)
{
    connection->worth = REQUEST_REFUSED;
    pthread_mutex_lock(&connection->watch->lock);
    if (connection->standing != ENDED) {
        leave(connection);
        enter(connection, STRANGER);
    }
    pthread_mutex_unlock(&connection->watch->lock);
}

void connection_watch_received(struct watched_connection *connection, uint64_t more)
{
    connection->received += more;
    const int64_t deadline_ms = connection->phase_start_ms + connection->watch->limits.body_ms +
                                time_for(connection->watch, connection->received);
    pthread_mutex_lock(&connection->watch->lock);
    if (connection->standing != ENDED)
        connection->deadline_ms = deadline_ms;
    pthread_mutex_unlock(&connection->watch->lock);
}

void connection_watch_work(struct watched_connection *connection)
{
    change(connection, KEPT, INT64_MAX, false);
}

void connection_watch_send(struct watched_connection *connection, uint64_t size_bytes)
{
    change(connection, standing_of(connection->worth),
           now_ms() + connection->watch->limits.send_ms + time_for(connection->watch, size_bytes),
           false);
}

void connection_watch_idle(struct watched_connection *connection)
{
    change(connection, connection->worth == REQUEST_REFUSED ? STRANGER : IDLE,
           now_ms() + connection->watch->limits.idle_ms, false);
}

void connection_watch_look(struct connection_watch *watch, struct connection_figures *ret)
{
    pthread_mutex_lock(&watch->lock);
    *ret = watch->figures;
    ret->open = count_open(watch);
    pthread_mutex_unlock(&watch->lock);
}
