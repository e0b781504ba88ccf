/* The array is walked here and its items are parsed by jansson, one at a time: a whole array parsed
 * takes forty times the memory of its text. */
#include "urls/rule_json.h"

#include "urls/list.h"
#include "urls/rule_text.h"

#include <jansson.h>

/* ---- where things stand ---- */

static enum status refuse(struct span text, size_t at, const char *what, struct error *err)
{
    size_t line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < at; i++) {
        if (text.data[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    return error_set(err, STATUS_MALFORMED, "line %zu, column %zu: %s", line, at - line_start + 1,
                     what);
}

static bool is_white(uint8_t c)
{
    return text_is_blank(c) || c == '\n' || c == '\r';
}

static size_t skip_white(struct span text, size_t at)
{
    while (at < text.size && is_white(text.data[at]))
        at++;
    return at;
}

/* The next byte that is not white; 0 at the end. */
static uint8_t look(struct span text, size_t *at)
{
    *at = skip_white(text, *at);
    return *at < text.size ? text.data[*at] : 0;
}

/* Behind the text that begins with the quote at `at`, or the end of everything. */
static size_t skip_text(struct span text, size_t at)
{
    for (at++; at < text.size && text.data[at] != '"'; at++)
        at += text.data[at] == '\\';
    return at < text.size ? at + 1 : text.size;
}

static size_t skip_nested(struct span text, size_t at)
{
    size_t depth = 0;
    while (at < text.size) {
        const uint8_t c = text.data[at];
        if (c == '"') {
            at = skip_text(text, at);
            continue;
        }
        at++;
        depth += c == '[' || c == '{';
        if ((c == ']' || c == '}') && --depth == 0)
            break;
    }
    return at;
}

/* Behind the item that begins at `at`, well-formed or not. */
static size_t skip_item(struct span text, size_t at)
{
    const uint8_t first = text.data[at];
    if (first == '"')
        return skip_text(text, at);
    if (first == '[' || first == '{')
        return skip_nested(text, at);
    while (at < text.size && !is_white(text.data[at]) && text.data[at] != ',' &&
           text.data[at] != ']')
        at++;
    return at;
}

/* ---- items ---- */

static struct rule rule_of(const json_t *item)
{
    struct rule rule = {.action = RULE_BLOCK, .reason = DROP_FORMAT};
    if (!json_is_string(item))
        return rule;
    rule.entry = text_trim(span_of(json_string_value(item), json_string_length(item)));
    rule.reason = rule.entry.size > 0 ? DROP_NONE : DROP_EMPTY;
    const bool has_scheme =
        text_starts_with(rule.entry, "http://") || text_starts_with(rule.entry, "https://");
    if (has_scheme && !text_holds(rule.entry, '?'))
        rule.differs = RULE_WIDER_DEEPER;
    return rule;
}

/* The item in [at, end). */
static enum status read_item(struct span text, size_t at, size_t end, rule_visit *visit,
                             void *context, struct error *err)
{
    const struct span written = span_part(text, at, end - at);
    if (written.size > LIST_LINE_MAX_BYTES) {
        const struct rule rule = {.action = RULE_BLOCK,
                                  .reason = DROP_LINE_TOO_LONG,
                                  .entry = span_part(written, 0, LIST_LINE_MAX_BYTES)};
        return visit(context, &rule, err);
    }
    /* A NUL in a text is let in here, and refused where the URL is read. */
    json_t *item = json_loadb((const char *)written.data, written.size,
                              JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (item == NULL)
        return refuse(text, at, "no JSON", err);
    const struct rule rule = rule_of(item);
    const enum status status = visit(context, &rule, err);
    json_decref(item);
    return status;
}

enum status rule_json_read(struct span text, rule_visit *visit, void *context, uint64_t *number,
                           struct error *err)
{
    size_t at = 0;
    enum status status = STATUS_OK;
    if (look(text, &at) != '[')
        return refuse(text, at, "a JSON array of texts is wanted", err);
    at++;
    uint8_t next = look(text, &at);
    for (uint64_t count = 1; next != ']' && status == STATUS_OK; count++) {
        if (next == 0)
            return refuse(text, at, "the array is cut off", err);
        const size_t end = skip_item(text, at);
        if (number != NULL)
            *number = count;
        status = read_item(text, at, end, visit, context, err);
        at = end;
        next = look(text, &at);
        if (status == STATUS_OK && next == ',') {
            at++;
            next = look(text, &at);
            if (next == ']')
                status = refuse(text, at, "no JSON", err);
        } else if (status == STATUS_OK && next != ']') {
            status = refuse(text, at, next == 0 ? "the array is cut off" : "no JSON", err);
        }
    }
    if (status == STATUS_OK) {
        at++;
        if (look(text, &at) != 0 || at < text.size)
            status = refuse(text, at, "something stands behind the array", err);
    }
    return status;
}
