/* RFC 9180 section 4 (labeled functions), 4.1 (DHKEM), 5.1 (key schedule), 5.2 (messages). */
#include "pir-server/ohttp/hpke.h"

#include "base/mem.h"
#include "pir-server/crypto/openssl_error.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdatomic.h>

#define MODE_BASE            0
#define DH_BYTES             32
#define SHARED_SECRET_BYTES  32
#define HPKE_SUITE_BYTES     10
#define KEY_SCHEDULE_BYTES   (1 + HKDF_PRK_BYTES + HKDF_PRK_BYTES)
#define LONGEST_LABEL_BYTES  16
#define VERSION_LABEL        "HPKE-v1"
#define LABELED_PREFIX_BYTES (2 + sizeof VERSION_LABEL - 1 + HPKE_SUITE_BYTES + LONGEST_LABEL_BYTES)

/* What a labeled function hashes. */
struct labeled {
    uint8_t data[LABELED_PREFIX_BYTES + HPKE_INFO_MAX_BYTES];
    size_t size;
};

static_assert(KEY_SCHEDULE_BYTES <= HPKE_INFO_MAX_BYTES &&
                  HPKE_ENC_BYTES + HPKE_PUBLIC_KEY_BYTES <= HPKE_INFO_MAX_BYTES,
              "a labeled text has room for all that is put there");

static void put(struct labeled *labeled, struct span part)
{
    assert(part.size <= sizeof labeled->data - labeled->size);
    if (part.size > 0)
        memcpy(labeled->data + labeled->size, part.data, part.size);
    labeled->size += part.size;
}

static void put_u16(struct labeled *labeled, size_t value)
{
    const uint8_t part[] = {(uint8_t)(value >> 8), (uint8_t)value};
    put(labeled, span_of(part, sizeof part));
}

static void put_labels(struct labeled *labeled, struct span suite, const char *label)
{
    put(labeled, span_of_text(VERSION_LABEL));
    put(labeled, suite);
    put(labeled, span_of_text(label));
}

static enum status labeled_extract(struct span suite, struct span salt, const char *label,
                                   struct span secret, uint8_t ret[HKDF_PRK_BYTES],
                                   struct error *err)
{
    struct labeled labeled = {.size = 0};
    put_labels(&labeled, suite, label);
    put(&labeled, secret);
    const enum status status = hkdf_extract(salt, span_of(labeled.data, labeled.size), ret, err);
    mem_wipe(&labeled, sizeof labeled);
    return status;
}

static enum status labeled_expand(struct span suite, const uint8_t prk[HKDF_PRK_BYTES],
                                  const char *label, struct span info, uint8_t *ret, size_t size,
                                  struct error *err)
{
    struct labeled labeled = {.size = 0};
    put_u16(&labeled, size);
    put_labels(&labeled, suite, label);
    put(&labeled, info);
    return hkdf_expand(prk, span_of(labeled.data, labeled.size), ret, size, err);
}

static enum status check_info(struct span info, struct error *err)
{
    if (info.size > HPKE_INFO_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "HPKE: info of %zu bytes, at most %zu", info.size,
                         HPKE_INFO_MAX_BYTES);
    return STATUS_OK;
}

/* ---- keys ---- */

struct hpke_key {
    atomic_size_t references;
    EVP_PKEY *pkey;
    uint8_t private_key[HPKE_PRIVATE_KEY_BYTES];
    uint8_t public_key[HPKE_PUBLIC_KEY_BYTES];
};

enum status hpke_key_new(const uint8_t private_key[HPKE_PRIVATE_KEY_BYTES], struct hpke_key **ret,
                         struct error *err)
{
    struct hpke_key *key = mem_alloc_zeroed(1, sizeof *key);
    if (key == NULL)
        return error_set(err, STATUS_NOMEM, "HPKE key: out of memory");
    atomic_init(&key->references, 1);
    memcpy(key->private_key, private_key, sizeof key->private_key);
    key->pkey =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, HPKE_PRIVATE_KEY_BYTES);
    size_t size = sizeof key->public_key;
    if (key->pkey == NULL || EVP_PKEY_get_raw_public_key(key->pkey, key->public_key, &size) != 1 ||
        size != sizeof key->public_key) {
        hpke_key_unref(key);
        return openssl_error(err, "HPKE key");
    }
    *ret = key;
    return STATUS_OK;
}

enum status hpke_key_generate(const struct random_source *random, struct hpke_key **ret,
                              struct error *err)
{
    uint8_t private_key[HPKE_PRIVATE_KEY_BYTES];
    enum status status = random_fill(random, private_key, sizeof private_key, err);
    if (status == STATUS_OK)
        status = hpke_key_new(private_key, ret, err);
    mem_wipe(private_key, sizeof private_key);
    return status;
}

struct hpke_key *hpke_key_ref(struct hpke_key *key)
{
    atomic_fetch_add(&key->references, 1);
    return key;
}

void hpke_key_unref(struct hpke_key *key)
{
    if (key == NULL || atomic_fetch_sub(&key->references, 1) != 1)
        return;
    EVP_PKEY_free(key->pkey); /* wipes its private key */
    mem_free_secret(key, sizeof *key);
}

const uint8_t *hpke_key_public(const struct hpke_key *key)
{
    return key->public_key;
}

const uint8_t *hpke_key_private(const struct hpke_key *key)
{
    return key->private_key;
}

/* ---- DHKEM ---- */

static enum status diffie_hellman(const struct hpke_key *key,
                                  const uint8_t peer[HPKE_PUBLIC_KEY_BYTES], uint8_t ret[DH_BYTES],
                                  struct error *err)
{
    size_t size = DH_BYTES;
    enum status status = STATUS_OK;
    EVP_PKEY *peer_key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, HPKE_PUBLIC_KEY_BYTES);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->pkey, NULL);
    if (peer_key == NULL || context == NULL || EVP_PKEY_derive_init(context) != 1 ||
        EVP_PKEY_derive_set_peer(context, peer_key) != 1) {
        status = openssl_error(err, "HPKE key agreement");
    } else if (EVP_PKEY_derive(context, ret, &size) != 1 || size != DH_BYTES) {
        /* The only failure left: the result is all zeros. */
        ERR_clear_error();
        mem_wipe(ret, DH_BYTES);
        status = error_set(err, STATUS_INVALID, "HPKE: a public key of small order");
    }
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer_key);
    return status;
}

/* The shared secret of one's own key and the other side's; `enc` and `receiver` are the public keys
 * of message and receiver, on both sides. */
static enum status share_secret(const struct hpke_key *own, const uint8_t *peer, const uint8_t *enc,
                                const uint8_t *receiver, uint8_t ret[SHARED_SECRET_BYTES],
                                struct error *err)
{
    static const uint8_t suite_bytes[] = {'K', 'E', 'M', HPKE_KEM_X25519_SHA256 >> 8,
                                          HPKE_KEM_X25519_SHA256};
    const struct span suite = span_of(suite_bytes, sizeof suite_bytes);
    uint8_t dh[DH_BYTES];
    uint8_t prk[HKDF_PRK_BYTES];
    uint8_t kem_context[HPKE_ENC_BYTES + HPKE_PUBLIC_KEY_BYTES];
    memcpy(kem_context, enc, HPKE_ENC_BYTES);
    memcpy(kem_context + HPKE_ENC_BYTES, receiver, HPKE_PUBLIC_KEY_BYTES);

    enum status status = diffie_hellman(own, peer, dh, err);
    if (status == STATUS_OK)
        status =
            labeled_extract(suite, span_of(NULL, 0), "eae_prk", span_of(dh, sizeof dh), prk, err);
    if (status == STATUS_OK)
        status =
            labeled_expand(suite, prk, "shared_secret", span_of(kem_context, sizeof kem_context),
                           ret, SHARED_SECRET_BYTES, err);
    mem_wipe(dh, sizeof dh);
    mem_wipe(prk, sizeof prk);
    return status;
}

/* ---- key schedule ---- */

struct suite {
    uint8_t bytes[HPKE_SUITE_BYTES];
};

static struct suite suite_of(const struct aead *aead)
{
    return (struct suite){{'H', 'P', 'K', 'E', HPKE_KEM_X25519_SHA256 >> 8, HPKE_KEM_X25519_SHA256,
                           HPKE_KDF_SHA256 >> 8, HPKE_KDF_SHA256, (uint8_t)(aead_id(aead) >> 8),
                           (uint8_t)aead_id(aead)}};
}

static enum status schedule(const uint8_t shared[SHARED_SECRET_BYTES], const struct aead *aead,
                            struct span info, struct hpke_context *ret, struct error *err)
{
    const struct suite suite_bytes = suite_of(aead);
    const struct span suite = span_of(suite_bytes.bytes, sizeof suite_bytes.bytes);
    const struct span none = span_of(NULL, 0);
    uint8_t bound[KEY_SCHEDULE_BYTES] = {MODE_BASE};
    const struct span bound_to = span_of(bound, sizeof bound);
    uint8_t secret[HKDF_PRK_BYTES];
    struct hpke_context context = {.aead = aead};

    enum status status = labeled_extract(suite, none, "psk_id_hash", none, bound + 1, err);
    if (status == STATUS_OK)
        status = labeled_extract(suite, none, "info_hash", info, bound + 1 + HKDF_PRK_BYTES, err);
    if (status == STATUS_OK)
        status = labeled_extract(suite, span_of(shared, SHARED_SECRET_BYTES), "secret", none,
                                 secret, err);
    if (status == STATUS_OK)
        status =
            labeled_expand(suite, secret, "key", bound_to, context.key, aead_key_bytes(aead), err);
    if (status == STATUS_OK)
        status = labeled_expand(suite, secret, "base_nonce", bound_to, context.base_nonce,
                                sizeof context.base_nonce, err);
    if (status == STATUS_OK)
        status = labeled_expand(suite, secret, "exp", bound_to, context.exporter,
                                sizeof context.exporter, err);
    if (status == STATUS_OK)
        *ret = context;
    mem_wipe(secret, sizeof secret);
    hpke_context_wipe(&context);
    return status;
}

void hpke_context_wipe(struct hpke_context *context)
{
    mem_wipe(context, sizeof *context);
}

enum status hpke_setup_sender(const uint8_t public_key[HPKE_PUBLIC_KEY_BYTES],
                              const struct aead *aead, struct span info,
                              const struct random_source *random, uint8_t ret_enc[HPKE_ENC_BYTES],
                              struct hpke_context *ret, struct error *err)
{
    uint8_t shared[SHARED_SECRET_BYTES];
    struct hpke_key *ephemeral = NULL;
    enum status status = check_info(info, err);
    if (status == STATUS_OK)
        status = hpke_key_generate(random, &ephemeral, err);
    if (status == STATUS_OK)
        status = share_secret(ephemeral, public_key, hpke_key_public(ephemeral), public_key, shared,
                              err);
    if (status == STATUS_OK)
        status = schedule(shared, aead, info, ret, err);
    if (status == STATUS_OK)
        memcpy(ret_enc, hpke_key_public(ephemeral), HPKE_ENC_BYTES);
    mem_wipe(shared, sizeof shared);
    hpke_key_unref(ephemeral);
    return status;
}

enum status hpke_setup_receiver(const struct hpke_key *key, const uint8_t enc[HPKE_ENC_BYTES],
                                const struct aead *aead, struct span info, struct hpke_context *ret,
                                struct error *err)
{
    uint8_t shared[SHARED_SECRET_BYTES];
    enum status status = check_info(info, err);
    if (status == STATUS_OK)
        status = share_secret(key, enc, enc, hpke_key_public(key), shared, err);
    if (status == STATUS_OK)
        status = schedule(shared, aead, info, ret, err);
    mem_wipe(shared, sizeof shared);
    return status;
}

/* ---- messages ---- */

/* The nonce of the next message: the sequence number, big-endian, over the end of the first one. */
static enum status next_nonce(const struct hpke_context *context, uint8_t ret[AEAD_NONCE_BYTES],
                              struct error *err)
{
    if (context->sequence == UINT64_MAX)
        return error_set(err, STATUS_TOO_LARGE, "HPKE: no more messages with this context");
    memcpy(ret, context->base_nonce, AEAD_NONCE_BYTES);
    for (size_t i = 0; i < sizeof context->sequence; i++)
        ret[AEAD_NONCE_BYTES - 1 - i] ^= (uint8_t)(context->sequence >> (8 * i));
    return STATUS_OK;
}

enum status hpke_seal(struct hpke_context *context, struct span aad, struct span plain,
                      struct bytes *ret, struct error *err)
{
    uint8_t nonce[AEAD_NONCE_BYTES];
    enum status status = next_nonce(context, nonce, err);
    if (status == STATUS_OK)
        status = aead_seal(context->aead, context->key, nonce, aad, plain, ret, err);
    if (status == STATUS_OK)
        context->sequence++;
    return status;
}

enum status hpke_open(struct hpke_context *context, struct span aad, struct span sealed,
                      struct bytes *ret, struct error *err)
{
    uint8_t nonce[AEAD_NONCE_BYTES];
    enum status status = next_nonce(context, nonce, err);
    if (status == STATUS_OK)
        status = aead_open(context->aead, context->key, nonce, aad, sealed, ret, err);
    if (status == STATUS_OK)
        context->sequence++;
    return status;
}

enum status hpke_export(const struct hpke_context *context, struct span label, uint8_t *ret,
                        size_t size, struct error *err)
{
    const enum status status = check_info(label, err);
    if (status != STATUS_OK)
        return status;
    const struct suite suite = suite_of(context->aead);
    return labeled_expand(span_of(suite.bytes, sizeof suite.bytes), context->exporter, "sec", label,
                          ret, size, err);
}
