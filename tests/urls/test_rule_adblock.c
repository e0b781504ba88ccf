/* Rules of filter lists, from the formats' own documentation: the device key, or why there is none.
 */
#include "urls/rule_adblock.h"

#include "base/compiler.h"
#include "tests/urls/rule_help.h"

#include <criterion/criterion.h>

static void run(const struct rule_case *cases, size_t count, const struct rule_adblock *start)
{
    struct rule_adblock state = *start;
    struct rule_shown shown = {0};
    for (size_t i = 0; i < count; i++) {
        bool is_comment = false;
        cr_assert_eq(rule_adblock_line(&state, span_of_text(cases[i].line), rule_help_visit, &shown,
                                       &is_comment, NULL),
                     STATUS_OK);
        rule_help_compare(&cases[i], &shown, is_comment);
    }
}

#define RUN(cases) run(cases, ARRAY_COUNT(cases), &(struct rule_adblock){0})
#define RUN_WITH_HEADER(cases)                                                                     \
    run(cases, ARRAY_COUNT(cases), &(struct rule_adblock){.has_header = true})

Test(rule_adblock, hosts)
{
    static const struct rule_case cases[] = {
        {"||example.com^", "example.com"},
        {"||ads.example.com^", "ads.example.com"},
        {"||EXAMPLE.com^", "example.com"},
        {"||www.example.com^", "example.com"},
        {"||example.com^*", "example.com"},
        {"||example.com^***", "example.com"},
        {"||example.com/", "example.com"},
        {"||example.com/*", "example.com"},
        {"||example.com/^", "example.com"},
        {"||example.com./", "example.com"},
        {"  ||example.com^\t", "example.com"},
        {"||example.com^\r", "example.com"},
        {"||a-b_c.example.com^", "a-b_c.example.com"},
        {"||r3---sn-4g5e6nsz.example.com^", "r3---sn-4g5e6nsz.example.com"},
        {"||xn--bcher-kva.example^", "xn--bcher-kva.example"},
        {"||b\xc3\xbc"
         "cher.example^",
         "xn--bcher-kva.example"},
        {"||example.com:8080^", "example.com:8080"},
        {"||example.com:8080/", "example.com:8080"},
        {"||192.0.2.7^", "192.0.2.7"},
        {"||192.0.2.7:81^", "192.0.2.7:81"},
        {"||[2001:db8::1]^", "[2001:db8::1]"},
        {"||[2001:DB8:0:0::1]:8080^", "[2001:db8::1]:8080"},
        {"||example.com", "example.com -open"},
        {"||example.com*", "example.com -open"},
        {"||example.com|", "example.com +deeper"},
        {"||example.com^|", "example.com +deeper"},
        {"||example.com/|", "example.com +deeper"},
        {"||example", "example -open"},
        {"||example^", "example"},
        {"||^", "!pattern"},
        {"||", "!pattern"},
        {"||*", "!pattern"},
        {"||exa mple.com^", "!white-space"},
        {"||exam$ple.com^", "!host-character"},
        {"||-.example.com^", "-.example.com"},
        {"||a..example.com^", "!label"},
        {"||0123456789012345678901234567890123456789012345678901234567890123.example^", "!label"},
        {"||example.com:0^", "!port"},
        {"||example.com:65536^", "!port"},
        {"||192.0.2.300^", "!address"},
    };
    RUN(cases);
    RUN_WITH_HEADER(cases);
}

Test(rule_adblock, paths)
{
    static const struct rule_case cases[] = {
        {"||example.com/ads^", "example.com/ads"},
        {"||example.com/ads/x.js^", "example.com/ads/x.js"},
        {"||example.com/ADS^", "example.com/ads"},
        {"||example.com:8080/ads^", "example.com:8080/ads"},
        {"||192.0.2.7/bin.sh^", "192.0.2.7/bin.sh"},
        {"||192.0.2.7:4444/bin.sh^$all", "192.0.2.7:4444/bin.sh"},
        {"||example.com/a/../b^", "example.com/b"},
        {"||example.com/./b^", "example.com/b"},
        {"||example.com//b^", "example.com//b"},
        {"||example.com/%41^", "example.com/%41"},
        {"||example.com/a%2Fb^", "example.com/a%2fb"},
        {"||example.com/\xc3\xbc^", "example.com/%c3%bc"},
        {"||example.com/ads/", "example.com/ads +folder"},
        {"||example.com/ads/*", "example.com/ads +folder"},
        {"||example.com/ads/^", "example.com/ads +folder"},
        {"||example.com/a/b/c/", "example.com/a/b/c +folder"},
        {"||example.com/ads", "example.com/ads -open"},
        {"||example.com/ads*", "example.com/ads -open"},
        {"||example.com/ads.js", "example.com/ads.js -open"},
        {"||example.com/ads_", "example.com/ads_ -open"},
        {"||example.com/ads.js|", "example.com/ads.js +deeper"},
        {"||example.com/ads/|", "example.com/ads +deeper"},
        {"||example.com/ads?", "example.com/ads -query"},
        {"||example.com/ads?id=1", "example.com/ads?id=1 -query"},
        {"||example.com/ads?id=1^", "example.com/ads?id=1 -query"},
        {"||example.com/ads?id=1|", "example.com/ads?id=1"},
        {"||example.com/ads?ID=A|", "example.com/ads?id=a"},
        {"||example.com/ads?a=1&b=2|", "example.com/ads?a=1&b=2"},
        {"||example.com/a;b^", "example.com/a;b"},
        {"||example.com/a,b^", "example.com/a,b"},
        {"||example.com/a$b^", "example.com/a$b"},
        {"||example.com/a=b^", "example.com/a=b"},
        {"||example.com/a@b^", "example.com/a@b"},
    };
    RUN_WITH_HEADER(cases);
}

Test(rule_adblock, wildcards_and_patterns)
{
    static const struct rule_case cases[] = {
        {"||*.example.com^", "!subdomains"},
        {"||*.example.com/ads^", "!subdomains"},
        {"||ads*.example.com^", "!wildcard"},
        {"||*ads.example.com^", "!wildcard"},
        {"||example.*^", "!wildcard"},
        {"||example.com/*/ads.js^", "!wildcard"},
        {"||example.com/*.js|", "!wildcard"},
        {"||example.com^ads^", "!wildcard"},
        {"||example.com^*/ads", "!wildcard"},
        {"||example.com/a|b^", "!pattern"},
        {"/ads[0-9]+/", "!regex"},
        {"/^https?:\\/\\/ads\\./", "!regex"},
        {"/ads$/", "!regex"},
        {"/ads$/$script", "!regex"},
        {"/banner/", "!regex"},
        {"//", "!regex"},
        {"/banner/*/img^", "!pattern"},
        {"/ads.js", "!pattern"},
        {"&ad_box_", "!pattern"},
        {"-ad-banner.", "!pattern"},
        {".example.com^", "!pattern"},
        {"://ads.example.com^", "!pattern"},
        {"*", "!pattern"},
        {"*/ads/*", "!pattern"},
        {"ads", "!pattern"},
        {"|ads.example.com^", "!pattern"},
        {"|", "!pattern"},
        {"|ftp://example.com/", "!pattern"},
        {"^ads^", "!pattern"},
        {"?ad=", "!pattern"},
        {"=", "!pattern"},
        {"swf|", "!pattern"},
    };
    RUN(cases);
    RUN_WITH_HEADER(cases);
}

Test(rule_adblock, addresses_from_the_start)
{
    static const struct rule_case cases[] = {
        {"|https://example.com/ads^", "example.com/ads +hosts"},
        {"|http://example.com^", "example.com +hosts"},
        {"|http://example.com/", "example.com +hosts"},
        {"|http://example.com:80/x^", "example.com/x +hosts"},
        {"|https://example.com:80/x^", "example.com:80/x +hosts"},
        {"|http://example.com/ads/", "example.com/ads +folder +hosts"},
        {"|http://example.com/ads", "example.com/ads +hosts -open"},
        {"|http://example.com/ads|", "example.com/ads +deeper +hosts"},
        {"|http://example.com/ads?x|", "example.com/ads?x +hosts"},
        {"|http://example.com/ads?x", "example.com/ads?x +hosts -query"},
        {"|http://user:pw@example.com/x^", "example.com/x +hosts"},
        {"https://example.com/ads^", "example.com/ads +hosts"},
        {"http://example.com/ads", "example.com/ads +hosts -open"},
        {"|https://", "!pattern"},
        {"|http://*.example.com^", "!subdomains"},
        {"|http://*/ads", "!wildcard"},
        {"|https://example.com^ads", "!wildcard"},
        {"|http://example.com/ads^$script", "example.com/ads +hosts +types"},
        {"@@|http://example.com/ads^", "@@example.com/ads +hosts"},
    };
    RUN_WITH_HEADER(cases);
}

Test(rule_adblock, bare_hosts)
{
    static const struct rule_case as_hosts[] = {
        {"example.com", "example.com"},
        {"ads.Example.com", "ads.example.com"},
        {"192.0.2.7", "192.0.2.7"},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"example.com$script", "!pattern"},
        {"example.com$important", "!pattern"},
        {"example.com^", "!pattern"},
        {"example.com/ads", "!pattern"},
        {".example.com", "!pattern"},
        {"-example.com", "!pattern"},
        {"example.", "!pattern"},
        {"example", "!pattern"},
        {"0.0.0.0 example.com", "!white-space"},
    };
    static const struct rule_case as_patterns[] = {
        {"example.com", "!pattern"},
        {"192.0.2.7", "!pattern"},
        {"example.com$script", "!pattern"},
    };
    RUN(as_hosts);
    RUN_WITH_HEADER(as_patterns);
}

Test(rule_adblock, options)
{
    static const struct rule_case cases[] = {
        {"||example.com^$all", "example.com"},
        {"||example.com/x^$all", "example.com/x"},
        {"||example.com^$important", "example.com"},
        {"||example.com^$all,important", "example.com"},
        {"||example.com^$IMPORTANT", "example.com"},
        {"||example.com^$_", "example.com"},
        {"||example.com^$____,all,_", "example.com"},
        {"||example.com/x$all", "example.com/x -open"},
        {"||example.com/X^$match-case", "example.com/x +case"},
        {"||example.com^$document", "example.com +types"},
        {"||example.com^$doc,important", "example.com +types"},
        {"||example.com^$badfilter", "--example.com"},
        {"||example.com/x^$badfilter,important", "--example.com/x"},
        {"||example.com^$badfilter,third-party", "--example.com +pages"},
        {"||example.com^$third-party", "example.com +pages"},
        {"||example.com^$~third-party", "example.com +pages"},
        {"||example.com^$3p", "example.com +pages"},
        {"||example.com^$1p", "example.com +pages"},
        {"||example.com^$first-party", "example.com +pages"},
        {"||example.com^$strict3p", "example.com +pages"},
        {"||example.com^$domain=a.example", "example.com +pages"},
        {"||example.com^$domain=a.example|~b.example", "example.com +pages"},
        {"||example.com^$from=a.example", "example.com +pages"},
        {"||example.com^$~script,domain=~a.example", "example.com +types +pages"},
        {"||example.com^$~document", "example.com +types"},
        {"||example.com^$~important", "!options"},
        {"||example.com^$~all", "!options"},
        {"||example.com^$script,to=a.example", "!options"},
        {"||example.com^$to=a.example", "!options"},
        {"||example.com^$denyallow=a.example", "!options"},
        {"||example.com^$sitekey=abc", "!options"},
        {"||example.com^$script", "example.com +types"},
        {"||example.com^$script,image", "example.com +types"},
        {"||example.com^$~image", "example.com +types"},
        {"||example.com^$popup", "example.com +types"},
        {"||example.com^$popunder", "example.com +types"},
        {"||example.com^$subdocument", "example.com +types"},
        {"||example.com^$xmlhttprequest", "example.com +types"},
        {"||example.com^$xhr", "example.com +types"},
        {"||example.com^$websocket", "example.com +types"},
        {"||example.com^$ping", "example.com +types"},
        {"||example.com^$font", "example.com +types"},
        {"||example.com^$media", "example.com +types"},
        {"||example.com^$object", "example.com +types"},
        {"||example.com^$stylesheet", "example.com +types"},
        {"||example.com^$other", "example.com +types"},
        {"||example.com^$webrtc", "example.com +types"},
        {"||example.com^$inline-script", "!options"},
        {"||example.com^$inline-font", "!options"},
        {"||example.com^$genericblock", "!options"},
        {"||example.com^$elemhide", "!options"},
        {"||example.com^$ehide", "!options"},
        {"||example.com^$generichide", "!options"},
        {"||example.com^$method=post", "!options"},
        {"||example.com^$header=via:1", "!options"},
        {"||example.com^$ipaddress=192.0.2.1", "!options"},
        {"||example.com^$cname", "!options"},
        {"||example.com^$app=x", "!options"},
        {"||example.com^$dnstype=A", "!options"},
        {"||example.com^$client=x", "!options"},
        {"||example.com^$empty", "!options"},
        {"||example.com^$redirect=noop.js", "!options"},
        {"||example.com^$no-such-option", "!options"},
        {"||example.com^$all,third-party", "example.com +pages"},
        {"||example.com^$important,domain=a.example", "example.com +pages"},
        {"||example.com^$csp=script-src 'none'", "!modifies"},
        {"||example.com^$csp=sandbox", "!modifies"},
        {"||example.com^$removeparam=utm_source", "!modifies"},
        {"||example.com^$removeparam", "!modifies"},
        {"||example.com^$redirect-rule=noop.js", "!modifies"},
        {"||example.com^$script,redirect-rule=noop.js", "!modifies"},
        {"||example.com^$rewrite=abp-resource:blank-js", "!modifies"},
        {"||example.com^$replace=/a/b/", "!modifies"},
        {"||example.com^$permissions=x", "!modifies"},
        {"||example.com^$cookie", "!modifies"},
        {"||example.com^$uritransform=/a/b/", "!modifies"},
        {"||example.com^$urlskip=?u", "!modifies"},
        {"$popup", "!pattern"},
        {"*$script,domain=a.example", "!pattern"},
        {"||example.com/a$b", "!options"},
        {"||example.com/a$b,c", "!options"},
        {"||example.com/a$", "example.com/a$ -open"},
    };
    RUN_WITH_HEADER(cases);
}

Test(rule_adblock, exceptions)
{
    static const struct rule_case cases[] = {
        {"@@||example.com^", "@@example.com"},
        {"@@||example.com/x^", "@@example.com/x"},
        {"@@||example.com/x/", "@@example.com/x +folder"},
        {"@@||example.com^$important", "@@example.com"},
        {"@@||example.com^$all", "@@example.com"},
        {"@@||example.com^$document", "!options"},
        {"@@||example.com^$script", "!options"},
        {"@@||example.com^$elemhide", "!options"},
        {"@@||example.com^$generichide", "!options"},
        {"@@||example.com^$csp", "!modifies"},
        {"@@||example.com^$domain=a.example", "!options"},
        {"@@||example.com^$badfilter", "--@@example.com"},
        {"@@||*.example.com^", "!subdomains"},
        {"@@/ads.js", "!pattern"},
        {"@@/regex/", "!regex"},
        {"@@", "!pattern"},
        {"@@example.com", "@@example.com"},
    };
    RUN(cases);
}

Test(rule_adblock, elements_and_comments)
{
    static const struct rule_case cases[] = {
        {"", "#"},
        {"   ", "#"},
        {"! a comment", "#"},
        {"!||example.com^", "#"},
        {"[Adblock Plus 2.0]", "#"},
        {"[uBlock Origin]", "#"},
        {"# a comment", "#"},
        {"#", "#"},
        {"##.ad", "!element-hiding"},
        {"###ad", "!element-hiding"},
        {"example.com##.ad", "!element-hiding"},
        {"example.com,~a.example.com##.ad", "!element-hiding"},
        {"example.com#@#.ad", "!element-hiding"},
        {"example.com#?#.ad:has(a)", "!element-hiding"},
        {"example.com#$#hide-if-contains x", "!element-hiding"},
        {"example.com#@$?#.ad", "!element-hiding"},
        {"example.com#%#window.x = 1", "!element-hiding"},
        {"example.com##+js(nobab)", "!element-hiding"},
        {"example.com##^script:has-text(x)", "!element-hiding"},
        {"example.com$$script[src]", "!element-hiding"},
        {"example.com$@$script[src]", "!element-hiding"},
        {"[$path=/x]example.com##.ad", "!element-hiding"},
        {"*##.ad", "!element-hiding"},
        {"/^ads/##.ad", "!element-hiding"},
    };
    RUN(cases);
}

Test(rule_adblock, conditions)
{
    static const struct rule_case cases[] = {
        {"||a.example^", "a.example"},
        {"!#if env_mobile", "#"},
        {"||b.example^", "!condition"},
        {"example.com##.ad", "!element-hiding"},
        {"! a comment", "#"},
        {"!#if !ext_ublock", "#"},
        {"||c.example^", "!condition"},
        {"!#endif", "#"},
        {"||d.example^", "!condition"},
        {"!#else", "#"},
        {"||e.example^", "!condition"},
        {"!#endif", "#"},
        {"||f.example^", "f.example"},
        {"!#endif", "#"},
        {"||g.example^", "g.example"},
        {"!#include other.txt", "!include"},
        {"  !#include  ", "!include"},
        {"!#included", "#"},
        {"! #include other.txt", "#"},
        {"!#iffy", "#"},
        {"||h.example^", "h.example"},
        {"!#if (env_firefox && !env_mobile)", "#"},
        {"!#include other.txt", "!condition"},
        {"! !#endif", "#"},
        {"!#endif # no comment", "#"},
        {"||i.example^", "i.example"},
        {"!#if", "#"},
        {"||j.example^", "!condition"},
        {"!#else", "#"},
        {"||k.example^", "!condition"},
    };
    RUN(cases);
}

Test(rule_adblock, names_of_included_lists)
{
    static const struct {
        const char *line;
        const char *name; /* NULL = no such line */
    } cases[] = {
        {"!#include a.txt", "a.txt"},
        {"!#include  b/c d.txt \t", "b/c d.txt"},
        {"!#include", ""},
        {"!#includes a.txt", NULL},
        {"!# include a.txt", NULL},
        {"#include a.txt", NULL},
        {"!#INCLUDE a.txt", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct span name;
        const bool is_there = rule_adblock_include(span_of_text(cases[i].line), &name);
        cr_expect_eq(is_there, cases[i].name != NULL, "%s", cases[i].line);
        if (is_there && cases[i].name != NULL)
            cr_expect(span_equal(name, span_of_text(cases[i].name)), "%s", cases[i].line);
    }
}

Test(rule_adblock, the_header_counts_from_its_line_on)
{
    static const struct rule_case cases[] = {
        {"a.example", "a.example"},
        {"[Adblock Plus 2.0]", "#"},
        {"a.example", "!pattern"},
    };
    RUN(cases);
}
