#include "pir-server/pir/keyword_hash.h"

#include <criterion/criterion.h>
#include <string.h>

/* spec/keyword-pir.md section 12: computed by an independent model that reproduces the reference.
 */
struct known {
    const char *keyword;
    uint8_t hash[8];
    uint64_t mod_4;
    uint64_t mod_1000;
    uint64_t double_mod;
    uint64_t two[2];
    uint64_t three[3];
};
static const struct known KNOWN[] = {
    {"example.com",
     {0xa3, 0x79, 0xa6, 0xf6, 0xee, 0xaf, 0xb9, 0xa5},
     3,
     299,
     9,
     {13, 18},
     {885, 978, 442}},
    {"example.org",
     {0xbf, 0xab, 0xc3, 0x74, 0x32, 0x95, 0x8b, 0x06},
     3,
     767,
     1,
     {17, 18},
     {705, 130, 467}},
    {"www.apple.com/url-filter-test",
     {0xd2, 0x6b, 0x89, 0x7a, 0x35, 0xaa, 0xf4, 0x55},
     2,
     618,
     5,
     {7, 21},
     {71, 357, 609}},
    {"", {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14}, 3, 227, 6, {15, 13}, {455, 573, 419}},
};

Test(keyword_hash, known_answers)
{
    const struct sharding sha256 = {.function = SHARDING_SHA256};
    const struct sharding double_mod = {.function = SHARDING_DOUBLE_MOD, .other_shard_count = 57};
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        const struct known *known = &KNOWN[i];
        const uint64_t hash = keyword_hash(span_of_text(known->keyword));
        uint64_t expected = 0;
        for (size_t k = 0; k < 8; k++)
            expected |= (uint64_t)known->hash[k] << (8 * k);
        cr_expect_eq(hash, expected, "hash of '%s'", known->keyword);
        cr_expect_eq(sharding_shard_of(&sha256, hash, 4), known->mod_4);
        cr_expect_eq(sharding_shard_of(&sha256, hash, 1000), known->mod_1000);
        cr_expect_eq(sharding_shard_of(&double_mod, hash, 10), known->double_mod);
        uint64_t indices[3];
        keyword_bucket_indices(hash, 32, 2, indices);
        cr_expect(indices[0] == known->two[0] && indices[1] == known->two[1], "n=32 h=2 of '%s'",
                  known->keyword);
        keyword_bucket_indices(hash, 1000, 3, indices);
        for (size_t k = 0; k < 3; k++)
            cr_expect_eq(indices[k], known->three[k], "n=1000 h=3 index %zu of '%s'", k,
                         known->keyword);
    }
}

Test(keyword_hash, more_functions_than_buckets_accepts_a_repeated_index)
{
    uint64_t indices[3];
    keyword_bucket_indices(keyword_hash(span_of_text("example.com")), 2, 3, indices);
    cr_assert(indices[0] == 1 && indices[1] == 0 && indices[2] == 0);
    keyword_bucket_indices(keyword_hash(span_of_text("www.apple.com/url-filter-test")), 2, 3,
                           indices);
    cr_assert(indices[0] == 1 && indices[1] == 0 && indices[2] == 1);
}

Test(keyword_hash, one_bucket_takes_everything)
{
    uint64_t indices[KEYWORD_HASH_FUNCTIONS_MAX];
    keyword_bucket_indices(42, 1, KEYWORD_HASH_FUNCTIONS_MAX, indices);
    for (size_t i = 0; i < KEYWORD_HASH_FUNCTIONS_MAX; i++)
        cr_assert_eq(indices[i], 0);
}

Test(keyword_hash, the_first_indices_do_not_depend_on_how_many_are_asked_for)
{
    for (uint64_t hash = 0; hash < 500; hash++) {
        uint64_t few[2];
        uint64_t many[8];
        keyword_bucket_indices(hash * 0x9e3779b97f4a7c15u, 12, 2, few);
        keyword_bucket_indices(hash * 0x9e3779b97f4a7c15u, 12, 8, many);
        cr_assert(few[0] == many[0] && few[1] == many[1]);
        cr_assert_neq(few[0], few[1]);
    }
}

/* Several at a time, over the end of a group and around it, with every kernel there is. */
Test(keyword_hash, many_keys_are_as_one_after_the_other)
{
    enum { KEYS = 193, FUNCTIONS = 3, BUCKETS = 5 };
    static char text[KEYS][100];
    static struct span keywords[KEYS];
    static uint64_t hashes[KEYS];
    static uint32_t indices[KEYS * FUNCTIONS];
    const struct cpu cpu = cpu_detect();
    for (size_t i = 0; i < KEYS; i++) {
        memset(text[i], (int)('a' + i % 26), sizeof text[i]);
        keywords[i] = span_of(text[i], i % sizeof text[i]);
    }
    for (size_t k = 0; sha256_many_kernel_list(k) != NULL; k++) {
        const struct sha256_many_kernel *kernel = sha256_many_kernel_list(k);
        if (!sha256_many_kernel_runs_on(kernel, &cpu))
            continue;
        for (size_t count = 0; count <= KEYS; count += 64 - count % 2) {
            keyword_hash_many(kernel, keywords, count, hashes);
            keyword_bucket_indices_many(kernel, hashes, count, BUCKETS, FUNCTIONS, indices);
            for (size_t i = 0; i < count; i++) {
                uint64_t alone[FUNCTIONS];
                cr_assert_eq(hashes[i], keyword_hash(keywords[i]));
                keyword_bucket_indices(hashes[i], BUCKETS, FUNCTIONS, alone);
                for (size_t function = 0; function < FUNCTIONS; function++)
                    cr_assert_eq(indices[i * FUNCTIONS + function], alone[function]);
            }
        }
    }
}
