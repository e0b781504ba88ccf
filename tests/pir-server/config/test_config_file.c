#include "pir-server/config/config_file.h"

#include "base/compiler.h"

#include <criterion/criterion.h>
#include <string.h>

#define PATH "etc/server.json"

static enum status parse(const char *text, struct settings *ret, struct error *err)
{
    settings_init(ret);
    return config_file_parse(PATH, span_of_text(text), ret, err);
}

Test(config_file, every_field)
{
    static const char text[] =
        "{\"data\":\"d\",\"listen\":\"[::1]:0\",\"state\":\"/s\",\"auth\":\"token\","
        "\"allowUnauthenticated\":true,\"keyFile\":\"k/f\",\"threads\":3,\"httpThreads\":4,"
        "\"queue\":5,\"connections\":6,\"connectionsPerAddress\":0,\"trustedProxies\":\"10.0.0.0/"
        "8\",\"bodies\":\"7MiB\",\"keyCache\":0,\"keyStore\":\"2GB\","
        "\"keyLifetime\":\"9d\",\"reports\":\"r\",\"reportsSize\":1048576,\"drain\":\"1m\","
        "\"verify\":true,\"headTime\":1,\"idleTime\":\"2s\","
        "\"bodyTime\":\"1m\",\"sendTime\":4,\"leastSpeed\":\"1KiB\",\"batch\":32,\"kernel\":"
        "\"ref\",\"debug\":true}";
    struct settings s;
    struct error error;
    cr_assert_eq(parse(text, &s, &error), STATUS_OK, "%s", error.message);
    cr_expect_str_eq(s.data, "etc/d");
    cr_expect_str_eq(s.http.address, "[::1]:0");
    cr_expect_str_eq(s.state, "/s");
    cr_expect(settings_have_tokens(&s));
    cr_expect(s.allow_unauthenticated && s.service.verify && s.debug);
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
    cr_expect_str_eq(s.kernel, "ref");
    settings_deinit(&s);
}

Test(config_file, what_is_absent_stays)
{
    struct settings s;
    struct settings defaults;
    struct error error;
    settings_init(&defaults);
    cr_assert_eq(parse("{}", &s, &error), STATUS_OK, "%s", error.message);
    cr_expect_eq(memcmp(&s, &defaults, sizeof s), 0);
    settings_deinit(&s);
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
    {"{\"data\":[\"a\"]}", STATUS_INVALID, PATH ": line 1: $.data: must be a text"},
};

Test(config_file, a_database_is_no_path)
{
    struct settings s;
    struct error error;
    cr_assert_eq(parse("{\"state\":\"postgresql://db/state\"}", &s, &error), STATUS_OK, "%s",
                 error.message);
    cr_expect_str_eq(s.state, "postgresql://db/state");
    settings_deinit(&s);
    cr_assert_eq(parse("{\"state\":\"states/a=b\"}", &s, &error), STATUS_OK, "%s", error.message);
    cr_expect_str_eq(s.state, "etc/states/a=b");
    settings_deinit(&s);
}
Test(config_file, every_wrong_kind)
{
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct settings s;
        struct error error = {0};
        cr_expect_eq(parse(wrong[i].text, &s, &error), wrong[i].status, "%s", wrong[i].text);
        cr_expect_eq(strncmp(error.message, wrong[i].message, strlen(wrong[i].message)), 0,
                     "%s: %s", wrong[i].text, error.message);
        settings_deinit(&s);
    }
}
