/* doctor_internal - what the files of the doctor share: the examination under way. */
#ifndef BLINDLIST_TOOLS_DOCTOR_INTERNAL_H
#define BLINDLIST_TOOLS_DOCTOR_INTERNAL_H

#include "base/bytes.h"
#include "bloom/formats/bloom_filter.h"
#include "pir-server/wire/wire_served.h"
#include "tools/device/device_tokens.h"
#include "tools/device/http_client.h"
#include "tools/doctor/doctor.h"

#define DOCTOR_USE_CASE_MAX_BYTES 512
/* A dataset key that nobody lists: the name can never be registered (RFC 6761). */
#define DOCTOR_UNLISTED_KEY "doctor.invalid"

struct examination {
    const struct doctor_options *options;
    const char *issuer;
    struct doctor_finding *findings;
    struct http_client *http;        /* of the server; NULL when it is no URL */
    struct http_client *issuer_http; /* likewise */
    struct bytes body;               /* of the last answer */
    struct bytes header;             /* the value that was asked for last */

    struct device_tokens *tokens; /* NULL: none are to be had */
    bool is_open;                 /* the server wants no tokens */

    struct wire_served_list *config;  /* NULL: could not be had */
    const struct wire_served *served; /* of our use case; NULL likewise */
    char use_case[DOCTOR_USE_CASE_MAX_BYTES];

    struct bloom_meta meta; /* of the prefilter */
    struct bytes bits;      /* empty: could not be had */
};

/* Whether the check means anything; otherwise it is set to unknown, with the one that it needs. */
bool doctor_may(struct examination *exam, enum doctor_check check);
void doctor_pass(struct examination *exam, enum doctor_check check, const char *format, ...)
    PRINTF_LIKE(3, 4);
void doctor_fail(struct examination *exam, enum doctor_check check, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Something is missing that was not given. */
void doctor_unknown(struct examination *exam, enum doctor_check check, const char *format, ...)
    PRINTF_LIKE(3, 4);
bool doctor_has_passed(const struct examination *exam, enum doctor_check check);

/* A client of anybody's, directly or through a gateway. Fails as http_client_new(). */
enum status doctor_new_client(const struct examination *exam, const char *base_url,
                              const char *gateway, struct http_client **ret,
                              struct error *err) MUST_CHECK;
/* A whole device, of a release that device_identity_find() knows; gateway: NULL = directly. */
struct device; /* tools/device/device.h */
enum status doctor_open_device(const struct examination *exam, const char *identity,
                               const char *gateway, struct device **ret,
                               struct error *err) MUST_CHECK;

/* GET or POST of the server; the body is exam->body. */
enum status doctor_get(struct examination *exam, const char *path, struct http_exchange *ret,
                       struct error *err) MUST_CHECK;
/* The header field of the last answer of `http`, with its NUL; NULL when there is none. */
const char *doctor_header(struct examination *exam, struct http_client *http, const char *name);
/* POST /config for all use cases, with that Authorization (NULL = none). */
enum status doctor_post_config(struct examination *exam, const char *authorization,
                               struct http_exchange *ret, struct error *err) MUST_CHECK;

/* Whether that was HTTP/2, which Apple's relay asks for. */
void doctor_http2(struct examination *exam, enum doctor_check check,
                  const struct http_exchange *exchange);
/* Seconds for which anybody may keep what has such a Cache-Control; 0 = not at all. */
unsigned long doctor_max_age(const char *cache_control);

/* The groups, in their order. What cannot be told of is without memory: everything else is a
 * finding. */
void doctor_names(struct examination *exam);
void doctor_transport(struct examination *exam);
/* Whether the server wants tokens at all. */
void doctor_payment(struct examination *exam);
void doctor_issuer(struct examination *exam);
void doctor_tokens(struct examination *exam);
void doctor_config(struct examination *exam);
void doctor_prefilter(struct examination *exam);
void doctor_queries(struct examination *exam);
void doctor_gateway(struct examination *exam);
void doctor_dns(struct examination *exam);
void doctor_app(struct examination *exam);

#endif
