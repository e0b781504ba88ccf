#include "base/file.h"
#include "base/mem.h"
#include "pir-server/dataset/process_run.h"
#include "pir-server/dataset/process_trial.h"
#include "pir-server/wire/wire_parameters.h"
#include "tests/patience.h"
#include "tests/pir-server/pir/pir_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/blindlist-run-XXXXXX";

static void enter_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}
static void leave_folder(void)
{
    cr_assert_eq(chdir("/"), 0);
    folder_remove(folder);
}
TestSuite(process_run, .init = enter_folder, .fini = leave_folder);

static void write_text(const char *path, const char *text)
{
    cr_assert_eq(file_write(path, 0644, span_of_text(text), NULL), STATUS_OK);
}

/* A configuration with `more` behind the required keys. */
static struct process_config config_of(const char *more)
{
    struct process_config config = {0};
    struct error error = {0};
    char text[1024];
    snprintf(text, sizeof text,
             "{\"inputDatabase\":\"in.txtpb\",\"outputDatabase\":\"out-SHARD_ID.bin\","
             "\"outputPirParameters\":\"out-SHARD_ID.txtpb\","
             "\"outputEvaluationKeyConfig\":\"keys.txtpb\","
             "\"rlweParameters\":\"n_4096_logq_27_28_28_logt_5\"%s}",
             more);
    cr_assert_eq(process_config_read(span_of_text(text), &config, &error), STATUS_OK, "%s",
                 error.message);
    return config;
}

static enum status run(const char *more, struct process_report *ret, struct error *err)
{
    struct process_config config = config_of(more);
    const enum status st = process_run(&config, NULL, false, ret, err);
    process_config_deinit(&config);
    return st;
}

Test(process_run, a_database_without_rows_makes_valid_shards, .timeout = PATIENCE_OF_TEST_S)
{
    struct process_report report = {0};
    struct error error = {0};
    struct pir_parameters parameters;
    write_text("in.txtpb", "");
    cr_assert_eq(run(",\"sharding\":{\"shardCount\":2}", &report, &error), STATUS_OK, "%s",
                 error.message);
    cr_assert_eq(report.row_count, 0);
    cr_assert_eq(report.shards[1].trial.count, 0);
    cr_assert_eq(access("out-1.bin", R_OK), 0);
    cr_assert_eq(wire_parameters_read_file("out-1.txtpb", &parameters, &error), STATUS_OK);
    cr_assert_eq(pir_parameters_validate(&parameters, &error), STATUS_OK, "%s", error.message);
    process_report_deinit(&report);
}

Test(process_run, mixed_sizes_and_empty_values_pass_their_trials, .timeout = PATIENCE_OF_TEST_S)
{
    struct process_report report = {0};
    struct error error = {0};
    write_text("in.txtpb", "rows { keyword: \"a\" value: \"\" } rows { value: \"empty keyword\" }\n"
                           "rows { keyword: \"b\" value: \"\\000\\001\\377\" }\n"
                           "rows { keyword: \"c\" value: \"a longer value than the others\" }\n");
    cr_assert_eq(run(",\"trialsPerShard\":4", &report, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(report.shards[0].row_count, 4);
    cr_assert_eq(report.shards[0].trial.count, 4);
    cr_assert_gt(report.shards[0].trial.noise_budget_bits, 0.5);
    cr_assert_gt(report.shards[0].trial.entries_per_response, 3);
    process_report_deinit(&report);
}

Test(process_run, failures_say_where_and_write_nothing)
{
    struct process_report report = {0};
    struct error error = {0};
    cr_assert_eq(run("", &report, &error), STATUS_NOT_FOUND);
    write_text("in.txtpb", "rows { keyword: \"a\" value: \"1\" } rows { keyword: \"a\" }");
    cr_assert_eq(run("", &report, &error), STATUS_EXISTS);
    write_text("in.txtpb", "rows { keyword: 7 }");
    cr_assert_eq(run("", &report, &error), STATUS_MALFORMED);
    write_text("in.txtpb", "rows { keyword: \"a\" value: \"1\" } rows { keyword: \"b\" }");
    cr_assert_eq(run(",\"cuckooTableArguments\":{\"maxSerializedBucketSize\":11}", &report, &error),
                 STATUS_INVALID);
    cr_assert_eq(run(",\"cuckooTableArguments\":{\"maxSerializedBucketSize\":12,"
                     "\"bucketCount\":{\"fixedSize\":{\"bucketCount\":1}},\"hashFunctionCount\":1}",
                     &report, &error),
                 STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(error.message, "shard 0: a bucket overflows"), "%s", error.message);
    cr_assert_neq(access("out-0.bin", R_OK), 0);
    cr_assert_neq(access("out-0.txtpb", R_OK), 0);
    cr_assert_neq(access("keys.txtpb", R_OK), 0);
}

Test(process_run, trials_notice_a_wrong_shard)
{
    struct fixture_rows rows = fixture_rows_new(20, 1, 9, 1);
    struct pir_partition *partition = fixture_partition(&rows, 1);
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    struct bfv_context *context = NULL;
    struct pir_processing processing;
    struct pir_shard *shard = NULL;
    struct process_trial trial = {0};
    struct error error = {0};
    const struct random_source random = random_system();
    struct pir_shape_wish wish;
    pir_shape_wish_init(&wish);
    pir_processing_init(&encryption, 1, &processing);
    cr_assert_eq(pir_processing_choose(partition, &wish, &processing, NULL), STATUS_OK);
    cr_assert_eq(bfv_context_new(&encryption, 0, NULL, &context, NULL), STATUS_OK);
    cr_assert_eq(pir_process_shard(context, partition, 0, &processing, 0, &shard, NULL), STATUS_OK);
    cr_assert_eq(process_trial_run(context, shard, rows.rows[3].keyword, rows.rows[3].value,
                                   &random, &trial, &error),
                 STATUS_OK, "%s", error.message);
    cr_assert_eq(process_trial_run(context, shard, rows.rows[3].keyword, span_of_text("other"),
                                   &random, &trial, &error),
                 STATUS_MISMATCH);
    cr_assert_eq(process_trial_run(context, shard, span_of_text("absent"), rows.rows[3].value,
                                   &random, &trial, &error),
                 STATUS_MISMATCH);
    cr_assert_eq(trial.count, 1);
    pir_shard_free(shard);
    bfv_context_free(context);
    pir_partition_free(partition);
    fixture_rows_free(&rows);
}

Test(process_run, every_failed_allocation_is_reported, .timeout = PATIENCE_OF_TEST_S)
{
    size_t n = 1;
    write_text("in.txtpb", "rows { keyword: \"a\" value: \"1\" } rows { keyword: \"b\" }");
    /* One hash function keeps the shard small. Steps of growing size: a run takes its time. */
    struct process_config config = config_of(",\"cuckooTableArguments\":{\"hashFunctionCount\":1}");
    for (;; n += 1 + n / 12) {
        struct process_report report = {0};
        mem_fail_nth(n);
        const enum status st = process_run(&config, NULL, false, &report, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        process_report_deinit(&report);
        if (!reached) {
            cr_assert_eq(st, STATUS_OK);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM, "allocation %zu", n);
    }
    cr_assert_gt(n, 50);
    process_config_deinit(&config);
}
