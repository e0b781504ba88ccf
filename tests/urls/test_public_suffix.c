#include "urls/public_suffix.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "urls/url.h"

#include <criterion/criterion.h>
#include <libpsl.h>
#include <stdio.h>

static struct public_suffixes *suffixes;

static void make(void)
{
    cr_assert_eq(public_suffixes_new(&suffixes, NULL), STATUS_OK);
}
static void unmake(void)
{
    public_suffixes_free(suffixes);
}
TestSuite(public_suffix, .init = make, .fini = unmake);

static enum public_suffix_kind kind(const char *host)
{
    return public_suffixes_kind(suffixes, span_of_text(host));
}

Test(public_suffix, known_ones)
{
    cr_expect_eq(kind("com"), PUBLIC_SUFFIX_REGISTRY);
    cr_expect_eq(kind("co.uk"), PUBLIC_SUFFIX_REGISTRY);
    cr_expect_eq(kind("github.io"), PUBLIC_SUFFIX_HOSTER);
    cr_expect_eq(kind("example.com"), PUBLIC_SUFFIX_NONE);
    cr_expect_eq(kind("a.github.io"), PUBLIC_SUFFIX_NONE);
    cr_expect_eq(kind("no-such-suffix"), PUBLIC_SUFFIX_NONE, "the rule * does not count");
    cr_expect_eq(kind("anything.ck"), PUBLIC_SUFFIX_REGISTRY, "a wildcard");
    cr_expect_eq(kind("www.ck"), PUBLIC_SUFFIX_NONE, "its exception");
    cr_expect_eq(kind("a.anything.ck"), PUBLIC_SUFFIX_NONE);
    cr_expect_eq(kind("xn--p1ai"), PUBLIC_SUFFIX_REGISTRY, "another script");
    cr_expect_eq(kind(""), PUBLIC_SUFFIX_NONE);
    cr_expect_eq(kind("."), PUBLIC_SUFFIX_NONE);
}

/* What libpsl itself says. */
static enum public_suffix_kind expected(const char *host)
{
    const psl_ctx_t *psl = psl_builtin();
    if (!psl_is_public_suffix2(psl, host, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE))
        return PUBLIC_SUFFIX_NONE;
    return psl_is_public_suffix2(psl, host, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE)
               ? PUBLIC_SUFFIX_REGISTRY
               : PUBLIC_SUFFIX_HOSTER;
}

static void check(const char *host)
{
    cr_assert_eq(kind(host), expected(host), "%s", host);
}

/* Every rule, what stands one and two labels below and one above. */
static void check_around(struct span rule)
{
    char host[URL_HOST_MAX_BYTES + 1];
    if (rule.data[0] == '!')
        rule = span_part(rule, 1, rule.size - 1);
    if (span_starts_with(rule, span_of_text("*.")))
        rule = span_part(rule, 2, rule.size - 2);
    for (size_t i = 0; i < rule.size; i++) {
        if (rule.data[i] >= 0x80) /* no host in canonical form */
            return;
    }
    snprintf(host, sizeof host, "%.*s", (int)rule.size, (const char *)rule.data);
    check(host);
    const char *dot = strchr(host, '.');
    if (dot != NULL)
        check(dot + 1);
    snprintf(host, sizeof host, "x.%.*s", (int)rule.size, (const char *)rule.data);
    check(host);
    snprintf(host, sizeof host, "y.xn--x.%.*s", (int)rule.size, (const char *)rule.data);
    check(host);
}

Test(public_suffix, agrees_with_libpsl_on_all_rules)
{
    const char *path = psl_builtin_filename();
    struct bytes text;
    bytes_init(&text, (size_t)1 << 24);
    if (file_read(path, &text, NULL) != STATUS_OK)
        cr_skip_test("%s is not here", path);
    size_t count = 0;
    for (size_t at = 0; at < text.size;) {
        const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
        const size_t stop = end != NULL ? (size_t)(end - text.data) : text.size;
        const struct span rule = span_of(text.data + at, stop - at);
        if (rule.size > 0 && rule.data[0] != '/') {
            check_around(rule);
            count++;
        }
        at = stop + 1;
    }
    cr_assert_gt(count, 5000);
    bytes_deinit(&text);
}

Test(public_suffix, agrees_with_libpsl_on_hosts_at_random)
{
    static const char *const labels[] = {
        "com",  "co", "uk", "github",   "io", "ck",   "www", "a",         "jp",       "kobe",
        "city", "bd", "er", "xn--p1ai", "-",  "xn--", "s3",  "amazonaws", "blogspot", "example"};
    const uint8_t seed[RANDOM_SEED_BYTES] = {9};
    struct random_seeded random;
    (void)random_seeded_init(&random, seed);
    for (size_t i = 0; i < 200000; i++) {
        char host[128] = "";
        const size_t count = 1 + (size_t)random_seeded_below(&random, 4);
        for (size_t k = 0; k < count; k++) {
            if (k > 0)
                strcat(host, ".");
            strcat(host, labels[random_seeded_below(&random, ARRAY_COUNT(labels))]);
        }
        check(host);
    }
}

Test(public_suffix, failed_allocations_are_statuses)
{
    for (size_t n = 1;; n++) {
        struct public_suffixes *other = NULL;
        mem_fail_nth(n);
        const enum status status = public_suffixes_new(&other, NULL);
        const bool failed = !mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, failed ? STATUS_NOMEM : STATUS_OK);
        public_suffixes_free(other);
        if (!failed)
            break;
        cr_assert_lt(n, 20);
    }
}
