#include "tools/doctor/txt_record.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX_BYTES 65535
#define ADDRESS_BYTES    64
#define WAIT_S           2
#define TRIES            2

static enum status use_server(struct __res_state *state, const char *name_server, struct error *err)
{
    char address[ADDRESS_BYTES];
    struct sockaddr_in server = {.sin_family = AF_INET};
    const char *colon = strrchr(name_server, ':');
    const size_t size = colon != NULL ? (size_t)(colon - name_server) : sizeof address;
    const long port = colon != NULL ? strtol(colon + 1, NULL, 10) : 0;
    if (size < sizeof address) {
        memcpy(address, name_server, size);
        address[size] = '\0';
    }
    if (size >= sizeof address || port < 1 || port > UINT16_MAX ||
        inet_pton(AF_INET, address, &server.sin_addr) != 1)
        return error_set(err, STATUS_INVALID, "%s: no ADDRESS:PORT", name_server);
    server.sin_port = htons((uint16_t)port);
    state->nscount = 1;
    state->nsaddr_list[0] = server;
    return STATUS_OK;
}

/* The data of a TXT record are texts with their lengths; together they are its value. */
static bool is_value(const uint8_t *data, size_t size, const char *value)
{
    size_t at = 0;
    size_t matched = 0;
    const size_t wanted = strlen(value);
    while (at < size) {
        const size_t part = data[at++];
        if (part > size - at || part > wanted - matched ||
            memcmp(data + at, value + matched, part) != 0)
            return false;
        at += part;
        matched += part;
    }
    return matched == wanted;
}

static enum status look(const uint8_t *answer, int size, const char *name, const char *value,
                        bool *ret, struct error *err)
{
    ns_msg message;
    ns_rr record;
    if (ns_initparse(answer, size, &message) != 0)
        return error_set(err, STATUS_IO, "%s: the name server's answer cannot be read", name);
    *ret = false;
    for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
        if (ns_parserr(&message, ns_s_an, i, &record) == 0 && ns_rr_type(record) == ns_t_txt &&
            is_value(ns_rr_rdata(record), ns_rr_rdlen(record), value))
            *ret = true;
    }
    return STATUS_OK;
}

enum status txt_record_find(const char *name, const char *value, const char *name_server, bool *ret,
                            struct error *err)
{
    struct __res_state state;
    uint8_t answer[ANSWER_MAX_BYTES];
    memset(&state, 0, sizeof state);
    if (res_ninit(&state) != 0)
        return error_set(err, STATUS_IO, "%s: the DNS cannot be asked", name);
    state.retrans = WAIT_S;
    state.retry = TRIES;
    enum status status = STATUS_OK;
    if (name_server != NULL)
        status = use_server(&state, name_server, err);
    if (status == STATUS_OK) {
        const int size = res_nquery(&state, name, ns_c_in, ns_t_txt, answer, sizeof answer);
        const bool is_absent = state.res_h_errno == HOST_NOT_FOUND || state.res_h_errno == NO_DATA;
        if (size >= 0)
            status = look(answer, size, name, value, ret, err);
        else if (is_absent)
            status = error_set(err, STATUS_NOT_FOUND, "%s has no TXT record", name);
        else
            status = error_set(err, STATUS_IO, "no name server answers about %s", name);
    }
    res_nclose(&state);
    return status;
}
