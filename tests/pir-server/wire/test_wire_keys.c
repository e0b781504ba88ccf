#include "pir-server/wire/wire_keys.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_evaluation_key.h"
#include "pir-server/wire/he.pb-c.h"
#include "pir-server/wire/protobuf_message.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct error error;
static struct bfv_context *context;
static struct pir_evaluation_key_config config;
static struct random_seeded state;

static void prepare(void)
{
    static const uint8_t seed[RANDOM_SEED_BYTES] = {7};
    const struct bfv_parameters parameters = usual_encryption();
    cr_assert_eq(bfv_context_new(&parameters, 0, NULL, &context, &error), STATUS_OK);
    (void)random_seeded_init(&state, seed);
    config = (struct pir_evaluation_key_config){.encryption = parameters,
                                                .galois_elements = {1025, 4097},
                                                .galois_element_count = 2,
                                                .has_relin_key = true};
}

static void finish(void)
{
    bfv_context_free(context);
}

TestSuite(wire_keys, .init = prepare, .fini = finish);

static struct random_source source(void)
{
    static const uint8_t seed[RANDOM_SEED_BYTES] = {7};
    return random_seeded_init(&state, seed);
}

static struct bfv_secret_key *make_secret(void)
{
    const struct random_source random = source();
    struct bfv_secret_key *secret = NULL;
    cr_assert_eq(bfv_secret_key_new(context, &random, &secret, &error), STATUS_OK);
    return secret;
}

/* The message of a fresh key, unpacked, to be spoilt by a test. */
static Wire__SerializedEvaluationKey *make_message(void)
{
    const struct random_source random = source();
    struct bfv_secret_key *secret = make_secret();
    struct bytes bytes;
    ProtobufCMessage *message = NULL;
    bytes_init(&bytes, WIRE_HELP_MAX_BYTES);
    cr_assert_eq(wire_evaluation_key_make(context, &config, secret, &random, &bytes, &error),
                 STATUS_OK, "%s", error.message);
    cr_assert_eq(protobuf_message_unpack(&wire__serialized_evaluation_key__descriptor,
                                         bytes_view(&bytes), PROTOBUF_FACTOR_BULKY, "key", &message,
                                         &error),
                 STATUS_OK);
    bytes_deinit(&bytes);
    bfv_secret_key_free(secret);
    return (void *)message;
}

static enum status read_message(const Wire__SerializedEvaluationKey *message)
{
    struct bytes bytes;
    struct bfv_evaluation_key *key = NULL;
    bytes_init(&bytes, WIRE_HELP_MAX_BYTES);
    cr_assert_eq(protobuf_message_pack(&message->base, "key", &bytes, NULL), STATUS_OK);
    const enum status st =
        wire_evaluation_key_read(context, &config, bytes_view(&bytes), &key, &error);
    cr_assert((key != NULL) == (st == STATUS_OK));
    bfv_evaluation_key_free(key);
    bytes_deinit(&bytes);
    return st;
}

Test(wire_keys, what_is_made_is_read)
{
    const struct random_source random = source();
    struct bfv_secret_key *secret = make_secret();
    struct bfv_evaluation_key *key = NULL;
    struct bytes bytes;
    bytes_init(&bytes, WIRE_HELP_MAX_BYTES);
    cr_assert_eq(wire_evaluation_key_make(context, &config, secret, &random, &bytes, &error),
                 STATUS_OK, "%s", error.message);
    /* bfv.md section 6.3: two elements and the relinearization key take 255,298 bytes. */
    cr_assert_eq(bytes.size, 255298);
    cr_assert_eq(wire_evaluation_key_read(context, &config, bytes_view(&bytes), &key, &error),
                 STATUS_OK, "%s", error.message);
    cr_assert_eq(bfv_evaluation_key_galois_count(key), 2);
    cr_assert(bfv_evaluation_key_has_galois(key, 1025));
    cr_assert(bfv_evaluation_key_has_galois(key, 4097));
    cr_assert(bfv_evaluation_key_has_relin(key));
    bfv_evaluation_key_free(key);

    /* What the configuration does not list is left out, without one all is taken. */
    config.galois_element_count = 1;
    cr_assert_eq(wire_evaluation_key_read(context, &config, bytes_view(&bytes), &key, &error),
                 STATUS_OK);
    cr_assert_eq(bfv_evaluation_key_galois_count(key), 1);
    bfv_evaluation_key_free(key);
    cr_assert_eq(wire_evaluation_key_read(context, NULL, bytes_view(&bytes), &key, &error),
                 STATUS_OK);
    cr_assert_eq(bfv_evaluation_key_galois_count(key), 2);
    bfv_evaluation_key_free(key);

    key = NULL;
    config.galois_element_count = 3;
    config.galois_elements[2] = 2049;
    cr_assert_eq(wire_evaluation_key_read(context, &config, bytes_view(&bytes), &key, &error),
                 STATUS_NO_KEY);
    cr_assert(says(&error, "no Galois key for element 2049"), "%s", error.message);
    cr_assert_null(key);
    bytes_deinit(&bytes);
    bfv_secret_key_free(secret);
}

Test(wire_keys, without_parts_as_the_configuration_asks)
{
    const struct random_source random = source();
    struct bfv_secret_key *secret = make_secret();
    struct bfv_evaluation_key *key = NULL;
    struct bytes bytes;
    bytes_init(&bytes, WIRE_HELP_MAX_BYTES);
    config.galois_element_count = 0;
    config.has_relin_key = false;
    cr_assert_eq(wire_evaluation_key_make(context, &config, secret, &random, &bytes, &error),
                 STATUS_OK);
    cr_assert_eq(bytes.size, 0);
    cr_assert_eq(wire_evaluation_key_read(context, &config, bytes_view(&bytes), &key, &error),
                 STATUS_OK);
    bfv_evaluation_key_free(key);
    key = NULL;
    config.has_relin_key = true;
    cr_assert_eq(wire_evaluation_key_read(context, &config, bytes_view(&bytes), &key, &error),
                 STATUS_NO_KEY);
    cr_assert(says(&error, "no relinearization key"));
    bytes_deinit(&bytes);
    bfv_secret_key_free(secret);
}

Test(wire_keys, missing_members_are_refused)
{
    Wire__SerializedEvaluationKey *message = make_message();
    Wire__SerializedGaloisKey *galois = message->galois_key;
    Wire__SerializedRelinKey *relin = message->relin_key;

    cr_assert_eq(read_message(message), STATUS_OK, "%s", error.message);
    message->galois_key = NULL;
    cr_assert_eq(read_message(message), STATUS_NO_KEY);
    message->galois_key = galois;
    message->relin_key = NULL;
    cr_assert_eq(read_message(message), STATUS_NO_KEY);
    message->relin_key = relin;

    Wire__SerializedKeySwitchKey *value = galois->key_switch_keys[0]->value;
    galois->key_switch_keys[0]->value = NULL;
    cr_assert_eq(read_message(message), STATUS_MALFORMED);
    cr_assert(says(&error, "Galois element 1025: no key_switch_key"), "%s", error.message);
    galois->key_switch_keys[0]->value = value;

    Wire__SerializedCiphertextVec *vector = value->key_switch_key;
    value->key_switch_key = NULL;
    cr_assert_eq(read_message(message), STATUS_MALFORMED);
    value->key_switch_key = vector;

    vector->n_ciphertexts = 1;
    cr_assert_eq(read_message(message), STATUS_MALFORMED);
    cr_assert(says(&error, "1 components, not 2"), "%s", error.message);
    vector->n_ciphertexts = 2;

    Wire__SerializedCiphertext *component = vector->ciphertexts[1];
    component->serialized_ciphertext_type_case = 0;
    cr_assert_eq(read_message(message), STATUS_MALFORMED);
    cr_assert(says(&error, "component 1: neither seeded nor full"), "%s", error.message);
    component->serialized_ciphertext_type_case = 1;

    relin->relin_key->key_switch_key->n_ciphertexts = 1;
    cr_assert_eq(read_message(message), STATUS_MALFORMED);
    cr_assert(says(&error, "relinearization key: 1 components"), "%s", error.message);
    relin->relin_key->key_switch_key->n_ciphertexts = 2;
    cr_assert_eq(read_message(message), STATUS_OK);
    protobuf_message_free(&message->base);
}

Test(wire_keys, wrong_contents_are_refused)
{
    Wire__SerializedEvaluationKey *message = make_message();
    Wire__SerializedGaloisKeyEntry **entries = message->galois_key->key_switch_keys;
    Wire__SerializedSeededCiphertext *component =
        entries[0]->value->key_switch_key->ciphertexts[0]->seeded;

    component->seed.len = 31;
    cr_assert_eq(read_message(message), STATUS_MALFORMED);
    cr_assert(says(&error, "Galois element 1025: component 0"), "%s", error.message);
    component->seed.len = 32;

    component->poly0.len--;
    cr_assert_eq(read_message(message), STATUS_MALFORMED);
    component->poly0.len++;

    uint8_t saved[4];
    memcpy(saved, component->poly0.data, 4);
    memset(component->poly0.data, 0xff, 4); /* 2^27 - 1 is above q_0 */
    cr_assert_eq(read_message(message), STATUS_MALFORMED);
    memcpy(component->poly0.data, saved, 4);

    entries[1]->key = 1025;
    cr_assert_eq(read_message(message), STATUS_MALFORMED);
    cr_assert(says(&error, "Galois element 1025 is given twice"), "%s", error.message);
    entries[1]->key = 4096;
    config.galois_elements[1] = 4096;
    cr_assert_eq(read_message(message), STATUS_MALFORMED); /* even */
    entries[1]->key = UINT64_C(4294967297);
    config.galois_elements[1] = 1;
    cr_assert_eq(read_message(message), STATUS_NO_KEY); /* no truncation to 32 bits */
    protobuf_message_free(&message->base);
}

Test(wire_keys, too_many_galois_keys_are_refused)
{
    struct bytes bytes;
    struct bfv_evaluation_key *key = NULL;
    bytes_init(&bytes, 10000);
    append_hex(&bytes, "0a8402");
    for (int i = 0; i < 65; i++) {
        append_hex(&bytes, "0a0208");
        bytes_append_u8(&bytes, (uint8_t)i);
    }
    cr_assert_eq(wire_evaluation_key_read(context, NULL, bytes_view(&bytes), &key, &error),
                 STATUS_TOO_LARGE, "%s", error.message);
    cr_assert(says(&error, "65 Galois keys, at most 64"));
    bytes_deinit(&bytes);
}

Test(wire_keys, every_cut_is_refused)
{
    Wire__SerializedEvaluationKey *message = make_message();
    struct bytes bytes;
    bytes_init(&bytes, WIRE_HELP_MAX_BYTES);
    cr_assert_eq(protobuf_message_pack(&message->base, "key", &bytes, NULL), STATUS_OK);
    for (size_t size = 0; size < bytes.size; size += size < 100 ? 1 : 9973) {
        struct bfv_evaluation_key *key = NULL;
        const enum status st =
            wire_evaluation_key_read(context, &config, span_of(bytes.data, size), &key, &error);
        cr_assert(st == STATUS_MALFORMED || (size == 0 && st == STATUS_NO_KEY), "%zu", size);
        cr_assert_null(key);
    }
    bytes_deinit(&bytes);
    protobuf_message_free(&message->base);
}

Test(wire_keys, reads_the_reference_keys)
{
    static const struct {
        const char *set;
        size_t galois_keys;
    } sets[] = {{"small", 3}, {"sharded", 4}, {"max-compression", 1}, {"hybrid-compression", 2}};
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++) {
        char path[200];
        snprintf(path, sizeof path, "pir/%s/evaluation_key.bin", sets[i].set);
        struct bytes file = vector_file(path);
        struct bfv_evaluation_key *key = NULL;
        if (file.size == 0)
            cr_skip_test("no reference vectors");
        cr_assert_eq(wire_evaluation_key_read(context, NULL, bytes_view(&file), &key, &error),
                     STATUS_OK, "%s: %s", path, error.message);
        cr_assert_eq(bfv_evaluation_key_galois_count(key), sets[i].galois_keys);
        cr_assert(bfv_evaluation_key_has_relin(key));
        bfv_evaluation_key_free(key);
        bytes_deinit(&file);

        snprintf(path, sizeof path, "pir/%s/secret_key.bin", sets[i].set);
        file = vector_file(path);
        struct bfv_secret_key *secret = NULL;
        struct bytes out;
        bytes_init(&out, WIRE_HELP_MAX_BYTES);
        cr_assert_eq(wire_secret_key_read(context, bytes_view(&file), &secret, &error), STATUS_OK,
                     "%s", error.message);
        cr_assert_eq(wire_secret_key_write(secret, &out, &error), STATUS_OK);
        cr_assert(span_equal(bytes_view(&out), bytes_view(&file)), "%s", path);
        bfv_secret_key_free(secret);
        bytes_deinit_secret(&out);
        bytes_deinit(&file);
    }
}

Test(wire_keys, broken_secret_keys_are_refused)
{
    struct bfv_secret_key *secret = make_secret();
    struct bfv_secret_key *got = NULL;
    struct bytes bytes;
    bytes_init(&bytes, WIRE_HELP_MAX_BYTES);
    cr_assert_eq(wire_secret_key_write(secret, &bytes, &error), STATUS_OK);
    bfv_secret_key_free(secret);
    for (size_t size = 0; size < bytes.size; size += 8191)
        cr_assert_eq(wire_secret_key_read(context, span_of(bytes.data, size), &got, &error),
                     STATUS_MALFORMED);
    bytes.data[100] ^= 1; /* some value is not ternary any more */
    cr_assert_eq(wire_secret_key_read(context, bytes_view(&bytes), &got, &error), STATUS_MALFORMED);
    cr_assert_eq(wire_secret_key_read(context, span_of_text("{\"not\": 1}"), &got, &error),
                 STATUS_MALFORMED);
    cr_assert_null(got);
    bytes_deinit_secret(&bytes);
}

static enum status whole_exchange(const struct bfv_secret_key *secret)
{
    const struct random_source random = source();
    struct bfv_evaluation_key *key = NULL;
    struct bfv_secret_key *again = NULL;
    struct bytes bytes;
    bytes_init(&bytes, WIRE_HELP_MAX_BYTES);
    enum status st = wire_evaluation_key_make(context, &config, secret, &random, &bytes, NULL);
    if (st == STATUS_OK)
        st = wire_evaluation_key_read(context, &config, bytes_view(&bytes), &key, NULL);
    bytes_clear(&bytes);
    if (st == STATUS_OK)
        st = wire_secret_key_write(secret, &bytes, NULL);
    if (st == STATUS_OK)
        st = wire_secret_key_read(context, bytes_view(&bytes), &again, NULL);
    bfv_evaluation_key_free(key);
    bfv_secret_key_free(again);
    bytes_deinit_secret(&bytes);
    return st;
}

Test(wire_keys, every_failed_allocation_is_reported)
{
    struct bfv_secret_key *secret = make_secret();
    config.galois_element_count = 1;
    for (size_t n = 1;; n++) {
        mem_fail_nth(n);
        const enum status st = whole_exchange(secret);
        const bool pending = mem_fail_pending();
        mem_fail_nth(0);
        if (pending) {
            cr_assert_eq(st, STATUS_OK);
            cr_assert_gt(n, 30);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM, "allocation %zu", n);
    }
    bfv_secret_key_free(secret);
}
