#include "tests/urls/rule_help.h"

#include "base/compiler.h"
#include "urls/url.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>

static void PRINTF_LIKE(2, 3) append(struct rule_shown *shown, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int more =
        vsnprintf(shown->text + shown->size, sizeof shown->text - shown->size, format, args);
    va_end(args);
    shown->size += (size_t)more;
    cr_assert(shown->size < sizeof shown->text);
}

enum status rule_help_visit(void *context, const struct rule *rule, struct error *err)
{
    static const char *const actions[] = {
        [RULE_BLOCK] = "", [RULE_ALLOW] = "@@", [RULE_CANCEL] = "--", [RULE_CANCEL_ALLOW] = "--@@"};
    struct rule_shown *shown = context;
    static struct url url;
    (void)err;
    enum drop_reason reason = rule->reason;
    if (reason == DROP_NONE)
        reason = url_parse(rule->entry, &url);
    append(shown, "%s", shown->size > 0 ? ", " : "");
    if (reason != DROP_NONE) {
        append(shown, "!%s", drop_reason_name(reason));
        return STATUS_OK;
    }
    const struct span key = url_key(&url);
    append(shown, "%s%.*s", actions[rule->action], (int)key.size, (const char *)key.data);
    for (size_t i = 0; i < RULE_DIFFERENCE_COUNT; i++) {
        if (rule->differs & rule_differences[i])
            append(shown, " %c%s", rule_differences[i] & RULE_WIDER ? '+' : '-',
                   rule_difference_names[i]);
    }
    return STATUS_OK;
}

void rule_help_compare(const struct rule_case *expected, struct rule_shown *shown, bool is_comment)
{
    if (is_comment)
        append(shown, "#");
    cr_expect_str_eq(shown->text, expected->expected, "%s: %s, expected %s", expected->line,
                     shown->text, expected->expected);
    *shown = (struct rule_shown){0};
}
