/* What became of keys: those that sources share, those that are no rows, allow entries in vain. */
#include "base/quantity.h"
#include "pir-server/dataset/page_text.h"
#include "pir-server/dataset/report_page.h"
#include "pir-server/dataset/report_page_internal.h"

#include <math.h>
#include <string.h>

/* ---- overlap ---- */

#define SHADES      4      /* classes o1 .. o4 of the style */
#define SHARE_SHOWN 0.001  /* less is told as less than this */
#define SHARE_WHOLE 0.0995 /* from here on, without decimals */

/* Entries of a source that name keys to be blocked. */
static double keys_of(const json_t *source)
{
    const char *name;
    json_t *count;
    double sum = 0;
    json_object_foreach(json_object_get(source, "keys"), name, count)
    {
        sum += json_number_value(count);
    }
    return sum;
}

static bool is_pair(const json_t *pair, const char *a, const char *b)
{
    return strcmp(page_string(pair, "a"), a) == 0 && strcmp(page_string(pair, "b"), b) == 0;
}

static double shared(const json_t *overlap, const char *a, const char *b)
{
    size_t index;
    const json_t *pair;
    json_array_foreach(overlap, index, pair)
    {
        if (is_pair(pair, a, b) || is_pair(pair, b, a))
            return page_number(pair, "keys");
    }
    return 0;
}

/* The sources with the most keys, in the order of the report. */
static size_t choose_sources(const json_t *sources, const json_t **ret)
{
    size_t count = 0;
    size_t index;
    const json_t *source;
    json_array_foreach(sources, index, source)
    {
        if (!(keys_of(source) > 0))
            continue;
        ret[count++] = source;
        if (count <= REPORT_PAGE_SOURCES_MAX)
            continue;
        size_t least = 0;
        for (size_t i = 1; i < count; i++)
            least = keys_of(ret[i]) < keys_of(ret[least]) ? i : least;
        memmove(ret + least, ret + least + 1, (count - least - 1) * sizeof *ret);
        count--;
    }
    return count;
}

static void append_shared_cell(struct bytes *page, double share)
{
    const int shade = share > 0 ? 1 + (int)(share * SHADES) : 0;
    if (shade == 0)
        bytes_append_text(page, "<td class=\"n\"></td>");
    else
        bytes_append_format(page, "<td class=\"n o%d\">%s%.*f %%</td>",
                            shade < SHADES ? shade : SHADES, share < SHARE_SHOWN ? "&lt; " : "",
                            share < SHARE_WHOLE ? 1 : 0, 100 * fmax(share, SHARE_SHOWN));
}

void report_page_overlap(struct bytes *page, const json_t *report)
{
    const json_t *overlap = json_object_get(report, "overlap");
    const json_t *sources[REPORT_PAGE_SOURCES_MAX + 1];
    const size_t count = choose_sources(json_object_get(report, "sources"), sources);
    if (json_array_size(overlap) == 0 || count < 2)
        return;
    page_title(page, "What sources share");
    bytes_append_text(
        page, "<p>Of the entries of each list, how many name keys that another list "
              "has, too.</p>\n<div class=\"wide\"><table class=\"fit\"><tr><th></th><th>list</th>");
    for (size_t i = 0; i < count; i++)
        bytes_append_format(page, "<th class=\"n\">%zu</th>", i + 1);
    bytes_append_text(page, "</tr>\n");
    for (size_t i = 0; i < count; i++) {
        bytes_append_format(page, "<tr><td class=\"n\">%zu</td><td class=\"name\"><code>", i + 1);
        page_text(page, page_string(sources[i], "name"));
        bytes_append_text(page, "</code></td>");
        for (size_t j = 0; j < count; j++)
            append_shared_cell(page, i == j ? 0
                                            : shared(overlap, page_string(sources[i], "name"),
                                                     page_string(sources[j], "name")) /
                                                  keys_of(sources[i]));
        bytes_append_text(page, "</tr>\n");
    }
    bytes_append_text(page, "</table></div>\n");
}

/* ---- keys that are no rows ---- */

static const struct fate {
    const char *name;  /* in `gone` */
    const char *field; /* in `keys` of a source */
    const char *text;
} fates[] = {
    {"duplicate", "duplicates", "named before, by the same list or another one"},
    {"covered", "covered", "covered: another row blocks all that it would"},
    {"allowed", "allowed", "removed by an allow entry"},
    {"split", "split", "split: gave way to an allow entry below it"},
    {"cancelled", "cancelled", "taken back by a list ($badfilter)"},
};

/* Without the key when it is that of `known`. */
static void append_place(struct bytes *page, const json_t *place, const json_t *known)
{
    const char *key = page_string(place, "key");
    if (known == NULL || strcmp(key, page_string(known, "key")) != 0) {
        bytes_append_text(page, "<code>");
        page_text(page, key);
        bytes_append_text(page, "</code> ");
    }
    page_place(page, page_string(place, "source"), place);
}

static void append_gone_sample(struct bytes *page, const json_t *sample)
{
    append_place(page, sample, NULL);
    bytes_append_text(page, " by ");
    append_place(page, json_object_get(sample, "by"), sample);
}

void report_page_gone(struct bytes *page, const json_t *report)
{
    double counts[ARRAY_COUNT(fates)] = {0};
    double sum = 0;
    size_t index;
    const json_t *source;
    json_array_foreach(json_object_get(report, "sources"), index, source)
    {
        for (size_t i = 0; i < ARRAY_COUNT(fates); i++) {
            const double count = page_number(json_object_get(source, "keys"), fates[i].field);
            counts[i] += count;
            sum += count;
        }
    }
    if (!(sum > 0))
        return;
    page_title(page, "What needs no row");
    bytes_append_format(page,
                        "<p>%s entries are understood, but become no row. Fewer rows are cheaper "
                        "queries.</p>\n",
                        quantity_count((uint64_t)sum).text);
    for (size_t i = 0; i < ARRAY_COUNT(fates); i++) {
        if (!(counts[i] > 0))
            continue;
        bytes_append_format(page,
                            "<details><summary><span class=\"row\"><span class=\"n\">%s</span>"
                            "<span>%s</span></span></summary>\n",
                            quantity_count((uint64_t)counts[i]).text, fates[i].text);
        page_samples(page, json_object_get(report, "gone"), "fate", fates[i].name,
                     append_gone_sample);
        bytes_append_text(page, "</details>\n");
    }
}

/* ---- conflicts ---- */

static void append_conflict(struct bytes *page, const json_t *sample)
{
    append_place(page, json_object_get(sample, "allow"), NULL);
    bytes_append_text(page, json_is_true(json_object_get(sample, "solved")) ? " stands instead of "
                                                                            : " stays blocked by ");
    append_place(page, json_object_get(sample, "parent"), NULL);
}

void report_page_conflicts(struct bytes *page, const json_t *report)
{
    const json_t *conflicts = json_object_get(report, "conflicts");
    const double count = page_number(conflicts, "count");
    const double solved = page_number(conflicts, "solved");
    if (!(count > 0))
        return;
    page_title(page, "Allow entries below a blocked key");
    bytes_append_format(page,
                        "<p>Devices know no answer &ldquo;allowed&rdquo;: an entry below a blocked "
                        "key has no effect. Of %s such pairs %s are solved, by splitting the "
                        "blocked key.</p>\n",
                        quantity_count((uint64_t)count).text,
                        quantity_count((uint64_t)solved).text);
    page_samples(page, json_object_get(conflicts, "samples"), NULL, NULL, append_conflict);
}
