#include "pir-server/wire/wire_keys.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_evaluation_key.h"
#include "pir-server/pir/pir_parameters.h"
#include "pir-server/wire/he.pb-c.h"
#include "pir-server/wire/protobuf_message.h"

/* One polynomial over all moduli: 32,768 coefficients, 32 moduli of 32 bits, and the count. */
#define SECRET_KEY_MAX_BYTES ((size_t)5 << 20)

/* ---- reading an evaluation key ---- */

static enum status read_component(struct bfv_switch_key *key, size_t j,
                                  const Wire__SerializedCiphertext *message, struct error *err)
{
    switch (message->serialized_ciphertext_type_case) {
    case WIRE__SERIALIZED_CIPHERTEXT__SERIALIZED_CIPHERTEXT_TYPE_SEEDED:
        return bfv_switch_key_read_seeded(key, j, protobuf_span(message->seeded->poly0),
                                          protobuf_span(message->seeded->seed), err);
    case WIRE__SERIALIZED_CIPHERTEXT__SERIALIZED_CIPHERTEXT_TYPE_FULL:
        return bfv_switch_key_read_full(key, j, protobuf_span(message->full->polys),
                                        message->full->skip_lsbs, message->full->n_skip_lsbs,
                                        message->full->correction_factor, err);
    case WIRE__SERIALIZED_CIPHERTEXT__SERIALIZED_CIPHERTEXT_TYPE__NOT_SET:
    case _WIRE__SERIALIZED_CIPHERTEXT__SERIALIZED_CIPHERTEXT_TYPE__CASE_IS_INT_SIZE:
        break;
    }
    return error_set(err, STATUS_MALFORMED, "neither seeded nor full");
}

/* All components of one key; message == NULL: the field is absent. */
static enum status read_switch_key(const struct bfv_context *context,
                                   const Wire__SerializedKeySwitchKey *message,
                                   struct bfv_switch_key **ret, struct error *err)
{
    const size_t wanted = bfv_context_ciphertext_moduli(context);
    const Wire__SerializedCiphertextVec *vector = message == NULL ? NULL : message->key_switch_key;
    if (vector == NULL)
        return error_set(err, STATUS_MALFORMED, "no key_switch_key");
    if (vector->n_ciphertexts != wanted)
        return error_set(err, STATUS_MALFORMED, "%zu components, not %zu", vector->n_ciphertexts,
                         wanted);
    struct bfv_switch_key *key = NULL;
    enum status st = bfv_switch_key_new(context, &key, err);
    for (size_t j = 0; j < wanted && st == STATUS_OK; j++) {
        st = read_component(key, j, vector->ciphertexts[j], err);
        if (st != STATUS_OK)
            st = error_prefix(err, st, "component %zu", j);
    }
    if (st == STATUS_OK) {
        *ret = key;
        key = NULL;
    }
    bfv_switch_key_free(key);
    return st;
}

static bool is_wanted(const struct pir_evaluation_key_config *config, uint64_t element)
{
    if (config == NULL)
        return true;
    for (size_t i = 0; i < config->galois_element_count; i++) {
        if (config->galois_elements[i] == element)
            return true;
    }
    return false;
}

/* Protobuf lets the last of two equal map keys win; here the second is a mistake or an attack. */
static enum status check_distinct(const Wire__SerializedGaloisKey *galois, struct error *err)
{
    const size_t count = galois->n_key_switch_keys;
    if (count > BFV_MAX_GALOIS_KEYS)
        return error_set(err, STATUS_TOO_LARGE, "evaluation key: %zu Galois keys, at most %d",
                         count, BFV_MAX_GALOIS_KEYS);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (galois->key_switch_keys[i]->key == galois->key_switch_keys[k]->key)
                return error_set(err, STATUS_MALFORMED,
                                 "evaluation key: Galois element %llu is given twice",
                                 (unsigned long long)galois->key_switch_keys[i]->key);
        }
    }
    return STATUS_OK;
}

static enum status read_galois_keys(const struct bfv_context *context,
                                    const struct pir_evaluation_key_config *config,
                                    const Wire__SerializedGaloisKey *galois,
                                    struct bfv_evaluation_key *key, struct error *err)
{
    enum status st = check_distinct(galois, err);
    for (size_t i = 0; i < galois->n_key_switch_keys && st == STATUS_OK; i++) {
        const Wire__SerializedGaloisKeyEntry *entry = galois->key_switch_keys[i];
        struct bfv_switch_key *part = NULL;
        if (!is_wanted(config, entry->key))
            continue;
        st = read_switch_key(context, entry->value, &part, err);
        if (st == STATUS_OK)
            st = bfv_evaluation_key_add_galois(key, entry->key, part, err);
        if (st != STATUS_OK)
            st = error_prefix(err, st, "evaluation key, Galois element %llu",
                              (unsigned long long)entry->key);
    }
    return st;
}

static enum status read_relin_key(const struct bfv_context *context,
                                  const Wire__SerializedRelinKey *relin,
                                  struct bfv_evaluation_key *key, struct error *err)
{
    struct bfv_switch_key *part = NULL;
    enum status st = read_switch_key(context, relin->relin_key, &part, err);
    if (st == STATUS_OK)
        st = bfv_evaluation_key_set_relin(key, part, err);
    return st == STATUS_OK ? st : error_prefix(err, st, "evaluation key, relinearization key");
}

static enum status check_complete(const struct pir_evaluation_key_config *config,
                                  const struct bfv_evaluation_key *key, struct error *err)
{
    if (config == NULL)
        return STATUS_OK;
    for (size_t i = 0; i < config->galois_element_count; i++) {
        if (!bfv_evaluation_key_has_galois(key, config->galois_elements[i]))
            return error_set(err, STATUS_NO_KEY, "evaluation key: no Galois key for element %lu",
                             (unsigned long)config->galois_elements[i]);
    }
    if (config->has_relin_key && !bfv_evaluation_key_has_relin(key))
        return error_set(err, STATUS_NO_KEY, "evaluation key: no relinearization key");
    return STATUS_OK;
}

enum status wire_evaluation_key_read(const struct bfv_context *context,
                                     const struct pir_evaluation_key_config *config, struct span in,
                                     struct bfv_evaluation_key **ret, struct error *err)
{
    ProtobufCMessage *base = NULL;
    struct bfv_evaluation_key *key = NULL;
    enum status st = protobuf_message_unpack(&wire__serialized_evaluation_key__descriptor, in,
                                             PROTOBUF_FACTOR_BULKY, "evaluation key", &base, err);
    if (st != STATUS_OK)
        return st;
    const Wire__SerializedEvaluationKey *message = (const void *)base;
    st = bfv_evaluation_key_new(context, &key, err);
    if (st == STATUS_OK && message->galois_key != NULL)
        st = read_galois_keys(context, config, message->galois_key, key, err);
    if (st == STATUS_OK && message->relin_key != NULL && message->relin_key->relin_key != NULL)
        st = read_relin_key(context, message->relin_key, key, err);
    if (st == STATUS_OK)
        st = check_complete(config, key, err);
    if (st == STATUS_OK) {
        *ret = key;
        key = NULL;
    }
    bfv_evaluation_key_free(key);
    protobuf_message_free(base);
    return st;
}

/* ---- making an evaluation key ---- */

/* The messages of one key-switching key; [L] arrays lie in the maker. */
struct switch_key_parts {
    Wire__SerializedGaloisKeyEntry entry;
    Wire__SerializedKeySwitchKey key;
    Wire__SerializedCiphertextVec vector;
};

struct component_parts {
    struct bfv_seeded seeded;
    Wire__SerializedCiphertext ciphertext;
    Wire__SerializedSeededCiphertext message;
};

struct key_maker {
    const struct bfv_context *context;
    size_t component_count; /* L, of one key */
    size_t key_count;
    struct switch_key_parts *keys;      /* [key_count] */
    struct component_parts *components; /* [key_count][L] */
    struct bfv_seeded *made;            /* [L], of the key in work */
    Wire__SerializedCiphertext **lists; /* [key_count][L] */
    Wire__SerializedGaloisKeyEntry **entries;
};

static enum status key_maker_init(const struct bfv_context *context, size_t key_count,
                                  struct key_maker *ret, struct error *err)
{
    const size_t width = bfv_context_ciphertext_moduli(context);
    const size_t all = key_count * width; /* both are below 100 */
    *ret = (struct key_maker){.context = context, .component_count = width, .key_count = key_count};
    ret->keys = mem_alloc_zeroed(key_count, sizeof *ret->keys);
    ret->components = mem_alloc_zeroed(all, sizeof *ret->components);
    ret->made = mem_alloc_zeroed(width, sizeof *ret->made);
    ret->lists = mem_alloc_zeroed(all, sizeof *ret->lists);
    ret->entries = mem_alloc_zeroed(key_count, sizeof *ret->entries);
    if (ret->keys == NULL || ret->components == NULL || ret->made == NULL || ret->lists == NULL ||
        ret->entries == NULL)
        return error_set(err, STATUS_NOMEM, "evaluation key: out of memory");
    return STATUS_OK;
}

static void key_maker_deinit(struct key_maker *maker)
{
    if (maker->components != NULL) {
        for (size_t i = 0; i < maker->key_count * maker->component_count; i++)
            bfv_seeded_deinit(&maker->components[i].seeded);
    }
    mem_free(maker->keys);
    mem_free(maker->components);
    mem_free(maker->made);
    mem_free(maker->lists);
    mem_free(maker->entries);
}

/* Makes key `number`: the Galois key for `element`, or the relinearization key for element 0. */
static enum status make_key(struct key_maker *maker, size_t number,
                            const struct bfv_secret_key *secret, uint64_t element,
                            const struct random_source *random, struct error *err)
{
    const size_t width = maker->component_count;
    struct switch_key_parts *parts = &maker->keys[number];
    struct component_parts *components = maker->components + number * width;
    for (size_t j = 0; j < width; j++)
        bfv_seeded_init(&maker->made[j]);
    const enum status st =
        element == 0
            ? bfv_relin_key_make(maker->context, secret, random, maker->made, err)
            : bfv_galois_key_make(maker->context, secret, element, random, maker->made, err);
    for (size_t j = 0; j < width; j++) {
        components[j].seeded = maker->made[j];
        wire__serialized_seeded_ciphertext__init(&components[j].message);
        wire__serialized_ciphertext__init(&components[j].ciphertext);
        components[j].message.poly0 = protobuf_borrow(bytes_view(&components[j].seeded.poly0));
        components[j].message.seed =
            protobuf_borrow(span_of(components[j].seeded.seed, DRBG_SEED_BYTES));
        components[j].ciphertext.serialized_ciphertext_type_case =
            WIRE__SERIALIZED_CIPHERTEXT__SERIALIZED_CIPHERTEXT_TYPE_SEEDED;
        components[j].ciphertext.seeded = &components[j].message;
        maker->lists[number * width + j] = &components[j].ciphertext;
    }
    wire__serialized_ciphertext_vec__init(&parts->vector);
    wire__serialized_key_switch_key__init(&parts->key);
    wire__serialized_galois_key_entry__init(&parts->entry);
    parts->vector.ciphertexts = maker->lists + number * width;
    parts->vector.n_ciphertexts = width;
    parts->key.key_switch_key = &parts->vector;
    parts->entry.key = element;
    parts->entry.value = &parts->key;
    maker->entries[number] = &parts->entry;
    return st;
}

enum status wire_evaluation_key_make(const struct bfv_context *context,
                                     const struct pir_evaluation_key_config *config,
                                     const struct bfv_secret_key *secret,
                                     const struct random_source *random, struct bytes *ret,
                                     struct error *err)
{
    struct key_maker maker;
    const size_t galois_count = config->galois_element_count;
    Wire__SerializedEvaluationKey message = WIRE__SERIALIZED_EVALUATION_KEY__INIT;
    Wire__SerializedGaloisKey galois = WIRE__SERIALIZED_GALOIS_KEY__INIT;
    Wire__SerializedRelinKey relin = WIRE__SERIALIZED_RELIN_KEY__INIT;

    enum status st = key_maker_init(context, galois_count + 1, &maker, err);
    for (size_t i = 0; i < galois_count && st == STATUS_OK; i++)
        st = make_key(&maker, i, secret, config->galois_elements[i], random, err);
    if (st == STATUS_OK && config->has_relin_key)
        st = make_key(&maker, galois_count, secret, 0, random, err);
    if (st == STATUS_OK) {
        galois.key_switch_keys = maker.entries;
        galois.n_key_switch_keys = galois_count;
        message.galois_key = galois_count > 0 ? &galois : NULL;
        relin.relin_key = &maker.keys[galois_count].key;
        message.relin_key = config->has_relin_key ? &relin : NULL;
        st = protobuf_message_pack(&message.base, "evaluation key", ret, err);
    }
    key_maker_deinit(&maker);
    return st;
}

/* ---- secret keys ---- */

enum status wire_secret_key_read(const struct bfv_context *context, struct span in,
                                 struct bfv_secret_key **ret, struct error *err)
{
    ProtobufCMessage *base = NULL;
    enum status st = protobuf_message_unpack(&wire__serialized_secret_key__descriptor, in,
                                             PROTOBUF_FACTOR_BULKY, "secret key", &base, err);
    if (st != STATUS_OK)
        return st;
    const Wire__SerializedSecretKey *message = (const void *)base;
    st = bfv_secret_key_read(context, protobuf_span(message->polys), ret, err);
    protobuf_message_wipe(base);
    protobuf_message_free(base);
    return st;
}

enum status wire_secret_key_write(const struct bfv_secret_key *key, struct bytes *ret,
                                  struct error *err)
{
    struct bytes polys;
    bytes_init(&polys, SECRET_KEY_MAX_BYTES);
    bytes_reserve(&polys, SECRET_KEY_MAX_BYTES); /* growing would leave copies behind */
    bfv_secret_key_write(key, &polys);
    enum status st = bytes_status(&polys, "secret key", err);
    if (st == STATUS_OK) {
        Wire__SerializedSecretKey message = WIRE__SERIALIZED_SECRET_KEY__INIT;
        message.polys = protobuf_borrow(bytes_view(&polys));
        st = protobuf_message_pack(&message.base, "secret key", ret, err);
    }
    bytes_deinit_secret(&polys);
    return st;
}
