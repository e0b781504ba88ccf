/* blindlist explain - why a dataset blocks a URL, or does not. */
#include "base/file.h"
#include "base/mem.h"
#include "base/sorted_lines.h"
#include "lists/origins_file.h"
#include "pir-server/dataset/dataset.h"
#include "tools/commands.h"
#include "tools/tool_json.h"
#include "tools/tool_parsing.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MORE_ORIGINS_MAX 255 /* that or more */

enum { OPT_DATASET, OPT_AS_KEY, OPT_PARSING, OPT_JSON };
static const struct tool_option options[] = {
    [OPT_DATASET] = {"dataset", 'd', "DIR",
                     "folder of a version, of a use case, or of the data of one use case"},
    [OPT_AS_KEY] = {"as-key", 0, NULL, "take URLs as dataset keys, word for word, unexpanded"},
    [OPT_PARSING] = TOOL_PARSING_OPTION,
    [OPT_JSON] = {"json", 0, NULL, "print a JSON object"},
};

struct explain {
    const char *path;
    const char *parsing_path; /* NULL: as devices ask for which the dataset was made */
    bool parsing_differs;
    bool as_key;
    bool json;
    struct dataset *dataset;
    struct file_map rows;
    struct file_map origins_map;
    bool has_origins;
    struct origins origins;
    struct parsing *parsing; /* that the dataset was made for; NULL = the default */
    struct parsing_workspace *workspace;
};

/* ---- opening ---- */

static bool is_in(const char *folder, const char *name)
{
    char *path = path_join(folder, name);
    const bool is_there = path != NULL && access(path, F_OK) == 0;
    mem_free(path);
    return is_there;
}

/* The folder of a use case: what lies above has its name. */
static enum status open_use_case(const char *path, struct dataset **ret, struct error *err)
{
    char resolved[PATH_MAX];
    if (realpath(path, resolved) == NULL)
        return error_set_errno(err, errno, "%s", path);
    char *slash = strrchr(resolved, '/');
    *slash = '\0';
    return dataset_open(slash > resolved ? resolved : "/", slash + 1, 0, ret, err);
}

static enum status open_only_use_case(const char *path, struct dataset **ret, struct error *err)
{
    struct folder_names names = {0};
    enum status status = dataset_list(path, &names, err);
    if (status == STATUS_OK && names.count == 0)
        status = error_set(err, STATUS_NOT_FOUND, "%s: no dataset in it", path);
    if (status == STATUS_OK && names.count > 1)
        status = error_set(err, STATUS_INVALID, "%s: has %zu use cases; name the folder of one",
                           path, names.count);
    if (status == STATUS_OK)
        status = dataset_open(path, names.list[0], 0, ret, err);
    folder_names_deinit(&names);
    return status;
}

static enum status open_dataset(struct explain *explain, struct error *err)
{
    if (is_in(explain->path, "dataset.json"))
        return dataset_open_folder(explain->path, 0, &explain->dataset, err);
    if (is_in(explain->path, "current"))
        return open_use_case(explain->path, &explain->dataset, err);
    return open_only_use_case(explain->path, &explain->dataset, err);
}

static enum status map_file(const struct explain *explain, const char *name, struct file_map *ret,
                            struct error *err)
{
    char *path = path_join(dataset_folder(explain->dataset), name);
    const enum status status = path != NULL ? file_map_open(path, ret, err)
                                            : error_set(err, STATUS_NOMEM, "%s: out of memory",
                                                        dataset_folder(explain->dataset));
    mem_free(path);
    return status;
}

static enum status open_origins(struct explain *explain, struct error *err)
{
    enum status status = map_file(explain, DATASET_ORIGINS_NAME, &explain->origins_map, err);
    if (status == STATUS_NOT_FOUND) {
        fprintf(stderr,
                "blindlist: note: %s: has no record of sources and lines, which `blindlist "
                "update` keeps\n",
                explain->path);
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = origins_open(explain->origins_map.bytes, &explain->origins, err);
    explain->has_origins = status == STATUS_OK;
    return status;
}

static enum status open_parsing(struct explain *explain, struct error *err)
{
    const struct span text = dataset_parsing(explain->dataset);
    const char *made_for = dataset_info(explain->dataset)->parsing;
    enum status status = STATUS_OK;
    if (explain->parsing_path != NULL) {
        status = parsing_file_read(explain->parsing_path, &explain->parsing, err);
        if (status == STATUS_OK)
            status =
                tool_compare_parsing(explain->parsing, made_for, &explain->parsing_differs, err);
    } else if (text.size > 0) {
        fprintf(stderr,
                "blindlist: note: %s: is for devices with the parsing configuration %.16s\n",
                explain->path, made_for);
        status = parsing_file_parse(text, "dataset.json", &explain->parsing, err);
    }
    return status == STATUS_OK ? parsing_workspace_new(explain->parsing, &explain->workspace, err)
                               : status;
}

static enum status open_all(struct explain *explain, struct error *err)
{
    enum status status = open_dataset(explain, err);
    if (status == STATUS_OK)
        status = map_file(explain, "rows.txt", &explain->rows, err);
    if (status == STATUS_OK)
        status = open_origins(explain, err);
    if (status == STATUS_OK)
        status = open_parsing(explain, err);
    return status;
}

/* ---- one sub-URL ---- */

/* What is known of one sub-URL. */
struct answer {
    struct span sub_url;
    bool is_key;
    bool is_hit;               /* in the prefilter: devices ask the server */
    bool is_listed;            /* lists name it as to be blocked: */
    struct origins_key listed; /* here, */
    bool is_taken;             /* and the key that took it away is */
    struct origins_key taker;
    bool is_allowed; /* lists name it as to be allowed, here: */
    struct origins_key allow;
};

static enum status find_in(const struct explain *explain, enum origins_table table, struct span key,
                           bool *ret_is_there, struct origins_key *ret, struct error *err)
{
    size_t index = 0;
    enum status status = origins_find(&explain->origins, table, key, &index, err);
    *ret_is_there = status == STATUS_OK && index != KEY_TABLE_NONE;
    return *ret_is_there ? origins_at(&explain->origins, table, index, ret, err) : status;
}

static enum status find_answer(const struct explain *explain, struct span sub_url,
                               struct answer *ret, struct error *err)
{
    *ret = (struct answer){.sub_url = sub_url,
                           .is_key = sorted_lines_has(explain->rows.bytes, sub_url),
                           .is_hit = dataset_prefilter_has(explain->dataset, sub_url)};
    if (!explain->has_origins)
        return STATUS_OK;
    enum status status =
        find_in(explain, ORIGINS_BLOCK, sub_url, &ret->is_listed, &ret->listed, err);
    if (status == STATUS_OK && ret->is_listed && ret->listed.fate != KEY_KEPT) {
        ret->is_taken = true;
        status = origins_at(&explain->origins, origins_taker(ret->listed.fate), ret->listed.by,
                            &ret->taker, err);
    }
    if (status == STATUS_OK)
        status = find_in(explain, ORIGINS_ALLOW, sub_url, &ret->is_allowed, &ret->allow, err);
    return status;
}

/* One word, or two. */
static const char *state_of(const struct answer *answer)
{
    return answer->is_key       ? "key"
           : answer->is_listed  ? key_fate_names[answer->listed.fate]
           : answer->is_allowed ? "allow"
           : answer->is_hit     ? "in vain"
                                : "-";
}

/* ---- all sub-URLs of one URL ---- */

static enum status each_sub_url(struct explain *explain, const char *text, url_visit *visit,
                                void *context, struct error *err)
{
    if (explain->as_key)
        return visit(context, span_of_text(text), err);
    return parsing_expand(explain->workspace, visit, context, err);
}

/* The first key among the sub-URLs, as a device meets it. */
struct verdict {
    const struct explain *explain;
    bool is_blocked;
    struct bytes key;
};

static enum status look_for_key(void *context, struct span sub_url, struct error *err)
{
    struct verdict *verdict = context;
    if (verdict->is_blocked || !sorted_lines_has(verdict->explain->rows.bytes, sub_url))
        return STATUS_OK;
    verdict->is_blocked = true;
    bytes_append(&verdict->key, sub_url);
    return bytes_status(&verdict->key, "key", err);
}

/* ---- text ---- */

struct telling {
    const struct explain *explain;
    bool is_blocked;
    json_t *list; /* of --json */
};

static void print_place(const struct origins_key *key)
{
    tool_print_text(key->source);
    printf(", line %lu", (unsigned long)key->line);
    if (key->more_origins > 0)
        printf(", and %zu%s more place%s", key->more_origins,
               key->more_origins == MORE_ORIGINS_MAX ? " or" : "",
               key->more_origins == 1 ? "" : "s");
}

static void print_origin(const char *before, const struct origins_key *key, const char *behind)
{
    printf("  %-10s %s", "", before);
    print_place(key);
    printf("%s\n", behind);
}

static enum status print_answer(void *context, struct span sub_url, struct error *err)
{
    const struct telling *telling = context;
    struct answer answer;
    const enum status status = find_answer(telling->explain, sub_url, &answer, err);
    if (status != STATUS_OK)
        return status;
    printf("  %-10s ", state_of(&answer));
    tool_print_text(sub_url);
    putchar('\n');
    if (answer.is_listed)
        print_origin("", &answer.listed, "");
    else if (answer.is_key && span_equal(sub_url, span_of_text(DATASET_TEST_ROW)))
        printf("  %-10s %s\n", "", "in every dataset: Apple's devices test filters with it");
    if (answer.is_taken) {
        printf("  %-10s by ", "");
        tool_print_text(answer.taker.key);
        printf(": ");
        print_place(&answer.taker);
        putchar('\n');
    }
    if (answer.is_allowed && !answer.is_taken)
        print_origin("allowed by ", &answer.allow,
                     telling->is_blocked ? ", in vain: devices know no allow verdict" : "");
    return STATUS_OK;
}

static enum status print_url(struct explain *explain, const char *text,
                             const struct verdict *verdict, struct error *err)
{
    struct telling telling = {.explain = explain, .is_blocked = verdict->is_blocked};
    tool_print_text(span_of_text(text));
    printf(verdict->is_blocked ? " is blocked by " : " is not blocked");
    tool_print_text(bytes_view(&verdict->key));
    putchar('\n');
    return each_sub_url(explain, text, print_answer, &telling, err);
}

/* ---- JSON ---- */

static bool put_place(json_t *object, const struct origins_key *key)
{
    return json_put(object, "source", tool_text_json(key->source)) &&
           json_put(object, "line", json_count(key->line)) &&
           json_put(object, "morePlaces", json_count(key->more_origins));
}

static bool put_key(json_t *object, const char *name, const struct origins_key *key)
{
    json_t *inner = json_object();
    return inner != NULL && json_put(object, name, inner) &&
           json_put(inner, "key", tool_text_json(key->key)) && put_place(inner, key);
}

static enum status append_answer(void *context, struct span sub_url, struct error *err)
{
    const struct telling *telling = context;
    struct answer answer;
    const enum status status = find_answer(telling->explain, sub_url, &answer, err);
    if (status != STATUS_OK)
        return status;
    json_t *object = json_object();
    const bool good = object != NULL && json_array_append_new(telling->list, object) == 0 &&
                      json_put(object, "subUrl", tool_text_json(sub_url)) &&
                      json_put(object, "isKey", json_boolean(answer.is_key)) &&
                      json_put(object, "isInPrefilter", json_boolean(answer.is_hit)) &&
                      (!answer.is_listed ||
                       (json_put(object, "fate", json_string(key_fate_names[answer.listed.fate])) &&
                        put_place(object, &answer.listed))) &&
                      (!answer.is_taken || put_key(object, "by", &answer.taker)) &&
                      (!answer.is_allowed || put_key(object, "allow", &answer.allow));
    return good ? STATUS_OK : error_set(err, STATUS_NOMEM, "out of memory");
}

static enum status append_url(struct explain *explain, const char *text,
                              const struct verdict *verdict, json_t *results, struct error *err)
{
    json_t *object = json_object();
    struct telling telling = {
        .explain = explain, .is_blocked = verdict->is_blocked, .list = json_array()};
    const bool good = object != NULL && json_array_append_new(results, object) == 0 &&
                      json_put(object, "url", tool_text_json(span_of_text(text))) &&
                      json_put(object, "blocked", json_boolean(verdict->is_blocked)) &&
                      (!verdict->is_blocked ||
                       json_put(object, "key", tool_text_json(bytes_view(&verdict->key)))) &&
                      json_put(object, "subUrls", telling.list);
    return good ? each_sub_url(explain, text, append_answer, &telling, err)
                : error_set(err, STATUS_NOMEM, "out of memory");
}

static json_t *root_json(const struct explain *explain, json_t *results)
{
    const struct dataset_info *info = dataset_info(explain->dataset);
    return json_pack("{s:s, s:s, s:s*, s:o*, s:b, s:O}", "useCase", info->use_case, "version",
                     info->version, "parsingSha256",
                     info->parsing[0] != '\0' ? info->parsing : NULL, "parsingDiffers",
                     explain->parsing_differs ? json_true() : NULL, "hasOrigins",
                     (int)explain->has_origins, "results", results);
}

/* ---- the command ---- */

static enum status explain_url(struct explain *explain, const char *text, json_t *results,
                               bool *ret_is_blocked, struct error *err)
{
    struct verdict verdict = {.explain = explain};
    bytes_init(&verdict.key, explain->rows.bytes.size); /* it is a line of them */
    const enum drop_reason reason =
        explain->as_key ? DROP_NONE : parsing_read(explain->workspace, span_of_text(text));
    enum status status =
        reason != DROP_NONE
            ? error_set(err, STATUS_INVALID, "%s: %s", text, drop_reason_text(reason))
            : each_sub_url(explain, text, look_for_key, &verdict, err);
    if (status == STATUS_OK)
        status = results != NULL ? append_url(explain, text, &verdict, results, err)
                                 : print_url(explain, text, &verdict, err);
    *ret_is_blocked = verdict.is_blocked;
    bytes_deinit(&verdict.key);
    return status;
}

static int explain_all(struct explain *explain, char **urls, size_t count)
{
    struct error error;
    json_t *results = explain->json ? json_array() : NULL;
    bool are_all_blocked = true;
    enum status status = open_all(explain, &error);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        bool is_blocked = false;
        status = explain_url(explain, urls[i], results, &is_blocked, &error);
        are_all_blocked = are_all_blocked && is_blocked;
    }
    int exit_code = are_all_blocked ? EXIT_DONE : EXIT_ANSWER_NO;
    if (status != STATUS_OK)
        exit_code = tool_fail(&error);
    else if (explain->json && tool_print_json(root_json(explain, results)) != EXIT_DONE)
        exit_code = EXIT_FAILED;
    json_decref(results);
    return exit_code;
}

static int run(struct tool_args *args)
{
    struct explain *explain = mem_alloc_zeroed(1, sizeof *explain);
    struct error error;
    size_t count = 0;
    int exit_code = EXIT_DONE;
    if (explain == NULL) {
        error_set(&error, STATUS_NOMEM, "out of memory");
        return tool_fail(&error);
    }
    /* Operands are gathered at the front of argv: options may stand behind them. */
    int got;
    for (got = tool_next(args); got != TOOL_END && got != TOOL_STOP; got = tool_next(args)) {
        if (got == OPT_DATASET)
            explain->path = args->value;
        else if (got == OPT_AS_KEY)
            explain->as_key = true;
        else if (got == OPT_PARSING)
            explain->parsing_path = args->value;
        else if (got == OPT_JSON)
            explain->json = true;
        else
            args->argv[count++] = (char *)(uintptr_t)args->value;
    }
    if (got == TOOL_STOP)
        exit_code = args->exit_code;
    else if (explain->path == NULL)
        exit_code = tool_usage_error(args, "--dataset is missing");
    else if (count == 0)
        exit_code = tool_usage_error(args, "a URL is missing");
    else
        exit_code = explain_all(explain, args->argv, count);
    file_map_close(&explain->rows);
    file_map_close(&explain->origins_map);
    parsing_workspace_free(explain->workspace);
    parsing_free(explain->parsing);
    dataset_free(explain->dataset);
    mem_free(explain);
    return exit_code;
}

const struct tool_command command_explain = {
    .name = "explain",
    .synopsis = "URL... --dataset DIR [--as-key] [--parsing-configuration FILE] [--json]",
    .summary = "tell why a dataset blocks a URL, or does not",
    .details =
        "Shows every sub-URL that a device asks for: whether it is a key, from which source and\n"
        "line it came, or what took it away: an allow entry, or a key that covers it. \"in vain\"\n"
        "is one that the prefilter lets through though it is no key. Exit code 0 when every URL\n"
        "is blocked, 3 when one is not.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .run = run,
};
