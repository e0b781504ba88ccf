#include "pir-server/ohttp/aead.h"

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
}

/* The GCM specification's test cases 1 and 2: zero key and nonce, no text and one block of zeros.
 */
Test(aead, known_answers)
{
    static const uint8_t zeros[16];
    struct bytes sealed = room();
    const struct aead *aead = aead_find(AEAD_AES_128_GCM);
    cr_assert_eq(aead_seal(aead, key, nonce, nothing, nothing, &sealed, &error), STATUS_OK);
    struct bytes expected = from_hex("58e2fccefa7e3061367f1d57a4e7455a");
    assert_same(bytes_view(&sealed), bytes_view(&expected), "no text");
    bytes_clear(&expected);
    bytes_clear(&sealed);
    append_hex(&expected, "0388dace60b6a392f328c2b971b2fe78 ab6e47d42cec13bdf53a67b21257bddf");
    cr_assert_eq(
        aead_seal(aead, key, nonce, nothing, span_of(zeros, sizeof zeros), &sealed, &error),
        STATUS_OK);
    assert_same(bytes_view(&sealed), bytes_view(&expected), "a block");
    bytes_deinit(&expected);
    bytes_deinit(&sealed);
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
