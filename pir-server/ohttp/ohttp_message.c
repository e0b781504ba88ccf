#include "pir-server/ohttp/ohttp_message.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "base/reader.h"
#include "pir-server/ohttp/hkdf.h"

#include <assert.h>

#define HEADER_BYTES   7
#define REQUEST_LABEL  "message/bhttp request"
#define RESPONSE_LABEL "message/bhttp response"

static_assert(HEADER_BYTES + HPKE_ENC_BYTES + AEAD_TAG_BYTES == OHTTP_REQUEST_OVERHEAD_BYTES,
              "header, enc and tag");

void ohttp_exchange_wipe(struct ohttp_exchange *exchange)
{
    mem_wipe(exchange, sizeof *exchange);
}

/* ---- requests ---- */

/* What both sides bind a request to: the label with its NUL, then the header. */
struct request_info {
    uint8_t bytes[sizeof REQUEST_LABEL + HEADER_BYTES];
};

static struct request_info info_of(uint8_t key_id, const struct aead *aead)
{
    struct request_info info;
    const uint8_t header[HEADER_BYTES] = {key_id,
                                          HPKE_KEM_X25519_SHA256 >> 8,
                                          HPKE_KEM_X25519_SHA256,
                                          HPKE_KDF_SHA256 >> 8,
                                          HPKE_KDF_SHA256,
                                          (uint8_t)(aead_id(aead) >> 8),
                                          (uint8_t)aead_id(aead)};
    memcpy(info.bytes, REQUEST_LABEL, sizeof REQUEST_LABEL);
    memcpy(info.bytes + sizeof REQUEST_LABEL, header, sizeof header);
    return info;
}

/* Bytes of nonce and of secret of a response. */
static size_t response_nonce_bytes(const struct aead *aead)
{
    return aead_key_bytes(aead) > AEAD_NONCE_BYTES ? aead_key_bytes(aead) : AEAD_NONCE_BYTES;
}

/* What is left of a context when its one message is through. */
static enum status begin_exchange(const struct hpke_context *context, const uint8_t *enc,
                                  struct ohttp_exchange *ret, struct error *err)
{
    struct ohttp_exchange exchange = {.aead = context->aead};
    memcpy(exchange.enc, enc, sizeof exchange.enc);
    const enum status status = hpke_export(context, span_of_text(RESPONSE_LABEL), exchange.secret,
                                           response_nonce_bytes(context->aead), err);
    if (status == STATUS_OK)
        *ret = exchange;
    ohttp_exchange_wipe(&exchange);
    return status;
}

enum status ohttp_request_seal(const struct ohttp_key_config *config, const struct aead *aead,
                               struct span plain, const struct random_source *random,
                               struct bytes *ret, struct ohttp_exchange *ret_exchange,
                               struct error *err)
{
    if (!ohttp_key_config_has(config, aead))
        return error_set(err, STATUS_UNSUPPORTED,
                         "OHTTP request: the key configuration has no AEAD %u", aead_id(aead));
    const struct request_info info = info_of(config->key_id, aead);
    const size_t size_before = ret->size;
    struct hpke_context context;
    uint8_t enc[HPKE_ENC_BYTES];
    enum status status =
        hpke_setup_sender(config->public_key, aead, span_of(info.bytes, sizeof info.bytes), random,
                          enc, &context, err);
    if (status != STATUS_OK)
        return status;
    bytes_append(ret, span_of(info.bytes + sizeof REQUEST_LABEL, HEADER_BYTES));
    bytes_append(ret, span_of(enc, sizeof enc));
    status = hpke_seal(&context, span_of(NULL, 0), plain, ret, err);
    if (status == STATUS_OK)
        status = begin_exchange(&context, enc, ret_exchange, err);
    if (status != STATUS_OK)
        ret->size = size_before;
    hpke_context_wipe(&context);
    return status;
}

enum status ohttp_request_parse(struct span in, struct ohttp_request *ret, struct error *err)
{
    struct ohttp_request request;
    struct reader reader;
    reader_init(&reader, in);
    request.key_id = reader_u8(&reader);
    const uint16_t kem_id = reader_u16be(&reader);
    const uint16_t kdf_id = reader_u16be(&reader);
    const uint16_t aead_number = reader_u16be(&reader);
    const enum status status = reader_check(&reader, "OHTTP request", err);
    if (status != STATUS_OK)
        return status;
    request.aead = aead_find(aead_number);
    if (kem_id != HPKE_KEM_X25519_SHA256 || kdf_id != HPKE_KDF_SHA256 || request.aead == NULL)
        return error_set(err, STATUS_UNSUPPORTED,
                         "OHTTP request: KEM %u, KDF %u, AEAD %u are not offered", kem_id, kdf_id,
                         aead_number);
    request.enc = reader_take(&reader, HPKE_ENC_BYTES);
    request.sealed = reader_rest(&reader);
    if (reader.failed || request.sealed.size < AEAD_TAG_BYTES)
        return error_set(err, STATUS_MALFORMED, "OHTTP request: %zu bytes, at least %d are due",
                         in.size, OHTTP_REQUEST_OVERHEAD_BYTES);
    *ret = request;
    return STATUS_OK;
}

enum status ohttp_request_open(const struct ohttp_request *request, const struct hpke_key *key,
                               struct bytes *ret, struct ohttp_exchange *ret_exchange,
                               struct error *err)
{
    const struct request_info info = info_of(request->key_id, request->aead);
    struct ohttp_exchange exchange;
    struct hpke_context context;
    enum status status = hpke_setup_receiver(key, request->enc.data, request->aead,
                                             span_of(info.bytes, sizeof info.bytes), &context, err);
    if (status != STATUS_OK)
        return status;
    status = begin_exchange(&context, request->enc.data, &exchange, err);
    if (status == STATUS_OK)
        status = hpke_open(&context, span_of(NULL, 0), request->sealed, ret, err);
    if (status == STATUS_OK)
        *ret_exchange = exchange;
    ohttp_exchange_wipe(&exchange);
    hpke_context_wipe(&context);
    return status;
}

/* ---- responses ---- */

struct response_keys {
    uint8_t key[AEAD_KEY_MAX_BYTES];
    uint8_t nonce[AEAD_NONCE_BYTES];
};

/* RFC 9458 section 4.4. */
static enum status derive_keys(const struct ohttp_exchange *exchange, const uint8_t *response_nonce,
                               struct response_keys *ret, struct error *err)
{
    const size_t secret_bytes = response_nonce_bytes(exchange->aead);
    uint8_t salt[HPKE_ENC_BYTES + AEAD_KEY_MAX_BYTES];
    uint8_t prk[HKDF_PRK_BYTES];
    memcpy(salt, exchange->enc, HPKE_ENC_BYTES);
    memcpy(salt + HPKE_ENC_BYTES, response_nonce, secret_bytes);
    enum status status = hkdf_extract(span_of(salt, HPKE_ENC_BYTES + secret_bytes),
                                      span_of(exchange->secret, secret_bytes), prk, err);
    if (status == STATUS_OK)
        status =
            hkdf_expand(prk, span_of_text("key"), ret->key, aead_key_bytes(exchange->aead), err);
    if (status == STATUS_OK)
        status = hkdf_expand(prk, span_of_text("nonce"), ret->nonce, sizeof ret->nonce, err);
    mem_wipe(prk, sizeof prk);
    return status;
}

enum status ohttp_response_seal(const struct ohttp_exchange *exchange, struct span plain,
                                const struct random_source *random, struct bytes *ret,
                                struct error *err)
{
    const size_t nonce_bytes = response_nonce_bytes(exchange->aead);
    const size_t size_before = ret->size;
    uint8_t nonce[AEAD_KEY_MAX_BYTES];
    struct response_keys keys;
    enum status status = random_fill(random, nonce, nonce_bytes, err);
    if (status == STATUS_OK)
        status = derive_keys(exchange, nonce, &keys, err);
    if (status == STATUS_OK) {
        bytes_append(ret, span_of(nonce, nonce_bytes));
        status = aead_seal(exchange->aead, keys.key, keys.nonce, span_of(NULL, 0), plain, ret, err);
    }
    if (status != STATUS_OK)
        ret->size = size_before;
    mem_wipe(&keys, sizeof keys);
    return status;
}

enum status ohttp_response_open(const struct ohttp_exchange *exchange, struct span in,
                                struct bytes *ret, struct error *err)
{
    struct reader reader;
    struct response_keys keys;
    reader_init(&reader, in);
    const struct span nonce = reader_take(&reader, response_nonce_bytes(exchange->aead));
    const struct span sealed = reader_rest(&reader);
    if (reader.failed || sealed.size < AEAD_TAG_BYTES)
        return error_set(err, STATUS_MALFORMED, "OHTTP response: %zu bytes, at least %zu are due",
                         in.size, response_nonce_bytes(exchange->aead) + AEAD_TAG_BYTES);
    enum status status = derive_keys(exchange, nonce.data, &keys, err);
    if (status == STATUS_OK)
        status =
            aead_open(exchange->aead, keys.key, keys.nonce, span_of(NULL, 0), sealed, ret, err);
    mem_wipe(&keys, sizeof keys);
    return status;
}
