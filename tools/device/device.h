/* device - what an iPhone does about a URL: expand, ask the prefilter, query the hits.
 *
 * device_open()   fetches the prefilter and the configuration, makes a secret key (or takes the one
 *                 kept in a file) and uploads its evaluation key unless the server has it already.
 *                 What differs from release to release is said by device_identity.h.
 * device_check()  expands one URL to its sub-URLs, tests each against the prefilter and asks the
 *                 server about the hits, one query at a time, until one is found. A configuration
 *                 that went stale meanwhile is fetched anew once, a key that the server lost is
 *                 uploaded again. Where the use case is symmetric, the server's function of the
 *                 keyword is asked for first (device_symmetric.h); a wrong proof and a value that
 *                 does not open are errors, never "allowed".
 *
 * Secret   the key, and which URLs are asked about; nothing of it is logged. `trace` shows URLs to
 *          the one who asked.
 * Threads  one device belongs to one thread.
 * Source   PROTOCOL.md sections 1 to 5, service.md sections 3 to 5. */
#ifndef BLINDLIST_TOOLS_DEVICE_DEVICE_H
#define BLINDLIST_TOOLS_DEVICE_DEVICE_H

#include "base/bytes.h"
#include "urls/parsing.h"

#include <stdio.h>

struct device;
struct device_identity;

struct device_options {
    const char *server;                     /* base URL */
    const char *gateway;                    /* base URL of an OHTTP gateway; NULL: straight there */
    const char *ca_path;                    /* PEM: whose certificates count; NULL = the system's */
    const char *connect_to;                 /* as of http_client_options */
    const char *issuer;                     /* base URL; NULL: the server's */
    const char *use_case;                   /* NULL: the only one that the server has */
    const struct device_identity *identity; /* NULL: device_identity_default() */
    const char *user_agent;                 /* NULL: the identity's */
    const char *user_token;        /* NULL: no tokens; else each POST costs one (device_tokens.h) */
    const char *keys_path;         /* NULL: keys live as long as the device */
    const struct parsing *parsing; /* the app's configuration; NULL: the default */
    FILE *trace;                   /* NULL: none */
};

/* Borrows what the options point to for the device's life. */
enum status device_open(const struct device_options *options, struct device **ret,
                        struct error *err) MUST_CHECK;
void device_close(struct device *device); /* takes NULL */

/* SHA-256, in hex, of the parsing configuration that the prefilter's manifest names; "" = the
 * default, or a manifest that does not tell. */
const char *device_served_parsing(const struct device *device);

/* Whether the server has this device's evaluation key: asks for the configuration anew. */
enum status device_key_is_stored(struct device *device, bool *ret, struct error *err) MUST_CHECK;
size_t device_shard_count(const struct device *device);
/* Which shard a dataset key would lie in. Where the use case is symmetric, the server is asked for
 * its function of the key. */
enum status device_shard_of(struct device *device, const char *key, size_t *ret,
                            struct error *err) MUST_CHECK;
/* Asks the server about a dataset key, word for word, whatever the prefilter says of it. */
enum status device_query(struct device *device, const char *key, bool *ret_is_found,
                         struct error *err) MUST_CHECK;

struct device_verdict {
    bool is_denied;
    struct bytes key;         /* the sub-URL that was found; empty when allowed */
    size_t sub_url_count;     /* looked at */
    size_t hit_count;         /* that the prefilter knows: the server was asked about these */
    size_t sent_bytes;        /* of query bodies */
    size_t got_bytes;         /* of answer bodies */
    double milliseconds;      /* in queries, network included */
    double noise_budget_bits; /* least over all answers; infinite without a query */
};
void device_verdict_init(struct device_verdict *verdict);
void device_verdict_deinit(struct device_verdict *verdict);

/* Into an initialised verdict. With `is_key` the text is a dataset key, asked for word for word:
 * not expanded. STATUS_INVALID when the text is no URL. */
enum status device_check(struct device *device, const char *text, bool is_key,
                         struct device_verdict *ret, struct error *err) MUST_CHECK;

#endif
