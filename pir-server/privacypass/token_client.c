/* Sums over big numbers are OpenSSL's. What could link a request to its token is wiped. */
#include "pir-server/privacypass/token_client.h"

#include "base/mem.h"
#include "pir-server/crypto/openssl_error.h"
#include "pir-server/privacypass/pss_encoding.h"

#include <openssl/bn.h>

#define NUMBER_BYTES TOKEN_KEY_MODULUS_BYTES

/* ret = a * b mod the modulus. */
static bool multiply(const uint8_t a[NUMBER_BYTES], const uint8_t b[NUMBER_BYTES],
                     const struct token_key *key, uint8_t ret[NUMBER_BYTES])
{
    BN_CTX *context = BN_CTX_new();
    BIGNUM *n = BN_bin2bn(token_key_modulus(key), NUMBER_BYTES, NULL);
    BIGNUM *x = BN_bin2bn(a, NUMBER_BYTES, NULL);
    BIGNUM *y = BN_bin2bn(b, NUMBER_BYTES, NULL);
    const bool is_done = context != NULL && n != NULL && x != NULL && y != NULL &&
                         BN_mod_mul(x, x, y, n, context) == 1 &&
                         BN_bn2binpad(x, ret, NUMBER_BYTES) == NUMBER_BYTES;
    BN_clear_free(y);
    BN_clear_free(x);
    BN_free(n);
    BN_CTX_free(context);
    return is_done;
}

/* ret = 1 / a mod the modulus; false also when there is none. */
static bool invert(const uint8_t a[NUMBER_BYTES], const struct token_key *key,
                   uint8_t ret[NUMBER_BYTES])
{
    BN_CTX *context = BN_CTX_new();
    BIGNUM *n = BN_bin2bn(token_key_modulus(key), NUMBER_BYTES, NULL);
    BIGNUM *x = BN_bin2bn(a, NUMBER_BYTES, NULL);
    BIGNUM *inverse = BN_new();
    bool is_done = context != NULL && n != NULL && x != NULL && inverse != NULL;
    if (is_done) {
        BN_set_flags(x, BN_FLG_CONSTTIME); /* the way that takes the same steps for every number */
        is_done = BN_mod_inverse(inverse, x, n, context) != NULL &&
                  BN_bn2binpad(inverse, ret, NUMBER_BYTES) == NUMBER_BYTES;
    }
    BN_clear_free(inverse);
    BN_clear_free(x);
    BN_free(n);
    BN_CTX_free(context);
    return is_done;
}

static bool is_zero(const uint8_t number[NUMBER_BYTES])
{
    uint8_t any = 0;
    for (size_t i = 0; i < NUMBER_BYTES; i++)
        any |= number[i];
    return any == 0;
}

/* Uniform in [1, modulus), by rejection: the modulus has its top bit set, so at least every second
 * draw will do. */
static enum status draw_blind(const struct token_key *key, const struct random_source *random,
                              uint8_t ret[NUMBER_BYTES], struct error *err)
{
    enum status status;
    do {
        status = random_fill(random, ret, NUMBER_BYTES, err);
    } while (status == STATUS_OK &&
             (is_zero(ret) || memcmp(ret, token_key_modulus(key), NUMBER_BYTES) >= 0));
    return status;
}

/* The padded message times blind^e, and the inverse of the blind. */
static enum status blind_message(const struct token_key *key, const uint8_t encoded[NUMBER_BYTES],
                                 const uint8_t blind[NUMBER_BYTES], uint8_t ret[NUMBER_BYTES],
                                 uint8_t ret_unblinding[NUMBER_BYTES], struct error *err)
{
    uint8_t factor[NUMBER_BYTES];
    const enum status status = token_key_apply(key, blind, factor, err);
    if (status != STATUS_OK)
        return status;
    /* That a number has no inverse means that it shares a factor with the modulus: nobody finds
     * one by chance (RFC 9474 section 4.2 wants it looked at). */
    if (!invert(blind, key, ret_unblinding) || !multiply(encoded, factor, key, ret))
        return openssl_error(err, "blinding a token");
    return STATUS_OK;
}

enum status token_client_begin(const struct token_key *key,
                               const uint8_t challenge_digest[TOKEN_DIGEST_BYTES],
                               const struct random_source *random, struct token_pending *ret,
                               uint8_t ret_request[TOKEN_REQUEST_BYTES], struct error *err)
{
    struct token_pending pending = {.token.type = TOKEN_TYPE_BLIND_RSA};
    struct token *token = &pending.token;
    uint8_t salt[TOKEN_KEY_SALT_BYTES];
    uint8_t input[TOKEN_INPUT_BYTES];
    uint8_t encoded[NUMBER_BYTES];
    uint8_t blind[NUMBER_BYTES];
    uint8_t blinded[NUMBER_BYTES];
    memcpy(token->challenge_digest, challenge_digest, TOKEN_DIGEST_BYTES);
    memcpy(token->key_id, token_key_id(key), TOKEN_KEY_ID_BYTES);

    enum status status = random_fill(random, token->nonce, sizeof token->nonce, err);
    if (status == STATUS_OK)
        status = random_fill(random, salt, sizeof salt, err);
    if (status == STATUS_OK)
        status = draw_blind(key, random, blind, err);
    if (status == STATUS_OK) {
        token_write_input(token, input);
        pss_encode(span_of(input, sizeof input), salt, encoded);
        status = blind_message(key, encoded, blind, blinded, pending.unblinding, err);
    }
    if (status == STATUS_OK) {
        token_request_write(token_key_truncated_id(key), blinded, ret_request);
        *ret = pending;
    }
    mem_wipe(blind, sizeof blind);
    mem_wipe(encoded, sizeof encoded);
    mem_wipe(salt, sizeof salt);
    token_pending_wipe(&pending);
    return status;
}

enum status token_client_finish(const struct token_key *key, const struct token_pending *pending,
                                struct span response, struct token *ret, struct error *err)
{
    if (response.size != TOKEN_RESPONSE_BYTES)
        return error_set(err, STATUS_MALFORMED, "token response of %zu bytes, %d are due",
                         response.size, TOKEN_RESPONSE_BYTES);
    struct token token = pending->token;
    enum token_verdict verdict = TOKEN_WRONG_SIGNATURE;
    enum status status = STATUS_OK;
    if (!multiply(response.data, pending->unblinding, key, token.authenticator))
        status = openssl_error(err, "unblinding a token");
    if (status == STATUS_OK)
        status = token_key_verify(key, &token, &verdict, err);
    if (status == STATUS_OK && verdict != TOKEN_GOOD)
        status = error_set(err, STATUS_MISMATCH,
                           "token response: not the issuer's signature of what was asked for");
    if (status == STATUS_OK)
        *ret = token;
    mem_wipe(&token, sizeof token);
    return status;
}

void token_pending_wipe(struct token_pending *pending)
{
    mem_wipe(pending, sizeof *pending);
}
