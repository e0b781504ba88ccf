#include "pir-server/service/service_manager.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_SOCKET 3
/* Beyond a day nobody watches. */
#define WATCHDOG_MAX_US (86400ULL * 1000 * MICROSECONDS)
#define MICROSECONDS    1000ULL /* in a millisecond */

/* A number in the environment that is meant for this process; 0 without one. */
static uint64_t number_for_us(const char *name, const char *whose)
{
    const char *value = getenv(name);
    const char *process = getenv(whose);
    if (value == NULL || (process != NULL && strtoull(process, NULL, 10) != (uint64_t)getpid()))
        return 0;
    return strtoull(value, NULL, 10);
}

static enum status adopt_sockets(struct listen_sockets *sockets, struct error *err)
{
    const uint64_t count =
        getenv("LISTEN_PID") != NULL ? number_for_us("LISTEN_FDS", "LISTEN_PID") : 0;
    if (count > LISTEN_SOCKETS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "LISTEN_FDS: more than %d sockets",
                         LISTEN_SOCKETS_MAX);
    enum status status = STATUS_OK;
    for (int i = 0; i < (int)count && status == STATUS_OK; i++)
        status = listen_sockets_adopt(sockets, FIRST_SOCKET + i, err);
    return status;
}

/* Connected now: a sandbox may have no way to it later. */
static enum status open_notify(int *ret, struct error *err)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL)
        return STATUS_OK;
    const size_t size = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || size >= sizeof address.sun_path)
        return error_set(err, STATUS_INVALID, "NOTIFY_SOCKET is no address of a socket");
    memcpy(address.sun_path, path, size);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* abstract */
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) != 0) {
        const int why = errno;
        if (fd >= 0)
            close(fd);
        return error_set_errno(err, why, "NOTIFY_SOCKET");
    }
    *ret = fd;
    return STATUS_OK;
}

bool service_manager_keeps_journal(int fd)
{
    const char *value = getenv("JOURNAL_STREAM");
    struct stat info;
    char *end = NULL;
    if (value == NULL || fstat(fd, &info) != 0)
        return false;
    const unsigned long long device = strtoull(value, &end, 10);
    return *end == ':' && device == info.st_dev && strtoull(end + 1, &end, 10) == info.st_ino &&
           *end == '\0';
}

enum status service_manager_init(struct service_manager *manager, struct listen_sockets *sockets,
                                 struct error *err)
{
    static const char *const variables[] = {"LISTEN_FDS",    "LISTEN_PID",    "LISTEN_FDNAMES",
                                            "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};
    const uint64_t watchdog_us = number_for_us("WATCHDOG_USEC", "WATCHDOG_PID");
    *manager = (struct service_manager){.notify_fd = -1};
    /* Twice as often as it must be. */
    manager->watchdog_ms =
        (unsigned)(watchdog_us < WATCHDOG_MAX_US ? watchdog_us / (2 * MICROSECONDS) : 0);
    enum status status = adopt_sockets(sockets, err);
    if (status == STATUS_OK)
        status = open_notify(&manager->notify_fd, err);
    for (size_t i = 0; i < ARRAY_COUNT(variables); i++)
        unsetenv(variables[i]);
    return status;
}

void service_manager_tell(const struct service_manager *manager, const char *what)
{
    if (manager->notify_fd >= 0) /* one that does not listen has no use for it */
        (void)!send(manager->notify_fd, what, strlen(what), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void service_manager_deinit(struct service_manager *manager)
{
    if (manager->notify_fd >= 0)
        close(manager->notify_fd);
    manager->notify_fd = -1;
}
