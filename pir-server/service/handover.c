#define _GNU_SOURCE /* SO_PEERCRED, accept4(), pipe2() */
#include "pir-server/service/handover.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4
#define SERVED  'r'
/* For the first server to answer; it has nothing else to do, unless a third one asks, too. */
#define ANSWER_S 10
/* Without a file descriptor for a connection, until the next try. */
#define RETRY_MS 100

struct handover {
    int fds[LISTEN_SOCKETS_MAX];
    size_t count;
    void (*taken)(void *context);
    void *context;
    int listen_fd;
    int end_pipe[2]; /* closing [1] ends the thread */
    atomic_bool is_taken;
    pthread_t thread;
    bool is_started;
};

static enum status unix_address(const char *path, struct sockaddr_un *ret, struct error *err)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof ret->sun_path)
        return error_set(err, STATUS_TOO_LARGE, "%s: longer than %zu bytes", path,
                         sizeof ret->sun_path - 1);
    memcpy(ret->sun_path, path, strlen(path));
    return STATUS_OK;
}

/* What is there and no socket is not ours to replace. */
static enum status look_at(const char *path, struct error *err)
{
    struct stat file;
    if (lstat(path, &file) == 0 && !S_ISSOCK(file.st_mode))
        return error_set(err, STATUS_INVALID, "%s: is there and no socket", path);
    return STATUS_OK;
}

static bool is_of(uid_t user, int connection)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == user || peer.uid == 0);
}

/* ---- the second server ---- */

union control {
    struct cmsghdr head; /* for its alignment */
    char bytes[CMSG_SPACE(sizeof(int) * LISTEN_SOCKETS_MAX)];
};

static enum status receive(int connection, struct listen_sockets *sockets, struct error *err)
{
    char byte;
    union control control;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    const struct timeval limit = {.tv_sec = ANSWER_S};
    if (setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        recvmsg(connection, &message, MSG_CMSG_CLOEXEC) != 1)
        return error_set(err, STATUS_IO,
                         "the server that is to hand over does not answer: does another process "
                         "take over from it right now?");
    enum status status = STATUS_OK;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part != NULL;
         part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        int fds[LISTEN_SOCKETS_MAX];
        memcpy(fds, CMSG_DATA(part), count * sizeof(int));
        for (size_t i = 0; i < count; i++) {
            if (status == STATUS_OK)
                status = listen_sockets_adopt(sockets, fds[i], err);
            else
                close(fds[i]);
        }
    }
    return status;
}

enum status handover_request(const char *path, uid_t user, struct listen_sockets *sockets, int *ret,
                             struct error *err)
{
    struct sockaddr_un address;
    enum status status = unix_address(path, &address, err);
    if (status == STATUS_OK)
        status = look_at(path, err);
    if (status != STATUS_OK)
        return status;
    const int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0)
        return error_set_errno(err, errno, "%s", path);
    if (connect(connection, (const struct sockaddr *)&address, sizeof address) != 0) {
        const int why = errno;
        close(connection);
        if (why != ENOENT && why != ECONNREFUSED)
            return error_set_errno(err, why, "%s", path);
        *ret = -1; /* nobody, or one that has ended */
        return STATUS_OK;
    }
    status = is_of(user, connection)
                 ? receive(connection, sockets, err)
                 : error_set(err, STATUS_UNAUTHORIZED, "another user's server offers its sockets");
    if (status != STATUS_OK) {
        close(connection);
        return error_prefix(err, status, "%s", path);
    }
    *ret = connection;
    return STATUS_OK;
}

void handover_complete(int connection)
{
    const char byte = SERVED;
    if (connection < 0)
        return;
    (void)!send(connection, &byte, 1, MSG_NOSIGNAL); /* it may have ended by itself */
    close(connection);
}

/* ---- the first one ---- */

static bool send_sockets(const struct handover *handover, int connection)
{
    char byte = 0;
    union control control;
    memset(&control, 0, sizeof control);
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(sizeof(int) * handover->count)};
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * handover->count);
    memcpy(CMSG_DATA(part), handover->fds, sizeof(int) * handover->count);
    return sendmsg(connection, &message, MSG_NOSIGNAL) == 1;
}

/* Until there is something to read, or so long (-1 = for ever; fd -1: there is nothing). False when
 * the offer ends. */
static bool wait_for(const struct handover *handover, int fd, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
                           {.fd = handover->end_pipe[0], .events = POLLIN}};
    while (poll(fds, 2, timeout_ms) < 0)
        continue;
    return fds[1].revents == 0;
}

/* True when the other one serves the sockets now. */
static bool hand_over(const struct handover *handover, int connection)
{
    char byte = 0;
    return is_of(geteuid(), connection) && send_sockets(handover, connection) &&
           wait_for(handover, connection, -1) && recv(connection, &byte, 1, 0) == 1 &&
           byte == SERVED;
}

static void *offer(void *context)
{
    struct handover *handover = context;
    while (!atomic_load(&handover->is_taken) && wait_for(handover, handover->listen_fd, -1)) {
        const int connection = accept4(handover->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0) {
            (void)wait_for(handover, -1, RETRY_MS);
            continue;
        }
        if (hand_over(handover, connection)) {
            atomic_store(&handover->is_taken, true);
            handover->taken(handover->context);
        }
        close(connection);
    }
    return NULL;
}

/* Under another name first: at no time is nobody there, and the old one's place is taken whole. */
static enum status listen_at(const char *path, int fd, struct error *err)
{
    struct sockaddr_un address;
    char name[sizeof address.sun_path];
    const int length = snprintf(name, sizeof name, "%s.%ld", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof name)
        return error_set(err, STATUS_TOO_LARGE, "%s: too long a path for a socket", path);
    enum status status = unix_address(name, &address, err);
    if (status == STATUS_OK)
        status = look_at(path, err);
    if (status != STATUS_OK)
        return status;
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(name, S_IRUSR | S_IWUSR) != 0 || listen(fd, BACKLOG) != 0 ||
        rename(name, path) != 0) {
        status = error_set_errno(err, errno, "%s", path);
        (void)unlink(name);
    }
    return status;
}

enum status handover_offer(const char *path, const int *fds, size_t count,
                           void (*taken)(void *context), void *context, struct handover **ret,
                           struct error *err)
{
    struct handover *handover = mem_alloc_zeroed(1, sizeof *handover);
    if (handover == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", path);
    handover->taken = taken;
    handover->context = context;
    handover->count = count;
    memcpy(handover->fds, fds, count * sizeof *fds);
    handover->end_pipe[0] = handover->end_pipe[1] = -1;
    handover->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    enum status status = handover->listen_fd >= 0 && pipe2(handover->end_pipe, O_CLOEXEC) == 0
                             ? listen_at(path, handover->listen_fd, err)
                             : error_set_errno(err, errno, "%s", path);
    if (status == STATUS_OK) {
        const int why = pthread_create(&handover->thread, NULL, offer, handover);
        handover->is_started = why == 0;
        if (why != 0)
            status = error_set_errno(err, why, "%s: a thread", path);
    }
    if (status == STATUS_OK)
        *ret = handover;
    else
        handover_free(handover);
    return status;
}

bool handover_is_taken(const struct handover *handover)
{
    return handover != NULL && atomic_load(&handover->is_taken);
}

void handover_free(struct handover *handover)
{
    if (handover == NULL)
        return;
    if (handover->end_pipe[1] >= 0)
        close(handover->end_pipe[1]);
    if (handover->is_started)
        pthread_join(handover->thread, NULL);
    if (handover->end_pipe[0] >= 0)
        close(handover->end_pipe[0]);
    if (handover->listen_fd >= 0)
        close(handover->listen_fd);
    mem_free(handover);
}
