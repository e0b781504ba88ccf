/* Queries, uploads and downloads of several threads while datasets are replaced under them: every
 * answer is right for the dataset it was asked of, and all is freed at the end. */
#include "base/compiler.h"
#include "tests/patience.h"
#include "tests/pir-server/service/service_fixture.h"
#include "tests/tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define ASKERS  3
#define RELOADS 4
#define QUEUE   4

static struct service_fixture fixture;
static atomic_bool is_over;
static atomic_int answered;
static atomic_int busy;
static atomic_int wrong;

/* "test row" is in every version, "no such row" in none. */
static void *ask(void *argument)
{
    struct fixture_device device;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, argument);
    if (fixture_device_upload(&fixture, &device) != 200)
        atomic_fetch_add(&wrong, 1);
    struct fixture_query queries[3];
    fixture_query_init(&device, "www.apple.com/url-filter-test", &queries[0]);
    fixture_query_init(&device, "no.such.example/row", &queries[1]);
    fixture_query_init(&device, "www.apple.com/url-filter-test", &queries[2]);
    fixture_query_inline_key(&device, &queries[2]);
    for (int round = 0; round == 0 || !atomic_load(&is_over); round++) {
        struct http_response response;
        const unsigned status = fixture_send(&fixture, &device, queries, 3, &response);
        if (status == 503) {
            atomic_fetch_add(&busy, 1);
        } else if (status == 200) {
            for (size_t i = 0; i < 3; i++) {
                if (fixture_read(&device, &queries[i], http_response_body(&response), i) !=
                    (i == 1 ? FIXTURE_ABSENT : FIXTURE_FOUND))
                    atomic_fetch_add(&wrong, 1);
            }
            atomic_fetch_add(&answered, 1);
        } else {
            atomic_fetch_add(&wrong, 1);
        }
        http_response_deinit(&response);
    }
    for (size_t i = 0; i < 3; i++)
        fixture_query_deinit(&queries[i]);
    fixture_device_deinit(&device);
    return NULL;
}

/* Uploads the same user's key again and again, so that cached ones are dropped while in use. */
static void *upload(void *argument)
{
    struct fixture_device device;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, argument);
    while (!atomic_load(&is_over)) {
        const unsigned status = fixture_device_upload(&fixture, &device);
        if (status != 200 && status != 503)
            atomic_fetch_add(&wrong, 1);
        struct http_request request =
            fixture_request(HTTP_GET, "/prefilter/" FIXTURE_USE_CASE ".json", span_of(NULL, 0));
        struct http_response response;
        if (fixture_ask(&fixture, &request, &response) != 200)
            atomic_fetch_add(&wrong, 1);
        /* The mapped bytes stay while the response lives, whatever is reloaded. */
        uint8_t sum = 0;
        const struct span body = http_response_body(&response);
        for (size_t i = 0; i < body.size; i++)
            sum = (uint8_t)(sum + body.data[i]);
        if (body.size == 0 || sum == 1)
            atomic_fetch_add(&wrong, body.size == 0);
        http_response_deinit(&response);
    }
    fixture_device_deinit(&device);
    return NULL;
}

#define FLOODERS    16
#define FLOOD_TIMES 4
static pthread_barrier_t flood_gate;

/* More bodies at once than the queue takes: each is answered, with 200 or 503. All begin when all
 * have their keys. */
static void *flood(void *argument)
{
    struct fixture_device device;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, argument);
    struct fixture_query query;
    fixture_query_init(&device, "no.such.example/row", &query);
    fixture_query_inline_key(&device, &query);
    pthread_barrier_wait(&flood_gate);
    for (int i = 0; i < FLOOD_TIMES; i++) {
        struct http_response response;
        const unsigned status = fixture_send(&fixture, &device, &query, 1, &response);
        atomic_fetch_add(status == 200 ? &answered : status == 503 ? &busy : &wrong, 1);
        http_response_deinit(&response);
    }
    fixture_query_deinit(&query);
    fixture_device_deinit(&device);
    return NULL;
}

static void flood_once(void)
{
    pthread_t threads[FLOODERS];
    pthread_barrier_init(&flood_gate, NULL, FLOODERS);
    for (size_t i = 0; i < FLOODERS; i++)
        pthread_create(&threads[i], NULL, flood, (void *)(uintptr_t) "flooder");
    for (size_t i = 0; i < FLOODERS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&flood_gate);
}

static void test_flood(void)
{
    const struct patience patience = patience_begin();
    int floods = 0;
    answered = busy = 0;
    /* A machine with one core to spare may let the flooders through one after the other. */
    do {
        flood_once();
        floods++;
    } while (busy == 0 && patience_lasts(&patience));
    TAP_CHECK(wrong == 0 && answered + busy == floods * FLOODERS * FLOOD_TIMES,
              "flood: %d answered, %d refused with 503", (int)answered, (int)busy);
    TAP_CHECK(busy > 0, "a full queue refuses");
}

int main(void)
{
    fixture_init(&fixture);
    struct service_options options = service_options_default();
    options.compute_threads = 2;
    options.queue_limit = QUEUE;
    options.key_cache_bytes = (size_t)1 << 20; /* one key fits: eviction all the time */
    fixture_start(&fixture, &options);

    static const char *const users[ASKERS] = {"first", "second", "third"};
    pthread_t askers[ASKERS];
    pthread_t uploader;
    for (int i = 0; i < ASKERS; i++)
        pthread_create(&askers[i], NULL, ask, (void *)(uintptr_t)users[i]);
    pthread_create(&uploader, NULL, upload, (void *)(uintptr_t) "uploader");
    int failed = 0;
    for (int i = 0; i < RELOADS; i++) {
        char word[32];
        snprintf(word, sizeof word, "word%d-", i);
        fixture_compile(&fixture, FIXTURE_USE_CASE, word, 400, 0);
        struct error error;
        failed += service_reload(fixture.service, NULL, &error) != STATUS_OK;
        patience_sleep_ms(50);
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < ASKERS; i++)
        pthread_join(askers[i], NULL);
    pthread_join(uploader, NULL);
    TAP_CHECK(failed == 0, "%d reloads", RELOADS);
    TAP_CHECK(wrong == 0, "%d wrong answers", (int)wrong);
    TAP_CHECK(answered > 0, "%d bodies answered, %d times busy", (int)answered, (int)busy);
    test_flood();
    fixture_deinit(&fixture);
    return tap_finish();
}
