#include "pir-server/service/http_address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status http_address_parse(const char *address, struct addrinfo **ret, struct error *err)
{
    char host[HTTP_ADDRESS_BYTES];
    const char *colon = strrchr(address, ':');
    size_t size = colon == NULL ? 0 : (size_t)(colon - address);
    const char *start = address;
    if (size >= 2 && start[0] == '[' && start[size - 1] == ']') {
        start++;
        size -= 2;
    } else if (memchr(start, ':', size) != NULL) {
        size = 0; /* IPv6 without brackets: where does the port begin? */
    }
    if (size == 0 || size >= sizeof host)
        return error_set(err, STATUS_INVALID, "%s: not ADDRESS:PORT, such as 127.0.0.1:8080",
                         address);
    memcpy(host, start, size);
    host[size] = '\0';
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    const size_t port_size = strlen(colon + 1);
    if (port_size < 1 || port_size > 5 || strspn(colon + 1, "0123456789") != port_size ||
        strtoul(colon + 1, NULL, 10) > 65535)
        return error_set(err, STATUS_INVALID, "%s: the port is not a number up to 65535", address);
    if (getaddrinfo(host, colon + 1, &hints, ret) != 0)
        return error_set(err, STATUS_INVALID, "%s: not an IP address and a port", address);
    return STATUS_OK;
}

enum status http_address_is_loopback(const char *address, bool *ret, struct error *err)
{
    struct addrinfo *list = NULL;
    const enum status status = http_address_parse(address, &list, err);
    if (status != STATUS_OK)
        return status;
    bool is_loopback = false;
    if (list->ai_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, list->ai_addr, sizeof v4);
        is_loopback = ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    } else if (list->ai_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, list->ai_addr, sizeof v6);
        is_loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    }
    freeaddrinfo(list);
    *ret = is_loopback;
    return STATUS_OK;
}

void http_address_of_socket(int fd, char ret[HTTP_ADDRESS_BYTES])
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    char host[64];
    char port[8];
    ret[0] = '\0';
    if (getsockname(fd, (struct sockaddr *)&bound, &size) == 0 &&
        getnameinfo((struct sockaddr *)&bound, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(ret, HTTP_ADDRESS_BYTES, bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
                 port);
}
