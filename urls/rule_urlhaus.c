#include "urls/rule_urlhaus.h"

#include "urls/rule_text.h"

/* Columns in front of the URL: id, dateadded. */
#define URL_COLUMN 2

/* Takes one field and the comma behind it off *line, into `into`. False when a quote does not
 * close, or something stands behind one that does. */
static bool take_field(struct span *line, uint8_t *into, struct span *ret)
{
    const struct span text = *line;
    size_t at = 0;
    size_t size = 0;
    if (text.size == 0 || text.data[0] != '"') {
        at = text_find(text, ',');
        *ret = span_part(text, 0, at);
        *line = text_after(text, at + 1);
        return true;
    }
    bool is_closed = false;
    for (at = 1; at < text.size && !is_closed; at++) {
        if (text.data[at] != '"') {
            into[size++] = text.data[at];
        } else if (at + 1 < text.size && text.data[at + 1] == '"') {
            into[size++] = '"';
            at++;
        } else {
            is_closed = true;
        }
    }
    if (!is_closed || (at < text.size && text.data[at] != ','))
        return false;
    *ret = span_of(into, size);
    *line = text_after(text, at + 1);
    return true;
}

static bool is_url(struct span text)
{
    return text_starts_with(text, "http://") || text_starts_with(text, "https://");
}

static enum status visit_url(struct span url, struct span line, rule_visit *visit, void *context,
                             struct error *err)
{
    struct rule rule = {.action = RULE_BLOCK, .entry = url};
    if (!is_url(url))
        rule = (struct rule){.action = RULE_BLOCK, .reason = DROP_FORMAT, .entry = line};
    else if (!text_holds(url, '?'))
        rule.differs = RULE_WIDER_DEEPER;
    return visit(context, &rule, err);
}

static bool is_comment(struct span line)
{
    return line.size == 0 || line.data[0] == '#';
}

enum status rule_urlhaus_csv_line(struct rule_urlhaus *state, struct span line, rule_visit *visit,
                                  void *context, bool *ret_is_comment, struct error *err)
{
    line = text_trim(line);
    *ret_is_comment = is_comment(line);
    if (*ret_is_comment)
        return STATUS_OK;
    struct span rest = line;
    struct span field = span_of(NULL, 0);
    bool is_good = true;
    for (int column = 0; is_good && column <= URL_COLUMN; column++)
        is_good = take_field(&rest, state->url, &field);
    *ret_is_comment = is_good && text_is(field, "url");
    if (*ret_is_comment)
        return STATUS_OK;
    return visit_url(is_good ? field : line, line, visit, context, err);
}

enum status rule_urlhaus_text_line(struct span line, rule_visit *visit, void *context,
                                   bool *ret_is_comment, struct error *err)
{
    line = text_trim(line);
    *ret_is_comment = is_comment(line);
    return *ret_is_comment ? STATUS_OK : visit_url(line, line, visit, context, err);
}
