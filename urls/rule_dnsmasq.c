#include "urls/rule_dnsmasq.h"

#include "urls/rule_text.h"

/* Cuts a '#' at the start or behind a blank off, and what follows. */
static struct span without_comment(struct span line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] == '#' && (i == 0 || text_is_blank(line.data[i - 1]))) {
            line.size = i;
            break;
        }
    }
    return text_trim(line);
}

/* What stands behind the last slash, for all names of an address=. */
static enum drop_reason address_reason(struct span target)
{
    if (target.size == 0 || text_is(target, "#"))
        return DROP_NONE;
    switch (rule_address_kind(target)) {
    case RULE_ADDRESS_BLOCKS:
        return DROP_NONE;
    case RULE_ADDRESS_REAL:
        return DROP_HOSTS_ADDRESS;
    case RULE_ADDRESS_NONE:
        break;
    }
    return DROP_FORMAT;
}

/* One name between slashes. */
static enum status visit_name(struct span name, struct rule rule, rule_visit *visit, void *context,
                              struct error *err)
{
    rule.entry = name;
    if (rule.reason != DROP_NONE)
        return visit(context, &rule, err);
    if (text_starts_with(name, "*."))
        rule.reason = DROP_SUBDOMAINS;
    else if (text_is(name, "#") || text_holds(name, '*'))
        rule.reason = DROP_WILDCARD;
    else if (text_holds(name, ':') || text_holds(name, '?'))
        rule.reason = DROP_HOST_CHARACTER;
    else if (text_starts_with(name, "."))
        rule.entry = text_after(name, 1);
    return visit(context, &rule, err);
}

enum status rule_dnsmasq_line(struct span line, rule_visit *visit, void *context,
                              bool *ret_is_comment, struct error *err)
{
    line = without_comment(line);
    *ret_is_comment = line.size == 0;
    if (line.size == 0)
        return STATUS_OK;
    struct rule rule = {.action = RULE_BLOCK, .entry = line};
    const size_t equals = text_find(line, '=');
    const struct span setting = text_trim(span_part(line, 0, equals));
    struct span names = text_trim(text_after(line, equals + 1));
    const bool is_address = text_is(setting, "address");
    if (!is_address && !text_is(setting, "server") && !text_is(setting, "local")) {
        rule.reason = DROP_NOT_BLOCKING;
        return visit(context, &rule, err);
    }
    if (!text_starts_with(names, "/") || text_find(text_after(names, 1), '/') + 1 == names.size) {
        /* server=ADDRESS is where all names are asked for. */
        rule.reason = is_address || text_starts_with(names, "/") ? DROP_FORMAT : DROP_NOT_BLOCKING;
        return visit(context, &rule, err);
    }
    size_t last = names.size;
    while (names.data[last - 1] != '/')
        last--;
    const struct span target = text_after(names, last);
    names = span_part(names, 1, last - 1);
    if (is_address)
        rule.reason = address_reason(target);
    else if (text_is(target, "#"))
        rule.action = RULE_ALLOW;
    else if (target.size > 0)
        rule.reason = DROP_NOT_BLOCKING;
    enum status status = STATUS_OK;
    while (names.size > 0 && status == STATUS_OK) {
        const size_t size = text_find(names, '/');
        status = visit_name(span_part(names, 0, size), rule, visit, context, err);
        names = text_after(names, size + 1);
    }
    return status;
}
