/* blindlist suburls - the sub-URLs a device asks for, or the key a list entry becomes. */
#include "tools/commands.h"
#include "tools/tool_json.h"
#include "tools/tool_parsing.h"

#include <stdio.h>

enum { OPT_KEY, OPT_PARSING, OPT_JSON };
static const struct tool_option options[] = {
    [OPT_KEY] = {"key", 'k', NULL, "print only the key that a list entry would become"},
    [OPT_PARSING] = TOOL_PARSING_OPTION,
    [OPT_JSON] = {"json", 0, NULL, "print a JSON array with an object for each URL"},
};

static enum status print_line(void *context, struct span sub_url, struct error *err)
{
    (void)err;
    FILE *out = context;
    fwrite(sub_url.data, 1, sub_url.size, out);
    fputc('\n', out);
    return STATUS_OK;
}

static enum status append_json(void *context, struct span sub_url, struct error *err)
{
    json_t *list = context;
    if (json_array_append_new(list, json_stringn((const char *)sub_url.data, sub_url.size)) != 0)
        return error_set(err, STATUS_NOMEM, "out of memory");
    return STATUS_OK;
}

/* What the output is made of. */
struct suburls {
    struct parsing *parsing; /* NULL = the default */
    struct parsing_workspace *workspace;
    bool only_key;
    json_t *all; /* NULL = text */
};

/* "keys" and "noKey" under a configuration, which may leave none or make two, else "key". */
static enum status add_keys(const struct suburls *suburls, json_t *object,
                            const struct parsing_keys *keys, struct error *err)
{
    json_t *list = json_array();
    enum status status = list != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < keys->count && status == STATUS_OK; i++)
        status = append_json(list, keys->keys[i], err);
    bool is_good = status == STATUS_OK;
    if (is_good && suburls->parsing == NULL)
        is_good = json_object_set(object, "key", json_array_get(list, 0)) == 0;
    else if (is_good)
        is_good = json_object_set(object, "keys", list) == 0;
    if (is_good && keys->reason != DROP_NONE)
        is_good =
            json_object_set_new(object, "noKey", json_string(drop_reason_name(keys->reason))) == 0;
    json_decref(list);
    return is_good ? STATUS_OK : error_set(err, STATUS_NOMEM, "out of memory");
}

static enum status add_json(const struct suburls *suburls, const char *text,
                            const struct parsing_keys *keys, struct error *err)
{
    const struct url *url = parsing_url(suburls->workspace);
    json_t *object = json_pack("{s:s}", "url", text);
    json_t *list = suburls->only_key ? NULL : json_array();
    enum status status = STATUS_OK;
    if (object == NULL || (!suburls->only_key && list == NULL))
        status = error_set(err, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK)
        status = add_keys(suburls, object, keys, err);
    if (status == STATUS_OK &&
        (json_object_set_new(object, "wwwRemoved", json_boolean(url->had_www)) != 0 ||
         json_object_set_new(object, "userInfoRemoved", json_boolean(url->had_user_info)) != 0))
        status = error_set(err, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK && list != NULL)
        status = parsing_expand(suburls->workspace, append_json, list, err);
    if (status == STATUS_OK && list != NULL && json_object_set(object, "subUrls", list) != 0)
        status = error_set(err, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK && json_array_append(suburls->all, object) != 0)
        status = error_set(err, STATUS_NOMEM, "out of memory");
    json_decref(list);
    json_decref(object);
    return status;
}

static enum status show(const struct suburls *suburls, const char *text, bool is_first,
                        struct error *err)
{
    struct parsing_keys keys;
    const enum drop_reason reason = parsing_read(suburls->workspace, span_of_text(text));
    if (reason != DROP_NONE)
        return error_set(err, STATUS_INVALID, "%s: %s", text, drop_reason_text(reason));
    enum status status = parsing_keys(suburls->workspace, false, &keys, err);
    if (status != STATUS_OK)
        return error_prefix(err, status, "%s", text);
    if (suburls->all != NULL)
        return add_json(suburls, text, &keys, err);
    if (!suburls->only_key) {
        if (!is_first)
            fputc('\n', stdout);
        status = parsing_expand(suburls->workspace, print_line, stdout, err);
        return status == STATUS_OK ? status : error_prefix(err, status, "%s", text);
    }
    if (keys.reason != DROP_NONE)
        return error_set(err, STATUS_INVALID, "%s: %s", text, drop_reason_text(keys.reason));
    for (size_t i = 0; i < keys.count && status == STATUS_OK; i++)
        status = print_line(stdout, keys.keys[i], err);
    return status;
}

static int show_all(struct suburls *suburls, const char *path, bool json, char *const *texts,
                    size_t count)
{
    struct error error = {0};
    enum status status = STATUS_OK;
    suburls->all = json ? json_array() : NULL;
    if (json && suburls->all == NULL)
        status = error_set(&error, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK && path != NULL)
        status = parsing_file_read(path, &suburls->parsing, &error);
    if (status == STATUS_OK)
        status = parsing_workspace_new(suburls->parsing, &suburls->workspace, &error);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = show(suburls, texts[i], i == 0, &error);
    int exit_code = status == STATUS_OK ? EXIT_DONE : tool_fail(&error);
    if (status == STATUS_OK && json)
        exit_code = tool_print_json(suburls->all);
    else
        json_decref(suburls->all);
    parsing_workspace_free(suburls->workspace);
    parsing_free(suburls->parsing);
    return exit_code;
}

static int run(struct tool_args *args)
{
    struct suburls suburls = {0};
    const char *path = NULL;
    bool json = false;
    size_t count = 0;
    /* Operands are gathered at the front of argv: options may stand behind them. */
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        switch (got) {
        case OPT_KEY:
            suburls.only_key = true;
            break;
        case OPT_PARSING:
            path = args->value;
            break;
        case OPT_JSON:
            json = true;
            break;
        case TOOL_OPERAND:
            args->argv[count++] = (char *)(uintptr_t)args->value;
            break;
        default:
            return args->exit_code;
        }
    }
    if (count == 0)
        return tool_usage_error(args, "a URL is missing");
    return show_all(&suburls, path, json, args->argv, count);
}

const struct tool_command command_suburls = {
    .name = "suburls",
    .synopsis = "URL...",
    .summary = "show the sub-URLs that a device asks for",
    .details = "Prints, one a line, every spelling of each URL that a device tests against the\n"
               "prefilter and asks the server about; several URLs are separated by an empty line.\n"
               "A list entry blocks a URL when its key is one of these. From iOS and macOS 27 on\n"
               "an app may configure which spellings those are.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .run = run,
};
