#include "pir-server/oprf/symmetric_row.h"

#include "base/compiler.h"
#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

static struct error error;

/* spec/keyword-pir.md section 10.1: rows that the reference made. */
static const char reference_key[] =
    "c51874015ca218aabc145297359fb128743b9f14b2b034af23650e6b42d4c815c623c77e8d752c21b9288d36e6e9"
    "f468";
static const struct {
    const char *keyword;
    const char *value;
    const char *oblivious;
    const char *stored;
} rows[] = {
    {"k3", "c3a9090a073f", "7afb0cb4087ed000c8e907782a8b314c",
     "1551656910fd8338e1fcb32ac2f1856a957dd4e3e66d"},
    {"k2", "", "60cca1ff7b8ecedb257328f585601459", "f9e17cb68513a9efbdddb89cd68aabc3"},
};

Test(symmetric_row, rows_of_the_reference)
{
    struct bytes scalar = from_hex(reference_key);
    struct voprf_key *key = NULL;
    cr_assert_eq(voprf_key_new(scalar.data, &key, &error), STATUS_OK);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bytes value = from_hex(rows[i].value);
        struct bytes oblivious = from_hex(rows[i].oblivious);
        struct bytes stored = from_hex(rows[i].stored);
        struct bytes sealed = room();
        struct bytes opened = room();
        uint8_t f[VOPRF_VALUE_BYTES];
        cr_assert_eq(voprf_evaluate(key, span_of_text(rows[i].keyword), f, &error), STATUS_OK);
        assert_same(symmetric_keyword(f), bytes_view(&oblivious), "keyword");
        cr_assert_eq(symmetric_seal(f, bytes_view(&value), &sealed, &error), STATUS_OK);
        assert_same(bytes_view(&sealed), bytes_view(&stored), "value");
        cr_assert_eq(symmetric_open(f, bytes_view(&sealed), &opened, &error), STATUS_OK);
        assert_same(bytes_view(&opened), bytes_view(&value), "opened");
        bytes_deinit(&opened);
        bytes_deinit(&sealed);
        bytes_deinit(&stored);
        bytes_deinit(&oblivious);
        bytes_deinit(&value);
    }
    voprf_key_free(key);
    bytes_deinit(&scalar);
}

Test(symmetric_row, what_does_not_open)
{
    uint8_t f[VOPRF_VALUE_BYTES] = {1, 2, 3};
    struct bytes sealed = room();
    struct bytes opened = room();
    cr_assert_eq(symmetric_seal(f, span_of_text("1"), &sealed, &error), STATUS_OK);
    for (size_t i = 0; i < sealed.size; i++) {
        sealed.data[i] ^= 1;
        cr_assert_eq(symmetric_open(f, bytes_view(&sealed), &opened, &error), STATUS_MISMATCH);
        cr_assert(says(&error, "does not open"));
        sealed.data[i] ^= 1;
    }
    for (size_t size = 0; size < sealed.size; size++)
        cr_assert_eq(symmetric_open(f, span_of(sealed.data, size), &opened, &error),
                     STATUS_MISMATCH);
    f[VOPRF_VALUE_BYTES - 1] ^= 1;
    cr_assert_eq(symmetric_open(f, bytes_view(&sealed), &opened, &error), STATUS_MISMATCH);
    cr_assert_eq(opened.size, 0);
    bytes_deinit(&opened);
    bytes_deinit(&sealed);
}
