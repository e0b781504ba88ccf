#include "pir-server/dataset/report_page.h"

#include "base/mem.h"
#include "pir-server/dataset/page_chart.h"
#include "pir-server/dataset/page_text.h"

#include <criterion/criterion.h>
#include <jansson.h>

static struct bytes page;

static void make(void)
{
    bytes_init(&page, 1 << 20);
}
static void unmake(void)
{
    bytes_deinit(&page);
}
TestSuite(report_page, .init = make, .fini = unmake);

static const char *text(void)
{
    bytes_append_u8(&page, 0);
    cr_assert_eq(page.status, STATUS_OK);
    return (const char *)page.data;
}

static const char *format(const char *json)
{
    json_t *report = json_loads(json, 0, NULL);
    cr_assert_not_null(report);
    bytes_clear(&page);
    cr_assert_eq(report_page_format(report, NULL, &page, NULL), STATUS_OK);
    json_decref(report);
    return text();
}

Test(report_page, text_of_others_is_escaped)
{
    page_text(&page, "<a href='x'>&\"\x01\x7f \xc3\xa9");
    page_text(&page, NULL);
    cr_expect_str_eq(text(), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;?? \xc3\xa9");
}

Test(report_page, what_is_not_in_the_report_is_left_out)
{
    cr_expect_null(strstr(format("{}"), "<h2>"));
    cr_expect_null(strstr(format("{\"sources\": 5, \"lists\": [], \"load\": \"x\", \"gone\": {},"
                                 " \"prefilter\": 1, \"query\": null, \"overlap\": true}"),
                          "<h2>"),
                   "nor what has another type");
}

static const char whole[] =
    "{\"useCase\": \"a.b\", \"version\": \"<v>\", \"rows\": 2000, \"shards\": 2,"
    " \"expectedFalsePositiveRate\": 0.001, \"prefilter\": {\"bytes\": 3600, \"bits\": 28800,"
    " \"hashes\": 10, \"bitsSet\": 0.5}, \"query\": {\"ms\": 2, \"sentBytes\": 1000,"
    " \"receivedBytes\": 1000, \"evaluationKeyBytes\": 5}, \"outlook\": {\"queries\": 450},"
    " \"load\": {\"rowsPerShardMean\": 1000, \"rowsPerShardMost\": 1001, \"bucketFill\": 0.6,"
    " \"shardRows\": [999, 1001]}, \"lists\": {\"dropped\": 1, \"widened\": 1, \"differ\": "
    "{\"hosts\": 3},"
    " \"droppedFor\":"
    " {\"regex\": 1}}, \"drops\": [{\"file\": \"<f>\", \"line\": 3, \"text\": \"<t>\","
    " \"reason\": \"regex\"}], \"widened\": [{\"file\": \"g\", \"line\": 4, \"text\": \"<w>\","
    " \"key\": \"<k>\"}], \"sources\": [{\"name\": \"<a>\", \"kept\": 100, \"keys\": {\"rows\": 40,"
    " \"duplicates\": 10, \"covered\": 50}}, {\"name\": \"b\", \"kept\": 50, \"trust\": \"allow\","
    " \"category\": \"<c>\", \"keys\": {\"rows\": 50}}], \"overlap\": [{\"a\": \"<a>\", \"b\":"
    " \"b\", \"keys\": 25}], \"gone\": [{\"fate\": \"covered\", \"key\": \"<x>\", \"source\":"
    " \"<s>\", \"line\": 1, \"by\": {\"key\": \"<y>\", \"source\": \"b\", \"line\": 2}}],"
    " \"conflicts\": {\"count\": 1, \"solved\": 0, \"samples\": [{\"allow\": {\"key\": \"<z>\"},"
    " \"parent\": {\"key\": \"<q>\"}, \"solved\": false}]}}";

Test(report_page, every_section)
{
    static const char *const titles[] = {"Sources",
                                         "What sources share",
                                         "What needs no row",
                                         "Allow entries below",
                                         "What was dropped",
                                         "Prefilter",
                                         "What blocks more or less",
                                         "Queries, and",
                                         "Shards"};
    static const char *const hostile[] = {"<v>", "<f>", "<t>", "<w>", "<k>", "<a>",
                                          "<c>", "<x>", "<s>", "<y>", "<z>", "<q>"};
    const char *html = format(whole);
    for (size_t i = 0; i < ARRAY_COUNT(titles); i++)
        cr_expect_not_null(strstr(html, titles[i]), "%s", titles[i]);
    for (size_t i = 0; i < ARRAY_COUNT(hostile); i++) {
        char escaped[16];
        (void)snprintf(escaped, sizeof escaped, "&lt;%c&gt;", hostile[i][1]);
        cr_expect_null(strstr(html, hostile[i]), "%s", hostile[i]);
        cr_expect_not_null(strstr(html, escaped), "%s", hostile[i]);
    }
    cr_expect_not_null(strstr(html, ">25 %<"), "a quarter of the first list is in the second,");
    cr_expect_not_null(strstr(html, ">50 %<"), "half of the second in the first");
    cr_expect_not_null(strstr(html, "10 named before"));
    cr_expect_not_null(strstr(html, "<li>3 rules "));
}

Test(report_page, every_allocation_may_fail)
{
    json_t *report = json_loads(whole, 0, NULL);
    enum status status = STATUS_NOMEM;
    for (uint64_t n = 1; status == STATUS_NOMEM && n < 100; n++) {
        bytes_deinit(&page);
        bytes_init(&page, 1 << 20);
        mem_fail_nth(n);
        status = report_page_format(report, NULL, &page, NULL);
        mem_fail_nth(0);
    }
    cr_expect_eq(status, STATUS_OK);
    json_decref(report);
}

Test(report_page, many_sources_and_a_page_too_long)
{
    json_t *sources = json_array();
    for (int i = 0; i < 40; i++) {
        char name[20];
        (void)snprintf(name, sizeof name, "list%d", i);
        json_array_append_new(sources,
                              json_pack("{s:s, s:{s:i}}", "name", name, "keys", "rows", 100 + i));
    }
    json_t *report = json_pack("{s:o, s:[{s:s, s:s, s:i}]}", "sources", sources, "overlap", "a",
                               "list39", "b", "list28", "keys", 64);
    cr_assert_eq(report_page_format(report, NULL, &page, NULL), STATUS_OK);
    const char *html = strstr(text(), "What sources share");
    cr_assert_not_null(html);
    cr_expect_null(strstr(html, "list27"), "those with the most keys are compared");
    cr_expect_not_null(strstr(html, "<td class=\"n o3\">50 %"));
    struct bytes little;
    bytes_init(&little, 1000);
    cr_expect_eq(report_page_format(report, NULL, &little, NULL), STATUS_TOO_LARGE);
    bytes_deinit(&little);
    json_decref(report);
}

/* ---- charts ---- */

Test(report_page, steps_of_axes)
{
    cr_expect_float_eq(page_chart_step(100, 5), 20, 1e-9);
    cr_expect_float_eq(page_chart_step(101, 5), 50, 1e-9);
    cr_expect_float_eq(page_chart_step(0.3, 5), 0.1, 1e-12);
    cr_expect_float_eq(page_chart_step(4000000, 5), 1000000, 1e-3);
    cr_expect_eq(page_chart_step(0, 5), 1);
}

Test(report_page, bars_fill_their_width_and_no_more)
{
    page_chart_bar(&page, (const double[]){1e9, 1, 0, 1}, 4, 1e9, "x");
    const char *html = text();
    cr_expect_not_null(strstr(html, "class=\"p0\" x=\"0.00\" width=\"100.00\""));
    cr_expect_not_null(strstr(html, "class=\"p3\" x=\"100.00\" width=\"0.00\""));
    cr_expect_null(strstr(html, "p2"));
}

Test(report_page, what_lies_outside_of_a_chart_is_moved_to_its_edge)
{
    const struct page_chart chart = {.title = "t",
                                     .x_label = "x",
                                     .y_label = "y",
                                     .x_max = 10,
                                     .y_min = 1,
                                     .y_max = 1000,
                                     .y_is_log = true};
    page_chart_begin(&page, &chart);
    page_chart_mark(&page, &chart, 1e9, -5, "here");
    page_chart_end(&page);
    const char *html = text();
    cr_expect_not_null(strstr(html, ">1,000<"));
    cr_expect_null(strstr(html, "nan"));
    cr_expect_null(strstr(html, "inf"));
}
