/* URLhaus: the device key of a URL, or why there is none. */
#include "urls/rule_urlhaus.h"

#include "base/compiler.h"
#include "tests/urls/rule_help.h"

#include <criterion/criterion.h>

Test(rule_urlhaus, csv)
{
    static const struct rule_case cases[] = {
        {"# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter", "#"},
        {"id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter", "#"},
        {"\"id\",\"dateadded\",\"url\",\"url_status\"", "#"},
        {"", "#"},
        {"\"3\",\"2026-11-21 10:00:00\",\"http://192.0.2.7:4444/bin.sh\",\"online\",\"\",\"\"",
         "192.0.2.7:4444/bin.sh +deeper"},
        {"\"3\",\"2026-11-21\",\"https://example.com/a.exe\",\"offline\"",
         "example.com/a.exe +deeper"},
        {"\"3\",\"2026-11-21\",\"https://example.com/A.exe?x=Y\",\"online\"",
         "example.com/a.exe?x=y"},
        {"\"3\",\"2026-11-21\",\"https://example.com/\",\"online\"", "example.com +deeper"},
        {"\"3\",\"2026-11-21\",\"http://example.com:80/a,b\",\"online\"",
         "example.com/a,b +deeper"},
        {"\"3\",\"2026-11-21\",\"https://www.example.com/a\",\"online\"", "example.com/a +deeper"},
        {"\"3\",\"2026-11-21\",\"http://example.com/\"\"a\"\"\",\"online\"",
         "example.com/%22a%22 +deeper"},
        {"\"3\",\"2026-11-21\",\"http://example.com/a\"\r", "example.com/a +deeper"},
        {"3,2026-11-21,http://example.com/a,online", "example.com/a +deeper"},
        {"3,2026-11-21,http://example.com/a", "example.com/a +deeper"},
        {"\"a,b\",\"\",\"http://example.com/a\"", "example.com/a +deeper"},
        {"\"3\",\"2026-11-21\",\"http://exa mple.com/a\"", "!character"},
        {"\"3\",\"2026-11-21\",\"http:///a\"", "!no-host"},
        {"\"3\",\"2026-11-21\",\"http://a..b/\"", "!label"},
        {"\"3\",\"2026-11-21\",\"ftp://example.com/a\"", "!format"},
        {"\"3\",\"2026-11-21\",\"example.com/a\"", "!format"},
        {"\"3\",\"2026-11-21\",\"\"", "!format"},
        {"\"3\",\"2026-11-21\"", "!format"},
        {"\"3\"", "!format"},
        {"\"3\",\"2026-11-21\",\"http://example.com/a", "!format"},
        {"\"3\",\"2026-11-21\",\"http://example.com/a\"\"", "!format"},
        {"\"3\",\"2026-11-21\",\"http://example.com/a\"x,\"online\"", "!format"},
        {"\"3\"x,\"2026-11-21\",\"http://example.com/a\"", "!format"},
        {"\"", "!format"},
        {"http://example.com/a", "!format"},
    };
    static struct rule_urlhaus state;
    struct rule_shown shown = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        bool is_comment = false;
        cr_assert_eq(rule_urlhaus_csv_line(&state, span_of_text(cases[i].line), rule_help_visit,
                                           &shown, &is_comment, NULL),
                     STATUS_OK);
        rule_help_compare(&cases[i], &shown, is_comment);
    }
}

Test(rule_urlhaus, text)
{
    static const struct rule_case cases[] = {
        {"#########", "#"},
        {"# abuse.ch URLhaus", "#"},
        {"", "#"},
        {"http://192.0.2.7/x", "192.0.2.7/x +deeper"},
        {"http://192.0.2.7/x\r", "192.0.2.7/x +deeper"},
        {"https://example.com/x?y", "example.com/x?y"},
        {"https://example.com/x#y", "example.com/x#y +deeper"},
        {"http://user:pw@example.com/x", "example.com/x +deeper"},
        {"example.com", "!format"},
        {"127.0.0.1 example.com", "!format"},
    };
    struct rule_shown shown = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        bool is_comment = false;
        cr_assert_eq(rule_urlhaus_text_line(span_of_text(cases[i].line), rule_help_visit, &shown,
                                            &is_comment, NULL),
                     STATUS_OK);
        rule_help_compare(&cases[i], &shown, is_comment);
    }
}
