#include "urls/list.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "tests/patience.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* All that happened, a line each: "+key", "-reason", "~key" after a widened one. */
static struct bytes events;

static enum status on_key(void *context, const struct list_key *key, struct error *err)
{
    (void)context;
    (void)err;
    bytes_append_text(&events, key->action == RULE_BLOCK   ? "+"
                               : key->action == RULE_ALLOW ? "@"
                                                           : "--");
    bytes_append(&events, key->text);
    bytes_append_text(&events, "\n");
    return STATUS_OK;
}

static void on_drop(void *context, const struct list_place *place, enum drop_reason reason)
{
    (void)context;
    (void)place;
    bytes_append_format(&events, "-%s\n", drop_reason_name(reason));
}

static void on_widen(void *context, const struct list_place *place, struct span key)
{
    (void)context;
    (void)place;
    bytes_append_text(&events, "~");
    bytes_append(&events, key);
    bytes_append_text(&events, "\n");
}

static const struct list_sink sink = {.key = on_key, .drop = on_drop, .widen = on_widen};
static struct list_options options;
static struct list_counts counts;

static const char *parse(struct span text)
{
    struct list_parser *parser = NULL;
    bytes_deinit(&events);
    bytes_init(&events, (size_t)1 << 24);
    cr_assert_eq(list_parser_new(&options, &sink, &parser, NULL), STATUS_OK);
    list_parser_begin(parser, "test");
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        const size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
        cr_assert_eq(list_parser_line(parser, span_part(text, 0, size), NULL), STATUS_OK);
        const size_t taken = end != NULL ? size + 1 : size;
        text = span_part(text, taken, text.size - taken);
    }
    counts = *list_parser_counts(parser);
    list_parser_free(parser);
    cr_assert_eq(counts.entries, counts.kept + counts.dropped);
    cr_assert_eq(counts.lines + counts.further, counts.comments + counts.entries);
    uint64_t sum = 0;
    for (size_t i = 0; i < DROP_REASON_COUNT; i++)
        sum += counts.dropped_for[i];
    cr_assert_eq(sum, counts.dropped);
    bytes_append_u8(&events, 0);
    return (const char *)events.data;
}

static void check(const char *text, const char *expected)
{
    const char *got = parse(span_of_text(text));
    cr_expect_str_eq(got, expected, "%s gives\n%s not\n%s", text, got, expected);
}

Test(list, plain_entries)
{
    check("example.com\n", "+example.com\n");
    check("  https://a.example.com/x/ \t\r\n", "+a.example.com/x\n");
    check("a.example.com/x # why\n", "+a.example.com/x\n");
    check("a.example.com\t# why # not\n", "+a.example.com\n");
    check("a.example.com/#x\n", "+a.example.com/#x\n");
    check("www.example.com\n", "+example.com\n~example.com\n");
    check("http://u@example.com/\n", "+example.com\n~example.com\n");
    check("1.2.3.4\n1.2.3.4 # x\n", "+1.2.3.4\n+1.2.3.4\n");
    check("2001:db8::1\n", "+[2001:db8::1]\n");
    check("192.0.2.0/24\n10.0.0.0/8 # private\n192.0.2.0/0\n[2001:db8::]/128\n",
          "-address-range\n-address-range\n-address-range\n-address-range\n");
    check("192.0.2.0/33\n[2001:db8::]/129\n192.0.2.0/24/x\n192.0.2.0/2a\n192.0.2.0/24?x\n",
          "+192.0.2.0/33\n+[2001:db8::]/129\n+192.0.2.0/24/x\n+192.0.2.0/2a\n"
          "+192.0.2.0/24?x\n");
    check("http://192.0.2.0/24\n192.0.2.0:80/24\n", "+192.0.2.0/24\n+192.0.2.0:80/24\n");
    check("a.example.com b.example.com\n", "-white-space\n");
    check("no-dot\nno-dot/path\n", "-single-label\n-single-label\n");
    check("http://*.example.com/\nexample.com/*.js\n", "-wildcard\n-wildcard\n");
    check("/ads/banner.\n|https://x.com/\n//x.com\n", "-pattern\n-exact\n-pattern\n");
    check("user@example.com\nftp://example.com/\n", "-user-info\n-scheme\n");
    check("address=/example.com/0.0.0.0\n", "-host-character\n");
}

Test(list, comments_and_empty_lines)
{
    check("\n# x\n! y\n \t \n## z\n!#if env\n", "");
    cr_assert_eq(counts.lines, 6);
    cr_assert_eq(counts.comments, 6);
    cr_assert_eq(counts.entries, 0);
}

Test(list, hosts_lines)
{
    check("0.0.0.0 ads.example.com\n", "+ads.example.com\n");
    check("127.0.0.1\tads.example.com\ttrack.example.com # two\n",
          "+ads.example.com\n+track.example.com\n");
    check("127.0.0.1 ads.example.com#none\n", "+ads.example.com\n");
    check(":: a.example.com\n::1 b.example.com\n", "+a.example.com\n+b.example.com\n");
    check("127.0.0.1 localhost localhost.localdomain\n::1 ip6-localhost\n"
          "ff02::1 ip6-allnodes\nfe80::1%lo0 localhost\n255.255.255.255 broadcasthost\n"
          "0.0.0.0 0.0.0.0\n",
          "-local-host\n-local-host\n-local-host\n-local-host\n-local-host\n-local-host\n"
          "-local-host\n");
    check("140.82.112.3 github.com\n", "-hosts-address\n");
    check("0.0.0.0 example.com/path\n0.0.0.0 http://example.com\n0.0.0.0 a:80\n",
          "-host-character\n-host-character\n-host-character\n");
    check("0.0.0.0 www.example.com\n", "+example.com\n~example.com\n");
    check("0.0.0.0 my-pc\n", "-single-label\n");
    check("0.0.0.0 # nothing\n", "-local-host\n");
    cr_assert_eq(counts.lines, 1);
}

Test(list, adblock_rules)
{
    check("||ads.example.com^\n", "+ads.example.com\n");
    check("||ads.example.com^$all\n", "+ads.example.com\n");
    check("||example.com/x/y.exe^$all\n", "+example.com/x/y.exe\n");
    check("||example.com/x?a=$1&b^$all\n", "+example.com/x?a=$1&b\n");
    check("||example.com:8080/x^\n||1.2.3.4^\n", "+example.com:8080/x\n+1.2.3.4\n");
    check("||example.com//x/o@m/y^\n", "+example.com//x/o@m/y\n");
    check("||example.com^$third-party\n||example.com^$all,domain=x.com\n||example.com^$\n",
          "-options\n-options\n-wildcard\n");
    check("||example.com/x$script\n", "-options\n");
    check("||example.com\n||example.com/x\n||\n", "-open-end\n-open-end\n-pattern\n");
    check("||example.com/x/\n", "+example.com/x\n~example.com/x\n");
    check("||example.com/\n||example.com^*\n||example.com^$important\n",
          "+example.com\n+example.com\n+example.com\n");
    check("||example.com^$document\n||example.com^$badfilter\n", "-options\n-exception\n");
    check("||*.example.com^\n||example.com/*/x^\n||example.com^x^\n||example.com/x|\n",
          "-subdomains\n-wildcard\n-wildcard\n-exact\n");
    check("@@||example.com^\n", "-exception\n");
    check("example.com##.ad\nexample.com#@#.ad\nexample.com#?#.ad:has(x)\nexample.com#$#x\n"
          "example.com#@$?#x\na.com,b.com##^script\n",
          "-element-hiding\n-element-hiding\n-element-hiding\n-element-hiding\n"
          "-element-hiding\n-element-hiding\n");
    check("||^\n", "-pattern\n");
}

/* After the header a bare word matches anywhere in a URL. */
Test(list, adblock_header_changes_plain_lines)
{
    check("[Adblock Plus 2.0]\nexample.com\n||example.com^\n##.ad\n.com/ads.\n! x\n0.0.0.0 a.b\n",
          "-pattern\n+example.com\n-element-hiding\n-pattern\n-white-space\n");
    cr_assert_eq(counts.comments, 2);
}

Test(list, suffixes)
{
    check("co.uk\n||com.br^\nwww.co.uk\n0.0.0.0 co.jp\n",
          "-public-suffix\n-public-suffix\n-public-suffix\n-public-suffix\n");
    check("github.io\nwww.github.io\n", "-private-suffix\n-private-suffix\n");
    check("github.io/x\nco.uk/x\nx.github.io\n", "+github.io/x\n+co.uk/x\n+x.github.io\n");
    check("www.ck\nx.ck\n", "+www.ck\n-public-suffix\n");
    check("b.unknown-suffix\n", "+b.unknown-suffix\n");
    options.keep_private_suffixes = true;
    check("github.io\nco.uk\n", "+github.io\n-public-suffix\n");
    options.keep_private_suffixes = false;
}

Test(list, odd_bytes)
{
    cr_assert_str_eq(parse(span_of("a.com\0b\n", 8)), "-character\n");
    cr_assert_str_eq(parse(span_of("\0\n", 2)), "-character\n");
    check("\xff\xfe\n", "-encoding\n");
    check("\x1f\n", "-character\n");
    static uint8_t longest[65536];
    memset(longest, 'a', sizeof longest);
    cr_assert_str_eq(parse(span_of(longest, sizeof longest)), "-too-long\n");
}

static void note_place(void *context, const struct list_place *place, enum drop_reason reason)
{
    char *out = context;
    const size_t used = strlen(out);
    snprintf(out + used, 300 - used, "%s:%llu %s\n", place->file, (unsigned long long)place->line,
             drop_reason_name(reason));
}

Test(list, texts_with_crlf_and_long_lines)
{
    struct bytes text;
    bytes_init(&text, (size_t)1 << 20);
    bytes_append_text(&text, "# list\r\nexample.com\r\nco.uk\r\n");
    for (size_t i = 0; i < LIST_LINE_MAX_BYTES + 10; i++)
        bytes_append_u8(&text, 'x');
    bytes_append_text(&text, "\nlast.example.com");
    char places[300] = "";
    struct list_sink noting = {.context = places, .key = on_key, .drop = note_place};
    struct list_parser *parser = NULL;
    bytes_init(&events, 1000);
    cr_assert_eq(list_parser_new(NULL, &noting, &parser, NULL), STATUS_OK);
    list_parser_begin(parser, "F");
    cr_assert_eq(list_parser_text(parser, bytes_view(&text), NULL), STATUS_OK);
    bytes_append_u8(&events, 0);
    cr_assert_str_eq((const char *)events.data, "+example.com\n+last.example.com\n");
    cr_assert_str_eq(places, "F:3 public-suffix\nF:4 line-too-long\n");
    cr_assert_eq(list_parser_counts(parser)->lines, 5);
    struct list_counts taken;
    list_parser_take_counts(parser, &taken);
    cr_assert_eq(taken.lines, 5);
    cr_assert_eq(list_parser_counts(parser)->lines, 0);
    list_parser_free(parser);
    bytes_deinit(&text);
}

Test(list, adblock_headers_are_found)
{
    static const char *const with[] = {"[Adblock", "x\n[Adblock Plus]\ny", "\n \t [Adblock\r\n",
                                       "a[b]\n[[\n[Ad\n[Adblock", "[\n[Adblock"};
    static const char *const without[] = {"",           "[",          "[Adbloc",    "[adblock]",
                                          "x[Adblock]", "x [Adblock", "\n[[Adblock"};
    for (size_t i = 0; i < ARRAY_COUNT(with); i++)
        cr_expect(list_holds_adblock_header(span_of_text(with[i])), "%s", with[i]);
    for (size_t i = 0; i < ARRAY_COUNT(without); i++)
        cr_expect_not(list_holds_adblock_header(span_of_text(without[i])), "%s", without[i]);
    /* A line that is dropped for its length is no header. */
    static char line[LIST_LINE_MAX_BYTES + 2];
    memset(line, 'x', sizeof line);
    memcpy(line, "[Adblock", 8);
    cr_expect(list_holds_adblock_header(span_of(line, LIST_LINE_MAX_BYTES)));
    cr_expect_not(list_holds_adblock_header(span_of(line, LIST_LINE_MAX_BYTES + 1)));
}

static void check_format(enum list_format format, const char *text, const char *expected)
{
    options.format = format;
    check(text, expected);
    options.format = LIST_FORMAT_AUTO;
}

Test(list, named_formats)
{
    check_format(LIST_FORMAT_PLAIN, "# x\n! y\na.com # z\nhttps://b.com/x\n||c.com^\na.com b.com\n",
                 "+a.com\n+b.com/x\n-host-character\n-white-space\n");
    check_format(LIST_FORMAT_HOSTS,
                 "# x\n\n0.0.0.0 a.com b.com # z\na.com\n0.0.0.0 # x\n192.0.2.1 c.com\n",
                 "+a.com\n+b.com\n-format\n-format\n-hosts-address\n");
    check_format(LIST_FORMAT_DNSMASQ,
                 "# x\naddress=/a.com/\nserver=/b.com/192.0.2.1\nserver=/c.com/#\n",
                 "+a.com\n-not-blocking\n-exception\n");
    check_format(LIST_FORMAT_ADBLOCK,
                 "! x\nc.com\n!#if env_x\n||a.com^\n!#endif\n||b.com^\n@@||d.com^\n||e.com/x/\n",
                 "+c.com\n-condition\n+b.com\n-exception\n+e.com/x\n~e.com/x\n");
    check_format(LIST_FORMAT_URLHAUS_CSV,
                 "# x\n\"1\",\"now\",\"http://a.com/x\",\"online\"\n\"2\",\"now\"\n",
                 "+a.com/x\n~a.com/x\n-format\n");
    check_format(LIST_FORMAT_URLHAUS_TEXT, "# x\nhttp://a.com/x\nhttp://a.com/x?q\n",
                 "+a.com/x\n~a.com/x\n+a.com/x?q\n");
    check_format(LIST_FORMAT_RPZ, "$TTL 60\na.com CNAME .\nb.com CNAME rpz-passthru.\n",
                 "+a.com\n-exception\n");
    cr_assert_eq(counts.comments, 1);
    cr_assert_eq(counts.lines, 3);
}

static enum status parse_array(const char *text, struct error *err)
{
    const struct list_options json = {.format = LIST_FORMAT_JSON};
    struct list_parser *parser = NULL;
    bytes_deinit(&events);
    bytes_init(&events, 1000);
    cr_assert_eq(list_parser_new(&json, &sink, &parser, NULL), STATUS_OK);
    list_parser_begin(parser, "test");
    const enum status status = list_parser_text(parser, span_of_text(text), err);
    counts = *list_parser_counts(parser);
    list_parser_free(parser);
    bytes_append_u8(&events, 0);
    return status;
}

Test(list, a_json_array)
{
    struct error error;
    cr_assert_eq(parse_array("[\"a.com\", 7,\n\"https://b.com/x\"]", &error), STATUS_OK);
    cr_expect_str_eq((const char *)events.data, "+a.com\n-format\n+b.com/x\n~b.com/x\n");
    cr_expect_eq(counts.lines, 3);
    cr_expect_eq(counts.kept, 2);
    cr_assert_eq(parse_array("[\"a.com\"", &error), STATUS_MALFORMED);
}

Test(list, exceptions_where_they_are_wanted)
{
    options = (struct list_options){.takes_exceptions = true};
    check("@@||a.org/x^\n||b.org^$badfilter\n||c.org^\n@@||d.org^$script\n@@||e.org^$badfilter\n",
          "@a.org/x\n--b.org\n+c.org\n-options\n-exception\n");
    cr_expect_eq(counts.exceptions, 2);
    check("@@||github.io^\n@@||co.uk^\n||github.io^\n",
          "@github.io\n-public-suffix\n-private-suffix\n");
    options = (struct list_options){.is_allow_list = true, .takes_exceptions = true};
    check("a.org\n0.0.0.0 b.org\n||c.org/y^\n@@||d.org^\n||e.org^$badfilter\ngithub.io\n",
          "@a.org\n@b.org\n@c.org/y\n@d.org\n--e.org\n@github.io\n");
    cr_expect_eq(counts.exceptions, 6);
    options = (struct list_options){0};
}

Test(list, differences_that_are_accepted)
{
    static const char rules[] =
        "||a.org^$script\n||b.org^$third-party\n||c.org/x|\n||d.org/X^$match-case\n"
        "|https://e.org/y^\n||f.org/ad\n||g.org^$to=x.org\n@@||h.org^$script\n"
        "||i.org^$script,badfilter\n@@|https://j.org/^\n||k.org/z/\n";
    options = (struct list_options){.takes_exceptions = true};
    check(rules,
          "-options\n-options\n-exact\n-options\n-exact\n-open-end\n-options\n-options\n-options\n"
          "-exact\n+k.org/z\n~k.org/z\n");
    cr_expect_eq(counts.differ[0], 1);
    options.accepts = RULE_WIDER_TYPES | RULE_NARROWER_OPEN;
    check(rules, "+a.org\n~a.org\n-options\n-exact\n-options\n-exact\n+f.org/"
                 "ad\n-options\n-options\n-options\n"
                 "-exact\n+k.org/z\n~k.org/z\n");
    cr_expect_eq(counts.widened, 2);
    options.accepts = RULE_WIDER | RULE_NARROWER;
    check(rules, "+a.org\n~a.org\n+b.org\n~b.org\n+c.org/x\n~c.org/x\n+d.org/x\n~d.org/x\n+e.org/"
                 "y\n~e.org/y\n"
                 "+f.org/ad\n-options\n-options\n-options\n-exact\n+k.org/z\n~k.org/z\n");
    for (size_t i = 0; i + 1 < RULE_DIFFERENCE_COUNT; i++)
        cr_expect_eq(counts.differ[i], 1, "%s", rule_difference_names[i]);
    options = (struct list_options){0};
}

/* Wants what holds an "a"; an 'x' is too much for it. */
static enum status keeps_a(void *context, struct span entry, bool *ret, struct error *err)
{
    (void)context;
    if (memchr(entry.data, 'x', entry.size) != NULL)
        return error_set(err, STATUS_INVALID, "too much");
    *ret = memchr(entry.data, 'a', entry.size) != NULL;
    return STATUS_OK;
}

/* Each with its keys under a configuration; what is left out is refused, or widens. */
Test(list, entries_under_a_parsing_configuration)
{
    static const char *const names[] = {"v"};
    struct parsing_options how;
    struct parsing *parsing = NULL;
    struct protected_hosts *protected = NULL;
    cr_assert_eq(protected_hosts_new(&protected, NULL), STATUS_OK);
    cr_assert_eq(protected_hosts_add_own(protected, span_of_text("own.example.com"), NULL),
                 STATUS_OK);
    parsing_options_init(&how);
    how.domain_levels = 2;
    how.exclude_path = true;
    how.chooses_parameters = true;
    how.parameters = names;
    how.parameter_count = 1;
    cr_assert_eq(parsing_new(&how, &parsing, NULL), STATUS_OK);
    options.parsing = parsing;
    options.protected_hosts = protected;
    check("a.b.test\n", "-parsing-part\n");
    check("b.test\nwww.b.test\n0.0.0.0 c.test d.c.test\n||e.test^\n",
          "+b.test\n+b.test\n~b.test\n+c.test\n-parsing-part\n+e.test\n");
    check("b.test/x\nb.test/?t=1&v=2\n*.b.test\n",
          "-parsing-part\n+b.test/?v=2\n~b.test/?v=2\n-wildcard\n");
    check("github.io/?v=1\ngithub.io/?v=1&w=2\n", "+github.io/?v=1\n-private-suffix\n");
    check("example.com\nexample.com/?v=1\nexample.com/?v=1&w=2\n",
          "-own-host\n+example.com/?v=1\n-own-host\n");
    options.keep_parsing_parts = true;
    check("a.b.test/x\nb.co.uk\ny.ads.example.com\nx.github.io/?v=1\n192.0.2.1/x\n",
          "+b.test/%*\n~b.test/%*\n-public-suffix\n-own-host\n-private-suffix\n"
          "+192.0.2.1/%*\n~192.0.2.1/%*\n");
    parsing_free(parsing);

    parsing_options_init(&how);
    how.exclude_scheme = false;
    cr_assert_eq(parsing_new(&how, &parsing, NULL), STATUS_OK);
    options.parsing = parsing;
    check("example.com\nb.test\nhttp://c.test/x\n",
          "-own-host\n+https://b.test\n+http://b.test\n+http://c.test/x\n");
    cr_assert_eq(counts.kept, 2, "an entry counts once");
    parsing_free(parsing);

    parsing_options_init(&how);
    how.regular_expression = "//(www\\.)?(?<host>[^/]+)/(?<first>[^/]+)?";
    cr_assert_eq(parsing_new(&how, &parsing, NULL), STATUS_OK);
    options.parsing = parsing;
    check("B.test\nb.test/X/y\nlocalhost\nown.example.com/x\n",
          "+host=b.test\n+host=b.test first=x\n-local-host\n-own-host\n");
    parsing_free(parsing);
    protected_hosts_free(protected);
    options = (struct list_options){0};
}

Test(list, lists_that_are_included)
{
    check("!#include a.txt\n!#included\nexample.com\n", "-include\n+example.com\n");
    options.format = LIST_FORMAT_ADBLOCK;
    check("!#include a.txt\n!#if x\n!#include b.txt\n!#endif\n", "-include\n-condition\n");
    options.reads_includes = true;
    check("!#include a.txt\n||example.com^\n", "+example.com\n");
    options.format = LIST_FORMAT_AUTO;
    check("!#include a.txt\n", "");
    cr_assert_eq(counts.comments, 1);
    options = (struct list_options){0};
}

Test(list, a_parsing_configuration_that_takes_too_long, .timeout = PATIENCE_OF_TEST_S)
{
    struct parsing_options how;
    struct parsing *parsing = NULL;
    struct list_parser *parser = NULL;
    struct error err = {0};
    parsing_options_init(&how);
    how.regular_expression = "//(?<x>([a-z]+)+)$";
    cr_assert_eq(parsing_new(&how, &parsing, NULL), STATUS_OK);
    options.parsing = parsing;
    cr_assert_eq(list_parser_new(&options, &sink, &parser, NULL), STATUS_OK);
    list_parser_begin(parser, "test");
    cr_assert_eq(
        list_parser_line(parser, span_of_text("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b"), &err),
        STATUS_INVALID);
    cr_assert_str_eq(err.message, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b: the pattern takes too "
                                  "long on a text of 47 bytes");
    list_parser_free(parser);
    parsing_free(parsing);
    options = (struct list_options){0};
}

Test(list, entries_that_are_not_wanted)
{
    const struct list_sink picky = {.key = on_key, .drop = on_drop, .keeps = keeps_a};
    struct list_parser *parser = NULL;
    struct error error;
    bytes_init(&events, 1000);
    cr_assert_eq(list_parser_new(NULL, &picky, &parser, NULL), STATUS_OK);
    list_parser_begin(parser, "test");
    const char *text = "a.org\n0.0.0.0 b.org ab.org\n||b.org/\n||b.org/$all\n";
    cr_assert_eq(list_parser_text(parser, span_of_text(text), &error), STATUS_OK);
    cr_assert_eq(list_parser_line(parser, span_of_text("x.org"), &error), STATUS_INVALID);
    bytes_append_u8(&events, 0);
    cr_expect_str_eq((const char *)events.data, "+a.org\n-filtered\n+ab.org\n-filtered\n+b.org\n",
                     "a rule is looked at whole: %s", (const char *)events.data);
    cr_expect_eq(list_parser_counts(parser)->dropped_for[DROP_FILTERED], 2);
    list_parser_free(parser);
}

static enum status refuse(void *context, const struct list_key *key, struct error *err)
{
    (void)context;
    (void)key;
    return error_set(err, STATUS_TOO_LARGE, "full");
}

Test(list, a_failing_sink_ends_the_reading)
{
    const struct list_sink failing = {.key = refuse};
    struct list_parser *parser = NULL;
    cr_assert_eq(list_parser_new(NULL, &failing, &parser, NULL), STATUS_OK);
    list_parser_begin(parser, "x");
    cr_assert_eq(list_parser_line(parser, span_of_text("co.uk"), NULL), STATUS_OK);
    cr_assert_eq(list_parser_line(parser, span_of_text("a.com"), NULL), STATUS_TOO_LARGE);
    cr_assert_eq(list_parser_counts(parser)->kept, 0);
    list_parser_free(parser);
    list_parser_free(NULL);
}

Test(list, failed_allocations_are_statuses)
{
    for (size_t n = 1;; n++) {
        struct list_parser *parser = NULL;
        bytes_init(&events, 1000);
        mem_fail_nth(n);
        enum status status = list_parser_new(NULL, &sink, &parser, NULL);
        if (status == STATUS_OK)
            status = list_parser_text(parser, span_of_text("example.com\n"), NULL);
        const bool failed = !mem_fail_pending();
        mem_fail_nth(0);
        list_parser_free(parser);
        const size_t got = events.size;
        bytes_deinit(&events);
        if (!failed) {
            cr_assert_eq(status, STATUS_OK);
            break;
        }
        /* The events above may have been what failed; they stick there. */
        cr_assert(status == STATUS_NOMEM || got == 0);
        cr_assert_lt(n, 20);
    }
}
