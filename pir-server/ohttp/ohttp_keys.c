#include "pir-server/ohttp/ohttp_keys.h"

#include "base/compiler.h"
#include "base/reader.h"

#define ALGORITHM_BYTES          ((size_t)4)
#define CONFIG_BYTES(aead_count) (1 + 2 + HPKE_PUBLIC_KEY_BYTES + 2 + (aead_count)*ALGORITHM_BYTES)

static const char what[] = "OHTTP key configuration";

bool ohttp_key_config_has(const struct ohttp_key_config *config, const struct aead *aead)
{
    for (size_t i = 0; i < config->aead_count; i++) {
        if (config->aeads[i] == aead)
            return true;
    }
    return false;
}

/* Adds an algorithm that is known and not there yet. */
static void add_aead(struct ohttp_key_config *config, uint16_t kdf_id, uint16_t aead_id)
{
    const struct aead *aead = aead_find(aead_id);
    if (kdf_id == HPKE_KDF_SHA256 && aead != NULL && !ohttp_key_config_has(config, aead))
        config->aeads[config->aead_count++] = aead;
}

void ohttp_key_config_of(uint8_t key_id, const struct hpke_key *key, struct ohttp_key_config *ret)
{
    *ret = (struct ohttp_key_config){.key_id = key_id};
    memcpy(ret->public_key, hpke_key_public(key), sizeof ret->public_key);
    add_aead(ret, HPKE_KDF_SHA256, AEAD_AES_128_GCM);
    add_aead(ret, HPKE_KDF_SHA256, AEAD_CHACHA20_POLY1305);
}

/* ---- reading ---- */

enum status ohttp_key_config_parse(struct span in, struct ohttp_key_config *ret, struct error *err)
{
    struct reader reader;
    reader_init(&reader, in);
    struct ohttp_key_config config = {.key_id = reader_u8(&reader)};
    const uint16_t kem_id = reader_u16be(&reader);
    enum status status = reader_check(&reader, what, err);
    if (status != STATUS_OK)
        return status;
    if (kem_id != HPKE_KEM_X25519_SHA256)
        return error_set(err, STATUS_UNSUPPORTED, "%s: KEM %u, only %u is known", what, kem_id,
                         HPKE_KEM_X25519_SHA256);
    const struct span public_key = reader_take(&reader, HPKE_PUBLIC_KEY_BYTES);
    const struct span algorithms = reader_take(&reader, reader_u16be(&reader));
    status = reader_finish(&reader, what, err);
    if (status != STATUS_OK)
        return status;
    if (algorithms.size == 0 || algorithms.size % ALGORITHM_BYTES != 0)
        return error_set(err, STATUS_MALFORMED, "%s: %zu bytes of algorithms, each has %zu", what,
                         algorithms.size, ALGORITHM_BYTES);
    memcpy(config.public_key, public_key.data, sizeof config.public_key);
    struct reader list;
    reader_init(&list, algorithms);
    while (reader_left(&list) > 0) {
        const uint16_t kdf_id = reader_u16be(&list);
        add_aead(&config, kdf_id, reader_u16be(&list));
    }
    if (config.aead_count == 0)
        return error_set(err, STATUS_UNSUPPORTED, "%s: none of its %zu algorithms is known", what,
                         algorithms.size / ALGORITHM_BYTES);
    *ret = config;
    return STATUS_OK;
}

enum status ohttp_keys_parse(struct span in, struct ohttp_keys *ret, struct error *err)
{
    struct reader reader;
    struct ohttp_keys keys = {.count = 0};
    reader_init(&reader, in);
    while (!reader.failed && reader_left(&reader) > 0) {
        struct ohttp_key_config config;
        const struct span one = reader_take(&reader, reader_u16be(&reader));
        enum status status = reader_check(&reader, "OHTTP keys", err);
        if (status == STATUS_OK)
            status = ohttp_key_config_parse(one, &config, err);
        if (status == STATUS_UNSUPPORTED)
            continue;
        if (status != STATUS_OK)
            return status;
        if (keys.count == OHTTP_KEYS_MAX_CONFIGS)
            return error_set(err, STATUS_TOO_LARGE, "OHTTP keys: more than %zu configurations",
                             OHTTP_KEYS_MAX_CONFIGS);
        keys.configs[keys.count++] = config;
    }
    if (keys.count == 0)
        return error_set(err, STATUS_UNSUPPORTED,
                         "OHTTP keys: no configuration with KEM %u, KDF %u and a known AEAD",
                         HPKE_KEM_X25519_SHA256, HPKE_KDF_SHA256);
    *ret = keys;
    return STATUS_OK;
}

/* ---- writing ---- */

void ohttp_key_config_write(const struct ohttp_key_config *config, struct bytes *ret)
{
    bytes_append_u8(ret, config->key_id);
    bytes_append_u16be(ret, HPKE_KEM_X25519_SHA256);
    bytes_append(ret, span_of(config->public_key, sizeof config->public_key));
    bytes_append_u16be(ret, (uint16_t)(config->aead_count * ALGORITHM_BYTES));
    for (size_t i = 0; i < config->aead_count; i++) {
        bytes_append_u16be(ret, HPKE_KDF_SHA256);
        bytes_append_u16be(ret, aead_id(config->aeads[i]));
    }
}

enum status ohttp_keys_write(const struct ohttp_keys *keys, struct bytes *ret, struct error *err)
{
    for (size_t i = 0; i < keys->count; i++) {
        bytes_append_u16be(ret, (uint16_t)CONFIG_BYTES(keys->configs[i].aead_count));
        ohttp_key_config_write(&keys->configs[i], ret);
    }
    return bytes_status(ret, "OHTTP keys", err);
}
