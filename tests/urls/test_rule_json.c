/* Lists that are JSON arrays. */
#include "urls/rule_json.h"

#include "base/bytes.h"
#include "base/compiler.h"
#include "tests/urls/rule_help.h"
#include "urls/list.h"

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
    static const struct {
        const char *text;
        const char *message;
        const char *visited; /* before */
    } cases[] = {
        {"", "line 1, column 1: a JSON array of texts is wanted", ""},
        {" {}", "line 1, column 2: a JSON array of texts is wanted", ""},
        {"\"a.example\"", "line 1, column 1: a JSON array of texts is wanted", ""},
        {"a.example\n", "line 1, column 1: a JSON array of texts is wanted", ""},
        {"[", "line 1, column 2: the array is cut off", ""},
        {"[\"a.example\"\n", "line 2, column 1: the array is cut off", "a.example"},
        {"[\"a.example\",", "line 1, column 14: the array is cut off", "a.example"},
        {"[\"a.exam", "line 1, column 2: no JSON", ""},
        {"[\"a.exam\\", "line 1, column 2: no JSON", ""},
        {"[\"a.example\",]", "line 1, column 14: no JSON", "a.example"},
        {"[,\"a.example\"]", "line 1, column 2: no JSON", ""},
        {"[\n\"a.example\"\n\"b.example\"]", "line 3, column 1: no JSON", "a.example"},
        {"[a.example]", "line 1, column 2: no JSON", ""},
        {"[[1, 2]", "line 1, column 8: the array is cut off", "!format"},
        {"[[1, 2", "line 1, column 2: no JSON", ""},
        {"[{]", "line 1, column 2: no JSON", ""},
        {"[}]", "line 1, column 2: no JSON", ""},
        {"[\"a\nb\"]", "line 1, column 2: no JSON", ""},
        {"[\"\xff\"]", "line 1, column 2: no JSON", ""},
        {"[]]", "line 1, column 3: something stands behind the array", ""},
        {"[] []", "line 1, column 4: something stands behind the array", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct rule_shown shown = {0};
        struct error err = {0};
        const struct rule_case visited = {cases[i].text, cases[i].visited};
        cr_assert_eq(
            rule_json_read(span_of_text(cases[i].text), rule_help_visit, &shown, NULL, &err),
            STATUS_MALFORMED);
        cr_expect_str_eq(err.message, cases[i].message, "%s: %s", cases[i].text, err.message);
        rule_help_compare(&visited, &shown, false);
    }
    const struct span with_nul = span_of("[]\0", 3);
    cr_assert_eq(rule_json_read(with_nul, rule_help_visit, &(struct rule_shown){0}, NULL, NULL),
                 STATUS_MALFORMED);
}

/* "[ITEM, "b.example"]" with an item of so many bytes: head, fillers, tail. */
static void write_long(struct bytes *text, size_t size, const char *head, char filler,
                       const char *tail)
{
    bytes_append_text(text, "[");
    bytes_append_text(text, head);
    while (text->size < 1 + size - strlen(tail))
        bytes_append_u8(text, (uint8_t)filler);
    bytes_append_text(text, tail);
    bytes_append_text(text, ", \"b.example\"]");
    cr_assert_eq(bytes_status(text, "text", NULL), STATUS_OK);
}

/* Items around the limit, brackets and quotes in them: the longest that is read, and one that is
 * not. */
Test(rule_json, long_items)
{
    static const struct {
        const char *head;
        char filler;
        const char *tail;
        const char *expected; /* of one that fits */
    } cases[] = {
        {"\"", 'a', "\"", "!too-long, b.example"},
        {"\"", ']', "\"", "!too-long, b.example"},
        {"\"\\\"", 'a', "\\\\\"", "!too-long, b.example"},
        {"[\"]", 'a', "\\\"\"]", "!format, b.example"},
        {"{\"}\": [\"", 'a', "\"]}", "!format, b.example"},
    };
    for (size_t i = 0; i < 2 * ARRAY_COUNT(cases); i++) {
        const size_t more = i % 2;
        const size_t at = i / 2;
        struct bytes text;
        struct rule_shown shown = {0};
        bytes_init(&text, 2 * LIST_LINE_MAX_BYTES);
        write_long(&text, LIST_LINE_MAX_BYTES + more, cases[at].head, cases[at].filler,
                   cases[at].tail);
        cr_expect_eq(rule_json_read(bytes_view(&text), rule_help_visit, &shown, NULL, NULL),
                     STATUS_OK);
        const struct rule_case expected = {cases[at].head, more > 0 ? "!line-too-long, b.example"
                                                                    : cases[at].expected};
        rule_help_compare(&expected, &shown, false);
        bytes_deinit(&text);
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
