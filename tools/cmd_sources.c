/* blindlist sources - finds and fetches the lists of a lists.json, and tells how each one is. */
#include "base/file.h"
#include "base/mem.h"
#include "lists/source_fetch.h"
#include "lists/source_set.h"
#include "pir-server/dataset/dataset_manifest.h"
#include "tools/commands.h"
#include "tools/tool_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Of a digest, in the table. */
#define DIGITS_SHOWN 16

enum { OPT_DATA, OPT_CHECK, OPT_JSON };
static const struct tool_option options[] = {
    [OPT_DATA] = {"data", 'd', "DIR", "data folder; copies are kept in DIR/.sources [none kept]"},
    [OPT_CHECK] = {"check", 0, NULL, "only read lists.json and say what is wrong with it"},
    [OPT_JSON] = {"json", 0, NULL, "print JSON"},
};

/* What is told of one list. */
struct shown_source {
    const struct source_item *item;
    bool is_read;
    uint64_t bytes;
    uint64_t text_bytes;
    uint64_t lines;
    char digest_hex[2 * SHA256_BYTES + 1];
    struct error why; /* when it is not read, or not fetched */
};

struct showing {
    const char *path; /* of lists.json */
    const char *data; /* NULL = none */
    bool only_check;
    bool json;
    int64_t now_s;
    struct lists_config *config;
    struct source_set *set;
    char *scratch; /* the data folder when none is given; removed at the end */
    struct shown_source *sources;
    size_t failed_count;
};

/* ---- fetching ---- */

static enum status open_set(struct showing *showing, struct error *err)
{
    const char *data = showing->data;
    char *folder = NULL;
    enum status status = STATUS_OK;
    if (data == NULL) {
        const char *parent = getenv("TMPDIR");
        status = folder_make_temporary(parent != NULL && parent[0] != '\0' ? parent : "/tmp",
                                       "blindlist", &showing->scratch, err);
        data = showing->scratch;
    }
    if (status == STATUS_OK) {
        folder = source_set_folder(data, showing->config);
        status = folder != NULL ? source_set_open(showing->config, folder, showing->now_s,
                                                  SOURCE_RETRY_WAIT_MS, &showing->set, err)
                                : error_set(err, STATUS_NOMEM, "%s: out of memory", data);
    }
    mem_free(folder);
    return status;
}

static void look_at(struct showing *showing, size_t index)
{
    struct shown_source *shown = &showing->sources[index];
    struct source_text text;
    shown->item = source_set_item(showing->set, index);
    shown->why = shown->item->why;
    if (shown->item->state == SOURCE_FAILED)
        return;
    if (source_set_text(showing->set, index, &text, &shown->why) != STATUS_OK)
        return;
    shown->is_read = true;
    shown->bytes = text.bytes;
    shown->text_bytes = text.text.size;
    shown->lines = source_text_lines(&text);
    dataset_digest_hex(text.digest, shown->digest_hex);
    source_text_deinit(&text);
}

static enum status look_at_all(struct showing *showing, struct error *err)
{
    enum status status = open_set(showing, err);
    if (status != STATUS_OK)
        return status;
    const size_t count = source_set_count(showing->set);
    showing->sources = mem_alloc_zeroed(count, sizeof *showing->sources);
    if (showing->sources == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", showing->path);
    for (size_t i = 0; i < count; i++) {
        look_at(showing, i);
        showing->failed_count += !showing->sources[i].is_read;
    }
    return STATUS_OK;
}

static const char *state_name(const struct shown_source *shown)
{
    return source_state_names[shown->is_read ? shown->item->state : SOURCE_FAILED];
}

/* ---- output ---- */

static uint64_t age_of(const struct showing *showing, const struct source_item *item)
{
    return showing->now_s > item->time_s ? (uint64_t)(showing->now_s - item->time_s) : 0;
}

static void print_table(const struct showing *showing)
{
    const size_t count = source_set_count(showing->set);
    int width = (int)strlen("source");
    for (size_t i = 0; i < count; i++) {
        const int size = (int)strlen(showing->sources[i].item->name);
        width = size > width ? size : width;
    }
    printf("%-*s  %-9s %12s %12s  %-16s %s\n", width, "source", "state", "lines", "bytes", "sha256",
           "age");
    for (size_t i = 0; i < count; i++) {
        const struct shown_source *shown = &showing->sources[i];
        char age[SOURCE_AGE_BYTES];
        if (!shown->is_read) {
            printf("%-*s  %s\n", width, shown->item->name, state_name(shown));
            continue;
        }
        source_age_text(age_of(showing, shown->item), age);
        printf("%-*s  %-9s %12" PRIu64 " %12" PRIu64 "  %.*s %s\n", width, shown->item->name,
               state_name(shown), shown->lines, shown->bytes, DIGITS_SHOWN, shown->digest_hex, age);
    }
}

/* Leaves out what the list does not say. */
static bool put_text(json_t *object, const char *name, const char *text)
{
    return text == NULL || json_put(object, name, tool_text_json(span_of_text(text)));
}

static json_t *source_json(const struct showing *showing, const struct shown_source *shown)
{
    const struct source_item *item = shown->item;
    const struct lists_source *source = item->source;
    json_t *object = json_object();
    const bool good =
        object != NULL && put_text(object, "id", source->id) &&
        put_text(object, "name", item->name) && put_text(object, "from", source->shown) &&
        put_text(object, "state", state_name(shown)) &&
        put_text(object, "format", list_format_names[source->format]) &&
        put_text(object, "trust", lists_trust_names[source->trust]) &&
        put_text(object, "category", source->category) &&
        put_text(object, "license", source->license) &&
        (!shown->is_read || (json_put(object, "lines", json_count(shown->lines)) &&
                             json_put(object, "bytes", json_count(shown->bytes)) &&
                             json_put(object, "textBytes", json_count(shown->text_bytes)) &&
                             put_text(object, "sha256", shown->digest_hex) &&
                             json_put(object, "ageSeconds", json_count(age_of(showing, item))))) &&
        (shown->why.status == STATUS_OK || put_text(object, "error", shown->why.message));
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *sources_json(const struct showing *showing)
{
    json_t *root = json_object();
    json_t *list = json_array();
    bool good = root != NULL && list != NULL;
    for (size_t i = 0; good && i < source_set_count(showing->set); i++)
        good = json_array_append_new(list, source_json(showing, &showing->sources[i])) == 0;
    good = good && put_text(root, "useCase", showing->config->use_case) &&
           json_put(root, "failed", json_count(showing->failed_count)) &&
           json_object_set(root, "sources", list) == 0;
    json_decref(list);
    if (good)
        return root;
    json_decref(root);
    return NULL;
}

/* What went wrong, or nearly. */
static void print_problems(const struct showing *showing)
{
    for (size_t i = 0; i < source_set_count(showing->set); i++) {
        const struct shown_source *shown = &showing->sources[i];
        if (shown->why.status != STATUS_OK)
            fprintf(stderr, "blindlist: %s%s\n", shown->is_read ? "warning: " : "",
                    shown->why.message);
    }
}

/* The exit code. */
static int show(struct showing *showing)
{
    struct error error;
    enum status status = lists_config_read(showing->path, NULL, NULL, &showing->config, &error);
    if (status == STATUS_OK && showing->only_check) {
        printf("%s: %zu source%s for %s\n", showing->path, showing->config->source_count,
               showing->config->source_count == 1 ? "" : "s", showing->config->use_case);
        return EXIT_DONE;
    }
    if (status == STATUS_OK)
        status = look_at_all(showing, &error);
    if (status != STATUS_OK)
        return tool_fail(&error);
    print_problems(showing);
    if (!showing->json)
        print_table(showing);
    else if (tool_print_json(sources_json(showing)) != EXIT_DONE)
        return EXIT_FAILED;
    return showing->failed_count > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run(struct tool_args *args)
{
    struct showing showing = {.now_s = (int64_t)time(NULL)};
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        switch (got) {
        case OPT_DATA:
            showing.data = args->value;
            break;
        case OPT_CHECK:
            showing.only_check = true;
            break;
        case OPT_JSON:
            showing.json = true;
            break;
        case TOOL_OPERAND:
            if (showing.path != NULL)
                return tool_usage_error(args, "one lists.json at a time");
            showing.path = args->value;
            break;
        default:
            return args->exit_code;
        }
    }
    if (showing.path == NULL)
        return tool_usage_error(args, "a lists.json is missing");
    if (showing.only_check && (showing.json || showing.data != NULL))
        return tool_usage_error(args, "--check goes with no other option");

    const int exit_code = show(&showing);
    source_set_close(showing.set);
    if (showing.scratch != NULL)
        folder_remove(showing.scratch);
    mem_free(showing.scratch);
    mem_free(showing.sources);
    lists_config_free(showing.config);
    return exit_code;
}

const struct tool_command command_sources = {
    .name = "sources",
    .synopsis = "LISTS.json [--data DIR] [--json] | LISTS.json --check",
    .summary = "fetch the lists that a lists.json names, and tell how each one is",
    .details =
        "Tells of each list whether it is new, unchanged, a copy because its source is down,\n"
        "or failed; its lines, bytes, SHA-256 and age. With --data copies are kept, so that\n"
        "only what has changed is fetched again. Exit code 1 when a list has failed.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .run = run,
};
