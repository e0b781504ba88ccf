/* blindlist dataset diff: the rows and settings in which two versions differ. */
#include "pir-server/dataset/dataset_diff.h"

#include "pir-server/pir/pir_parameters.h"
#include "tools/cmd_dataset.h"
#include "tools/tool_json.h"

#include <inttypes.h>
#include <stdio.h>

#define SETTING_BYTES 512

enum { OPT_ROWS = CMD_DATASET_OPTIONS };
static const struct tool_option options[] = {
    [OPT_DATA] = CMD_DATASET_DATA,
    [OPT_USE_CASE] = CMD_DATASET_USE_CASE,
    [OPT_JSON] = CMD_DATASET_JSON,
    [OPT_ROWS] = {"rows", 0, NULL,
                  "print the rows, with + those that came, with - those that left"},
};

struct comparison {
    struct dataset *before;
    struct dataset *after;
    struct dataset_row_counts rows;
    size_t changed_settings;
    bool shows_rows;
};

/* ---- settings ---- */

static void rate_text(const struct dataset *dataset, char ret[SETTING_BYTES])
{
    snprintf(ret, SETTING_BYTES, "%g", dataset_info(dataset)->false_positive_rate);
}

static void seed_text(const struct dataset *dataset, char ret[SETTING_BYTES])
{
    snprintf(ret, SETTING_BYTES, "%" PRIu32, dataset_info(dataset)->murmur_seed);
}

static void prefilter_text(const struct dataset *dataset, char ret[SETTING_BYTES])
{
    snprintf(ret, SETTING_BYTES, "%" PRIu64, dataset_info(dataset)->prefilter_bytes);
}

static void shards_text(const struct dataset *dataset, char ret[SETTING_BYTES])
{
    snprintf(ret, SETTING_BYTES, "%" PRIu64, dataset_info(dataset)->shard_count);
}

static void tables_text(const struct dataset *dataset, char ret[SETTING_BYTES])
{
    snprintf(ret, SETTING_BYTES, "%" PRIu64, dataset_parameters(dataset)->hash_function_count);
}

static void buckets_text(const struct dataset *dataset, char ret[SETTING_BYTES])
{
    const struct pir_parameters *parameters = dataset_parameters(dataset);
    snprintf(ret, SETTING_BYTES, "%" PRIu64 " of %" PRIu64 " bytes", parameters->entry_count,
             parameters->entry_bytes);
}

static void dimensions_text(const struct dataset *dataset, char ret[SETTING_BYTES])
{
    const struct pir_parameters *parameters = dataset_parameters(dataset);
    snprintf(ret, SETTING_BYTES, "%" PRIu64 " x %" PRIu64, parameters->dimensions[0],
             parameters->dimension_count > 1 ? parameters->dimensions[1] : 1);
}

static void galois_text(const struct dataset *dataset, char ret[SETTING_BYTES])
{
    const struct pir_evaluation_key_config *key = &dataset_parameters(dataset)->evaluation_key;
    size_t at = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < key->galois_element_count && at < SETTING_BYTES; i++)
        at += (size_t)snprintf(ret + at, SETTING_BYTES - at, "%s%" PRIu64, i == 0 ? "" : " ",
                               (uint64_t)key->galois_elements[i]);
}

static void encryption_text(const struct dataset *dataset, char ret[SETTING_BYTES])
{
    snprintf(ret, SETTING_BYTES, "%s",
             cmd_dataset_set_name(&dataset_parameters(dataset)->encryption));
}

static const struct setting {
    const char *name; /* in JSON */
    const char *shown;
    void (*text)(const struct dataset *dataset, char ret[SETTING_BYTES]);
} settings[] = {
    {"falsePositiveRate", "false-positive rate", rate_text},
    {"murmurSeed", "Murmur seed", seed_text},
    {"prefilterBytes", "prefilter bytes", prefilter_text},
    {"shards", "shards", shards_text},
    {"hashFunctions", "hash functions", tables_text},
    {"buckets", "buckets", buckets_text},
    {"dimensions", "dimensions", dimensions_text},
    {"galoisElements", "Galois elements", galois_text},
    {"encryption", "encryption", encryption_text},
};

/* Prints what changed, or adds it to `object` when that is not NULL. */
static void compare_settings(struct comparison *comparison, json_t *object)
{
    for (size_t i = 0; i < ARRAY_COUNT(settings); i++) {
        char before[SETTING_BYTES];
        char after[SETTING_BYTES];
        settings[i].text(comparison->before, before);
        settings[i].text(comparison->after, after);
        if (strcmp(before, after) == 0)
            continue;
        comparison->changed_settings++;
        if (object != NULL)
            json_object_set_new(object, settings[i].name, json_pack("[s, s]", before, after));
        else
            printf("  %-19s %s -> %s\n", settings[i].shown, before, after);
    }
}

/* ---- rows ---- */

static void print_row(void *context, struct span row, bool is_added)
{
    (void)context;
    putchar(is_added ? '+' : '-');
    fwrite(row.data, 1, row.size, stdout);
    putchar('\n');
}

static enum status compare_rows(struct comparison *comparison, struct error *err)
{
    const struct dataset_diff_sink sink = {.row = print_row};
    const struct dataset_info *before = dataset_info(comparison->before);
    const struct dataset_info *after = dataset_info(comparison->after);
    if (memcmp(before->rows_digest, after->rows_digest, sizeof before->rows_digest) == 0)
        return STATUS_OK;
    return dataset_diff_rows(comparison->before, comparison->after,
                             comparison->shows_rows ? &sink : NULL, &comparison->rows, err);
}

/* ---- both ---- */

static bool is_different(const struct comparison *comparison)
{
    return comparison->rows.added + comparison->rows.removed + comparison->changed_settings > 0;
}

static enum status open_both(const struct cmd_dataset *asked, struct comparison *comparison,
                             struct error *err)
{
    struct dataset **const opened[] = {&comparison->before, &comparison->after};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ARRAY_COUNT(opened) && status == STATUS_OK; i++) {
        const struct dataset_version *version = NULL;
        status = cmd_dataset_find(asked, asked->operands[i], &version, err);
        if (status == STATUS_OK)
            status = dataset_open_version(asked->data, asked->use_case, version->name, 0, opened[i],
                                          err);
    }
    return status;
}

static enum status print_text(struct comparison *comparison, struct error *err)
{
    const struct dataset_info *before = dataset_info(comparison->before);
    const struct dataset_info *after = dataset_info(comparison->after);
    printf("%s %s -> %s\n", before->use_case, before->version, after->version);
    compare_settings(comparison, NULL);
    const enum status status = compare_rows(comparison, err);
    if (status != STATUS_OK)
        return status;
    printf("  %-19s +%" PRIu64 " -%" PRIu64 ": %" PRIu64 " -> %" PRIu64 "\n", "rows",
           comparison->rows.added, comparison->rows.removed, before->row_count, after->row_count);
    if (!is_different(comparison))
        printf("  the same\n");
    return STATUS_OK;
}

static enum status make_json(struct comparison *comparison, json_t **ret, struct error *err)
{
    const struct dataset_info *before = dataset_info(comparison->before);
    const struct dataset_info *after = dataset_info(comparison->after);
    json_t *changed = json_object();
    compare_settings(comparison, changed);
    const enum status status = compare_rows(comparison, err);
    if (status != STATUS_OK) {
        json_decref(changed);
        return status;
    }
    *ret = json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:o}", "useCase", before->use_case,
                     "before", before->version, "after", after->version, "same",
                     !is_different(comparison), "rowsAdded", (json_int_t)comparison->rows.added,
                     "rowsRemoved", (json_int_t)comparison->rows.removed, "rowsBefore",
                     (json_int_t)before->row_count, "rowsAfter", (json_int_t)after->row_count,
                     "changed", changed);
    return STATUS_OK;
}

static int compare(struct cmd_dataset *asked, struct comparison *comparison)
{
    struct error error;
    json_t *root = NULL;
    enum status status = cmd_dataset_read(asked, &error);
    if (status == STATUS_OK)
        status = open_both(asked, comparison, &error);
    if (status == STATUS_OK)
        status =
            asked->json ? make_json(comparison, &root, &error) : print_text(comparison, &error);
    if (status != STATUS_OK)
        return tool_fail(&error);
    if (asked->json && tool_print_json(root) != EXIT_DONE)
        return EXIT_FAILED;
    return is_different(comparison) ? EXIT_ANSWER_NO : EXIT_DONE;
}

static int run(struct tool_args *args)
{
    struct cmd_dataset asked = {.operands_max = 2};
    struct comparison comparison = {0};
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        if (got == OPT_ROWS)
            comparison.shows_rows = true;
        else if (!cmd_dataset_take(&asked, got, args))
            return cmd_dataset_stop(got, args);
    }
    int code = cmd_dataset_check(&asked, 2, args);
    if (code != EXIT_DONE)
        return code;
    if (asked.json && comparison.shows_rows)
        return tool_usage_error(args, "--rows and --json exclude each other");
    code = compare(&asked, &comparison);
    dataset_free(comparison.before);
    dataset_free(comparison.after);
    cmd_dataset_deinit(&asked);
    return code;
}

const struct tool_command command_dataset_diff = {
    .name = "dataset diff",
    .synopsis = "A B --data DIR [--use-case NAME] [--rows | --json]",
    .summary = "tell in which rows and settings two versions differ",
    .details = "Exit code 0 when they are the same, 3 when they differ.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .run = run,
};
