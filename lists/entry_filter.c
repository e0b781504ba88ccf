#define PCRE2_CODE_UNIT_WIDTH 8
#include "lists/entry_filter.h"

#include "base/mem.h"

#include <pcre2.h>

/* Steps of backtracking. EasyList's longest rules take some thousands with careless patterns. */
#define MATCH_STEPS_MAX 1000000
#define MATCH_HEAP_KIB  (20 * 1024)
/* Of compiled patterns; grows from the first to the second as needed. */
#define MATCH_STACK_BYTES     ((size_t)32 * 1024)
#define MATCH_STACK_MAX_BYTES ((size_t)1024 * 1024)

struct patterns {
    pcre2_code *codes[ENTRY_PATTERNS_MAX];
    size_t count;
};

struct entry_filter {
    pcre2_general_context *memory;
    pcre2_compile_context *compiling;
    pcre2_match_context *matching;
    pcre2_match_data *match;
    pcre2_jit_stack *stack;
    struct patterns patterns[2]; /* by enum entry_filter_kind */
};

static const char *const kind_names[] = {[ENTRY_INCLUDE] = "include", [ENTRY_EXCLUDE] = "exclude"};

static void *take_memory(PCRE2_SIZE size, void *unused)
{
    (void)unused;
    return mem_alloc(size, 1);
}

static void give_memory(void *block, void *unused)
{
    (void)unused;
    mem_free(block);
}

enum status entry_filter_new(struct entry_filter **ret, struct error *err)
{
    struct entry_filter *filter = mem_alloc_zeroed(1, sizeof *filter);
    if (filter == NULL)
        goto failed;
    filter->memory = pcre2_general_context_create(take_memory, give_memory, NULL);
    if (filter->memory == NULL)
        goto failed;
    filter->compiling = pcre2_compile_context_create(filter->memory);
    filter->matching = pcre2_match_context_create(filter->memory);
    filter->match = pcre2_match_data_create(1, filter->memory);
    if (filter->compiling == NULL || filter->matching == NULL || filter->match == NULL)
        goto failed;
    pcre2_set_match_limit(filter->matching, MATCH_STEPS_MAX);
    pcre2_set_heap_limit(filter->matching, MATCH_HEAP_KIB);
    filter->stack =
        pcre2_jit_stack_create(MATCH_STACK_BYTES, MATCH_STACK_MAX_BYTES, filter->memory);
    if (filter->stack == NULL)
        goto failed;
    pcre2_jit_stack_assign(filter->matching, NULL, filter->stack);
    *ret = filter;
    return STATUS_OK;
failed:
    entry_filter_free(filter);
    return error_set(err, STATUS_NOMEM, "patterns: out of memory");
}

void entry_filter_free(struct entry_filter *filter)
{
    if (filter == NULL)
        return;
    for (size_t kind = 0; kind < ARRAY_COUNT(filter->patterns); kind++) {
        for (size_t i = 0; i < filter->patterns[kind].count; i++)
            pcre2_code_free(filter->patterns[kind].codes[i]);
    }
    pcre2_jit_stack_free(filter->stack);
    pcre2_match_data_free(filter->match);
    pcre2_match_context_free(filter->matching);
    pcre2_compile_context_free(filter->compiling);
    pcre2_general_context_free(filter->memory);
    mem_free(filter);
}

enum status entry_filter_add(struct entry_filter *filter, enum entry_filter_kind kind,
                             const char *pattern, struct error *err)
{
    struct patterns *patterns = &filter->patterns[kind];
    const size_t size = strlen(pattern);
    int code = 0;
    PCRE2_SIZE offset = 0;
    if (size > ENTRY_PATTERN_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "the pattern has %zu bytes, at most %zu", size,
                         ENTRY_PATTERN_MAX_BYTES);
    if (patterns->count == ENTRY_PATTERNS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "more than %zu patterns", ENTRY_PATTERNS_MAX);
    pcre2_code *compiled = pcre2_compile(
        (PCRE2_SPTR)pattern, size, PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C,
        &code, &offset, filter->compiling);
    if (compiled == NULL && (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED))
        return error_set(err, STATUS_NOMEM, "patterns: out of memory");
    if (compiled == NULL) {
        PCRE2_UCHAR text[128] = "";
        (void)pcre2_get_error_message(code, text, sizeof text);
        return error_set(err, STATUS_INVALID, "no regular expression: %s at byte %zu",
                         (const char *)text, (size_t)offset);
    }
    /* Faster where the machine can, the same answers where not. */
    (void)pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
    patterns->codes[patterns->count++] = compiled;
    return STATUS_OK;
}

bool entry_filter_is_empty(const struct entry_filter *filter)
{
    return filter->patterns[ENTRY_INCLUDE].count == 0 && filter->patterns[ENTRY_EXCLUDE].count == 0;
}

static enum status matches_any(struct entry_filter *filter, enum entry_filter_kind kind,
                               struct span entry, bool *ret, struct error *err)
{
    const struct patterns *patterns = &filter->patterns[kind];
    const PCRE2_SPTR text = entry.size > 0 ? entry.data : (PCRE2_SPTR) "";
    *ret = false;
    for (size_t i = 0; i < patterns->count && !*ret; i++) {
        /* The pair of offsets is not looked at: 0 tells that it was too small for groups. */
        const int got = pcre2_match(patterns->codes[i], text, entry.size, 0, 0, filter->match,
                                    filter->matching);
        if (got == PCRE2_ERROR_NOMEMORY)
            return error_set(err, STATUS_NOMEM, "patterns: out of memory");
        if (got < 0 && got != PCRE2_ERROR_NOMATCH)
            return error_set(err, STATUS_INVALID,
                             "%s pattern %zu takes too long on an entry of %zu bytes",
                             kind_names[kind], i, entry.size);
        *ret = got >= 0;
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
