#include "base/mem.h"
#include "pir-server/service/app.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *const hosts_a[] = {"A.example", "[0::1]"};
static const char *const hosts_b[] = {"b.example"};
static const struct app_use_case cases_a[] = {{"org.a.filtering", 0}, {"org.a.second", 5}};
static const struct app_use_case cases_b[] = {{"org.b.filtering", 0}};

static struct app_config app(const char *name)
{
    struct app_config config = app_config_default();
    config.name = name;
    return config;
}

/* Three apps: a and b by name, and the one that has what is left. */
static void make_three(struct app_config ret[3])
{
    ret[0] = app("a");
    ret[0].hosts = hosts_a;
    ret[0].host_count = 2;
    ret[0].use_cases = cases_a;
    ret[0].use_case_count = 2;
    ret[0].versions_kept = 3;
    ret[0].reports = "/reports/a";
    ret[1] = app("b");
    ret[1].hosts = hosts_b;
    ret[1].host_count = 1;
    ret[1].use_cases = cases_b;
    ret[1].use_case_count = 1;
    ret[2] = app("");
}

Test(app, who_has_what)
{
    struct app_config apps[3];
    const struct app_list *list = NULL;
    struct error error;
    unsigned versions = 0;
    make_three(apps);
    cr_assert_eq(app_list_new(apps, 3, &list, &error), STATUS_OK, "%s", error.message);
    memset(apps, 0, sizeof apps); /* it is a copy */
    cr_assert_eq(app_list_count(list), 3);
    cr_expect_str_eq(app_list_get(list, 0)->hosts[0], "a.example");
    cr_expect_str_eq(app_list_get(list, 0)->reports, "/reports/a");
    cr_expect_eq(app_list_find_host(list, "a.example"), 0);
    cr_expect_eq(app_list_find_host(list, "[::1]"), 0);
    cr_expect_eq(app_list_find_host(list, "b.example"), 1);
    cr_expect_eq(app_list_find_host(list, "c.example"), 2);
    cr_expect_eq(app_list_find_host(list, ""), 2);
    cr_expect_eq(app_list_find_name(list, "b"), 1);
    cr_expect_eq(app_list_find_name(list, "c"), APP_NONE);
    cr_expect_eq(app_list_find_use_case(list, "org.a.filtering", &versions), 0);
    cr_expect_eq(versions, 3);
    cr_expect_eq(app_list_find_use_case(list, "org.a.second", &versions), 0);
    cr_expect_eq(versions, 5);
    cr_expect_eq(app_list_find_use_case(list, "org.c.filtering", &versions), 2);
    cr_expect_eq(versions, APP_VERSIONS_KEPT);
    const struct app_list *second = app_list_ref(list);
    app_list_unref(list);
    cr_expect_eq(app_list_count(second), 3);
    app_list_unref(second);
}

Test(app, without_a_default_nobody_has_the_rest)
{
    struct app_config apps[3];
    const struct app_list *list = NULL;
    struct error error;
    unsigned versions = 0;
    make_three(apps);
    cr_assert_eq(app_list_new(apps, 2, &list, &error), STATUS_OK, "%s", error.message);
    cr_expect_eq(app_list_find_host(list, "c.example"), APP_NONE);
    cr_expect_eq(app_list_find_host(list, ""), APP_NONE);
    cr_expect_eq(app_list_find_use_case(list, "org.c.filtering", &versions), APP_NONE);
    app_list_unref(list);
}

static void expect_refused(const struct app_config *apps, size_t count, const char *start)
{
    const struct app_list *list = NULL;
    struct error error = {0};
    cr_expect_eq(app_list_new(apps, count, &list, &error), STATUS_INVALID, "%s", start);
    cr_expect_eq(strncmp(error.message, start, strlen(start)), 0, "%s", error.message);
    cr_expect(list == NULL);
}

Test(app, broken_rules_are_named_by_their_place)
{
    static const char *const same_host[] = {"x.example", "a.EXAMPLE."};
    static const char *const no_host[] = {"a.example:80"};
    static const struct app_use_case same_case[] = {{"org.b.filtering", 0}, {"org.a.filtering", 0}};
    static const struct app_use_case no_case[] = {{"../etc", 0}};
    static const struct app_use_case many[] = {{"org.b.filtering", APP_VERSIONS_MAX + 1}};
    struct app_config apps[3];
    make_three(apps);
    expect_refused(apps, 0, "apps: ");
    apps[1].hosts = same_host;
    apps[1].host_count = 2;
    expect_refused(apps, 3, "apps[1].hosts[1]: a.example is of apps[0]");
    make_three(apps);
    apps[1].hosts = no_host;
    expect_refused(apps, 3, "apps[1].hosts[0]: ");
    make_three(apps);
    apps[1].host_count = 0;
    expect_refused(apps, 3, "apps[2].hosts: ");
    make_three(apps);
    apps[1].use_cases = same_case;
    apps[1].use_case_count = 2;
    expect_refused(apps, 3, "apps[1].useCases[1]: org.a.filtering is of apps[0]");
    make_three(apps);
    apps[1].use_case_count = 0;
    expect_refused(apps, 3, "apps[2].useCases: ");
    make_three(apps);
    apps[0].use_cases = no_case;
    apps[0].use_case_count = 1;
    expect_refused(apps, 3, "apps[0].useCases[0]: ");
    make_three(apps);
    apps[1].use_cases = many;
    expect_refused(apps, 3, "apps[1].useCases[0].versions: 17 ");
    make_three(apps);
    apps[2].name = "a";
    expect_refused(apps, 3, "apps[2].name: ");
    apps[2].name = "a b";
    expect_refused(apps, 3, "apps[2].name: ");
    make_three(apps);
    apps[2].versions_kept = 0;
    expect_refused(apps, 3, "apps[2].versions: 0 ");
    make_three(apps);
    apps[2].max_age_s = APP_MAX_AGE_MAX_S + 1;
    expect_refused(apps, 3, "apps[2].maxAge: ");
    make_three(apps);
    apps[2].reports = "/reports/a";
    expect_refused(apps, 3, "apps[2].reports: ");
}

Test(app, every_allocation_may_fail)
{
    struct app_config apps[3];
    enum status status = STATUS_NOMEM;
    make_three(apps);
    for (size_t n = 1; status == STATUS_NOMEM && n < 200; n++) {
        const struct app_list *list = NULL;
        mem_fail_nth(n);
        status = app_list_new(apps, 3, &list, NULL);
        mem_fail_nth(0);
        app_list_unref(list);
    }
    cr_expect_eq(status, STATUS_OK);
}
