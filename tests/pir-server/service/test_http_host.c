#include "base/compiler.h"
#include "pir-server/service/http_host.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define LABEL "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi." /* 62 bytes */

Test(http_host, fields_in_one_spelling)
{
    static const struct {
        const char *value;
        const char *host; /* NULL: refused */
    } cases[] = {
        {"pir.example.com", "pir.example.com"},
        {"PIR.Example.COM", "pir.example.com"},
        {"pir.example.com:8080", "pir.example.com"},
        {"pir.example.com:", "pir.example.com"},
        {"pir.example.com.", "pir.example.com"},
        {"pir.example.com.:443", "pir.example.com"},
        {" \tpir.example.com ", "pir.example.com"},
        {"under_score-1", "under_score-1"},
        {"192.0.2.1:80", "192.0.2.1"},
        {"8080", "8080"},
        {"[2001:DB8:0:0::1]:443", "[2001:db8::1]"},
        {"[::1]", "[::1]"},
        {"", ""},
        {"  ", ""},
        {LABEL LABEL LABEL LABEL "ab", LABEL LABEL LABEL LABEL "ab"},
        {LABEL LABEL LABEL LABEL "abcdef", NULL},
        {"a.example, b.example", NULL},
        {"a.example, a.example", NULL},
        {", ", NULL},
        {"a.example:80:80", NULL},
        {"a.example:65535", "a.example"},
        {"a.example:65536", NULL},
        {"a.example:99999999999999999999", NULL},
        {"a.example:80a", NULL},
        {":80", NULL},
        {".", NULL},
        {"..", NULL},
        {".example", NULL},
        {"a..example", NULL},
        {"a.example..", NULL},
        {"a b", NULL},
        {"a/b", NULL},
        {"user@a.example", NULL},
        {"http://a.example", NULL},
        {"b\303\274cher.example", NULL},
        {"::1", NULL},
        {"[::1", NULL},
        {"[::1]x", NULL},
        {"[]", NULL},
        {"[127.0.0.1]", NULL},
        {"[fe80::1%25eth0]", NULL},
        {"[::1]]:80", NULL},
        {"[1111:2222:3333:4444:5555:6666:7777:8888:9999:1111]", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char host[HTTP_HOST_BYTES];
        const bool is_host = http_host_of_field(cases[i].value, host);
        cr_expect_eq(is_host, cases[i].host != NULL, "%s", cases[i].value);
        if (is_host && cases[i].host != NULL)
            cr_expect_str_eq(host, cases[i].host);
    }
}

Test(http_host, a_configured_name_has_no_port)
{
    static const char *const bad[] = {"",           " ",         "a.example:80",
                                      "a.example ", "*.example", "[::1]:80"};
    char host[HTTP_HOST_BYTES];
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        cr_expect(!http_host_of_name(bad[i], host), "%s", bad[i]);
    cr_expect(http_host_of_name("A.Example.", host));
    cr_expect_str_eq(host, "a.example");
    cr_expect(http_host_of_name("[0::1]", host));
    cr_expect_str_eq(host, "[::1]");
}
