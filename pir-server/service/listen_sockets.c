#include "pir-server/service/listen_sockets.h"

#include "pir-server/service/http_address.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_listening(int fd)
{
    int answer = 0;
    socklen_t size = sizeof answer;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &answer, &size) == 0 && answer != 0;
}

enum status listen_sockets_adopt(struct listen_sockets *sockets, int fd, struct error *err)
{
    enum status status = STATUS_OK;
    if (sockets->count == LISTEN_SOCKETS_MAX)
        status = error_set(err, STATUS_TOO_LARGE, "more than %d listening sockets were handed over",
                           LISTEN_SOCKETS_MAX);
    else if (!is_listening(fd))
        status = error_set(err, STATUS_INVALID, "what was handed over is no listening socket");
    else if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        status = error_set_errno(err, errno, "a listening socket that was handed over");
    if (status == STATUS_OK)
        sockets->fds[sockets->count++] = fd;
    else
        close(fd);
    return status;
}

static bool is_bound_to(int fd, const struct addrinfo *address)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    memset(&bound, 0, sizeof bound);
    return getsockname(fd, (struct sockaddr *)&bound, &size) == 0 && size == address->ai_addrlen &&
           memcmp(&bound, address->ai_addr, size) == 0;
}

static enum status bind_new(const struct addrinfo *address, int *ret, struct error *err)
{
    const int on = 1;
    const int fd =
        socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, address->ai_addr, address->ai_addrlen) != 0) {
        const int why = errno;
        if (fd >= 0)
            close(fd);
        return error_set_errno(err, why, "cannot listen");
    }
    *ret = fd;
    return STATUS_OK;
}

enum status listen_sockets_take(struct listen_sockets *sockets, const char *address, int *ret,
                                struct error *err)
{
    struct addrinfo *list = NULL;
    enum status status = http_address_parse(address, &list, err);
    if (status != STATUS_OK)
        return status;
    size_t i = 0;
    while (i < sockets->count && !is_bound_to(sockets->fds[i], list))
        i++;
    if (i < sockets->count) {
        *ret = sockets->fds[i];
        sockets->fds[i] = sockets->fds[--sockets->count];
    } else if (bind_new(list, ret, err) != STATUS_OK) {
        status = error_prefix(err, STATUS_IO, "%s", address);
    }
    freeaddrinfo(list);
    return status;
}

void listen_sockets_deinit(struct listen_sockets *sockets)
{
    while (sockets->count > 0)
        close(sockets->fds[--sockets->count]);
}
