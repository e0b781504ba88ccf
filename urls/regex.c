#define PCRE2_CODE_UNIT_WIDTH 8
#include "urls/regex.h"

#include "base/mem.h"

#include <pcre2.h>

#define MATCH_HEAP_KIB (20 * 1024)
/* Of compiled patterns; grows from the first to the second as needed. */
#define MATCH_STACK_BYTES     ((size_t)32 * 1024)
#define MATCH_STACK_MAX_BYTES ((size_t)1024 * 1024)

struct regex {
    pcre2_code *code;
    uint32_t group_count;
    uint32_t name_count;
    uint32_t name_entry_bytes;
    PCRE2_SPTR names; /* of `code`: entries of two bytes, the number, and the name with its NUL */
};

struct regex_matcher {
    pcre2_match_context *context;
    pcre2_match_data *match;
    pcre2_jit_stack *stack;
};

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

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "patterns: out of memory");
}

static enum status compile(struct span pattern, uint32_t options, pcre2_general_context *memory,
                           pcre2_code **ret, struct error *err)
{
    const PCRE2_SPTR text = pattern.size > 0 ? pattern.data : (PCRE2_SPTR) "";
    int code = 0;
    PCRE2_SIZE offset = 0;
    pcre2_compile_context *compiling = pcre2_compile_context_create(memory);
    if (compiling == NULL)
        return no_memory(err);
    *ret = pcre2_compile(text, pattern.size, options, &code, &offset, compiling);
    pcre2_compile_context_free(compiling);
    if (*ret != NULL)
        return STATUS_OK;
    if (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED)
        return no_memory(err);
    PCRE2_UCHAR why[128] = "";
    (void)pcre2_get_error_message(code, why, sizeof why);
    return error_set(err, STATUS_INVALID, "no regular expression: %s at byte %zu",
                     (const char *)why, (size_t)offset);
}

enum status regex_new(struct span pattern, bool ignores_case, struct regex **ret, struct error *err)
{
    const uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
                             (ignores_case ? PCRE2_CASELESS : 0U);
    struct regex *regex = mem_alloc_zeroed(1, sizeof *regex);
    pcre2_general_context *memory = pcre2_general_context_create(take_memory, give_memory, NULL);
    enum status status = regex != NULL && memory != NULL
                             ? compile(pattern, options, memory, &regex->code, err)
                             : no_memory(err);
    pcre2_general_context_free(memory);
    if (status != STATUS_OK) {
        mem_free(regex);
        return status;
    }
    /* Faster where the machine can, the same answers where not. */
    (void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &regex->group_count);
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &regex->name_count);
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &regex->name_entry_bytes);
    (void)pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &regex->names);
    *ret = regex;
    return STATUS_OK;
}

void regex_free(struct regex *regex)
{
    if (regex == NULL)
        return;
    pcre2_code_free(regex->code);
    mem_free(regex);
}

size_t regex_group_count(const struct regex *regex)
{
    return regex->group_count;
}

const char *regex_group_name(const struct regex *regex, size_t number)
{
    for (size_t i = 0; i < regex->name_count; i++) {
        const PCRE2_SPTR entry = regex->names + i * regex->name_entry_bytes;
        if (((size_t)entry[0] << 8 | entry[1]) == number)
            return (const char *)entry + 2;
    }
    return NULL;
}

enum status regex_matcher_new(size_t groups, struct regex_matcher **ret, struct error *err)
{
    struct regex_matcher *matcher = mem_alloc_zeroed(1, sizeof *matcher);
    pcre2_general_context *memory = pcre2_general_context_create(take_memory, give_memory, NULL);
    if (matcher != NULL && memory != NULL) {
        matcher->context = pcre2_match_context_create(memory);
        matcher->match = pcre2_match_data_create((uint32_t)groups + 1, memory);
        matcher->stack = pcre2_jit_stack_create(MATCH_STACK_BYTES, MATCH_STACK_MAX_BYTES, memory);
    }
    pcre2_general_context_free(memory);
    if (matcher == NULL || matcher->context == NULL || matcher->match == NULL ||
        matcher->stack == NULL) {
        regex_matcher_free(matcher);
        return no_memory(err);
    }
    pcre2_set_match_limit(matcher->context, REGEX_STEPS_MAX);
    pcre2_set_heap_limit(matcher->context, MATCH_HEAP_KIB);
    pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
    *ret = matcher;
    return STATUS_OK;
}

void regex_matcher_free(struct regex_matcher *matcher)
{
    if (matcher == NULL)
        return;
    pcre2_jit_stack_free(matcher->stack);
    pcre2_match_data_free(matcher->match);
    pcre2_match_context_free(matcher->context);
    mem_free(matcher);
}

enum status regex_matches(struct regex_matcher *matcher, const struct regex *regex,
                          struct span text, bool *ret, struct error *err)
{
    const PCRE2_SPTR subject = text.size > 0 ? text.data : (PCRE2_SPTR) "";
    /* 0 tells that there was no room for all groups: those asked for are there. */
    const int got =
        pcre2_match(regex->code, subject, text.size, 0, 0, matcher->match, matcher->context);
    if (got == PCRE2_ERROR_NOMEMORY)
        return no_memory(err);
    if (got < 0 && got != PCRE2_ERROR_NOMATCH)
        return error_set(err, STATUS_INVALID, "the pattern takes too long on a text of %zu bytes",
                         text.size);
    *ret = got >= 0;
    return STATUS_OK;
}

bool regex_matcher_group(const struct regex_matcher *matcher, struct span text, size_t number,
                         struct span *ret)
{
    const PCRE2_SIZE *pair = pcre2_get_ovector_pointer(matcher->match) + 2 * number;
    if (number >= pcre2_get_ovector_count(matcher->match) || pair[0] == PCRE2_UNSET)
        return false;
    *ret = span_part(text, pair[0], pair[1] - pair[0]);
    return true;
}
