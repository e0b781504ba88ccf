#include "pir-server/dataset/report_page.h"

#include "base/quantity.h"
#include "pir-server/dataset/dataset.h"
#include "pir-server/dataset/report_page_internal.h"

#include <stdio.h>

/* ---- the head ---- */

static void append_head(struct bytes *page, const json_t *report)
{
    char title[DATASET_USE_CASE_MAX_BYTES + DATASET_VERSION_BYTES + 16];
    snprintf(title, sizeof title, "%s, version %s", page_string(report, "useCase"),
             page_string(report, "version"));
    page_begin(page, title, 0);
    bytes_append_text(page, "<h1>");
    page_name(page, page_string(report, "useCase"));
    bytes_append_text(page, "</h1>\n<p class=\"soft\">Dataset version <code>");
    page_text(page, page_string(report, "version"));
    bytes_append_text(page, "</code></p>\n");
}

/* ---- the figures that matter ---- */

static void append_tiles(struct bytes *page, const json_t *report)
{
    const json_t *lists = json_object_get(report, "lists");
    const json_t *outlook = json_object_get(report, "outlook");
    const json_t *prefilter = json_object_get(report, "prefilter");
    char text[200];
    bytes_append_text(page, "<div class=\"tiles\">\n");
    snprintf(text, sizeof text, "rows, the keys that are blocked, in %.0f shard%s",
             page_number(report, "shards"), page_number(report, "shards") == 1 ? "" : "s");
    page_tile(page, quantity_count((uint64_t)page_number(report, "rows")).text, text);
    if (lists != NULL) {
        snprintf(text, sizeof text, "of %s list entries are used, %s are dropped",
                 quantity_count((uint64_t)page_number(lists, "entries")).text,
                 quantity_count((uint64_t)page_number(lists, "dropped")).text);
        page_tile(page, quantity_count((uint64_t)page_number(lists, "kept")).text, text);
    }
    snprintf(text, sizeof text, "prefilter on each device; it asks in vain for 1 of %s sub-URLs",
             quantity_about(1 / page_number(report, "expectedFalsePositiveRate")).text);
    page_tile(page, quantity_size(page_number(prefilter, "bytes")).text, text);
    snprintf(text, sizeof text, "private queries in %s page loads, %s of them in vain",
             quantity_count((uint64_t)page_number(outlook, "pageLoads")).text,
             quantity_about(page_number(outlook, "queriesInVain")).text);
    page_tile(page, quantity_about(page_number(outlook, "queries")).text, text);
    snprintf(text, sizeof text, "of %s people ask the same shard on a day, and hide each other",
             quantity_count((uint64_t)page_number(outlook, "people")).text);
    page_tile(page, quantity_about(page_number(outlook, "peopleInShard")).text, text);
    page_tile(page, quantity_about(page_number(outlook, "peopleACore")).text,
              "people can be served by one core");
    bytes_append_text(page, "</div>\n");
}

enum status report_page_format(const struct json_t *report, const struct json_t *change,
                               struct bytes *page, struct error *err)
{
    append_head(page, report);
    append_tiles(page, report);
    report_page_change(page, report, change);
    report_page_sources(page, report, change);
    report_page_overlap(page, report);
    report_page_gone(page, report);
    report_page_conflicts(page, report);
    report_page_reasons(page, report);
    report_page_widened(page, report);
    report_page_prefilter(page, report);
    report_page_costs(page, report);
    report_page_shards(page, report);
    page_end(page);
    return bytes_status(page, "report.html", err);
}
