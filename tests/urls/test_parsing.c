/* Parsing configurations: what devices ask for, and that entries' keys are among it. */
#include "urls/parsing.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "tests/patience.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define WHOLE "https://www.sub1.example.com/a/b/c?id=123#fragment"

/* ---- help ---- */

static struct parsing *make(const struct parsing_options *options)
{
    struct parsing *parsing = NULL;
    struct error err = {0};
    cr_assert_eq(parsing_new(options, &parsing, &err), STATUS_OK, "%s", err.message);
    return parsing;
}

static enum status gather(void *context, struct span sub_url, struct error *err)
{
    (void)err;
    struct bytes *text = context;
    bytes_append(text, sub_url);
    bytes_append_u8(text, '\n');
    return STATUS_OK;
}

/* All sub-URLs, a line each, or "!reason". */
static const char *expand(const struct parsing_options *options, const char *url)
{
    static struct bytes out;
    struct parsing *parsing = make(options);
    struct parsing_workspace *workspace = NULL;
    bytes_deinit(&out);
    bytes_init(&out, (size_t)1 << 20);
    cr_assert_eq(parsing_workspace_new(parsing, &workspace, NULL), STATUS_OK);
    const enum drop_reason reason = parsing_read(workspace, span_of_text(url));
    if (reason != DROP_NONE)
        bytes_append_format(&out, "!%s", drop_reason_name(reason));
    else
        cr_assert_eq(parsing_expand(workspace, gather, &out, NULL), STATUS_OK);
    bytes_append_u8(&out, 0);
    parsing_workspace_free(workspace);
    parsing_free(parsing);
    return (const char *)out.data;
}

/* The keys, blanks between, '~' before those of a wider entry; or "!reason". */
static const char *keys(const struct parsing_options *options, bool widens, const char *entry)
{
    static char out[3 * PARSING_KEY_MAX_BYTES];
    struct parsing *parsing = make(options);
    struct parsing_workspace *workspace = NULL;
    struct parsing_keys got = {0};
    cr_assert_eq(parsing_workspace_new(parsing, &workspace, NULL), STATUS_OK);
    got.reason = parsing_read(workspace, span_of_text(entry));
    if (got.reason == DROP_NONE)
        cr_assert_eq(parsing_keys(workspace, widens, &got, NULL), STATUS_OK);
    if (got.reason != DROP_NONE)
        snprintf(out, sizeof out, "!%s", drop_reason_name(got.reason));
    else
        snprintf(out, sizeof out, "%s%.*s%s%.*s", got.is_wider ? "~" : "", (int)got.keys[0].size,
                 (const char *)got.keys[0].data, got.count > 1 ? " " : "",
                 got.count > 1 ? (int)got.keys[1].size : 0,
                 got.count > 1 ? (const char *)got.keys[1].data : "");
    parsing_workspace_free(workspace);
    parsing_free(parsing);
    return out;
}

static struct parsing_options defaults(void)
{
    struct parsing_options options;
    parsing_options_init(&options);
    return options;
}

/* ---- what devices ask for ---- */

Test(parsing, the_default_is_todays)
{
    static struct url url;
    static const char *const urls[] = {WHOLE, "http://a.b.c.d/x//y/?q", "1.2.3.4:80/", "a.b#f"};
    const struct parsing_options options = defaults();
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct bytes expected;
        bytes_init(&expected, (size_t)1 << 20);
        cr_assert_eq(url_parse(span_of_text(urls[i]), &url), DROP_NONE);
        cr_assert_eq(url_expand(&url, gather, &expected, NULL), STATUS_OK);
        bytes_append_u8(&expected, 0);
        cr_expect_str_eq(expand(&options, urls[i]), (const char *)expected.data);
        bytes_deinit(&expected);
    }
    struct parsing *parsing = make(&options);
    cr_assert(parsing_is_default(parsing));
    cr_assert(parsing_is_default(NULL));
    cr_assert(parsing_keys_nest(NULL));
    parsing_free(parsing);
}

/* Apple's example: example.com/%*?id=123#fragment. */
Test(parsing, a_path_that_is_excluded)
{
    struct parsing_options options = defaults();
    options.exclude_path = true;
    options.walk_domains = false;
    cr_assert_str_eq(expand(&options, "https://www.example.com/a/b/c?id=123#fragment"),
                     "example.com\nexample.com/\nexample.com/%*\nexample.com/%*/\n"
                     "example.com/%*?id=123\nexample.com/%*?id=123#fragment\n"
                     "example.com/%*/?id=123\nexample.com/%*/?id=123#fragment\n"
                     "example.com:443\nexample.com:443/\nexample.com:443/%*\nexample.com:443/%*/\n"
                     "example.com:443/%*?id=123\nexample.com:443/%*?id=123#fragment\n"
                     "example.com:443/%*/?id=123\nexample.com:443/%*/?id=123#fragment\n");
    options.exclude_intermediates = true;
    cr_assert_str_eq(expand(&options, "https://www.example.com/a/b/c?id=123#fragment"),
                     "example.com/%*?id=123#fragment\nexample.com/%*/?id=123#fragment\n"
                     "example.com:443/%*?id=123#fragment\nexample.com:443/%*/?id=123#fragment\n");
    cr_assert_str_eq(expand(&options, "https://example.com/"),
                     "example.com\nexample.com/\nexample.com:443\nexample.com:443/\n");
}

struct left {
    const char *option;
    const char *url;
    const char *expected; /* the first of the longest sub-URLs, of whole hosts without port */
};

static struct parsing_options options_of(const char *words)
{
    static const char *const parameters[] = {"b", "A"};
    struct parsing_options options = defaults();
    char text[100];
    snprintf(text, sizeof text, "%s", words);
    options.walk_domains = false;
    options.exclude_intermediates = true;
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        if (strcmp(word, "scheme") == 0)
            options.exclude_scheme = false;
        else if (strcmp(word, "no-domain") == 0)
            options.exclude_domain = true;
        else if (strcmp(word, "www") == 0)
            options.strip_www = false;
        else if (strncmp(word, "levels", 6) == 0)
            options.domain_levels = (uint32_t)(word[6] - '0');
        else if (strcmp(word, "no-path") == 0)
            options.exclude_path = true;
        else if (strncmp(word, "segments", 8) == 0)
            options.path_segments = (uint32_t)(word[8] - '0');
        else if (strcmp(word, "no-query") == 0)
            options.exclude_query = true;
        else if (strncmp(word, "parameters", 10) == 0) {
            options.chooses_parameters = true;
            options.parameters = parameters;
            options.parameter_count = (size_t)(word[10] - '0');
        } else if (strcmp(word, "no-fragment") == 0)
            options.exclude_fragment = true;
        else if (strcmp(word, "case") == 0)
            options.case_sensitive = true;
        else
            cr_assert_fail("%s", word);
    }
    return options;
}

Test(parsing, what_is_left_of_a_url)
{
    static const struct left cases[] = {
        {"", WHOLE, "sub1.example.com/a/b/c?id=123#fragment"},
        {"scheme", WHOLE, "https://sub1.example.com/a/b/c?id=123#fragment"},
        {"scheme", "http://a.b:81/", "http://a.b"},
        {"scheme", "a.b/x", "https://a.b/x"},
        {"no-domain", WHOLE, "%*/a/b/c?id=123#fragment"},
        {"no-domain", "https://1.2.3.4/x", "%*/x"},
        {"www", WHOLE, "www.sub1.example.com/a/b/c?id=123#fragment"},
        {"www", "https://www.www.a.b", "www.www.a.b"},
        {"", "https://www.www.a.b", "www.a.b"},
        {"levels2", "https://www.sub.example.com/x", "example.com/x"},
        {"levels2 www", "https://www.sub.example.com/x", "example.com/x"},
        {"levels3", "https://www.sub.example.com/x", "sub.example.com/x"},
        {"levels9", "https://sub.example.com/x", "sub.example.com/x"},
        {"levels1", "https://sub.example.com/x", "com/x"},
        {"levels2", "https://192.0.2.1/x", "192.0.2.1/x"},
        {"levels1", "https://[2001:db8::1]/x", "[2001:db8::1]/x"},
        {"levels2", "http://localhost/", "localhost"},
        {"no-path", WHOLE, "sub1.example.com/%*?id=123#fragment"},
        {"no-path", "https://a.b/", "a.b"},
        {"no-path", "https://a.b/?q", "a.b?q"},
        {"no-path", "https://a.b//", "a.b/%*"},
        {"segments2", "https://a.b/a/b/c/d", "a.b/a/b"},
        {"segments2", "https://a.b/a/b/c/d?q#f", "a.b/a/b?q#f"},
        {"segments2", "https://a.b/a/b/", "a.b/a/b"},
        {"segments2", "https://a.b/a/b//", "a.b/a/b"},
        {"segments2", "https://a.b/a", "a.b/a"},
        {"segments2", "https://a.b/", "a.b"},
        {"segments1", "https://a.b/a/?q", "a.b/a?q"},
        {"no-query", WHOLE, "sub1.example.com/a/b/c?%*#fragment"},
        {"no-query", "https://a.b/a", "a.b/a"},
        {"no-query", "https://a.b/a?", "a.b/a"},
        {"parameters2", "https://a.b/x?a=1&b=2&c=3", "a.b/x?b=2&a=1"},
        {"parameters2", "https://a.b/x?A=1&B=2#f", "a.b/x?b=2&a=1#f"},
        {"parameters2 case", "https://a.b/x?A=1&B=2&b=3", "a.b/x?b=3&A=1"},
        {"parameters2", "https://a.b/x?a&aa=1&b=&a=2", "a.b/x?b=&a&a=2"},
        {"parameters1", "https://a.b/x?a=1", "a.b/x"},
        {"parameters1", "https://a.b/x?a=1#f", "a.b/x#f"},
        {"parameters1", "https://a.b/x?&&b=1&", "a.b/x?b=1"},
        {"parameters0", "https://a.b/x?b=1", "a.b/x"},
        {"no-fragment", WHOLE, "sub1.example.com/a/b/c?id=123#%*"},
        {"no-fragment no-query", WHOLE, "sub1.example.com/a/b/c?%*#%*"},
        {"no-domain no-path no-query no-fragment scheme", WHOLE, "https://%*/%*?%*#%*"},
        {"case", "https://A.B/Path/?Q=V#F", "a.b/Path?Q=V#F"},
        {"", "https://A.B/Path/?Q=V#F", "a.b/path?q=v#f"},
        {"no-path", "ftp://a.b", "!scheme"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct parsing_options options = options_of(cases[i].option);
        char first[300];
        snprintf(first, sizeof first, "%s", expand(&options, cases[i].url));
        first[strcspn(first, "\n")] = '\0';
        cr_expect_str_eq(first, cases[i].expected, "%s %s: %s", cases[i].option, cases[i].url,
                         first);
    }
}

/* ---- the regular expression ---- */

struct matching {
    const char *pattern;
    const char *url;
    const char *expected;
};

Test(parsing, regular_expressions)
{
    static const struct matching cases[] = {
        {"https?://(?<host>[^/]+)", WHOLE, "host=www.sub1.example.com\n"},
        {"HTTPS://(?<Host>[^/]+)", "Https://A.B/", "Host=a.b\n"},
        {"^(?<scheme>https?)://(www\\.)?(?<host>[^/]+)(?<path>/[^?#]*)(\\?(?<query>[^#]*))?", WHOLE,
         "scheme=https host=sub1.example.com path=/a/b/c query=id=123\n"},
        {"^(?<scheme>https?)://(www\\.)?(?<host>[^/]+)(?<path>/[^?#]*)(\\?(?<query>[^#]*))?",
         "http://a.b", "scheme=http host=a.b path=/\n"},
        {"[?&]v=(?<video>[^&#]*)", "https://a.b/watch?t=1&V=Abc&x", "video=abc\n"},
        {"[?&]v=(?<video>[^&#]*)", "https://a.b/watch", ""},
        {"(?<none>x)?", "https://a.b/", ""},
        {"a\\.b(?<rest>.*)", "https://a.b:8443/x?y#z", "rest=:8443/x?y#z\n"},
        {"a\\.b(?<rest>.*)", "https://a.b:443/x", "rest=/x\n"},
        {"(?<all>.*(?<end>.$))", "https://u:p@a.b/x", "all=https://a.b/x end=x\n"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct parsing_options options = defaults();
        options.regular_expression = cases[i].pattern;
        cr_expect_str_eq(expand(&options, cases[i].url), cases[i].expected, "%s", cases[i].pattern);
    }
}

Test(parsing, a_regular_expression_is_bounded, .timeout = PATIENCE_OF_TEST_S)
{
    struct parsing_options options = defaults();
    struct parsing_workspace *workspace = NULL;
    struct parsing_keys got;
    struct bytes out;
    struct error err = {0};
    bytes_init(&out, 100);
    options.regular_expression = "//(?<x>([a-z]+)+)$";
    struct parsing *parsing = make(&options);
    cr_assert_eq(parsing_workspace_new(parsing, &workspace, NULL), STATUS_OK);
    cr_assert_eq(parsing_read(workspace, span_of_text("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b")),
                 DROP_NONE);
    cr_assert_eq(parsing_expand(workspace, gather, &out, &err), STATUS_INVALID);
    cr_assert_str_eq(err.message, "the pattern takes too long on a text of 47 bytes");
    cr_assert_eq(parsing_keys(workspace, false, &got, &err), STATUS_INVALID);
    parsing_workspace_free(workspace);
    parsing_free(parsing);
    bytes_deinit(&out);
}

Test(parsing, groups_that_hold_too_much)
{
    static char text[URL_MAX_BYTES];
    struct parsing_options options = defaults();
    struct parsing_workspace *workspace = NULL;
    struct parsing_keys got;
    struct bytes out;
    struct error err = {0};
    bytes_init(&out, 100);
    memset(text, 'a', sizeof text);
    memcpy(text, "a.b/", 4);
    options.regular_expression = "(?<x>(?<y>.*))";
    struct parsing *parsing = make(&options);
    cr_assert_eq(parsing_workspace_new(parsing, &workspace, NULL), STATUS_OK);
    cr_assert_eq(parsing_read(workspace, span_of(text, sizeof text)), DROP_NONE);
    cr_assert_eq(parsing_expand(workspace, gather, &out, &err), STATUS_TOO_LARGE);
    cr_assert_eq(parsing_keys(workspace, false, &got, &err), STATUS_OK);
    cr_assert_eq(got.reason, DROP_TOO_LONG);
    parsing_workspace_free(workspace);
    parsing_free(parsing);
    bytes_deinit(&out);
}

Test(parsing, a_text_that_placeholders_make_too_long)
{
    static char text[URL_MAX_BYTES];
    struct parsing_options options = defaults();
    struct parsing_workspace *workspace = NULL;
    memset(text, 'a', sizeof text);
    memcpy(text, "www.a.b/", 8);
    options.strip_www = false;
    struct parsing *parsing = make(&options);
    cr_assert_eq(parsing_workspace_new(parsing, &workspace, NULL), STATUS_OK);
    cr_assert_eq(parsing_read(workspace, span_of(text, sizeof text)), DROP_NONE);
    text[8] = '"'; /* three bytes: room for them, but not for "www." before them */
    cr_assert_eq(url_parse(span_of(text, sizeof text), parsing_url(workspace)), DROP_NONE);
    cr_assert_eq(parsing_read(workspace, span_of(text, sizeof text)), DROP_TOO_LONG);
    parsing_workspace_free(workspace);
    parsing_free(parsing);
}

/* ---- entries ---- */

struct entry {
    const char *option;
    bool widens;
    const char *entry;
    const char *expected;
};

Test(parsing, keys_of_entries)
{
    static const struct entry cases[] = {
        {"", false, "example.com/x/", "example.com/x"},
        {"", false, "www.example.com:81/x?q#f", "~example.com:81/x?q#f"},
        {"www", false, "www.example.com", "www.example.com"},
        {"www", false, "https://u@example.com", "~example.com"},
        {"scheme", false, "example.com", "https://example.com http://example.com"},
        {"scheme", false, "http://example.com/x", "http://example.com/x"},
        {"scheme", false, "https://example.com:444", "https://example.com:444"},
        {"no-domain", false, "example.com", "!parsing-part"},
        {"no-domain", false, "example.com/x", "!parsing-part"},
        {"no-domain", true, "example.com", "!parsing-part"},
        {"no-domain", true, "example.com/", "!parsing-part"},
        {"no-domain", true, "example.com:81/x", "~%*/x"},
        {"no-domain scheme", true, "example.com/x", "~https://%*/x http://%*/x"},
        {"no-domain no-path", true, "example.com/x", "!parsing-part"},
        {"no-domain no-path", true, "example.com/x?q", "~%*/%*?q"},
        {"levels2", false, "example.com", "example.com"},
        {"levels2", false, "a.example.com", "!parsing-part"},
        {"levels2", true, "a.example.com", "~example.com"},
        {"levels2", false, "www.example.com", "~example.com"},
        {"levels2", false, "192.0.2.1", "192.0.2.1"},
        {"no-path", false, "example.com", "example.com"},
        {"no-path", false, "example.com/?q", "example.com/?q"},
        {"no-path", false, "example.com/x", "!parsing-part"},
        {"no-path", true, "example.com/x", "~example.com/%*"},
        {"segments1", false, "example.com/x/", "example.com/x"},
        {"segments1", false, "example.com/x/y", "!parsing-part"},
        {"segments1", true, "example.com/x/y?q", "~example.com/x?q"},
        {"no-query", false, "example.com/x", "example.com/x"},
        {"no-query", false, "example.com/x?q", "!parsing-part"},
        {"no-query", true, "example.com/x?q", "~example.com/x?%*"},
        {"parameters2", false, "example.com/x?a=1&b=2", "example.com/x?b=2&a=1"},
        {"parameters2", false, "example.com/x?c=3&b=2", "~example.com/x?b=2"},
        {"parameters2", false, "example.com/x?c=3", "!parsing-part"},
        {"parameters2", true, "example.com/x?c=3", "~example.com/x"},
        {"no-fragment", false, "example.com/x#f", "!parsing-part"},
        {"no-fragment", true, "example.com/x#f", "~example.com/x#%*"},
        {"case", false, "Example.com/X", "example.com/X"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct parsing_options options = options_of(cases[i].option);
        const char *got = keys(&options, cases[i].widens, cases[i].entry);
        cr_expect_str_eq(got, cases[i].expected, "%s%s %s: %s", cases[i].option,
                         cases[i].widens ? " widens" : "", cases[i].entry, got);
    }
}

Test(parsing, keys_of_a_regular_expression)
{
    struct parsing_options options = defaults();
    options.regular_expression = "https?://(?<host>[^/]+)";
    cr_assert_str_eq(keys(&options, false, "example.com/x"), "host=example.com");
    cr_assert_str_eq(keys(&options, false, "www.example.com"), "host=www.example.com");
    options.regular_expression = "(?<scheme>https?)://(?<host>[^/]+)/x";
    cr_assert_str_eq(keys(&options, false, "a.b/x"), "scheme=https host=a.b scheme=http host=a.b");
    cr_assert_str_eq(keys(&options, false, "http://a.b/x"), "scheme=http host=a.b");
    cr_assert_str_eq(keys(&options, false, "a.b/y"), "!parsing-no-match");
    options.regular_expression = "http:(?<host>.*)";
    cr_assert_str_eq(keys(&options, false, "a.b/y"), "host=//a.b/y");
}

Test(parsing, which_keys_nest)
{
    static const struct {
        const char *words;
        bool nests;
    } cases[] = {
        {"", false},
        {"levels2", false},
    };
    struct parsing_options options = defaults();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct parsing_options some = options_of(cases[i].words);
        struct parsing *parsing = make(&some);
        cr_expect_eq(parsing_keys_nest(parsing), cases[i].nests);
        parsing_free(parsing);
    }
    bool *const breaking[] = {&options.exclude_domain, &options.exclude_intermediates};
    for (size_t i = 0; i < ARRAY_COUNT(breaking); i++) {
        *breaking[i] = true;
        struct parsing *parsing = make(&options);
        cr_expect_not(parsing_keys_nest(parsing));
        parsing_free(parsing);
        *breaking[i] = false;
    }
    bool *const needed[] = {&options.exclude_scheme, &options.walk_domains, &options.walk_paths};
    for (size_t i = 0; i < ARRAY_COUNT(needed); i++) {
        *needed[i] = false;
        struct parsing *parsing = make(&options);
        cr_expect_not(parsing_keys_nest(parsing));
        parsing_free(parsing);
        *needed[i] = true;
    }
    options.domain_levels = 2;
    options.path_segments = 3;
    options.case_sensitive = true;
    options.exclude_query = true;
    struct parsing *parsing = make(&options);
    cr_expect(parsing_keys_nest(parsing));
    cr_expect_not(parsing_is_default(parsing));
    parsing_free(parsing);
}

/* ---- properties ---- */

static uint32_t random_state = 1;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % below;
}

static void draw_options(struct parsing_options *options)
{
    static const char *const parameters[] = {"q", "b", "Id"};
    static const char *const patterns[] = {
        "(?<s>https?)://(www\\.)?(?<h>[^/:]+)(:[0-9]+)?(?<p>/[^?]*)", "//(?<h>[^/]+)/.*?(?<end>.)$",
        "/(?<path>.)", "[?&]q=(?<q>[^&#]*)"};
    parsing_options_init(options);
    if (draw(8) == 0) {
        options->regular_expression = patterns[draw(ARRAY_COUNT(patterns))];
        return;
    }
    bool *const flags[] = {&options->exclude_scheme,    &options->strip_www,
                           &options->walk_domains,      &options->walk_paths,
                           &options->exclude_domain,    &options->exclude_path,
                           &options->exclude_query,     &options->exclude_fragment,
                           &options->case_sensitive,    &options->exclude_intermediates,
                           &options->chooses_parameters};
    for (size_t i = 0; i < ARRAY_COUNT(flags); i++)
        *flags[i] = draw(4) == 0 ? !*flags[i] : *flags[i];
    options->domain_levels = draw(2) == 0 ? 0 : draw(4);
    options->path_segments = draw(2) == 0 ? 0 : draw(4);
    options->parameters = parameters;
    options->parameter_count = options->chooses_parameters ? draw(4) : 0;
}

static void draw_url(char *text, size_t room)
{
    static const char *const schemes[] = {"", "", "http://", "https://", "HTTPS://user@"};
    static const char *const labels[] = {"www", "a", "B", "example", "co", "uk", "x-1"};
    static const char *const segments[] = {"/", "/a", "/B", "/a.b", "//c", "/%2E%2e", "/\"<"};
    static const char *const queries[] = {"?", "q=1", "&", "b=2", "Id", "q", "zz=\xc3\xbc"};
    size_t used = (size_t)snprintf(text, room, "%s", schemes[draw(ARRAY_COUNT(schemes))]);
    if (draw(10) == 0)
        used += (size_t)snprintf(text + used, room - used, "%s", draw(2) ? "192.0.2.1" : "[::1]");
    else
        for (uint32_t i = 0, count = 1 + draw(5); i < count; i++)
            used += (size_t)snprintf(text + used, room - used, "%s%s", i > 0 ? "." : "",
                                     labels[draw(ARRAY_COUNT(labels))]);
    if (draw(4) == 0)
        used += (size_t)snprintf(text + used, room - used, ":%u", draw(2) ? 80U : 8443U);
    for (uint32_t count = draw(5); count > 0; count--)
        used +=
            (size_t)snprintf(text + used, room - used, "%s", segments[draw(ARRAY_COUNT(segments))]);
    if (draw(2) == 0)
        used += (size_t)snprintf(text + used, room - used, "?");
    for (uint32_t count = text[used - 1] == '?' ? draw(6) : 0; count > 0; count--)
        used +=
            (size_t)snprintf(text + used, room - used, "%s", queries[draw(ARRAY_COUNT(queries))]);
    if (draw(4) == 0)
        snprintf(text + used, room - used, "#F%u", draw(2));
}

struct search {
    const struct parsing_keys *keys;
    size_t visited;
    size_t found;
};

static enum status look(void *context, struct span sub_url, struct error *err)
{
    struct search *search = context;
    (void)err;
    search->visited++;
    for (size_t i = 0; i < search->keys->count; i++)
        search->found += span_equal(search->keys->keys[i], sub_url);
    return STATUS_OK;
}

/* Entry by entry and configuration by configuration: a device that asks for the URL of an entry
 * that was kept finds the key, once. */
Test(parsing, a_key_is_among_the_sub_urls_of_its_url)
{
    size_t kept = 0;
    size_t dropped = 0;
    for (int i = 0; i < 20000; i++) {
        struct parsing_options options;
        struct parsing_workspace *of_entry = NULL;
        struct parsing_workspace *of_device = NULL;
        struct parsing_keys got;
        char url[400];
        draw_options(&options);
        draw_url(url, sizeof url);
        struct parsing *parsing = make(&options);
        cr_assert_eq(parsing_workspace_new(parsing, &of_entry, NULL), STATUS_OK);
        cr_assert_eq(parsing_workspace_new(parsing, &of_device, NULL), STATUS_OK);
        const enum drop_reason reason = parsing_read(of_entry, span_of_text(url));
        cr_assert_eq(parsing_read(of_device, span_of_text(url)), reason);
        if (reason == DROP_NONE) {
            cr_assert_eq(parsing_keys(of_entry, draw(2) == 0, &got, NULL), STATUS_OK);
            if (got.reason == DROP_NONE) {
                struct search search = {.keys = &got};
                kept++;
                cr_assert_eq(parsing_expand(of_device, look, &search, NULL), STATUS_OK);
                /* http and https: the device asks for one of them. */
                cr_assert_eq(search.found, 1, "%s: %.*s found %zu times", url,
                             (int)got.keys[0].size, (const char *)got.keys[0].data, search.found);
                cr_assert_eq(search.visited, parsing_expansion_count(of_device));
            } else {
                dropped++;
            }
        }
        parsing_workspace_free(of_entry);
        parsing_workspace_free(of_device);
        parsing_free(parsing);
    }
    cr_assert_gt(kept, 5000);
    cr_assert_gt(dropped, 1000);
}

/* ---- what is no configuration ---- */

Test(parsing, refuses_what_is_out_of_range)
{
    static const char *const wrong[] = {"a=b"};
    struct parsing *parsing = NULL;
    struct parsing_options options = defaults();
    options.domain_levels = PARSING_LEVELS_MAX + 1;
    cr_assert_eq(parsing_new(&options, &parsing, NULL), STATUS_INVALID);
    options = defaults();
    options.chooses_parameters = true;
    options.parameters = wrong;
    options.parameter_count = 1;
    cr_assert_eq(parsing_new(&options, &parsing, NULL), STATUS_INVALID);
    options = defaults();
    options.regular_expression = "(?<a>b)";
    options.case_sensitive = true;
    cr_assert_eq(parsing_new(&options, &parsing, NULL), STATUS_INVALID);
    options = defaults();
    options.regular_expression = "b";
    cr_assert_eq(parsing_new(&options, &parsing, NULL), STATUS_INVALID);
    cr_assert_null(parsing);
}

Test(parsing, out_of_memory)
{
    static const char *const names[] = {"a", "b"};
    struct parsing_options options = defaults();
    for (int with_pattern = 0; with_pattern < 2; with_pattern++) {
        options = defaults();
        if (with_pattern) {
            options.regular_expression = "(?<a>b)";
        } else {
            options.chooses_parameters = true;
            options.parameters = names;
            options.parameter_count = 2;
        }
        bool pending = false;
        for (size_t n = 1; !pending; n++) {
            struct parsing *parsing = NULL;
            struct parsing_workspace *workspace = NULL;
            mem_fail_nth(n);
            enum status status = parsing_new(&options, &parsing, NULL);
            if (status == STATUS_OK)
                status = parsing_workspace_new(parsing, &workspace, NULL);
            pending = mem_fail_pending();
            mem_fail_nth(0);
            cr_assert(status == STATUS_OK || status == STATUS_NOMEM);
            parsing_workspace_free(workspace);
            parsing_free(parsing);
        }
    }
}
