/* wire_requests - bodies of /queries and /key: Requests, Responses, EvaluationKeys, Error.
 *
 * Light    reading takes a body apart and shows names, numbers and identifiers; queries, keys and
 *          answers stay unopened spans, to be decoded by wire_query.h and wire_keys.h once the
 *          cheap checks have passed.
 * Memory   an opaque object owns copies of what its spans show: the body may go. It takes at most
 *          three times the body and a megabyte.
 * Differs  a query or key that is given twice in one request is refused, where Protobuf would join
 *          the two: nobody writes that.
 * Errors   STATUS_MALFORMED, STATUS_TOO_LARGE (wire_limits.h), STATUS_NOMEM.
 * Threads  any; an object never changes once read.
 * Source   service.md sections 4 and 5, wire.md sections 4 to 6. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_WIRE_REQUESTS_H
#define BLINDLIST_PIR_SERVER_WIRE_WIRE_REQUESTS_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/wire/wire_limits.h"

enum wire_request_kind {
    WIRE_REQUEST_NONE, /* no member was set, or one we do not know */
    WIRE_REQUEST_PIR,
    WIRE_REQUEST_OPRF,      /* the question that symmetric PIR begins with */
    WIRE_REQUEST_PNNS,      /* nearest neighbours; only the kind is shown */
    WIRE_REQUEST_SIMPLE_PIR /* only the kind is shown */
};

/* An EvaluationKey message: metadata and the unopened key. */
struct wire_key {
    bool has_metadata;
    uint64_t timestamp;     /* seconds since 1970 when the secret key was made */
    struct span identifier; /* SHA-256 of the key configuration: unchecked length */
    bool has_key;
    struct span serialized; /* for wire_evaluation_key_read() */
};

/* One request; for writing of kind WIRE_REQUEST_PIR or WIRE_REQUEST_OPRF. */
struct wire_request {
    enum wire_request_kind kind;
    struct span use_case;
    /* of a PIR request: */
    uint32_t shard_index;
    bool has_query;
    struct span query; /* for wire_query_read() */
    bool has_key_metadata;
    uint64_t key_timestamp;
    struct span key_identifier;   /* of the stored key to use: unchecked length */
    struct span configuration_id; /* unchecked length; of an OPRF request, too, where often empty */
    bool has_shard_id;
    struct span shard_id;
    bool has_inline_key;
    struct wire_key inline_key; /* takes precedence over a stored one */
    /* of an OPRF request: */
    struct span oprf_element; /* unchecked length */
};

struct wire_requests; /* opaque */
enum status wire_requests_read(struct span body, struct wire_requests **ret,
                               struct error *err) MUST_CHECK;
void wire_requests_free(struct wire_requests *requests); /* takes NULL */
size_t wire_requests_count(const struct wire_requests *requests);
/* Request i in [0, count), borrowed. */
const struct wire_request *wire_requests_get(const struct wire_requests *requests, size_t i);
/* Client: appends the body. */
enum status wire_requests_write(const struct wire_request *requests, size_t count,
                                struct bytes *ret, struct error *err) MUST_CHECK;

/* The answer to one request. */
struct wire_answer {
    enum wire_request_kind kind; /* WIRE_REQUEST_PIR or WIRE_REQUEST_OPRF */
    struct span pir;             /* the PIRResponse message: wire_response_write(), _read() */
    struct span oprf_element;    /* unchecked lengths */
    struct span oprf_proof;
};
/* Server: appends the body with the answers to all requests, in their order. */
enum status wire_responses_write(const struct wire_answer *answers, size_t count, struct bytes *ret,
                                 struct error *err) MUST_CHECK;

struct wire_responses; /* opaque */
/* Client. STATUS_UNSUPPORTED when a member is an answer of another kind. */
enum status wire_responses_read(struct span body, struct wire_responses **ret,
                                struct error *err) MUST_CHECK;
void wire_responses_free(struct wire_responses *responses); /* takes NULL */
size_t wire_responses_count(const struct wire_responses *responses);
/* Answer i, borrowed. */
struct wire_answer wire_responses_get(const struct wire_responses *responses, size_t i);

struct wire_key_upload; /* opaque */
enum status wire_key_upload_read(struct span body, struct wire_key_upload **ret,
                                 struct error *err) MUST_CHECK;
void wire_key_upload_free(struct wire_key_upload *upload); /* takes NULL */
size_t wire_key_upload_count(const struct wire_key_upload *upload);
const struct wire_key *wire_key_upload_get(const struct wire_key_upload *upload, size_t i);
/* Client: appends the body. */
enum status wire_key_upload_write(const struct wire_key *keys, size_t count, struct bytes *ret,
                                  struct error *err) MUST_CHECK;

/* The Error message, numbered as on the wire. */
enum wire_error_kind {
    WIRE_ERROR_CONFIG_NOT_FOUND = 1,
    WIRE_ERROR_KEY_NOT_FOUND = 2,
    WIRE_ERROR_INVALID_REQUEST = 3,
    WIRE_ERROR_INTERNAL = 4
};
/* Appends it. config_response: the bytes of wire_config_response_write() to enclose with
 * WIRE_ERROR_CONFIG_NOT_FOUND; empty = none. */
enum status wire_error_write(enum wire_error_kind kind, struct span config_response,
                             struct bytes *ret, struct error *err) MUST_CHECK;
/* Client: STATUS_MALFORMED also when no member is set. */
enum status wire_error_read(struct span body, enum wire_error_kind *ret_kind,
                            struct error *err) MUST_CHECK;

#endif
