#include "pir-server/privacypass/token.h"

#include "base/reader.h"

#include <assert.h>
#include <openssl/sha.h>

#define INPUT_AT_NONCE  2
#define INPUT_AT_DIGEST (INPUT_AT_NONCE + TOKEN_NONCE_BYTES)
#define INPUT_AT_KEY_ID (INPUT_AT_DIGEST + TOKEN_DIGEST_BYTES)

static_assert(INPUT_AT_KEY_ID + TOKEN_KEY_ID_BYTES == TOKEN_INPUT_BYTES, "four parts");
static_assert(TOKEN_INPUT_BYTES + TOKEN_AUTHENTICATOR_BYTES == TOKEN_BYTES, "input, authenticator");
static_assert(2 + 1 + TOKEN_AUTHENTICATOR_BYTES == TOKEN_REQUEST_BYTES, "type, id, message");
static_assert(TOKEN_AUTHENTICATOR_BYTES == TOKEN_RESPONSE_BYTES, "a signature");

static void put_type(uint8_t *ret, uint16_t type)
{
    ret[0] = (uint8_t)(type >> 8);
    ret[1] = (uint8_t)type;
}

/* ---- the challenge ---- */

static enum status check_challenge(const struct token_challenge *challenge, enum status wrong,
                                   struct error *err)
{
    if (challenge->issuer_name.size < 1 || challenge->issuer_name.size > UINT16_MAX)
        return error_set(err, wrong, "token challenge: issuer name of %zu bytes, 1 to %d are due",
                         challenge->issuer_name.size, UINT16_MAX);
    const size_t context = challenge->redemption_context.size;
    if (context != 0 && context != TOKEN_CONTEXT_BYTES)
        return error_set(err, wrong,
                         "token challenge: redemption context of %zu bytes, not 0 or %d", context,
                         TOKEN_CONTEXT_BYTES);
    if (challenge->origins.size > UINT16_MAX)
        return error_set(err, wrong, "token challenge: origins of %zu bytes, at most %d",
                         challenge->origins.size, UINT16_MAX);
    return STATUS_OK;
}

enum status token_challenge_write(const struct token_challenge *challenge, struct bytes *ret,
                                  struct error *err)
{
    const enum status status = check_challenge(challenge, STATUS_INVALID, err);
    if (status != STATUS_OK)
        return status;
    bytes_append_u16be(ret, TOKEN_TYPE_BLIND_RSA);
    bytes_append_u16be(ret, (uint16_t)challenge->issuer_name.size);
    bytes_append(ret, challenge->issuer_name);
    bytes_append_u8(ret, (uint8_t)challenge->redemption_context.size);
    bytes_append(ret, challenge->redemption_context);
    bytes_append_u16be(ret, (uint16_t)challenge->origins.size);
    bytes_append(ret, challenge->origins);
    return bytes_status(ret, "token challenge", err);
}

enum status token_challenge_parse(struct span in, struct token_challenge *ret, struct error *err)
{
    struct token_challenge challenge;
    struct reader reader;
    reader_init(&reader, in);
    const uint16_t type = reader_u16be(&reader);
    if (!reader.failed && type != TOKEN_TYPE_BLIND_RSA)
        return error_set(err, STATUS_UNSUPPORTED,
                         "token challenge: token type %u, only %u is known", type,
                         TOKEN_TYPE_BLIND_RSA);
    challenge.issuer_name = reader_take(&reader, reader_u16be(&reader));
    challenge.redemption_context = reader_take(&reader, reader_u8(&reader));
    challenge.origins = reader_take(&reader, reader_u16be(&reader));
    enum status status = reader_finish(&reader, "token challenge", err);
    if (status == STATUS_OK)
        status = check_challenge(&challenge, STATUS_MALFORMED, err);
    if (status == STATUS_OK)
        *ret = challenge;
    return status;
}

void token_challenge_digest(struct span written, uint8_t ret[TOKEN_DIGEST_BYTES])
{
    SHA256(written.data, written.size, ret);
}

/* ---- issuance ---- */

void token_request_write(uint8_t truncated_key_id, const uint8_t blinded[TOKEN_AUTHENTICATOR_BYTES],
                         uint8_t ret[TOKEN_REQUEST_BYTES])
{
    put_type(ret, TOKEN_TYPE_BLIND_RSA);
    ret[2] = truncated_key_id;
    memcpy(ret + 3, blinded, TOKEN_AUTHENTICATOR_BYTES);
}

enum status token_request_parse(struct span in, struct token_request *ret, struct error *err)
{
    struct token_request request;
    struct reader reader;
    reader_init(&reader, in);
    const uint16_t type = reader_u16be(&reader);
    request.truncated_key_id = reader_u8(&reader);
    request.blinded = reader_take(&reader, TOKEN_AUTHENTICATOR_BYTES).data;
    const enum status status = reader_finish(&reader, "token request", err);
    if (status != STATUS_OK)
        return status;
    if (type != TOKEN_TYPE_BLIND_RSA)
        return error_set(err, STATUS_UNSUPPORTED, "token request: token type %u, only %u is known",
                         type, TOKEN_TYPE_BLIND_RSA);
    *ret = request;
    return STATUS_OK;
}

/* ---- the token ---- */

void token_write_input(const struct token *token, uint8_t ret[TOKEN_INPUT_BYTES])
{
    put_type(ret, token->type);
    memcpy(ret + INPUT_AT_NONCE, token->nonce, TOKEN_NONCE_BYTES);
    memcpy(ret + INPUT_AT_DIGEST, token->challenge_digest, TOKEN_DIGEST_BYTES);
    memcpy(ret + INPUT_AT_KEY_ID, token->key_id, TOKEN_KEY_ID_BYTES);
}

void token_write(const struct token *token, uint8_t ret[TOKEN_BYTES])
{
    token_write_input(token, ret);
    memcpy(ret + TOKEN_INPUT_BYTES, token->authenticator, TOKEN_AUTHENTICATOR_BYTES);
}

void token_parse(const uint8_t in[TOKEN_BYTES], struct token *ret)
{
    ret->type = (uint16_t)((unsigned)in[0] << 8 | in[1]);
    memcpy(ret->nonce, in + INPUT_AT_NONCE, TOKEN_NONCE_BYTES);
    memcpy(ret->challenge_digest, in + INPUT_AT_DIGEST, TOKEN_DIGEST_BYTES);
    memcpy(ret->key_id, in + INPUT_AT_KEY_ID, TOKEN_KEY_ID_BYTES);
    memcpy(ret->authenticator, in + TOKEN_INPUT_BYTES, TOKEN_AUTHENTICATOR_BYTES);
}
