#include "pir-server/service/route.h"

#include <criterion/criterion.h>
#include <string.h>

Test(route, table)
{
    static const struct {
        enum http_method method;
        const char *target;
        enum route route;
    } cases[] = {
        {HTTP_POST, "/config", ROUTE_CONFIG},
        {HTTP_POST, "/config/", ROUTE_CONFIG},
        {HTTP_POST, "//config//", ROUTE_CONFIG},
        {HTTP_POST, "/config?x=/y", ROUTE_CONFIG},
        {HTTP_POST, "/co%6Efig", ROUTE_CONFIG},
        {HTTP_GET, "/config", ROUTE_CONFIG_PUBLIC},
        {HTTP_HEAD, "/config", ROUTE_NONE},
        {HTTP_OTHER, "/config", ROUTE_NONE},
        {HTTP_POST, "/Config", ROUTE_NONE},
        {HTTP_POST, "/config/x", ROUTE_NONE},
        {HTTP_POST, "/config%00", ROUTE_NONE},
        {HTTP_POST, "/config%2f", ROUTE_NONE},
        {HTTP_POST, "/key", ROUTE_KEY},
        {HTTP_GET, "/key", ROUTE_NONE},
        {HTTP_POST, "/report", ROUTE_REPORT},
        {HTTP_GET, "/report", ROUTE_NONE},
        {HTTP_POST, "/issue", ROUTE_ISSUE},
        {HTTP_GET, "/issue", ROUTE_NONE},
        {HTTP_GET, "/token-key-for-user-token", ROUTE_TOKEN_KEY},
        {HTTP_GET, "/.well-known/private-token-issuer-directory", ROUTE_ISSUER_DIRECTORY},
        {HTTP_POST, "/.well-known/private-token-issuer-directory", ROUTE_NONE},
        {HTTP_GET, "/.well-known/private-token-issuer-directory/x", ROUTE_NONE},
        {HTTP_GET, "/.well-known", ROUTE_NONE},
        {HTTP_POST, "/queries", ROUTE_QUERIES},
        {HTTP_GET, "/healthz", ROUTE_HEALTH},
        {HTTP_HEAD, "/healthz", ROUTE_HEALTH},
        {HTTP_POST, "/healthz", ROUTE_NONE},
        {HTTP_GET, "/", ROUTE_NONE},
        {HTTP_GET, "", ROUTE_NONE},
        {HTTP_GET, "*", ROUTE_NONE},
        {HTTP_GET, "/prefilter", ROUTE_NONE},
        {HTTP_GET, "/prefilter/.json", ROUTE_NONE},
        {HTTP_GET, "/prefilter/a/b/c.bloom", ROUTE_NONE},
        {HTTP_GET, "/prefilter/a/.bloom", ROUTE_NONE},
        {HTTP_GET, "/prefilter/a.bloom", ROUTE_NONE},
        {HTTP_GET, "/prefilter/../etc/passwd", ROUTE_NONE},
        {HTTP_POST, "/prefilter/a.json", ROUTE_NONE},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct route_match match;
        route_find(cases[i].method, cases[i].target, &match);
        cr_expect_eq(match.route, cases[i].route, "%s -> %s", cases[i].target,
                     route_name(match.route));
    }
}

Test(route, prefilter_parts)
{
    struct route_match match;
    route_find(HTTP_GET, "/prefilter/com.example.app.url.filtering.json", &match);
    cr_assert_eq(match.route, ROUTE_PREFILTER_MANIFEST);
    cr_assert_str_eq(match.use_case, "com.example.app.url.filtering");
    route_find(HTTP_HEAD, "/prefilter/com.example/00ff.bloom/", &match);
    cr_assert_eq(match.route, ROUTE_PREFILTER_BITS);
    cr_assert_str_eq(match.use_case, "com.example");
    cr_assert_str_eq(match.tag, "00ff");
    route_find(HTTP_GET, "/prefilter/a%2fb.json", &match);
    cr_assert_eq(match.route, ROUTE_NONE);
}

Test(route, long_components_match_nothing)
{
    char target[2000] = "/prefilter/";
    memset(target + 11, 'a', 1000);
    strcpy(target + 1011, ".json");
    struct route_match match;
    route_find(HTTP_GET, target, &match);
    cr_assert_eq(match.route, ROUTE_NONE);
}
