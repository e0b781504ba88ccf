/* oblivious - requests of a device as a gateway takes them: binary HTTP, sealed (RFC 9458).
 *
 * Transport  is the caller's: what is sealed goes to OBLIVIOUS_PATH of the gateway as a POST of
 *            OBLIVIOUS_REQUEST_TYPE; the key configurations come from a GET there.
 * Secret     an exchange, and what is sealed (a token may be in it): the caller wipes both.
 * Threads    any; these are plain values. */
#ifndef BLINDLIST_TOOLS_DEVICE_OBLIVIOUS_H
#define BLINDLIST_TOOLS_DEVICE_OBLIVIOUS_H

#include "pir-server/ohttp/ohttp_keys.h"
#include "pir-server/ohttp/ohttp_message.h"

#include <stdbool.h>

#define OBLIVIOUS_PATH         "/.well-known/ohttp-gateway"
#define OBLIVIOUS_REQUEST_TYPE "message/ohttp-req"

/* What a gateway's keys are read into: the configuration that it likes best. */
enum status oblivious_read_keys(struct span keys, struct ohttp_key_config *ret,
                                struct error *err) MUST_CHECK;

struct oblivious_request {
    const char *url;        /* whole: whom it is for, and what */
    const char *user_agent; /* values of fields; NULL = none */
    const char *authorization;
    const char *content_type;
    const char *user_identifier;
    const struct span *content; /* NULL: a GET, else a POST */
};

/* Appends what goes to the gateway. */
enum status oblivious_seal(const struct ohttp_key_config *config,
                           const struct oblivious_request *request, struct bytes *ret,
                           struct ohttp_exchange *ret_exchange, struct error *err) MUST_CHECK;
/* Of what the gateway answered with 200: the status inside, and its content, appended. */
enum status oblivious_open(const struct ohttp_exchange *exchange, struct span answer,
                           unsigned *ret_status, struct bytes *ret, struct error *err) MUST_CHECK;
/* Does an answer in clear say that the key configuration is not good (any more)? */
bool oblivious_is_key_problem(struct span body);

#endif
