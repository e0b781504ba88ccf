#include "bench/list_server.h"

#include "base/file.h"
#include "bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_BYTES ((size_t)8192)
#define WAITING       16 /* connections */

/* Until the empty line behind the header; false when the client goes away before. */
static bool read_request(int socket_fd)
{
    char request[REQUEST_BYTES];
    size_t size = 0;
    while (size < sizeof request - 1) {
        const ssize_t got = read(socket_fd, request + size, sizeof request - 1 - size);
        if (got <= 0)
            return false;
        size += (size_t)got;
        request[size] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

static void write_all(int socket_fd, const void *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t put = write(socket_fd, bytes, size);
        if (put <= 0)
            return;
        bytes = (const char *)bytes + put;
        size -= (size_t)put;
    }
}

static void answer(int socket_fd, const char *path)
{
    struct file_map map = {0};
    char header[128];
    if (!read_request(socket_fd) || file_map_open(path, &map, NULL) != STATUS_OK)
        return;
    const int size = snprintf(header, sizeof header,
                              "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                              "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                              map.bytes.size);
    write_all(socket_fd, header, (size_t)size);
    write_all(socket_fd, map.bytes.data, map.bytes.size);
    file_map_close(&map);
}

_Noreturn static void serve(int listening_fd, const char *path)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        const int socket_fd = accept(listening_fd, NULL, NULL);
        if (socket_fd < 0)
            continue;
        answer(socket_fd, path);
        close(socket_fd);
    }
}

void list_server_start(const char *path, struct list_server *ret)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int listening_fd = socket(AF_INET, SOCK_STREAM, 0);
    if (listening_fd < 0 ||
        bind(listening_fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listening_fd, WAITING) != 0 ||
        getsockname(listening_fd, (struct sockaddr *)&address, &size) != 0)
        bench_fail("a web server cannot listen: %s", strerror(errno));
    ret->port = ntohs(address.sin_port);
    ret->pid = fork();
    if (ret->pid < 0)
        bench_fail("fork: %s", strerror(errno));
    if (ret->pid == 0)
        serve(listening_fd, path);
    close(listening_fd);
}

void list_server_stop(struct list_server *server)
{
    kill(server->pid, SIGTERM);
    (void)waitpid(server->pid, NULL, 0);
}
