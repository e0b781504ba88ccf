#include "pir-server/ring/drbg.h"

#include <criterion/criterion.h>
#include <string.h>

/* spec/bfv.md section 11: seed 00 01 .. 1f. */
static void init_counting(struct drbg *drbg)
{
    uint8_t seed[DRBG_SEED_BYTES];
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)i;
    cr_assert_eq(drbg_init(drbg, seed, NULL), STATUS_OK);
}

Test(drbg, vectors)
{
    static const uint8_t key[16] = {0x58, 0xe3, 0xfe, 0xcd, 0xfe, 0x7b, 0x36, 0x66,
                                    0x3e, 0x76, 0x17, 0x5c, 0xa8, 0xea, 0x4b, 0x55};
    static const uint8_t counter[16] = {0x13, 0x99, 0xc8, 0xdd, 0x74, 0xa3, 0xb5, 0x85,
                                        0xeb, 0x31, 0xd8, 0xa2, 0x6d, 0xaf, 0xe0, 0x67};
    static const uint8_t first[16] = {0x16, 0x86, 0xff, 0xcf, 0x9f, 0x35, 0x8b, 0xe7,
                                      0x44, 0x52, 0xe6, 0x47, 0xba, 0x15, 0x6a, 0xab};
    static const uint8_t second[16] = {0x98, 0x7f, 0x4a, 0xcb, 0x39, 0xcb, 0x60, 0x3b,
                                       0xc2, 0xd7, 0x49, 0xc3, 0x64, 0x53, 0xf1, 0x24};
    struct drbg drbg;
    init_counting(&drbg);
    cr_assert_arr_eq(drbg.key, key, 16);
    cr_assert_arr_eq(drbg.counter, counter, 16);
    uint8_t out[DRBG_REQUEST_BYTES];
    cr_assert_eq(drbg_read(&drbg, out, sizeof out, NULL), STATUS_OK);
    cr_assert_arr_eq(out, first, 16);
    cr_assert_eq(drbg_read(&drbg, out, sizeof out, NULL), STATUS_OK);
    cr_assert_arr_eq(out, second, 16);
    drbg_deinit(&drbg);
}

Test(drbg, pieces_give_the_same_stream)
{
    enum { TOTAL = 3 * DRBG_REQUEST_BYTES + 77 };
    static uint8_t whole[TOTAL], pieces[TOTAL];
    struct drbg drbg;
    init_counting(&drbg);
    cr_assert_eq(drbg_read(&drbg, whole, TOTAL, NULL), STATUS_OK);
    drbg_deinit(&drbg);
    init_counting(&drbg);
    const struct random_source source = drbg_source(&drbg);
    for (size_t at = 0, size = 1; at < TOTAL; at += size, size = (size * 7) % 1999 + 1) {
        if (size > TOTAL - at)
            size = TOTAL - at;
        cr_assert_eq(random_fill(&source, pieces + at, size, NULL), STATUS_OK);
    }
    cr_assert_arr_eq(whole, pieces, TOTAL);
    drbg_deinit(&drbg);
}

Test(drbg, counter_carries_through_all_bytes)
{
    struct drbg drbg, same;
    init_counting(&drbg);
    init_counting(&same);
    /* V = 2^128 - 2: block(1) is that of 2^128 - 1, block(2) that of 0. */
    memset(drbg.counter, 0xff, 16);
    drbg.counter[15] = 0xfe;
    memset(same.counter, 0xff, 16);
    uint8_t out[DRBG_REQUEST_BYTES], shifted[DRBG_REQUEST_BYTES];
    cr_assert_eq(drbg_read(&drbg, out, sizeof out, NULL), STATUS_OK);
    cr_assert_eq(drbg_read(&same, shifted, sizeof shifted, NULL), STATUS_OK);
    cr_assert_arr_eq(out + 16, shifted, DRBG_REQUEST_BYTES - 16);
    drbg_deinit(&drbg);
    drbg_deinit(&same);
}

Test(drbg, deinit_wipes)
{
    struct drbg drbg;
    init_counting(&drbg);
    drbg_deinit(&drbg);
    const uint8_t zero[16] = {0};
    cr_assert_arr_eq(drbg.key, zero, 16);
    drbg_deinit(&drbg);
}
