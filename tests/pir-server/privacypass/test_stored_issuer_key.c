#include "pir-server/privacypass/stored_issuer_key.h"

#include "base/mem.h"

#include <criterion/criterion.h>

static struct error error;
static struct issuer_key *key;
static const uint8_t *id;
static const struct key_seal seal = {.key = {1, 2, 3}};
static struct bytes stored;

static void set_up(void)
{
    cr_assert_eq(issuer_key_new(&key, &error), STATUS_OK);
    id = token_key_id(issuer_key_public(key));
    bytes_init(&stored, STORED_ISSUER_KEY_MAX_BYTES);
}

static void tear_down(void)
{
    bytes_deinit_secret(&stored);
    issuer_key_unref(key);
}

TestSuite(stored_issuer_key, .init = set_up, .fini = tear_down);

static void store(const struct key_seal *with)
{
    const struct random_source random = random_system();
    bytes_clear(&stored);
    cr_assert_eq(stored_issuer_key_write(key, with, &random, &stored, &error), STATUS_OK, "%s",
                 error.message);
}

static enum status read_status(const uint8_t *as, const struct key_seal *with)
{
    struct issuer_key *back = NULL;
    const enum status status = stored_issuer_key_read(bytes_view(&stored), as, with, &back, &error);
    if (status == STATUS_OK)
        cr_assert_eq(memcmp(token_key_id(issuer_key_public(back)), id, TOKEN_KEY_ID_BYTES), 0);
    else
        cr_assert_eq(back, NULL);
    issuer_key_unref(back);
    return status;
}

Test(stored_issuer_key, plain_and_sealed)
{
    const struct key_seal other = {.key = {9}};
    store(NULL);
    cr_assert_eq(read_status(id, NULL), STATUS_OK, "%s", error.message);
    cr_assert_eq(read_status(id, &seal), STATUS_OK, "%s", error.message);
    store(&seal);
    cr_assert_eq(read_status(id, &seal), STATUS_OK, "%s", error.message);
    cr_assert_eq(read_status(id, NULL), STATUS_INVALID);
    cr_assert_eq(read_status(id, &other), STATUS_MISMATCH);
}

Test(stored_issuer_key, under_the_id_of_another)
{
    uint8_t other[TOKEN_KEY_ID_BYTES];
    memcpy(other, id, sizeof other);
    other[0] ^= 1;
    store(NULL);
    cr_assert_eq(read_status(other, NULL), STATUS_MISMATCH);
    store(&seal);
    cr_assert_eq(read_status(other, &seal), STATUS_MISMATCH);
}

Test(stored_issuer_key, sealed_hides_the_key)
{
    store(NULL);
    /* The private exponent lies behind the public one; any 32 bytes from there will do. */
    uint8_t part[32];
    memcpy(part, stored.data + 400, sizeof part);
    store(&seal);
    for (size_t i = 0; i + sizeof part <= stored.size; i++)
        cr_assert(memcmp(stored.data + i, part, sizeof part) != 0);
}

Test(stored_issuer_key, survives_failing_allocations)
{
    const struct random_source random = random_system();
    bool is_past = false;
    for (size_t n = 1; !is_past; n++) {
        bytes_deinit_secret(&stored);
        bytes_init(&stored, STORED_ISSUER_KEY_MAX_BYTES);
        mem_fail_nth(n);
        const enum status status = stored_issuer_key_write(key, &seal, &random, &stored, &error);
        is_past = mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, is_past ? STATUS_OK : STATUS_NOMEM);
    }
    is_past = false;
    for (size_t n = 1; !is_past; n++) {
        mem_fail_nth(n);
        const enum status status = read_status(id, &seal);
        is_past = mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, is_past ? STATUS_OK : STATUS_NOMEM);
    }
}
