/* Which hosts may be blocked; tests/urls/test_list.c has the lines they come in. */
#include "urls/entry_host.h"

#include <criterion/criterion.h>

static struct public_suffixes *suffixes;
static struct url url;

static void make_suffixes(void)
{
    cr_assert_eq(public_suffixes_new(&suffixes, NULL), STATUS_OK);
}
static void free_suffixes(void)
{
    public_suffixes_free(suffixes);
}
TestSuite(entry_host, .init = make_suffixes, .fini = free_suffixes);

Test(entry_host, what_is_refused)
{
    static const struct {
        const char *entry;
        enum drop_reason reason; /* hosters refused, */
        enum drop_reason kept;   /* and kept */
    } cases[] = {
        {"a.example.com", DROP_NONE, DROP_NONE},
        {"localhost.localdomain", DROP_LOCAL_HOST, DROP_LOCAL_HOST},
        {"x.localhost", DROP_LOCAL_HOST, DROP_LOCAL_HOST},
        {"x.localhost.example", DROP_NONE, DROP_NONE},
        {"127.1.2.3", DROP_LOCAL_HOST, DROP_LOCAL_HOST},
        {"0.0.0.0", DROP_LOCAL_HOST, DROP_LOCAL_HOST},
        {"255.255.255.255", DROP_LOCAL_HOST, DROP_LOCAL_HOST},
        {"0.0.0.1", DROP_NONE, DROP_NONE},
        {"[::1]", DROP_LOCAL_HOST, DROP_LOCAL_HOST},
        {"[::2]", DROP_NONE, DROP_NONE},
        {"192.0.2.0/32", DROP_ADDRESS_RANGE, DROP_ADDRESS_RANGE},
        {"192.0.2.0/33", DROP_NONE, DROP_NONE},
        {"[2001:db8::]/128", DROP_ADDRESS_RANGE, DROP_ADDRESS_RANGE},
        {"printer", DROP_SINGLE_LABEL, DROP_SINGLE_LABEL},
        {"co.uk", DROP_PUBLIC_SUFFIX, DROP_PUBLIC_SUFFIX},
        {"co.uk/x", DROP_NONE, DROP_NONE},
        {"co.uk/?q", DROP_NONE, DROP_NONE},
        {"github.io", DROP_PRIVATE_SUFFIX, DROP_NONE},
        {"a.github.io", DROP_NONE, DROP_NONE},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        cr_assert_eq(url_parse(span_of_text(cases[i].entry), &url), DROP_NONE, "%s",
                     cases[i].entry);
        cr_expect_eq(entry_host_check(&url, suffixes, false), cases[i].reason, "%s",
                     cases[i].entry);
        cr_expect_eq(entry_host_check(&url, suffixes, true), cases[i].kept, "%s", cases[i].entry);
    }
}
