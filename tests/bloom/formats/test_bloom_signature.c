#include "bloom/formats/bloom_signature.h"

#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* RFC 8410 section 10.3, and its public half. */
#define PEM                                                                                        \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"                           \
    "-----END PRIVATE KEY-----\n"
#define PUBLIC_KEY "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="
#define TAG        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PARSING    "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
/* Of the manifest below, by another implementation (Python's cryptography), over the text that
 * docs/FILE-FORMATS.md has. */
#define SIGNATURE                                                                                  \
    "1J6tCk3TBkA4CPBJSNxyBOoBBEIy7Mx7I2M55qpxG+X/2mE0E5ItASySwCuqEuji7WgOhALd0KqlnKHkZGNIBg=="
#define SIGNATURE_WITH_PARSING                                                                     \
    "vazweGkr/Dy659QENuzai5qL7w4miqIpjtL+NU49MmKv3A0XKpdpCG13kD2QI3FcmL3H/wQ304uLI0eT7VVjCA=="

static const struct bloom_meta unsigned_meta = {
    .params = {.bit_count = 1000, .hash_count = 7, .murmur_seed = UINT32_MAX},
    .item_count = 10,
    .false_positive_tolerance = 0.001,
    .tag = TAG,
    .url = "list.bloom"};

static struct error error;
static char folder[64];
static char path[96];

static void set_up(void)
{
    strcpy(folder, "/tmp/test_bloom_signature.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/key.pem", folder);
}

static void tear_down(void)
{
    folder_remove(folder);
}

TestSuite(bloom_signature, .init = set_up, .fini = tear_down);

static struct bloom_signing_key *known_key(void)
{
    struct bloom_signing_key *key = NULL;
    cr_assert_eq(bloom_signing_key_parse(span_of_text(PEM), "key", &key, &error), STATUS_OK, "%s",
                 error.message);
    return key;
}

static bool is_signed(const struct bloom_meta *meta, const char *public_key)
{
    bool is_valid = false;
    cr_assert_eq(bloom_meta_verify(meta, public_key, &is_valid, &error), STATUS_OK, "%s",
                 error.message);
    return is_valid;
}

Test(bloom_signature, agrees_with_another_implementation)
{
    struct bloom_signing_key *key = known_key();
    struct bloom_meta meta = unsigned_meta;
    char public_key[BLOOM_PUBLIC_KEY_TEXT_BYTES];
    cr_assert_eq(bloom_signing_key_public(key, public_key, &error), STATUS_OK);
    cr_assert_str_eq(public_key, PUBLIC_KEY);
    cr_assert_not(is_signed(&meta, PUBLIC_KEY));
    cr_assert_eq(bloom_meta_sign(key, &meta, &error), STATUS_OK);
    cr_assert_str_eq(meta.signature, SIGNATURE);
    cr_assert(is_signed(&meta, PUBLIC_KEY));
    strcpy(meta.parsing, PARSING);
    cr_assert_not(is_signed(&meta, PUBLIC_KEY));
    cr_assert_eq(bloom_meta_sign(key, &meta, &error), STATUS_OK);
    cr_assert_str_eq(meta.signature, SIGNATURE_WITH_PARSING);
    cr_assert(is_signed(&meta, PUBLIC_KEY));
    bloom_signing_key_free(key);
}

Test(bloom_signature, says_no_to_everything_else)
{
    static const char *const keys[] = {
        "GUZ/QgVphM3+hUG6wWfcO5bIUIaqMLa2ywxcOK1wMWY=", /* another, */
        "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=", /* and 32 bytes that are no point */
    };
    static const char *const signatures[] = {"", "=", "AAAA", SIGNATURE_WITH_PARSING};
    struct bloom_signing_key *key = known_key();
    struct bloom_meta meta = unsigned_meta;
    cr_assert_eq(bloom_meta_sign(key, &meta, &error), STATUS_OK);
    bloom_signing_key_free(key);

    struct bloom_meta others[6];
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        others[i] = meta;
    others[0].params.bit_count ^= 1;
    others[1].params.hash_count++;
    others[2].params.murmur_seed = 0;
    others[3].tag[0] = 'f';
    strcpy(others[4].parsing, PARSING);
    others[5].signature[10] ^= 1;
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        cr_expect_not(is_signed(&others[i], PUBLIC_KEY), "change %zu", i);
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
        cr_expect_not(is_signed(&meta, keys[i]), "key %zu", i);
    for (size_t i = 0; i < ARRAY_COUNT(signatures); i++) {
        struct bloom_meta other = meta;
        snprintf(other.signature, sizeof other.signature, "%s", signatures[i]);
        cr_expect_not(is_signed(&other, PUBLIC_KEY), "signature %zu", i);
    }
    /* What is not signed may change: where the bits are, and what the numbers came from. */
    strcpy(meta.url, "https://elsewhere.example/bits");
    meta.item_count++;
    cr_expect(is_signed(&meta, PUBLIC_KEY));
}

Test(bloom_signature, public_keys_that_are_none)
{
    static const char *const texts[] = {"",
                                        "AAAA",
                                        "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE",
                                        "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuEE",
                                        "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZu==",
                                        "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n",
                                        "!b9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=",
                                        "=b9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="};
    bool is_valid = false;
    cr_assert(bloom_public_key_is_valid(PUBLIC_KEY));
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        cr_expect_not(bloom_public_key_is_valid(texts[i]), "%s", texts[i]);
        cr_expect_eq(bloom_meta_verify(&unsigned_meta, texts[i], &is_valid, &error),
                     STATUS_MALFORMED, "%s", texts[i]);
        cr_expect_not_null(strstr(error.message, "base64 of 32 bytes"), "%s", error.message);
    }
}

Test(bloom_signature, a_new_key_as_a_file_and_back)
{
    struct bloom_signing_key *key = NULL;
    struct bloom_signing_key *back = NULL;
    char texts[2][BLOOM_PUBLIC_KEY_TEXT_BYTES];
    struct bytes pem;
    bytes_init(&pem, BLOOM_SIGNING_KEY_MAX_BYTES);
    cr_assert_eq(bloom_signing_key_make(&key, &error), STATUS_OK);
    cr_assert_eq(bloom_signing_key_format(key, &pem, &error), STATUS_OK);
    cr_assert_eq(file_write(path, FILE_MODE_SECRET, bytes_view(&pem), &error), STATUS_OK);
    cr_assert_eq(bloom_signing_key_read(path, &back, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(bloom_signing_key_public(key, texts[0], &error), STATUS_OK);
    cr_assert_eq(bloom_signing_key_public(back, texts[1], &error), STATUS_OK);
    cr_assert_str_eq(texts[0], texts[1]);
    cr_assert_str_neq(texts[0], PUBLIC_KEY);
    bytes_deinit_secret(&pem);
    bloom_signing_key_free(key);
    bloom_signing_key_free(back);
    bloom_signing_key_free(NULL);
}

/* Appends a private key in PEM, with a password when one is given, or its public half. */
static struct bytes pem_of(EVP_PKEY *key, const char *password, bool is_public)
{
    struct bytes pem;
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    bytes_init(&pem, BLOOM_SIGNING_KEY_MAX_BYTES);
    cr_assert_eq(is_public ? PEM_write_bio_PUBKEY(bio, key)
                           : PEM_write_bio_PKCS8PrivateKey(
                                 bio, key, password != NULL ? EVP_aes_128_cbc() : NULL, password,
                                 password != NULL ? (int)strlen(password) : 0, NULL, NULL),
                 1);
    const long size = BIO_get_mem_data(bio, &text);
    bytes_append(&pem, span_of(text, (size_t)size));
    BIO_free(bio);
    EVP_PKEY_free(key);
    return pem;
}

Test(bloom_signature, private_keys_that_are_none)
{
    struct bytes others[] = {
        pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, true),
        pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "secret", false),
        pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), NULL, false),
        pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), NULL, false),
        pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), NULL, false),
    };
    static char large[BLOOM_SIGNING_KEY_MAX_BYTES + 1];
    const struct {
        struct span pem;
        enum status status;
        const char *said;
    } cases[] = {
        {span_of(NULL, 0), STATUS_MALFORMED, "no private key in PEM"},
        {span_of_text("hello"), STATUS_MALFORMED, "no private key in PEM"},
        {span_of(PEM, sizeof PEM / 2), STATUS_MALFORMED, "no private key in PEM"},
        {span_of(large, sizeof large), STATUS_MALFORMED, "4097 bytes are no signing key"},
        {bytes_view(&others[0]), STATUS_MALFORMED, "no private key in PEM"},
        {bytes_view(&others[1]), STATUS_MALFORMED, "one with a password"},
        {bytes_view(&others[2]), STATUS_UNSUPPORTED, "not of the kind Ed25519"},
        {bytes_view(&others[3]), STATUS_UNSUPPORTED, "not of the kind Ed25519"},
        {bytes_view(&others[4]), STATUS_UNSUPPORTED, "not of the kind Ed25519"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bloom_signing_key *key = NULL;
        cr_expect_eq(bloom_signing_key_parse(cases[i].pem, "a key", &key, &error), cases[i].status,
                     "case %zu", i);
        cr_expect(strncmp(error.message, "a key: ", 7) == 0 &&
                      strstr(error.message, cases[i].said) != NULL,
                  "case %zu: %s", i, error.message);
        cr_expect_null(key);
    }
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        bytes_deinit(&others[i]);
}

Test(bloom_signature, files_that_others_can_read)
{
    static const mode_t modes[] = {0640, 0620, 0604, 0602, 0644};
    struct bloom_signing_key *key = NULL;
    cr_assert_eq(bloom_signing_key_read(path, &key, &error), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(error.message, path), "%s", error.message);
    cr_assert_eq(bloom_signing_key_read(folder, &key, &error), STATUS_INVALID);
    cr_assert_eq(file_write(path, FILE_MODE_SECRET, span_of_text(PEM), &error), STATUS_OK);
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        cr_assert_eq(chmod(path, modes[i]), 0);
        cr_expect_eq(bloom_signing_key_read(path, &key, &error), STATUS_INVALID, "%04o", modes[i]);
        cr_expect(strstr(error.message, path) != NULL && strstr(error.message, "0600 is due"), "%s",
                  error.message);
    }
    cr_assert_null(key);
    cr_assert_eq(chmod(path, 0400), 0);
    cr_assert_eq(bloom_signing_key_read(path, &key, &error), STATUS_OK, "%s", error.message);
    bloom_signing_key_free(key);
}

/* Makes, stores, reads, signs and looks. */
static enum status run_all(struct error *err)
{
    struct bloom_signing_key *key = NULL;
    struct bloom_signing_key *back = NULL;
    struct bloom_meta meta = unsigned_meta;
    char public_key[BLOOM_PUBLIC_KEY_TEXT_BYTES];
    bool is_valid = false;
    struct bytes pem;
    bytes_init(&pem, BLOOM_SIGNING_KEY_MAX_BYTES);
    enum status status = bloom_signing_key_make(&key, err);
    if (status == STATUS_OK)
        status = bloom_signing_key_format(key, &pem, err);
    if (status == STATUS_OK)
        status = bloom_signing_key_read(path, &back, err);
    if (status == STATUS_OK)
        status = bloom_meta_sign(back, &meta, err);
    if (status == STATUS_OK)
        status = bloom_signing_key_public(back, public_key, err);
    if (status == STATUS_OK)
        status = bloom_meta_verify(&meta, public_key, &is_valid, err);
    cr_assert_eq(is_valid, status == STATUS_OK);
    bloom_signing_key_free(key);
    bloom_signing_key_free(back);
    bytes_deinit_secret(&pem);
    return status;
}

Test(bloom_signature, survives_each_failed_allocation)
{
    cr_assert_eq(file_write(path, FILE_MODE_SECRET, span_of_text(PEM), &error), STATUS_OK);
    for (size_t n = 1;; n++) {
        error.message[0] = '\0';
        mem_fail_nth(n);
        const enum status status = run_all(&error);
        const bool was_reached = !mem_fail_pending();
        mem_fail_nth(0);
        if (!was_reached) {
            cr_assert_eq(status, STATUS_OK, "%s", error.message);
            cr_assert_gt(n, (size_t)4);
            return;
        }
        cr_assert_eq(status, STATUS_NOMEM, "allocation %zu", n);
        cr_assert_neq(error.message[0], '\0');
    }
}
