/* Response policy zones, from the draft: the device key, or why there is none. */
#include "urls/rule_rpz.h"

#include "base/compiler.h"
#include "tests/urls/rule_help.h"

#include <criterion/criterion.h>

static void run(const struct rule_case *cases, size_t count)
{
    struct rule_rpz state = {0};
    struct rule_shown shown = {0};
    for (size_t i = 0; i < count; i++) {
        bool is_comment = false;
        cr_assert_eq(rule_rpz_line(&state, span_of_text(cases[i].line), rule_help_visit, &shown,
                                   &is_comment, NULL),
                     STATUS_OK);
        rule_help_compare(&cases[i], &shown, is_comment);
    }
}

#define RUN(cases) run(cases, ARRAY_COUNT(cases))

Test(rule_rpz, actions)
{
    static const struct rule_case cases[] = {
        {"example.com CNAME .", "example.com"},
        {"example.com CNAME *.", "example.com"},
        {"example.com CNAME rpz-drop.", "example.com"},
        {"example.com CNAME RPZ-DROP.", "example.com"},
        {"example.com cname .", "example.com"},
        {"EXAMPLE.com CNAME .", "example.com"},
        {"example.com\tIN\tCNAME\t.", "example.com"},
        {"example.com 300 IN CNAME .", "example.com"},
        {"example.com IN 300 CNAME .", "example.com"},
        {"example.com 1h30m CNAME .", "example.com"},
        {"example.com CNAME . ; why", "example.com"},
        {"example.com CNAME .;why", "example.com"},
        {"example.com CNAME .\r", "example.com"},
        {"example.com. CNAME .", "example.com"},
        {"www.example.com CNAME .", "example.com"},
        {"xn--bcher-kva.example CNAME .", "xn--bcher-kva.example"},
        {"example.com A 0.0.0.0", "example.com"},
        {"example.com A 127.0.0.1", "example.com"},
        {"example.com AAAA ::", "example.com"},
        {"example.com AAAA ::1", "example.com"},
        {"example.com A 192.0.2.1", "!hosts-address"},
        {"example.com AAAA 2001:db8::1", "!hosts-address"},
        {"example.com A nonsense", "!format"},
        {"example.com A", "!format"},
        {"example.com CNAME rpz-passthru.", "@@example.com"},
        {"example.com CNAME example.com.", "@@example.com"},
        {"Example.com CNAME example.COM.", "@@example.com"},
        {"example.com CNAME rpz-tcp-only.", "!not-blocking"},
        {"example.com CNAME garden.example.", "!redirect"},
        {"example.com CNAME *.garden.example.", "!redirect"},
        {"example.com CNAME garden", "!redirect"},
        {"example.com CNAME", "!format"},
        {"example.com", "!format"},
        {"example.com TXT \"a; b\"", "!not-blocking"},
        {"example.com MX 0 .", "!not-blocking"},
        {"example.com DNAME x.example.", "!not-blocking"},
    };
    RUN(cases);
}

Test(rule_rpz, names)
{
    static const struct rule_case cases[] = {
        {"*.example.com CNAME .", "!subdomains"},
        {"*.example.com CNAME rpz-passthru.", "!subdomains"},
        {"* CNAME .", "!wildcard"},
        {"a*.example.com CNAME .", "!wildcard"},
        {"32.1.2.0.192.rpz-ip CNAME .", "!trigger"},
        {"24.0.2.0.192.rpz-client-ip CNAME rpz-drop.", "!trigger"},
        {"128.1.zz.db8.2001.rpz-nsip CNAME .", "!trigger"},
        {"ns.example.com.rpz-nsdname CNAME .", "!trigger"},
        {"*.example.com.rpz-nsdname CNAME .", "!trigger"},
        {"rpz-ip.example.com CNAME .", "rpz-ip.example.com"},
        {"a\\.b.example CNAME .", "!host-character"},
        {"a/b.example CNAME .", "!host-character"},
        {"a:80 CNAME .", "!host-character"},
        {"a@b.example CNAME .", "!host-character"},
        {"a..example CNAME .", "!label"},
        {"192.0.2.1 CNAME .", "192.0.2.1"},
    };
    RUN(cases);
}

Test(rule_rpz, a_zone)
{
    static const struct rule_case cases[] = {
        {"$TTL 300", "#"},
        {"@ SOA localhost. root.localhost. (", "#"},
        {"    2026112101 ; serial", "#"},
        {"    3600 600", "#"},
        {"    86400 300 )", "#"},
        {"  NS localhost.", "#"},
        {"@ IN NS localhost.", "#"},
        {"; a comment", "#"},
        {"", "#"},
        {"a.example CNAME .", "a.example"},
        {"  A 0.0.0.0", "a.example"},
        {"\tAAAA ::", "a.example"},
        {"*.a.example CNAME .", "!subdomains"},
        {"$ORIGIN rpz.example.", "#"},
        {"b.example CNAME .", "b.example"},
        {"c.example.rpz.example. CNAME .", "c.example"},
        {"c.example.RPZ.example. CNAME .", "c.example"},
        {"d.example. CNAME .", "!format"},
        {"xrpz.example. CNAME .", "!format"},
        {"rpz.example. CNAME .", "!format"},
        {"@ TXT \"about\"", "!host-character"},
        {"$INCLUDE other.zone", "#"},
        {"$GENERATE 1-3 x$ CNAME .", "#"},
        {"e.example TXT ( \"one\"", "!not-blocking"},
        {"f.example CNAME .", "#"},
        {")", "#"},
        {"g.example CNAME .", "g.example"},
    };
    RUN(cases);
}

Test(rule_rpz, parentheses_in_quotes)
{
    static const struct rule_case cases[] = {
        {"a.example TXT \"sad :(\"", "!not-blocking"},
        {"b.example CNAME .", "b.example"},
        {"c.example TXT (\"one )\"", "!not-blocking"},
        {"d.example CNAME .", "#"},
        {")", "#"},
        {"e.example CNAME .", "e.example"},
    };
    RUN(cases);
}

Test(rule_rpz, a_record_that_is_never_closed)
{
    struct rule_case cases[RULE_RPZ_LINES_OPEN_MAX + 3];
    const size_t count = ARRAY_COUNT(cases);
    for (size_t i = 0; i < count; i++)
        cases[i] = (struct rule_case){"a.example CNAME .", "#"};
    cases[0] = (struct rule_case){"a.example TXT (", "!not-blocking"};
    cases[count - 2].expected = cases[count - 1].expected = "a.example";
    run(cases, count);
}

Test(rule_rpz, a_line_that_goes_on_from_nothing)
{
    static const struct rule_case cases[] = {{"  CNAME .", "!format"}};
    RUN(cases);
}

Test(rule_rpz, a_name_that_is_too_long)
{
    char line[400];
    struct rule_rpz state = {0};
    struct rule_shown shown = {0};
    bool is_comment = false;
    memset(line, 'a', 300);
    strcpy(line + 300, ".example CNAME .");
    const struct rule_case expected = {line, "!format"};
    cr_assert_eq(
        rule_rpz_line(&state, span_of_text(line), rule_help_visit, &shown, &is_comment, NULL),
        STATUS_OK);
    rule_help_compare(&expected, &shown, is_comment);
}
