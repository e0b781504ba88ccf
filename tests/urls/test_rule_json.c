/* Lists that are JSON arrays. */
#include "urls/rule_json.h"

#include "base/compiler.h"
#include "tests/urls/rule_help.h"

#include <criterion/criterion.h>

Test(rule_json, arrays)
{
    static const struct rule_case cases[] = {
        {"[]", ""},
        {"[\"a.example\"]", "a.example"},
        {"[\"a.example\", \"B.example/x\"]", "a.example, b.example/x"},
        {"[\"https://a.example/x\"]", "a.example/x +deeper"},
        {"[\"https://a.example/x?y\"]", "a.example/x?y"},
        {"[\" a.example \"]", "a.example"},
        {"[\"a\\u002eexample\"]", "a.example"},
        {"[\"b\\u00fccher.example\"]", "xn--bcher-kva.example"},
        {"[\"a.example\", 3, null, [], {}, true]",
         "a.example, !format, !format, !format, !format, !format"},
        {"[\"\"]", "!empty"},
        {"[\"a b\"]", "!character"},
        {"[\"a\\u0000.example\"]", "!character"},
        {"[\"ftp://a.example\"]", "!scheme"},
    };
    struct rule_shown shown = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        cr_assert_eq(
            rule_json_read(span_of_text(cases[i].line), rule_help_visit, &shown, NULL, NULL),
            STATUS_OK);
        rule_help_compare(&cases[i], &shown, false);
    }
}

Test(rule_json, what_is_no_array)
{
    static const struct rule_case cases[] = {
        {"", "line 1, column 0: no JSON"},
        {"{}", "a JSON array of texts is wanted"},
        {"\"a.example\"", "line 1, column 11: no JSON"},
        {"[\"a.example\"", "line 1, column 12: no JSON"},
        {"[\"a.example\",]", "line 1, column 14: no JSON"},
        {"a.example\n", "line 1, column 1: no JSON"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct rule_shown shown = {0};
        struct error err = {0};
        cr_assert_eq(
            rule_json_read(span_of_text(cases[i].line), rule_help_visit, &shown, NULL, &err),
            STATUS_MALFORMED);
        cr_expect_str_eq(err.message, cases[i].expected, "%s", err.message);
        cr_assert_eq(shown.size, 0);
    }
}

static enum status expect_number(void *context, const struct rule *rule, struct error *err)
{
    const uint64_t *number = context;
    (void)err;
    cr_assert_eq(rule->entry.data[0], (uint8_t)('0' + *number));
    return STATUS_OK;
}

Test(rule_json, numbers_its_items)
{
    uint64_t number = 0;
    cr_assert_eq(rule_json_read(span_of_text("[\"1.example\", \"2.example\"]"), expect_number,
                                &number, &number, NULL),
                 STATUS_OK);
    cr_assert_eq(number, 2);
}
