/* Parsing configurations in JSON: what is read, and each way to be wrong with its message. */
#include "lists/parsing_file.h"

#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#define DOMAIN                                                                                     \
    "\"domain\":{\"excluded\":false,\"stripWWW\":true,\"levels\":0,\"enumerateHierarchy\":true}"
#define PATH  "\"path\":{\"excluded\":false,\"segments\":0,\"enumerateHierarchy\":true}"
#define QUERY "\"query\":{\"excluded\":false}"
#define END   "\"excludeFragment\":false,\"excludeIntermediates\":false,\"caseSensitive\":false}"

/* The canonical text of what is read, or the message. */
static const char *canonical(const char *json)
{
    static struct bytes text;
    static struct error err;
    struct parsing *parsing = NULL;
    bytes_deinit(&text);
    bytes_init(&text, PARSING_FILE_MAX_BYTES);
    const enum status status = parsing_file_parse(span_of_text(json), "p.json", &parsing, &err);
    cr_assert_eq(status == STATUS_OK, parsing != NULL);
    if (status != STATUS_OK)
        return err.message;
    cr_assert_eq(parsing_file_format(parsing, &text, NULL), STATUS_OK);
    bytes_append_u8(&text, 0);
    parsing_free(parsing);
    return (const char *)text.data;
}

struct pair {
    const char *json;
    const char *expected;
};

Test(parsing_file, canonical_texts)
{
    static const struct pair pairs[] = {
        {"{}", ""},
        {"{\"excludeScheme\": true, " DOMAIN "," PATH "," QUERY "," END, ""},
        {"{\"caseSensitive\": false, \"query\": {}, \"path\": {}, \"domain\": {}}", ""},
        {"{\"excludeScheme\": false}",
         "{\"excludeScheme\":false," DOMAIN "," PATH "," QUERY "," END},
        {"{\"domain\": {\"excluded\": true}, \"path\": {\"segments\": 4096}}",
         "{\"excludeScheme\":true,\"domain\":{\"excluded\":true},\"path\":{\"excluded\":false,"
         "\"segments\":4096,\"enumerateHierarchy\":true}," QUERY "," END},
        {"{\"path\": {\"excluded\": true}, \"domain\": {\"levels\": 2, \"stripWWW\": false}}",
         "{\"excludeScheme\":true,\"domain\":{\"excluded\":false,\"stripWWW\":false,\"levels\":2,"
         "\"enumerateHierarchy\":true},\"path\":{\"excluded\":true}," QUERY "," END},
        {"{\"query\": {\"parameters\": [\"v\", \"Id\"]}}",
         "{\"excludeScheme\":true," DOMAIN "," PATH
         ",\"query\":{\"excluded\":false,\"parameters\":[\"v\",\"Id\"]}," END},
        {"{\"query\": {\"parameters\": []}}",
         "{\"excludeScheme\":true," DOMAIN "," PATH
         ",\"query\":{\"excluded\":false,\"parameters\":[]}," END},
        {"{\"query\": {\"excluded\": true}}",
         "{\"excludeScheme\":true," DOMAIN "," PATH ",\"query\":{\"excluded\":true}," END},
        {"{\"regularExpression\": \"https?://(?<host>[^/]+)\"}",
         "{\"regularExpression\":\"https?://(?<host>[^/]+)\"}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        char first[1000];
        snprintf(first, sizeof first, "%s", canonical(pairs[i].json));
        cr_expect_str_eq(first, pairs[i].expected, "%s gives %s", pairs[i].json, first);
        if (first[0] != '\0')
            cr_expect_str_eq(canonical(first), first, "%s reads back as %s", first,
                             canonical(first));
    }
}

Test(parsing_file, what_is_wrong)
{
    static const struct pair pairs[] = {
        {"", "p.json: line 1, column 0: '[' or '{' expected"},
        {"{\"a\": 1, \"a\": 2}", "p.json: line 1, column 12: duplicate object key"},
        {"[]", "p.json: $: must be an object"},
        {"{\"exludeScheme\": true}", "p.json: $.exludeScheme: is not a known key"},
        {"{\"excludeScheme\": 1}", "p.json: $.excludeScheme: must be true or false"},
        {"{\"domain\": true}", "p.json: $.domain: must be an object"},
        {"{\"domain\": null}", "p.json: $.domain: must be an object"},
        {"{\"domain\": {\"level\": 2}}", "p.json: $.domain.level: is not a known key"},
        {"{\"domain\": {\"levels\": 128}}", "p.json: $.domain.levels: 128 is not in 0..127"},
        {"{\"domain\": {\"levels\": \"2\"}}",
         "p.json: $.domain.levels: must be an integer, not negative"},
        {"{\"domain\": {\"excluded\": true, \"levels\": 2}}",
         "p.json: $.domain.levels: has no effect beside excluded"},
        {"{\"domain\": {\"stripWWW\": null}}", "p.json: $.domain.stripWWW: must be true or false"},
        {"{\"path\": {\"segments\": -1}}",
         "p.json: $.path.segments: must be an integer, not negative"},
        {"{\"path\": {\"segments\": 4097}}", "p.json: $.path.segments: 4097 is not in 0..4096"},
        {"{\"path\": {\"excluded\": true, \"enumerateHierarchy\": true}}",
         "p.json: $.path.enumerateHierarchy: has no effect beside excluded"},
        {"{\"path\": {\"stripWWW\": true}}", "p.json: $.path.stripWWW: is not a known key"},
        {"{\"query\": {\"parameters\": \"v\"}}", "p.json: $.query.parameters: must be an array"},
        {"{\"query\": {\"parameters\": null}}", "p.json: $.query.parameters: must be an array"},
        {"{\"query\": {\"parameters\": [\"v\", 1]}}",
         "p.json: $.query.parameters[1]: must be a text"},
        {"{\"query\": {\"parameters\": [\"\"]}}",
         "p.json: $.query.parameters[0]: has 0 bytes, 1 to 200 are wanted"},
        {"{\"query\": {\"parameters\": [\"v=1\"]}}",
         "p.json: $.query.parameters[0]: holds a blank, '&', '=', '#' or what is not ASCII"},
        {"{\"query\": {\"parameters\": [\"v\", \"w\", \"v\"]}}",
         "p.json: $.query.parameters[2]: is there twice"},
        {"{\"query\": {\"excluded\": true, \"parameters\": []}}",
         "p.json: $.query.parameters: has no effect beside excluded"},
        {"{\"regularExpression\": \"(?<a>b)\", \"caseSensitive\": false}",
         "p.json: $.regularExpression: nothing else has an effect beside it"},
        {"{\"regularExpression\": 1}", "p.json: $.regularExpression: must be a text"},
        {"{\"regularExpression\": \"b\"}",
         "p.json: $.regularExpression: has no named group, (?<name>...)"},
        {"{\"regularExpression\": \"(?<a>b\"}",
         "p.json: $.regularExpression: no regular expression: missing closing parenthesis at byte "
         "6"},
        {"{\"regularExpression\": \"(?P<a>b)\"}",
         "p.json: $.regularExpression: byte 0: a group of this kind, which devices read "
         "differently"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++)
        cr_expect_str_eq(canonical(pairs[i].json), pairs[i].expected, "%s: %s", pairs[i].json,
                         canonical(pairs[i].json));
}

Test(parsing_file, limits)
{
    static char json[PARSING_FILE_MAX_BYTES + 2];
    size_t used = (size_t)snprintf(json, sizeof json, "{\"query\": {\"parameters\": [\"p\"");
    for (size_t i = 0; i < PARSING_PARAMETERS_MAX; i++)
        used += (size_t)snprintf(json + used, sizeof json - used, ",\"p%zu\"", i);
    snprintf(json + used, sizeof json - used, "]}}");
    cr_assert_str_eq(canonical(json),
                     "p.json: $.query.parameters: has 101 items, at most 100 are read");
    memset(json, ' ', sizeof json - 1);
    cr_assert_str_eq(canonical(json), "p.json: larger than 65536 bytes");
    json[0] = '{';
    json[PARSING_FILE_MAX_BYTES - 1] = '}';
    json[PARSING_FILE_MAX_BYTES] = '\0';
    cr_assert_str_eq(canonical(json), "");
}

Test(parsing_file, files)
{
    char path[] = "/tmp/parsing_file_XXXXXX";
    const int file = mkstemp(path);
    struct parsing *parsing = NULL;
    struct error err;
    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, "{\"caseSensitive\": true}", 23), 23);
    close(file);
    cr_assert_eq(parsing_file_read(path, &parsing, &err), STATUS_OK, "%s", err.message);
    cr_assert(parsing_options_of(parsing)->case_sensitive);
    parsing_free(parsing);
    unlink(path);
    cr_assert_eq(parsing_file_read(path, &parsing, &err), STATUS_NOT_FOUND);
}

Test(parsing_file, the_example)
{
    struct parsing *parsing = NULL;
    struct error err;
    cr_assert_eq(parsing_file_read("examples/parsing.json", &parsing, &err), STATUS_OK, "%s",
                 err.message);
    cr_assert_eq(parsing_options_of(parsing)->parameter_count, 2);
    cr_assert(parsing_options_of(parsing)->exclude_fragment);
    parsing_free(parsing);
}

Test(parsing_file, out_of_memory)
{
    bool pending = false;
    for (size_t n = 1; !pending; n++) {
        struct parsing *parsing = NULL;
        mem_fail_nth(n);
        const enum status status = parsing_file_parse(
            span_of_text("{\"query\": {\"parameters\": [\"v\"]}}"), "p.json", &parsing, NULL);
        pending = mem_fail_pending();
        mem_fail_nth(0);
        cr_assert(status == STATUS_OK || status == STATUS_NOMEM);
        parsing_free(parsing);
    }
}
