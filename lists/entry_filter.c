#include "lists/entry_filter.h"

#include "base/mem.h"
#include "urls/regex.h"

struct patterns {
    struct regex *all[ENTRY_PATTERNS_MAX];
    size_t count;
};

struct entry_filter {
    struct regex_matcher *matcher;
    struct patterns patterns[2]; /* by enum entry_filter_kind */
};

static const char *const kind_names[] = {[ENTRY_INCLUDE] = "include", [ENTRY_EXCLUDE] = "exclude"};

enum status entry_filter_new(struct entry_filter **ret, struct error *err)
{
    struct entry_filter *filter = mem_alloc_zeroed(1, sizeof *filter);
    if (filter == NULL)
        return error_set(err, STATUS_NOMEM, "patterns: out of memory");
    const enum status status = regex_matcher_new(0, &filter->matcher, err);
    if (status == STATUS_OK)
        *ret = filter;
    else
        entry_filter_free(filter);
    return status;
}

void entry_filter_free(struct entry_filter *filter)
{
    if (filter == NULL)
        return;
    for (size_t kind = 0; kind < ARRAY_COUNT(filter->patterns); kind++) {
        for (size_t i = 0; i < filter->patterns[kind].count; i++)
            regex_free(filter->patterns[kind].all[i]);
    }
    regex_matcher_free(filter->matcher);
    mem_free(filter);
}

enum status entry_filter_add(struct entry_filter *filter, enum entry_filter_kind kind,
                             const char *pattern, struct error *err)
{
    struct patterns *patterns = &filter->patterns[kind];
    const size_t size = strlen(pattern);
    if (size > ENTRY_PATTERN_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "the pattern has %zu bytes, at most %zu", size,
                         ENTRY_PATTERN_MAX_BYTES);
    if (patterns->count == ENTRY_PATTERNS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "more than %zu patterns", ENTRY_PATTERNS_MAX);
    const enum status status =
        regex_new(span_of(pattern, size), false, &patterns->all[patterns->count], err);
    patterns->count += status == STATUS_OK;
    return status;
}

bool entry_filter_is_empty(const struct entry_filter *filter)
{
    return filter->patterns[ENTRY_INCLUDE].count == 0 && filter->patterns[ENTRY_EXCLUDE].count == 0;
}

static enum status matches_any(struct entry_filter *filter, enum entry_filter_kind kind,
                               struct span entry, bool *ret, struct error *err)
{
    const struct patterns *patterns = &filter->patterns[kind];
    *ret = false;
    for (size_t i = 0; i < patterns->count && !*ret; i++) {
        const enum status status =
            regex_matches(filter->matcher, patterns->all[i], entry, ret, err);
        if (status == STATUS_INVALID)
            return error_set(err, STATUS_INVALID,
                             "%s pattern %zu takes too long on an entry of %zu bytes",
                             kind_names[kind], i, entry.size);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status entry_filter_keeps(struct entry_filter *filter, struct span entry, bool *ret,
                               struct error *err)
{
    bool matches = true;
    enum status status = STATUS_OK;
    if (filter->patterns[ENTRY_INCLUDE].count > 0)
        status = matches_any(filter, ENTRY_INCLUDE, entry, &matches, err);
    bool keeps = matches;
    if (status == STATUS_OK && keeps) {
        status = matches_any(filter, ENTRY_EXCLUDE, entry, &matches, err);
        keeps = !matches;
    }
    if (status == STATUS_OK)
        *ret = keeps;
    return status;
}
