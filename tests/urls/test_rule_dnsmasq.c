/* Lines of dnsmasq.conf, from its manual: the device key, or why there is none. */
#include "urls/rule_dnsmasq.h"

#include "base/compiler.h"
#include "tests/urls/rule_help.h"

#include <criterion/criterion.h>

Test(rule_dnsmasq, lines)
{
    static const struct rule_case cases[] = {
        {"address=/example.com/", "example.com"},
        {"address=/example.com/0.0.0.0", "example.com"},
        {"address=/example.com/127.0.0.1", "example.com"},
        {"address=/example.com/127.0.0.53", "example.com"},
        {"address=/example.com/::", "example.com"},
        {"address=/example.com/::1", "example.com"},
        {"address=/example.com/#", "example.com"},
        {"address=/.example.com/", "example.com"},
        {"address=/EXAMPLE.com/", "example.com"},
        {"address=/www.example.com/", "example.com"},
        {"address=/a.example/b.example/0.0.0.0", "a.example, b.example"},
        {"address=/a.example/b.example/c.example/", "a.example, b.example, c.example"},
        {" address = /example.com/0.0.0.0 ", "example.com"},
        {"address=/example.com/0.0.0.0\r", "example.com"},
        {"address=/example.com/0.0.0.0 # why", "example.com"},
        {"address=/b\xc3\xbc"
         "cher.example/",
         "xn--bcher-kva.example"},
        {"address=/example.com/192.0.2.1", "!hosts-address"},
        {"address=/a.example/b.example/192.0.2.1", "!hosts-address, !hosts-address"},
        {"address=/example.com/2001:db8::1", "!hosts-address"},
        {"address=/example.com/nonsense", "!format"},
        {"address=/#/0.0.0.0", "!wildcard"},
        {"address=/*.example.com/", "!subdomains"},
        {"address=/*example.com/", "!wildcard"},
        {"address=/a.example/*.b.example/", "a.example, !subdomains"},
        {"address=//0.0.0.0", "!empty"},
        {"address=/example.com", "!format"},
        {"address=example.com", "!format"},
        {"address=", "!format"},
        {"address", "!format"},
        {"address=/example.com:80/", "!host-character"},
        {"address=/a b/", "!character"},
        {"address=/192.0.2.7/", "192.0.2.7"},
        {"server=/example.com/", "example.com"},
        {"local=/example.com/", "example.com"},
        {"local=/a.example/b.example/", "a.example, b.example"},
        {"server=/example.com/#", "@@example.com"},
        {"server=/a.example/b.example/#", "@@a.example, @@b.example"},
        {"server=/example.com/192.0.2.1", "!not-blocking"},
        {"server=/example.com/192.0.2.1#53", "!not-blocking"},
        {"server=/example.com/192.0.2.1@eth0", "!not-blocking"},
        {"server=192.0.2.1", "!not-blocking"},
        {"server=//", "!empty"},
        {"server=/#/", "!wildcard"},
        {"domain-needed", "!not-blocking"},
        {"bogus-nxdomain=192.0.2.1", "!not-blocking"},
        {"ipset=/example.com/set", "!not-blocking"},
        {"conf-dir=/etc/dnsmasq.d", "!not-blocking"},
        {"cname=a.example,b.example", "!not-blocking"},
        {"example.com", "!not-blocking"},
        {"# a comment", "#"},
        {"#address=/example.com/", "#"},
        {"", "#"},
        {" \t", "#"},
    };
    struct rule_shown shown = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        bool is_comment = false;
        cr_assert_eq(rule_dnsmasq_line(span_of_text(cases[i].line), rule_help_visit, &shown,
                                       &is_comment, NULL),
                     STATUS_OK);
        rule_help_compare(&cases[i], &shown, is_comment);
    }
}

static enum status stop(void *context, const struct rule *rule, struct error *err)
{
    (void)rule;
    ++*(int *)context;
    return error_set(err, STATUS_CANCELLED, "enough");
}

Test(rule_dnsmasq, a_visitor_can_end_it)
{
    int calls = 0;
    bool is_comment;
    cr_assert_eq(rule_dnsmasq_line(span_of_text("address=/a.example/b.example/"), stop, &calls,
                                   &is_comment, NULL),
                 STATUS_CANCELLED);
    cr_assert_eq(calls, 1);
}
