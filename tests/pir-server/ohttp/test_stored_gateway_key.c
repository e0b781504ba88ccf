#include "pir-server/ohttp/stored_gateway_key.h"

#include "base/mem.h"
#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

#define KEY_ID 5

static struct error error;
static struct hpke_key *key;
static const struct key_seal seal = {.key = {1, 2, 3}};
static struct bytes stored;

static void set_up(void)
{
    const struct random_source random = random_system();
    cr_assert_eq(hpke_key_generate(&random, &key, &error), STATUS_OK);
    bytes_init(&stored, STORED_GATEWAY_KEY_MAX_BYTES);
}

static void tear_down(void)
{
    bytes_deinit_secret(&stored);
    hpke_key_unref(key);
}

TestSuite(stored_gateway_key, .init = set_up, .fini = tear_down);

static void store(const struct key_seal *with)
{
    const struct random_source random = random_system();
    bytes_clear(&stored);
    cr_assert_eq(stored_gateway_key_write(key, KEY_ID, with, &random, &stored, &error), STATUS_OK,
                 "%s", error.message);
}

static enum status read_status(struct span from, uint8_t key_id, const struct key_seal *with)
{
    struct hpke_key *back = NULL;
    const enum status status = stored_gateway_key_read(from, key_id, with, &back, &error);
    if (status == STATUS_OK)
        assert_same(span_of(hpke_key_private(back), HPKE_PRIVATE_KEY_BYTES),
                    span_of(hpke_key_private(key), HPKE_PRIVATE_KEY_BYTES), "private key");
    else
        cr_assert(back == NULL);
    hpke_key_unref(back);
    return status;
}

Test(stored_gateway_key, plain_and_sealed)
{
    const struct key_seal other = {.key = {9}};
    store(NULL);
    cr_assert_eq(stored.size, STORED_GATEWAY_KEY_PLAIN_BYTES);
    cr_assert_eq(read_status(bytes_view(&stored), KEY_ID, NULL), STATUS_OK, "%s", error.message);
    cr_assert_eq(read_status(bytes_view(&stored), KEY_ID, &seal), STATUS_OK);
    store(&seal);
    cr_assert_eq(stored.size, STORED_GATEWAY_KEY_MAX_BYTES);
    cr_assert_eq(read_status(bytes_view(&stored), KEY_ID, &seal), STATUS_OK, "%s", error.message);
    cr_assert_eq(read_status(bytes_view(&stored), KEY_ID, NULL), STATUS_INVALID);
    cr_assert_eq(read_status(bytes_view(&stored), KEY_ID, &other), STATUS_MISMATCH);
    cr_assert_eq(read_status(bytes_view(&stored), KEY_ID + 1, &seal), STATUS_MISMATCH,
                 "a sealed key belongs to its id");
    for (size_t i = 0; i + HPKE_PRIVATE_KEY_BYTES <= stored.size; i++)
        cr_assert(memcmp(stored.data + i, hpke_key_private(key), HPKE_PRIVATE_KEY_BYTES) != 0,
                  "the key is not to be seen");
}

Test(stored_gateway_key, damaged)
{
    store(NULL);
    for (size_t size = 0; size < stored.size; size++)
        cr_assert_eq(read_status(span_of(stored.data, size), KEY_ID, &seal), STATUS_MALFORMED);
    /* RFC 7748 section 5: the lowest three and highest two bits of a private key do not count. */
    for (size_t at = 0; at < stored.size; at++) {
        stored.data[at] ^= 0x08;
        cr_assert_eq(read_status(bytes_view(&stored), KEY_ID, NULL), STATUS_MISMATCH, "byte %zu",
                     at);
        stored.data[at] ^= 0x08;
    }
    cr_assert(says(&error, "do not belong together"));
    store(&seal);
    for (size_t size = 0; size < stored.size; size++)
        cr_assert_neq(read_status(span_of(stored.data, size), KEY_ID, &seal), STATUS_OK);
    for (size_t at = 0; at < stored.size; at++) {
        stored.data[at] ^= 0x08;
        const enum status status = read_status(bytes_view(&stored), KEY_ID, &seal);
        cr_assert(status == STATUS_MISMATCH || status == STATUS_MALFORMED, "byte %zu", at);
        stored.data[at] ^= 0x08;
    }
}

Test(stored_gateway_key, survives_failing_allocations)
{
    const struct random_source random = random_system();
    bool is_past = false;
    for (size_t n = 1; !is_past; n++) {
        bytes_deinit_secret(&stored);
        bytes_init(&stored, STORED_GATEWAY_KEY_MAX_BYTES);
        mem_fail_nth(n);
        enum status status = stored_gateway_key_write(key, KEY_ID, &seal, &random, &stored, &error);
        if (status == STATUS_OK)
            status = read_status(bytes_view(&stored), KEY_ID, &seal);
        is_past = mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, is_past ? STATUS_OK : STATUS_NOMEM, "allocation %zu", n);
    }
}
