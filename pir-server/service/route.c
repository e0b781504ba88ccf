#include "pir-server/service/route.h"

#include "pir-server/ohttp/bhttp.h"
#include "pir-server/ohttp/ohttp_message.h"
#include "pir-server/privacypass/token.h"
#include "pir-server/wire/wire_limits.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define COMPONENTS_MAX 3
/* An evaluation key that comes along takes two and a half times its size when it is decoded. */
#define QUERIES_WEIGHT 4
/* RFC 9578 section 6.2 wants 422 for a token request of another length, so one that is somewhat too
 * long must come in to be answered; what is longer still is 413. */
#define ISSUE_BODY_MAX_BYTES ((size_t)1024)
static_assert(ISSUE_BODY_MAX_BYTES > TOKEN_REQUEST_BYTES, "a request fits");

/* Around the largest content of an encapsulated request: its control data and fields, what cuts it
 * into chunks, and padding. */
#define GATEWAY_ROOM_BYTES                                                                         \
    (4 * BHTTP_CONTROL_MAX_BYTES + 2 * BHTTP_FIELDS_MAX_BYTES + 32768 +                            \
     OHTTP_REQUEST_OVERHEAD_BYTES)
/* Sealed, opened, joined from chunks, and what a handler makes of it. */
#define GATEWAY_WEIGHT (3 + QUERIES_WEIGHT - 1)

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes the component that starts at *at; leaves *at at the '/' or the end behind it. */
static bool take_component(const char **at, char out[ROUTE_COMPONENT_MAX + 1])
{
    const char *p = *at;
    size_t size = 0;
    bool is_good = true;
    for (; *p != '\0' && *p != '/' && *p != '?'; p++) {
        int byte = (unsigned char)*p;
        if (byte == '%' && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
            byte = hex_digit(p[1]) * 16 + hex_digit(p[2]);
            p += 2;
            if (byte == '/' || byte == '\0')
                is_good = false;
        }
        if (size == ROUTE_COMPONENT_MAX)
            is_good = false;
        else
            out[size++] = (char)byte;
    }
    out[size] = '\0';
    *at = p;
    return is_good;
}

/* Cuts the path; false when it has too many components or one of them is bad. */
static bool split(const char *path, char parts[COMPONENTS_MAX][ROUTE_COMPONENT_MAX + 1],
                  size_t *ret_count)
{
    size_t count = 0;
    while (*path != '\0' && *path != '?') {
        if (*path == '/') {
            path++;
            continue;
        }
        if (count == COMPONENTS_MAX || !take_component(&path, parts[count]))
            return false;
        count++;
    }
    *ret_count = count;
    return true;
}

/* "<name><suffix>" -> true with the suffix cut off, when something is left. */
static bool cut_suffix(char *text, const char *suffix)
{
    const size_t size = strlen(text);
    const size_t suffix_size = strlen(suffix);
    if (size <= suffix_size || strcmp(text + size - suffix_size, suffix) != 0)
        return false;
    text[size - suffix_size] = '\0';
    return true;
}

void route_find(enum http_method method, const char *target, struct route_match *ret)
{
    static const struct {
        const char *name;
        enum http_method method;
        enum route route;
    } table[] = {
        {"config", HTTP_POST, ROUTE_CONFIG},
        {"config", HTTP_GET, ROUTE_CONFIG_PUBLIC},
        {"key", HTTP_POST, ROUTE_KEY},
        {"queries", HTTP_POST, ROUTE_QUERIES},
        {"report", HTTP_POST, ROUTE_REPORT},
        {"issue", HTTP_POST, ROUTE_ISSUE},
        {"token-key-for-user-token", HTTP_GET, ROUTE_TOKEN_KEY},
        {"healthz", HTTP_GET, ROUTE_HEALTH},
        {"healthz", HTTP_HEAD, ROUTE_HEALTH},
    };
    static const struct {
        const char *name; /* behind .well-known */
        enum http_method method;
        enum route route;
    } well_known[] = {
        {"private-token-issuer-directory", HTTP_GET, ROUTE_ISSUER_DIRECTORY},
        {"ohttp-gateway", HTTP_POST, ROUTE_GATEWAY},
        {"ohttp-gateway", HTTP_GET, ROUTE_GATEWAY_KEYS},
    };
    char parts[COMPONENTS_MAX][ROUTE_COMPONENT_MAX + 1];
    size_t count = 0;
    *ret = (struct route_match){.route = ROUTE_NONE};
    if (!split(target, parts, &count))
        return;
    for (size_t i = 0; count == 1 && i < ARRAY_COUNT(table); i++) {
        if (table[i].method == method && strcmp(table[i].name, parts[0]) == 0)
            ret->route = table[i].route;
    }
    const bool is_well_known = count == 2 && strcmp(parts[0], ".well-known") == 0;
    for (size_t i = 0; is_well_known && i < ARRAY_COUNT(well_known); i++) {
        if (well_known[i].method == method && strcmp(well_known[i].name, parts[1]) == 0)
            ret->route = well_known[i].route;
    }
    /* A gateway is registered with Apple by its host name alone (spec/service.md section 9.1). */
    if (count == 0 && method == HTTP_POST && target[0] == '/')
        ret->route = ROUTE_GATEWAY;
    if ((method != HTTP_GET && method != HTTP_HEAD) || count < 2 ||
        strcmp(parts[0], "prefilter") != 0)
        return;
    if (count == 2 && cut_suffix(parts[1], ".json")) {
        ret->route = ROUTE_PREFILTER_MANIFEST;
    } else if (count == 3 && cut_suffix(parts[2], ".bloom")) {
        ret->route = ROUTE_PREFILTER_BITS;
        memcpy(ret->tag, parts[2], sizeof ret->tag);
    } else {
        return;
    }
    memcpy(ret->use_case, parts[1], sizeof ret->use_case);
}

static const struct {
    const char *name;
    size_t body_max;
    unsigned body_weight;
    bool needs_token;
    bool needs_identity;
    bool is_slow;
} properties[ROUTE_COUNT] = {
    [ROUTE_NONE] = {.name = "unknown"},
    [ROUTE_CONFIG] = {.name = "config",
                      .body_max = WIRE_BODY_MAX_BYTES,
                      .needs_token = true,
                      .needs_identity = true},
    [ROUTE_CONFIG_PUBLIC] = {.name = "config-public"},
    [ROUTE_KEY] = {.name = "key",
                   .body_max = WIRE_BODY_MAX_BYTES,
                   .needs_token = true,
                   .needs_identity = true,
                   .is_slow = true},
    [ROUTE_QUERIES] = {.name = "queries",
                       .body_max = WIRE_BODY_MAX_BYTES,
                       .body_weight = QUERIES_WEIGHT,
                       .needs_token = true,
                       .needs_identity = true,
                       .is_slow = true},
    [ROUTE_REPORT] = {.name = "report",
                      .needs_token = true,
                      .body_max = WIRE_REPORT_MAX_BYTES,
                      .is_slow = true},
    [ROUTE_ISSUER_DIRECTORY] = {.name = "issuer-directory"},
    [ROUTE_TOKEN_KEY] = {.name = "token-key", .is_slow = true},
    [ROUTE_ISSUE] = {.name = "issue", .body_max = ISSUE_BODY_MAX_BYTES, .is_slow = true},
    [ROUTE_HEALTH] = {.name = "healthz"},
    [ROUTE_PREFILTER_MANIFEST] = {.name = "prefilter-manifest"},
    [ROUTE_PREFILTER_BITS] = {.name = "prefilter-bits"},
    [ROUTE_GATEWAY] = {.name = "gateway",
                       .body_max = WIRE_BODY_MAX_BYTES + GATEWAY_ROOM_BYTES,
                       .body_weight = GATEWAY_WEIGHT,
                       .is_slow = true},
    [ROUTE_GATEWAY_KEYS] = {.name = "gateway-keys"},
};

const char *route_name(enum route route)
{
    return properties[route].name;
}

size_t route_body_max(enum route route)
{
    return properties[route].body_max;
}

unsigned route_body_weight(enum route route)
{
    return properties[route].body_weight;
}

bool route_needs_token(enum route route)
{
    return properties[route].needs_token;
}

bool route_needs_identity(enum route route)
{
    return properties[route].needs_identity;
}

bool route_is_of_an_app(enum route route)
{
    return route != ROUTE_NONE && route != ROUTE_HEALTH && route != ROUTE_GATEWAY &&
           route != ROUTE_GATEWAY_KEYS;
}

bool route_is_slow(enum route route)
{
    return properties[route].is_slow;
}
