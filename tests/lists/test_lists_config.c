/* lists.json: what is read, and each way to be wrong with the message that names it. */
#include "lists/lists_config.h"

#include "base/mem.h"
#include "urls/rule.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* Files by name. */
struct file {
    const char *path;
    const char *text;
};

static enum status load(void *context, const char *path, struct bytes *ret, struct error *err)
{
    for (const struct file *file = context; file->path != NULL; file++) {
        if (strcmp(file->path, path) == 0) {
            bytes_append_text(ret, file->text);
            return bytes_status(ret, path, err);
        }
    }
    return error_set(err, STATUS_NOT_FOUND, "%s: is not there", path);
}

static enum status read_files(struct file *files, struct lists_config **ret, struct error *err)
{
    return lists_config_read(files[0].path, load, files, ret, err);
}

/* A configuration with this output and these sources. */
static enum status read_text(const char *output, const char *sources, struct lists_config **ret,
                             struct error *err)
{
    char text[4096];
    (void)snprintf(text, sizeof text, "{\"useCase\": \"a.b\"%s%s, \"sources\": [%s]}",
                   output[0] != '\0' ? ", \"output\": " : "", output, sources);
    struct file files[] = {{"l.json", text}, {0}};
    return read_files(files, ret, err);
}

#define PLAIN_SOURCE "{\"id\": \"a\", \"file\": \"a.txt\"}"

Test(lists_config, reads_the_example)
{
    struct lists_config *config = NULL;
    struct error err = {0};
    cr_assert_eq(lists_config_read("./examples/lists.json", NULL, NULL, &config, &err), STATUS_OK,
                 "%s", err.message);
    cr_assert_str_eq(config->use_case, "com.example.app.url.filtering");
    cr_assert_eq(config->output.rows_per_shard, 65536);
    cr_assert_eq(config->output.shard_count, 0);
    cr_assert_float_eq(config->output.false_positive_rate, 0.001, 1e-12);
    cr_assert_eq(config->output.versions_kept, 3);
    cr_assert(config->output.split_parents && !config->output.keep_covered);
    cr_assert_eq(
        protected_hosts_check(config->output.protected_hosts, span_of_text("pir.example.com")),
        DROP_OWN_HOST);
    cr_assert_float_eq(config->output.guard.max_shrink, 0.3, 1e-12);
    cr_assert_eq(config->output.guard.min_rows, 1000);
    cr_assert_eq(config->source_count, 7);

    const struct lists_source *own = &config->sources[0];
    cr_assert_str_eq(own->id, "own");
    cr_assert_eq(own->kind, LISTS_SOURCE_FILE);
    cr_assert_str_eq(own->location, "examples/own.txt");
    cr_assert_str_eq(own->place, "examples/lists.json: $.sources[0]");
    cr_assert_eq(own->format, LIST_FORMAT_AUTO);
    cr_assert_eq(own->trust, LISTS_TRUST_BLOCK);
    cr_assert_null(own->category);
    cr_assert_str_eq(own->license, "ours");
    cr_assert(entry_filter_is_empty(own->filter));
    cr_assert_eq(own->max_bytes, LISTS_SIZE_DEFAULT_BYTES);

    cr_assert_eq(config->sources[1].kind, LISTS_SOURCE_GLOB);
    cr_assert_str_eq(config->sources[1].location, "examples/schools/*.txt");

    const struct lists_source *urlhaus = &config->sources[2];
    cr_assert_eq(urlhaus->kind, LISTS_SOURCE_URL);
    cr_assert_str_eq(urlhaus->shown, "https://malware-filter.gitlab.io");
    cr_assert_eq(urlhaus->format, LIST_FORMAT_ADBLOCK);
    cr_assert_str_eq(urlhaus->category, "malware");
    cr_assert_eq(urlhaus->max_bytes, 50000000);
    cr_assert_eq(urlhaus->timeout_s, 60);
    cr_assert_eq(urlhaus->retries, 3);
    cr_assert_eq(urlhaus->max_age_s, 2 * 86400);
    cr_assert_null(urlhaus->ca);
    bool keeps = true;
    cr_assert_eq(entry_filter_keeps(urlhaus->filter, span_of_text("||a.onion^"), &keeps, &err),
                 STATUS_OK);
    cr_assert_not(keeps);

    const struct lists_source *intranet = &config->sources[3];
    cr_assert_str_eq(intranet->ca, "examples/corp-ca.pem");
    cr_assert_eq(intranet->timeout_s, LISTS_TIMEOUT_DEFAULT_S);
    cr_assert_eq(intranet->max_age_s, LISTS_MAX_AGE_DEFAULT_S);
    cr_assert_eq(intranet->retries, LISTS_RETRIES_DEFAULT);
    cr_assert_eq(config->sources[4].accepts, RULE_WIDER_TYPES | RULE_WIDER_PAGES);
    cr_assert_eq(config->sources[5].trust, LISTS_TRUST_ALLOW);

    const struct lists_source *legacy = &config->sources[6];
    cr_assert_str_eq(legacy->id, "legacy");
    cr_assert_str_eq(legacy->place, "examples/more/lists.json: $.sources[0]");
    cr_assert(legacy->allow_http);
    lists_config_free(config);
}

Test(lists_config, defaults)
{
    struct lists_config *config = NULL;
    struct error err = {0};
    cr_assert_eq(read_text("", PLAIN_SOURCE, &config, &err), STATUS_OK, "%s", err.message);
    const struct lists_output *output = &config->output;
    cr_assert_eq(output->shard_count, 0);
    cr_assert_eq(output->rows_per_shard, 0);
    cr_assert_eq(output->hash_functions, 0);
    cr_assert_eq(output->prefilter_bytes, 0);
    cr_assert_not(output->has_seed);
    cr_assert_not(output->keep_private_suffixes);
    cr_assert_eq(output->versions_kept, LISTS_VERSIONS_KEPT_DEFAULT);
    cr_assert_float_eq(output->guard.max_shrink, LISTS_SHRINK_DEFAULT, 1e-12);
    cr_assert_float_eq(output->guard.max_growth, LISTS_GROWTH_DEFAULT, 1e-12);
    cr_assert_eq(output->guard.min_rows, 1);
    lists_config_free(config);
}

Test(lists_config, units)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } sizes[] = {{"1", 1},
                 {"\"7B\"", 7},
                 {"\"2KB\"", 2000},
                 {"\"2KiB\"", 2048},
                 {"\"3MB\"", 3000000},
                 {"\"3MiB\"", 3 << 20},
                 {"\"4GB\"", 4000000000}};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        char source[200];
        struct lists_config *config = NULL;
        struct error err = {0};
        (void)snprintf(source, sizeof source, "{\"id\": \"a\", \"file\": \"f\", \"maxBytes\": %s}",
                       sizes[i].text);
        cr_assert_eq(read_text("", source, &config, &err), STATUS_OK, "%s", err.message);
        cr_assert_eq(config->sources[0].max_bytes, sizes[i].bytes, "%s", sizes[i].text);
        lists_config_free(config);
    }
}

Test(lists_config, names_what_is_wrong_in_a_source)
{
    static const struct {
        const char *source;
        const char *message;
    } cases[] = {
        {"7", "$.sources[0]: must be an object"},
        {"{}", "$.sources[0].id: is missing"},
        {"{\"id\": 3, \"file\": \"f\"}", "$.sources[0].id: must be a text"},
        {"{\"id\": null, \"file\": \"f\"}", "$.sources[0].id: must be a text"},
        {"{\"id\": \"\", \"file\": \"f\"}", "$.sources[0].id: has 0 bytes, 1 to 64 are wanted"},
        {"{\"id\": \"../x\", \"file\": \"f\"}", "$.sources[0].id: may hold lower-case letters, "
                                                "digits and, not first, '.', '-', '_'"},
        {"{\"id\": \"A\", \"file\": \"f\"}", "$.sources[0].id: may hold lower-case letters, digits "
                                             "and, not first, '.', '-', '_'"},
        {"{\"id\": \"a\"}", "$.sources[0]: exactly one of file, glob, url, import is wanted"},
        {"{\"id\": \"a\", \"file\": \"f\", \"glob\": \"g\"}",
         "$.sources[0]: exactly one of file, glob, url, import is wanted"},
        {"{\"id\": \"a\", \"file\": \"f\", \"urll\": 1}", "$.sources[0].urll: is not a known key"},
        {"{\"id\": \"a\", \"file\": \"f\", \"u\\u001brl\": 1}",
         "$.sources[0].u?rl: is not a known key"},
        {"{\"id\": \"a\", \"file\": \"f\", \"trust\": \"blok\"}",
         "$.sources[0].trust: \"blok\" is none of block, allow"},
        {"{\"id\": \"a\", \"file\": \"f\", \"trust\": true}", "$.sources[0].trust: must be a text"},
        {"{\"id\": \"a\", \"file\": \"f\", \"format\": \"csv\"}",
         "$.sources[0].format: \"csv\" is none of auto, plain, hosts, dnsmasq, adblock, "
         "urlhaus-csv, urlhaus-text, rpz, json, rows"},
        {"{\"id\": \"a\", \"file\": \"f\", \"category\": \"a b\"}",
         "$.sources[0].category: may hold lower-case letters, digits and, not first, '.', '-', "
         "'_'"},
        {"{\"id\": \"a\", \"file\": \"f\", \"license\": \"a\\nb\"}",
         "$.sources[0].license: byte 1 is a control character"},
        {"{\"id\": \"a\", \"file\": \"f\", \"include\": \"x\"}",
         "$.sources[0].include: must be an array"},
        {"{\"id\": \"a\", \"file\": \"f\", \"include\": [\"x\", 2]}",
         "$.sources[0].include[1]: must be a text"},
        {"{\"id\": \"a\", \"file\": \"f\", \"exclude\": [\"a(b\"]}",
         "$.sources[0].exclude[0]: no regular expression: missing closing parenthesis at byte 3"},
        {"{\"id\": \"a\", \"file\": \"f\", \"maxBytes\": \"64 MB\"}",
         "$.sources[0].maxBytes: must be a number of bytes, or a text such as \"64MB\""},
        {"{\"id\": \"a\", \"file\": \"f\", \"maxBytes\": 0}",
         "$.sources[0].maxBytes: 0 is not in 1..4294967295"},
        {"{\"id\": \"a\", \"file\": \"f\", \"maxBytes\": -1}",
         "$.sources[0].maxBytes: must be an integer, not negative"},
        {"{\"id\": \"a\", \"file\": \"f\", \"maxBytes\": \"999999999999999GB\"}",
         "$.sources[0].maxBytes: must be a number of bytes, or a text such as \"64MB\""},
        {"{\"id\": \"a\", \"file\": \"f\", \"timeout\": 3}",
         "$.sources[0].timeout: is for sources with a url"},
        {"{\"id\": \"a\", \"file\": \"f\", \"ca\": \"c\"}",
         "$.sources[0].ca: is for sources with a url"},
        {"{\"id\": \"a\", \"url\": \"https://h/\", \"timeout\": \"1w\"}",
         "$.sources[0].timeout: must be a number of seconds, or a text such as \"90s\" or \"7d\""},
        {"{\"id\": \"a\", \"url\": \"https://h/\", \"timeout\": \"2h\"}",
         "$.sources[0].timeout: 7200 is not in 1..3600"},
        {"{\"id\": \"a\", \"url\": \"https://h/\", \"retries\": 11}",
         "$.sources[0].retries: 11 is not in 0..10"},
        {"{\"id\": \"a\", \"url\": \"https://h/\", \"allowHttp\": 1}",
         "$.sources[0].allowHttp: must be true or false"},
        {"{\"id\": \"a\", \"url\": \"ftp://u:secret@h/\"}",
         "$.sources[0].url: must begin with https://"},
        {"{\"id\": \"a\", \"url\": \"http://u:secret@h/\"}",
         "$.sources[0].url: http:// can be changed on its way: say \"allowHttp\": true if you "
         "must"},
        {"{\"id\": \"a\", \"url\": \"https://u:secret@/x\"}", "$.sources[0].url: has no host"},
        {"{\"id\": \"a\", \"url\": \"https://:8080/x\"}", "$.sources[0].url: has no host"},
        {"{\"id\": \"a\", \"url\": \"https://h/a b\"}",
         "$.sources[0].url: holds a character that no URL holds"},
        {PLAIN_SOURCE ", " PLAIN_SOURCE,
         "$.sources[1].id: \"a\" is the id of l.json: $.sources[0] already"},
        {"{\"import\": \"x\", \"id\": \"a\"}", "$.sources[0].id: is not a known key"},
        {"{\"import\": 4}", "$.sources[0].import: must be a text"},
        {"{\"import\": \"none.json\"}", "$.sources[0].import: none.json: is not there"},
        {"", "$.sources: names no source"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct lists_config *config = NULL;
        struct error err = {0};
        char expected[512];
        cr_assert_neq(read_text("", cases[i].source, &config, &err), STATUS_OK, "%s",
                      cases[i].source);
        (void)snprintf(expected, sizeof expected, "l.json: %s", cases[i].message);
        cr_assert_str_eq(err.message, expected, "%s", err.message);
        cr_assert_null(config);
    }
}

Test(lists_config, names_what_is_wrong_in_the_output)
{
    static const struct {
        const char *output;
        const char *message;
    } cases[] = {
        {"[]", "$.output: must be an object"},
        {"{\"shard\": 1}", "$.output.shard: is not a known key"},
        {"{\"shards\": 3}", "$.output.shards: 3 is no power of two"},
        {"{\"shards\": 131072}", "$.output.shards: 131072 is not in 1..65536"},
        {"{\"shards\": 2, \"rowsPerShard\": 3}",
         "$.output.rowsPerShard: and shards exclude each other"},
        {"{\"falsePositiveRate\": 0}", "$.output.falsePositiveRate: 0 is not between 0 and 1"},
        {"{\"falsePositiveRate\": \"x\"}", "$.output.falsePositiveRate: must be a number"},
        {"{\"falsePositiveRate\": 0.1, \"prefilterSize\": \"2MB\"}",
         "$.output.prefilterSize: and falsePositiveRate exclude each other"},
        {"{\"prefilterSize\": \"2GB\"}",
         "$.output.prefilterSize: 2000000000 is not in 1..536870911"},
        {"{\"hashFunctions\": 3}", "$.output.hashFunctions: 3 is not in 1..2"},
        {"{\"murmurSeed\": 4294967296}", "$.output.murmurSeed: 4294967296 is not in 0..4294967295"},
        {"{\"keepVersions\": 0}", "$.output.keepVersions: 0 is not in 1..1000"},
        {"{\"keepPrivateSuffixes\": \"yes\"}",
         "$.output.keepPrivateSuffixes: must be true or false"},
        {"{\"prune\": \"no\"}", "$.output.prune: must be true or false"},
        {"{\"splitParents\": 1}", "$.output.splitParents: must be true or false"},
        {"{\"keepAppleHosts\": 1}", "$.output.keepAppleHosts: must be true or false"},
        {"{\"protect\": [\"a.example\", 1]}", "$.output.protect[1]: must be a text"},
        {"{\"guard\": {\"maxShrink\": 1.5}}",
         "$.output.guard.maxShrink: 1.5 is not between 0 and 1"},
        {"{\"guard\": {\"max\": 1}}", "$.output.guard.max: is not a known key"},
        {"{\"guard\": {\"minRows\": 0}}", "$.output.guard.minRows: 0 is not in 1..4294967295"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct lists_config *config = NULL;
        struct error err = {0};
        char expected[512];
        cr_assert_eq(read_text(cases[i].output, PLAIN_SOURCE, &config, &err), STATUS_INVALID);
        (void)snprintf(expected, sizeof expected, "l.json: %s", cases[i].message);
        cr_assert_str_eq(err.message, expected, "%s", err.message);
    }
}

Test(lists_config, names_what_is_wrong_at_the_top)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "l.json: line 1, column 0: '[' or '{' expected"},
        {"[]", "l.json: $: must be an object"},
        {"{}", "l.json: $.useCase: is missing"},
        {"{\"useCase\": \"a/b\", \"sources\": []}",
         "l.json: $.useCase: letters, digits, '.', '-', '_' are wanted, no '.' first"},
        {"{\"useCase\": \"a\"}", "l.json: $.sources: is missing"},
        {"{\"useCase\": \"a\", \"sources\": {}}", "l.json: $.sources: must be an array"},
        {"{\"useCase\": \"a\", \"useCase\": \"b\"}",
         "l.json: line 1, column 26: duplicate object key"},
        {"{\"useCase\": \"a\", \"more\": 1, \"sources\": []}",
         "l.json: $.more: is not a known key"},
        /* A piece of the text would stand behind this. */
        {"{\"useCase\": \"a\", \"sources\": [{\"url\": \"https://u:secret@h/\n\"}]}",
         "l.json: line 1, column 57: unexpected newline"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct file files[] = {{"l.json", cases[i].text}, {0}};
        struct lists_config *config = NULL;
        struct error err = {0};
        cr_assert_neq(read_files(files, &config, &err), STATUS_OK);
        cr_assert_str_eq(err.message, cases[i].message, "%s", err.message);
    }
}

Test(lists_config, imports_are_relative_and_in_order)
{
    struct file files[] = {
        {"conf/l.json",
         "{\"useCase\": \"a\", \"sources\": [{\"id\": \"one\", \"file\": \"1.txt\"},"
         "{\"import\": \"./sub/more.json\"}, {\"id\": \"four\", \"file\": \"/4.txt\"}]}"},
        {"conf/sub/more.json", "{\"sources\": [{\"id\": \"two\", \"file\": \"2.txt\"},"
                               "{\"import\": \"../last.json\"}]}"},
        {"conf/sub/../last.json", "{\"sources\": [{\"id\": \"three\", \"glob\": \"*.txt\"}]}"},
        {0}};
    static const char *const expected[] = {"conf/1.txt", "conf/sub/2.txt", "conf/sub/../*.txt",
                                           "/4.txt"};
    struct lists_config *config = NULL;
    struct error err = {0};
    cr_assert_eq(read_files(files, &config, &err), STATUS_OK, "%s", err.message);
    cr_assert_eq(config->source_count, 4);
    for (size_t i = 0; i < 4; i++)
        cr_assert_str_eq(config->sources[i].location, expected[i]);
    lists_config_free(config);
}

Test(lists_config, an_imported_file_is_strict_too)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"{\"useCase\": \"x\", \"sources\": []}",
         "l.json: $.sources[1].import: m.json: $.useCase: is not a known key"},
        {"{\"sources\": [" PLAIN_SOURCE "]}",
         "l.json: $.sources[1].import: m.json: $.sources[0].id: \"a\" is the id of l.json: "
         "$.sources[0] already"},
        {"{", "l.json: $.sources[1].import: m.json: line 1, column 1: string or '}' expected"},
        {"{\"sources\": [{\"import\": \"l.json\"}]}",
         "l.json: $.sources[1].import: m.json: $.sources[0].import: l.json imports itself by way "
         "of others"},
        {"{\"sources\": [{\"import\": \"./m.json\"}]}",
         "l.json: $.sources[1].import: m.json: $.sources[0].import: m.json imports itself"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct file files[] = {{"l.json", "{\"useCase\": \"a\", \"sources\": [" PLAIN_SOURCE
                                          ", {\"import\": \"m.json\"}]}"},
                               {"m.json", cases[i].text},
                               {0}};
        struct lists_config *config = NULL;
        struct error err = {0};
        cr_assert_neq(read_files(files, &config, &err), STATUS_OK);
        cr_assert_str_eq(err.message, cases[i].message, "%s", err.message);
    }
}

/* A cycle whose names differ each time ends, too. */
static enum status load_endless(void *context, const char *path, struct bytes *ret,
                                struct error *err)
{
    (void)context;
    bytes_append_text(ret, strchr(path, '/') == NULL ? "{\"useCase\": \"a\", " : "{");
    bytes_append_text(ret, "\"sources\": [{\"import\": \"x/l.json\"}]}");
    return bytes_status(ret, path, err);
}

Test(lists_config, imports_have_a_depth)
{
    struct lists_config *config = NULL;
    struct error err = {0};
    cr_assert_eq(lists_config_read("l.json", load_endless, NULL, &config, &err), STATUS_INVALID);
    cr_assert_not_null(strstr(err.message, "$.sources[0].import: more than 8 files deep"), "%s",
                       err.message);
}

Test(lists_config, survives_each_failed_allocation)
{
    struct file files[] = {
        {"c/l.json", "{\"useCase\": \"a\", \"sources\": [{\"id\": \"x\", \"url\": \"https://h/\", "
                     "\"include\": [\"a\", \"b+\"], \"ca\": \"c\", \"category\": \"d\"},"
                     "{\"import\": \"m.json\"}]}"},
        {"c/m.json", "{\"sources\": [{\"id\": \"y\", \"file\": \"f\", \"license\": \"l\"}]}"},
        {0}};
    for (size_t n = 1;; n++) {
        struct lists_config *config = NULL;
        struct error err = {0};
        mem_fail_nth(n);
        const enum status status = read_files(files, &config, &err);
        const bool was_reached = !mem_fail_pending();
        mem_fail_nth(0);
        if (status == STATUS_OK)
            lists_config_free(config);
        else
            cr_assert_eq(status, STATUS_NOMEM, "allocation %zu: %s", n, err.message);
        if (!was_reached) {
            cr_assert(n > 10);
            cr_assert_eq(status, STATUS_OK);
            break;
        }
    }
}

Test(lists_config, a_parsing_configuration)
{
    struct lists_config *config = NULL;
    struct error err = {0};
    struct file files[] = {
        {"x/l.json", "{\"useCase\": \"a.b\", \"output\": {\"parsingConfiguration\": \"p.json\", "
                     "\"keepParsingParts\": true}, \"sources\": [" PLAIN_SOURCE "]}"},
        {"x/p.json", "{\"path\": {\"enumerateHierarchy\": false}}"},
        {0}};
    cr_assert_eq(read_files(files, &config, &err), STATUS_OK, "%s", err.message);
    cr_assert_not(parsing_options_of(config->output.parsing)->walk_paths);
    cr_assert(config->output.keep_parsing_parts);
    lists_config_free(config);

    files[1].text = "{\"path\": {\"segment\": 2}}";
    cr_assert_eq(read_files(files, &config, &err), STATUS_INVALID);
    cr_assert_str_eq(err.message, "x/l.json: $.output.parsingConfiguration: x/p.json: "
                                  "$.path.segment: is not a known key");
    files[1].path = "x/q.json";
    cr_assert_eq(read_files(files, &config, &err), STATUS_NOT_FOUND);
    files[1] = (struct file){"p.json", "{\"excludeScheme\": false}"};
    files[0] = (struct file){
        "l.json", "{\"useCase\": \"a.b\", \"output\": {\"parsingConfiguration\": \"p.json\", "
                  "\"splitParents\": true}, \"sources\": [" PLAIN_SOURCE "]}"};
    cr_assert_eq(read_files(files, &config, &err), STATUS_INVALID);
    cr_assert_str_eq(err.message, "l.json: $.output.splitParents: under the parsingConfiguration "
                                  "keys do not block what is below them: nothing is to be split");
    cr_assert_eq(read_text("{\"keepParsingParts\": true}", PLAIN_SOURCE, &config, &err),
                 STATUS_INVALID);
    cr_assert_str_eq(err.message,
                     "l.json: $.output.keepParsingParts: is for a parsingConfiguration");
}
