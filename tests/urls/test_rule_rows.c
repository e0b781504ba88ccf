/* Rows of a dataset: the key of a line, or why there is none. */
#include "urls/rule_rows.h"

#include "base/compiler.h"
#include "tests/urls/rule_help.h"

#include <criterion/criterion.h>

Test(rule_rows, lines)
{
    static const struct rule_case cases[] = {
        {"example.com", "example.com"},
        {"example.com\r", "example.com"},
        {"example.com\t1", "example.com"},
        {"example.com\t1\r", "example.com"},
        {"example.com/a/b", "example.com/a/b"},
        {"example.com:8080/a?q=1#f", "example.com:8080/a?q=1#f"},
        {"192.0.2.1", "192.0.2.1"},
        {"[2001:db8::1]/x", "[2001:db8::1]/x"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"", "#"},
        {"\r", "#"},
        {"# key\tvalue", "#"},
        {"www.apple.com/url-filter-test", "#"},
        {"www.apple.com/url-filter-test\t1", "#"},
        {"www.apple.com/url-filter-test/x", "!format"},
        {"example.com\t0", "!value"},
        {"example.com\t", "!value"},
        {"example.com\t11", "!value"},
        {"example.com\t1\t1", "!value"},
        {"example.com\t 1", "!value"},
        {"www.example.com", "!format"},
        {"Example.com", "!format"},
        {"example.com/", "!format"},
        {"example.com/a/", "!format"},
        {"https://example.com", "!format"},
        {"example.com/a/../b", "!format"},
        {"b\xc3\xbc"
         "cher.example",
         "!format"},
        {" example.com", "!format"},
        {"example.com ", "!format"},
        {"example.com 1", "!format"},
        {"example.com,1", "!format"},
        {"||example.com^", "!format"},
        {"\t1", "!format"},
        {"exa\xffmple.com", "!format"},
    };
    static struct rule_rows state;
    struct rule_shown shown = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        bool is_comment = false;
        cr_assert_eq(rule_rows_line(&state, span_of_text(cases[i].line), rule_help_visit, &shown,
                                    &is_comment, NULL),
                     STATUS_OK);
        rule_help_compare(&cases[i], &shown, is_comment);
    }
}
