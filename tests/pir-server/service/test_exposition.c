#include "pir-server/service/exposition.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct bytes page;

static void set_up(void)
{
    bytes_init(&page, 65536);
}

static void tear_down(void)
{
    bytes_deinit(&page);
}

TestSuite(exposition, .init = set_up, .fini = tear_down);

static void expect(const char *text)
{
    cr_assert_eq(page.size, strlen(text), "%.*s", (int)page.size, (const char *)page.data);
    cr_assert(memcmp(page.data, text, page.size) == 0, "%.*s", (int)page.size,
              (const char *)page.data);
}

static void expect_label(const char *value, const char *written)
{
    const struct exposition_label label = {"app", value};
    char line[256];
    bytes_clear(&page);
    exposition_count(&page, "x", &label, 1, 7);
    snprintf(line, sizeof line, "x{app=\"%s\"} 7\n", written);
    expect(line);
}

Test(exposition, a_family_and_its_samples)
{
    const struct exposition_label labels[] = {{"route", "config"}, {"status", "200"}};
    exposition_family(&page, "requests_total", EXPOSITION_COUNTER, "All of them.");
    exposition_count(&page, "requests_total", labels, 2, UINT64_MAX);
    exposition_family(&page, "age", EXPOSITION_GAUGE, "How old.");
    exposition_value(&page, "age", NULL, 0, 0.5);
    expect("# HELP requests_total All of them.\n# TYPE requests_total counter\n"
           "requests_total{route=\"config\",status=\"200\"} 18446744073709551615\n"
           "# HELP age How old.\n# TYPE age gauge\nage 0.5\n");
}

Test(exposition, what_the_format_would_read_as_its_own_is_escaped)
{
    expect_label("", "");
    expect_label("a\"b\\c\nd", "a\\\"b\\\\c\\nd");
    expect_label("\"} 1\nevil 2", "\\\"} 1\\nevil 2");
    expect_label("tab\tstays", "tab\tstays");
}

Test(exposition, what_is_not_utf_8_is_a_question_mark)
{
    expect_label("Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x99\x82",
                 "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x99\x82");
    expect_label("a\xff", "a?");
    expect_label("\xc3", "?");           /* cut short */
    expect_label("\xc0\xaf", "??");      /* longer than need be */
    expect_label("\xed\xa0\x80", "???"); /* a surrogate */
    expect_label("\xf4\x90\x80\x80", "????");
    expect_label("\xe2\x82", "??");
}

Test(exposition, classes_of_a_histogram_add_up)
{
    const struct exposition_label label = {"route", "key"};
    struct histogram_figures figures = {.count = 6, .sum_us = 1500250};
    char *at = NULL;
    figures.classes[0] = 1;
    figures.classes[2] = 2;
    figures.classes[HISTOGRAM_BOUNDS] = 3;
    exposition_histogram(&page, "t", &label, 1, &figures);
    bytes_append_u8(&page, 0);
    at = (char *)page.data;
    cr_assert(strstr(at, "t_bucket{route=\"key\",le=\"0.0001\"} 1\n") == at);
    cr_assert_not_null(strstr(at, "t_bucket{route=\"key\",le=\"0.00025\"} 1\n"));
    cr_assert_not_null(strstr(at, "t_bucket{route=\"key\",le=\"0.0005\"} 3\n"));
    cr_assert_not_null(strstr(at, "t_bucket{route=\"key\",le=\"10\"} 3\n"));
    cr_assert_not_null(strstr(at, "t_bucket{route=\"key\",le=\"+Inf\"} 6\nt_sum{route=\"key\"} "
                                  "1.500250\nt_count{route=\"key\"} 6\n"));
}
