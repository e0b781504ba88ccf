/* blindlist update - fetches the lists of a lists.json and publishes what has changed. */
#include "base/file.h"
#include "base/mem.h"
#include "lists/parsing_file.h"
#include "lists/source_account.h"
#include "lists/source_fetch.h"
#include "pir-server/dataset/dataset_gc.h"
#include "tools/commands.h"
#include "tools/compile_summary.h"
#include "tools/tool_json.h"
#include "tools/tool_signing.h"
#include "tools/tool_threads.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* As many allow entries without effect are named on standard error. */
#define CONFLICTS_SHOWN ((size_t)10)

/* Asked for with --exit-code, so that a timer does not take a quiet day for a failure. */
#define EXIT_UNCHANGED 4

enum { OPT_DATA, OPT_FORCE, OPT_EXIT_CODE, OPT_SIGN_KEY, OPT_UNSIGNED, OPT_THREADS, OPT_JSON };
static const struct tool_option options[] = {
    [OPT_DATA] = {"data", 'd', "DIR", "data folder; copies of the lists are kept in DIR/.sources"},
    [OPT_FORCE] = {"force", 0, NULL, "publish even what the guard of lists.json refuses"},
    [OPT_EXIT_CODE] = {"exit-code", 0, NULL, "exit with 4 when nothing has changed"},
    [OPT_SIGN_KEY] = TOOL_SIGN_KEY_OPTION,
    [OPT_UNSIGNED] = TOOL_UNSIGNED_OPTION,
    [OPT_THREADS] = TOOL_THREADS_OPTION,
    [OPT_JSON] = {"json", 0, NULL, "print the summary as JSON"},
};

struct update {
    const char *path; /* of lists.json */
    const char *data;
    bool is_forced;
    bool tells_unchanged; /* by its exit code */
    bool json;
    size_t threads; /* 0 = as many as cores */

    struct tool_signing signing;
    struct lists_config *config;
    struct source_set *set;
    struct dataset_source *sources; /* [source_set_count()] */
    struct dataset_report *report;
    struct thread_pool *pool;
    struct public_suffixes *suffixes;
    struct bytes parsing;     /* the configuration's canonical text */
    struct source_keys *keys; /* NULL once they are rows */
    struct row_set *rows;
    uint64_t fates[KEY_FATE_COUNT]; /* of the keys to be blocked */
    bool is_refused;
    size_t removed_count;  /* versions */
    size_t copies_removed; /* of lists */
    struct compile_summary summary;
};

static bool has_changed(const struct update *update)
{
    return !update->summary.dataset.is_unchanged;
}

/* ---- sources ---- */

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
    const struct source_keys_sink sink = {
        .context = update->report, .drop = on_drop, .widen = on_widen};
    struct source_outcome outcome;
    const struct list_options list_options = {
        .keep_private_suffixes = update->config->output.keep_private_suffixes,
        .suffixes = update->suffixes,
        .protected_hosts = update->config->output.protected_hosts,
        .parsing = update->config->output.parsing,
        .keep_parsing_parts = update->config->output.keep_parsing_parts};
    const enum status status =
        source_keys_add(update->keys, update->set, index, &list_options, &sink, &outcome, err);
    if (status != STATUS_OK)
        return status;
    struct dataset_source *source = &update->sources[index];
    *source = (struct dataset_source){.name = item->name,
                                      .license = item->source->license,
                                      .trust = lists_trust_names[item->source->trust],
                                      .category = item->source->category,
                                      .bytes = outcome.bytes,
                                      .counts = outcome.counts};
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
        status = source_keys_new(&update->keys, err);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = read_source(update, i, err);
    update->summary.reading_ns = compile_now_ns() - start_ns;
    return status;
}

/* ---- keys ---- */

static void warn_of(const struct update *update, const struct key_conflict *conflict)
{
    const struct key_tables *tables = source_keys_tables(update->keys);
    const struct span allow = key_table_at(tables->allow, conflict->allow);
    const struct span parent = key_table_at(tables->block, conflict->parent);
    const struct key_origin allowed = key_table_origin(tables->allow, conflict->allow, 0);
    const struct key_origin blocked = key_table_origin(tables->block, conflict->parent, 0);
    fprintf(stderr,
            "blindlist: warning: %s:%" PRIu32 ": %.*s stays blocked: %s:%" PRIu32
            " blocks %.*s, and devices know no exceptions\n",
            source_set_item(update->set, allowed.source)->name, allowed.line, (int)allow.size,
            (const char *)allow.data, source_set_item(update->set, blocked.source)->name,
            blocked.line, (int)parent.size, (const char *)parent.data);
}

/* Allow entries that have no effect, because what lies above them is blocked. */
static void warn_of_conflicts(const struct update *update)
{
    const struct key_selection *selection = source_keys_selection(update->keys);
    const size_t count = key_selection_conflict_count(selection);
    size_t unsolved = 0;
    for (size_t i = 0; i < count; i++) {
        const struct key_conflict conflict = key_selection_conflict(selection, i);
        unsolved += !conflict.is_solved;
        if (!conflict.is_solved && unsolved <= CONFLICTS_SHOWN)
            warn_of(update, &conflict);
    }
    if (unsolved > CONFLICTS_SHOWN)
        fprintf(stderr, "blindlist: warning: %zu more allow entries have no effect\n",
                unsolved - CONFLICTS_SHOWN);
}

/* From keys to rows: with where they came from in the version's folder. */
static enum status fill(void *context, const char *folder, struct row_set *rows, struct error *err)
{
    struct update *update = context;
    const struct lists_output *output = &update->config->output;
    const struct key_selection_options how = {.keep_covered = output->keep_covered,
                                              .split_parents = output->split_parents,
                                              .is_flat = !parsing_keys_nest(output->parsing)};
    char *path = path_join(folder, DATASET_ORIGINS_NAME);
    enum status status =
        path != NULL ? source_keys_select(update->keys, &how, update->suffixes, update->pool, err)
                     : error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
    if (status == STATUS_OK)
        status = source_account(update->keys, update->set, update->sources, update->report, err);
    if (status == STATUS_OK)
        status = source_keys_write_origins(update->keys, update->set, path, err);
    if (status == STATUS_OK) {
        warn_of_conflicts(update);
        const struct key_selection *selection = source_keys_selection(update->keys);
        for (int fate = 0; fate < KEY_FATE_COUNT; fate++)
            update->fates[fate] = key_selection_count(selection, (enum key_fate)fate);
        status = key_selection_add_rows(selection, rows, err);
    }
    source_keys_free(update->keys);
    update->keys = NULL;
    mem_free(path);
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
    tool_signing_apply(&update->signing, &settings);
    settings.use_case = update->config->use_case;
    settings.shard_count = output->shard_count;
    settings.rows_per_shard = output->rows_per_shard;
    settings.wish.hash_function_count = (size_t)output->hash_functions;
    if (output->false_positive_rate > 0)
        settings.false_positive_rate = output->false_positive_rate;
    settings.prefilter_bytes = output->prefilter_bytes;
    settings.has_seed = output->has_seed;
    settings.murmur_seed = output->murmur_seed;
    settings.origin = (struct dataset_origin){.sources = update->sources,
                                              .source_count = source_set_count(update->set),
                                              .counts = &update->summary.counts};
    settings.report = update->report;
    settings.fill = fill;
    settings.fill_context = update;
    settings.approve = approve;
    settings.approve_context = update;
    settings.show_progress = true;
    settings.now_ns = compile_now_ns;
    enum status status = row_set_new(&update->rows, err);
    if (status == STATUS_OK)
        status = parsing_file_format(output->parsing, &update->parsing, err);
    settings.parsing = bytes_view(&update->parsing);
    return status == STATUS_OK ? dataset_write(update->data, update->rows, &settings, update->pool,
                                               &update->summary.dataset, err)
                               : status;
}

/* Removes old versions, and copies of lists that lists.json does not name any more. What is
 * published stays so when that fails. */
static void collect(struct update *update)
{
    struct dataset_gc_result result;
    struct error error;
    update->copies_removed = source_set_forget_others(update->set);
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
        status = tool_signing_read(&update->signing, err);
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
    if (status == STATUS_OK)
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

/* {"kept": .., "cancelled": .., ...}: distinct keys that the lists block, by what became of them.
 */
static json_t *keys_json(const struct update *update)
{
    json_t *object = json_object();
    bool good = object != NULL;
    for (int fate = 0; fate < KEY_FATE_COUNT && good; fate++)
        good = json_put(object, key_fate_names[fate], json_count(update->fates[fate]));
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *update_json(const struct update *update)
{
    json_t *root = compile_summary_json(&update->summary);
    if (json_put(root, "sources", sources_json(update)) &&
        json_put(root, "keys", keys_json(update)) &&
        json_put(root, "conflicts", dataset_report_conflicts_json(update->report)) &&
        json_put(root, "copiesRemoved", json_count(update->copies_removed)) &&
        json_put(root, "versionsRemoved", json_count(update->removed_count)))
        return root;
    json_decref(root);
    return NULL;
}

static void print_keys(const struct update *update)
{
    static const char *const texts[KEY_FATE_COUNT] = {
        [KEY_CANCELLED] = "taken back by $badfilter",
        [KEY_ALLOWED] = "removed by allow entries",
        [KEY_SPLIT] = "split, for an allow entry below",
        [KEY_COVERED] = "redundant: another key covers them",
    };
    printf("  %-10s %" PRIu64 " become rows\n", "keys", update->fates[KEY_KEPT]);
    for (int fate = KEY_KEPT + 1; fate < KEY_FATE_COUNT; fate++) {
        if (update->fates[fate] > 0)
            printf("  %10" PRIu64 " %s\n", update->fates[fate], texts[fate]);
    }
}

static void print_summary(const struct update *update)
{
    const struct dataset_info *info = &update->summary.dataset.info;
    if (!has_changed(update)) {
        printf("%s version %s: unchanged, nothing is published\n", info->use_case, info->version);
        return;
    }
    compile_summary_print(&update->summary);
    print_keys(update);
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
    case OPT_EXIT_CODE:
        update->tells_unchanged = true;
        break;
    case OPT_SIGN_KEY:
        update->signing.path = args->value;
        break;
    case OPT_UNSIGNED:
        update->signing.is_unsigned = true;
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
    bytes_init(&update.parsing, DATASET_PARSING_MAX_BYTES);
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        const int code = take_option(&update, got, args);
        if (got == TOOL_STOP || code != EXIT_DONE)
            return code;
    }
    if (update.path == NULL)
        return tool_usage_error(args, "a lists.json is missing");
    if (update.data == NULL)
        return tool_usage_error(args, "--data is missing");
    if (tool_signing_check(&update.signing, args) != EXIT_DONE)
        return EXIT_USAGE;
    update.summary.data = update.data;

    int exit_code = EXIT_DONE;
    struct error error = {0};
    const enum status status = work(&update, &error);
    if (status == STATUS_OK)
        compile_summary_warn(&update.summary);
    if (status == STATUS_OK && update.json)
        exit_code = tool_print_json(update_json(&update));
    else if (status == STATUS_OK)
        print_summary(&update);
    if (status != STATUS_OK)
        exit_code = tool_fail(&error);
    if (update.is_refused)
        exit_code = EXIT_ANSWER_NO;
    else if (exit_code == EXIT_DONE && update.tells_unchanged && !has_changed(&update))
        exit_code = EXIT_UNCHANGED;

    source_keys_free(update.keys);
    row_set_free(update.rows);
    bytes_deinit(&update.parsing);
    public_suffixes_free(update.suffixes);
    thread_pool_free(update.pool);
    dataset_report_free(update.report);
    mem_free(update.sources);
    source_set_close(update.set);
    tool_signing_deinit(&update.signing);
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
