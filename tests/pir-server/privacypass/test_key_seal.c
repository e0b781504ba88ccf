#include "pir-server/privacypass/key_seal.h"

#include "base/compiler.h"
#include "base/file.h"
#include "base/mem.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct error error;
static char folder[64];
static char path[96];

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/blindlist-seal-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/key", folder);
}

static void tear_down(void)
{
    folder_remove(folder);
}

TestSuite(key_seal, .init = set_up, .fini = tear_down);

static void write_key(const char *text, mode_t mode)
{
    cr_assert_eq(file_write(path, FILE_MODE_SECRET, span_of_text(text), &error), STATUS_OK);
    cr_assert_eq(chmod(path, mode), 0);
}

#define KEY "0123456789abcdef0123456789ABCDEF"

Test(key_seal, key_file)
{
    struct key_seal seal;
    write_key(KEY, 0600);
    cr_assert_eq(key_seal_read(path, &seal, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(memcmp(seal.key, KEY, sizeof seal.key), 0);
    key_seal_wipe(&seal);
    cr_assert_eq(seal.key[0] | seal.key[31], 0);
    cr_assert_eq(chmod(path, 0400), 0);
    cr_assert_eq(key_seal_read(path, &seal, &error), STATUS_OK);
}

Test(key_seal, key_files_that_will_not_do)
{
    struct key_seal seal = {.key = {77}};
    cr_assert_eq(key_seal_read(path, &seal, &error), STATUS_NOT_FOUND);
    static const mode_t open[] = {0640, 0604, 0620, 0602, 0610, 0644};
    for (size_t i = 0; i < ARRAY_COUNT(open); i++) {
        write_key(KEY, open[i]);
        cr_assert_eq(key_seal_read(path, &seal, &error), STATUS_INVALID, "%04o", open[i]);
        cr_assert(says(&error, "0600 is due"), "%s", error.message);
    }
    static const char *const sizes[] = {"", "0", "0123456789abcdef0123456789ABCDE", KEY "\n"};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        write_key(sizes[i], 0600);
        cr_assert_eq(key_seal_read(path, &seal, &error), STATUS_INVALID, "%zu", i);
        cr_assert(says(&error, "not of 32 bytes"), "%s", error.message);
    }
    cr_assert_eq(key_seal_read(folder, &seal, &error), STATUS_INVALID);
    cr_assert_eq(seal.key[0], 77);
}

/* As Kubernetes mounts a secret: root's, and readable by the group that the process runs as. */
Test(key_seal, key_files_of_root)
{
    const gid_t nobody = 65534;
    struct key_seal seal;
    static const mode_t open[] = {0444, 0460, 0450, 0442};
    if (geteuid() != 0)
        cr_skip_test("only root can hand a file to somebody else");
    write_key(KEY, 0440);
    cr_assert_eq(chmod(folder, 0755), 0);
    cr_assert_eq(chown(path, 0, nobody), 0);
    cr_assert_eq(key_seal_read(path, &seal, &error), STATUS_INVALID);
    for (size_t i = 0; i <= ARRAY_COUNT(open); i++) {
        const mode_t mode = i < ARRAY_COUNT(open) ? open[i] : 0440;
        cr_assert_eq(chmod(path, mode), 0);
        cr_assert_eq(setegid(nobody), 0);
        cr_assert_eq(seteuid(nobody), 0);
        cr_assert_eq(key_seal_read(path, &seal, &error),
                     i < ARRAY_COUNT(open) ? STATUS_INVALID : STATUS_OK, "%04o: %s", mode,
                     error.message);
        cr_assert_eq(seteuid(0), 0);
        cr_assert_eq(setegid(0), 0);
    }
}

/* NIST's GCM test vectors, gcmEncryptExtIV256: text and AAD of 128 bits, the first. */
Test(key_seal, is_aes_256_gcm)
{
    struct bytes key = from_hex("92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b");
    struct bytes sealed = from_hex("424c5331"
                                   "ac93a1a6145299bde902f21a"
                                   "8995ae2e6df3dbf96fac7b7137bae67f"
                                   "eca5aa77d51d4a0a14d9c51e1da474ab");
    struct bytes with = from_hex("1e0889016f67601c8ebea4943bc23ad6");
    struct bytes expected = from_hex("2d71bcfa914e4ac045b2aa60955fad24");
    struct key_seal seal;
    memcpy(seal.key, key.data, sizeof seal.key);
    struct bytes plain;
    bytes_init(&plain, 64);
    cr_assert_eq(key_seal_decrypt(&seal, bytes_view(&sealed), bytes_view(&with), &plain, &error),
                 STATUS_OK, "%s", error.message);
    cr_assert(span_equal(bytes_view(&plain), bytes_view(&expected)));
    bytes_deinit(&plain);
    bytes_deinit(&expected);
    bytes_deinit(&with);
    bytes_deinit(&sealed);
    bytes_deinit(&key);
}

static struct bytes seal_text(const struct key_seal *seal, const char *text, const char *with)
{
    const struct random_source random = random_system();
    struct bytes sealed;
    bytes_init(&sealed, 256);
    cr_assert_eq(
        key_seal_encrypt(seal, span_of_text(text), span_of_text(with), &random, &sealed, &error),
        STATUS_OK);
    return sealed;
}

static enum status open_text(const struct key_seal *seal, struct span sealed, const char *with,
                             const char *expected)
{
    struct bytes plain;
    bytes_init(&plain, 256);
    const enum status status = key_seal_decrypt(seal, sealed, span_of_text(with), &plain, &error);
    if (status == STATUS_OK)
        cr_assert(span_equal(bytes_view(&plain), span_of_text(expected)));
    else
        cr_assert_eq(plain.size, 0);
    bytes_deinit_secret(&plain);
    return status;
}

Test(key_seal, opens_what_it_sealed)
{
    const struct key_seal seal = {.key = {1, 2, 3}};
    static const char *const texts[] = {"", "a", "sixteen bytes ok", "a text of some more bytes"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct bytes sealed = seal_text(&seal, texts[i], "owner");
        struct bytes again = seal_text(&seal, texts[i], "owner");
        cr_assert_eq(sealed.size, strlen(texts[i]) + KEY_SEAL_OVERHEAD_BYTES);
        cr_assert(key_seal_is_sealed(bytes_view(&sealed)));
        cr_assert(!span_equal(bytes_view(&sealed), bytes_view(&again)), "a nonce was used twice");
        cr_assert_eq(open_text(&seal, bytes_view(&sealed), "owner", texts[i]), STATUS_OK);
        bytes_deinit(&again);
        bytes_deinit(&sealed);
    }
}

Test(key_seal, opens_nothing_else)
{
    const struct key_seal seal = {.key = {1, 2, 3}};
    const struct key_seal other = {.key = {1, 2, 4}};
    struct bytes sealed = seal_text(&seal, "secret", "owner");
    cr_assert_eq(open_text(&other, bytes_view(&sealed), "owner", ""), STATUS_MISMATCH);
    cr_assert_eq(open_text(&seal, bytes_view(&sealed), "Owner", ""), STATUS_MISMATCH);
    cr_assert_eq(open_text(&seal, bytes_view(&sealed), "", ""), STATUS_MISMATCH);
    for (size_t i = 0; i < sealed.size; i++) {
        sealed.data[i] ^= 0x10;
        cr_assert_eq(open_text(&seal, bytes_view(&sealed), "owner", ""),
                     i < 4 ? STATUS_MALFORMED : STATUS_MISMATCH, "byte %zu", i);
        sealed.data[i] ^= 0x10;
    }
    for (size_t size = 0; size < sealed.size; size++)
        cr_assert_eq(open_text(&seal, span_of(sealed.data, size), "owner", ""),
                     size < KEY_SEAL_OVERHEAD_BYTES ? STATUS_MALFORMED : STATUS_MISMATCH);
    bytes_deinit(&sealed);
}
