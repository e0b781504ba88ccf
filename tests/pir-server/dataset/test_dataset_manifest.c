#include "pir-server/dataset/dataset_manifest.h"

#include "base/mem.h"
#include "pir-server/pir/pir_parameters.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define DIGEST      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FILE_ENTRY  "{\"bytes\": 1, \"sha256\": \"" DIGEST "\"}"
#define SHARD_ENTRY "{\"bytes\": 1, \"shardDigest\": \"" DIGEST "\"}"

static const char whole[] =
    "{\"format\": 2, \"useCase\": \"a.b\", \"version\": \"0123456789abcdef\",\n"
    " \"rows\": {\"count\": 5, \"sha256\": \"" DIGEST "\"},\n"
    " \"prefilter\": {\"falsePositiveRate\": 0.001, \"murmurSeed\": 4294967295, \"tag\": \"" DIGEST
    "\"},\n"
    " \"shape\": {\"shards\": 1, \"hashFunctions\": 2},\n"
    " \"files\": {\"shard-0.pir\": " SHARD_ENTRY ", \"rows.txt\": " FILE_ENTRY
    ", \"prefilter.bloom\": " FILE_ENTRY ", \"prefilter.json\": " FILE_ENTRY
    ", \"prefilter.plist\": " FILE_ENTRY ", \"shard-0.params.txtpb\": " FILE_ENTRY "},\n"
    " \"something\": \"new\"}\n";

static struct error error;

static enum status parse(const char *text, struct dataset_manifest *ret)
{
    return dataset_manifest_parse(span_of_text(text), "x/dataset.json", ret, &error);
}

Test(dataset_manifest, reads_what_it_needs)
{
    struct dataset_manifest manifest;
    dataset_manifest_init(&manifest);
    cr_assert_eq(parse(whole, &manifest), STATUS_OK, "%s", error.message);
    cr_assert_str_eq(manifest.info.use_case, "a.b");
    cr_assert_str_eq(manifest.info.version, "0123456789abcdef");
    cr_assert_eq(manifest.info.row_count, 5);
    cr_assert_eq(manifest.info.rows_digest[31], 0xef);
    cr_assert_eq(manifest.info.murmur_seed, UINT32_MAX);
    cr_assert_eq(manifest.info.prefilter_bytes, 1);
    cr_assert_eq(manifest.hash_function_count, 2);
    cr_assert_eq(manifest.file_count, 6);
    cr_assert_not_null(dataset_manifest_file(&manifest, "shard-0.pir"));
    cr_assert_null(dataset_manifest_file(&manifest, "shard-1.pir"));
    cr_assert_null(
        dataset_manifest_file(&manifest, "a-name-that-is-much-longer-than-any-file-of-ours"));
    dataset_manifest_deinit(&manifest);
}

/* The text with its first `from` replaced. */
static char *replaced(const char *from, const char *to)
{
    const char *at = strstr(whole, from);
    cr_assert_not_null(at, "%s", from);
    const size_t size = sizeof whole + strlen(to);
    char *text = mem_alloc(size, 1);
    snprintf(text, size, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
    return text;
}

#define PARSING "{\"caseSensitive\":true}"

/* Of `text`, which is read with a parsing configuration in it. */
static enum status parse_parsing(const char *sha256, const char *configuration,
                                 struct dataset_manifest *ret)
{
    char field[400];
    snprintf(field, sizeof field, "\"parsing\": {\"sha256\": \"%s\", \"configuration\": %s}",
             sha256, configuration);
    char *text = replaced("\"something\": \"new\"", field);
    const enum status status = parse(text, ret);
    mem_free(text);
    return status;
}

Test(dataset_manifest, a_parsing_configuration)
{
    struct dataset_manifest manifest;
    dataset_manifest_init(&manifest);
    cr_assert_eq(dataset_manifest_set_parsing(&manifest, span_of_text(PARSING), NULL), STATUS_OK);
    char digest[2 * DATASET_DIGEST_BYTES + 1];
    memcpy(digest, manifest.info.parsing, sizeof digest);
    cr_assert_eq(strlen(digest), 64);
    cr_assert_eq(dataset_manifest_set_parsing(&manifest, span_of(NULL, 0), NULL), STATUS_OK);
    cr_assert_str_eq(manifest.info.parsing, "");
    dataset_manifest_deinit(&manifest);
    /* Blanks do not count: the digest is that of the compact form. */
    cr_assert_eq(parse_parsing(digest, "{ \"caseSensitive\" : true }", &manifest), STATUS_OK, "%s",
                 error.message);
    cr_assert_str_eq(manifest.info.parsing, digest);
    cr_assert(span_equal(bytes_view(&manifest.parsing), span_of_text(PARSING)));
    dataset_manifest_deinit(&manifest);
    cr_assert_eq(parse_parsing(DIGEST, PARSING, &manifest), STATUS_INVALID);
    cr_assert_str_eq(error.message,
                     "x/dataset.json: $.parsing.sha256: is not the digest of the configuration");
    cr_assert_eq(parse_parsing(digest, "[]", &manifest), STATUS_INVALID);
    cr_assert_str_eq(error.message, "x/dataset.json: $.parsing.configuration: must be an object");
    dataset_manifest_deinit(&manifest);
}

Test(dataset_manifest, every_wrong_field_is_named)
{
    static const struct {
        const char *from;
        const char *to;
        enum status status;
        const char *named;
    } cases[] = {
        {"\"format\": 2", "\"format\": 1", STATUS_UNSUPPORTED, "format 1"},
        {"\"format\": 2", "\"format\": \"2\"", STATUS_INVALID, "format"},
        {"\"format\": 2, ", "", STATUS_INVALID, "format"},
        {"\"a.b\"", "\"../b\"", STATUS_INVALID, "useCase"},
        {"\"a.b\"", "7", STATUS_INVALID, "useCase"},
        {"\"0123456789abcdef\"", "\"0123456789ABCDEF\"", STATUS_INVALID, "version"},
        {"\"0123456789abcdef\"", "\"0123456789abcde\"", STATUS_INVALID, "version"},
        {"\"count\": 5", "\"count\": 0", STATUS_INVALID, "rows.count"},
        {"\"count\": 5", "\"count\": -5", STATUS_INVALID, "rows.count"},
        {"\"count\": 5", "\"count\": 4294967296", STATUS_INVALID, "rows.count"},
        {"\"count\": 5", "\"count\": 5.5", STATUS_INVALID, "rows.count"},
        {DIGEST, "00", STATUS_INVALID, "rows.sha256"},
        {"{\"count\": 5, \"sha256\": \"" DIGEST "\"}", "[]", STATUS_INVALID, "rows"},
        {"0.001", "0", STATUS_INVALID, "falsePositiveRate"},
        {"0.001", "1", STATUS_INVALID, "falsePositiveRate"},
        {"0.001", "null", STATUS_INVALID, "falsePositiveRate"},
        {"4294967295", "4294967296", STATUS_INVALID, "murmurSeed"},
        {"\"murmurSeed\"", "\"publicKey\": \"AAAA\", \"murmurSeed\"", STATUS_INVALID,
         "prefilter.publicKey: is no Ed25519 key in base64"},
        {"\"murmurSeed\"", "\"publicKey\": 7, \"murmurSeed\"", STATUS_INVALID,
         "prefilter.publicKey"},
        {"\"shards\": 1", "\"shards\": 0", STATUS_INVALID, "shape.shards"},
        {"\"shards\": 1", "\"shards\": 3", STATUS_INVALID, "shape.shards"},
        {"\"shards\": 1", "\"shards\": 131072", STATUS_INVALID, "shape.shards"},
        {"\"shards\": 1", "\"shards\": 2", STATUS_INVALID, "shard-1.pir"},
        {"\"hashFunctions\": 2", "\"hashFunctions\": 0", STATUS_INVALID, "hashFunctions"},
        {"\"rows.txt\"", "\"rows.tx\"", STATUS_INVALID, "rows.txt"},
        {"\"rows.txt\"", "\"../rows\"", STATUS_INVALID, "files"},
        {"\"rows.txt\"", "\"a-name-that-is-much-longer-than-any-file-of-ours\"", STATUS_INVALID,
         "files"},
        {FILE_ENTRY, "{\"bytes\": -1, \"sha256\": \"" DIGEST "\"}", STATUS_INVALID, "bytes"},
        {SHARD_ENTRY, "7", STATUS_INVALID, "shard-0.pir"},
        {SHARD_ENTRY, FILE_ENTRY, STATUS_INVALID, "shard-0.pir.shardDigest"},
        {"\"rows.txt\"", "\"shard-0.pir\"", STATUS_MALFORMED, "duplicate"},
        {"}\n", "", STATUS_MALFORMED, "line"},
        {"}\n", "} x", STATUS_MALFORMED, "line"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct dataset_manifest manifest;
        dataset_manifest_init(&manifest);
        char *text = replaced(cases[i].from, cases[i].to);
        cr_expect_eq(parse(text, &manifest), cases[i].status, "%s -> %s", cases[i].from,
                     cases[i].to);
        cr_expect_not_null(strstr(error.message, cases[i].named), "%s does not name %s",
                           error.message, cases[i].named);
        cr_expect_eq(strncmp(error.message, "x/dataset.json: ", 16), 0, "%s", error.message);
        cr_expect_eq(manifest.file_count, 0);
        mem_free(text);
    }
}

Test(dataset_manifest, foreign_and_empty_texts)
{
    static const char *const texts[] = {"", "{", "[]", "null", "{}", "\x89PNG", "\"x\""};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct dataset_manifest manifest;
        dataset_manifest_init(&manifest);
        const enum status status = parse(texts[i], &manifest);
        cr_expect(status == STATUS_MALFORMED || status == STATUS_INVALID, "%s", texts[i]);
    }
    struct dataset_manifest manifest;
    dataset_manifest_init(&manifest);
    cr_assert_eq(dataset_manifest_parse(span_of("{}\0{}", 5), "x", &manifest, NULL),
                 STATUS_MALFORMED);
}

Test(dataset_manifest, what_is_written_can_be_read)
{
    struct dataset_manifest manifest;
    struct dataset_manifest again;
    struct bytes json;
    const struct dataset_source sources[] = {
        {.name = "l\xff.txt", .bytes = 3, .counts = {.lines = 2}},
        {.name = "b.txt", .counts = {.kept = 1, .dropped = 1}}};
    struct list_counts counts = {.lines = 2, .entries = 2, .kept = 1, .dropped = 1};
    counts.dropped_for[DROP_WILDCARD] = 1;
    const struct dataset_origin origin = {.sources = sources, .source_count = 2, .counts = &counts};
    struct pir_parameters *parameters = mem_alloc_zeroed(1, sizeof *parameters);
    parameters->hash_function_count = 2;
    parameters->dimension_count = 2;
    parameters->evaluation_key.galois_element_count = 3;
    dataset_manifest_init(&manifest);
    dataset_manifest_init(&again);
    bytes_init(&json, DATASET_MANIFEST_MAX_BYTES);
    cr_assert_eq(parse(whole, &manifest), STATUS_OK);
    cr_assert_str_eq(manifest.info.prefilter_public_key, "");
    strcpy(manifest.info.prefilter_public_key, "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
    cr_assert_eq(dataset_manifest_format(&manifest, parameters, &origin, &json, NULL), STATUS_OK);
    bytes_append_u8(&json, 0);
    cr_assert_eq(parse((const char *)json.data, &again), STATUS_OK, "%s", error.message);
    cr_assert_eq(memcmp(&manifest.info, &again.info, sizeof again.info), 0);
    cr_assert_eq(again.file_count, 6);
    cr_assert_eq(memcmp(manifest.files, again.files, 6 * sizeof again.files[0]), 0);
    cr_assert_not_null(strstr((const char *)json.data, "\"wildcard\": 1"));
    cr_assert_not_null(strstr((const char *)json.data, "\"l?.txt\""));
    dataset_manifest_deinit(&manifest);
    dataset_manifest_deinit(&again);
    bytes_deinit(&json);
    mem_free(parameters);
}
