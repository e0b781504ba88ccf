#include "urls/rule_json.h"

#include "urls/rule_text.h"

#include <jansson.h>

static struct rule read_item(const json_t *item)
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

enum status rule_json_read(struct span text, rule_visit *visit, void *context, uint64_t *number,
                           struct error *err)
{
    json_error_t why;
    enum status status = STATUS_OK;
    /* A NUL in a text is let in here, and refused where the URL is read. */
    json_t *root =
        json_loadb(text.size > 0 ? (const char *)text.data : "", text.size, JSON_ALLOW_NUL, &why);
    if (root == NULL)
        return error_set(err, STATUS_MALFORMED, "line %d, column %d: no JSON", why.line,
                         why.column);
    if (!json_is_array(root))
        status = error_set(err, STATUS_MALFORMED, "a JSON array of texts is wanted");
    for (size_t i = 0; i < json_array_size(root) && status == STATUS_OK; i++) {
        const struct rule rule = read_item(json_array_get(root, i));
        if (number != NULL)
            *number = i + 1;
        status = visit(context, &rule, err);
    }
    json_decref(root);
    return status;
}
