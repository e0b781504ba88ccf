/* blindlist suburls - the sub-URLs a device asks for, or the key a list entry becomes. */
#include "base/mem.h"
#include "tools/commands.h"
#include "tools/tool_json.h"
#include "urls/url.h"

#include <stdio.h>

enum { OPT_KEY, OPT_JSON };
static const struct tool_option options[] = {
    [OPT_KEY] = {"key", 'k', NULL, "print only the key that a list entry would become"},
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

static enum status add_json(json_t *all, const char *text, struct url *url, bool only_key,
                            struct error *err)
{
    const struct span key = url_key(url);
    json_t *object =
        json_pack("{s:s, s:s%, s:b, s:b}", "url", text, "key", (const char *)key.data, key.size,
                  "wwwRemoved", (int)url->had_www, "userInfoRemoved", (int)url->had_user_info);
    json_t *list = only_key ? NULL : json_array();
    enum status status = STATUS_OK;
    if (object == NULL || (!only_key && list == NULL))
        status = error_set(err, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK && !only_key)
        status = url_expand(url, append_json, list, err);
    if (status == STATUS_OK && !only_key && json_object_set(object, "subUrls", list) != 0)
        status = error_set(err, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK && json_array_append(all, object) != 0)
        status = error_set(err, STATUS_NOMEM, "out of memory");
    json_decref(list);
    json_decref(object);
    return status;
}

static enum status show(const char *text, struct url *url, bool only_key, bool is_first,
                        json_t *all, struct error *err)
{
    const enum drop_reason reason = url_parse(span_of_text(text), url);
    if (reason != DROP_NONE)
        return error_set(err, STATUS_INVALID, "%s: %s", text, drop_reason_text(reason));
    if (all != NULL)
        return add_json(all, text, url, only_key, err);
    if (only_key)
        return print_line(stdout, url_key(url), err);
    if (!is_first)
        fputc('\n', stdout);
    return url_expand(url, print_line, stdout, err);
}

static int run(struct tool_args *args)
{
    bool only_key = false;
    bool json = false;
    size_t count = 0;
    int exit_code = EXIT_DONE;
    /* Operands are gathered at the front of argv: options may stand behind them. */
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        switch (got) {
        case OPT_KEY:
            only_key = true;
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

    struct error error = {0};
    struct url *url = mem_alloc(1, sizeof *url);
    json_t *all = json ? json_array() : NULL;
    if (url == NULL || (json && all == NULL)) {
        error_set(&error, STATUS_NOMEM, "out of memory");
        exit_code = tool_fail(&error);
    }
    for (size_t i = 0; i < count && exit_code == EXIT_DONE; i++) {
        if (show(args->argv[i], url, only_key, i == 0, all, &error) != STATUS_OK)
            exit_code = tool_fail(&error);
    }
    if (all != NULL && exit_code == EXIT_DONE)
        exit_code = tool_print_json(all);
    else
        json_decref(all);
    mem_free(url);
    return exit_code;
}

const struct tool_command command_suburls = {
    .name = "suburls",
    .synopsis = "URL...",
    .summary = "show the sub-URLs that a device asks for",
    .details = "Prints, one a line, every spelling of each URL that a device tests against the\n"
               "prefilter and asks the server about; several URLs are separated by an empty line.\n"
               "A list entry blocks a URL when its key is one of these.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .run = run,
};
