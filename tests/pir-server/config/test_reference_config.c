#include "pir-server/config/reference_config.h"

#include "pir-server/config/config.h"

#include <criterion/criterion.h>
#include <string.h>

#define PATH "etc/service-config.json"

static struct config *read_it(const char *text)
{
    struct config *config = NULL;
    struct error error = {0};
    cr_assert_eq(config_parse(PATH, span_of_text(text), &config, &error), STATUS_OK, "%s",
                 error.message);
    return config;
}

/* As the reference's documents show it, with all that may be there. */
static const char whole[] =
    "{\"issuerRequestUri\":\"/issue\",\"reportDirectory\":\"/tmp\",\"comment\":\"skipped\","
    "\"users\":[{\"tier\":\"tier1\",\"tokens\":[\"B\",\"A\"]},{\"tier\":\"tier3\","
    "\"tokens\":[\"A\",\"c\\u00fc\"]},{\"tokens\":[]}],"
    "\"usecases\":[{\"name\":\"a.b\",\"fileStem\":\"dir/a\",\"shardCount\":5,\"versionCount\":3},"
    "{\"name\":\"gone\",\"fileStem\":\"x\",\"shardCount\":0,\"versionCount\":0},"
    "{\"name\":\"c.d\",\"fileStem\":\"c\",\"shardCount\":1,\"symmetricPirArguments\":null},"
    "{\"name\":\"many\",\"fileStem\":\"m\",\"shardCount\":2,\"versionCount\":1000,"
    "\"symmetricPirArguments\":{\"databaseEncryptionKeyFilePath\":\"dir/key\"}}]}";

Test(reference_config, as_it_is)
{
    struct config *config = read_it(whole);
    const struct reference_config *reference = config->reference;
    uint8_t hash[STORE_TOKEN_HASH_BYTES];
    size_t found = 0;
    cr_assert_not_null(reference);
    cr_assert_eq(reference->token_count, 3);
    store_token_hash(span_of_text("c\xc3\xbc"), hash);
    for (size_t i = 0; i < reference->token_count; i++)
        found += memcmp(reference->tokens[i], hash, sizeof hash) == 0;
    cr_expect_eq(found, 1);
    cr_assert_eq(reference->use_case_count, 4);
    cr_expect_str_eq(reference->use_cases[0].name, "a.b");
    cr_expect_str_eq(reference->use_cases[0].stem, "dir/a", "relative to the working folder");
    cr_expect_eq(reference->use_cases[0].shard_count, 5);
    cr_expect_null(reference->use_cases[2].symmetric_key);
    cr_expect_str_eq(reference->use_cases[3].symmetric_key, "dir/key");
    cr_expect_str_eq(config->settings.data, "etc/blindlist-data");
    cr_expect_str_eq(config->settings.reports, "/tmp");

    struct error error;
    cr_assert_eq(config_settle(config, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(app_list_count(config->apps), 1);
    const struct app_config *app = app_list_get(config->apps, 0);
    cr_expect_str_eq(app->name, "");
    cr_expect(app->needs_tokens);
    cr_expect_str_eq(app->reports, "/tmp");
    cr_assert_eq(app->use_case_count, 3, "what has no versions is removed");
    cr_expect_eq(app->use_cases[0].versions_kept, 3);
    cr_expect_str_eq(app->use_cases[1].name, "c.d");
    cr_expect_eq(app->use_cases[1].versions_kept, 2);
    cr_expect_eq(app->use_cases[2].versions_kept, APP_VERSIONS_MAX);
    config_free(config);
}

#define USERS     "\"users\":[]"
#define USE_CASE  "\"name\":\"a\",\"fileStem\":\"s\""
#define USE_CASES "\"usecases\":[{" USE_CASE ",\"shardCount\":1}]"

static const struct {
    const char *text;
    enum status status;
    const char *message;
} wrong[] = {
    {"{" USERS "}", STATUS_INVALID, PATH ": line 1: $.usecases: is missing"},
    {"{" USE_CASES "}", STATUS_INVALID, PATH ": line 1: $.users: is missing"},
    {"{\"users\":{\"tier1\":[]},\n" USE_CASES "}", STATUS_INVALID,
     PATH ": line 1: $.users: must be an array"},
    {"{\"users\":[{}]," USE_CASES "}", STATUS_INVALID,
     PATH ": line 1: $.users[0].tokens: is missing"},
    {"{\"users\":[{\"tier\":\"tier4\",\"tokens\":[]}]," USE_CASES "}", STATUS_INVALID,
     PATH ": line 1: $.users[0].tier: \"tier4\" is none of tier1, tier2, tier3"},
    {"{\"users\":[{\"tokens\":[\"secret\",\n5]}]," USE_CASES "}", STATUS_INVALID,
     PATH ": line 2: $.users[0].tokens[1]: must be a text"},
    {"{\"users\":[{\"tokens\":[\"secret\\n\"]}]," USE_CASES "}", STATUS_INVALID,
     PATH ": line 1: $.users[0].tokens[0]: byte 6 is a control"},
    {"{\"users\":[{\"tokens\":[\"secret]}]," USE_CASES "}", STATUS_MALFORMED, PATH ": line 1, "},
    {"{" USERS ",\"usecases\":[]}", STATUS_INVALID, PATH ": line 1: $.usecases: no use case"},
    {"{" USERS ",\"usecases\":[{" USE_CASE ",\"shardCount\":1,\"versionCount\":0}]}",
     STATUS_INVALID, PATH ": line 1: $.usecases: no use case is left to serve"},
    {"{" USERS ",\"usecases\":[{" USE_CASE "}]}", STATUS_INVALID,
     PATH ": line 1: $.usecases[0].shardCount: is missing"},
    {"{" USERS ",\"usecases\":[{" USE_CASE ",\"shardCount\":0}]}", STATUS_INVALID,
     PATH ": line 1: $.usecases[0].shardCount: 0 is not in 1..65536"},
    {"{" USERS ",\"usecases\":[{" USE_CASE ",\"shardCount\":1,\"versionCount\":-1}]}",
     STATUS_INVALID, PATH ": line 1: $.usecases[0].versionCount: must be an integer"},
    {"{" USERS ",\"usecases\":[{\"name\":\"a/b\",\"fileStem\":\"s\",\"shardCount\":1}]}",
     STATUS_INVALID, PATH ": line 1: $.usecases[0].name: letters"},
    {"{" USERS ",\"usecases\":[{" USE_CASE ",\"shardCount\":1},\n{" USE_CASE ",\"shardCount\":1}]}",
     STATUS_INVALID, PATH ": line 2: $.usecases[1].name: is the name of $.usecases[0] already"},
    {"{" USERS ",\"usecases\":[{" USE_CASE ",\"shardCount\":1,\n\"symmetricPirArguments\":{}}]}",
     STATUS_INVALID,
     PATH
     ": line 2: $.usecases[0].symmetricPirArguments.databaseEncryptionKeyFilePath: is missing"},
    {"{" USERS ",\"usecases\":[{" USE_CASE ",\"shardCount\":1,\"symmetricPirArguments\":"
     "{\"databaseEncryptionKeyFilePath\":\"k\",\"configType\":\"x\"}}]}",
     STATUS_INVALID, PATH ": line 1: $.usecases[0].symmetricPirArguments.configType: "},
    {"{" USERS ",\"usecases\":[{" USE_CASE ",\"shardCount\":1,\"symmetricPirArguments\":7}]}",
     STATUS_INVALID, PATH ": line 1: $.usecases[0].symmetricPirArguments: must be an object"},
    {"{" USERS "," USE_CASES ",\"reportDirectory\":5}", STATUS_INVALID,
     PATH ": line 1: $.reportDirectory: must be a text"},
    {"{" USERS "," USE_CASES ",\"issuerRequestUri\":5}", STATUS_INVALID,
     PATH ": line 1: $.issuerRequestUri: must be a text"},
};

Test(reference_config, every_wrong_kind)
{
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct config *config = NULL;
        struct error error = {0};
        cr_expect_eq(config_parse(PATH, span_of_text(wrong[i].text), &config, &error),
                     wrong[i].status, "%s", wrong[i].text);
        cr_expect_eq(strncmp(error.message, wrong[i].message, strlen(wrong[i].message)), 0,
                     "%s: %s", wrong[i].text, error.message);
        cr_expect_null(strstr(error.message, "secret"), "%s", error.message);
        cr_expect_null(config);
    }
}
