#include "tests/urls/rule_help.h"

#include "base/compiler.h"
#include "urls/url.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
    unsigned bit;
    const char *name;
} differences[] = {
    {RULE_WIDER_FOLDER, " +folder"},  {RULE_WIDER_DEEPER, " +deeper"},
    {RULE_WIDER_HOSTS, " +hosts"},    {RULE_WIDER_CASE, " +case"},
    {RULE_WIDER_TYPES, " +types"},    {RULE_NARROWER_OPEN, " -open"},
    {RULE_NARROWER_QUERY, " -query"},
};

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
    for (size_t i = 0; i < ARRAY_COUNT(differences); i++) {
        if (rule->differs & differences[i].bit)
            append(shown, "%s", differences[i].name);
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
