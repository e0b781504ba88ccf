#include "pir-server/config/config.h"

#include "base/compiler.h"

#include <criterion/criterion.h>
#include <string.h>

#define PATH "etc/server.json"

static enum status parse(const char *text, struct config **ret, struct error *err)
{
    *ret = NULL;
    return config_parse(PATH, span_of_text(text), ret, err);
}

static struct config *good(const char *text)
{
    struct config *config = NULL;
    struct error error = {0};
    cr_assert_eq(parse(text, &config, &error), STATUS_OK, "%s", error.message);
    return config;
}

/* Settled as after the command line; data is given there. */
static struct config *settled(const char *text)
{
    struct config *config = good(text);
    struct error error = {0};
    settings_set_text(&config->settings, SETTING_DATA, "data");
    cr_assert_eq(config_settle(config, &error), STATUS_OK, "%s", error.message);
    return config;
}

Test(config, every_field)
{
    static const char text[] =
        "{\"data\":\"d\",\"listen\":\"[::1]:0\",\"state\":\"/s\",\"auth\":\"token\","
        "\"allowUnauthenticated\":true,\"keyFile\":\"k/f\",\"threads\":3,\"httpThreads\":4,"
        "\"queue\":5,\"connections\":6,\"connectionsPerAddress\":0,"
        "\"trustedProxies\":\"10.0.0.0/8\","
        "\"bodies\":\"7MiB\",\"keyCache\":0,\"keyStore\":\"2GB\","
        "\"keyLifetime\":\"9d\",\"reports\":\"r\",\"reportsSize\":1048576,\"drain\":\"1m\","
        "\"handover\":\"h\",\"user\":\"u\",\"sandbox\":\"off\",\"protobufErrors\":true,\"verify\":"
        "true,\"headTime\":1,\"idleTime\":"
        "\"2s\","
        "\"bodyTime\":\"1m\",\"sendTime\":4,\"leastSpeed\":\"1KiB\",\"batch\":32,\"kernel\":"
        "\"ref\",\"debug\":true}";
    struct config *config = good(text);
    const struct settings s = config->settings;
    cr_expect_str_eq(s.data, "etc/d");
    cr_expect_str_eq(s.http.address, "[::1]:0");
    cr_expect_str_eq(s.state, "/s");
    cr_expect(settings_have_tokens(&s));
    cr_expect(s.allow_unauthenticated && s.service.verify && s.service.protobuf_errors && s.debug);
    cr_expect_str_eq(s.key_file, "etc/k/f");
    cr_expect_eq(s.service.compute_threads, 3);
    cr_expect_eq(s.http.threads, 4);
    cr_expect_eq(s.service.queue_limit, 5);
    cr_expect_eq(s.http.limits.connections_max, 6);
    cr_expect_eq(s.http.limits.address_max, 0);
    cr_expect_eq(s.http.limits.head_ms, 1000);
    cr_expect_eq(s.http.limits.idle_ms, 2000);
    cr_expect_eq(s.http.limits.body_ms, 60000);
    cr_expect_eq(s.http.limits.send_ms, 4000);
    cr_expect_eq(s.http.limits.bytes_per_second, 1024);
    cr_expect_eq(s.service.batch_max, 32);
    cr_expect_str_eq(s.http.limits.proxies, "10.0.0.0/8");
    cr_expect_eq(s.http.bodies_max_bytes, 7 << 20);
    cr_expect_eq(s.service.key_cache_bytes, 0);
    cr_expect_eq(s.limits.key_bytes_in_all, 2000000000);
    cr_expect_eq(s.limits.key_ttl_s, 9 * 86400);
    cr_expect_str_eq(s.reports, "etc/r");
    cr_expect_eq(s.reports_bytes, 1 << 20);
    cr_expect_eq(s.drain_s, 60);
    cr_expect_str_eq(s.handover, "etc/h");
    cr_expect_str_eq(s.user, "u");
    cr_expect(!settings_wants_sandbox(&s) && !settings_needs_sandbox(&s));
    cr_expect_str_eq(s.kernel, "ref");
    config_free(config);
}

Test(config, what_is_absent_stays)
{
    struct config *config = settled("{}");
    struct settings defaults;
    settings_init(&defaults);
    settings_set_text(&defaults, SETTING_DATA, "data");
    for (size_t i = 0; i < SETTING_COUNT; i++)
        cr_expect(settings_keep(&config->settings, &defaults, (enum setting)i), "%s",
                  setting_table[i].field);
    cr_assert_eq(app_list_count(config->apps), 1);
    cr_expect_str_eq(app_list_get(config->apps, 0)->name, "");
    cr_expect(app_list_get(config->apps, 0)->needs_tokens);
    config_free(config);
}

Test(config, apps)
{
    struct config *config = settled(
        "{\"auth\":\"none\",\"apps\":[{\"name\":\"one\",\"hosts\":[\"A.example\",\"b.example.\"],"
        "\"useCases\":[\"u.v\",{\"name\":\"w\",\"versions\":3}],\"versions\":4,\"maxAge\":\"10m\","
        "\"grace\":\"1h\","
        "\"auth\":\"token\",\"reports\":\"r\",\"reportsSize\":\"2MiB\",\"limits\":{"
        "\"tokensPerMinute\":5,\"tokensPerDay\":6,\"queriesUnderWay\":7}},{\"name\":\"\"}]}");
    cr_assert_eq(app_list_count(config->apps), 2);
    const struct app_config *one = app_list_get(config->apps, 0);
    cr_expect_str_eq(one->name, "one");
    cr_assert_eq(one->host_count, 2);
    cr_expect_str_eq(one->hosts[0], "a.example");
    cr_expect_str_eq(one->hosts[1], "b.example");
    cr_assert_eq(one->use_case_count, 2);
    cr_expect_str_eq(one->use_cases[0].name, "u.v");
    cr_expect_eq(one->use_cases[1].versions_kept, 3);
    cr_expect_eq(one->versions_kept, 4);
    cr_expect_eq(one->max_age_s, 600);
    cr_expect_eq(one->grace_s, 3600);
    cr_expect(one->needs_tokens);
    cr_expect_str_eq(one->reports, "etc/r");
    cr_expect_eq(one->reports_bytes, 2 << 20);
    cr_expect_eq(one->limits.tokens_per_minute, 5);
    cr_expect_eq(one->limits.tokens_per_day, 6);
    cr_expect_eq(one->limits.queries_under_way, 7);
    cr_expect_not(app_list_get(config->apps, 1)->needs_tokens, "as the server");
    config_free(config);
}

/* What is wrong with a file, and how it is told. */
static const struct {
    const char *text;
    enum status status;
    const char *message;
} wrong[] = {
    {"", STATUS_MALFORMED, PATH ": line 1, column 0: "},
    {"{\"data\":\n", STATUS_MALFORMED, PATH ": line 2, "},
    {"\xef\xbb\xbf{}", STATUS_MALFORMED, PATH ": line 1, "},
    {"\xff\xfe\x00", STATUS_MALFORMED, PATH ": line 1, "},
    {"{} {}", STATUS_MALFORMED, PATH ": line 1, "},
    {"[]", STATUS_INVALID, PATH ": line 1: $: must be an object"},
    {"null", STATUS_MALFORMED, PATH ": line 1, "},
    {"{\"data\":\"a\",\n\"data\":\"b\"}", STATUS_MALFORMED, PATH ": line 2, "},
    {"{\n\"dta\":\"a\"}", STATUS_INVALID, PATH ": line 2: $.dta: is not a known key"},
    {"{\"threads\":4,\n\n\"queue\":\"x\"}", STATUS_INVALID,
     PATH ": line 3: $.queue: must be an integer, not negative"},
    {"{\"threads\":0}", STATUS_INVALID, PATH ": line 1: $.threads: 0 is not in 1..1024"},
    {"{\"threads\":-1}", STATUS_INVALID, PATH ": line 1: $.threads: must be an integer"},
    {"{\"threads\":1.5}", STATUS_INVALID, PATH ": line 1: $.threads: must be an integer"},
    {"{\"threads\":1025}", STATUS_INVALID, PATH ": line 1: $.threads: 1025 is not in 1..1024"},
    {"{\"threads\":99999999999999999999}", STATUS_MALFORMED, PATH ": line 1, "},
    {"{\"threads\":null}", STATUS_INVALID, PATH ": line 1: $.threads: must be an integer"},
    {"{\"bodies\":\"1TB\"}", STATUS_INVALID, PATH ": line 1: $.bodies: must be a number of bytes"},
    {"{\"bodies\":1}", STATUS_INVALID, PATH ": line 1: $.bodies: 1 is not in 1048576.."},
    {"{\"keyLifetime\":\"1h\"}", STATUS_INVALID, PATH ": line 1: $.keyLifetime: 3600 is not in"},
    {"{\"drain\":\"2h\"}", STATUS_INVALID, PATH ": line 1: $.drain: 7200 is not in 0..3600"},
    {"{\"auth\":\"tokens\"}", STATUS_INVALID, PATH ": line 1: $.auth: \"tokens\" is none of token"},
    {"{\"verify\":1}", STATUS_INVALID, PATH ": line 1: $.verify: must be true or false"},
    {"{\"data\":\"\"}", STATUS_INVALID, PATH ": line 1: $.data: has 0 bytes"},
    {"{\"data\":\"a\\nb\"}", STATUS_INVALID, PATH ": line 1: $.data: byte 1 is a control"},
    {"{\"data\":\"a\\u0000b\"}", STATUS_MALFORMED, PATH ": line 1, "},
    {"{\"apps\":[]}", STATUS_INVALID, PATH ": line 1: $.apps: is empty"},
    {"{\"apps\":{}}", STATUS_INVALID, PATH ": line 1: $.apps: must be an array"},
    {"{\"apps\":[\n{}]}", STATUS_INVALID, PATH ": line 2: $.apps[0].name: is missing"},
    {"{\"apps\":[{\"name\":\"a/b\"}]}", STATUS_INVALID, PATH ": line 1: $.apps[0].name: at most"},
    {"{\"apps\":[{\"name\":\"a\",\"hosts\":[\"h\",\n\"h:80\"]}]}", STATUS_INVALID,
     PATH ": line 2: $.apps[0].hosts[1]: not the name of a host"},
    {"{\"apps\":[{\"name\":\"a\",\"hosts\":[\"h\"]},\n{\"name\":\"b\",\"useCases\":[\"u\"],\n"
     "\"hosts\":[\"h\"]}]}",
     STATUS_INVALID, PATH ": line 3: $.apps[1].hosts[0]: h is of apps[0], too"},
    {"{\"apps\":[{\"name\":\"a\"},\n{\"name\":\"b\"}]}", STATUS_INVALID,
     PATH ": line 2: $.apps[1].hosts: none, as apps[0]"},
    {"{\"apps\":[{\"name\":\"a\",\"versions\":17}]}", STATUS_INVALID,
     PATH ": line 1: $.apps[0].versions: 17 is not in 1..16"},
    {"{\"apps\":[{\"name\":\"a\",\"limits\":{\"perDay\":1}}]}", STATUS_INVALID,
     PATH ": line 1: $.apps[0].limits.perDay: is not a known key"},
    {"{\"reports\":\"r\",\n\"apps\":[{\"name\":\"a\"}]}", STATUS_INVALID,
     PATH ": line 1: $.reports: with apps"},
    {"{\"data\":[\"a\"]}", STATUS_INVALID, PATH ": line 1: $.data: must be a text"},
};

Test(config, a_database_is_no_path)
{
    struct config *config = good("{\"state\":\"postgresql://db/state\"}");
    cr_expect_str_eq(config->settings.state, "postgresql://db/state");
    config_free(config);
    config = good("{\"state\":\"states/a=b\"}");
    cr_expect_str_eq(config->settings.state, "etc/states/a=b");
    config_free(config);
}
Test(config, every_wrong_kind)
{
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct config *config;
        struct error error = {0};
        cr_expect_eq(parse(wrong[i].text, &config, &error), wrong[i].status, "%s", wrong[i].text);
        cr_expect_eq(strncmp(error.message, wrong[i].message, strlen(wrong[i].message)), 0,
                     "%s: %s", wrong[i].text, error.message);
        cr_expect_null(config);
    }
}
