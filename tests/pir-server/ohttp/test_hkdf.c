#include "pir-server/ohttp/hkdf.h"

#include "base/mem.h"
#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

static struct error error;

static void check(const char *salt_hex, const char *secret_hex, const char *info_hex,
                  const char *prk_hex, const char *expected_hex)
{
    struct bytes salt = from_hex(salt_hex);
    struct bytes secret = from_hex(secret_hex);
    struct bytes info = from_hex(info_hex);
    struct bytes prk = from_hex(prk_hex);
    struct bytes expected = from_hex(expected_hex);
    uint8_t got_prk[HKDF_PRK_BYTES];
    uint8_t got[128];
    cr_assert_eq(hkdf_extract(bytes_view(&salt), bytes_view(&secret), got_prk, &error), STATUS_OK);
    assert_same(span_of(got_prk, sizeof got_prk), bytes_view(&prk), "PRK");
    cr_assert_eq(hkdf_expand(got_prk, bytes_view(&info), got, expected.size, &error), STATUS_OK);
    assert_same(span_of(got, expected.size), bytes_view(&expected), "OKM");
    bytes_deinit(&expected);
    bytes_deinit(&prk);
    bytes_deinit(&info);
    bytes_deinit(&secret);
    bytes_deinit(&salt);
}

/* RFC 5869 appendix A.1 and A.3: with salt and info, without either. */
Test(hkdf, vectors_of_rfc_5869)
{
    check("000102030405060708090a0b0c", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
          "f0f1f2f3f4f5f6f7f8f9",
          "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    check("", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "",
          "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

Test(hkdf, sizes)
{
    static uint8_t out[HKDF_EXPAND_MAX_BYTES + 1];
    const uint8_t prk[HKDF_PRK_BYTES] = {1};
    const struct span info = span_of_text("info");
    cr_assert_eq(hkdf_expand(prk, info, out, 0, &error), STATUS_INVALID);
    cr_assert_eq(hkdf_expand(prk, info, out, sizeof out, &error), STATUS_INVALID);
    cr_assert(says(&error, "8161 bytes"), "%s", error.message);
    cr_assert_eq(hkdf_expand(prk, info, out, HKDF_EXPAND_MAX_BYTES, &error), STATUS_OK);
    cr_assert_eq(out[HKDF_EXPAND_MAX_BYTES], 0);
}
