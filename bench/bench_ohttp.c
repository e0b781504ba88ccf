/* What Oblivious HTTP adds to a request at the gateway, by processor time: the encapsulated request
 * parsed, its key found, opened and read as binary HTTP; the response written and sealed. The
 * handler in between does nothing. Issue 7 allows 0.3 ms. */
#include "base/mem.h"
#include "bench/bench.h"
#include "pir-server/ohttp/bhttp.h"
#include "pir-server/ohttp/gateway_key_ring.h"
#include "pir-server/ohttp/ohttp_message.h"

#include <stdio.h>
#include <string.h>

enum { RUNS = 400, NOW = 1800000000, ROOM_BYTES = 1 << 21 };

struct state {
    struct key_ring *ring;
    struct bytes sealed; /* the request as it comes */
    struct span answer;  /* the content of the response */
};

static void require(bool holds, const char *what)
{
    if (!holds)
        bench_fail("%s failed", what);
}

static void add(struct bhttp_fields *fields, const char *name, const char *value)
{
    require(bhttp_fields_add(fields, name, span_of_text(value), NULL) == STATUS_OK,
            "adding a field");
}

static void answer(const struct ohttp_exchange *exchange, struct span content)
{
    const struct random_source random = random_system();
    struct bhttp_response response;
    struct bytes plain;
    struct bytes sealed;
    bhttp_response_init(&response);
    bytes_init(&plain, ROOM_BYTES);
    bytes_init(&sealed, ROOM_BYTES);
    response.status = 200;
    response.content = content;
    add(&response.headers, "cache-control", "private, no-store");
    require(bhttp_response_write(&response, &plain, NULL) == STATUS_OK &&
                ohttp_response_seal(exchange, bytes_view(&plain), &random, &sealed, NULL) ==
                    STATUS_OK,
            "answering");
    bytes_deinit(&sealed);
    bytes_deinit_secret(&plain);
}

static void serve(void *context)
{
    const struct state *state = context;
    struct ohttp_request request;
    struct ohttp_exchange exchange;
    struct bhttp_request inner;
    struct bytes plain;
    bhttp_request_init(&inner);
    bytes_init(&plain, ROOM_BYTES);
    require(ohttp_request_parse(bytes_view(&state->sealed), &request, NULL) == STATUS_OK,
            "parsing a request");
    const struct hpke_key *key = gateway_key_ring_find(state->ring, request.key_id, NOW);
    require(key != NULL &&
                ohttp_request_open(&request, key, &plain, &exchange, NULL) == STATUS_OK &&
                bhttp_request_read(bytes_view(&plain), ROOM_BYTES, &inner, NULL) == STATUS_OK,
            "opening a request");
    answer(&exchange, state->answer);
    ohttp_exchange_wipe(&exchange);
    bhttp_request_deinit(&inner);
    bytes_deinit_secret(&plain);
}

/* A request of a device with this content, sealed for the published key. */
static void seal_request(struct state *state, const struct aead *aead, struct span content)
{
    const struct random_source random = random_system();
    char authorization[512] = "PrivateToken token=\"";
    struct ohttp_keys keys;
    struct ohttp_exchange exchange;
    struct bhttp_request inner = {.method = span_of_text("POST"),
                                  .scheme = span_of_text("https"),
                                  .authority = span_of_text("pir.example.com"),
                                  .path = span_of_text("/queries"),
                                  .content = content};
    struct bytes plain;
    bytes_init(&plain, ROOM_BYTES);
    memset(authorization + strlen(authorization), 'A', 472); /* a token in base64 */
    add(&inner.headers, "authorization", authorization);
    add(&inner.headers, "user-agent", "cloudsubscriptiond/1.0 (unknown version) CFNetwork/1.0");
    add(&inner.headers, "user-identifier", "0123456789abcdef0123456789abcdef");
    gateway_key_ring_publish(state->ring, NOW, &keys);
    bytes_init(&state->sealed, ROOM_BYTES);
    require(bhttp_request_write(&inner, &plain, NULL) == STATUS_OK &&
                ohttp_request_seal(&keys.configs[0], aead, bytes_view(&plain), &random,
                                   &state->sealed, &exchange, NULL) == STATUS_OK,
            "sealing a request");
    bytes_deinit(&plain);
}

static void measure(struct state *state, const char *name, uint16_t aead_id, size_t request_bytes,
                    size_t response_bytes)
{
    char label[128];
    uint8_t *zeros = mem_alloc_zeroed(1, request_bytes + response_bytes);
    require(zeros != NULL, "memory");
    seal_request(state, aead_find(aead_id), span_of(zeros, request_bytes));
    state->answer = span_of(zeros, response_bytes);
    snprintf(label, sizeof label, "ohttp_exchange aead=%s request_bytes=%zu response_bytes=%zu",
             name, request_bytes, response_bytes);
    bench_cpu_time(label, RUNS, serve, state);
    bytes_deinit(&state->sealed);
    mem_free(zeros);
}

static struct key_ring *make_ring(void)
{
    const struct random_source random = random_system();
    const struct key_ring_kind *kind = &gateway_key_ring_kind;
    struct hpke_key *key = NULL;
    struct key_ring *ring = NULL;
    require(hpke_key_generate(&random, &key, NULL) == STATUS_OK, "a key");
    const struct key_ring_key entry = gateway_key_ring_entry(1, key, NOW, 0);
    require(key_ring_new(kind, &kind->usual, &entry, 1, &ring, NULL) == STATUS_OK, "a key ring");
    hpke_key_unref(key);
    return ring;
}

int main(void)
{
    struct state state = {.ring = make_ring()};
    /* /config, a query, and an evaluation key. */
    measure(&state, "aes-128-gcm", AEAD_AES_128_GCM, 100, 1000);
    measure(&state, "aes-128-gcm", AEAD_AES_128_GCM, 28300, 12300);
    measure(&state, "chacha20-poly1305", AEAD_CHACHA20_POLY1305, 28300, 12300);
    measure(&state, "aes-128-gcm", AEAD_AES_128_GCM, 700000, 0);
    key_ring_unref(state.ring);
    return 0;
}
