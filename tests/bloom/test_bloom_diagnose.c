/* The mistakes themselves are made and found in tests/tools/bloom_diagnose.test.py, by a builder
 * that shares no code with this one. */
#include "bloom/bloom_diagnose.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define BITS   4096
#define HASHES 7

static const struct bloom_params params = {
    .bit_count = BITS, .hash_count = HASHES, .murmur_seed = 3};

static void build(uint8_t bits[BITS / 8], int key_count)
{
    struct bloom_builder builder;
    memset(bits, 0, BITS / 8);
    cr_assert_eq(bloom_builder_init(&builder, &params, bits, BITS / 8), BLOOM_OK);
    for (int i = 0; i < key_count; i++) {
        char key[32];
        const int size = snprintf(key, sizeof key, "%d.example.com", i);
        bloom_builder_add(&builder, key, (size_t)size);
    }
    bloom_builder_finish(&builder);
}

static enum status diagnose(const uint8_t *bits, int key_count, struct bloom_verdict *ret)
{
    struct bloom_diagnosis *diagnosis = NULL;
    enum status status = bloom_diagnosis_new(&params, span_of(bits, BITS / 8), &diagnosis, NULL);
    for (int i = 0; status == STATUS_OK && i < key_count; i++) {
        char key[32];
        bool is_in;
        snprintf(key, sizeof key, "%d.example.com", i);
        status = bloom_diagnosis_add(diagnosis, span_of_text(key), &is_in, NULL);
    }
    if (status == STATUS_OK)
        status = bloom_diagnosis_finish(diagnosis, ret, NULL);
    bloom_diagnosis_free(diagnosis);
    return status;
}

Test(bloom_diagnose, right_and_missing)
{
    static uint8_t bits[BITS / 8];
    struct bloom_verdict verdict;
    build(bits, 300);
    cr_assert_eq(diagnose(bits, 300, &verdict), STATUS_OK);
    cr_assert_eq(verdict.finding, BLOOM_FOUND_RIGHT);
    cr_assert(verdict.is_certain);
    cr_assert_eq(diagnose(bits, 400, &verdict), STATUS_OK);
    cr_assert_eq(verdict.finding, BLOOM_FOUND_MISSING);
    cr_assert_eq(verdict.key_count, 400u);
    cr_assert_geq(verdict.right_count, 300u);
    for (size_t i = 0; i < sizeof bits; i++) /* the other end of each byte */
        bits[i] = (uint8_t)((bits[i] * UINT64_C(0x0202020202) & UINT64_C(0x010884422010)) % 1023);
    cr_assert_eq(diagnose(bits, 300, &verdict), STATUS_OK);
    cr_assert_eq(verdict.finding, BLOOM_FOUND_MISTAKE);
    cr_assert_str_eq(verdict.mistakes[0].id, "msb-first");
    cr_assert_eq(verdict.mistake_count, 1u);
}

Test(bloom_diagnose, sample_and_rest_agree)
{
    static uint8_t bits[BITS / 8];
    struct bloom_verdict verdict;
    build(bits, 700);
    cr_assert_eq(diagnose(bits, 700, &verdict), STATUS_OK);
    cr_assert_eq(verdict.finding, BLOOM_FOUND_RIGHT);
    cr_assert_eq(verdict.right_count, 700u);
}

Test(bloom_diagnose, refuses_and_survives)
{
    static uint8_t bits[BITS / 8];
    struct bloom_diagnosis *diagnosis = NULL;
    struct bloom_verdict verdict;
    cr_assert_eq(bloom_diagnosis_new(&params, span_of(bits, 5), &diagnosis, NULL), STATUS_INVALID);
    cr_assert_eq(diagnose(bits, 0, &verdict), STATUS_INVALID);
    size_t tried = 0;
    for (size_t n = 1;; n++) {
        mem_fail_nth(n);
        const enum status status = diagnose(bits, 3, &verdict);
        const bool was_reached = !mem_fail_pending();
        mem_fail_nth(0);
        if (!was_reached) {
            cr_assert_eq(status, STATUS_OK);
            break;
        }
        tried++;
        cr_assert_eq(status, STATUS_NOMEM);
    }
    cr_assert_geq(tried, (size_t)3);
    bloom_diagnosis_free(NULL);
}
