#include "urls/rule_adblock.h"

#include "base/compiler.h"
#include "urls/rule_text.h"

/* ---- kinds of lines ---- */

/* "##", "#@#", "#?#", "#$#", "#%#" and combinations, AdGuard's "$$" and "$@$": what follows is
 * about page elements. */
bool rule_adblock_is_element(struct span line)
{
    if (text_starts_with(line, "[$")) /* AdGuard: a path, then an element rule */
        return true;
    /* A URL may hold "##"; an element rule starts with host names or nothing. */
    if (text_starts_with(line, "|") || text_starts_with(line, "@@|") ||
        text_starts_with(line, "http://") || text_starts_with(line, "https://"))
        return false;
    for (size_t at = text_find(line, '#'); at < line.size;) {
        size_t end = at + 1;
        while (end < line.size && memchr("@?$%", line.data[end], 4) != NULL)
            end++;
        if (end < line.size && line.data[end] == '#')
            return true;
        at = end + text_find(text_after(line, end), '#');
    }
    for (size_t at = 0; at + 2 < line.size; at++) {
        if (line.data[at] == '$' &&
            (line.data[at + 1] == '$' || (line.data[at + 1] == '@' && line.data[at + 2] == '$')))
            return !text_holds(span_part(line, 0, at), '/');
    }
    return false;
}

bool rule_adblock_include(struct span line, struct span *ret_name)
{
    struct span rest = line;
    if (!text_is(text_take_word(&rest), "!#include"))
        return false;
    *ret_name = text_trim(rest);
    return true;
}

/* "!#if" opens, "!#endif" closes; "!#else" changes nothing: both branches hold in part. */
static void read_comment(struct rule_adblock *state, struct span line)
{
    struct span rest = line;
    const struct span word = text_take_word(&rest);
    if (text_is(word, "!#if"))
        state->if_depth++;
    else if (text_is(word, "!#endif") && state->if_depth > 0)
        state->if_depth--;
}

/* ---- options ---- */

/* How an option bears on what a rule means. */
enum option_kind {
    OPTION_CONTEXT,
    OPTION_NEUTRAL,
    OPTION_CASE,
    OPTION_TYPES,
    OPTION_PAGES,
    OPTION_CANCEL,
    OPTION_MODIFIES
};

static enum option_kind option_kind(struct span name)
{
    static const struct {
        const char *name;
        enum option_kind kind;
    } known[] = {
        {"all", OPTION_NEUTRAL},
        {"important", OPTION_NEUTRAL},
        {"match-case", OPTION_CASE},
        {"document", OPTION_TYPES},
        {"doc", OPTION_TYPES},
        {"beacon", OPTION_TYPES},
        {"css", OPTION_TYPES},
        {"font", OPTION_TYPES},
        {"frame", OPTION_TYPES},
        {"image", OPTION_TYPES},
        {"media", OPTION_TYPES},
        {"object", OPTION_TYPES},
        {"other", OPTION_TYPES},
        {"ping", OPTION_TYPES},
        {"popunder", OPTION_TYPES},
        {"popup", OPTION_TYPES},
        {"script", OPTION_TYPES},
        {"stylesheet", OPTION_TYPES},
        {"subdocument", OPTION_TYPES},
        {"webrtc", OPTION_TYPES},
        {"websocket", OPTION_TYPES},
        {"xhr", OPTION_TYPES},
        {"xmlhttprequest", OPTION_TYPES},
        {"1p", OPTION_PAGES},
        {"3p", OPTION_PAGES},
        {"domain", OPTION_PAGES},
        {"first-party", OPTION_PAGES},
        {"from", OPTION_PAGES},
        {"strict-first-party", OPTION_PAGES},
        {"strict-third-party", OPTION_PAGES},
        {"strict1p", OPTION_PAGES},
        {"strict3p", OPTION_PAGES},
        {"third-party", OPTION_PAGES},
        {"badfilter", OPTION_CANCEL},
        {"csp", OPTION_MODIFIES},
        {"cookie", OPTION_MODIFIES},
        {"hls", OPTION_MODIFIES},
        {"jsonprune", OPTION_MODIFIES},
        {"permissions", OPTION_MODIFIES},
        {"queryprune", OPTION_MODIFIES},
        {"redirect-rule", OPTION_MODIFIES},
        {"referrerpolicy", OPTION_MODIFIES},
        {"removeheader", OPTION_MODIFIES},
        {"removeparam", OPTION_MODIFIES},
        {"replace", OPTION_MODIFIES},
        {"rewrite", OPTION_MODIFIES},
        {"stealth", OPTION_MODIFIES},
        {"uritransform", OPTION_MODIFIES},
        {"urlskip", OPTION_MODIFIES},
        {"urltransform", OPTION_MODIFIES},
    };
    size_t dashes = 0;
    while (dashes < name.size && name.data[dashes] == '_')
        dashes++;
    if (dashes > 0 && dashes == name.size) /* a filler between options */
        return OPTION_NEUTRAL;
    const bool is_negated = text_starts_with(name, "~");
    if (is_negated)
        name = text_after(name, 1);
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        const enum option_kind kind = known[i].kind;
        if (text_is_word(name, known[i].name) &&
            (!is_negated || kind == OPTION_TYPES || kind == OPTION_PAGES))
            return kind;
    }
    return OPTION_CONTEXT;
}

static bool is_option_name(struct span name)
{
    if (name.size > 0 && name.data[0] == '~')
        name = text_after(name, 1);
    for (size_t i = 0; i < name.size; i++) {
        const uint8_t c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return name.size > 0;
}

/* Takes "name=value" or "name" off a list with commas. */
static struct span take_option(struct span *list)
{
    const size_t size = text_find(*list, ',');
    const struct span option = span_part(*list, 0, size);
    *list = text_after(*list, size + 1);
    return option;
}

static struct span option_name(struct span option)
{
    return span_part(option, 0, text_find(option, '='));
}

/* Whether the text behind a '$' is a list of options: at least the first one must look so. A value
 * may hold anything, commas too. */
static bool is_option_list(struct span text)
{
    const struct span first = take_option(&text);
    return is_option_name(option_name(first));
}

/* Cuts the options off *pattern. */
static struct span take_options(struct span *pattern)
{
    for (size_t at = pattern->size; at > 0; at--) {
        if (pattern->data[at - 1] != '$' || !is_option_list(text_after(*pattern, at)))
            continue;
        const struct span options = text_after(*pattern, at);
        pattern->size = at - 1;
        return options;
    }
    return span_of(NULL, 0);
}

static void drop_for(struct rule *rule, enum drop_reason reason)
{
    if (rule->reason == DROP_NONE || rule->reason == DROP_OPTIONS)
        rule->reason = reason;
}

static void read_options(struct span options, struct rule *rule)
{
    while (options.size > 0) {
        const enum option_kind kind = option_kind(option_name(take_option(&options)));
        switch (kind) {
        case OPTION_NEUTRAL:
            break;
        case OPTION_CASE:
            rule->differs |= RULE_WIDER_CASE;
            break;
        case OPTION_TYPES:
        case OPTION_PAGES:
            /* An exception must not let more pass than it says; one for documents is about all that
             * they load. */
            if (rule->action == RULE_ALLOW)
                drop_for(rule, DROP_OPTIONS);
            rule->differs |= kind == OPTION_TYPES ? RULE_WIDER_TYPES : RULE_WIDER_PAGES;
            break;
        case OPTION_CANCEL:
            rule->action = rule->action == RULE_ALLOW ? RULE_CANCEL_ALLOW : RULE_CANCEL;
            break;
        case OPTION_MODIFIES:
            drop_for(rule, DROP_MODIFIES);
            break;
        case OPTION_CONTEXT:
            drop_for(rule, DROP_OPTIONS);
            break;
        }
    }
}

/* ---- patterns ---- */

/* Cuts the end marks off *pattern. */
struct ends {
    bool has_caret;  /* "^": a separator, or the end of the URL */
    bool has_anchor; /* "|": the end of the URL */
};

static struct ends take_ends(struct span *pattern)
{
    struct ends ends = {0};
    if (text_ends_with(*pattern, "|")) {
        ends.has_anchor = true;
        pattern->size--;
    }
    while (!ends.has_anchor && text_ends_with(*pattern, "*"))
        pattern->size--;
    if (text_ends_with(*pattern, "^")) {
        ends.has_caret = true;
        pattern->size--;
    }
    return ends;
}

/* How far HOST[/PATH[?QUERY]] and its end are from what a key means. */
static unsigned ends_differ(struct span entry, struct ends ends)
{
    const size_t slash = text_find(entry, '/');
    const struct span path = text_after(entry, slash);
    if (text_holds(entry, '?'))
        return ends.has_anchor ? 0 : RULE_NARROWER_QUERY;
    if (ends.has_anchor)
        return RULE_WIDER_DEEPER;
    if (path.size > 1 && text_ends_with(path, "/"))
        return RULE_WIDER_FOLDER;
    return ends.has_caret || path.size == 1 ? 0 : RULE_NARROWER_OPEN;
}

/* A pattern that begins at a host, which `entry` starts with (behind "||" or a scheme). */
static void read_at_host(struct span scheme_and_host, size_t scheme_size, struct rule *rule)
{
    struct span entry = scheme_and_host;
    const struct ends ends = take_ends(&entry);
    const struct span rest = text_after(entry, scheme_size);
    if (text_starts_with(rest, "*."))
        drop_for(rule, DROP_SUBDOMAINS);
    else if (text_holds(rest, '*') || text_holds(rest, '^'))
        drop_for(rule, DROP_WILDCARD);
    else if (text_holds(rest, '|') || rest.size == 0)
        drop_for(rule, DROP_PATTERN);
    if (rule->reason != DROP_NONE)
        return;
    rule->entry = entry;
    rule->differs |= ends_differ(rest, ends);
}

/* Letters, digits, '-', '_' and at least one '.': a name that can only be a host. */
static bool is_bare_host(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.' || c > 0x7f))
            return false;
    }
    return text_holds(text, '.') && text.data[0] != '.' && text.data[0] != '-' &&
           text.data[text.size - 1] != '.' && text.data[text.size - 1] != '-';
}

static bool is_regex(struct span pattern)
{
    return pattern.size > 1 && pattern.data[0] == '/' && pattern.data[pattern.size - 1] == '/';
}

static void read_pattern(const struct rule_adblock *state, struct span pattern, bool has_options,
                         struct rule *rule)
{
    struct span plain = pattern;
    if (text_starts_with(plain, "|"))
        plain = text_after(plain, 1);
    if (is_regex(pattern)) {
        drop_for(rule, DROP_REGEX);
    } else if (text_starts_with(pattern, "||")) {
        read_at_host(text_after(pattern, 2), 0, rule);
    } else if (text_starts_with(plain, "http://") || text_starts_with(plain, "https://")) {
        rule->differs |= RULE_WIDER_HOSTS;
        read_at_host(plain, text_starts_with(plain, "https") ? 8 : 7, rule);
    } else if (!state->has_header && !has_options && is_bare_host(pattern)) {
        rule->entry = pattern;
    } else {
        drop_for(rule, DROP_PATTERN);
    }
}

static void read_rule(const struct rule_adblock *state, struct span line, struct rule *rule)
{
    struct span pattern = line;
    if (text_starts_with(pattern, "@@")) {
        rule->action = RULE_ALLOW;
        pattern = text_after(pattern, 2);
    }
    /* A regular expression may hold '$': one without options ends in '/'. */
    const struct span options = is_regex(pattern) ? span_of(NULL, 0) : take_options(&pattern);
    read_options(options, rule);
    if (text_holds(pattern, ' ') || text_holds(pattern, '\t'))
        drop_for(rule, DROP_WHITE_SPACE);
    read_pattern(state, text_trim(pattern), options.size > 0, rule);
}

enum status rule_adblock_line(struct rule_adblock *state, struct span line, rule_visit *visit,
                              void *context, bool *ret_is_comment, struct error *err)
{
    line = text_trim(line);
    struct rule rule = {.action = RULE_BLOCK, .entry = line};
    const bool is_header = text_starts_with(line, "[") && text_ends_with(line, "]");
    struct span name;
    *ret_is_comment = false;
    if (!state->reads_includes && rule_adblock_include(line, &name)) {
        rule.reason = state->if_depth > 0 ? DROP_CONDITION : DROP_INCLUDE;
        return visit(context, &rule, err);
    }
    if (line.size == 0 || line.data[0] == '!' || is_header) {
        read_comment(state, line);
        state->has_header = state->has_header || (is_header && text_starts_with(line, "[Adblock"));
        *ret_is_comment = true;
        return STATUS_OK;
    }
    if (rule_adblock_is_element(line)) {
        rule.reason = DROP_ELEMENT_HIDING;
    } else if (line.data[0] == '#') {
        *ret_is_comment = true;
        return STATUS_OK;
    } else if (state->if_depth > 0) {
        rule.reason = DROP_CONDITION;
    } else {
        read_rule(state, line, &rule);
    }
    if (rule.reason != DROP_NONE)
        rule.entry = line;
    return visit(context, &rule, err);
}
