/* One ring, several threads: each is client and gateway of its own exchanges, as the threads of a
 * server share the ring, while others take and give back references. */
#include "base/compiler.h"
#include "pir-server/ohttp/gateway_key_ring.h"
#include "pir-server/ohttp/ohttp_message.h"
#include "tests/tap.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS    4
#define EXCHANGES  50
#define NOW        ((uint64_t)1800000000)
#define ROOM_BYTES ((size_t)4096)

struct work {
    struct key_ring *ring;
    atomic_int good;
};

/* What the gateway answers to a request: its own text back. */
static bool answer(const struct key_ring *ring, struct span sealed, struct bytes *ret)
{
    const struct random_source random = random_system();
    struct ohttp_request request;
    struct ohttp_exchange exchange;
    struct bytes plain;
    bytes_init(&plain, ROOM_BYTES);
    bool is_good = ohttp_request_parse(sealed, &request, NULL) == STATUS_OK;
    const struct hpke_key *key = is_good ? gateway_key_ring_find(ring, request.key_id, NOW) : NULL;
    is_good = key != NULL &&
              ohttp_request_open(&request, key, &plain, &exchange, NULL) == STATUS_OK &&
              ohttp_response_seal(&exchange, bytes_view(&plain), &random, ret, NULL) == STATUS_OK;
    bytes_deinit_secret(&plain);
    return is_good;
}

static bool exchange_once(const struct key_ring *ring, const struct aead *aead)
{
    const struct random_source random = random_system();
    const struct span text = span_of_text("a request");
    struct ohttp_keys keys;
    struct ohttp_exchange exchange;
    struct bytes sealed;
    struct bytes response;
    struct bytes back;
    bytes_init(&sealed, ROOM_BYTES);
    bytes_init(&response, ROOM_BYTES);
    bytes_init(&back, ROOM_BYTES);
    gateway_key_ring_publish(ring, NOW, &keys);
    const bool is_good =
        ohttp_request_seal(&keys.configs[0], aead, text, &random, &sealed, &exchange, NULL) ==
            STATUS_OK &&
        answer(ring, bytes_view(&sealed), &response) &&
        ohttp_response_open(&exchange, bytes_view(&response), &back, NULL) == STATUS_OK &&
        span_equal(bytes_view(&back), text);
    bytes_deinit(&back);
    bytes_deinit(&response);
    bytes_deinit(&sealed);
    return is_good;
}

static void *exchange_many(void *context)
{
    static const uint16_t aeads[] = {AEAD_AES_128_GCM, AEAD_CHACHA20_POLY1305};
    struct work *work = context;
    for (size_t i = 0; i < EXCHANGES; i++) {
        struct key_ring *ring = key_ring_ref(work->ring);
        if (exchange_once(ring, aead_find(aeads[i % ARRAY_COUNT(aeads)])))
            atomic_fetch_add(&work->good, 1);
        key_ring_unref(ring);
    }
    return NULL;
}

int main(void)
{
    const struct random_source random = random_system();
    const struct key_ring_kind *kind = &gateway_key_ring_kind;
    struct hpke_key *key = NULL;
    struct work work = {.ring = NULL};
    bool is_made = hpke_key_generate(&random, &key, NULL) == STATUS_OK;
    if (is_made) {
        const struct key_ring_key entry = gateway_key_ring_entry(7, key, NOW, 0);
        is_made = key_ring_new(kind, &kind->usual, &entry, 1, &work.ring, NULL) == STATUS_OK;
    }
    TAP_CHECK(is_made, "a ring is made");
    hpke_key_unref(key);
    if (!is_made)
        return tap_finish();
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, exchange_many, &work);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    TAP_CHECK(work.good == THREADS * EXCHANGES, "%d exchanges of all threads came back", work.good);
    key_ring_unref(work.ring);
    return tap_finish();
}
