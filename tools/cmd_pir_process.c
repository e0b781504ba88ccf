/* blindlist pir process CONFIG.json: the reference's processing tool. */
#include "base/bytes.h"
#include "base/file.h"
#include "pir-server/dataset/process_run.h"
#include "tools/cmd_pir.h"
#include "tools/tool_json.h"
#include "tools/tool_threads.h"

#include <math.h>
#include <stdio.h>

enum { PROCESS_THREADS, PROCESS_JSON };
static const struct tool_option process_options[] = {
    [PROCESS_THREADS] = TOOL_THREADS_OPTION,
    [PROCESS_JSON] = {"json", 0, NULL, "print the summary as JSON"},
};

static void print_trial(const struct process_trial *trial)
{
    if (isinf(trial->noise_budget_bits))
        printf("  noise budget    infinite\n");
    else
        printf("  noise budget    %.1f bits, least of %zu trials\n", trial->noise_budget_bits,
               trial->count);
    printf("  evaluation key  %zu keys, %.1f kB\n", trial->key_count,
           (double)trial->key_bytes / 1e3);
    printf("  query           %zu ciphertexts, %.1f kB, %.1f ms\n", trial->query_ciphertexts,
           (double)trial->query_bytes / 1e3, trial->query_ms);
    printf("  response        %zu ciphertexts, %.1f kB, %zu entries, %.1f ms\n",
           trial->response_ciphertexts, (double)trial->response_bytes / 1e3,
           trial->entries_per_response, trial->answer_ms);
}

static void print_text(const struct process_report *report)
{
    printf("%zu rows, %llu shards\n", report->row_count, (unsigned long long)report->shard_count);
    if (report->merged_count > 0)
        printf("%zu rows were left out: another row has their key hash and value\n",
               report->merged_count);
    for (uint64_t i = 0; i < report->shard_count; i++) {
        const struct process_shard_report *shard = &report->shards[i];
        printf("shard %llu: %zu rows in %zu tables of %llu buckets, %llu bytes each, %llu x %llu "
               "plaintexts\n",
               (unsigned long long)i, shard->row_count, report->table_count,
               (unsigned long long)shard->buckets_per_table,
               (unsigned long long)shard->bucket_bytes, (unsigned long long)shard->dimensions[0],
               (unsigned long long)shard->dimensions[1]);
        if (shard->trial.count > 0)
            print_trial(&shard->trial);
    }
}

static json_t *trial_json(const struct process_trial *trial)
{
    if (trial->count == 0)
        return json_null();
    return json_pack(
        "{s:o, s:o, s:{s:o, s:o}, s:{s:o, s:o}, s:{s:o, s:o}, s:o, s:f, s:f}", "trials",
        json_count(trial->count), "noiseBudget",
        isinf(trial->noise_budget_bits) ? json_null() : json_real(trial->noise_budget_bits),
        "evaluationKey", "keyCount", json_count(trial->key_count), "sizeBytes",
        json_count(trial->key_bytes), "query", "ciphertextCount",
        json_count(trial->query_ciphertexts), "sizeBytes", json_count(trial->query_bytes),
        "response", "ciphertextCount", json_count(trial->response_ciphertexts), "sizeBytes",
        json_count(trial->response_bytes), "entryCountPerResponse",
        json_count(trial->entries_per_response), "queryMs", trial->query_ms, "answerMs",
        trial->answer_ms);
}

static int print_json(const struct process_report *report)
{
    json_t *shards = json_array();
    for (uint64_t i = 0; i < report->shard_count; i++) {
        const struct process_shard_report *shard = &report->shards[i];
        json_array_append_new(shards, json_pack("{s:o, s:o, s:o, s:[o, o], s:o}", "rows",
                                                json_count(shard->row_count), "bucketsPerTable",
                                                json_count(shard->buckets_per_table), "bucketBytes",
                                                json_count(shard->bucket_bytes), "dimensions",
                                                json_count(shard->dimensions[0]),
                                                json_count(shard->dimensions[1]), "validation",
                                                trial_json(&shard->trial)));
    }
    json_t *root = json_pack("{s:o, s:o, s:o, s:o}", "rows", json_count(report->row_count),
                             "mergedRows", json_count(report->merged_count), "tables",
                             json_count(report->table_count), "shards", shards);
    return tool_print_json(root);
}

static enum status read_config(const char *path, struct process_config *ret, struct error *err)
{
    struct bytes file;
    bytes_init(&file, PROCESS_CONFIG_MAX_BYTES);
    enum status st = file_read(path, &file, err);
    if (st == STATUS_OK) {
        st = process_config_read(bytes_view(&file), ret, err);
        if (st != STATUS_OK)
            st = error_prefix(err, st, "%s", path);
    }
    bytes_deinit(&file);
    return st;
}

static int run_process(struct tool_args *args)
{
    struct process_config config = {0};
    struct process_report report = {0};
    struct thread_pool *pool = NULL;
    const char *path = NULL;
    size_t threads = 0; /* as many as cores */
    bool as_json = false;
    struct error err;
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        switch (got) {
        case TOOL_OPERAND:
            if (path != NULL)
                return tool_usage_error(args, "one configuration, not also %s", args->value);
            path = args->value;
            break;
        case PROCESS_THREADS:
            if (tool_take_threads(args, &threads) != EXIT_DONE)
                return EXIT_USAGE;
            break;
        case PROCESS_JSON:
            as_json = true;
            break;
        default:
            return args->exit_code;
        }
    }
    if (path == NULL)
        return tool_usage_error(args, "which configuration? A file is missing");
    enum status st = read_config(path, &config, &err);
    if (st == STATUS_OK)
        st = tool_thread_pool_new(threads, &pool, &err);
    if (st == STATUS_OK)
        st = process_run(&config, pool, true, &report, &err);
    int code = EXIT_DONE;
    if (st != STATUS_OK)
        code = tool_fail(&err);
    else if (as_json)
        code = print_json(&report);
    else
        print_text(&report);
    process_report_deinit(&report);
    thread_pool_free(pool);
    process_config_deinit(&config);
    return code;
}

const struct tool_command cmd_pir_process = {
    .name = "pir process",
    .synopsis = "CONFIG.json [--threads N] [--json]",
    .summary = "turn a database into processed shards",
    .details = "Takes the configuration of the reference's PIRProcessDatabase unchanged. Relative "
               "paths are\nrelative to the working directory. An outputDatabase that ends in .pir "
               "is written in our\nmappable format. Index databases, symmetric PIR and parameters "
               "of 64 bits are refused.",
    .options = process_options,
    .option_count = ARRAY_COUNT(process_options),
    .has_kernels = true,
    .run = run_process,
};
