#include "pir-server/dataset/process_run.h"

#include "base/mem.h"
#include "base/progress.h"
#include "pir-server/dataset/symmetric_rows.h"
#include "pir-server/oprf/symmetric_key.h"
#include "pir-server/pir/pir_shard_bin.h"
#include "pir-server/wire/keyword_database.h"

#include <pthread.h>

/* ---- rows ---- */

/* All rows of the input, one after the other in one block. */
struct row_store {
    struct bytes text;
    struct stored_row {
        size_t at;
        uint32_t keyword_size;
        uint32_t value_size;
    } * rows;
    size_t count;
    size_t capacity;
};

static enum status store_row(void *context, struct span keyword, struct span value,
                             struct error *err)
{
    struct row_store *store = context;
    if (store->count == store->capacity) {
        const size_t capacity = store->capacity == 0 ? 1024 : store->capacity * 2;
        struct stored_row *rows = mem_realloc(store->rows, capacity, sizeof *rows);
        if (rows == NULL)
            return error_set(err, STATUS_NOMEM, "no memory for %zu rows", capacity);
        store->rows = rows;
        store->capacity = capacity;
    }
    if (keyword.size > UINT32_MAX || value.size > UINT32_MAX)
        return error_set(err, STATUS_TOO_LARGE, "a row exceeds 4 GiB");
    store->rows[store->count++] = (struct stored_row){.at = store->text.size,
                                                      .keyword_size = (uint32_t)keyword.size,
                                                      .value_size = (uint32_t)value.size};
    bytes_append(&store->text, keyword);
    bytes_append(&store->text, value);
    return bytes_status(&store->text, "database", err);
}

static struct span store_keyword(const void *context, size_t row)
{
    const struct row_store *store = context;
    return span_of(store->text.data + store->rows[row].at, store->rows[row].keyword_size);
}

static struct span store_value(const void *context, size_t row)
{
    const struct row_store *store = context;
    return span_of(store->text.data + store->rows[row].at + store->rows[row].keyword_size,
                   store->rows[row].value_size);
}

/* ---- shards ---- */

struct run {
    const struct process_config *config;
    const struct bfv_context *context;
    const struct pir_partition *partition;
    struct pir_rows rows;
    struct process_report *report;
    pthread_mutex_t lock; /* of report->evaluation_key */
};

static enum status prove(const struct run *run, uint64_t shard, const struct pir_shard *processed,
                         struct process_trial *trial, struct error *err)
{
    const struct random_source random = random_system();
    size_t count;
    const struct pir_partition_entry *entries = pir_partition_shard(run->partition, shard, &count);
    for (size_t i = 0; i < run->config->trials_per_shard && count > 0; i++) {
        /* Any row will do: entries are sorted by hash, so these are spread. */
        const size_t row = entries[i * 7919 % count].row;
        const enum status st =
            process_trial_run(run->context, processed, run->rows.keyword(run->rows.context, row),
                              run->rows.value(run->rows.context, row), &random, trial, err);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t size = strlen(text);
    return size >= strlen(end) && strcmp(text + size - strlen(end), end) == 0;
}

static enum status write_shard(const struct run *run, uint64_t shard,
                               const struct pir_shard *processed, struct error *err)
{
    char *database = process_config_path(run->config->output_database, shard);
    char *parameters = process_config_path(run->config->output_parameters, shard);
    enum status st = STATUS_OK;
    if (database == NULL || parameters == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for the name of an output");
        goto done;
    }
    if (ends_with(database, ".pir")) {
        st = pir_shard_save(processed, database, err);
    } else {
        const struct pir_plaintext_source source = pir_shard_source(processed);
        st = pir_bin_write(database, run->context, pir_shard_layout(processed), &source, err);
    }
    if (st == STATUS_OK)
        st = wire_parameters_write_file(parameters, pir_shard_parameters(processed), err);
done:
    mem_free(database);
    mem_free(parameters);
    return st;
}

static enum status finish_shard(void *context, uint64_t shard, const struct pir_shard *processed,
                                struct error *err)
{
    struct run *run = context;
    struct process_shard_report *report = &run->report->shards[shard];
    const struct pir_parameters *parameters = pir_shard_parameters(processed);
    (void)pir_partition_shard(run->partition, shard, &report->row_count);
    report->buckets_per_table = parameters->entry_count;
    report->bucket_bytes = parameters->entry_bytes;
    memcpy(report->dimensions, parameters->dimensions, sizeof report->dimensions);

    enum status st = prove(run, shard, processed, &report->trial, err);
    if (st == STATUS_OK)
        st = write_shard(run, shard, processed, err);
    if (st == STATUS_OK) {
        (void)pthread_mutex_lock(&run->lock);
        st = pir_evaluation_key_config_merge(&run->report->evaluation_key,
                                             &parameters->evaluation_key, err);
        (void)pthread_mutex_unlock(&run->lock);
    }
    return st == STATUS_OK ? st : error_prefix(err, st, "shard %llu", (unsigned long long)shard);
}

/* ---- the whole ---- */

static enum status read_rows(const char *path, struct row_store *store, struct error *err)
{
    bytes_init(&store->text, SIZE_MAX / 2);
    return keyword_database_read_file(path, store_row, store, err);
}

static enum status process_rows(struct run *run, const struct pir_processing *settings,
                                struct thread_pool *pool, bool show_progress, struct error *err)
{
    struct progress progress;
    progress_begin(&progress, show_progress ? "processing shards" : NULL, run->report->shard_count);
    const enum status st = pir_process_all(run->context, run->partition, settings, 0, pool,
                                           &progress, finish_shard, run, err);
    progress_end(&progress);
    return st;
}

/* A new key is in its file before anything is made with it. */
static enum status take_key(const struct process_config *config, struct voprf_key **ret,
                            struct error *err)
{
    const struct random_source random = random_system();
    if (config->symmetric_key != NULL)
        return symmetric_key_read(config->symmetric_key, ret, err);
    if (config->new_symmetric_key == NULL)
        return STATUS_OK;
    const enum status st = voprf_key_generate(&random, ret, err);
    return st == STATUS_OK ? symmetric_key_write(config->new_symmetric_key, *ret, err) : st;
}

enum status process_run(const struct process_config *config, struct thread_pool *pool,
                        bool show_progress, struct process_report *ret, struct error *err)
{
    struct row_store store = {0};
    struct process_report report = {0};
    struct pir_partition *partition = NULL;
    struct bfv_context *context = NULL;
    struct pir_processing settings;
    struct voprf_key *key = NULL;
    struct symmetric_rows *symmetric = NULL;

    enum status st = read_rows(config->input_database, &store, err);
    if (st != STATUS_OK)
        goto done;
    struct pir_rows rows = {
        .count = store.count, .context = &store, .keyword = store_keyword, .value = store_value};
    st = process_config_shard_count(config, store.count, &report.shard_count, err);
    if (st == STATUS_OK)
        st = take_key(config, &key, err);
    if (st == STATUS_OK && key != NULL) {
        st = symmetric_rows_new(key, &rows, NULL, pool, show_progress, &symmetric, err);
        if (st == STATUS_OK)
            rows = symmetric_rows_view(symmetric);
    }
    if (st == STATUS_OK)
        st = pir_partition_new(&rows, report.shard_count, &config->processing.sharding, pool,
                               &partition, err);
    if (st == STATUS_OK)
        st =
            process_config_settings(config, pir_partition_longest_value(partition), &settings, err);
    if (st == STATUS_OK)
        st = bfv_context_new(&settings.encryption, 0, NULL, &context, err);
    if (st != STATUS_OK)
        goto done;
    if (key != NULL)
        settings.symmetric_public_key = voprf_key_public(key);
    report.row_count = store.count;
    report.merged_count = pir_partition_merged_count(partition);
    report.table_count = settings.table.hash_function_count;
    report.shards = mem_alloc_zeroed((size_t)report.shard_count, sizeof *report.shards);
    if (report.shards == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for a report");
        goto done;
    }
    struct run run = {.config = config,
                      .context = context,
                      .partition = partition,
                      .rows = rows,
                      .report = &report,
                      .lock = PTHREAD_MUTEX_INITIALIZER};
    st = process_rows(&run, &settings, pool, show_progress, err);
    if (st == STATUS_OK && config->output_key_config != NULL)
        st = wire_key_config_write_file(config->output_key_config, &report.evaluation_key, err);
    if (st != STATUS_OK)
        goto done;
    *ret = report;
    report = (struct process_report){0};
done:
    process_report_deinit(&report);
    bfv_context_free(context);
    pir_partition_free(partition);
    symmetric_rows_free(symmetric);
    voprf_key_free(key);
    bytes_deinit(&store.text);
    mem_free(store.rows);
    return st;
}

void process_report_deinit(struct process_report *report)
{
    mem_free(report->shards);
    *report = (struct process_report){0};
}
