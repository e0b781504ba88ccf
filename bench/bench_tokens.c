/* Privacy Pass on one thread: tokens issued, checked and made, each beside the bare operation of
 * OpenSSL that it cannot do without.
 *
 * The two run in turns of a millisecond or two, by processor time, so that another load on the
 * machine meets both and counts for neither; `share=` is the median over all turns. */
#include "base/random.h"
#include "bench/bench.h"
#include "pir-server/privacypass/issuer_key_ring.h"
#include "pir-server/privacypass/token_client.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

enum { TURNS = 101, ISSUES = 8, CHECKS = 64, REQUESTS = 64, NOW = 1800000000 };

struct state {
    struct key_ring *ring;
    struct issuer_key *key;
    EVP_PKEY *bare_key;
    EVP_PKEY_CTX *bare_sign;
    EVP_PKEY_CTX *bare_apply;
    struct token_pending pending;
    uint8_t request[TOKEN_REQUEST_BYTES];
    uint8_t response[TOKEN_RESPONSE_BYTES];
    struct token token;
};

static void require(bool holds, const char *what)
{
    if (!holds)
        bench_fail("%s failed", what);
}

static void issue(struct state *state)
{
    const struct issuer_key *key =
        issuer_key_ring_find_signing(state->ring, state->request[2], NOW);
    require(key != NULL &&
                issuer_key_sign(key, state->request + 3, state->response, NULL) == STATUS_OK,
            "issuing");
}

static void bare_private(struct state *state)
{
    uint8_t out[TOKEN_RESPONSE_BYTES];
    size_t size = sizeof out;
    require(EVP_PKEY_sign(state->bare_sign, out, &size, state->request + 3,
                          TOKEN_AUTHENTICATOR_BYTES) == 1,
            "a private key operation");
}

static void check(struct state *state)
{
    enum token_verdict verdict = TOKEN_VERDICT_COUNT;
    require(issuer_key_ring_verify(state->ring, &state->token, NOW, &verdict, NULL) == STATUS_OK &&
                verdict == TOKEN_GOOD,
            "checking a token");
}

static void bare_public(struct state *state)
{
    uint8_t out[TOKEN_AUTHENTICATOR_BYTES];
    size_t size = sizeof out;
    require(EVP_PKEY_encrypt(state->bare_apply, out, &size, state->request + 3,
                             TOKEN_AUTHENTICATOR_BYTES) == 1,
            "a public key operation");
}

static void begin(struct state *state)
{
    static const uint8_t digest[TOKEN_DIGEST_BYTES];
    const struct random_source random = random_system();
    require(token_client_begin(issuer_key_public(state->key), digest, &random, &state->pending,
                               state->request, NULL) == STATUS_OK,
            "making a request");
}

static void finish(struct state *state)
{
    require(token_client_finish(issuer_key_public(state->key), &state->pending,
                                span_of(state->response, sizeof state->response), &state->token,
                                NULL) == STATUS_OK,
            "making a token");
}

/* A key of its own ring, and the same key bare. */
static void set_up(struct state *state)
{
    const struct key_ring_kind *kind = &issuer_key_ring_kind;
    struct bytes der;
    bytes_init(&der, ISSUER_KEY_MAX_BYTES);
    require(issuer_key_new(&state->key, NULL) == STATUS_OK &&
                issuer_key_write(state->key, &der, NULL) == STATUS_OK,
            "making a key");
    const struct key_ring_key ring_key = issuer_key_ring_entry(state->key, NOW, 0);
    require(key_ring_new(kind, &kind->usual, &ring_key, 1, &state->ring, NULL) == STATUS_OK,
            "a key ring");
    const unsigned char *at = der.data;
    state->bare_key = d2i_AutoPrivateKey(NULL, &at, (long)der.size);
    state->bare_sign = EVP_PKEY_CTX_new_from_pkey(NULL, state->bare_key, NULL);
    state->bare_apply = EVP_PKEY_CTX_new_from_pkey(NULL, state->bare_key, NULL);
    require(EVP_PKEY_sign_init(state->bare_sign) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(state->bare_sign, RSA_NO_PADDING) == 1 &&
                EVP_PKEY_encrypt_init(state->bare_apply) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(state->bare_apply, RSA_NO_PADDING) == 1,
            "a bare key");
    bytes_deinit_secret(&der);
    begin(state);
    issue(state);
    finish(state);
}

static void tear_down(struct state *state)
{
    EVP_PKEY_CTX_free(state->bare_apply);
    EVP_PKEY_CTX_free(state->bare_sign);
    EVP_PKEY_free(state->bare_key);
    key_ring_unref(state->ring);
    issuer_key_unref(state->key);
}

static double rate_of(void (*work)(struct state *state), size_t count, struct state *state)
{
    const uint64_t start = bench_cpu_ns();
    for (size_t i = 0; i < count; i++)
        work(state);
    return (double)count * 1e9 / (double)(bench_cpu_ns() - start);
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *values)
{
    qsort(values, TURNS, sizeof values[0], compare_doubles);
    return values[TURNS / 2];
}

static void compare(const char *label, void (*work)(struct state *state),
                    void (*bare)(struct state *state), size_t count, struct state *state)
{
    double rates[TURNS];
    double bare_rates[TURNS];
    double shares[TURNS];
    (void)rate_of(work, count, state);
    (void)rate_of(bare, count, state);
    for (size_t i = 0; i < TURNS; i++) {
        rates[i] = rate_of(work, count, state);
        bare_rates[i] = rate_of(bare, count, state);
        shares[i] = rates[i] / bare_rates[i];
    }
    printf("%s per_s=%.0f bare_per_s=%.0f share=%.2f turns=%d\n", label, median_of(rates),
           median_of(bare_rates), median_of(shares), TURNS);
    fflush(stdout);
}

int main(void)
{
    struct state state = {.ring = NULL};
    set_up(&state);
    compare("token_issue bits=2048 threads=1", issue, bare_private, ISSUES, &state);
    compare("token_check bits=2048 threads=1", check, bare_public, CHECKS, &state);
    compare("token_finish bits=2048 threads=1", finish, bare_public, CHECKS, &state);
    compare("token_request bits=2048 threads=1", begin, bare_public, REQUESTS, &state);
    tear_down(&state);
    return 0;
}
