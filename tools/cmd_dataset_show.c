/* blindlist dataset show: everything of one version. */
#include "base/file.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_manifest.h"
#include "tools/cmd_dataset.h"
#include "tools/shape_summary.h"
#include "urls/drop_reason.h"

#include <inttypes.h>
#include <stdio.h>

/* Of a digest, in the tables. */
#define DIGITS_SHOWN 16

static const struct tool_option options[] = {
    [OPT_DATA] = CMD_DATASET_DATA,
    [OPT_USE_CASE] = CMD_DATASET_USE_CASE,
    [OPT_JSON] = CMD_DATASET_JSON,
};

/* The version shown, and its dataset.json, which opening has checked where it reads it. */
struct shown {
    const struct dataset_version *version;
    struct dataset *dataset;
    struct pir_prediction prediction;
    json_t *manifest;
};

static enum status open_version(const struct cmd_dataset *asked, struct shown *shown,
                                struct error *err)
{
    json_error_t why;
    const char *typed = asked->operand_count > 0 ? asked->operands[0] : "current";
    enum status status = cmd_dataset_find(asked, typed, &shown->version, err);
    if (status == STATUS_OK)
        status = dataset_open_version(asked->data, asked->use_case, shown->version->name, 0,
                                      &shown->dataset, err);
    if (status == STATUS_OK)
        status =
            pir_cost_predict(dataset_parameters(shown->dataset), 0, NULL, &shown->prediction, err);
    if (status != STATUS_OK)
        return status;
    char *path = path_join(dataset_folder(shown->dataset), "dataset.json");
    shown->manifest = path != NULL ? json_load_file(path, JSON_REJECT_DUPLICATES, &why) : NULL;
    if (shown->manifest == NULL)
        status = error_set(err, STATUS_IO, "%s: dataset.json cannot be read",
                           dataset_folder(shown->dataset));
    mem_free(path);
    return status;
}

/* ---- JSON ---- */

static json_t *shown_json(const struct cmd_dataset *asked, const struct shown *shown)
{
    return json_pack("{s:s, s:s, s:b, s:b, s:I, s:I, s:o, s:O}", "useCase", asked->use_case,
                     "version", shown->version->name, "inForce", shown->version->is_in_force,
                     "before", shown->version->is_before, "made",
                     (json_int_t)cmd_dataset_seconds(shown->version->made_ns), "bytes",
                     (json_int_t)dataset_bytes(shown->dataset), "prediction",
                     shape_summary_prediction_json(&shown->prediction), "dataset", shown->manifest);
}

/* ---- text ---- */

static void print_prefilter(const struct dataset_info *info)
{
    summary_print_size("prefilter", info->prefilter_bytes, "");
    printf("  %-10s %g of other sub-URLs ask in vain; Murmur seed %" PRIu32 "\n", "",
           info->false_positive_rate, info->murmur_seed);
    printf("  %-10s tag %s\n", "", info->prefilter_tag);
    if (info->prefilter_public_key[0] != '\0')
        printf("  %-10s signed by %s\n", "", info->prefilter_public_key);
}

static void print_shards(const struct dataset *dataset)
{
    const uint64_t *rows = dataset_shard_rows(dataset)->rows;
    const uint64_t count = dataset_info(dataset)->shard_count;
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (uint64_t i = 0; i < count && rows != NULL; i++) {
        least = rows[i] < least ? rows[i] : least;
        most = rows[i] > most ? rows[i] : most;
    }
    if (rows != NULL)
        printf("  %-10s %" PRIu64 " of %" PRIu64 " to %" PRIu64 " rows\n", "shards", count, least,
               most);
    else
        printf("  %-10s %" PRIu64 "\n", "shards", count);
}

static void print_shape(const struct shown *shown)
{
    const struct pir_parameters *shape = dataset_parameters(shown->dataset);
    char set[SHAPE_SUMMARY_MORE_BYTES];
    (void)snprintf(set, sizeof set, ", %s", cmd_dataset_set_name(&shape->encryption));
    print_shards(shown->dataset);
    shape_summary_print(shape, &shown->prediction, "", set);
}

static long long count_of(const json_t *object, const char *field)
{
    return (long long)json_integer_value(json_object_get(object, field));
}

static struct span text_of(const json_t *string)
{
    return span_of(json_string_value(string), json_string_length(string));
}

static void print_sources(const json_t *sources)
{
    size_t index;
    const json_t *source;
    json_array_foreach(sources, index, source)
    {
        const char *digest = json_string_value(json_object_get(source, "sha256"));
        printf("  %-10s ", index == 0 ? "sources" : "");
        tool_print_text(text_of(json_object_get(source, "name")));
        printf(": %lld lines, %lld kept, %lld dropped; SHA-256 %.*s...\n",
               count_of(source, "lines"), count_of(source, "kept"), count_of(source, "dropped"),
               DIGITS_SHOWN, digest != NULL ? digest : "?");
    }
}

static const char *reason_text(const char *name)
{
    for (int i = 1; i < DROP_REASON_COUNT; i++) {
        if (strcmp(drop_reason_name((enum drop_reason)i), name) == 0)
            return drop_reason_text((enum drop_reason)i);
    }
    return name;
}

static void print_lists(json_t *lists)
{
    const char *name;
    const json_t *count;
    if (!json_is_object(lists))
        return;
    printf("  %-10s %lld (%lld comments and empty)\n", "lines", count_of(lists, "lines"),
           count_of(lists, "comments"));
    printf("  %-10s %lld of %lld entries, %lld of them widened\n", "kept", count_of(lists, "kept"),
           count_of(lists, "entries"), count_of(lists, "widened"));
    printf("  %-10s %lld\n", "dropped", count_of(lists, "dropped"));
    json_object_foreach(json_object_get(lists, "droppedFor"), name, count)
    {
        printf("  %10lld ", (long long)json_integer_value(count));
        tool_print_text(span_of_text(reason_text(name)));
        putchar('\n');
    }
}

/* All but the shards, whose digests --json has. */
static void print_files(const json_t *files)
{
    static const char *const names[] = {"prefilter.bloom", "prefilter.json", "prefilter.plist",
                                        "report.json", "rows.txt"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const json_t *file = json_object_get(files, names[i]);
        const char *digest = json_string_value(json_object_get(file, "sha256"));
        if (digest != NULL)
            printf("  %-10s %-15s %12lld bytes  %s\n", i == 0 ? "SHA-256" : "", names[i],
                   count_of(file, "bytes"), digest);
    }
}

static void print_shown(const struct cmd_dataset *asked, const struct shown *shown)
{
    const struct dataset_info *info = dataset_info(shown->dataset);
    const char *state = cmd_dataset_state(shown->version);
    char made[CMD_DATASET_TIME_BYTES];
    cmd_dataset_time_text(shown->version->made_ns, made);
    printf("%s version %s%s%s\n", asked->use_case, info->version, state[0] != '\0' ? ", " : "",
           state);
    printf("  %-10s %s UTC\n", "made", made);
    printf("  %-10s %" PRIu64 "\n", "rows", info->row_count);
    print_prefilter(info);
    if (info->parsing[0] != '\0')
        printf("  %-10s %.*s\n", "parsing", (int)dataset_parsing(shown->dataset).size,
               (const char *)dataset_parsing(shown->dataset).data);
    print_shape(shown);
    print_sources(json_object_get(shown->manifest, "sources"));
    print_lists(json_object_get(shown->manifest, "lists"));
    print_files(json_object_get(shown->manifest, "files"));
    summary_print_size("all files", dataset_bytes(shown->dataset), "");
    printf("  %-10s %s\n", "folder", dataset_folder(shown->dataset));
}

static int run(struct tool_args *args)
{
    struct cmd_dataset asked = {.operands_max = 1};
    struct shown shown = {0};
    struct error error;
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        if (!cmd_dataset_take(&asked, got, args))
            return cmd_dataset_stop(got, args);
    }
    int code = cmd_dataset_check(&asked, 0, args);
    if (code != EXIT_DONE)
        return code;
    enum status status = cmd_dataset_read(&asked, &error);
    if (status == STATUS_OK)
        status = open_version(&asked, &shown, &error);
    if (status != STATUS_OK)
        code = tool_fail(&error);
    else if (asked.json)
        code = tool_print_json(shown_json(&asked, &shown));
    else
        print_shown(&asked, &shown);
    json_decref(shown.manifest);
    dataset_free(shown.dataset);
    cmd_dataset_deinit(&asked);
    return code;
}

const struct tool_command command_dataset_show = {
    .name = "dataset show",
    .synopsis = "[VERSION] --data DIR [--use-case NAME] [--json]",
    .summary = "tell all of a version: counts, shape, sources, drops, digests",
    .details = "Without a VERSION, the one in force. --json has the whole dataset.json.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .run = run,
};
