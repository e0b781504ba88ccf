#include "pir-server/dataset/report_page.h"

#include "base/quantity.h"
#include "pir-server/dataset/dataset.h"
#include "pir-server/dataset/page_text.h"
#include "pir-server/dataset/report_notes.h"
#include "pir-server/dataset/report_page_internal.h"
#include "pir-server/dataset/report_style.h"

#include <stdio.h>
#include <string.h>

double page_number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

const char *page_string(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

void page_count_cell(struct bytes *page, double count)
{
    bytes_append_format(page, "<td class=\"n\">%s</td>", quantity_count((uint64_t)count).text);
}

void page_title(struct bytes *page, const char *title)
{
    bytes_append_format(page, "<h2>%s</h2>\n", title);
}

void page_place(struct bytes *page, const char *list, const json_t *entry)
{
    bytes_append_text(page, "<span class=\"soft\">");
    page_text(page, list);
    bytes_append_format(page, ", line %s</span>",
                        quantity_count((uint64_t)page_number(entry, "line")).text);
}

void page_samples(struct bytes *page, const json_t *notes, const char *field, const char *value,
                  void (*append)(struct bytes *page, const json_t *note))
{
    size_t index;
    const json_t *note;
    size_t shown = 0;
    json_array_foreach(notes, index, note)
    {
        if (shown == REPORT_NOTES_SAMPLES)
            break;
        if (field != NULL && strcmp(page_string(note, field), value) != 0)
            continue;
        bytes_append_text(page, shown == 0 ? "<ul>\n<li>" : "<li>");
        append(page, note);
        bytes_append_text(page, "</li>\n");
        shown++;
    }
    bytes_append_text(page, shown > 0 ? "</ul>\n" : "");
}

/* ---- the head ---- */

/* May be broken behind its dots. */
static void append_use_case(struct bytes *page, const char *name)
{
    for (const char *dot = strchr(name, '.'); dot != NULL; dot = strchr(name, '.')) {
        char part[DATASET_USE_CASE_MAX_BYTES + 1];
        snprintf(part, sizeof part, "%.*s", (int)(dot + 1 - name), name);
        page_text(page, part);
        bytes_append_text(page, "<wbr>");
        name = dot + 1;
    }
    page_text(page, name);
}

static void append_head(struct bytes *page, const json_t *report)
{
    bytes_append_text(page,
                      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                      "style-src 'unsafe-inline'\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    page_text(page, page_string(report, "useCase"));
    bytes_append_text(page, ", version ");
    page_text(page, page_string(report, "version"));
    bytes_append_format(page, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<h1>",
                        report_style);
    append_use_case(page, page_string(report, "useCase"));
    bytes_append_text(page, "</h1>\n<p class=\"soft\">Dataset version <code>");
    page_text(page, page_string(report, "version"));
    bytes_append_text(page, "</code></p>\n");
}

/* ---- the figures that matter ---- */

static void append_tile(struct bytes *page, const char *number, const char *what)
{
    bytes_append_format(page, "<div class=\"tile\"><b>%s</b><span>%s</span></div>\n", number, what);
}

static void append_tiles(struct bytes *page, const json_t *report)
{
    const json_t *lists = json_object_get(report, "lists");
    const json_t *outlook = json_object_get(report, "outlook");
    const json_t *prefilter = json_object_get(report, "prefilter");
    char text[200];
    bytes_append_text(page, "<div class=\"tiles\">\n");
    snprintf(text, sizeof text, "rows, the keys that are blocked, in %.0f shard%s",
             page_number(report, "shards"), page_number(report, "shards") == 1 ? "" : "s");
    append_tile(page, quantity_count((uint64_t)page_number(report, "rows")).text, text);
    if (lists != NULL) {
        snprintf(text, sizeof text, "of %s list entries are used, %s are dropped",
                 quantity_count((uint64_t)page_number(lists, "entries")).text,
                 quantity_count((uint64_t)page_number(lists, "dropped")).text);
        append_tile(page, quantity_count((uint64_t)page_number(lists, "kept")).text, text);
    }
    snprintf(text, sizeof text, "prefilter on each device; it asks in vain for 1 of %s sub-URLs",
             quantity_about(1 / page_number(report, "expectedFalsePositiveRate")).text);
    append_tile(page, quantity_size(page_number(prefilter, "bytes")).text, text);
    snprintf(text, sizeof text, "private queries in %s page loads, %s of them in vain",
             quantity_count((uint64_t)page_number(outlook, "pageLoads")).text,
             quantity_about(page_number(outlook, "queriesInVain")).text);
    append_tile(page, quantity_about(page_number(outlook, "queries")).text, text);
    snprintf(text, sizeof text, "of %s people ask the same shard on a day, and hide each other",
             quantity_count((uint64_t)page_number(outlook, "people")).text);
    append_tile(page, quantity_about(page_number(outlook, "peopleInShard")).text, text);
    append_tile(page, quantity_about(page_number(outlook, "peopleACore")).text,
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
    bytes_append_text(page, "</main>\n</body>\n</html>\n");
    return bytes_status(page, "report.html", err);
}
