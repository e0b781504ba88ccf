/* service_fixture - a service over small datasets made on the spot, and a device that asks it.
 *
 * No socket: requests go straight to service_answer(). Anything that cannot be set up ends the
 * program with a message, so tests need no checks of their own for that. */
#ifndef BLINDLIST_TESTS_SERVICE_FIXTURE_H
#define BLINDLIST_TESTS_SERVICE_FIXTURE_H

#include "base/random.h"
#include "pir-server/bfv/bfv_secret.h"
#include "pir-server/service/service.h"
#include "pir-server/wire/wire_config.h"
#include "pir-server/wire/wire_requests.h"
#include "pir-server/wire/wire_served.h"

#define FIXTURE_USE_CASE "com.example.app.url.filtering"
#define FIXTURE_USER     "8155D2E9-A2BF-418C-9C9B-EC24F5FE6FE7"
#define FIXTURE_AGENT    "com.apple.ciphermld/1.0 iOS/18.2 x"

struct service_fixture {
    char folder[64];
    char data[96];
    char state[96];
    struct store *store;
    struct service *service;
    const char *host; /* of requests that name none; NULL = none */
    /* NULL, or makes the Authorization of requests that have none; valid until the next call. */
    const char *(*authorization)(void);
    /* NULL: requests go straight to service_answer(); or what carries them there. */
    void (*carry)(struct service *service, const struct http_request *request,
                  struct http_response *ret);
};

/* Rows "<word><i>.example/path" for i in [0, count), and puts them in force. */
void fixture_compile(const struct service_fixture *fixture, const char *use_case, const char *word,
                     size_t count, uint64_t shards);
/* A folder of its own with FIXTURE_USE_CASE: rows "row0" to "row399" in two shards. */
void fixture_init(struct service_fixture *fixture);
/* Opens the store; fixture_start() does it when it is not open. */
void fixture_open_store(struct service_fixture *fixture);
/* Opens the service. options may be NULL. */
void fixture_start(struct service_fixture *fixture, const struct service_options *options);
void fixture_stop(struct service_fixture *fixture);
void fixture_deinit(struct service_fixture *fixture);

/* A request with User-Identifier FIXTURE_USER and User-Agent FIXTURE_AGENT. */
struct http_request fixture_request(enum http_method method, const char *target, struct span body);
/* Answers it; `ret` is initialised here and belongs to the caller. Returns the HTTP status. */
unsigned fixture_ask(struct service_fixture *fixture, const struct http_request *request,
                     struct http_response *ret);
/* The status alone. */
unsigned fixture_status(struct service_fixture *fixture, const struct http_request *request);

/* A device that has the configuration of one use case. */
struct fixture_device {
    const char *user;
    struct random_seeded seeded;
    struct random_source random;
    char use_case[256];
    struct wire_served_list *response;
    struct wire_served served; /* borrows from response */
    struct bfv_context *context;
    struct bfv_secret_key *secret;
    struct bytes key; /* SerializedEvaluationKey */
    uint64_t key_time;
};

/* Fetches the configuration and makes keys; uploads nothing. */
void fixture_device_init(struct service_fixture *fixture, struct fixture_device *device,
                         const char *use_case, const char *user);
void fixture_device_deinit(struct fixture_device *device);
/* The body of an upload of its key; appended. */
void fixture_device_upload_body(const struct fixture_device *device, struct bytes *ret);
/* Uploads; the HTTP status. */
unsigned fixture_device_upload(struct service_fixture *fixture,
                               const struct fixture_device *device);

/* A query in the making: message and request, to be bent by a test before it is sent. */
struct fixture_query {
    struct pir_client_query *client;
    struct bytes message; /* EncryptedIndices */
    struct wire_request request;
    char keyword[64];
};
void fixture_query_init(struct fixture_device *device, const char *keyword,
                        struct fixture_query *ret);
void fixture_query_deinit(struct fixture_query *query);
/* Carries the key along. */
void fixture_query_inline_key(const struct fixture_device *device, struct fixture_query *query);
/* Sends them in one body; `ret` as fixture_ask(). */
unsigned fixture_send(struct service_fixture *fixture, const struct fixture_device *device,
                      const struct fixture_query *queries, size_t count, struct http_response *ret);
enum fixture_verdict { FIXTURE_ABSENT, FIXTURE_FOUND, FIXTURE_BROKEN };
/* What answer `index` of the body says about its query's keyword. */
enum fixture_verdict fixture_read(const struct fixture_device *device,
                                  const struct fixture_query *query, struct span body,
                                  size_t index);
/* All of it for one keyword: FIXTURE_BROKEN unless the status is 200. */
enum fixture_verdict fixture_look_up(struct service_fixture *fixture, struct fixture_device *device,
                                     const char *keyword);

#endif
