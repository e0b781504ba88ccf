/* blindlist compile - lists into a dataset version: rows, prefilter, processed shards. */
#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "bloom/bloom.h"
#include "lists/parsing_file.h"
#include "pir-server/dataset/dataset_write.h"
#include "pir-server/oprf/symmetric_key.h"
#include "pir-server/pir/pir_cost_file.h"
#include "pir-server/pir/sha256.h"
#include "tools/commands.h"
#include "tools/compile_part.h"
#include "tools/compile_summary.h"
#include "tools/tool_json.h"
#include "tools/tool_signing.h"
#include "tools/tool_threads.h"
#include "urls/list_reading.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    OPT_USE_CASE,
    OPT_OUT,
    OPT_SHARDS,
    OPT_ROWS_PER_SHARD,
    OPT_RATE,
    OPT_PREFILTER_SIZE,
    OPT_SEED,
    OPT_HASH_FUNCTIONS,
    OPT_GROWTH,
    OPT_MAX_RESPONSE,
    OPT_MAX_KEY,
    OPT_MAX_SHARD,
    OPT_COSTS,
    OPT_PARAMETERS,
    OPT_KEEP_PRIVATE,
    OPT_PARSING,
    OPT_KEEP_PARTS,
    OPT_PROTECT,
    OPT_KEEP_APPLE,
    OPT_SYMMETRIC,
    OPT_SYMMETRIC_KEY,
    OPT_NO_SYMMETRIC,
    OPT_SIGN_KEY,
    OPT_UNSIGNED,
    OPT_FULL,
    OPT_PART,
    OPT_JOB,
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
    [OPT_PREFILTER_SIZE] = {"prefilter-size", 0, "SIZE",
                            "or the bytes it may have, such as 2MB: its rate follows"},
    [OPT_SEED] = {"seed", 0, "S", "Murmur seed of the prefilter [from the rows]"},
    [OPT_HASH_FUNCTIONS] = {"hash-functions", 0, "1|2",
                            "cuckoo tables of a shard [as before, else 1]"},
    [OPT_GROWTH] = {"growth", 0, "PERCENT", "more rows a new shape has room for [10]"},
    [OPT_MAX_RESPONSE] = {"max-response-bytes", 0, "N", "limit of a new shape, 0 = none [32768]"},
    [OPT_MAX_KEY] = {"max-key-bytes", 0, "N", "likewise of a device's evaluation key [800000]"},
    [OPT_MAX_SHARD] = {"max-shard-bytes", 0, "N", "likewise of the data of a shard [0]"},
    [OPT_COSTS] = {"costs", 0, "FILE", "choose a new shape by what tune measured, not as shipped"},
    [OPT_PARAMETERS] = {"parameters", 0, "SET",
                        "encryption parameters [as before, else ..._logt_6]"},
    [OPT_KEEP_PRIVATE] = {"keep-private-suffixes", 0, NULL,
                          "block whole hosters such as github.io when a list says so"},
    [OPT_PARSING] = {"parsing-configuration", 0, "FILE",
                     "make the keys that devices with it ask for, of iOS and macOS 27 on"},
    [OPT_KEEP_PARTS] = {"keep-parsing-parts", 0, NULL,
                        "block more where it leaves out what an entry names"},
    [OPT_PROTECT] = {"protect", 0, "HOST",
                     "refuse entries that would block HOST, your server; repeat"},
    [OPT_KEEP_APPLE] = {"keep-apple-hosts", 0, NULL,
                        "block hosts that Apple's devices need when a list says so"},
    [OPT_SYMMETRIC] = {"symmetric", 0, NULL, "devices learn only the rows that they ask for"},
    [OPT_SYMMETRIC_KEY] = {"symmetric-key", 0, "FILE",
                           "likewise, with the key in FILE [as before, else new]"},
    [OPT_NO_SYMMETRIC] = {"no-symmetric", 0, NULL, "ends that [as before]"},
    [OPT_SIGN_KEY] = TOOL_SIGN_KEY_OPTION,
    [OPT_UNSIGNED] = TOOL_UNSIGNED_OPTION,
    [OPT_FULL] = {"full", 0, NULL, "make all shards anew, also where the version before has them"},
    [OPT_PART] = {"part", 0, "I/N", "make part I, from 0, of N: other workers make the others"},
    [OPT_JOB] = {"job", 0, "NAME", "job that the parts belong to: another is started anew"},
    [OPT_DROPPED] = {"dropped", 0, "FILE", "write every dropped line: file, line, reason, text"},
    [OPT_THREADS] = TOOL_THREADS_OPTION,
    [OPT_JSON] = {"json", 0, NULL, "print the summary as JSON"},
};

struct compile {
    struct dataset_settings settings;
    struct tool_signing signing;
    struct list_options list_options;
    struct protected_hosts *protected_hosts;
    bool keep_apple_hosts;
    bool has_rate;
    const char *dropped_path;
    const char *costs_path;
    const char *parsing_path;
    const char *symmetric_key_path;
    struct voprf_key *symmetric_key;
    struct compile_job job; /* of --part */
    struct parsing *parsing;
    struct bytes parsing_text;
    struct pir_cost_constants costs;
    size_t threads; /* 0 = as many as cores */
    bool json;
    size_t list_count;
    char **lists;

    struct list_reading *reading;
    struct sha256 hash; /* of the list being read, */
    uint64_t bytes;     /* and its size so far */
    struct dataset_report *report;
    struct dataset_source *sources;
    struct file_writer *dropped;
    struct thread_pool *pool;
    struct compile_summary summary;
};

/* ---- options ---- */

static int take_shards(const struct tool_args *args, uint64_t *ret)
{
    uint64_t count = 0;
    const int code = tool_take_u64(args, 1, DATASET_SHARDS_MAX, &count);
    if (code == EXIT_DONE && (count & (count - 1)) != 0)
        return tool_bad_value(args, "a power of two is wanted");
    *ret = count;
    return code;
}

static int take_prefilter_size(const struct tool_args *args, uint64_t *ret)
{
    uint64_t bytes = 0;
    if (!units_parse_size(args->value, &bytes) || bytes == 0 || bytes > DATASET_PREFILTER_BYTES_MAX)
        return tool_bad_value(args, "a size up to 536870911B is wanted, such as 2MB");
    *ret = bytes;
    return EXIT_DONE;
}

/* EXIT_DONE, or the exit code of --help or of a usage error; so do those below. */
static int take_setting(struct dataset_settings *settings, int got, const struct tool_args *args)
{
    switch (got) {
    case OPT_USE_CASE:
        settings->use_case = args->value;
        if (!dataset_use_case_is_valid(args->value))
            return tool_bad_value(args, "letters, digits, '.', '-', '_', at most 200 bytes");
        return EXIT_DONE;
    case OPT_SHARDS:
        return take_shards(args, &settings->shard_count);
    case OPT_ROWS_PER_SHARD:
        return tool_take_u64(args, 1, UINT32_MAX, &settings->rows_per_shard);
    case OPT_RATE:
        return tool_take_share(args, &settings->false_positive_rate);
    case OPT_PREFILTER_SIZE:
        return take_prefilter_size(args, &settings->prefilter_bytes);
    case OPT_SEED:
        settings->has_seed = true;
        return tool_take_u32(args, 0, UINT32_MAX, &settings->murmur_seed);
    case OPT_HASH_FUNCTIONS:
        return tool_take_size(args, 1, DATASET_HASH_FUNCTIONS_MAX,
                              &settings->wish.hash_function_count);
    case OPT_GROWTH:
        return tool_take_u32(args, 0, PIR_SHAPE_GROWTH_PERCENT_MAX, &settings->wish.growth_percent);
    case OPT_MAX_RESPONSE:
        return tool_take_u64(args, 0, INT64_MAX, &settings->wish.max_response_bytes);
    case OPT_MAX_KEY:
        return tool_take_u64(args, 0, INT64_MAX, &settings->wish.max_key_bytes);
    case OPT_MAX_SHARD:
        return tool_take_u64(args, 0, INT64_MAX, &settings->wish.max_shard_bytes);
    case OPT_PARAMETERS:
        settings->parameter_set = args->value;
        if (!dataset_parameter_set_is_served(args->value))
            return tool_bad_value(args,
                                  "n_4096_logq_27_28_28_logt_4, _logt_5 or _logt_6 is wanted");
        return EXIT_DONE;
    case OPT_SYMMETRIC:
        settings->symmetry = DATASET_SYMMETRY_ON;
        return EXIT_DONE;
    case OPT_NO_SYMMETRIC:
        settings->symmetry = DATASET_SYMMETRY_OFF;
        return EXIT_DONE;
    case OPT_FULL:
        settings->is_full = true;
        return EXIT_DONE;
    default:
        return args->exit_code;
    }
}

static int take_option(struct compile *compile, int got, const struct tool_args *args)
{
    struct error error;
    switch (got) {
    case OPT_OUT:
        compile->summary.data = args->value;
        return EXIT_DONE;
    case OPT_COSTS:
        compile->costs_path = args->value;
        return EXIT_DONE;
    case OPT_KEEP_PRIVATE:
        compile->list_options.keep_private_suffixes = true;
        return EXIT_DONE;
    case OPT_SYMMETRIC_KEY:
        compile->symmetric_key_path = args->value;
        return EXIT_DONE;
    case OPT_SIGN_KEY:
        compile->signing.path = args->value;
        return EXIT_DONE;
    case OPT_UNSIGNED:
        compile->signing.is_unsigned = true;
        return EXIT_DONE;
    case OPT_PARSING:
        compile->parsing_path = args->value;
        return EXIT_DONE;
    case OPT_KEEP_PARTS:
        compile->list_options.keep_parsing_parts = true;
        return EXIT_DONE;
    case OPT_PROTECT:
        if (protected_hosts_add_own(compile->protected_hosts, span_of_text(args->value), &error) !=
            STATUS_OK)
            return tool_bad_value(args, error.message);
        return EXIT_DONE;
    case OPT_KEEP_APPLE:
        compile->keep_apple_hosts = true;
        return EXIT_DONE;
    case OPT_PART:
        return compile_part_take(args, &compile->job);
    case OPT_JOB:
        return compile_part_take_name(args, &compile->job);
    case OPT_DROPPED:
        compile->dropped_path = args->value;
        return EXIT_DONE;
    case OPT_THREADS:
        return tool_take_threads(args, &compile->threads);
    case OPT_JSON:
        compile->json = true;
        return EXIT_DONE;
    case TOOL_OPERAND: /* gathered at the front of argv: options may stand behind them */
        args->argv[compile->list_count++] = (char *)(uintptr_t)args->value;
        return EXIT_DONE;
    default:
        return take_setting(&compile->settings, got, args);
    }
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
    source->counts = counts;
    list_counts_add(&compile->summary.counts, &counts);
    return STATUS_OK;
}

static enum status read_parsing(struct compile *compile, struct error *err)
{
    if (compile->parsing_path == NULL)
        return STATUS_OK;
    enum status status = parsing_file_read(compile->parsing_path, &compile->parsing, err);
    if (status == STATUS_OK)
        status = parsing_file_format(compile->parsing, &compile->parsing_text, err);
    compile->list_options.parsing = compile->parsing;
    compile->settings.parsing = bytes_view(&compile->parsing_text);
    return status;
}

static enum status read_symmetric_key(struct compile *compile, struct error *err)
{
    if (compile->symmetric_key_path == NULL)
        return STATUS_OK;
    const enum status status =
        symmetric_key_read(compile->symmetric_key_path, &compile->symmetric_key, err);
    compile->settings.symmetry = DATASET_SYMMETRY_ON;
    compile->settings.symmetric_key = compile->symmetric_key;
    return status;
}

static enum status prepare(struct compile *compile, struct error *err)
{
    const struct list_reading_sink sink = {
        .context = compile, .bytes = on_bytes, .drop = on_drop, .widen = on_widen};
    enum status status = STATUS_OK;
    if (compile->costs_path != NULL) {
        status = pir_cost_file_read(compile->costs_path, &compile->costs, err);
        compile->settings.wish.constants = &compile->costs;
    }
    if (status == STATUS_OK)
        status = read_parsing(compile, err);
    if (status == STATUS_OK)
        status = read_symmetric_key(compile, err);
    if (status == STATUS_OK)
        status = tool_signing_read(&compile->signing, err);
    if (status != STATUS_OK)
        return status;
    tool_signing_apply(&compile->signing, &compile->settings);
    compile->sources = mem_alloc_zeroed(compile->list_count, sizeof *compile->sources);
    if (compile->sources == NULL)
        return error_set(err, STATUS_NOMEM, "out of memory");
    status = tool_thread_pool_new(compile->threads, &compile->pool, err);
    if (status == STATUS_OK && !compile->keep_apple_hosts)
        status = protected_hosts_add_apple(compile->protected_hosts, err);
    compile->list_options.protected_hosts = compile->protected_hosts;
    if (status == STATUS_OK)
        status = dataset_report_new(&compile->report, err);
    if (status == STATUS_OK)
        status =
            list_reading_new(&compile->list_options, &sink, compile->pool, &compile->reading, err);
    return status;
}

static enum status read_lists(struct compile *compile, struct error *err)
{
    const struct list_counts *counts = &compile->summary.counts;
    const uint64_t start_ns = compile_now_ns();
    enum status status = STATUS_OK;
    if (compile->dropped_path != NULL)
        status = file_writer_new(compile->dropped_path, FILE_MODE_PUBLIC, &compile->dropped, err);
    for (size_t i = 0; i < compile->list_count && status == STATUS_OK; i++)
        status = read_list(compile, i, err);
    compile->summary.reading_ns = compile_now_ns() - start_ns;
    if (status == STATUS_OK && compile->dropped != NULL) {
        status = file_writer_commit(compile->dropped, err);
        compile->dropped = NULL;
    }
    if (status == STATUS_OK && row_set_count(list_reading_rows(compile->reading)) == 0)
        status = error_set(err, STATUS_INVALID,
                           "no line of the lists became a key (%" PRIu64 " lines, %" PRIu64
                           " entries dropped)",
                           counts->lines, counts->dropped);
    return status;
}

static enum status compile_lists(struct compile *compile, struct error *err)
{
    const enum status status = read_lists(compile, err);
    if (status != STATUS_OK)
        return status;
    compile->settings.origin = (struct dataset_origin){.sources = compile->sources,
                                                       .source_count = compile->list_count,
                                                       .counts = &compile->summary.counts};
    compile->settings.report = compile->report;
    return dataset_write(compile->summary.data, list_reading_rows(compile->reading),
                         &compile->settings, compile->pool, &compile->summary.dataset, err);
}

/* ---- one part of several ---- */

static enum status plan_part(void *context, bool *ret_is_unchanged,
                             char ret_version[DATASET_VERSION_BYTES + 1], struct error *err)
{
    struct compile *compile = context;
    compile->settings.plan = &compile->job.plan;
    const enum status status = compile_lists(compile, err);
    if (status != STATUS_OK)
        return status;
    list_reading_free(compile->reading); /* the shards need its memory */
    compile->reading = NULL;
    const struct dataset_summary *summary = &compile->summary.dataset;
    *ret_is_unchanged = summary->is_unchanged;
    memcpy(ret_version, summary->info.version, sizeof summary->info.version);
    return STATUS_OK;
}

static enum status check_part(void *context, const struct dataset_plan *plan, struct error *err)
{
    const struct compile *compile = context;
    return compile_part_check_lists(plan, compile->lists, compile->list_count, err);
}

static int make_part(struct compile *compile)
{
    struct error error = {0};
    struct dataset_part_summary summary = {0};
    enum status status =
        compile_part_settle(&compile->job, compile->costs_path, compile->parsing_path,
                            compile->signing.public_key, &error);
    const struct dataset_part part = {.data = compile->summary.data,
                                      .use_case = compile->settings.use_case,
                                      .job = compile->job.plan,
                                      .index = compile->job.index,
                                      .show_progress = compile->settings.show_progress,
                                      .plan = plan_part,
                                      .check = check_part,
                                      .context = compile};
    if (status == STATUS_OK)
        status = dataset_part_make(&part, compile->pool, &summary, &error);
    int exit_code;
    if (status != STATUS_OK)
        exit_code = tool_fail(&error);
    else if (compile->json)
        exit_code = tool_print_json(compile_part_json(&part, &summary));
    else
        exit_code = compile_part_print(&part, &summary);
    dataset_part_summary_deinit(&summary);
    return exit_code;
}

static int compile_and_print(struct compile *compile)
{
    struct error error = {0};
    if (prepare(compile, &error) != STATUS_OK)
        return tool_fail(&error);
    if (compile->job.plan.parts != 0)
        return make_part(compile);
    if (compile_lists(compile, &error) != STATUS_OK)
        return tool_fail(&error);
    compile_summary_warn(&compile->summary);
    if (compile->json)
        return tool_print_json(compile_summary_json(&compile->summary));
    compile_summary_print(&compile->summary);
    return EXIT_DONE;
}

/* The options from which the rows or the shape follow: those that all parts must agree on. */
static const bool is_setting[ARRAY_COUNT(options)] = {
    [OPT_SHARDS] = true,         [OPT_ROWS_PER_SHARD] = true, [OPT_RATE] = true,
    [OPT_PREFILTER_SIZE] = true, [OPT_SEED] = true,           [OPT_HASH_FUNCTIONS] = true,
    [OPT_GROWTH] = true,         [OPT_MAX_RESPONSE] = true,   [OPT_MAX_KEY] = true,
    [OPT_MAX_SHARD] = true,      [OPT_PARAMETERS] = true,     [OPT_KEEP_PRIVATE] = true,
    [OPT_KEEP_PARTS] = true,     [OPT_PROTECT] = true,        [OPT_KEEP_APPLE] = true,
    [OPT_NO_SYMMETRIC] = true,   [OPT_UNSIGNED] = true,
};

static int take_options(struct compile *compile, struct tool_args *args, bool *ret_stop)
{
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        const int code = take_option(compile, got, args);
        *ret_stop = got == TOOL_STOP;
        compile->has_rate = compile->has_rate || got == OPT_RATE;
        if (*ret_stop || code != EXIT_DONE)
            return code;
        if (got >= 0 && is_setting[got] && !compile_job_add(&compile->job, args))
            return tool_fail(&(struct error){.status = STATUS_NOMEM, .message = "out of memory"});
    }
    if (compile->list_count == 0)
        return tool_usage_error(args, "a list is missing");
    if (compile->symmetric_key_path != NULL && compile->settings.symmetry == DATASET_SYMMETRY_OFF)
        return tool_usage_error(args, "--symmetric-key and --no-symmetric exclude each other");
    if (compile->settings.use_case == NULL)
        return tool_usage_error(args, "--use-case is missing");
    if (compile->summary.data == NULL)
        return tool_usage_error(args, "--out is missing");
    if (compile->has_rate && compile->settings.prefilter_bytes != 0)
        return tool_usage_error(args,
                                "--false-positive-rate and --prefilter-size exclude each other");
    if (compile->list_options.keep_parsing_parts && compile->parsing_path == NULL)
        return tool_usage_error(args, "--keep-parsing-parts needs a --parsing-configuration");
    if (compile->job.plan.name[0] != '\0' && compile->job.plan.parts == 0)
        return tool_usage_error(args, "--job needs a --part");
    if (compile->settings.shard_count != 0 && compile->settings.rows_per_shard != 0)
        return tool_usage_error(args, "--shards and --rows-per-shard exclude each other");
    return tool_signing_check(&compile->signing, args);
}

static int run(struct tool_args *args)
{
    struct compile compile = {.lists = args->argv, .job = {.plan = {.name = ""}}};
    dataset_settings_init(&compile.settings);
    bytes_init(&compile.parsing_text, DATASET_PARSING_MAX_BYTES);
    compile.settings.show_progress = true;
    compile.settings.now_ns = compile_now_ns;
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
    voprf_key_free(compile.symmetric_key);
    tool_signing_deinit(&compile.signing);
    parsing_free(compile.parsing);
    compile_job_deinit(&compile.job);
    bytes_deinit(&compile.parsing_text);
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
