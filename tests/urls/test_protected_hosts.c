#include "urls/protected_hosts.h"

#include "base/mem.h"
#include "urls/list.h"

#include <criterion/criterion.h>

static struct protected_hosts *hosts;

static void make(void)
{
    static const char *const own[] = {"https://pir.filter.example/queries", "www.Prefilter.example",
                                      "192.0.2.7", "https://[2001:db8::7]:8443/"};
    cr_assert_eq(protected_hosts_new(&hosts, NULL), STATUS_OK);
    cr_assert_eq(protected_hosts_add_apple(hosts, NULL), STATUS_OK);
    for (size_t i = 0; i < ARRAY_COUNT(own); i++)
        cr_assert_eq(protected_hosts_add_own(hosts, span_of_text(own[i]), NULL), STATUS_OK);
}
static void unmake(void)
{
    protected_hosts_free(hosts);
}
TestSuite(protected_hosts, .init = make, .fini = unmake);

Test(protected_hosts, what_is_refused)
{
    static const struct {
        const char *key;
        enum drop_reason reason;
    } cases[] = {
        {"apple.com", DROP_APPLE_HOST}, /* above */
        {"apple.com:443", DROP_APPLE_HOST},
        {"ocsp.apple.com", DROP_APPLE_HOST}, /* itself */
        {"ocsp.apple.com/x", DROP_APPLE_HOST},
        {"ocsp.apple.com:80", DROP_APPLE_HOST},
        {"1-courier.push.apple.com", DROP_APPLE_HOST}, /* below */
        {"icloud.com", DROP_APPLE_HOST},
        {"gateway.icloud.com/x?y", DROP_APPLE_HOST},
        {"updates.cdn-apple.com", DROP_APPLE_HOST},
        {"ips.apple.com", DROP_APPLE_HOST},
        {"account.apple.com", DROP_APPLE_HOST},
        {"axm-servicediscovery.apple.com", DROP_APPLE_HOST},
        {"p01-x.icloud.com.cn", DROP_APPLE_HOST},
        {"cloudflare.com", DROP_APPLE_HOST}, /* above a relay */
        {"csp-reporting.cloudflare.com", DROP_NONE},
        {"token.safebrowsing.apple", DROP_APPLE_HOST},
        {"com.cn", DROP_APPLE_HOST},
        {"example.com.cn", DROP_NONE},
        {"apple.com/url-filter-test", DROP_NONE},
        {"www.apple.com/url-filter-test", DROP_NONE},
        {"apple.com/legal", DROP_NONE},
        {"ads.apple.com", DROP_NONE},
        {"iadsdk.apple.com/x", DROP_NONE},
        {"badapple.com", DROP_NONE},
        {"apple.com.example.net", DROP_NONE},
        {"notocsp.apple.com", DROP_NONE},
        {"pir.filter.example", DROP_OWN_HOST},
        {"filter.example", DROP_OWN_HOST},
        {"pir.filter.example/prefilter", DROP_OWN_HOST},
        {"a.pir.filter.example", DROP_OWN_HOST},
        {"filter.example/x", DROP_NONE},
        {"other.filter.example", DROP_NONE},
        {"prefilter.example", DROP_OWN_HOST},
        {"192.0.2.7", DROP_OWN_HOST},
        {"192.0.2.7:80/x", DROP_OWN_HOST},
        {"192.0.2.70", DROP_NONE},
        {"[2001:db8::7]", DROP_OWN_HOST},
        {"[2001:db8::7]:80", DROP_OWN_HOST},
        {"[2001:db8::8]", DROP_NONE},
        {"", DROP_NONE},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_expect_eq(protected_hosts_check(hosts, span_of_text(cases[i].key)), cases[i].reason,
                     "%s: %s", cases[i].key,
                     drop_reason_name(protected_hosts_check(hosts, span_of_text(cases[i].key))));
}

Test(protected_hosts, what_is_no_host)
{
    struct error error;
    cr_expect_eq(protected_hosts_add_own(hosts, span_of_text("ftp://a.example"), &error),
                 STATUS_INVALID);
    cr_expect_str_eq(error.message, "protected host: scheme other than http and https");
    cr_expect_eq(protected_hosts_add_own(hosts, span_of_text("localhost"), &error), STATUS_INVALID);
    cr_expect_str_eq(error.message,
                     "protected host: host of one label, which devices never ask for");
    for (size_t i = 0; i < PROTECTED_HOSTS_MAX - 4; i++)
        cr_assert_eq(protected_hosts_add_own(hosts, span_of_text("a.example"), NULL), STATUS_OK);
    cr_expect_eq(protected_hosts_add_own(hosts, span_of_text("a.example"), &error),
                 STATUS_TOO_LARGE);
    protected_hosts_free(NULL);
}

static enum status take_key(void *context, const struct list_key *key, struct error *err)
{
    (void)context;
    (void)key;
    (void)err;
    return STATUS_OK;
}

/* Lists drop such entries and count them. */
Test(protected_hosts, lists_refuse_them)
{
    const struct list_options options = {.protected_hosts = hosts};
    const struct list_sink sink = {.key = take_key};
    struct list_parser *parser = NULL;
    cr_assert_eq(list_parser_new(&options, &sink, &parser, NULL), STATUS_OK);
    list_parser_begin(parser, "list");
    cr_assert_eq(list_parser_text(parser,
                                  span_of_text("||icloud.com^\n0.0.0.0 captive.apple.com\n"
                                               "https://pir.filter.example/x\nads.apple.com\n"),
                                  NULL),
                 STATUS_OK);
    const struct list_counts *counts = list_parser_counts(parser);
    cr_expect_eq(counts->kept, 1);
    cr_expect_eq(counts->dropped_for[DROP_APPLE_HOST], 2);
    cr_expect_eq(counts->dropped_for[DROP_OWN_HOST], 1);
    list_parser_free(parser);
}

Test(protected_hosts_memory, every_failed_allocation_is_reported)
{
    enum status status = STATUS_NOMEM;
    for (size_t n = 1; status != STATUS_OK; n++) {
        struct protected_hosts *made = NULL;
        mem_fail_nth(n);
        status = protected_hosts_new(&made, NULL);
        if (status == STATUS_OK)
            status = protected_hosts_add_apple(made, NULL);
        const bool is_pending = mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, is_pending ? STATUS_OK : STATUS_NOMEM);
        if (status == STATUS_OK)
            cr_expect_gt(n, 10);
        protected_hosts_free(made);
    }
}
