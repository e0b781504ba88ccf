#include "pir-server/crypto/aead.h"

#include "base/mem.h"
#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

static struct error error;
static const struct span nothing;
static const uint8_t key[AEAD_KEY_MAX_BYTES];
static const uint8_t nonce[AEAD_NONCE_BYTES];

Test(aead, table)
{
    cr_assert_eq(aead_key_bytes(aead_find(AEAD_AES_128_GCM)), 16);
    cr_assert_eq(aead_key_bytes(aead_find(AEAD_CHACHA20_POLY1305)), 32);
    cr_assert_eq(aead_id(aead_find(AEAD_CHACHA20_POLY1305)), AEAD_CHACHA20_POLY1305);
    cr_assert(aead_find(0x0002) == NULL, "AES-256-GCM");
    cr_assert(aead_find(0xffff) == NULL, "export only");
    cr_assert(aead_find(0) == NULL);
    cr_assert_eq(aead_key_bytes(aead_aes_192_gcm()), 24);
}

static void check_zeros(const struct aead *aead, const char *of_nothing, const char *of_a_block)
{
    static const uint8_t zeros[16];
    const struct span plain[] = {nothing, span_of(zeros, sizeof zeros)};
    const char *const hex[] = {of_nothing, of_a_block};
    for (size_t i = 0; i < ARRAY_COUNT(plain); i++) {
        struct bytes sealed = room();
        struct bytes expected = from_hex(hex[i]);
        cr_assert_eq(aead_seal(aead, key, nonce, nothing, plain[i], &sealed, &error), STATUS_OK);
        assert_same(bytes_view(&sealed), bytes_view(&expected), "sealed zeros");
        bytes_deinit(&expected);
        bytes_deinit(&sealed);
    }
}

/* The GCM specification's test cases 1, 2, 7 and 8: zero key and nonce, no text and one block of
 * zeros. */
Test(aead, known_answers)
{
    check_zeros(aead_find(AEAD_AES_128_GCM), "58e2fccefa7e3061367f1d57a4e7455a",
                "0388dace60b6a392f328c2b971b2fe78 ab6e47d42cec13bdf53a67b21257bddf");
    check_zeros(aead_aes_192_gcm(), "cd33b28ac773f74ba00ed1f312572435",
                "98e7247c07f0fe411c267e4384b0f600 2ff58d80033927ab8ef4d4587514f0fb");
}

Test(aead, room_and_memory)
{
    struct bytes small;
    bytes_init(&small, AEAD_TAG_BYTES);
    const struct aead *aead = aead_find(AEAD_AES_128_GCM);
    cr_assert_eq(aead_seal(aead, key, nonce, nothing, span_of_text("a"), &small, &error),
                 STATUS_TOO_LARGE);
    bytes_deinit(&small);
    struct bytes sealed = room();
    mem_fail_nth(1);
    cr_assert_eq(aead_seal(aead, key, nonce, nothing, span_of_text("a"), &sealed, &error),
                 STATUS_NOMEM);
    cr_assert_eq(sealed.size, 0);
    bytes_clear(&sealed);
    cr_assert_eq(aead_seal(aead, key, nonce, nothing, span_of_text("a"), &sealed, &error),
                 STATUS_OK);
    struct bytes opened = room();
    mem_fail_nth(1);
    cr_assert_eq(aead_open(aead, key, nonce, nothing, bytes_view(&sealed), &opened, &error),
                 STATUS_NOMEM);
    bytes_deinit(&opened);
    bytes_deinit(&sealed);
}

Test(aead, texts_beyond_the_limit)
{
    static const uint8_t some[1];
    const struct span huge = span_of(some, AEAD_MAX_BYTES + 1); /* its bytes are never read */
    struct bytes out = room();
    const struct aead *aead = aead_find(AEAD_AES_128_GCM);
    cr_assert_eq(aead_seal(aead, key, nonce, nothing, huge, &out, &error), STATUS_TOO_LARGE);
    cr_assert_eq(aead_seal(aead, key, nonce, huge, nothing, &out, &error), STATUS_TOO_LARGE);
    cr_assert_eq(aead_open(aead, key, nonce, nothing, huge, &out, &error), STATUS_TOO_LARGE);
    bytes_deinit(&out);
}
