#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/keyword_hash.h"

#include <criterion/criterion.h>

/* spec/keyword-pir.md section 3.2. */
static const uint8_t EXAMPLE[] = {0x02, 0xa3, 0x79, 0xa6, 0xf6, 0xee, 0xaf, 0xb9, 0xa5,
                                  0x01, 0x00, 0x31, 0xbf, 0xab, 0xc3, 0x74, 0x32, 0x95,
                                  0x8b, 0x06, 0x03, 0x00, 0x01, 0x02, 0x03};

Test(hash_bucket, writes_the_example)
{
    static const uint8_t value[] = {1, 2, 3};
    const struct hash_bucket_slot slots[] = {
        {keyword_hash(span_of_text("example.com")), span_of("1", 1)},
        {keyword_hash(span_of_text("example.org")), span_of(value, sizeof value)},
    };
    uint8_t out[64];
    cr_assert_eq(hash_bucket_size(slots, 2), sizeof EXAMPLE);
    cr_assert_eq(hash_bucket_write(slots, 2, out), sizeof EXAMPLE);
    cr_assert_arr_eq(out, EXAMPLE, sizeof EXAMPLE);
}

Test(hash_bucket, an_empty_bucket_is_one_zero)
{
    uint8_t out[2] = {7, 7};
    cr_assert_eq(hash_bucket_write(NULL, 0, out), 1);
    cr_assert(out[0] == 0 && out[1] == 7);
}

Test(hash_bucket, finds_and_misses)
{
    const struct span bucket = span_of(EXAMPLE, sizeof EXAMPLE);
    bool found = false;
    struct span value;
    cr_assert_eq(
        hash_bucket_find(bucket, keyword_hash(span_of_text("example.org")), &found, &value, NULL),
        STATUS_OK);
    cr_assert(found);
    cr_assert_eq(value.size, 3);
    cr_assert_eq(value.data[2], 3);
    cr_assert_eq(hash_bucket_find(bucket, 1, &found, &value, NULL), STATUS_OK);
    cr_assert_not(found);
}

Test(hash_bucket, the_first_of_equal_hashes_wins)
{
    const struct hash_bucket_slot slots[] = {{5, span_of("a", 1)}, {5, span_of("b", 1)}};
    uint8_t out[64];
    const size_t size = hash_bucket_write(slots, 2, out);
    bool found = false;
    struct span value;
    cr_assert_eq(hash_bucket_find(span_of(out, size), 5, &found, &value, NULL), STATUS_OK);
    cr_assert(found && value.data[0] == 'a');
}

Test(hash_bucket, every_cut_is_malformed_even_behind_the_slot_that_is_sought)
{
    const uint64_t first = keyword_hash(span_of_text("example.com"));
    for (size_t size = 0; size < sizeof EXAMPLE; size++) {
        bool found;
        struct span value;
        struct error error;
        cr_assert_eq(hash_bucket_find(span_of(EXAMPLE, size), first, &found, &value, &error),
                     STATUS_MALFORMED, "cut at %zu", size);
    }
}

Test(hash_bucket, padding_is_ignored_and_slots_are_parsed)
{
    uint8_t padded[sizeof EXAMPLE + 9] = {0};
    struct hash_bucket_slot slots[HASH_BUCKET_SLOTS_MAX];
    size_t count;
    memcpy(padded, EXAMPLE, sizeof EXAMPLE);
    padded[sizeof padded - 1] = 0xff;
    cr_assert_eq(hash_bucket_parse(span_of(padded, sizeof padded), slots, &count, NULL), STATUS_OK);
    cr_assert_eq(count, 2);
    cr_assert_eq(slots[1].hash, keyword_hash(span_of_text("example.org")));
    cr_assert_eq(hash_bucket_parse(span_of(padded, 5), slots, &count, NULL), STATUS_MALFORMED);
}
