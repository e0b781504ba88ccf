/* blindlist update - fetches the lists of a lists.json and publishes what has changed. */
#include "base/mem.h"
#include "lists/source_fetch.h"
#include "lists/source_rows.h"
#include "pir-server/dataset/dataset_gc.h"
#include "tools/commands.h"
#include "tools/compile_summary.h"
#include "tools/tool_json.h"
#include "tools/tool_threads.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { OPT_DATA, OPT_FORCE, OPT_THREADS, OPT_JSON };
static const struct tool_option options[] = {
    [OPT_DATA] = {"data", 'd', "DIR", "data folder; copies of the lists are kept in DIR/.sources"},
    [OPT_FORCE] = {"force", 0, NULL, "publish even what the guard of lists.json refuses"},
    [OPT_THREADS] = TOOL_THREADS_OPTION,
    [OPT_JSON] = {"json", 0, NULL, "print the summary as JSON"},
};

struct update {
    const char *path; /* of lists.json */
    const char *data;
    bool is_forced;
    bool json;
    size_t threads; /* 0 = as many as cores */

    struct lists_config *config;
    struct source_set *set;
    struct dataset_source *sources; /* [source_set_count()] */
    struct dataset_report *report;
    struct thread_pool *pool;
    struct public_suffixes *suffixes;
    struct protected_hosts *protected_hosts; /* Apple's */
    struct row_set *rows;
    char version_before[DATASET_VERSION_BYTES + 1]; /* "" = none */
    bool is_refused;
    size_t removed_count; /* versions */
    struct compile_summary summary;
};

static bool has_changed(const struct update *update)
{
    return strcmp(update->version_before, update->summary.dataset.info.version) != 0;
}

/* ---- sources ---- */

static enum status check_output(const struct update *update, struct error *err)
{
    if (update->config->output.prefilter_bytes != 0)
        return error_set(err, STATUS_UNSUPPORTED,
                         "%s: $.output.prefilterSize cannot be compiled yet: give a "
                         "falsePositiveRate",
                         update->path);
    return source_rows_check(update->config, err);
}

static enum status open_sources(struct update *update, struct error *err)
{
    char *folder = source_set_folder(update->data, update->config);
    enum status status = folder != NULL
                             ? source_set_open(update->config, folder, (int64_t)time(NULL),
                                               SOURCE_RETRY_WAIT_MS, &update->set, err)
                             : error_set(err, STATUS_NOMEM, "%s: out of memory", update->data);
    mem_free(folder);
    return status;
}

/* Tells of each list that could not be fetched; fails when one has no copy that stands in. */
static enum status check_sources(const struct update *update, struct error *err)
{
    const size_t count = source_set_count(update->set);
    size_t failed = 0;
    for (size_t i = 0; i < count; i++) {
        const struct source_item *item = source_set_item(update->set, i);
        failed += item->state == SOURCE_FAILED;
        if (item->why.status != STATUS_OK)
            fprintf(stderr, "blindlist: %s%s\n",
                    item->state == SOURCE_FAILED ? "" : "warning: ", item->why.message);
    }
    if (failed > 0)
        return error_set(err, STATUS_NOT_FOUND, "%zu of %zu lists failed: nothing is published",
                         failed, count);
    return STATUS_OK;
}

static void on_drop(void *context, const struct list_place *place, enum drop_reason reason)
{
    dataset_report_drop(context, place, reason);
}

static void on_widen(void *context, const struct list_place *place, struct span key)
{
    dataset_report_widen(context, place, key);
}

static enum status read_source(struct update *update, size_t index, struct error *err)
{
    const struct source_item *item = source_set_item(update->set, index);
    const struct source_rows_sink sink = {
        .context = update->report, .drop = on_drop, .widen = on_widen};
    struct source_outcome outcome;
    const struct list_options list_options = {.keep_private_suffixes =
                                                  update->config->output.keep_private_suffixes,
                                              .suffixes = update->suffixes,
                                              .protected_hosts = update->protected_hosts};
    const enum status status =
        source_rows_add(update->set, index, &list_options, &sink, update->rows, &outcome, err);
    if (status != STATUS_OK)
        return status;
    struct dataset_source *source = &update->sources[index];
    *source = (struct dataset_source){.name = item->name,
                                      .license = item->source->license,
                                      .bytes = outcome.bytes,
                                      .lines = outcome.counts.lines,
                                      .kept = outcome.counts.kept,
                                      .dropped = outcome.counts.dropped};
    memcpy(source->digest, outcome.digest, sizeof source->digest);
    list_counts_add(&update->summary.counts, &outcome.counts);
    return STATUS_OK;
}

static enum status read_sources(struct update *update, struct error *err)
{
    const uint64_t start_ns = compile_now_ns();
    const size_t count = source_set_count(update->set);
    update->sources = mem_alloc_zeroed(count, sizeof *update->sources);
    if (update->sources == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", update->path);
    enum status status = dataset_report_new(&update->report, err);
    if (status == STATUS_OK)
        status = public_suffixes_new(&update->suffixes, err);
    if (status == STATUS_OK)
        status = protected_hosts_new(&update->protected_hosts, err);
    if (status == STATUS_OK)
        status = protected_hosts_add_apple(update->protected_hosts, err);
    if (status == STATUS_OK)
        status = row_set_new(&update->rows, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = read_source(update, i, err);
    update->summary.reading_ns = compile_now_ns() - start_ns;
    return status;
}

/* ---- publishing ---- */

/* The guard. Rows are counted without the test row, which is in every dataset. */
static enum status approve(void *context, const struct dataset_info *before, uint64_t row_count,
                           struct error *err)
{
    struct update *update = context;
    const struct lists_guard *guard = &update->config->output.guard;
    const uint64_t now = row_count - 1;
    const uint64_t then = before != NULL ? before->row_count - 1 : 0;
    enum status status = STATUS_OK;
    if (before != NULL)
        memcpy(update->version_before, before->version, sizeof update->version_before);
    if (update->is_forced)
        return STATUS_OK;
    if (now < guard->min_rows)
        status = error_set(err, STATUS_INVALID,
                           "refused: %" PRIu64 " rows, at least %" PRIu64
                           " are wanted (minRows); --force publishes them",
                           now, guard->min_rows);
    else if (then > 0 && (double)now < (double)then * (1 - guard->max_shrink))
        status =
            error_set(err, STATUS_INVALID,
                      "refused: %" PRIu64 " rows, %.1f %% less than the %" PRIu64
                      " before, at most %.1f %% may go (maxShrink); --force publishes them",
                      now, 100 * (1 - (double)now / (double)then), then, 100 * guard->max_shrink);
    else if (then > 0 && (double)now > (double)then * (1 + guard->max_growth))
        status =
            error_set(err, STATUS_INVALID,
                      "refused: %" PRIu64 " rows, %.1f %% more than the %" PRIu64
                      " before, at most %.1f %% may come (maxGrowth); --force publishes them",
                      now, 100 * ((double)now / (double)then - 1), then, 100 * guard->max_growth);
    update->is_refused = status != STATUS_OK;
    return status;
}

static enum status publish(struct update *update, struct error *err)
{
    const struct lists_output *output = &update->config->output;
    struct dataset_settings settings;
    dataset_settings_init(&settings);
    settings.use_case = update->config->use_case;
    settings.shard_count = output->shard_count;
    settings.rows_per_shard = output->rows_per_shard;
    settings.wish.hash_function_count = (size_t)output->hash_functions;
    if (output->false_positive_rate > 0)
        settings.false_positive_rate = output->false_positive_rate;
    settings.has_seed = output->has_seed;
    settings.murmur_seed = output->murmur_seed;
    settings.origin = (struct dataset_origin){.sources = update->sources,
                                              .source_count = source_set_count(update->set),
                                              .counts = &update->summary.counts};
    settings.report = update->report;
    settings.approve = approve;
    settings.approve_context = update;
    settings.show_progress = true;
    settings.now_ns = compile_now_ns;
    return dataset_write(update->data, update->rows, &settings, update->pool,
                         &update->summary.dataset, err);
}

/* Removes old versions. What is published stays so when that fails. */
static void collect(struct update *update)
{
    struct dataset_gc_result result;
    struct error error;
    if (dataset_gc(update->data, update->config->use_case,
                   (size_t)update->config->output.versions_kept, false, &result,
                   &error) != STATUS_OK) {
        fprintf(stderr, "blindlist: warning: old versions stay: %s\n", error.message);
        return;
    }
    update->removed_count = result.removed_count;
    dataset_gc_result_deinit(&result);
}

static enum status work(struct update *update, struct error *err)
{
    enum status status = lists_config_read(update->path, NULL, NULL, &update->config, err);
    if (status == STATUS_OK)
        status = check_output(update, err);
    if (status == STATUS_OK)
        status = open_sources(update, err);
    if (status == STATUS_OK)
        status = check_sources(update, err);
    if (status == STATUS_OK)
        status = tool_thread_pool_new(update->threads, &update->pool, err);
    if (status == STATUS_OK)
        status = read_sources(update, err);
    if (status == STATUS_OK)
        status = publish(update, err);
    if (status == STATUS_OK && has_changed(update))
        collect(update);
    return status;
}

/* ---- summary ---- */

/* What dataset.json says of the sources, and how each was come by. */
static json_t *sources_json(const struct update *update)
{
    const struct dataset_origin origin = {.sources = update->sources,
                                          .source_count = source_set_count(update->set)};
    json_t *list = dataset_sources_json(&origin);
    bool good = list != NULL;
    for (size_t i = 0; good && i < origin.source_count; i++) {
        const struct source_item *item = source_set_item(update->set, i);
        good = json_object_set_new(json_array_get(list, i), "state",
                                   json_string(source_state_names[item->state])) == 0;
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *update_json(const struct update *update)
{
    json_t *root = compile_summary_json(&update->summary);
    if (json_object_set_new(root, "changed", json_boolean(has_changed(update))) == 0 &&
        json_object_set_new(root, "sources", sources_json(update)) == 0 &&
        json_object_set_new(root, "versionsRemoved",
                            json_integer((json_int_t)update->removed_count)) == 0)
        return root;
    json_decref(root);
    return NULL;
}

static void print_summary(const struct update *update)
{
    const struct dataset_info *info = &update->summary.dataset.info;
    if (!has_changed(update)) {
        printf("%s version %s: unchanged, nothing is published\n", info->use_case, info->version);
        return;
    }
    compile_summary_print(&update->summary);
    if (update->removed_count > 0)
        printf("  %-10s %zu old version%s\n", "removed", update->removed_count,
               update->removed_count == 1 ? "" : "s");
}

/* EXIT_DONE, or the exit code of a usage error. */
static int take_option(struct update *update, int got, const struct tool_args *args)
{
    switch (got) {
    case OPT_DATA:
        update->data = args->value;
        break;
    case OPT_FORCE:
        update->is_forced = true;
        break;
    case OPT_THREADS:
        return tool_take_threads(args, &update->threads);
    case OPT_JSON:
        update->json = true;
        break;
    case TOOL_OPERAND:
        if (update->path != NULL)
            return tool_usage_error(args, "one lists.json at a time");
        update->path = args->value;
        break;
    default:
        return args->exit_code;
    }
    return EXIT_DONE;
}

static int run(struct tool_args *args)
{
    struct update update = {0};
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        const int code = take_option(&update, got, args);
        if (got == TOOL_STOP || code != EXIT_DONE)
            return code;
    }
    if (update.path == NULL)
        return tool_usage_error(args, "a lists.json is missing");
    if (update.data == NULL)
        return tool_usage_error(args, "--data is missing");
    update.summary.data = update.data;

    int exit_code = EXIT_DONE;
    struct error error = {0};
    const enum status status = work(&update, &error);
    if (status == STATUS_OK && update.json)
        exit_code = tool_print_json(update_json(&update));
    else if (status == STATUS_OK)
        print_summary(&update);
    if (status != STATUS_OK)
        exit_code = tool_fail(&error);
    if (update.is_refused)
        exit_code = EXIT_ANSWER_NO;

    row_set_free(update.rows);
    public_suffixes_free(update.suffixes);
    protected_hosts_free(update.protected_hosts);
    thread_pool_free(update.pool);
    dataset_report_free(update.report);
    mem_free(update.sources);
    source_set_close(update.set);
    lists_config_free(update.config);
    return exit_code;
}

const struct tool_command command_update = {
    .name = "update",
    .synopsis = "LISTS.json --data DIR",
    .summary = "fetch the lists of a lists.json, and publish what has changed",
    .details =
        "Fetches the lists, compiles them and puts a new version in force, whole or not at\n"
        "all. When nothing has changed there is no new version, and the exit code is 0. A list\n"
        "that can neither be fetched nor stood in for by its copy fails the update (1); too\n"
        "large a change is refused (3), unless --force is given. The version in force stays.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .has_kernels = true,
    .run = run,
};
