/* One pass over the pattern tells brackets, quotes and escapes apart; what it lets pass is left to
 * PCRE2. */
#include "urls/parsing_pattern.h"

#include <stdio.h>

struct scan {
    const char *pattern;
    size_t at;
    struct error *err;
};

static bool starts_with(const struct scan *scan, const char *start)
{
    return strncmp(scan->pattern + scan->at, start, strlen(start)) == 0;
}

static enum status refuse(const struct scan *scan, const char *what)
{
    return error_set(scan->err, STATUS_INVALID, "byte %zu: %s, which devices read differently",
                     scan->at, what);
}

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Behind "(?<". */
static enum status pass_name(struct scan *scan)
{
    while (is_letter_or_digit(scan->pattern[scan->at]))
        scan->at++;
    if (scan->pattern[scan->at] == '>' || scan->pattern[scan->at] == '\0')
        return STATUS_OK; /* PCRE2 tells what is wrong with an empty or unended name */
    return error_set(scan->err, STATUS_INVALID,
                     "byte %zu: names of groups are ASCII letters and digits", scan->at);
}

/* At "(". */
static enum status pass_group(struct scan *scan)
{
    static const char *const known[] = {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?#"};
    if (starts_with(scan, "(*"))
        return refuse(scan, "(*");
    if (!starts_with(scan, "(?")) {
        scan->at++;
        return STATUS_OK;
    }
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (starts_with(scan, known[i])) {
            scan->at += strlen(known[i]);
            return STATUS_OK;
        }
    }
    if (starts_with(scan, "(?<")) {
        scan->at += strlen("(?<");
        return pass_name(scan);
    }
    const size_t flags = strspn(scan->pattern + scan->at + 2, "imsx-");
    const char end = scan->pattern[scan->at + 2 + flags];
    if (end != ')' && end != ':')
        return refuse(scan, "a group of this kind");
    scan->at += 2 + flags;
    return STATUS_OK;
}

/* At a backslash. */
static enum status pass_escape(struct scan *scan)
{
    const char what = scan->pattern[scan->at + 1];
    if (what == 'K' || what == 'C' || what == 'g' ||
        (what == 'k' && scan->pattern[scan->at + 2] != '<'))
        return refuse(scan, "an escape of this kind");
    if (what == 'Q') {
        const char *end = strstr(scan->pattern + scan->at, "\\E");
        scan->at = end != NULL ? (size_t)(end - scan->pattern) + 2 : strlen(scan->pattern);
        return STATUS_OK;
    }
    scan->at += what != '\0' ? 2 : 1;
    return STATUS_OK;
}

/* At "[". */
static enum status pass_brackets(struct scan *scan)
{
    scan->at++;
    if (scan->pattern[scan->at] == '^')
        scan->at++;
    if (scan->pattern[scan->at] == ']') /* a character to PCRE2, an empty set to ICU */
        return refuse(scan, "] first inside brackets");
    enum status status = STATUS_OK;
    while (status == STATUS_OK && scan->pattern[scan->at] != '\0' &&
           scan->pattern[scan->at] != ']') {
        const char *end = starts_with(scan, "[:") ? strstr(scan->pattern + scan->at, ":]") : NULL;
        if (end != NULL)
            scan->at = (size_t)(end - scan->pattern) + 2;
        else if (scan->pattern[scan->at] == '[')
            status = refuse(scan, "[ inside brackets");
        else if (starts_with(scan, "&&") || starts_with(scan, "--"))
            status = refuse(scan, "&& or -- inside brackets");
        else if (scan->pattern[scan->at] == '\\')
            status = pass_escape(scan);
        else
            scan->at++;
    }
    if (scan->pattern[scan->at] == ']')
        scan->at++;
    return status;
}

static enum status check(const char *pattern, struct error *err)
{
    struct scan scan = {.pattern = pattern, .err = err};
    enum status status = STATUS_OK;
    while (status == STATUS_OK && pattern[scan.at] != '\0') {
        switch (pattern[scan.at]) {
        case '(':
            status = pass_group(&scan);
            break;
        case '[':
            status = pass_brackets(&scan);
            break;
        case '\\':
            status = pass_escape(&scan);
            break;
        default:
            scan.at++;
        }
    }
    return status;
}

static enum status check_groups(const struct regex *regex, struct error *err)
{
    const size_t count = regex_group_count(regex);
    size_t named = 0;
    for (size_t i = 1; i <= count; i++)
        named += regex_group_name(regex, i) != NULL;
    if (named == 0)
        return error_set(err, STATUS_INVALID, "has no named group, (?<name>...)");
    if (count > PARSING_GROUPS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "has %zu groups, at most %zu", count,
                         PARSING_GROUPS_MAX);
    return STATUS_OK;
}

enum status parsing_pattern_new(const char *pattern, struct regex **ret, struct error *err)
{
    const size_t size = strlen(pattern);
    struct regex *regex = NULL;
    if (size > PARSING_PATTERN_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "has %zu bytes, at most %zu", size,
                         PARSING_PATTERN_MAX_BYTES);
    enum status status = check(pattern, err);
    if (status == STATUS_OK)
        status = regex_new(span_of(pattern, size), true, &regex, err);
    if (status != STATUS_OK)
        return status;
    status = check_groups(regex, err);
    if (status == STATUS_OK)
        *ret = regex;
    else
        regex_free(regex);
    return status;
}
