/* blindlist compile - lists into a dataset version: rows, prefilter, processed shards. */
#include "base/cpu.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/thread_pool.h"
#include "bloom/bloom.h"
#include "pir-server/dataset/dataset_write.h"
#include "pir-server/pir/pir_cost_file.h"
#include "pir-server/pir/sha256.h"
#include "tools/commands.h"
#include "urls/list_reading.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <time.h>

#define THREADS_MAX 256

enum {
    OPT_USE_CASE,
    OPT_OUT,
    OPT_SHARDS,
    OPT_ROWS_PER_SHARD,
    OPT_RATE,
    OPT_SEED,
    OPT_HASH_FUNCTIONS,
    OPT_GROWTH,
    OPT_MAX_RESPONSE,
    OPT_MAX_KEY,
    OPT_MAX_SHARD,
    OPT_COSTS,
    OPT_PARAMETERS,
    OPT_KEEP_PRIVATE,
    OPT_PROTECT,
    OPT_KEEP_APPLE,
    OPT_FULL,
    OPT_DROPPED,
    OPT_THREADS,
    OPT_JSON,
};
static const struct tool_option options[] = {
    [OPT_USE_CASE] = {"use-case", 'u', "NAME", "<app bundle id>.url.filtering"},
    [OPT_OUT] = {"out", 'o', "DIR", "data folder; the version goes to DIR/NAME/<version>"},
    [OPT_SHARDS] = {"shards", 0, "N", "number of shards, a power of two up to 65536"},
    [OPT_ROWS_PER_SHARD] = {"rows-per-shard", 0, "N", "at most N rows a shard on average"},
    [OPT_RATE] = {"false-positive-rate", 'p', "P", "of the prefilter [0.001]"},
    [OPT_SEED] = {"seed", 0, "S", "Murmur seed of the prefilter [from the rows]"},
    [OPT_HASH_FUNCTIONS] = {"hash-functions", 0, "1|2",
                            "cuckoo tables of a shard [as before, else 1]"},
    [OPT_GROWTH] = {"growth", 0, "PERCENT", "more rows a new shape has room for [10]"},
    [OPT_MAX_RESPONSE] = {"max-response-bytes", 0, "N", "limit of a new shape, 0 = none [32768]"},
    [OPT_MAX_KEY] = {"max-key-bytes", 0, "N", "likewise of a device's evaluation key [800000]"},
    [OPT_MAX_SHARD] = {"max-shard-bytes", 0, "N", "likewise of the data of a shard [0]"},
    [OPT_COSTS] = {"costs", 0, "FILE", "choose a new shape by what tune measured, not as shipped"},
    [OPT_PARAMETERS] = {"parameters", 0, "SET",
                        "encryption parameters [as before, else ..._logt_5]"},
    [OPT_KEEP_PRIVATE] = {"keep-private-suffixes", 0, NULL,
                          "block whole hosters such as github.io when a list says so"},
    [OPT_PROTECT] = {"protect", 0, "HOST",
                     "refuse entries that would block HOST, your server; repeat"},
    [OPT_KEEP_APPLE] = {"keep-apple-hosts", 0, NULL,
                        "block hosts that Apple's devices need when a list says so"},
    [OPT_FULL] = {"full", 0, NULL, "make all shards anew, also where the version before has them"},
    [OPT_DROPPED] = {"dropped", 0, "FILE", "write every dropped line: file, line, reason, text"},
    [OPT_THREADS] = {"threads", 'j', "N", "threads [as many as cores]"},
    [OPT_JSON] = {"json", 0, NULL, "print the summary as JSON"},
};

struct compile {
    struct dataset_settings settings;
    struct list_options list_options;
    struct protected_hosts *protected_hosts;
    bool keep_apple_hosts;
    const char *out;
    const char *dropped_path;
    const char *costs_path;
    struct pir_cost_constants costs;
    size_t threads;
    bool json;
    size_t list_count;
    char **lists;

    struct list_reading *reading;
    struct list_counts counts;
    struct sha256 hash; /* of the list being read, */
    uint64_t bytes;     /* and its size so far */
    struct dataset_report *report;
    struct dataset_source *sources;
    struct file_writer *dropped;
    struct thread_pool *pool;
    struct dataset_summary summary;
    uint64_t reading_ns;
};

static const char *const phase_names[DATASET_PHASE_COUNT] = {
    [DATASET_PHASE_ROWS] = "rows",           [DATASET_PHASE_SHARDS] = "shards",
    [DATASET_PHASE_PREFILTER] = "prefilter", [DATASET_PHASE_DIGESTS] = "digests",
    [DATASET_PHASE_PUBLISH] = "publishing",
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

/* ---- options ---- */

static int bad_value(const struct tool_args *args, const char *option, const char *expected)
{
    return tool_usage_error(args, "--%s %s: %s", option, args->value, expected);
}

/* EXIT_DONE, or the exit code of a usage error; so does the next one. */
static int take_limit(const struct tool_args *args, const char *option, uint64_t *ret)
{
    if (!tool_parse_u64(args->value, 0, INT64_MAX, ret))
        return bad_value(args, option, "a number of bytes is wanted, 0 for no limit");
    return EXIT_DONE;
}

static int take_option(struct compile *compile, int got, const struct tool_args *args)
{
    struct dataset_settings *settings = &compile->settings;
    uint64_t number;
    struct error error;
    switch (got) {
    case OPT_USE_CASE:
        settings->use_case = args->value;
        if (!dataset_use_case_is_valid(args->value))
            return bad_value(args, "use-case", "letters, digits, '.', '-', '_', at most 200 bytes");
        break;
    case OPT_OUT:
        compile->out = args->value;
        break;
    case OPT_SHARDS:
        if (!tool_parse_u64(args->value, 1, DATASET_SHARDS_MAX, &number) ||
            (number & (number - 1)) != 0)
            return bad_value(args, "shards", "a power of two from 1 to 65536 is wanted");
        settings->shard_count = number;
        break;
    case OPT_ROWS_PER_SHARD:
        if (!tool_parse_u64(args->value, 1, UINT32_MAX, &settings->rows_per_shard))
            return bad_value(args, "rows-per-shard", "a number from 1 to 4294967295 is wanted");
        break;
    case OPT_RATE:
        if (!tool_parse_double(args->value, &settings->false_positive_rate) ||
            !(settings->false_positive_rate > 0 && settings->false_positive_rate < 1))
            return bad_value(args, "false-positive-rate", "a number between 0 and 1 is wanted");
        break;
    case OPT_SEED:
        if (!tool_parse_u64(args->value, 0, UINT32_MAX, &number))
            return bad_value(args, "seed", "a number from 0 to 4294967295 is wanted");
        settings->murmur_seed = (uint32_t)number;
        settings->has_seed = true;
        break;
    case OPT_HASH_FUNCTIONS:
        if (!tool_parse_u64(args->value, 1, DATASET_HASH_FUNCTIONS_MAX, &number))
            return bad_value(args, "hash-functions", "1 or 2 is wanted");
        settings->wish.hash_function_count = (size_t)number;
        break;
    case OPT_GROWTH:
        if (!tool_parse_u64(args->value, 0, PIR_SHAPE_GROWTH_PERCENT_MAX, &number))
            return bad_value(args, "growth", "a number from 0 to 10000 is wanted");
        settings->wish.growth_percent = (uint32_t)number;
        break;
    case OPT_MAX_RESPONSE:
        return take_limit(args, "max-response-bytes", &settings->wish.max_response_bytes);
    case OPT_MAX_KEY:
        return take_limit(args, "max-key-bytes", &settings->wish.max_key_bytes);
    case OPT_MAX_SHARD:
        return take_limit(args, "max-shard-bytes", &settings->wish.max_shard_bytes);
    case OPT_COSTS:
        compile->costs_path = args->value;
        break;
    case OPT_PARAMETERS:
        settings->parameter_set = args->value;
        if (!dataset_parameter_set_is_served(args->value))
            return bad_value(args, "parameters",
                             "n_4096_logq_27_28_28_logt_4, _logt_5 or _logt_6 is wanted");
        break;
    case OPT_KEEP_PRIVATE:
        compile->list_options.keep_private_suffixes = true;
        break;
    case OPT_PROTECT:
        if (protected_hosts_add_own(compile->protected_hosts, span_of_text(args->value), &error) !=
            STATUS_OK)
            return bad_value(args, "protect", error.message);
        break;
    case OPT_KEEP_APPLE:
        compile->keep_apple_hosts = true;
        break;
    case OPT_FULL:
        compile->settings.is_full = true;
        break;
    case OPT_DROPPED:
        compile->dropped_path = args->value;
        break;
    case OPT_THREADS:
        if (!tool_parse_u64(args->value, 1, THREADS_MAX, &number))
            return bad_value(args, "threads", "a number from 1 to 256 is wanted");
        compile->threads = (size_t)number;
        break;
    case OPT_JSON:
        compile->json = true;
        break;
    case TOOL_OPERAND: /* gathered at the front of argv: options may stand behind them */
        args->argv[compile->list_count++] = (char *)(uintptr_t)args->value;
        break;
    default:
        return args->exit_code;
    }
    return EXIT_DONE;
}

/* ---- reading ---- */

static void on_bytes(void *context, struct span bytes)
{
    struct compile *compile = context;
    sha256_add(&compile->hash, bytes);
    compile->bytes += bytes.size;
}

/* What a dataset says of its lists must not depend on where they lay. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void on_drop(void *context, const struct list_place *place, enum drop_reason reason)
{
    struct compile *compile = context;
    struct list_place shown = *place;
    shown.file = base_name(place->file);
    dataset_report_drop(compile->report, &shown, reason);
    if (compile->dropped != NULL) {
        file_writer_format(compile->dropped, "%s\t%" PRIu64 "\t%s\t", place->file, place->line,
                           drop_reason_name(reason));
        file_writer_write(compile->dropped, place->text);
        file_writer_write(compile->dropped, span_of("\n", 1));
    }
}

static void on_widen(void *context, const struct list_place *place, struct span key)
{
    struct compile *compile = context;
    struct list_place shown = *place;
    shown.file = base_name(place->file);
    dataset_report_widen(compile->report, &shown, key);
}

static enum status read_list(struct compile *compile, size_t index, struct error *err)
{
    const char *path = compile->lists[index];
    struct dataset_source *source = &compile->sources[index];
    struct list_counts counts = {0};
    sha256_init(&compile->hash);
    compile->bytes = 0;
    const enum status status =
        list_reading_file(compile->reading, path, compile->settings.show_progress, &counts, err);
    if (status != STATUS_OK)
        return status;
    sha256_finish(&compile->hash, source->digest);
    source->name = base_name(path);
    source->bytes = compile->bytes;
    source->lines = counts.lines;
    source->kept = counts.kept;
    source->dropped = counts.dropped;
    list_counts_add(&compile->counts, &counts);
    return STATUS_OK;
}

static enum status compile_lists(struct compile *compile, struct error *err)
{
    const struct list_reading_sink sink = {
        .context = compile, .bytes = on_bytes, .drop = on_drop, .widen = on_widen};
    const struct list_counts *counts = &compile->counts;
    enum status status = STATUS_OK;
    if (compile->costs_path != NULL) {
        status = pir_cost_file_read(compile->costs_path, &compile->costs, err);
        compile->settings.wish.constants = &compile->costs;
    }
    if (status != STATUS_OK)
        return status;
    compile->sources = mem_alloc_zeroed(compile->list_count, sizeof *compile->sources);
    if (compile->sources == NULL)
        return error_set(err, STATUS_NOMEM, "out of memory");
    /* The calling thread works, too. */
    if (compile->threads > 1)
        status = thread_pool_new(compile->threads - 1, 1, &compile->pool, err);
    if (status == STATUS_OK && !compile->keep_apple_hosts)
        status = protected_hosts_add_apple(compile->protected_hosts, err);
    compile->list_options.protected_hosts = compile->protected_hosts;
    if (status == STATUS_OK)
        status = dataset_report_new(&compile->report, err);
    if (status == STATUS_OK)
        status =
            list_reading_new(&compile->list_options, &sink, compile->pool, &compile->reading, err);
    if (status == STATUS_OK && compile->dropped_path != NULL)
        status = file_writer_new(compile->dropped_path, FILE_MODE_PUBLIC, &compile->dropped, err);
    const uint64_t start_ns = now_ns();
    for (size_t i = 0; i < compile->list_count && status == STATUS_OK; i++)
        status = read_list(compile, i, err);
    compile->reading_ns = now_ns() - start_ns;
    if (status != STATUS_OK)
        return status;
    if (compile->dropped != NULL) {
        status = file_writer_commit(compile->dropped, err);
        compile->dropped = NULL;
        if (status != STATUS_OK)
            return status;
    }
    struct row_set *rows = list_reading_rows(compile->reading);
    if (row_set_count(rows) == 0)
        return error_set(err, STATUS_INVALID,
                         "no line of the lists became a key (%" PRIu64 " lines, %" PRIu64
                         " entries dropped)",
                         counts->lines, counts->dropped);
    compile->settings.origin = (struct dataset_origin){
        .sources = compile->sources, .source_count = compile->list_count, .counts = counts};
    compile->settings.report = compile->report;
    return dataset_write(compile->out, rows, &compile->settings, compile->pool, &compile->summary,
                         err);
}

/* ---- summary ---- */

static void print_size(const char *what, uint64_t bytes, const char *of)
{
    char size[TOOL_SIZE_BYTES];
    tool_size_text(bytes, size);
    printf("  %-10s %s%s\n", what, size, of);
}

static void print_shape(const struct dataset_summary *summary)
{
    const struct pir_parameters *shape = &summary->parameters;
    const struct pir_prediction *prediction = &summary->prediction;
    printf("  %-10s %" PRIu64 " of %" PRIu64 " bytes in each of %" PRIu64
           " table%s, %.0f %% full\n",
           "buckets", shape->entry_count, shape->entry_bytes, shape->hash_function_count,
           shape->hash_function_count == 1 ? "" : "s", 100.0 * summary->load.fill);
    printf("  %-10s %" PRIu64 " x %" PRIu64 " plaintexts, %zu Galois elements: %s\n", "shape",
           shape->dimensions[0], shape->dimension_count > 1 ? shape->dimensions[1] : 1,
           shape->evaluation_key.galois_element_count,
           summary->kept_shape  ? "as before"
           : summary->kept_keys ? "new, for the keys that devices have"
                                : "new");
    printf("  %-10s %.1f ms on one thread, predicted\n", "query",
           (double)prediction->query_ns / 1e6);
    print_size("", prediction->query_bytes, " sent");
    print_size("", prediction->response_bytes, " answered");
    print_size("", prediction->evaluation_key_bytes, " in an evaluation key");
}

/* What was made, and in what time. */
static void print_work(const struct compile *compile)
{
    const struct dataset_summary *summary = &compile->summary;
    if (summary->is_updated)
        printf("  %-10s from the version before: %" PRIu64 " rows came, %" PRIu64 " left; %" PRIu64
               " plaintexts rewritten, %" PRIu64 " shards linked\n",
               "build", summary->update.rows_added, summary->update.rows_removed,
               summary->update.plaintexts, summary->update.shards_linked);
    else
        printf("  %-10s full, because %s\n", "build", summary->full_reason);
    printf("  %-10s reading %.2f s", "time", seconds(compile->reading_ns));
    for (size_t i = 0; i < DATASET_PHASE_COUNT; i++)
        printf(", %s %.2f s", phase_names[i], seconds(summary->phase_ns[i]));
    printf("\n");
}

static void print_summary(const struct compile *compile)
{
    const struct dataset_summary *summary = &compile->summary;
    const struct dataset_info *info = &summary->info;
    const struct list_counts *counts = &compile->counts;
    printf("%s version %s%s\n", info->use_case, info->version,
           summary->existed ? " (unchanged)" : "");
    printf("  %-10s %" PRIu64 " (%" PRIu64 " comments and empty)\n", "lines", counts->lines,
           counts->comments);
    printf("  %-10s %" PRIu64 " of %" PRIu64 " entries\n", "kept", counts->kept, counts->entries);
    if (counts->widened > 0)
        printf("  %-10s %" PRIu64 " entries lost their www., user name or last slash\n", "widened",
               counts->widened);
    if (counts->dropped > 0)
        printf("  %-10s %" PRIu64 "\n", "dropped", counts->dropped);
    for (int i = 1; i < DROP_REASON_COUNT; i++) {
        if (counts->dropped_for[i] > 0)
            printf("  %10" PRIu64 " %s\n", counts->dropped_for[i],
                   drop_reason_text((enum drop_reason)i));
    }
    printf("  %-10s %" PRIu64 " distinct, with the test row\n", "rows", info->row_count);
    print_size("rows.txt", summary->rows_bytes, "");
    print_size("prefilter", info->prefilter_bytes, "");
    printf("  %-10s one of %.0f other sub-URLs asks in vain\n", "", 1.0 / summary->expected_rate);
    printf("  %-10s %" PRIu64 " of %" PRIu64 " to %" PRIu64 " rows\n", "shards", info->shard_count,
           summary->load.rows_least, summary->load.rows_most);
    print_shape(summary);
    print_size("PIR data", summary->shard_bytes, "");
    print_work(compile);
    printf("  %-10s %s/%s/%s\n", "folder", compile->out, info->use_case, info->version);
}

static bool put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

static json_t *number(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *numbers(const uint64_t *values, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count && array != NULL; i++)
        if (json_array_append_new(array, number(values[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

static json_t *prediction_json(const struct pir_prediction *prediction)
{
    json_t *object = json_object();
    if (object != NULL && put(object, "queryMs", json_real((double)prediction->query_ns / 1e6)) &&
        put(object, "queryBytes", number(prediction->query_bytes)) &&
        put(object, "responseBytes", number(prediction->response_bytes)) &&
        put(object, "evaluationKeyBytes", number(prediction->evaluation_key_bytes)) &&
        put(object, "bytesPerShard", number(prediction->shard_bytes)))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *build_json(const struct dataset_summary *summary)
{
    json_t *object = json_object();
    const bool good =
        object != NULL && put(object, "isFull", json_boolean(!summary->is_updated)) &&
        (summary->is_updated
             ? put(object, "rowsAdded", number(summary->update.rows_added)) &&
                   put(object, "rowsRemoved", number(summary->update.rows_removed)) &&
                   put(object, "plaintextsRewritten", number(summary->update.plaintexts)) &&
                   put(object, "shardsLinked", number(summary->update.shards_linked))
             : put(object, "reason", json_string(summary->full_reason)));
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *times_json(const struct compile *compile)
{
    json_t *object = json_object();
    bool good = object != NULL && put(object, "reading", json_real(seconds(compile->reading_ns)));
    for (size_t i = 0; i < DATASET_PHASE_COUNT && good; i++)
        good = put(object, phase_names[i], json_real(seconds(compile->summary.phase_ns[i])));
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static enum status print_json(const struct compile *compile, struct error *err)
{
    const struct dataset_summary *summary = &compile->summary;
    const struct dataset_info *info = &summary->info;
    const struct pir_parameters *parameters = &summary->parameters;
    json_t *root = json_object();
    const bool good =
        root != NULL && put(root, "useCase", json_string(info->use_case)) &&
        put(root, "version", json_string(info->version)) &&
        put(root, "unchanged", json_boolean(summary->existed)) &&
        put(root, "lists", dataset_counts_json(&compile->counts)) &&
        put(root, "rows", number(info->row_count)) &&
        put(root, "rowsBytes", number(summary->rows_bytes)) &&
        put(root, "prefilterBytes", number(info->prefilter_bytes)) &&
        put(root, "expectedFalsePositiveRate", json_real(summary->expected_rate)) &&
        put(root, "murmurSeed", number(info->murmur_seed)) &&
        put(root, "shards", number(info->shard_count)) &&
        put(root, "keptShape", json_boolean(summary->kept_shape)) &&
        put(root, "keptKeys", json_boolean(summary->kept_keys)) &&
        put(root, "rowsPerShardLeast", number(summary->load.rows_least)) &&
        put(root, "rowsPerShardMost", number(summary->load.rows_most)) &&
        put(root, "hashFunctions", number(parameters->hash_function_count)) &&
        put(root, "bucketsPerTable", number(parameters->entry_count)) &&
        put(root, "bucketBytes", number(parameters->entry_bytes)) &&
        put(root, "dimensions", numbers(parameters->dimensions, parameters->dimension_count)) &&
        put(root, "galoisElements", number(parameters->evaluation_key.galois_element_count)) &&
        put(root, "prediction", prediction_json(&summary->prediction)) &&
        put(root, "bucketFill", json_real(summary->load.fill)) &&
        put(root, "shardBytes", number(summary->shard_bytes)) &&
        put(root, "build", build_json(summary)) && put(root, "seconds", times_json(compile));
    enum status status = STATUS_OK;
    if (good) {
        json_dumpf(root, stdout, JSON_INDENT(2));
        fputc('\n', stdout);
    } else {
        status = error_set(err, STATUS_NOMEM, "out of memory");
    }
    json_decref(root);
    return status;
}

static int compile_and_print(struct compile *compile)
{
    struct error error = {0};
    enum status status = compile_lists(compile, &error);
    if (status == STATUS_OK && compile->json)
        status = print_json(compile, &error);
    else if (status == STATUS_OK)
        print_summary(compile);
    return status == STATUS_OK ? EXIT_DONE : tool_fail(&error);
}

static int take_options(struct compile *compile, struct tool_args *args, bool *ret_stop)
{
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        const int code = take_option(compile, got, args);
        *ret_stop = got == TOOL_STOP;
        if (*ret_stop || code != EXIT_DONE)
            return code;
    }
    if (compile->list_count == 0)
        return tool_usage_error(args, "a list is missing");
    if (compile->settings.use_case == NULL)
        return tool_usage_error(args, "--use-case is missing");
    if (compile->out == NULL)
        return tool_usage_error(args, "--out is missing");
    if (compile->settings.shard_count != 0 && compile->settings.rows_per_shard != 0)
        return tool_usage_error(args, "--shards and --rows-per-shard exclude each other");
    if (compile->threads > THREADS_MAX)
        compile->threads = THREADS_MAX;
    return EXIT_DONE;
}

static int run(struct tool_args *args)
{
    struct compile compile = {
        .threads = cpu_core_count(),
        .lists = args->argv,
    };
    dataset_settings_init(&compile.settings);
    compile.settings.show_progress = true;
    compile.settings.now_ns = now_ns;
    struct error error;
    if (protected_hosts_new(&compile.protected_hosts, &error) != STATUS_OK)
        return tool_fail(&error);
    bool stop = false;
    int exit_code = take_options(&compile, args, &stop);
    if (!stop && exit_code == EXIT_DONE)
        exit_code = compile_and_print(&compile);

    file_writer_cancel(compile.dropped);
    list_reading_free(compile.reading);
    protected_hosts_free(compile.protected_hosts);
    thread_pool_free(compile.pool);
    dataset_report_free(compile.report);
    mem_free(compile.sources);
    return exit_code;
}

const struct tool_command command_compile = {
    .name = "compile",
    .synopsis = "LIST... --use-case NAME --out DIR",
    .summary = "turn blocklists into a dataset version: rows, prefilter, PIR shards",
    .details = "Reads lists ('-' is standard input) of URLs, hosts or host/path, hosts files, and\n"
               "rules ||host^, ||host/path^ and ||host/path/. What cannot be asked for by a\n"
               "device is dropped and counted with its reason. The new version is put in force\n"
               "whole or not at all; the same input gives the same bytes.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .has_kernels = true,
    .run = run,
};
