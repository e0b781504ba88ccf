#include "base/random.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <string.h>

/* RFC 8439 appendix A.1: key 0, nonce 0, block counters 0 and 1. */
static const uint8_t rfc8439_zero_key[128] = {
    0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90, 0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28,
    0xbd, 0xd2, 0x19, 0xb8, 0xa0, 0x8d, 0xed, 0x1a, 0xa8, 0x36, 0xef, 0xcc, 0x8b, 0x77, 0x0d, 0xc7,
    0xda, 0x41, 0x59, 0x7c, 0x51, 0x57, 0x48, 0x8d, 0x77, 0x24, 0xe0, 0x3f, 0xb8, 0xd8, 0x4a, 0x37,
    0x6a, 0x43, 0xb8, 0xf4, 0x15, 0x18, 0xa1, 0x1c, 0xc3, 0x87, 0xb6, 0x69, 0xb2, 0xee, 0x65, 0x86,
    0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a, 0x98, 0xba, 0x97, 0x7c, 0x73, 0x2d, 0x08, 0x0d,
    0xcb, 0x0f, 0x29, 0xa0, 0x48, 0xe3, 0x65, 0x69, 0x12, 0xc6, 0x53, 0x3e, 0x32, 0xee, 0x7a, 0xed,
    0x29, 0xb7, 0x21, 0x76, 0x9c, 0xe6, 0x4e, 0x43, 0xd5, 0x71, 0x33, 0xb0, 0x74, 0xd8, 0x39, 0xd5,
    0x31, 0xed, 0x1f, 0x28, 0x51, 0x0a, 0xfb, 0x45, 0xac, 0xe1, 0x0a, 0x1f, 0x4b, 0x79, 0x4d, 0x6f};

Test(random, seeded_stream_is_chacha20)
{
    const uint8_t seed[RANDOM_SEED_BYTES] = {0};
    struct random_seeded state;
    const struct random_source source = random_seeded_init(&state, seed);
    uint8_t out[sizeof rfc8439_zero_key];
    cr_assert_eq(random_fill(&source, out, sizeof out, NULL), STATUS_OK);
    cr_assert_arr_eq(out, rfc8439_zero_key, sizeof out);
}

Test(random, seeded_stream_equals_the_one_of_openssl)
{
    uint8_t seed[RANDOM_SEED_BYTES];
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)(7 * i + 129);
    static uint8_t ours[10007];
    static uint8_t theirs[sizeof ours];
    static const uint8_t zeros[sizeof ours];
    struct random_seeded state;
    const struct random_source source = random_seeded_init(&state, seed);
    cr_assert_eq(random_fill(&source, ours, sizeof ours, NULL), STATUS_OK);

    const uint8_t counter_and_nonce[16] = {0};
    int length = 0;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    cr_assert_eq(EVP_EncryptInit_ex(cipher, EVP_chacha20(), NULL, seed, counter_and_nonce), 1);
    cr_assert_eq(EVP_EncryptUpdate(cipher, theirs, &length, zeros, (int)sizeof zeros), 1);
    EVP_CIPHER_CTX_free(cipher);
    cr_assert_arr_eq(ours, theirs, sizeof ours);
}

Test(random, pieces_equal_the_whole)
{
    const uint8_t seed[RANDOM_SEED_BYTES] = {1, 2, 3};
    struct random_seeded a_state;
    struct random_seeded b_state;
    const struct random_source a = random_seeded_init(&a_state, seed);
    const struct random_source b = random_seeded_init(&b_state, seed);
    uint8_t whole[500];
    uint8_t pieces[500];
    cr_assert_eq(random_fill(&a, whole, sizeof whole, NULL), STATUS_OK);
    for (size_t at = 0, size = 0; at < sizeof pieces; at += size, size = (size + 1) % 70) {
        if (size > sizeof pieces - at)
            size = sizeof pieces - at;
        cr_assert_eq(random_fill(&b, pieces + at, size, NULL), STATUS_OK);
    }
    cr_assert_arr_eq(whole, pieces, sizeof whole);

    (void)random_seeded_init(&b_state, seed);
    uint64_t first = 0;
    for (size_t i = 8; i-- > 0;)
        first = first << 8 | whole[i];
    cr_assert_eq(random_seeded_u64(&b_state), first);
}

Test(random, below_is_in_range_and_reaches_all_values)
{
    const uint8_t seed[RANDOM_SEED_BYTES] = {42};
    struct random_seeded state;
    (void)random_seeded_init(&state, seed);
    static const uint64_t bounds[] = {1, 2, 3, 7, 10};
    for (size_t b = 0; b < sizeof bounds / sizeof bounds[0]; b++) {
        unsigned seen[10] = {0};
        for (int i = 0; i < 10000; i++) {
            const uint64_t value = random_seeded_below(&state, bounds[b]);
            cr_assert_lt(value, bounds[b]);
            seen[value]++;
        }
        /* Six standard deviations of a fair die. */
        for (uint64_t v = 0; v < bounds[b]; v++)
            cr_assert(seen[v] + 300 > 10000 / bounds[b] && seen[v] < 10000 / bounds[b] + 300);
    }
    /* A bound just above half of the range rejects almost every second draw. */
    const uint64_t large = (UINT64_C(1) << 63) + 1;
    for (int i = 0; i < 1000; i++)
        cr_assert_lt(random_seeded_below(&state, large), large);
}

Test(random, system_fills_every_byte)
{
    const struct random_source source = random_system();
    static uint8_t out[5000];
    uint8_t ever[5000] = {0};
    for (int round = 0; round < 8; round++) {
        memset(out, 0, sizeof out);
        cr_assert_eq(random_fill(&source, out, sizeof out, NULL), STATUS_OK);
        for (size_t i = 0; i < sizeof out; i++)
            ever[i] |= out[i];
    }
    /* A byte stays zero in eight rounds with a chance of 2^-64. */
    for (size_t i = 0; i < sizeof ever; i++)
        cr_assert_neq(ever[i], 0, "byte %zu", i);
    cr_assert_eq(random_fill(&source, out, 0, NULL), STATUS_OK);
}
