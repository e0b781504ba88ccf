#include "pir-server/dataset/dataset_plan.h"

#include "base/mem.h"

#include <criterion/criterion.h>

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define HEAD                                                                                       \
    "{\"format\": 2, \"useCase\": \"a.b\", \"version\": \"0123456789abcdef\","                     \
    " \"rows\": {\"count\": 5, \"sha256\": \"" DIGEST "\"},"                                       \
    " \"prefilter\": {\"falsePositiveRate\": 0.001, \"murmurSeed\": 7, \"tag\": \"" DIGEST "\"},"  \
    " \"shape\": {\"shards\": 4, \"hashFunctions\": 1}, \"files\": {},"                            \
    " \"sources\": [{\"name\": \"x\", \"sha256\": \"" DIGEST "\"}]"

static const char whole[] =
    HEAD ", \"job\": {\"name\": \"night\", \"parts\": 3, \"settings\": [\"--seed 1\"]}}";

static struct error error;

static enum status parse(const char *text, struct dataset_plan *ret)
{
    return dataset_plan_parse(span_of_text(text), "x/plan.json", ret, &error);
}

Test(dataset_plan, reads_what_it_needs)
{
    struct dataset_plan plan;
    dataset_plan_init(&plan);
    cr_assert_eq(parse(whole, &plan), STATUS_OK, "%s", error.message);
    cr_assert_eq(plan.job.parts, 3);
    cr_assert_str_eq(plan.job.name, "night");
    cr_assert_eq(plan.source_count, 1);
    cr_assert_eq(plan.manifest.info.shard_count, 4);
    dataset_plan_deinit(&plan);
}

Test(dataset_plan, compares_jobs_and_says_what_differs)
{
    static const struct {
        const char *name;
        uint32_t parts;
        const char *setting;
        enum status status;
        const char *message;
    } cases[] = {
        {"night", 3, "--seed 1", STATUS_OK, ""},
        {"day", 3, "--seed 1", STATUS_MISMATCH, "\"night\", not of \"day\""},
        {"night", 2, "--seed 1", STATUS_MISMATCH, "in 3 parts, not 2"},
        {"night", 3, "--seed 2", STATUS_MISMATCH, "without --seed 2"},
        {"night", 3, NULL, STATUS_MISMATCH, "with --seed 1"},
    };
    struct dataset_plan plan;
    dataset_plan_init(&plan);
    cr_assert_eq(parse(whole, &plan), STATUS_OK, "%s", error.message);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *settings[] = {cases[i].setting};
        const struct dataset_plan_job job = {.name = cases[i].name,
                                             .parts = cases[i].parts,
                                             .settings = settings,
                                             .setting_count = cases[i].setting != NULL};
        error = (struct error){0};
        cr_assert_eq(dataset_plan_check_job(&plan, &job, &error), cases[i].status);
        cr_assert_not_null(strstr(error.message, cases[i].message), "%s", error.message);
    }
    dataset_plan_deinit(&plan);
}

Test(dataset_plan, compares_lists)
{
    const uint8_t digest[DATASET_DIGEST_BYTES] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                                  0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                                  0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                                  0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    const uint8_t other[DATASET_DIGEST_BYTES] = {0};
    struct dataset_plan plan;
    dataset_plan_init(&plan);
    cr_assert_eq(parse(whole, &plan), STATUS_OK, "%s", error.message);
    cr_assert_eq(dataset_plan_check_source(&plan, 0, "x", digest, &error), STATUS_OK);
    cr_assert_eq(dataset_plan_check_source(&plan, 1, "x", digest, &error), STATUS_MISMATCH);
    cr_assert_eq(dataset_plan_check_source(&plan, 0, "x", other, &error), STATUS_MISMATCH);
    dataset_plan_deinit(&plan);
}

Test(dataset_plan, refuses_what_is_none)
{
    static const struct {
        const char *text;
        enum status status;
        const char *message;
    } cases[] = {
        {"", STATUS_MALFORMED, "plan.json"},
        {HEAD "}", STATUS_INVALID, "$.job"},
        {HEAD ", \"job\": {\"name\": \"\", \"parts\": 0, \"settings\": []}}", STATUS_INVALID,
         "$.job.parts"},
        {HEAD ", \"job\": {\"name\": \"\", \"parts\": 65537, \"settings\": []}}", STATUS_INVALID,
         "$.job.parts"},
        {HEAD ", \"job\": {\"name\": \"a/b\", \"parts\": 1, \"settings\": []}}", STATUS_INVALID,
         "$.job.name"},
        {HEAD ", \"job\": {\"name\": 1, \"parts\": 1, \"settings\": []}}", STATUS_INVALID,
         "$.job.name"},
        {HEAD ", \"job\": {\"name\": \"\", \"parts\": 1, \"settings\": [1]}}", STATUS_INVALID,
         "$.job.settings[0]"},
        {HEAD ", \"imported\": {}, \"job\": {\"name\": \"\", \"parts\": 1, \"settings\": []}}",
         STATUS_INVALID, "has no plan"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct dataset_plan plan;
        dataset_plan_init(&plan);
        error = (struct error){0};
        cr_assert_eq(parse(cases[i].text, &plan), cases[i].status, "%zu: %s", i, error.message);
        cr_assert_not_null(strstr(error.message, cases[i].message), "%s", error.message);
        cr_assert_null(plan.root);
    }
}

Test(dataset_plan, survives_every_lack_of_memory)
{
    for (size_t n = 1;; n++) {
        struct dataset_plan plan;
        dataset_plan_init(&plan);
        mem_fail_nth(n);
        const enum status status = parse(whole, &plan);
        const bool has_failed = !mem_fail_pending();
        mem_fail_nth(0);
        dataset_plan_deinit(&plan);
        if (!has_failed) {
            cr_assert_eq(status, STATUS_OK);
            break;
        }
        cr_assert_eq(status, STATUS_NOMEM);
    }
}

Test(dataset_plan, becomes_the_manifest_of_the_version)
{
    struct dataset_plan plan;
    struct bytes json;
    dataset_plan_init(&plan);
    bytes_init(&json, DATASET_MANIFEST_MAX_BYTES);
    cr_assert_eq(parse(whole, &plan), STATUS_OK, "%s", error.message);
    struct dataset_file file = {.name = "rows.txt", .bytes = 9};
    const struct dataset_manifest files = {.files = &file, .file_count = 1};
    cr_assert_eq(dataset_plan_complete(&plan, &files, &json, &error), STATUS_OK);
    bytes_append_u8(&json, 0);
    const char *text = (const char *)json.data;
    cr_assert_null(strstr(text, "\"job\""));
    cr_assert_not_null(strstr(text, "\"rows.txt\""));
    cr_assert_lt((const void *)strstr(text, "\"files\""),
                 (const void *)strstr(text, "\"sources\""));
    bytes_deinit(&json);
    dataset_plan_deinit(&plan);
}
