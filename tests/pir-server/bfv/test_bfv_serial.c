#include "pir-server/bfv/bfv_serial.h"

#include "base/mem.h"
#include "tests/pir-server/bfv_help.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char small[] = "insecure_n_8_logq_5x18_logt_5"; /* 18 bits a value, 18 bytes a row */

static struct bytes full_of(const struct bfv_context *context,
                            const struct bfv_ciphertext *ciphertext, const uint32_t *skips)
{
    struct bytes bytes;
    bytes_init(&bytes, 1 << 20);
    bfv_ciphertext_write_full(context, ciphertext, skips, &bytes);
    cr_assert_eq(bytes_status(&bytes, "polys", NULL), STATUS_OK);
    return bytes;
}

static struct bfv_ciphertext filled(const struct bfv_context *context, size_t polys, size_t moduli)
{
    struct bfv_ciphertext ciphertext = ciphertext_for(context, polys, moduli, BFV_COEFFICIENT);
    const size_t n = bfv_context_degree(context);
    for (size_t i = 0; i < polys * moduli; i++)
        fill_residues(ciphertext.words + i * n, n,
                      bfv_context_basis(context)->modulus[i % moduli].value, i);
    return ciphertext;
}

Test(bfv_serial, full_ciphertexts_come_back)
{
    struct bfv_context *context = context_for(small);
    for (size_t polys = 1; polys <= BFV_MAX_POLYS; polys++)
        for (size_t moduli = 1; moduli <= 5; moduli++)
            for (uint32_t skip = 0; skip < 17; skip += 4) {
                const uint32_t skips[3] = {skip, skip / 2, 1};
                struct bfv_ciphertext out = filled(context, polys, moduli);
                struct bfv_ciphertext in = ciphertext_for(context, polys, moduli, BFV_COEFFICIENT);
                struct bytes bytes = full_of(context, &out, skips);
                cr_assert_eq(bytes.size, bfv_ciphertext_full_bytes(context, polys, moduli, skips));
                cr_assert_eq(bfv_ciphertext_read_full(context, bytes_view(&bytes), skips, polys, 1,
                                                      &in, NULL),
                             STATUS_OK);
                for (size_t i = 0; i < polys * moduli * 8; i++) {
                    const uint32_t s = skips[i / (moduli * 8)];
                    cr_assert_eq(in.words[i], (out.words[i] >> s) << s);
                }
                bytes_deinit(&bytes);
                bfv_ciphertext_deinit(&out);
                bfv_ciphertext_deinit(&in);
            }
    bfv_context_free(context);
}

static void full_refused(const struct bfv_context *context, struct span polys,
                         const uint32_t *skips, size_t skip_count, uint64_t factor,
                         const char *message)
{
    struct error error = {.message = ""};
    struct bfv_ciphertext in = ciphertext_for(context, 2, 4, BFV_COEFFICIENT);
    cr_expect_eq(bfv_ciphertext_read_full(context, polys, skips, skip_count, factor, &in, &error),
                 STATUS_MALFORMED);
    cr_expect_str_eq(error.message, message);
    bfv_ciphertext_deinit(&in);
}

Test(bfv_serial, hostile_full_ciphertexts_are_refused)
{
    struct bfv_context *context = context_for(small);
    struct bfv_ciphertext out = filled(context, 2, 4);
    const uint32_t none[3] = {0, 0, 0};
    const uint32_t all[2] = {0, 18};
    const uint32_t huge[2] = {UINT32_MAX, 0};
    struct bytes good = full_of(context, &out, none);
    struct span view = bytes_view(&good);
    cr_assert_eq(view.size, 2 + 2 * 4 * 18);

    full_refused(context, span_of(NULL, 0), NULL, 0, 1, "polys, byte 0: needs 2 bytes, 0 left");
    full_refused(context, span_part(view, 0, 1), NULL, 0, 1,
                 "polys, byte 0: needs 2 bytes, 1 left");
    full_refused(context, span_part(view, 0, view.size - 1), NULL, 0, 1,
                 "polys, byte 74: needs 72 bytes, 71 left");
    bytes_append_u8(&good, 0);
    full_refused(context, bytes_view(&good), NULL, 0, 1, "polys, byte 146: 1 bytes too many");
    view = span_part(bytes_view(&good), 0, 146);
    full_refused(context, view, none, 1, 1, "skip_lsbs: 1 entries for 2 polynomials");
    full_refused(context, view, none, 3, 1, "skip_lsbs: 3 entries for 2 polynomials");
    full_refused(context, view, all, 2, 1, "skip_lsbs: 18 bits leave nothing");
    full_refused(context, view, huge, 2, 1, "skip_lsbs: 4294967295 bits leave nothing");
    full_refused(context, view, NULL, 0, 0, "correction_factor 0: must be 1");
    full_refused(context, view, NULL, 0, 2, "correction_factor 2: must be 1");
    for (unsigned count = 0; count < 65536; count = count * 3 + 1) {
        if (count == 2)
            continue;
        char message[64];
        good.data[0] = (uint8_t)count;
        good.data[1] = (uint8_t)(count >> 8);
        snprintf(message, sizeof message, "polys: %u polynomials, must be 2", count);
        full_refused(context, bytes_view(&good), NULL, 0, 1, message);
    }
    bytes_deinit(&good);

    /* A value of exactly q: its row is written as it is. */
    out.words[3 * 8 + 5] = 131489;
    good = full_of(context, &out, none);
    full_refused(context, bytes_view(&good), NULL, 0, 1,
                 "polys: a value is not below its modulus 131489");
    out.words[3 * 8 + 5] = 131488;
    bytes_deinit(&good);
    good = full_of(context, &out, none);
    struct bfv_ciphertext in = ciphertext_for(context, 2, 4, BFV_COEFFICIENT);
    cr_assert_eq(bfv_ciphertext_read_full(context, bytes_view(&good), NULL, 0, 1, &in, NULL),
                 STATUS_OK);
    bfv_ciphertext_deinit(&in);
    bytes_deinit(&good);
    bfv_ciphertext_deinit(&out);
    bfv_context_free(context);
}

Test(bfv_serial, hostile_seeded_ciphertexts_are_refused)
{
    struct bfv_context *context = context_for(small);
    struct bfv_ciphertext in = ciphertext_for(context, 2, 4, BFV_COEFFICIENT);
    const uint8_t bytes[100] = {0};
    struct error error;
    cr_assert_eq(
        bfv_ciphertext_read_seeded(context, span_of(bytes, 72), span_of(bytes, 32), &in, NULL),
        STATUS_OK);
    cr_assert_eq(
        bfv_ciphertext_read_seeded(context, span_of(bytes, 72), span_of(bytes, 31), &in, &error),
        STATUS_MALFORMED);
    cr_assert_str_eq(error.message, "seed: 31 bytes, must be 32");
    cr_assert_eq(
        bfv_ciphertext_read_seeded(context, span_of(bytes, 72), span_of(NULL, 0), &in, NULL),
        STATUS_MALFORMED);
    for (size_t size = 0; size <= 100; size++) {
        if (size == 72)
            continue;
        cr_assert_eq(bfv_ciphertext_read_seeded(context, span_of(bytes, size), span_of(bytes, 32),
                                                &in, &error),
                     STATUS_MALFORMED);
    }
    cr_assert_str_eq(error.message, "poly0: 100 bytes, a polynomial over 4 moduli has 72");
    uint8_t ones[72];
    memset(ones, 0xff, sizeof ones);
    cr_assert_eq(
        bfv_ciphertext_read_seeded(context, span_of(ones, 72), span_of(bytes, 32), &in, &error),
        STATUS_MALFORMED);
    cr_assert_str_eq(error.message, "poly0: a value is not below its modulus 131249");
    bfv_ciphertext_deinit(&in);
    bfv_context_free(context);
}

/* A maximum that is reached sticks in the bytes; nothing is written beyond. */
Test(bfv_serial, writing_stops_at_the_maximum)
{
    struct bfv_context *context = context_for(small);
    struct bfv_ciphertext out = filled(context, 2, 4);
    struct bytes bytes;
    bytes_init(&bytes, 100);
    bfv_ciphertext_write_full(context, &out, NULL, &bytes);
    cr_assert_eq(bytes_status(&bytes, "polys", NULL), STATUS_TOO_LARGE);
    bytes_deinit(&bytes);
    bfv_ciphertext_deinit(&out);
    bfv_context_free(context);
}
