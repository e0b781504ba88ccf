#include "urls/list_includes.h"

#include "urls/rule_adblock.h"
#include "urls/rule_text.h"

struct reading {
    list_include_visit *visit;
    void *context;
    uint64_t line;
};

static enum status take_rule(void *context, const struct rule *rule, struct error *err)
{
    const struct reading *reading = context;
    struct span name;
    if (rule->reason != DROP_INCLUDE || !rule_adblock_include(rule->entry, &name))
        return STATUS_OK;
    return reading->visit(reading->context, reading->line, name, err);
}

enum status list_includes_each(struct span text, list_include_visit *visit, void *context,
                               struct error *err)
{
    struct reading reading = {.visit = visit, .context = context};
    struct rule_adblock state = {0};
    enum status status = STATUS_OK;
    for (size_t at = 0; at < text.size && status == STATUS_OK; reading.line++) {
        const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
        const size_t size = (end != NULL ? (size_t)(end - text.data) : text.size) - at;
        const struct span line = text_trim(span_part(text, at, size));
        bool is_comment;
        at += size + 1;
        if (line.size == 0 || line.data[0] != '!')
            continue;
        struct reading now = reading;
        now.line++;
        status = rule_adblock_line(&state, line, take_rule, &now, &is_comment, err);
    }
    return status;
}

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("._~+-", c) != NULL);
}

bool list_include_is_below(struct span name)
{
    size_t start = 0;
    if (name.size == 0 || name.size > LIST_INCLUDE_NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i <= name.size; i++) {
        if (i < name.size && name.data[i] != '/') {
            if (!is_name_byte(name.data[i]))
                return false;
            continue;
        }
        const struct span part = span_part(name, start, i - start);
        if (part.size == 0 || text_is(part, ".") || text_is(part, ".."))
            return false;
        start = i + 1;
    }
    return true;
}
