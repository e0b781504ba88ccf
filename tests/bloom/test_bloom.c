#include "bloom/bloom.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/span.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

/* PROTOCOL section 2; the rest from the published FNV and SMHasher test values. */
Test(bloom, hashes_known_answers)
{
    cr_assert_eq(bloom_fnv1a_32("", 0), 0x811c9dc5u);
    cr_assert_eq(bloom_fnv1a_32(NULL, 0), 0x811c9dc5u);
    cr_assert_eq(bloom_fnv1a_32("a", 1), 0xe40c292cu);
    cr_assert_eq(bloom_fnv1a_32("foobar", 6), 0xbf9cf968u);
    cr_assert_eq(bloom_murmur3_32("test", 4, 0x9747b28cu), 0x704b81dcu);
    cr_assert_eq(bloom_murmur3_32("Hello, world!", 13, 0x9747b28cu), 0x24884cbau);
    cr_assert_eq(bloom_murmur3_32("", 0, 0), 0u);
    cr_assert_eq(bloom_murmur3_32(NULL, 0, 1), 0x514e28b7u);
    cr_assert_eq(bloom_murmur3_32("", 0, 0xffffffffu), 0x81f16f39u);
    cr_assert_eq(bloom_murmur3_32("\xff\xff\xff\xff", 4, 0), 0x76293b50u);
    cr_assert_eq(bloom_murmur3_32("\x21\x43\x65\x87", 4, 0x5082edeeu), 0x2362f9deu);
    cr_assert_eq(bloom_murmur3_32("\x21\x43\x65", 3, 0), 0x7e4a8634u);
    cr_assert_eq(bloom_murmur3_32("\x21\x43", 2, 0), 0xa0f7b07au);
    cr_assert_eq(bloom_murmur3_32("\x21", 1, 0), 0x72661cf4u);
    cr_assert_eq(bloom_murmur3_32("\0\0\0", 3, 0), 0x85f0b427u);
}

Test(bloom, geometry)
{
    struct bloom_params params = {0};
    /* -(1000 ln 0.001)/(ln 2)^2 = 14377.6, and 14.378 ln 2 = 9.966: both up. */
    cr_assert_eq(bloom_params_choose(1000, 0.001, 7, &params), BLOOM_OK);
    cr_assert_eq(params.bit_count, 14378u);
    cr_assert_eq(params.hash_count, 10u);
    cr_assert_eq(params.murmur_seed, 7u);
    /* -ln(0.5)/(ln 2)^2 = 1.44: 2 bits; 2 ln 2 = 1.39: 2 hashes, where rounding to nearest says 1.
     */
    cr_assert_eq(bloom_params_choose(1, 0.5, 0, &params), BLOOM_OK);
    cr_assert_eq(params.bit_count, 2u);
    cr_assert_eq(params.hash_count, 2u);
    cr_assert_eq(bloom_params_choose(1, 0x1p-1074, 0, &params), BLOOM_OK);
    cr_assert_leq(params.hash_count, (uint32_t)BLOOM_MAX_HASH_COUNT);
    cr_assert_eq(bloom_params_choose(1, nextafter(1.0, 0.0), 0, &params), BLOOM_OK);
    cr_assert_eq(params.bit_count, 1u);
    cr_assert_eq(params.hash_count, 1u);
}

Test(bloom, a_rate_for_a_size)
{
    static const uint64_t items[] = {1, 2, 7, 1000, 999983, 123456789};
    static const size_t sizes[] = {1, 2, 3, 1000, 65537, 2000000, 500000000};
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            struct bloom_params params = {0};
            const double rate = bloom_rate_of_size(items[i], sizes[k]);
            if (8.0 * (double)sizes[k] / (double)items[i] > 1000)
                continue; /* no rate is so small */
            cr_assert_eq(bloom_params_choose(items[i], rate, 0, &params), BLOOM_OK);
            cr_assert_leq(params.bit_count, 8 * sizes[k]);
            cr_assert_geq(params.bit_count + 1, 8 * sizes[k]);
        }
    }
    cr_assert_float_eq(bloom_rate_of_size(1000, 1798), 0.001, 1e-5);
    cr_assert_eq(bloom_rate_of_size(1, 1 << 20), 0);
}

Test(bloom, geometry_refuses)
{
    struct bloom_params params = {.bit_count = 1, .hash_count = 2, .murmur_seed = 3};
    cr_assert_eq(bloom_params_choose(0, 0.001, 0, &params), BLOOM_NO_ITEMS);
    const double bad[] = {0.0, 1.0, -0.5, 1.5, (double)NAN, (double)INFINITY, -(double)INFINITY};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        cr_assert_eq(bloom_params_choose(10, bad[i], 0, &params), BLOOM_BAD_RATE);
    cr_assert_eq(bloom_params_choose(UINT64_MAX, 0.001, 0, &params), BLOOM_TOO_MANY_BITS);
    /* 14.3776 bits an item: 2^32 - 1 bits hold 298,727,106 items and not one more. */
    cr_assert_eq(bloom_params_choose(298800000, 0.001, 0, &params), BLOOM_TOO_MANY_BITS);
    cr_assert_eq(params.bit_count, 1u, "left alone on failure");
    cr_assert_eq(bloom_params_choose(298700000, 0.001, 0, &params), BLOOM_OK);

    params = (struct bloom_params){.bit_count = 0, .hash_count = 1};
    cr_assert_eq(bloom_params_check(&params), BLOOM_BAD_BIT_COUNT);
    params = (struct bloom_params){.bit_count = 8, .hash_count = 0};
    cr_assert_eq(bloom_params_check(&params), BLOOM_BAD_HASH_COUNT);
    params.hash_count = BLOOM_MAX_HASH_COUNT + 1;
    cr_assert_eq(bloom_params_check(&params), BLOOM_BAD_HASH_COUNT);
    params.hash_count = 1;
    uint8_t bits[2] = {0};
    struct bloom_builder builder;
    struct bloom_reader reader;
    cr_assert_eq(bloom_builder_init(&builder, &params, bits, 2), BLOOM_WRONG_SIZE);
    cr_assert_eq(bloom_reader_init(&reader, &params, bits, 0), BLOOM_WRONG_SIZE);
    for (int i = BLOOM_OK; i <= BLOOM_WRONG_SIZE; i++)
        cr_assert_neq(bloom_result_text((enum bloom_result)i)[0], '\0');
}

/* The definition, with the division that the code avoids. */
static uint32_t slow_position(const struct bloom_params *params, struct span key, uint32_t i)
{
    const uint32_t h1 = bloom_fnv1a_32(key.data, key.size);
    const uint32_t h2 = bloom_murmur3_32(key.data, key.size, params->murmur_seed);
    const uint64_t sum = (uint64_t)h1 + (uint64_t)i * h2;
    return (uint32_t)(sum & UINT32_MAX) % params->bit_count;
}

Test(bloom, positions_equal_true_division)
{
    struct random_seeded random;
    const uint8_t seed[RANDOM_SEED_BYTES] = {1};
    (void)random_seeded_init(&random, seed);
    const uint32_t edges[] = {1,          2,          3,          7,          8,
                              9,          255,        65535,      65536,      65537,
                              0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};
    for (size_t round = 0; round < 2000; round++) {
        const uint64_t drawn = random_seeded_u64(&random);
        const unsigned shift = (unsigned)(drawn >> 32) % 32;
        uint32_t bit_count = (uint32_t)drawn >> shift;
        if (round < ARRAY_COUNT(edges))
            bit_count = edges[round];
        if (bit_count == 0)
            bit_count = 1;
        const struct bloom_params params = {.bit_count = bit_count,
                                            .hash_count = 50,
                                            .murmur_seed = (uint32_t)random_seeded_u64(&random)};
        uint8_t key[24];
        for (size_t i = 0; i < sizeof key; i++)
            key[i] = (uint8_t)random_seeded_u64(&random);
        const struct span text = span_of(key, round % (sizeof key + 1));
        uint32_t positions[50];
        bloom_positions(&params, text.data, text.size, positions);
        for (uint32_t i = 0; i < params.hash_count; i++)
            cr_assert_eq(positions[i], slow_position(&params, text, i), "bits %u, i %u", bit_count,
                         i);
    }
}

Test(bloom, wrap_matters)
{
    /* The case is only worth something if a 64-bit sum gives another position. */
    const struct bloom_params params = {.bit_count = 1000003, .hash_count = 10, .murmur_seed = 5};
    const struct span key = span_of_text("example.com/path");
    const uint32_t h1 = bloom_fnv1a_32(key.data, key.size);
    const uint32_t h2 = bloom_murmur3_32(key.data, key.size, 5);
    uint32_t positions[10];
    bloom_positions(&params, key.data, key.size, positions);
    const uint64_t unwrapped = ((uint64_t)h1 + UINT64_C(9) * h2) % params.bit_count;
    cr_assert_gt((uint64_t)h1 + UINT64_C(9) * h2, UINT32_MAX);
    cr_assert_neq(positions[9], unwrapped);
}

/* Every key is in; the bits are exactly those of the positions; spare bits stay zero. */
Test(bloom, builder_sets_the_positions)
{
    const uint32_t bit_counts[] = {1, 7, 8, 9, 1021, 100003};
    const uint32_t hash_counts[] = {1, 2, 10, 63, 513, BLOOM_MAX_HASH_COUNT};
    static uint8_t bits[12501], expected[12501];
    static uint32_t positions[BLOOM_MAX_HASH_COUNT];
    for (size_t b = 0; b < ARRAY_COUNT(bit_counts); b++) {
        for (size_t h = 0; h < ARRAY_COUNT(hash_counts); h++) {
            const struct bloom_params params = {.bit_count = bit_counts[b],
                                                .hash_count = hash_counts[h],
                                                .murmur_seed = 0xfedcba98};
            const size_t size = bloom_byte_count(params.bit_count);
            memset(bits, 0, sizeof bits);
            memset(expected, 0, sizeof expected);
            struct bloom_builder builder;
            cr_assert_eq(bloom_builder_init(&builder, &params, bits, size), BLOOM_OK);
            for (unsigned i = 0; i < 40; i++) {
                char key[32];
                const int length = snprintf(key, sizeof key, "%u.example.com", i * i);
                bloom_builder_add(&builder, key, (size_t)length);
                bloom_positions(&params, key, (size_t)length, positions);
                for (uint32_t k = 0; k < params.hash_count; k++)
                    expected[positions[k] / 8] |= (uint8_t)(1u << positions[k] % 8);
                if (i == 20)
                    bloom_builder_finish(&builder);
            }
            bloom_builder_finish(&builder);
            cr_assert_eq(memcmp(bits, expected, sizeof bits), 0);
            cr_assert_eq(bloom_count_spare_set(bits, params.bit_count), 0u);
            struct bloom_reader reader;
            cr_assert_eq(bloom_reader_init(&reader, &params, bits, size), BLOOM_OK);
            for (unsigned i = 0; i < 40; i++) {
                char key[32];
                const int length = snprintf(key, sizeof key, "%u.example.com", i * i);
                cr_assert(bloom_reader_has_key(&reader, key, (size_t)length));
            }
            uint64_t set = 0;
            for (uint32_t i = 0; i < params.bit_count; i++)
                set += (unsigned)bits[i / 8] >> i % 8 & 1u;
            cr_assert_eq(bloom_count_set(bits, params.bit_count), set);
        }
    }
}

/* Keys of all short lengths, in every place of a batch: the same as one by one. */
Test(bloom, batches_hash_as_single_keys)
{
    enum { KEYS = 403 };
    static uint8_t text[KEYS + 128];
    static struct bloom_key keys[KEYS];
    static struct bloom_hashes hashes[KEYS];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 97 + i / 7);
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = (struct bloom_key){.data = text + i, .size = i * i % 53};
    for (size_t count = 0; count <= KEYS; count += count < 10 ? 1 : 131) {
        memset(hashes, 0, sizeof hashes);
        bloom_hash_keys(keys, count, 0x9747b28c, hashes);
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(hashes[i].fnv, bloom_fnv1a_32(keys[i].data, keys[i].size));
            cr_assert_eq(hashes[i].murmur,
                         bloom_murmur3_32(keys[i].data, keys[i].size, 0x9747b28c));
        }
        for (size_t i = count; i < KEYS; i++)
            cr_assert_eq(hashes[i].fnv | hashes[i].murmur, 0u);
    }
}

/* Windows that cover the filter give together what one builder gives. */
Test(bloom, windows_share_out_a_filter)
{
    enum { BITS = 5003, KEYS = 300 };
    static uint8_t bits[(BITS + 7) / 8], expected[(BITS + 7) / 8];
    static const uint32_t edges[] = {0, 8, 8, 2048, 5000, BITS};
    const struct bloom_params params = {.bit_count = BITS, .hash_count = 7, .murmur_seed = 3};
    struct bloom_hashes hashes[KEYS];
    struct bloom_builder builder;
    cr_assert_eq(bloom_builder_init(&builder, &params, expected, sizeof expected), BLOOM_OK);
    for (uint32_t i = 0; i < KEYS; i++) {
        const struct bloom_key key = {.data = (const uint8_t *)&i, .size = sizeof i};
        bloom_hash_keys(&key, 1, params.murmur_seed, &hashes[i]);
        bloom_builder_add(&builder, key.data, key.size);
    }
    bloom_builder_finish(&builder);
    for (size_t i = 0; i + 1 < ARRAY_COUNT(edges); i++) {
        cr_assert_eq(bloom_builder_init(&builder, &params, bits, sizeof bits), BLOOM_OK);
        bloom_builder_set_window(&builder, edges[i], edges[i + 1] - edges[i]);
        bloom_builder_add_hashes(&builder, hashes, KEYS);
        bloom_builder_finish(&builder);
        for (uint32_t bit = edges[i + 1]; bit < BITS; bit++)
            cr_assert_eq((unsigned)bits[bit / 8] >> bit % 8 & 1u, 0u);
    }
    cr_assert_eq(memcmp(bits, expected, sizeof bits), 0);
}

Test(bloom, false_positives_are_as_rare_as_asked)
{
    struct bloom_params params;
    cr_assert_eq(bloom_params_choose(10000, 0.01, 42, &params), BLOOM_OK);
    const size_t size = bloom_byte_count(params.bit_count);
    uint8_t *bits = mem_alloc_zeroed(size, 1);
    cr_assert_not_null(bits);
    struct bloom_builder builder;
    struct bloom_reader reader;
    cr_assert_eq(bloom_builder_init(&builder, &params, bits, size), BLOOM_OK);
    cr_assert_eq(bloom_reader_init(&reader, &params, bits, size), BLOOM_OK);
    unsigned found = 0;
    for (unsigned i = 0; i < 110000; i++) {
        char key[32];
        const int length = snprintf(key, sizeof key, "host%u.example", i);
        if (i < 10000)
            bloom_builder_add(&builder, key, (size_t)length);
        else
            found += bloom_reader_has_key(&reader, key, (size_t)length);
        if (i == 9999)
            bloom_builder_finish(&builder);
    }
    /* 1,000 expected; the keys are fixed, so this cannot flicker. */
    cr_assert(found > 800 && found < 1200, "%u false positives", found);
    const double fill = (double)bloom_count_set(bits, params.bit_count) / params.bit_count;
    cr_assert_lt(fabs(pow(fill, params.hash_count) - 0.01), 0.001);
    cr_assert_lt(fabs(bloom_expected_rate(&params, 10000) - 0.01), 0.001);
    mem_free(bits);
}

Test(bloom, spare_bits_are_counted)
{
    const uint8_t bits[2] = {0xff, 0xf9};
    cr_assert_eq(bloom_count_spare_set(bits, 10), 5u);
    cr_assert_eq(bloom_count_spare_set(bits, 16), 0u);
    cr_assert_eq(bloom_count_set(bits, 10), 9u);
    cr_assert_eq(bloom_count_set(bits, 16), 14u);
}
