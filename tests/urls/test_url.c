#include "urls/url.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "urls/url_address.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct url url; /* a workspace is too large for the stack */

static const char *key_of(const char *text)
{
    static char key[URL_MAX_BYTES + URL_PORT_BYTES + 1];
    const enum drop_reason reason = url_parse(span_of_text(text), &url);
    if (reason != DROP_NONE) {
        snprintf(key, sizeof key, "!%s", drop_reason_name(reason));
        return key;
    }
    const struct span got = url_key(&url);
    memcpy(key, got.data, got.size);
    key[got.size] = '\0';
    return key;
}

struct pair {
    const char *text;
    const char *key;
};

static void check(const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_str_eq(key_of(pairs[i].text), pairs[i].key, "%s gives %s, not %s", pairs[i].text,
                         key_of(pairs[i].text), pairs[i].key);
}

Test(url, hosts)
{
    static const struct pair pairs[] = {
        {"example.com", "example.com"},
        {"EXAMPLE.com", "example.com"},
        {"https://Example.COM/", "example.com"},
        {"example.com.", "example.com"},
        {"www.example.com", "example.com"},
        {"WWW.example.com.", "example.com"},
        {"www.www.example.com", "www.example.com"},
        {"www.com", "www.com"},
        {"www1.example.com", "www1.example.com"},
        {"wwwx.example.com", "wwwx.example.com"},
        {"localhost", "localhost"},
        {"r3---sn-x.example.com", "r3---sn-x.example.com"},
        {"-a-.example.com", "-a-.example.com"},
        {"_dmarc.example.com", "_dmarc.example.com"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"B\xc3\x9c"
         "CHER.example",
         "xn--bcher-kva.example"},
        {"stra\xc3\x9f"
         "e.example",
         "xn--strae-oqa.example"},
        {"r3---sn-x.b\xc3\xbc"
         "cher.example",
         "r3---sn-x.xn--bcher-kva.example"},
        {"a\xe3\x80\x82"
         "example\xef\xbc\x8e"
         "com",
         "a.example.com"},
        {"\xef\xbc\x91.2.3.4", "1.2.3.4"},
        {"", "!empty"},
        {"/path", "!no-host"},
        {"?q", "!no-host"},
        {"//example.com", "!no-host"},
        {"https://", "!no-host"},
        {"https://:80/", "!no-host"},
        {".", "!no-host"},
        {"..", "!label"},
        {".example.com", "!label"},
        {"a..example.com", "!label"},
        {"example.com..", "!label"},
        {"exa mple.com", "!character"},
        {"exa\tmple.com", "!character"},
        {"example.com\x7f", "!character"},
        {"exa%6dple.com", "!host-character"},
        {"exa$mple.com", "!host-character"},
        {"*.example.com", "!wildcard"},
        {"\xff.example.com", "!encoding"},
        {"example.com/\xc0\xaf", "!encoding"},
        {"example.com/\xed\xa0\x80", "!encoding"},
        {"a\xe2\x80\x8e.example", "!idn"},
    };
    check(pairs, ARRAY_COUNT(pairs));
}

Test(url, lengths_of_hosts)
{
    char text[400];
    memset(text, 'a', sizeof text);
    memcpy(text + 63, ".com", 5);
    cr_assert_str_eq(key_of(text), text);
    memset(text, 'a', 64);
    memcpy(text + 64, ".com", 5);
    cr_assert_str_eq(key_of(text), "!label");

    for (size_t i = 0; i < 253; i++)
        text[i] = i % 2 == 0 ? 'b' : '.';
    text[253] = '\0';
    cr_assert_str_eq(key_of(text), text);
    text[253] = '.'; /* the trailing dot does not count */
    text[254] = '\0';
    cr_assert_eq(strlen(key_of(text)), 253);
    memcpy(text + 253, ".b", 3);
    cr_assert_str_eq(key_of(text), "!host-too-long");
    memset(text, 'a', sizeof text);
    text[399] = '\0';
    cr_assert_str_eq(key_of(text), "!host-too-long");
}

Test(url, addresses)
{
    static const struct pair pairs[] = {
        {"1.2.3.4", "1.2.3.4"},
        {"http://1.2.3.4:45678/bin.sh", "1.2.3.4:45678/bin.sh"},
        {"1.2.3.4.", "1.2.3.4"},
        {"255.255.255.255/x", "255.255.255.255/x"},
        {"1.2.3", "!address"},
        {"1.2.3.4.5", "!address"},
        {"1.2.3.256", "!address"},
        {"01.2.3.4", "!address"},
        {"0x7f.0.0.1", "!address"},
        {"0x7f000001", "!address"},
        {"2130706433", "!address"},
        {"example.0x1f", "!address"},
        {"example.123", "!address"},
        {"[2001:DB8::1]", "[2001:db8::1]"},
        {"https://[2001:db8:0:0:0:0:0:1]:8443/a", "[2001:db8::1]:8443/a"},
        {"2001:db8::1", "[2001:db8::1]"},
        {"[::ffff:1.2.3.4]", "[::ffff:102:304]"},
        {"[::]", "[::]"},
        {"[1:0:0:2:0:0:0:3]", "[1:0:0:2::3]"},
        {"[1::]", "[1::]"},
        {"[0:0:1:0:0:1:0:0]", "[::1:0:0:1:0:0]"},
        {"[1:0:2:0:3:0:4:0]", "[1:0:2:0:3:0:4:0]"},
        {"[::1", "!address"},
        {"[::1]x", "!address"},
        {"[::1::]", "!address"},
        {"[1:2:3:4:5:6:7]", "!address"},
        {"[1:2:3:4:5:6:7:8:9]", "!address"},
        {"[12345::]", "!address"},
        {"[fe80::1%25eth0]", "!address"},
        {"https://2001:db8::1/", "!host-character"},
    };
    check(pairs, ARRAY_COUNT(pairs));
}

Test(url, ports_user_info_schemes)
{
    static const struct pair pairs[] = {
        {"https://example.com:443/a", "example.com/a"},
        {"http://example.com:80/a", "example.com/a"},
        {"http://example.com:443/a", "example.com:443/a"},
        {"https://example.com:80/a", "example.com:80/a"},
        {"example.com:443", "example.com:443"},
        {"example.com:8080/a", "example.com:8080/a"},
        {"https://example.com:00443/", "example.com"},
        {"https://example.com:/a", "example.com/a"},
        {"example.com:0", "!port"},
        {"example.com:65536", "!port"},
        {"example.com:http", "!port"},
        {"example.com:000080", "!port"},
        {"mailto:user", "!port"},
        {"HTTPS://example.com", "example.com"},
        {"ftp://example.com/a", "!scheme"},
        {"httpsx://example.com/a", "!scheme"},
        {"https://user:pw@example.com/a", "example.com/a"},
        {"https://good.com@evil.com/", "evil.com"},
        {"https://a@b@evil.com/", "evil.com"},
        {"user@example.com", "!user-info"},
        {"example.com/@x", "example.com/@x"},
    };
    check(pairs, ARRAY_COUNT(pairs));
}

Test(url, paths_queries_fragments)
{
    static const struct pair pairs[] = {
        {"example.com/a/b", "example.com/a/b"},
        {"example.com/a/b/", "example.com/a/b"},
        {"example.com/A/B.EXE", "example.com/a/b.exe"},
        {"example.com//", "example.com//"},
        {"example.com//a", "example.com//a"},
        {"example.com/a//", "example.com/a//"},
        {"example.com/a/./b/../c", "example.com/a/c"},
        {"example.com/a/..", "example.com"},
        {"example.com/../..", "example.com"},
        {"example.com/a/%2E%2e/b", "example.com/b"},
        {"example.com/a/.%2e/b", "example.com/b"},
        {"example.com/a/b/.", "example.com/a/b"},
        {"example.com/a//../b", "example.com/a/b"},
        {"example.com/.../a", "example.com/.../a"},
        {"example.com/.a/..b", "example.com/.a/..b"},
        {"example.com/%2ea", "example.com/%2ea"},
        {"example.com\\a\\b", "example.com/a/b"},
        {"example.com/%C3%A9", "example.com/%c3%a9"},
        {"example.com/\xc3\xa9", "example.com/%c3%a9"},
        {"example.com/%zz%", "example.com/%zz%"},
        {"example.com/a{b}\"<>`", "example.com/a%7bb%7d%22%3c%3e%60"},
        {"example.com/a|b^c", "example.com/a|b^c"},
        {"example.com?id=1", "example.com/?id=1"},
        {"example.com/?id=1", "example.com/?id=1"},
        {"example.com/a/?id=1", "example.com/a/?id=1"},
        {"example.com/a?ID=1&x={}'`", "example.com/a?id=1&x={}%27`"},
        {"example.com/a?b?c/../d", "example.com/a?b?c/../d"},
        {"example.com/a?x=\\", "example.com/a?x=\\"},
        {"example.com/a?", "example.com/a"},
        {"example.com/a?#", "example.com/a"},
        {"example.com/a#Frag?x", "example.com/a#frag?x"},
        {"example.com/a?q#f#g", "example.com/a?q#f#g"},
        {"example.com/a b", "!character"},
        {"example.com/a\nb", "!character"},
        {"example.com/a?b c", "!character"},
    };
    check(pairs, ARRAY_COUNT(pairs));
    cr_assert_eq(url_parse(span_of("example.com/\0x", 14), &url), DROP_CHARACTER);
    cr_assert_eq(url_parse(span_of("exa\0mple.com", 12), &url), DROP_CHARACTER);
}

Test(url, flags_say_what_was_removed)
{
    cr_assert_eq(url_parse(span_of_text("https://u:p@www.example.com/"), &url), DROP_NONE);
    cr_assert(url.had_scheme && url.had_www && url.had_user_info && !url.is_address);
    cr_assert_eq(url.device_port, 443);
    cr_assert_eq(url_parse(span_of_text("1.2.3.4:81"), &url), DROP_NONE);
    cr_assert(!url.had_scheme && !url.had_www && !url.had_user_info && url.is_address);
    cr_assert_eq(url.device_port, 81);
}

Test(url, length_limit_holds_before_and_after_escaping)
{
    static char text[URL_MAX_BYTES + 2];
    memset(text, 'a', sizeof text);
    memcpy(text, "example.com/", 12);
    cr_assert_eq(url_parse(span_of(text, URL_MAX_BYTES), &url), DROP_NONE);
    cr_assert_eq(url_key(&url).size, URL_MAX_BYTES);
    cr_assert_eq(url_parse(span_of(text, URL_MAX_BYTES + 1), &url), DROP_TOO_LONG);
    memset(text + 12, '"', sizeof text - 12);
    cr_assert_eq(url_parse(span_of(text, URL_MAX_BYTES), &url), DROP_TOO_LONG);
    cr_assert_eq(url_parse(span_of(text, 12 + (URL_MAX_BYTES - 12) / 3), &url), DROP_NONE);
}

/* ---- expansion ---- */

static enum status gather(void *context, struct span sub_url, struct error *err)
{
    (void)err;
    struct bytes *text = context;
    bytes_append(text, sub_url);
    bytes_append_u8(text, '\n');
    return STATUS_OK;
}

static const char *walk(const char *text, const struct url_walk *how)
{
    static struct bytes out;
    bytes_deinit(&out);
    bytes_init(&out, (size_t)1 << 20);
    cr_assert_eq(url_parse(span_of_text(text), &url), DROP_NONE, "%s", text);
    const size_t expected = url_walk_count(&url, how);
    cr_assert_eq(url_expand_walk(&url, how, gather, &out, NULL), STATUS_OK);
    size_t lines = 0;
    for (size_t i = 0; i < out.size; i++)
        lines += out.data[i] == '\n';
    cr_assert_eq(lines, expected, "%s: %zu forms, %zu announced", text, lines, expected);
    bytes_append_u8(&out, 0);
    return (const char *)out.data;
}

static const char *expand(const char *text)
{
    return walk(text, &(struct url_walk){0});
}

/* PROTOCOL.md section 3, spelled out. */
Test(url, the_48_forms_of_the_protocol)
{
    static const char *const hosts[] = {"example.com", "example.com:443", "sub1.example.com",
                                        "sub1.example.com:443"};
    static const char *const paths[] = {
        "",
        "/",
        "/a",
        "/a/",
        "/a/b",
        "/a/b/",
        "/a/b/c",
        "/a/b/c/",
        "/a/b/c?id=123",
        "/a/b/c?id=123#fragment",
        "/a/b/c/?id=123",
        "/a/b/c/?id=123#fragment",
    };
    char expected[4096] = "";
    size_t used = 0;
    for (size_t h = 0; h < ARRAY_COUNT(hosts); h++) {
        for (size_t p = 0; p < ARRAY_COUNT(paths); p++)
            used += (size_t)snprintf(expected + used, sizeof expected - used, "%s%s\n", hosts[h],
                                     paths[p]);
    }
    cr_assert_str_eq(expand("https://www.sub1.example.com/a/b/c?id=123#fragment"), expected);
    cr_assert_eq(url_expansion_count(&url), 48);
}

Test(url, other_expansions)
{
    cr_assert_str_eq(expand("http://example.com"),
                     "example.com\nexample.com/\nexample.com:80\nexample.com:80/\n");
    cr_assert_str_eq(expand("https://user@example.com:8443/"),
                     "example.com\nexample.com/\nexample.com:8443\nexample.com:8443/\n");
    cr_assert_str_eq(expand("http://1.2.3.4/a/"),
                     "1.2.3.4\n1.2.3.4/\n1.2.3.4/a\n1.2.3.4/a/\n"
                     "1.2.3.4:80\n1.2.3.4:80/\n1.2.3.4:80/a\n1.2.3.4:80/a/\n");
    cr_assert_str_eq(expand("https://[::1]"), "[::1]\n[::1]/\n[::1]:443\n[::1]:443/\n");
    cr_assert_str_eq(expand("http://localhost"),
                     "localhost\nlocalhost/\nlocalhost:80\nlocalhost:80/\n");
    cr_assert_str_eq(expand("http://a.b/?q"),
                     "a.b\na.b/\na.b?q\na.b/?q\na.b:80\na.b:80/\na.b:80?q\na.b:80/?q\n");
    cr_assert_str_eq(expand("http://a.b/x/#f"),
                     "a.b\na.b/\na.b/x\na.b/x/\na.b/x#f\na.b/x/#f\n"
                     "a.b:80\na.b:80/\na.b:80/x\na.b:80/x/\na.b:80/x#f\na.b:80/x/#f\n");
    cr_assert_str_eq(expand("http://a.b//x//"),
                     "a.b\na.b/\na.b//\na.b//x\na.b//x/\na.b//x//\n"
                     "a.b:80\na.b:80/\na.b:80//\na.b:80//x\na.b:80//x/\na.b:80//x//\n");
    cr_assert_str_eq(expand("https://www.com/"), "www.com\nwww.com/\nwww.com:443\nwww.com:443/\n");
}

Test(url, shorter_walks)
{
    static const struct url_walk whole_host = {.only_whole_host = true};
    static const struct url_walk whole_path = {.only_whole_host = true, .only_whole_path = true};
    static const struct url_walk whole = {
        .only_whole_host = true, .no_intermediates = true, .prefix = "http://"};
    static const struct url_walk whole_urls = {.no_intermediates = true};
    cr_assert_str_eq(walk("http://x.a.b/c", &whole_host),
                     "x.a.b\nx.a.b/\nx.a.b/c\nx.a.b/c/\n"
                     "x.a.b:80\nx.a.b:80/\nx.a.b:80/c\nx.a.b:80/c/\n");
    cr_assert_str_eq(walk("http://a.b/c/d/?q", &whole_path),
                     "a.b\na.b/\na.b/c/d\na.b/c/d/\na.b/c/d?q\na.b/c/d/?q\n"
                     "a.b:80\na.b:80/\na.b:80/c/d\na.b:80/c/d/\na.b:80/c/d?q\na.b:80/c/d/?q\n");
    cr_assert_str_eq(walk("http://a.b", &whole_path), "a.b\na.b/\na.b:80\na.b:80/\n");
    cr_assert_str_eq(walk("http://a.b//", &whole_path),
                     "a.b\na.b/\na.b//\na.b:80\na.b:80/\na.b:80//\n");
    cr_assert_str_eq(walk("http://a.b/c/d", &whole),
                     "http://a.b/c/d\nhttp://a.b/c/d/\nhttp://a.b:80/c/d\nhttp://a.b:80/c/d/\n");
    cr_assert_str_eq(walk("http://a.b/", &whole),
                     "http://a.b\nhttp://a.b/\nhttp://a.b:80\nhttp://a.b:80/\n");
    cr_assert_str_eq(walk("http://x.a.b/c?q#f", &whole_urls),
                     "a.b/c?q#f\na.b/c/?q#f\na.b:80/c?q#f\na.b:80/c/?q#f\n"
                     "x.a.b/c?q#f\nx.a.b/c/?q#f\nx.a.b:80/c?q#f\nx.a.b:80/c/?q#f\n");
    cr_assert_str_eq(walk("http://a.b/#f", &whole),
                     "http://a.b#f\nhttp://a.b/#f\nhttp://a.b:80#f\nhttp://a.b:80/#f\n");
}

Test(url, case_may_stay)
{
    static const char text[] = "HTTPS://WWW.Example.COM/A/%2E%2e/B\\\xc3\xbc?Q='X'#F";
    cr_assert_eq(url_parse_cased(span_of_text(text), true, &url), DROP_NONE);
    cr_assert(span_equal(url_key(&url), span_of_text("example.com/B/%C3%BC?Q=%27X%27#F")));
    cr_assert_not(url.is_http);
    cr_assert_eq(url_parse(span_of_text(text), &url), DROP_NONE);
    cr_assert(span_equal(url_key(&url), span_of_text("example.com/b/%c3%bc?q=%27x%27#f")));
    cr_assert_eq(url_parse(span_of_text("Http://a.b"), &url), DROP_NONE);
    cr_assert(url.is_http);
    cr_assert_eq(url_parse(span_of_text("a.b"), &url), DROP_NONE);
    cr_assert_not(url.is_http);
}

/* A list entry blocks the URL it was written for, and those below it. */
Test(url, a_key_is_among_its_own_sub_urls)
{
    static const char *const texts[] = {
        "https://www.example.com",  "http://a.b.example.com/x/y/", "https://example.com/?a=b",
        "https://1.2.3.4:99/x?y#z", "http://example.com//",        "http://example.com/a//",
        "http://example.com/a/#b",  "https://example.com:80/",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        char line[300];
        snprintf(line, sizeof line, "%s\n", key_of(texts[i]));
        const char *all = expand(texts[i]);
        const char *found = strstr(all, line);
        while (found != NULL && found != all && found[-1] != '\n')
            found = strstr(found + 1, line);
        cr_expect(found != NULL, "%s is not among\n%s", line, all);
    }
}

static enum status stop_at_third(void *context, struct span sub_url, struct error *err)
{
    (void)sub_url;
    size_t *count = context;
    return ++*count == 3 ? error_set(err, STATUS_CANCELLED, "enough") : STATUS_OK;
}

Test(url, expansion_ends_when_the_caller_says_so)
{
    for (int i = 0; i < 2; i++) {
        size_t count = 0;
        cr_assert_eq(url_parse(span_of_text(i == 0 ? "https://a.b/c?d#e" : "a.b.c"), &url),
                     DROP_NONE);
        cr_assert_eq(url_expand(&url, stop_at_third, &count, NULL), STATUS_CANCELLED);
        cr_assert_eq(count, 3);
    }
}

static enum status count_only(void *context, struct span sub_url, struct error *err)
{
    (void)sub_url;
    (void)err;
    ++*(size_t *)context;
    return STATUS_OK;
}

Test(url, expansion_is_bounded)
{
    static char text[URL_MAX_BYTES + 1];
    size_t used = 0;
    for (size_t i = 0; i < 126; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "b.");
    text[used++] = 'b';
    /* 126 suffixes, two port choices, 2 + 2 s path forms. */
    for (size_t i = 0; i < 31; i++) {
        text[used++] = '/';
        text[used++] = 'a';
    }
    size_t count = 0;
    struct error error;
    cr_assert_eq(url_parse(span_of(text, used), &url), DROP_NONE);
    cr_assert_eq(url_expand(&url, count_only, &count, NULL), STATUS_OK);
    cr_assert_eq(count, 126 * 2 * 64);
    cr_assert_leq(count, URL_EXPANSION_MAX);
    text[used++] = '/';
    text[used++] = 'a';
    count = 0;
    cr_assert_eq(url_parse(span_of(text, used), &url), DROP_NONE);
    cr_assert_eq(url_expand(&url, count_only, &count, &error), STATUS_TOO_LARGE);
    cr_assert_str_eq(error.message, "URL of 16632 sub-URLs, more than 16384");
    cr_assert_eq(count, 0);
}

Test(url, reasons_have_names_and_texts)
{
    for (int i = 0; i < DROP_REASON_COUNT; i++) {
        cr_expect_gt(strlen(drop_reason_name((enum drop_reason)i)), 0);
        cr_expect_gt(strlen(drop_reason_text((enum drop_reason)i)), 0);
    }
    cr_assert_str_eq(drop_reason_name(DROP_REASON_COUNT), "unknown");
}
