/* device_identity - how releases of iOS differ towards a server.
 *
 * Source   service.md sections 1.7, 3 and 7.4, PROTOCOL.md sections 4 to 6. What happens in hours
 *          or days (refills in the background, tokens that grow old, Apple's cache before
 *          GET /config) is not played. */
#ifndef BLINDLIST_TOOLS_DEVICE_DEVICE_IDENTITY_H
#define BLINDLIST_TOOLS_DEVICE_DEVICE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

/* Tokens asked for at once, by any release. */
#define DEVICE_TOKENS_MAX ((size_t)10)

struct device_identity {
    const char *name;
    const char *user_agent;
    bool knows_repeated_shards; /* else each shard is spelled out for it */
    bool sends_known_id;        /* a configuration that still holds is not sent again */
    bool gets_config;           /* GET /config, without token; else POST, which costs one */
    bool carries_key;           /* in each request; else uploaded */
    bool takes_first_key;       /* of the issuer's directory; else the one named for its user */
    bool wants_power_of_two;    /* shards */
    size_t tokens_at_once;      /* on demand, at most DEVICE_TOKENS_MAX */
};

/* NULL when there is no such one. */
const struct device_identity *device_identity_find(const char *name);
/* The one that is played when none is asked for. */
const struct device_identity *device_identity_default(void);

#endif
