#include "urls/rule_rpz.h"

#include "base/compiler.h"
#include "urls/rule_text.h"

/* ---- lines and words ---- */

/* Without a comment; a ';' in quotes is part of a text. */
static struct span without_comment(struct span line)
{
    bool in_quotes = false;
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] == '"')
            in_quotes = !in_quotes;
        if (line.data[i] == ';' && !in_quotes) {
            line.size = i;
            break;
        }
    }
    return line;
}

/* Whether the line goes on with the record before. */
static bool count_parentheses(struct rule_rpz *state, struct span line)
{
    bool in_quotes = false;
    state->lines_open = state->depth > 0 ? state->lines_open + 1 : 0;
    if (state->lines_open > RULE_RPZ_LINES_OPEN_MAX)
        state->depth = 0;
    const bool goes_on = state->depth > 0;
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] == '"')
            in_quotes = !in_quotes;
        else if (line.data[i] == '(' && !in_quotes)
            state->depth++;
        else if (line.data[i] == ')' && !in_quotes && state->depth > 0)
            state->depth--;
    }
    return goes_on;
}

static bool is_any(struct span word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text_is_word(word, words[i]))
            return true;
    }
    return false;
}

/* "3600" or "1h30m". */
static bool is_time(struct span word)
{
    for (size_t i = 0; i < word.size; i++) {
        const bool is_digit = word.data[i] >= '0' && word.data[i] <= '9';
        if (!is_digit && (i == 0 || memchr("smhdwSMHDW", word.data[i], 10) == NULL))
            return false;
    }
    return word.size > 0;
}

/* Takes the type off *rest, and time to live and class in front of it. */
static struct span take_type(struct span *rest)
{
    static const char *const classes[] = {"in", "ch", "hs"};
    struct span word = text_take_word(rest);
    while (is_time(word) || is_any(word, classes, ARRAY_COUNT(classes)))
        word = text_take_word(rest);
    return word;
}

/* ---- names ---- */

static bool ends_with_name(struct span text, struct span name)
{
    if (text.size < name.size)
        return false;
    const struct span end = text_after(text, text.size - name.size);
    for (size_t i = 0; i < name.size; i++) {
        const uint8_t a = end.data[i];
        const uint8_t b = name.data[i];
        const uint8_t lower_a = (uint8_t)(a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a);
        const uint8_t lower_b = (uint8_t)(b >= 'A' && b <= 'Z' ? b + ('a' - 'A') : b);
        if (lower_a != lower_b)
            return false;
    }
    return true;
}

/* The owner as seen from the zone. DROP_FORMAT when it is outside. */
static enum drop_reason inside_zone(const struct rule_rpz *state, struct span *owner)
{
    const struct span origin = span_of(state->origin, state->origin_size);
    if (!text_ends_with(*owner, "."))
        return DROP_NONE;
    owner->size--;
    if (origin.size == 0)
        return DROP_NONE;
    if (owner->size <= origin.size || !ends_with_name(*owner, origin) ||
        owner->data[owner->size - origin.size - 1] != '.')
        return DROP_FORMAT;
    owner->size -= origin.size + 1;
    return DROP_NONE;
}

static bool is_trigger(struct span owner)
{
    static const char *const triggers[] = {".rpz-ip", ".rpz-client-ip", ".rpz-nsip",
                                           ".rpz-nsdname"};
    for (size_t i = 0; i < ARRAY_COUNT(triggers); i++) {
        if (ends_with_name(owner, span_of_text(triggers[i])))
            return true;
    }
    return false;
}

static enum drop_reason check_owner(struct span owner)
{
    if (is_trigger(owner))
        return DROP_TRIGGER;
    if (text_starts_with(owner, "*."))
        return DROP_SUBDOMAINS;
    if (text_holds(owner, '*'))
        return DROP_WILDCARD;
    if (text_holds(owner, '\\') || text_holds(owner, '/') || text_holds(owner, ':') ||
        text_holds(owner, '?') || text_holds(owner, '@'))
        return DROP_HOST_CHARACTER;
    return DROP_NONE;
}

static void keep_name(struct span name, uint8_t *into, size_t *ret_size)
{
    *ret_size = name.size <= RULE_RPZ_NAME_BYTES ? name.size : 0;
    if (*ret_size > 0)
        memcpy(into, name.data, *ret_size);
}

/* ---- records ---- */

static void read_cname(struct span owner, struct span target, struct rule *rule)
{
    static const char *const blocks[] = {".", "*.", "rpz-drop."};
    const bool is_itself = text_ends_with(target, ".") && target.size == owner.size + 1 &&
                           ends_with_name(span_part(target, 0, owner.size), owner);
    if (is_any(target, blocks, ARRAY_COUNT(blocks)))
        return;
    if (text_is_word(target, "rpz-passthru.") || is_itself)
        rule->action = RULE_ALLOW;
    else if (text_is_word(target, "rpz-tcp-only."))
        rule->reason = DROP_NOT_BLOCKING;
    else
        rule->reason = target.size == 0 ? DROP_FORMAT : DROP_REDIRECT;
}

static void read_address(struct span address, struct rule *rule)
{
    switch (rule_address_kind(address)) {
    case RULE_ADDRESS_BLOCKS:
        break;
    case RULE_ADDRESS_REAL:
        rule->reason = DROP_HOSTS_ADDRESS;
        break;
    case RULE_ADDRESS_NONE:
        rule->reason = DROP_FORMAT;
        break;
    }
}

/* A record about `owner`; *ret_is_comment when it is about the zone itself. */
static void read_record(const struct rule_rpz *state, struct span owner, struct span rest,
                        struct rule *rule, bool *ret_is_comment)
{
    static const char *const of_zone[] = {"soa", "ns"};
    const struct span type = take_type(&rest);
    const struct span data = text_take_word(&rest);
    *ret_is_comment = is_any(type, of_zone, ARRAY_COUNT(of_zone));
    if (*ret_is_comment)
        return;
    rule->reason = inside_zone(state, &owner);
    rule->entry = owner;
    if (rule->reason == DROP_NONE && type.size == 0)
        rule->reason = DROP_FORMAT;
    if (rule->reason != DROP_NONE)
        return;
    if (text_is_word(type, "cname"))
        read_cname(owner, data, rule);
    else if (text_is_word(type, "a") || text_is_word(type, "aaaa"))
        read_address(data, rule);
    else
        rule->reason = DROP_NOT_BLOCKING;
    const enum drop_reason about_owner = check_owner(owner);
    if (about_owner != DROP_NONE)
        rule->reason = about_owner;
}

static void read_directive(struct rule_rpz *state, struct span line)
{
    const struct span word = text_take_word(&line);
    if (!text_is_word(word, "$origin"))
        return;
    struct span name = text_take_word(&line);
    if (text_ends_with(name, "."))
        name.size--;
    keep_name(name, state->origin, &state->origin_size);
}

enum status rule_rpz_line(struct rule_rpz *state, struct span line, rule_visit *visit,
                          void *context, bool *ret_is_comment, struct error *err)
{
    line = without_comment(line);
    const bool has_owner = line.size > 0 && !text_is_blank(line.data[0]);
    line = text_trim(line);
    const bool goes_on = count_parentheses(state, line);
    *ret_is_comment = line.size == 0 || goes_on || line.data[0] == '$';
    if (*ret_is_comment) {
        if (!goes_on && line.size > 0)
            read_directive(state, line);
        return STATUS_OK;
    }
    struct rule rule = {.action = RULE_BLOCK};
    struct span rest = line;
    if (has_owner)
        keep_name(text_take_word(&rest), state->owner, &state->owner_size);
    const struct span owner = span_of(state->owner, state->owner_size);
    read_record(state, owner, rest, &rule, ret_is_comment);
    if (*ret_is_comment)
        return STATUS_OK;
    if (owner.size == 0) /* none before, or one that is no name */
        rule.reason = DROP_FORMAT;
    if (rule.reason != DROP_NONE)
        rule.entry = line;
    return visit(context, &rule, err);
}
