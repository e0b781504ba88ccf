#include "base/mem.h"
#include "pir-server/dataset/process_config.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define REQUIRED                                                                                   \
    "\"inputDatabase\":\"in.txtpb\",\"outputDatabase\":\"o-SHARD_ID\","                            \
    "\"outputPirParameters\":\"p-SHARD_ID\",\"rlweParameters\":\"n_4096_logq_27_28_28_logt_5\""

static enum status read_text(const char *text, struct process_config *ret, struct error *err)
{
    return process_config_read(span_of_text(text), ret, err);
}

Test(process_config, defaults_are_the_references)
{
    struct process_config config = {0};
    struct error error = {0};
    cr_assert_eq(read_text("{" REQUIRED "}", &config, &error), STATUS_OK, "%s", error.message);
    cr_assert_str_eq(config.input_database, "in.txtpb");
    cr_assert_null(config.output_key_config);
    cr_assert_eq(config.shard_count, 1);
    cr_assert_eq(config.trials_per_shard, 1);
    const struct pir_processing *processing = &config.processing;
    cr_assert_eq(processing->sharding.function, SHARDING_SHA256);
    cr_assert_eq(processing->key_compression, PIR_KEY_COMPRESSION_NONE);
    cr_assert(processing->uneven_dimensions);
    cr_assert_not(processing->use_max_bucket_bytes);
    cr_assert_eq(processing->table.hash_function_count, 2);
    cr_assert_eq(processing->table.max_eviction_count, 100);
    cr_assert_eq(processing->table.slot_count, 255);
    cr_assert(processing->table.allow_expansion);
    cr_assert_float_eq(processing->table.expansion_factor, 1.1, 1e-12);
    cr_assert_float_eq(processing->table.target_load_factor, 0.9, 1e-12);
    process_config_deinit(&config);
}

Test(process_config, the_default_bucket_size_follows_from_the_longest_value)
{
    struct process_config config = {0};
    struct pir_processing settings;
    cr_assert_eq(read_text("{" REQUIRED "}", &config, NULL), STATUS_OK);
    static const size_t CASES[][2] = {{0, 1024},    {1, 1024},    {1012, 1024}, {1013, 2048},
                                      {2037, 2048}, {2038, 4096}, {5000, 6144}};
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        cr_assert_eq(process_config_settings(&config, CASES[i][0], &settings, NULL), STATUS_OK);
        cr_assert_eq(settings.table.bucket_bytes, CASES[i][1], "longest value %zu", CASES[i][0]);
    }
    cr_assert_eq(process_config_settings(&config, 65536, &settings, NULL), STATUS_TOO_LARGE);
    process_config_deinit(&config);

    cr_assert_eq(read_text("{" REQUIRED ",\"cuckooTableArguments\":"
                           "{\"maxSerializedBucketSize\":100}}",
                           &config, NULL),
                 STATUS_OK);
    cr_assert_eq(process_config_settings(&config, 89, &settings, NULL), STATUS_OK);
    cr_assert_eq(settings.table.bucket_bytes, 100);
    cr_assert_eq(process_config_settings(&config, 90, &settings, NULL), STATUS_INVALID);
    process_config_deinit(&config);
}

Test(process_config, shards_by_entries)
{
    static const struct {
        const char *sharding;
        uint64_t rows;
        uint64_t shards;
    } CASES[] = {
        {"{\"entryCountPerShard\":100}", 0, 1},
        {"{\"entryCountPerShard\":100}", 99, 1},
        {"{\"entryCountPerShard\":100}", 799, 7},
        {"{\"entryCountPerShard\":100,\"maxShardCount\":5}", 799, 5},
        {"{\"entryCountPerShard\":100,\"requirePowerOfTwoShardCount\":true}", 799, 4},
        {"{\"entryCountPerShard\":1,\"maxShardCount\":13,\"requirePowerOfTwoShardCount\":true}",
         1000, 8},
        {"{\"shardCount\":4,\"maxShardCount\":4,\"requirePowerOfTwoShardCount\":true}", 3, 4},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        char text[512];
        struct process_config config = {0};
        struct error error = {0};
        uint64_t shards = 0;
        snprintf(text, sizeof text, "{" REQUIRED ",\"sharding\":%s}", CASES[i].sharding);
        cr_assert_eq(read_text(text, &config, &error), STATUS_OK, "%s", error.message);
        cr_assert_eq(process_config_shard_count(&config, CASES[i].rows, &shards, NULL), STATUS_OK);
        cr_assert_eq(shards, CASES[i].shards, "case %zu", i);
        process_config_deinit(&config);
    }
    struct process_config config = {0};
    uint64_t shards;
    cr_assert_eq(read_text("{" REQUIRED ",\"sharding\":{\"entryCountPerShard\":1}}", &config, NULL),
                 STATUS_OK);
    cr_assert_eq(process_config_shard_count(&config, 1000000, &shards, NULL), STATUS_TOO_LARGE);
    process_config_deinit(&config);
}

/* What stands behind REQUIRED, and what must come of it. */
static const struct {
    const char *more;
    enum status expected;
    const char *message;
} CASES[] = {
    {",", STATUS_OK, NULL},
    {",\"sharding\":null,\"algorithm\":null,\"symmetricPirArguments\":null", STATUS_OK, NULL},
    {",\"shardingFunction\":{\"sha256\":null}", STATUS_OK, NULL},
    {",\"shardingFunction\":{\"doubleMod\":57}", STATUS_OK, NULL},
    {",\"shardingFunction\":\"sha256\"", STATUS_MALFORMED, "shardingFunction: must be an object"},
    {",\"shardingFunction\":{}", STATUS_INVALID, "shardingFunction: exactly one"},
    {",\"shardingFunction\":{\"doubleMod\":0}", STATUS_INVALID, "shardingFunction.doubleMod: 0"},
    {",\"shardingFunction\":{\"md5\":0}", STATUS_INVALID, "neither sha256 nor doubleMod"},
    {",\"sharding\":{}", STATUS_INVALID, "sharding: exactly one"},
    {",\"sharding\":{\"shardCount\":2,\"entryCountPerShard\":2}", STATUS_INVALID, "exactly one"},
    {",\"sharding\":{\"shardCount\":0}", STATUS_INVALID, "sharding.shardCount: 0 is not in"},
    {",\"sharding\":{\"shardCount\":3,\"requirePowerOfTwoShardCount\":true}", STATUS_INVALID,
     "no power of two"},
    {",\"sharding\":{\"shardCount\":3,\"maxShardCount\":2}", STATUS_INVALID, "above maxShardCount"},
    {",\"sharding\":{\"shardCount\":1.5}", STATUS_MALFORMED, "must be an integer"},
    {",\"sharding\":{\"shardCount\":1e300}", STATUS_MALFORMED, "must be an integer"},
    {",\"algorithm\":\"aclsPir\"", STATUS_UNSUPPORTED, "aclsPir"},
    {",\"algorithm\":\"x\"", STATUS_INVALID, "mulPir"},
    {",\"databaseType\":\"index\"", STATUS_UNSUPPORTED, "index databases"},
    {",\"databaseType\":\"x\"", STATUS_INVALID, "neither keyword nor index"},
    {",\"databaseType\":7", STATUS_MALFORMED, "must be a string"},
    {",\"symmetricPirArguments\":{}", STATUS_INVALID, "symmetricPirArguments: exactly one of"},
    {",\"symmetricPirArguments\":{\"databaseEncryptionKeyFilePath\":\"a\","
     "\"outputDatabaseEncryptionKeyFilePath\":\"b\"}",
     STATUS_INVALID, "symmetricPirArguments: exactly one of"},
    {",\"symmetricPirArguments\":7", STATUS_MALFORMED, "symmetricPirArguments: must be an object"},
    {",\"symmetricPirArguments\":{\"databaseEncryptionKeyFilePath\":\"a\",\"configType\":\"x\"}",
     STATUS_INVALID, "symmetricPirArguments.configType: is not OPRF_P384"},
    {",\"symmetricPirArguments\":{\"databaseEncryptionKeyFilePath\":\"\"}", STATUS_INVALID,
     "databaseEncryptionKeyFilePath: is empty"},
    {",\"symmetricPirArguments\":{\"outputDatabaseEncryptionKeyFilePath\":\"a\"}", STATUS_OK, NULL},
    {",\"keyCompression\":\"best\"", STATUS_INVALID, "keyCompression"},
    {",\"unevenDimensions\":1", STATUS_MALFORMED, "true or false"},
    {",\"trialsPerShard\":-1", STATUS_INVALID, "trialsPerShard: -1"},
    {",\"trialsPerShard\":0", STATUS_OK, NULL},
    {",\"encodingEntrySize\":true", STATUS_OK, NULL},
    {",\"outputEvaluationKeyConfig\":\"\"", STATUS_INVALID, "is empty"},
    {",\"cuckooTableArguments\":7", STATUS_MALFORMED, "cuckooTableArguments: must be an object"},
    {",\"cuckooTableArguments\":{\"slotCount\":256}", STATUS_INVALID,
     "cuckooTableArguments.slotCount: 256 is not in 1..255"},
    {",\"cuckooTableArguments\":{\"hashFunctionCount\":0}", STATUS_INVALID, "hashFunctionCount"},
    {",\"cuckooTableArguments\":{\"maxEvictionCount\":0}", STATUS_INVALID, "maxEvictionCount"},
    {",\"cuckooTableArguments\":{\"bucketCount\":{}}", STATUS_INVALID, "bucketCount: exactly one"},
    {",\"cuckooTableArguments\":{\"bucketCount\":{\"fixedSize\":{}}}", STATUS_INVALID,
     "cuckooTableArguments.bucketCount.fixedSize.bucketCount: is missing"},
    {",\"cuckooTableArguments\":{\"bucketCount\":{\"allowExpansion\":{\"expansionFactor\":1}}}",
     STATUS_INVALID, "expansion factor"},
    {",\"cuckooTableArguments\":{\"bucketCount\":{\"allowExpansion\":{\"targetLoadFactor\":1}}}",
     STATUS_INVALID, "load factor"},
    {",\"trialsPerShard\":1,\"trialsPerShard\":2", STATUS_MALFORMED, "line 1"},
    {",// no comments", STATUS_MALFORMED, "line 1"},
};

Test(process_config, values_are_checked_and_named)
{
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        char text[512];
        struct process_config config = {0};
        struct error error = {0};
        snprintf(text, sizeof text, "{" REQUIRED "%s}", CASES[i].more);
        cr_expect_eq(read_text(text, &config, &error), CASES[i].expected, "%s: %s", CASES[i].more,
                     error.message);
        if (CASES[i].message != NULL)
            cr_expect_not_null(strstr(error.message, CASES[i].message), "%s: %s", CASES[i].more,
                               error.message);
        process_config_deinit(&config);
    }
}

Test(process_config, outputs_need_the_shards_number)
{
    static const struct {
        const char *outputs;
        bool is_fine;
    } NAMES[] = {
        {"\"outputDatabase\":\"o\",\"outputPirParameters\":\"p\"", true},
        {"\"outputDatabase\":\"o\",\"outputPirParameters\":\"p\",\"sharding\":{\"shardCount\":1}",
         true},
        {"\"outputDatabase\":\"o\",\"outputPirParameters\":\"p\","
         "\"sharding\":{\"shardCount\":1,\"x\":1}",
         false},
        {"\"outputDatabase\":\"o\",\"outputPirParameters\":\"p\",\"sharding\":{\"shardCount\":2}",
         false},
        {"\"outputDatabase\":\"oSHARD_ID\",\"outputPirParameters\":\"p\","
         "\"sharding\":{\"entryCountPerShard\":2}",
         false},
        {"\"outputDatabase\":\"o\",\"outputPirParameters\":\"o\"", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        char text[512];
        struct process_config config = {0};
        snprintf(text, sizeof text,
                 "{\"inputDatabase\":\"i\",\"rlweParameters\":\"n_4096_logq_27_28_28_logt_5\",%s}",
                 NAMES[i].outputs);
        cr_expect_eq(read_text(text, &config, NULL) == STATUS_OK, NAMES[i].is_fine, "%s",
                     NAMES[i].outputs);
        process_config_deinit(&config);
    }
    char *path = process_config_path("a-SHARD_ID/b-SHARD_ID-SHARD_I", 17);
    cr_assert_str_eq(path, "a-17/b-17-SHARD_I");
    mem_free(path);
}

Test(process_config, strings_keep_their_commas)
{
    struct process_config config = {0};
    struct error error = {0};
    cr_assert_eq(read_text("{\"inputDatabase\":\"a\\\",]b,}\" , \"outputDatabase\":\"o\",\n"
                           "\"outputPirParameters\":\"p\",\"x\":[1,2,\n],\n"
                           "\"rlweParameters\":\"n_4096_logq_27_28_28_logt_5\" , }",
                           &config, &error),
                 STATUS_OK, "%s", error.message);
    cr_assert_str_eq(config.input_database, "a\",]b,}");
    process_config_deinit(&config);
}

Test(process_config, foreign_and_cut_files_are_malformed)
{
    struct process_config config = {0};
    static const char WHOLE[] = "{" REQUIRED "}";
    for (size_t size = 0; size < sizeof WHOLE - 1; size++)
        cr_assert_eq(process_config_read(span_of(WHOLE, size), &config, NULL), STATUS_MALFORMED);
    cr_assert_eq(read_text("[]", &config, NULL), STATUS_MALFORMED);
    cr_assert_eq(read_text("7", &config, NULL), STATUS_MALFORMED);
    char deep[4096];
    memset(deep, '[', sizeof deep);
    cr_assert_eq(process_config_read(span_of(deep, sizeof deep), &config, NULL), STATUS_MALFORMED);
}

Test(process_config, every_failed_allocation_is_reported)
{
    size_t n = 1;
    for (;; n++) {
        struct process_config config = {0};
        mem_fail_nth(n);
        const enum status st = read_text("{" REQUIRED "}", &config, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        process_config_deinit(&config);
        if (!reached) {
            cr_assert_eq(st, STATUS_OK);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM);
    }
    cr_assert_geq(n, 4);
}
