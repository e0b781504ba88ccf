/* The keys of an exchange, made from the seeds of its case. */
#include "pir-server/wire/wire_keys.h"
#include "testvectors/vectors_exchange.h"
#include "testvectors/vectors_kind.h"

#include <string.h>

/* ---- seeds ---- */

enum status exchange_noise_init(struct exchange_noise *noise, const uint8_t seed[DRBG_SEED_BYTES],
                                struct error *err)
{
    *noise = (struct exchange_noise){.drbg = {.cipher = NULL}};
    return drbg_init(&noise->drbg, seed, err);
}

void exchange_noise_deinit(struct exchange_noise *noise)
{
    drbg_deinit(&noise->drbg);
}

struct random_source exchange_noise_source(struct exchange_noise *noise)
{
    return drbg_source(&noise->drbg);
}

static enum status copy_seed(struct bytes *bytes, uint8_t ret[DRBG_SEED_BYTES], struct error *err)
{
    if (bytes->size != DRBG_SEED_BYTES)
        return error_set(err, STATUS_INVALID, "a seed has %zu bytes, not %d", bytes->size,
                         DRBG_SEED_BYTES);
    memcpy(ret, bytes->data, DRBG_SEED_BYTES);
    return STATUS_OK;
}

enum status exchange_seed_at(const json_t *list, size_t index, uint8_t ret[DRBG_SEED_BYTES],
                             struct error *err)
{
    struct bytes bytes;
    bytes_init(&bytes, VECTORS_MAX_BYTES);
    enum status st = vectors_hex_at(list, index, &bytes, err);
    if (st == STATUS_OK)
        st = copy_seed(&bytes, ret, err);
    bytes_deinit(&bytes);
    return st;
}

/* ---- keys ---- */

enum status exchange_make_secret(struct exchange *exchange, const json_t *in,
                                 struct vectors_out *out, struct error *err)
{
    uint8_t seed[DRBG_SEED_BYTES];
    struct exchange_noise noise = {.drbg = {.cipher = NULL}};
    struct bytes bytes;
    bytes_init(&bytes, VECTORS_MAX_BYTES);
    enum status st = vectors_hex(in, "secret_key_seed", &bytes, err);
    if (st == STATUS_OK)
        st = copy_seed(&bytes, seed, err);
    if (st == STATUS_OK)
        st = exchange_noise_init(&noise, seed, err);
    if (st != STATUS_OK)
        goto done;
    const struct random_source random = exchange_noise_source(&noise);
    st = bfv_secret_key_new(exchange->context, &random, &exchange->secret, err);
    if (st != STATUS_OK)
        goto done;
    bytes_clear(&bytes);
    bfv_secret_key_write(exchange->secret, &bytes);
    st = bytes_status(&bytes, "a secret key", err);
    if (st == STATUS_OK)
        vectors_put(out, "secret_key_sha256", vectors_json_sha256(bytes_view(&bytes)));
done:
    exchange_noise_deinit(&noise);
    bytes_deinit_secret(&bytes);
    return st;
}

static void put_varint(struct bytes *ret, uint64_t value)
{
    for (; value > 127; value >>= 7)
        bytes_append_u8(ret, (uint8_t)(value | 128));
    bytes_append_u8(ret, (uint8_t)value);
}

/* A length-delimited Protobuf field. The messages are put together here, not by wire/, because the
 * map of Galois keys must come in a fixed order. */
static void put_field(struct bytes *ret, unsigned number, struct span content)
{
    put_varint(ret, number << 3 | 2);
    put_varint(ret, content.size);
    bytes_append(ret, content);
}

/* Makes component j, appends its SerializedCiphertext as field 1 to `ret`, and the digest of its
 * first polynomial to `digests`. element 0 stands for the relinearization key. */
static enum status add_component(const struct exchange *exchange, uint32_t element, size_t j,
                                 const json_t *pair, struct bytes *ret, json_t *digests,
                                 struct error *err)
{
    uint8_t a_seed[DRBG_SEED_BYTES], error_seed[DRBG_SEED_BYTES];
    const size_t moduli = exchange->layout.moduli_count + 1;
    struct exchange_noise noise = {.drbg = {.cipher = NULL}};
    struct bfv_ciphertext component = {.words = NULL};
    struct bytes poly0, seeded, outer;
    bytes_init(&poly0, VECTORS_MAX_BYTES);
    bytes_init(&seeded, VECTORS_MAX_BYTES);
    bytes_init(&outer, VECTORS_MAX_BYTES);
    enum status st = exchange_seed_at(pair, 0, a_seed, err);
    if (st == STATUS_OK)
        st = exchange_seed_at(pair, 1, error_seed, err);
    if (st == STATUS_OK)
        st = exchange_noise_init(&noise, error_seed, err);
    if (st == STATUS_OK)
        st = bfv_ciphertext_init(exchange->context, 2, moduli, BFV_EVALUATION, &component, err);
    if (st != STATUS_OK)
        goto done;
    const struct random_source random = exchange_noise_source(&noise);
    st = element != 0 ? bfv_galois_key_component(exchange->context, exchange->secret, element, j,
                                                 a_seed, &random, &component, err)
                      : bfv_relin_key_component(exchange->context, exchange->secret, j, a_seed,
                                                &random, &component, err);
    if (st != STATUS_OK)
        goto done;
    bfv_poly_write(exchange->context, bfv_ciphertext_poly(exchange->context, &component, 0), moduli,
                   0, &poly0);
    put_field(&seeded, 1, bytes_view(&poly0));
    put_field(&seeded, 2, span_of(a_seed, sizeof a_seed));
    put_field(&outer, 1, bytes_view(&seeded)); /* oneof: seeded */
    put_field(ret, 1, bytes_view(&outer));
    st = bytes_status(&poly0, "a key component", err);
    if (st == STATUS_OK)
        st = bytes_status(&seeded, "a key component", err);
    if (st == STATUS_OK)
        st = bytes_status(&outer, "a key component", err);
    if (st == STATUS_OK)
        st = bytes_status(ret, "a key", err);
    if (st == STATUS_OK)
        st = vectors_append(digests, vectors_json_sha256(bytes_view(&poly0)), err);
done:
    bfv_ciphertext_deinit(&component);
    exchange_noise_deinit(&noise);
    bytes_deinit(&outer);
    bytes_deinit(&seeded);
    bytes_deinit(&poly0);
    return st;
}

/* Appends a SerializedKeySwitchKey as field `number` to `ret`. */
static enum status add_switch_key(const struct exchange *exchange, uint32_t element,
                                  const json_t *pairs, unsigned number, struct bytes *ret,
                                  json_t *digests, struct error *err)
{
    struct bytes components, key;
    bytes_init(&components, VECTORS_MAX_BYTES);
    bytes_init(&key, VECTORS_MAX_BYTES);
    enum status st = STATUS_OK;
    if (json_array_size(pairs) != exchange->layout.moduli_count)
        st = error_set(err, STATUS_INVALID, "a key has %zu pairs of seeds, not %zu",
                       json_array_size(pairs), exchange->layout.moduli_count);
    for (size_t j = 0; st == STATUS_OK && j < json_array_size(pairs); j++)
        st = add_component(exchange, element, j, json_array_get(pairs, j), &components, digests,
                           err);
    if (st == STATUS_OK)
        st = bytes_status(&components, "key components", err);
    if (st == STATUS_OK) {
        put_field(&key, 1, bytes_view(&components));
        put_field(ret, number, bytes_view(&key));
        st = bytes_status(&key, "a key", err);
    }
    if (st == STATUS_OK)
        st = bytes_status(ret, "a key", err);
    bytes_deinit(&key);
    bytes_deinit(&components);
    return st;
}

/* Makes all keys, reads the message back as a server would. */
enum status exchange_make_keys(struct exchange *exchange, const json_t *in, struct vectors_out *out,
                               struct error *err)
{
    const json_t *lists = vectors_list(in, "galois_key_seeds");
    const struct pir_evaluation_key_config *config = &exchange->parameters.evaluation_key;
    json_t *digests = json_array();
    struct bytes entry, galois, message;
    bytes_init(&entry, VECTORS_MAX_BYTES);
    bytes_init(&galois, VECTORS_MAX_BYTES);
    bytes_init(&message, VECTORS_MAX_BYTES);
    enum status st =
        digests != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "no memory for digests");
    if (st == STATUS_OK && json_array_size(lists) != config->galois_element_count)
        st = error_set(err, STATUS_INVALID, "galois_key_seeds are for %zu elements, not %zu",
                       json_array_size(lists), config->galois_element_count);
    for (size_t i = 0; st == STATUS_OK && i < config->galois_element_count; i++) {
        const uint32_t element = config->galois_elements[i];
        bytes_clear(&entry);
        put_varint(&entry, 1 << 3); /* key of the map: a number */
        put_varint(&entry, element);
        st = add_switch_key(exchange, element, json_array_get(lists, i), 2, &entry, digests, err);
        if (st == STATUS_OK)
            put_field(&galois, 1, bytes_view(&entry));
    }
    if (st == STATUS_OK)
        st = bytes_status(&galois, "the Galois keys", err);
    if (st != STATUS_OK)
        goto done;
    put_field(&message, 1, bytes_view(&galois));
    bytes_clear(&entry);
    st = add_switch_key(exchange, 0, vectors_list(in, "relinearization_key_seeds"), 1, &entry,
                        digests, err);
    if (st != STATUS_OK)
        goto done;
    put_field(&message, 2, bytes_view(&entry));
    st = bytes_status(&message, "an evaluation key", err);
    if (st == STATUS_OK)
        st = wire_evaluation_key_read(exchange->context, config, bytes_view(&message),
                                      &exchange->key, err);
    if (st != STATUS_OK)
        goto done;
    vectors_put(out, "key_components_sha256", json_incref(digests));
    vectors_put_number(out, "evaluation_key_size", message.size);
    vectors_put(out, "evaluation_key_sha256", vectors_json_sha256(bytes_view(&message)));
done:
    json_decref(digests);
    bytes_deinit(&message);
    bytes_deinit(&galois);
    bytes_deinit(&entry);
    return st;
}
