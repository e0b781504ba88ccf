/* blindlist bloom diagnose */
#include "tools/cmd_bloom.h"

#include "base/line_reader.h"
#include "bloom/bloom_diagnose.h"
#include "bloom/formats/bloom_file.h"
#include "tools/tool_json.h"

#include <stdio.h>
#include <string.h>

enum diagnose_option { DIAGNOSE_KEYS, DIAGNOSE_JSON };

static const struct tool_option diagnose_options[] = {
    [DIAGNOSE_KEYS] = {"keys", 'k', "FILE", "keys that should be in the filter, one a line"},
    [DIAGNOSE_JSON] = {"json", 0, NULL, "print as JSON"},
};

static const char *finding_id(enum bloom_finding finding)
{
    switch (finding) {
    case BLOOM_FOUND_RIGHT:
        return "right";
    case BLOOM_FOUND_MISSING:
        return "keys-missing";
    case BLOOM_FOUND_UNASKED_KEYS:
        return "unasked-keys";
    case BLOOM_FOUND_MISTAKE:
        return "mistake";
    case BLOOM_FOUND_NOTHING:
        return "not-these-keys";
    case BLOOM_FOUND_TOO_FEW:
        return "too-few-keys";
    }
    return "unknown";
}

static const char *finding_text(enum bloom_finding finding)
{
    switch (finding) {
    case BLOOM_FOUND_RIGHT:
        return "right: the filter answers yes for all of its keys, as devices ask";
    case BLOOM_FOUND_MISSING:
        return "built right, but not from these keys: some are missing";
    case BLOOM_FOUND_UNASKED_KEYS:
        return "hashed right, but most of the keys are written as no device ever asks for them";
    case BLOOM_FOUND_MISTAKE:
        return "built wrong: devices do not find its keys";
    case BLOOM_FOUND_NOTHING:
        return "not built from these keys in any way that is known, right or wrong";
    case BLOOM_FOUND_TOO_FEW:
        return "cannot tell: too few keys for a filter this full";
    }
    return "unknown";
}

struct key_note {
    uint64_t count;
    const char *id;
    const char *text;
};

static void print_text(const struct bloom_verdict *verdict, uint64_t missing_line)
{
    const double count = (double)verdict->key_count;
    const struct key_note notes[] = {
        {verdict->scheme_count, NULL, "have a scheme (https://), which devices leave out"},
        {verdict->www_count, NULL, "begin with www., which devices leave out"},
        {verdict->upper_count, NULL, "have capital letters, which devices turn into small ones"},
        {verdict->blank_count, NULL, "end in a space, tab or carriage return"},
    };
    printf("verdict       %s\n", finding_text(verdict->finding));
    for (unsigned i = 0; i < verdict->mistake_count && verdict->finding == BLOOM_FOUND_MISTAKE; i++)
        printf("mistake       %s (%s)\n", verdict->mistakes[i].text, verdict->mistakes[i].id);
    printf("keys          %llu\n", (unsigned long long)verdict->key_count);
    printf("as devices    %.2f %% found, %.4g %% by chance\n",
           100.0 * (double)verdict->right_count / count, 100.0 * verdict->chance_right);
    if (verdict->mistake_count > 0)
        printf("that way      %.2f %% found, %.4g %% by chance\n",
               100.0 * (double)verdict->best_count / count, 100.0 * verdict->chance_best);
    if (missing_line > 0)
        printf("first absent  line %llu\n", (unsigned long long)missing_line);
    for (size_t i = 0; i < ARRAY_COUNT(notes); i++) {
        if (notes[i].count > 0)
            printf("note          %llu keys %s\n", (unsigned long long)notes[i].count,
                   notes[i].text);
    }
    if (!verdict->is_certain && verdict->finding == BLOOM_FOUND_RIGHT)
        printf("note          so few keys could be in by chance: more would make it certain\n");
}

static int print_json(const struct bloom_verdict *verdict, uint64_t missing_line)
{
    json_t *mistakes = json_array();
    for (unsigned i = 0; i < verdict->mistake_count && verdict->finding == BLOOM_FOUND_MISTAKE; i++)
        json_array_append_new(mistakes, json_pack("{s:s, s:s}", "id", verdict->mistakes[i].id,
                                                  "text", verdict->mistakes[i].text));
    json_t *root = json_pack(
        "{s:s, s:b, s:o, s:I, s:I, s:f, s:I, s:f, s:{s:I, s:I, s:I, s:I}}", "verdict",
        finding_id(verdict->finding), "isCertain", (int)verdict->is_certain, "mistakes", mistakes,
        "keys", (json_int_t)verdict->key_count, "foundAsDevices", (json_int_t)verdict->right_count,
        "chanceAsDevices", verdict->chance_right, "foundThatWay", (json_int_t)verdict->best_count,
        "chanceThatWay", verdict->chance_best, "unaskedKeys", "withScheme",
        (json_int_t)verdict->scheme_count, "withWww", (json_int_t)verdict->www_count,
        "withCapitals", (json_int_t)verdict->upper_count, "withBlankEnd",
        (json_int_t)verdict->blank_count);
    if (root != NULL)
        json_object_set_new(root, "firstAbsentLine",
                            missing_line > 0 ? json_integer((json_int_t)missing_line)
                                             : json_null());
    return tool_print_json(root);
}

static enum status read_keys(struct bloom_diagnosis *diagnosis, const char *path,
                             struct bloom_verdict *ret, uint64_t *ret_missing_line,
                             struct error *err)
{
    struct line_reader *lines = NULL;
    uint64_t missing_line = 0;
    enum status status = line_reader_open(path, &lines, err);
    while (status == STATUS_OK) {
        struct line line;
        bool has_line;
        bool is_in;
        status = line_reader_next(lines, &line, &has_line, err);
        if (status != STATUS_OK || !has_line)
            break;
        if (line.text.size == 0)
            continue;
        if (line.is_too_long) {
            status = error_set(err, STATUS_TOO_LARGE, "%s, line %llu: longer than %zu bytes", path,
                               (unsigned long long)line.number, LINE_MAX_BYTES);
            break;
        }
        status = bloom_diagnosis_add(diagnosis, line.text, &is_in, err);
        if (status == STATUS_OK && !is_in && missing_line == 0)
            missing_line = line.number;
    }
    if (status == STATUS_OK)
        status = bloom_diagnosis_finish(diagnosis, ret, err);
    if (status == STATUS_OK)
        *ret_missing_line = missing_line;
    line_reader_close(lines);
    return status;
}

static int diagnose_run(struct tool_args *args)
{
    struct bloom_filter *filter = NULL;
    struct bloom_diagnosis *diagnosis = NULL;
    struct bloom_verdict verdict;
    uint64_t missing_line = 0;
    const char *path = NULL;
    const char *keys = NULL;
    bool as_json = false;
    struct error error;
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        switch (got) {
        case TOOL_OPERAND:
            if (path != NULL)
                return tool_usage_error(args, "one filter, not also %s", args->value);
            path = args->value;
            break;
        case DIAGNOSE_KEYS:
            keys = args->value;
            break;
        case DIAGNOSE_JSON:
            as_json = true;
            break;
        default:
            return args->exit_code;
        }
    }
    if (path == NULL || keys == NULL)
        return tool_usage_error(args, "a filter and --keys FILE are needed");
    if (bloom_file_read(path, &filter, &error) != STATUS_OK)
        return tool_fail(&error);
    enum status status = bloom_diagnosis_new(
        &filter->meta.params, span_of(filter->bits, filter->byte_count), &diagnosis, &error);
    if (status == STATUS_OK)
        status = read_keys(diagnosis, keys, &verdict, &missing_line, &error);
    int exit_code;
    if (status != STATUS_OK) {
        exit_code = tool_fail(&error);
    } else {
        exit_code = EXIT_DONE;
        if (as_json)
            exit_code = print_json(&verdict, missing_line);
        else
            print_text(&verdict, missing_line);
        if (exit_code == EXIT_DONE && verdict.finding != BLOOM_FOUND_RIGHT)
            exit_code = EXIT_ANSWER_NO;
    }
    bloom_diagnosis_free(diagnosis);
    bloom_filter_free(filter);
    return exit_code;
}

const struct tool_command command_bloom_diagnose = {
    .name = "bloom diagnose",
    .synopsis = "FILTER --keys FILE",
    .summary = "tell whether a filter has its keys and, if not, which mistake made it",
    .details = "Asks for each key as devices do, and in the ways in which builders go wrong.\n"
               "Exit code 0 when the filter is right, 3 when it is not.",
    .options = diagnose_options,
    .option_count = ARRAY_COUNT(diagnose_options),
    .run = diagnose_run,
};
