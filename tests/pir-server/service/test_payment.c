/* Tokens from issuance to redemption, without a socket: who gets them, what they open, when they
 * are spent, and what six weeks do to them (spec/service.md sections 1.3 and 7). */
#include "base/mem.h"
#include "pir-server/service/service_internal.h"
#include "tests/pir-server/service/token_fixture.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define START      ((uint64_t)1800000000)
#define HOUR       ((uint64_t)3600)
#define DAY        ((uint64_t)86400)
#define USER_TOKEN "Zm9v"
#define LIMITED    "bGltaXRlZA"

static struct service_fixture fixture;
static struct error error;
static _Atomic uint64_t now;

static uint64_t clock_of_test(void)
{
    return atomic_load(&now);
}

static void start(void)
{
    struct service_options options = service_options_default();
    struct app_config app = app_config_default();
    app.needs_tokens = true;
    cr_assert_eq(app_list_new(&app, 1, &options.apps, &error), STATUS_OK, "%s", error.message);
    options.compute_threads = 2;
    options.now_s = clock_of_test;
    fixture_start(&fixture, &options);
    app_list_unref(options.apps);
}

static void set_up(void)
{
    atomic_store(&now, START);
    fixture_init(&fixture);
    fixture_open_store(&fixture);
    fixture_add_user_token(&fixture, "", USER_TOKEN, 0, START);
    fixture_add_user_token(&fixture, "", LIMITED, 2, START);
    start();
}

static void tear_down(void)
{
    fixture_deinit(&fixture);
}

TestSuite(payment, .init = set_up, .fini = tear_down);

/* ---- a device ---- */

static struct http_request with_authorization(enum http_method method, const char *target,
                                              struct span body, const char *value)
{
    struct http_request request = fixture_request(method, target, body);
    request.headers[HTTP_AUTHORIZATION] = value;
    return request;
}

static unsigned ask_bytes(const struct http_request *request, struct bytes *ret,
                          unsigned *ret_retry_after)
{
    struct http_response response;
    const unsigned status = fixture_ask(&fixture, request, &response);
    bytes_append(ret, http_response_body(&response));
    if (ret_retry_after != NULL)
        *ret_retry_after = response.retry_after_s;
    http_response_deinit(&response);
    return status;
}

static unsigned issue(const char *bearer, struct span body, struct bytes *ret,
                      unsigned *ret_retry_after)
{
    const struct http_request request = with_authorization(HTTP_POST, "/issue", body, bearer);
    return ask_bytes(&request, ret, ret_retry_after);
}

static void get_token(struct token *ret)
{
    cr_assert_eq(fixture_issue(&fixture, "Bearer " USER_TOKEN, clock_of_test(), ret), 200);
}

static const char *new_header(void)
{
    static char value[FIXTURE_AUTHORIZATION_BYTES];
    struct token token;
    fixture.authorization = NULL; /* asking for a token costs none */
    get_token(&token);
    fixture_authorization(&token, value);
    fixture.authorization = new_header;
    return value;
}

static unsigned pay(const char *value)
{
    return fixture_pay(&fixture, value, FIXTURE_AGENT);
}

/* ---- issuance ---- */

Test(payment, the_directory_is_the_same_for_everyone_and_cached)
{
    struct http_request request =
        fixture_request(HTTP_GET, "/.well-known/private-token-issuer-directory", span_of(NULL, 0));
    struct http_response response;
    char etag[HTTP_ETAG_BYTES];
    cr_assert_eq(fixture_ask(&fixture, &request, &response), 200);
    cr_assert_str_eq(response.content_type, "application/private-token-issuer-directory");
    cr_assert(strstr(response.cache_control, "public, max-age=") != NULL);
    memcpy(etag, response.etag, sizeof etag);
    cr_assert_eq(etag[0], '"');
    http_response_deinit(&response);
    request.headers[HTTP_IF_NONE_MATCH] = etag;
    cr_assert_eq(fixture_status(&fixture, &request), 304);
}

Test(payment, the_token_key_is_for_users_only)
{
    struct bytes body;
    bytes_init(&body, 4096);
    struct http_request request = with_authorization(HTTP_GET, "/token-key-for-user-token",
                                                     span_of(NULL, 0), "Bearer " USER_TOKEN);
    cr_assert_eq(ask_bytes(&request, &body, NULL), 200);
    struct token_key *key = fixture_token_key(&fixture, clock_of_test());
    cr_assert(span_equal(bytes_view(&body), span_of(token_key_spki(key), TOKEN_KEY_SPKI_BYTES)));
    token_key_free(key);
    static const char *const wrong[] = {NULL,          "",
                                        "Bearer",      "Bearer ",
                                        "Bearer zm9v", "bearer " USER_TOKEN,
                                        "Basic Zm9v",  "Bearer " USER_TOKEN " "};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        request.headers[HTTP_AUTHORIZATION] = wrong[i];
        bytes_clear(&body);
        cr_expect_eq(ask_bytes(&request, &body, NULL), 401, "case %zu", i);
        bytes_append_u8(&body, '\0');
        cr_expect(strstr((const char *)body.data, "User token is unauthorized") != NULL);
    }
    bytes_deinit(&body);
}

Test(payment, issuing_refuses_what_is_no_request)
{
    uint8_t request[TOKEN_REQUEST_BYTES + 1] = {0};
    uint8_t blinded[TOKEN_AUTHENTICATOR_BYTES] = {0};
    struct bytes body;
    struct token_key *key = fixture_token_key(&fixture, clock_of_test());
    const uint8_t id = token_key_truncated_id(key);
    bytes_init(&body, 4096);
    blinded[5] = 9;
    token_request_write(id, blinded, request);
    const struct span good = span_of(request, TOKEN_REQUEST_BYTES);
    cr_expect_eq(issue("Bearer " USER_TOKEN, good, &body, NULL), 200);
    cr_expect_eq(issue(NULL, good, &body, NULL), 401);
    cr_expect_eq(issue("Bearer unknown", good, &body, NULL), 401);
    cr_expect_eq(
        issue("Bearer " USER_TOKEN, span_of(request, TOKEN_REQUEST_BYTES - 1), &body, NULL), 422);
    cr_expect_eq(
        issue("Bearer " USER_TOKEN, span_of(request, TOKEN_REQUEST_BYTES + 1), &body, NULL), 422);
    cr_expect_eq(issue("Bearer " USER_TOKEN, span_of(NULL, 0), &body, NULL), 422);
    cr_expect_eq(issue("Bearer unknown", span_of(NULL, 0), &body, NULL), 401, "first who asks");
    request[1] = 1; /* another type */
    cr_expect_eq(issue("Bearer " USER_TOKEN, good, &body, NULL), 422);
    token_request_write((uint8_t)(id + 1), blinded, request);
    cr_expect_eq(issue("Bearer " USER_TOKEN, good, &body, NULL), 422, "another key's id");
    memset(blinded, 0, sizeof blinded);
    token_request_write(id, blinded, request);
    cr_expect_eq(issue("Bearer " USER_TOKEN, good, &body, NULL), 422, "0");
    blinded[TOKEN_AUTHENTICATOR_BYTES - 1] = 1;
    token_request_write(id, blinded, request);
    cr_expect_eq(issue("Bearer " USER_TOKEN, good, &body, NULL), 422, "1");
    memcpy(blinded, token_key_modulus(key), sizeof blinded);
    token_request_write(id, blinded, request);
    cr_expect_eq(issue("Bearer " USER_TOKEN, good, &body, NULL), 422, "the modulus");
    memset(blinded, 0xff, sizeof blinded);
    token_request_write(id, blinded, request);
    cr_expect_eq(issue("Bearer " USER_TOKEN, good, &body, NULL), 422, "above the modulus");
    token_key_free(key);
    bytes_deinit(&body);
}

Test(payment, issuing_is_limited_and_says_when_to_come_again)
{
    uint8_t request[TOKEN_REQUEST_BYTES];
    uint8_t blinded[TOKEN_AUTHENTICATOR_BYTES] = {0, 9};
    struct bytes body;
    unsigned retry_after = 0;
    struct token_key *key = fixture_token_key(&fixture, clock_of_test());
    bytes_init(&body, 4096);
    token_request_write(token_key_truncated_id(key), blinded, request);
    const struct span good = span_of(request, sizeof request);
    atomic_store(&now, START + 20);
    cr_assert_eq(issue("Bearer " LIMITED, good, &body, NULL), 200);
    cr_assert_eq(issue("Bearer " LIMITED, good, &body, NULL), 200);
    cr_assert_eq(issue("Bearer " LIMITED, good, &body, &retry_after), 429);
    cr_assert_eq(retry_after, 40);
    cr_assert_eq(issue("Bearer " USER_TOKEN, good, &body, NULL), 200, "others are not held up");
    atomic_store(&now, START + 60);
    cr_assert_eq(issue("Bearer " LIMITED, good, &body, NULL), 200);
    token_key_free(key);
    bytes_deinit(&body);
}

/* ---- redemption ---- */

Test(payment, a_token_opens_one_request)
{
    char value[FIXTURE_AUTHORIZATION_BYTES];
    struct token token;
    get_token(&token);
    fixture_authorization(&token, value);
    cr_assert_eq(pay(NULL), 401);
    cr_assert_eq(pay("Bearer " USER_TOKEN), 401);
    cr_assert_eq(pay("PrivateToken token=AAAA"), 400);
    cr_assert_eq(pay(value), 200);
    cr_assert_eq(pay(value), 401, "spent");
    fixture_stop(&fixture);
    fixture_open_store(&fixture);
    start();
    cr_assert_eq(pay(value), 401, "spent, also after a restart");
}

Test(payment, a_forged_token_opens_nothing)
{
    char value[FIXTURE_AUTHORIZATION_BYTES];
    struct token token;
    get_token(&token);
    struct token forged = token;
    forged.nonce[0] ^= 1;
    fixture_authorization(&forged, value);
    cr_assert_eq(pay(value), 401);
    forged = token;
    forged.authenticator[100] ^= 1;
    fixture_authorization(&forged, value);
    cr_assert_eq(pay(value), 401);
    forged = token;
    forged.key_id[0] ^= 1;
    fixture_authorization(&forged, value);
    cr_assert_eq(pay(value), 401);
    forged = token;
    forged.type = 1;
    fixture_authorization(&forged, value);
    cr_assert_eq(pay(value), 401);
    fixture_authorization(&token, value);
    cr_assert_eq(pay(value), 200, "the good one is not spent by its forgeries");
}

Test(payment, what_is_refused_before_keeps_its_token)
{
    char value[FIXTURE_AUTHORIZATION_BYTES];
    struct token token;
    get_token(&token);
    fixture_authorization(&token, value);
    struct http_request request = with_authorization(HTTP_POST, "/config", span_of(NULL, 0), value);
    request.headers[HTTP_USER_AGENT] = NULL;
    cr_assert_eq(fixture_status(&fixture, &request), 400);
    request.headers[HTTP_USER_AGENT] = FIXTURE_AGENT;
    request.headers[HTTP_USER_IDENTIFIER] = NULL;
    cr_assert_eq(fixture_status(&fixture, &request), 400);
    service_stop(fixture.service);
    cr_assert_eq(pay(value), 503);
    fixture_stop(&fixture);
    fixture_open_store(&fixture);
    start();
    cr_assert_eq(pay(value), 200);
}

struct race {
    const char *value;
    atomic_uint won;
    atomic_uint refused;
};

static void *spend_once(void *context)
{
    struct race *race = context;
    const unsigned status = pay(race->value);
    atomic_fetch_add(status == 200 ? &race->won : &race->refused, status == 200 || status == 401);
    return NULL;
}

Test(payment, of_parallel_redemptions_one_passes)
{
    for (int round = 0; round < 5; round++) {
        char value[FIXTURE_AUTHORIZATION_BYTES];
        struct token token;
        pthread_t threads[8];
        struct race race = {.value = value};
        get_token(&token);
        fixture_authorization(&token, value);
        for (size_t i = 0; i < 8; i++)
            cr_assert_eq(pthread_create(&threads[i], NULL, spend_once, &race), 0);
        for (size_t i = 0; i < 8; i++)
            pthread_join(threads[i], NULL);
        cr_assert_eq(atomic_load(&race.won), 1);
        cr_assert_eq(atomic_load(&race.refused), 7);
    }
}

Test(payment, a_device_that_pays_is_answered)
{
    struct fixture_device device;
    fixture.authorization = new_header;
    fixture_device_init(&fixture, &device, FIXTURE_USE_CASE, FIXTURE_USER);
    cr_assert_eq(fixture_device_upload(&fixture, &device), 200);
    cr_assert_eq(fixture_look_up(&fixture, &device, "row17.example/path"), FIXTURE_FOUND);
    cr_assert_eq(fixture_look_up(&fixture, &device, "nowhere.example/path"), FIXTURE_ABSENT);
    fixture_device_deinit(&device);
}

Test(payment, the_public_configuration_and_health_cost_nothing)
{
    struct http_request request = fixture_request(HTTP_GET, "/config", span_of(NULL, 0));
    cr_assert_eq(fixture_status(&fixture, &request), 200);
    request.target = "/healthz";
    cr_assert_eq(fixture_status(&fixture, &request), 200);
}

/* ---- time ---- */

/* Six weeks in steps of six hours: each day a device takes three tokens and spends them at once, in
 * three days, and in just under a week. */
Test(payment, tokens_open_for_a_week_while_keys_come_and_go)
{
    enum { STEPS = 6 * 7 * 4, HELD_MAX = STEPS * 3 };
    static struct {
        char value[FIXTURE_AUTHORIZATION_BYTES];
        uint64_t spend_at;
    } held[HELD_MAX];
    static const uint64_t later[] = {0, 3 * DAY, 7 * DAY - HOUR};
    size_t count = 0;
    size_t spent = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        atomic_store(&now, START + step * 6 * HOUR);
        service_tend(fixture.service);
        for (size_t i = 0; step % 4 == 0 && i < ARRAY_COUNT(later); i++) {
            struct token token;
            get_token(&token);
            fixture_authorization(&token, held[count].value);
            held[count++].spend_at = clock_of_test() + later[i];
        }
        for (size_t i = 0; i < count; i++) {
            if (held[i].spend_at == 0 || held[i].spend_at > clock_of_test())
                continue;
            cr_assert_eq(pay(held[i].value), 200, "step %u, token %zu", step, i);
            cr_assert_eq(pay(held[i].value), 401);
            held[i].spend_at = 0;
            spent++;
        }
    }
    cr_assert_gt(spent, 100);
    cr_assert_eq(pay(held[0].value), 401, "spent, and its key is gone");
    const struct app_set *apps = service_apps(fixture.service);
    const struct kept_keys_view *view = kept_keys_view(apps->apps[0].issuer);
    cr_assert_leq(key_ring_count(view->ring), 4);
    kept_keys_view_release(view);
    app_set_unref(apps);
}

Test(payment, a_clock_that_jumps_back_locks_nobody_out)
{
    char early[FIXTURE_AUTHORIZATION_BYTES];
    char late[FIXTURE_AUTHORIZATION_BYTES];
    struct token token;
    get_token(&token);
    fixture_authorization(&token, early);
    atomic_store(&now, START + 20 * DAY);
    service_tend(fixture.service);
    get_token(&token);
    fixture_authorization(&token, late);
    atomic_store(&now, START);
    service_tend(fixture.service);
    cr_assert_eq(pay(early), 200);
    cr_assert_eq(pay(late), 200);
    get_token(&token);
    fixture_authorization(&token, early);
    cr_assert_eq(pay(early), 200);
}

/* ---- several servers, sealed keys ---- */

Test(payment, two_servers_over_one_state_have_one_key)
{
    struct kept_keys *second = NULL;
    struct kept_keys_options options = {.kind = &issuer_kept_keys,
                                        .store = fixture.store,
                                        .app = "",
                                        .spans = issuer_key_ring_kind.usual};
    cr_assert_eq(kept_keys_new(&options, clock_of_test() + 5, &second, &error), STATUS_OK, "%s",
                 error.message);
    const struct kept_keys_view *view = kept_keys_view(second);
    cr_assert_eq(key_ring_count(view->ring), 1);
    kept_keys_view_release(view);
    kept_keys_free(second);
}

Test(payment, sealed_keys_need_their_key_file)
{
    struct key_seal seal = {.key = {1, 2, 3}};
    struct key_seal other = {.key = {4}};
    struct kept_keys *sealed = NULL;
    struct kept_keys_options options = {.kind = &issuer_kept_keys,
                                        .store = fixture.store,
                                        .app = "sealed",
                                        .seal = &seal,
                                        .spans = issuer_key_ring_kind.usual};
    cr_assert_eq(kept_keys_new(&options, START, &sealed, &error), STATUS_OK, "%s", error.message);
    kept_keys_free(sealed);
    sealed = NULL;
    cr_assert_eq(kept_keys_new(&options, START, &sealed, &error), STATUS_OK, "read again");
    kept_keys_free(sealed);
    sealed = NULL;
    options.seal = &other;
    cr_assert_eq(kept_keys_new(&options, START, &sealed, &error), STATUS_MISMATCH);
    options.seal = NULL;
    cr_assert_eq(kept_keys_new(&options, START, &sealed, &error), STATUS_INVALID);
    cr_assert(strstr(error.message, "key file") != NULL, "%s", error.message);
    cr_assert(sealed == NULL);
}
