/* What the lists brought: sources, reasons, what was widened, what has changed. */
#include "base/quantity.h"
#include "pir-server/dataset/page_chart.h"
#include "pir-server/dataset/page_text.h"
#include "pir-server/dataset/report_page.h"
#include "pir-server/dataset/report_page_internal.h"
#include "urls/drop_reason.h"
#include "urls/rule.h"

#include <math.h>
#include <string.h>

/* ---- change ---- */

static void append_change_row(struct bytes *page, const char *what, const char *before,
                              const char *now)
{
    bytes_append_format(page,
                        "<tr><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
                        what, before, now);
}

void report_page_change(struct bytes *page, const json_t *report, const json_t *change)
{
    const json_t *prefilter = json_object_get(report, "prefilter");
    if (change == NULL)
        return;
    page_title(page, "Since the version before");
    if (json_object_get(change, "rowsAdded") != NULL)
        bytes_append_format(page, "<p>Rows: <b>%s</b> came, <b>%s</b> left.</p>\n",
                            quantity_count((uint64_t)page_number(change, "rowsAdded")).text,
                            quantity_count((uint64_t)page_number(change, "rowsRemoved")).text);
    bytes_append_text(
        page, "<div class=\"wide\"><table class=\"fit\"><tr><th></th><th class=\"n\"><code>");
    page_text(page, page_string(change, "version"));
    bytes_append_text(page, "</code></th><th class=\"n\">this version</th></tr>\n");
    append_change_row(page, "rows", quantity_count((uint64_t)page_number(change, "rows")).text,
                      quantity_count((uint64_t)page_number(report, "rows")).text);
    append_change_row(page, "prefilter", quantity_size(page_number(change, "prefilterBytes")).text,
                      quantity_size(page_number(prefilter, "bytes")).text);
    append_change_row(page, "shards", quantity_count((uint64_t)page_number(change, "shards")).text,
                      quantity_count((uint64_t)page_number(report, "shards")).text);
    bytes_append_text(page, "</table></div>\n");
}

/* ---- sources ---- */

/* The source of that name in the version before; NULL. */
static const json_t *source_before(const json_t *change, const char *name)
{
    size_t index;
    const json_t *source;
    json_array_foreach(json_object_get(change, "sources"), index, source)
    {
        if (strcmp(page_string(source, "name"), name) == 0)
            return source;
    }
    return NULL;
}

static void append_source_change(struct bytes *page, const json_t *source, const json_t *before)
{
    const double more = page_number(source, "kept") - page_number(before, "kept");
    bytes_append_text(page, "<td class=\"n\">");
    if (before == NULL)
        bytes_append_text(page, "new");
    else if (strcmp(page_string(source, "sha256"), page_string(before, "sha256")) == 0)
        bytes_append_text(page, "the same");
    else
        bytes_append_format(page, "%s%s",
                            more < 0   ? "&minus;"
                            : more > 0 ? "+"
                                       : "",
                            quantity_count((uint64_t)fabs(more)).text);
    bytes_append_text(page, "</td>");
}

/* What a bar is made of, in the order of the classes p0, p1 ... of the charts. */
enum part {
    PART_ROWS,
    PART_DROPPED,
    PART_DUPLICATES,
    PART_COVERED,
    PART_ALLOWED,
    PART_CANCELLED,
    PART_EXCEPTIONS,
    PART_COUNT
};
static const char *const part_names[PART_COUNT] = {
    [PART_ROWS] = "rows",
    [PART_DROPPED] = "dropped",
    [PART_DUPLICATES] = "named before",
    [PART_COVERED] = "covered by another row",
    [PART_ALLOWED] = "removed by an allow entry",
    [PART_CANCELLED] = "taken back by a list",
    [PART_EXCEPTIONS] = "exceptions, which block nothing themselves",
};

static void parts_of(const json_t *source, double ret[PART_COUNT])
{
    const json_t *keys = json_object_get(source, "keys");
    ret[PART_ROWS] = keys != NULL ? page_number(keys, "rows") : page_number(source, "kept");
    ret[PART_DROPPED] = page_number(source, "dropped");
    ret[PART_DUPLICATES] = page_number(keys, "duplicates");
    ret[PART_COVERED] = page_number(keys, "covered");
    ret[PART_ALLOWED] = page_number(keys, "allowed") + page_number(keys, "split");
    ret[PART_CANCELLED] = page_number(keys, "cancelled");
    ret[PART_EXCEPTIONS] = keys != NULL ? page_number(source, "exceptions") : 0;
}

static double sum_of(const double *parts)
{
    double sum = 0;
    for (size_t i = 0; i < PART_COUNT; i++)
        sum += parts[i];
    return sum;
}

/* What the colours mean, with the counts; parts that are 0 are left out. */
static void append_parts_key(struct bytes *page, const double *parts)
{
    bytes_append_text(page, "<p class=\"key\">");
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (parts[i] > 0)
            bytes_append_format(page,
                                "<span><svg viewBox=\"0 0 1 1\"><rect class=\"p%zu\" width=\"1\" "
                                "height=\"1\"/></svg>%s %s</span>",
                                i, quantity_count((uint64_t)parts[i]).text, part_names[i]);
    }
    bytes_append_text(page, "</p>\n");
}

/* Below a source's name: what it is. */
static void append_remarks(struct bytes *page, const json_t *source)
{
    const bool is_allow = strcmp(page_string(source, "trust"), "allow") == 0;
    const char *const remarks[] = {is_allow ? "allow list" : "", page_string(source, "category"),
                                   page_string(source, "license")};
    bool is_first = true;
    for (size_t i = 0; i < ARRAY_COUNT(remarks); i++) {
        if (remarks[i][0] == '\0')
            continue;
        bytes_append_text(page, is_first ? "<br><span class=\"soft\">" : " &middot; ");
        page_text(page, remarks[i]);
        is_first = false;
    }
    bytes_append_text(page, is_first ? "" : "</span>");
}

static void append_source(struct bytes *page, const json_t *source, const json_t *change,
                          double longest)
{
    double parts[PART_COUNT];
    parts_of(source, parts);
    bytes_append_text(page, "<tr><td class=\"name\"><code>");
    page_text(page, page_string(source, "name"));
    bytes_append_text(page, "</code>");
    append_remarks(page, source);
    bytes_append_text(page, "</td>");
    page_count_cell(page, page_number(source, "lines"));
    page_count_cell(page, page_number(source, "kept"));
    page_count_cell(page, page_number(source, "dropped"));
    if (change != NULL)
        append_source_change(page, source, source_before(change, page_string(source, "name")));
    bytes_append_text(page, "<td class=\"bars\">");
    page_chart_bar(page, parts, PART_COUNT, longest, "what became of its entries");
    bytes_append_text(page, "</td></tr>\n");
}

void report_page_sources(struct bytes *page, const json_t *report, const json_t *change)
{
    const json_t *sources = json_object_get(report, "sources");
    size_t index;
    const json_t *source;
    double longest = 0;
    double all[PART_COUNT] = {0};
    if (json_array_size(sources) == 0)
        return;
    json_array_foreach(sources, index, source)
    {
        double parts[PART_COUNT];
        parts_of(source, parts);
        for (size_t i = 0; i < PART_COUNT; i++)
            all[i] += parts[i];
        longest = fmax(longest, sum_of(parts));
    }
    page_title(page, "Sources, and what became of their entries");
    page_chart_bar(page, all, PART_COUNT, sum_of(all), "what became of all entries");
    append_parts_key(page, all);
    bytes_append_text(page, "<div class=\"wide\"><table><tr><th>list</th><th class=\"n\">lines</th>"
                            "<th class=\"n\">used</th><th class=\"n\">dropped</th>");
    if (change != NULL)
        bytes_append_text(page, "<th class=\"n\">change</th>");
    bytes_append_text(page, "<th class=\"bars\"></th></tr>\n");
    json_array_foreach(sources, index, source)
    {
        append_source(page, source, change, longest);
    }
    bytes_append_text(page, "</table></div>\n");
}

/* ---- what was dropped, what was widened ---- */

static void append_sample(struct bytes *page, const json_t *note)
{
    bytes_append_text(page, "<code>");
    page_text(page, page_string(note, "text"));
    bytes_append_text(page, "</code>");
    const char *key = page_string(note, "key");
    if (key[0] != '\0' && strcmp(key, page_string(note, "text")) != 0) {
        bytes_append_text(page, " as <code>");
        page_text(page, key);
        bytes_append_text(page, "</code>");
    }
    bytes_append_u8(page, ' ');
    page_place(page, page_string(note, "file"), note);
}

struct reason {
    enum drop_reason reason;
    double count;
};

/* Most first; *ret_count of them. */
static void sort_reasons(const json_t *counts, struct reason *ret, size_t *ret_count)
{
    size_t count = 0;
    for (int i = 1; i < DROP_REASON_COUNT; i++) {
        const double found = page_number(counts, drop_reason_name((enum drop_reason)i));
        size_t at = count;
        if (!(found > 0))
            continue;
        for (; at > 0 && ret[at - 1].count < found; at--)
            ret[at] = ret[at - 1];
        ret[at] = (struct reason){.reason = (enum drop_reason)i, .count = found};
        count++;
    }
    *ret_count = count;
}

void report_page_reasons(struct bytes *page, const json_t *report)
{
    const json_t *lists = json_object_get(report, "lists");
    struct reason reasons[DROP_REASON_COUNT];
    size_t count;
    sort_reasons(json_object_get(lists, "droppedFor"), reasons, &count);
    if (count == 0)
        return;
    page_title(page, "What was dropped, and why");
    bytes_append_format(page,
                        "<p>%s entries have no key that a device could ask for, or must not be "
                        "blocked. Each line opens to show samples.</p>\n",
                        quantity_count((uint64_t)page_number(lists, "dropped")).text);
    for (size_t i = 0; i < count; i++) {
        bytes_append_format(page,
                            "<details><summary><span class=\"row\"><span class=\"n\">%s</span>"
                            "<span>%s</span>",
                            quantity_count((uint64_t)reasons[i].count).text,
                            drop_reason_text(reasons[i].reason));
        page_chart_bar(page, (const double[]){0, reasons[i].count}, 2, reasons[0].count,
                       "share of the most frequent reason");
        bytes_append_text(page, "</span></summary>\n");
        page_samples(page, json_object_get(report, "drops"), "reason",
                     drop_reason_name(reasons[i].reason), append_sample);
        bytes_append_text(page, "</details>\n");
    }
}

/* Rules whose key means something else, by the way in which it does. */
static void append_differences(struct bytes *page, const json_t *counts)
{
    bytes_append_text(page, "<ul>\n");
    for (size_t i = 0; i < RULE_DIFFERENCE_COUNT; i++) {
        const double count = page_number(counts, rule_difference_names[i]);
        if (count > 0)
            bytes_append_format(page, "<li>%s rules %s</li>\n",
                                quantity_count((uint64_t)count).text, rule_difference_texts[i]);
    }
    bytes_append_text(page, "</ul>\n");
}

void report_page_widened(struct bytes *page, const json_t *report)
{
    const json_t *lists = json_object_get(report, "lists");
    const json_t *differences = json_object_get(lists, "differ");
    const double count = page_number(lists, "widened");
    if (!(count > 0) && json_object_size(differences) == 0)
        return;
    page_title(page, "What blocks more or less than its list says");
    if (json_object_size(differences) > 0)
        append_differences(page, differences);
    if (!(count > 0))
        return;
    bytes_append_format(page,
                        "<p>%s entries block more than they say: also without <code>www.</code>, a "
                        "user name or a last slash%s. For instance:</p>\n",
                        quantity_count((uint64_t)count).text,
                        json_object_size(differences) > 0 ? ", or as said above" : "");
    page_samples(page, json_object_get(report, "widened"), NULL, NULL, append_sample);
}
