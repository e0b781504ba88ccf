#include "urls/rule_rows.h"

#include "urls/rule_text.h"

static const char test_row[] = "www.apple.com/url-filter-test";

enum status rule_rows_line(struct rule_rows *state, struct span line, rule_visit *visit,
                           void *context, bool *ret_is_comment, struct error *err)
{
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    const size_t tab = text_find(line, '\t');
    const struct span key = span_part(line, 0, tab);
    const struct span value = text_after(line, tab + 1);
    struct rule rule = {.action = RULE_BLOCK, .entry = key};
    *ret_is_comment =
        line.size == 0 || line.data[0] == '#' || span_equal(key, span_of_text(test_row));
    if (*ret_is_comment)
        return STATUS_OK;
    if (tab < line.size && !span_equal(value, span_of_text("1")))
        rule.reason = DROP_VALUE;
    else if (url_parse(key, &state->url) != DROP_NONE || !span_equal(url_key(&state->url), key))
        rule.reason = DROP_FORMAT;
    if (rule.reason != DROP_NONE)
        rule.entry = line;
    return visit(context, &rule, err);
}
