/* What the version costs: prefilter, queries, shards. */
#include "base/quantity.h"
#include "bloom/bloom.h"
#include "pir-server/dataset/dataset_outlook.h"
#include "pir-server/dataset/page_chart.h"
#include "pir-server/dataset/report_page.h"
#include "pir-server/dataset/report_page_internal.h"

#include <assert.h>
#include <math.h>

#define CURVE_POINTS 60

static_assert(OUTLOOK_PAGE_LOADS == 1000, "the words below say so");

/* ---- prefilter ---- */

#define BITS_A_ROW_MIN      5.0
#define BITS_A_ROW_USUAL    30.0
#define BITS_A_ROW_MAX      40.0
#define RATE_CHART_BEST     1e-7
#define RATE_CHART_WORST    0.1
#define QUERIES_CHART_LEAST 100
#define QUERIES_CHART_MOST  100000
#define BYTES_A_KB          1e3
#define BYTES_A_MB          1e6
#define LN_2                0.69314718055994531

/* The least rate of a filter with so many bits for each row. */
static double rate_of_bits(double bits_a_row)
{
    return exp(-bits_a_row * LN_2 * LN_2);
}

/* Where charts end; better filters are at their edge. */
static double most_bits_a_row(double bits_a_row)
{
    return fmin(fmax(BITS_A_ROW_USUAL, ceil(bits_a_row)), BITS_A_ROW_MAX);
}

static void draw_rate(struct bytes *page, double bits_a_row, double rate)
{
    const struct page_chart chart = {
        .title = "False-positive rate of the prefilter by its bits for each row",
        .x_label = "bits for each row",
        .y_label = "false-positive rate",
        .x_min = fmin(BITS_A_ROW_MIN, floor(bits_a_row)),
        .x_max = most_bits_a_row(bits_a_row),
        .y_min = rate < RATE_CHART_BEST ? RATE_CHART_BEST / 10 : RATE_CHART_BEST,
        .y_max = rate > RATE_CHART_WORST ? 1 : RATE_CHART_WORST,
        .y_is_log = true,
        .y_is_share = true};
    double points[CURVE_POINTS][2];
    for (size_t i = 0; i < CURVE_POINTS; i++) {
        points[i][0] = chart.x_min + (chart.x_max - chart.x_min) * (double)i / (CURVE_POINTS - 1);
        points[i][1] = rate_of_bits(points[i][0]);
    }
    page_chart_begin(page, &chart);
    page_chart_line(page, &chart, (const double(*)[2])points, CURVE_POINTS);
    page_chart_mark(page, &chart, bits_a_row, rate, "this version");
    page_chart_end(page);
}

/* The same filters by their size for this version's rows, and what they make devices ask. */
static void draw_queries(struct bytes *page, const json_t *report, double bits_a_row, double rate)
{
    const double rows = page_number(report, "rows");
    const double most_bits = most_bits_a_row(bits_a_row);
    const double unit = rows * most_bits / 8 >= BYTES_A_MB ? BYTES_A_MB : BYTES_A_KB;
    const double bytes_a_bit = rows / 8 / unit;
    const struct page_chart chart = {
        .title = "Queries in 1,000 page loads by the prefilter's size",
        .x_label = unit == BYTES_A_MB ? "MB on a device" : "KB on a device",
        .y_label = "queries in 1,000 page loads",
        .x_min = fmin(BITS_A_ROW_MIN, floor(bits_a_row)) * bytes_a_bit,
        .x_max = most_bits * bytes_a_bit,
        .y_min = QUERIES_CHART_LEAST,
        .y_max = rate > RATE_CHART_WORST ? 10 * QUERIES_CHART_MOST : QUERIES_CHART_MOST,
        .y_is_log = true};
    const struct pir_prediction any = {.query_ns = 1};
    double points[CURVE_POINTS][2];
    for (size_t i = 0; i < CURVE_POINTS; i++) {
        points[i][0] = chart.x_min + (chart.x_max - chart.x_min) * (double)i / (CURVE_POINTS - 1);
        points[i][1] = dataset_outlook(rate_of_bits(points[i][0] / bytes_a_bit), 1, &any).queries;
    }
    page_chart_begin(page, &chart);
    page_chart_line(page, &chart, (const double(*)[2])points, CURVE_POINTS);
    page_chart_mark(page, &chart, bits_a_row * bytes_a_bit, dataset_outlook(rate, 1, &any).queries,
                    "this version");
    page_chart_end(page);
}

void report_page_prefilter(struct bytes *page, const json_t *report)
{
    const json_t *prefilter = json_object_get(report, "prefilter");
    const double rate = page_number(report, "expectedFalsePositiveRate");
    const double rows = page_number(report, "rows");
    if (prefilter == NULL || !(rows > 0) || !(rate > 0))
        return;
    const double bits_a_row = page_number(prefilter, "bits") / rows;
    page_title(page, "Prefilter");
    bytes_append_format(
        page,
        "<p>%s, which every device fetches after an update: %s bits for each row, %.0f of them "
        "tested for each sub-URL. %.1f %% of its bits are set, so that a sub-URL that is not "
        "listed passes 1 time in %s, and is then asked for in vain.</p>\n<div "
        "class=\"charts\"><figure>",
        quantity_size(page_number(prefilter, "bytes")).text, quantity_about(bits_a_row).text,
        page_number(prefilter, "hashes"), 100 * page_number(prefilter, "bitsSet"),
        quantity_about(1 / rate).text);
    draw_rate(page, bits_a_row, rate);
    bytes_append_text(page, "</figure><figure>");
    draw_queries(page, report, bits_a_row, rate);
    bytes_append_text(page, "</figure></div>\n");
}

/* ---- queries and what they cost ---- */

static const double other_rates[] = {1e-2, 1e-3, 1e-4, 1e-5};

static struct pir_prediction prediction_of(const json_t *report)
{
    const json_t *query = json_object_get(report, "query");
    return (struct pir_prediction){.query_ns = (uint64_t)(page_number(query, "ms") * 1e6),
                                   .query_bytes = (uint64_t)page_number(query, "sentBytes"),
                                   .response_bytes = (uint64_t)page_number(query, "receivedBytes")};
}

static void append_cost_row(struct bytes *page, double bytes, double rate, bool is_here,
                            const struct dataset_outlook *outlook)
{
    bytes_append_format(page,
                        "<tr%s><td class=\"n\">1 in %s</td><td class=\"n\">%s</td>"
                        "<td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s s</td>"
                        "<td class=\"n\">%s</td></tr>\n",
                        is_here ? " class=\"here\"" : "", quantity_about(1 / rate).text,
                        quantity_size(bytes).text, quantity_about(outlook->queries).text,
                        quantity_size(outlook->sent_bytes + outlook->received_bytes).text,
                        quantity_about(outlook->server_ms / 1000).text,
                        quantity_about(outlook->people_a_core).text);
}

static void append_costs(struct bytes *page, const json_t *report)
{
    const struct pir_prediction prediction = prediction_of(report);
    const uint64_t rows = (uint64_t)page_number(report, "rows");
    const uint64_t shards = (uint64_t)page_number(report, "shards");
    const double here = page_number(report, "expectedFalsePositiveRate");
    const double bytes = page_number(json_object_get(report, "prefilter"), "bytes");
    bool is_told = false;
    bytes_append_text(page,
                      "<div class=\"wide\"><table><tr><th class=\"n\">false positives</th><th "
                      "class=\"n\">prefilter</th><th class=\"n\">queries</th><th "
                      "class=\"n\">sent and answered</th><th class=\"n\">one core</th><th "
                      "class=\"n\">people a core</th></tr>\n");
    for (size_t i = 0; i <= ARRAY_COUNT(other_rates); i++) {
        const double rate = i < ARRAY_COUNT(other_rates) ? other_rates[i] : 0;
        struct bloom_params params;
        if (!is_told && rate <= here) {
            const struct dataset_outlook outlook = dataset_outlook(here, shards, &prediction);
            append_cost_row(page, bytes, here, true, &outlook);
            is_told = true;
        }
        if (!(rate > 0) || fabs(rate / here - 1) < 0.1 ||
            bloom_params_choose(rows, rate, 0, &params) != BLOOM_OK)
            continue;
        const struct dataset_outlook outlook = dataset_outlook(rate, shards, &prediction);
        append_cost_row(page, (double)bloom_byte_count(params.bit_count), rate, false, &outlook);
    }
    bytes_append_text(page, "</table></div>\n");
}

void report_page_costs(struct bytes *page, const json_t *report)
{
    const json_t *outlook = json_object_get(report, "outlook");
    const json_t *query = json_object_get(report, "query");
    if (outlook == NULL || query == NULL)
        return;
    page_title(page, "Queries, and what they cost");
    bytes_append_format(
        page,
        "<p>In 1,000 page loads a device is expected to send %s private queries, %s of them in "
        "vain. "
        "One takes %s ms of one core, %s there and %s back; devices that send their key with each "
        "request add %s. The figures below are for 1,000 page loads, this version in bold, beside "
        "what other prefilters for the same rows would do.</p>\n",
        quantity_about(page_number(outlook, "queries")).text,
        quantity_about(page_number(outlook, "queriesInVain")).text,
        quantity_about(page_number(query, "ms")).text,
        quantity_size(page_number(query, "sentBytes")).text,
        quantity_size(page_number(query, "receivedBytes")).text,
        quantity_size(page_number(query, "evaluationKeyBytes")).text);
    append_costs(page, report);
    bytes_append_format(
        page,
        "<p class=\"soft\">Assumed: a page load brings %d URLs that the device has no answer for "
        "yet, %d sub-URLs of each that it has not tested before, and every %dth page load a listed "
        "one that it meets for the first time. A person loads %d pages a day, the busiest hour has "
        "%d times the mean, and a core is filled to %d %%. Times are the cost model's.</p>\n",
        OUTLOOK_URLS_A_PAGE, OUTLOOK_SUB_URLS_A_URL, OUTLOOK_PAGES_A_LISTED, OUTLOOK_PAGES_A_DAY,
        OUTLOOK_PEAK_OVER_MEAN, OUTLOOK_LOAD_PERCENT);
}

/* ---- shards ---- */

#define HISTOGRAM_COLUMNS 24
#define COLUMN_WIDTH      0.8 /* the rest is space */
#define ROOM_SHOWN_BELOW  2.0 /* times the fullest shard; else it would press the columns down */

static double shard_rows_at(const json_t *list, size_t index)
{
    return json_number_value(json_array_get(list, index));
}

/* One column a shard. */
static void draw_each_shard(struct bytes *page, const json_t *list, double most, double room)
{
    const size_t count = json_array_size(list);
    const bool shows_room = room < most * ROOM_SHOWN_BELOW;
    const struct page_chart chart = {.title = "Rows of each shard",
                                     .x_is_count = true,
                                     .x_label = "shard",
                                     .y_label = "rows",
                                     .x_max = (double)count - 1,
                                     .y_max = (shows_room ? room : most) * 1.05};
    struct page_chart wider = chart; /* by half a column on both sides */
    wider.x_min = -0.5;
    wider.x_max = (double)count - 0.5;
    page_chart_begin(page, &wider);
    for (size_t i = 0; i < count; i++)
        page_chart_column(page, &wider, (double)i - COLUMN_WIDTH / 2, (double)i + COLUMN_WIDTH / 2,
                          shard_rows_at(list, i));
    if (shows_room)
        page_chart_level(page, &wider, room, "room for rows");
    page_chart_end(page);
}

/* So many shards of that size. */
static void draw_histogram(struct bytes *page, const json_t *list, double least, double most)
{
    double columns[HISTOGRAM_COLUMNS] = {0};
    double highest = 0;
    const double width = fmax((most - least) / HISTOGRAM_COLUMNS, 1);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const size_t at = (size_t)((shard_rows_at(list, i) - least) / width);
        columns[at < HISTOGRAM_COLUMNS ? at : HISTOGRAM_COLUMNS - 1]++;
    }
    for (size_t i = 0; i < HISTOGRAM_COLUMNS; i++)
        highest = fmax(highest, columns[i]);
    const struct page_chart chart = {.title = "How many shards have so many rows",
                                     .x_label = "rows of a shard",
                                     .y_label = "shards",
                                     .x_min = least,
                                     .x_max = least + width * HISTOGRAM_COLUMNS,
                                     .y_max = highest * 1.05};
    page_chart_begin(page, &chart);
    for (size_t i = 0; i < HISTOGRAM_COLUMNS; i++)
        page_chart_column(page, &chart, least + width * ((double)i + (1 - COLUMN_WIDTH) / 2),
                          least + width * ((double)i + (1 + COLUMN_WIDTH) / 2), columns[i]);
    page_chart_end(page);
}

/* What a query tells, and who else asks it. */
static void append_hiding(struct bytes *page, const json_t *report, size_t shard_count)
{
    const json_t *load = json_object_get(report, "load");
    const json_t *outlook = json_object_get(report, "outlook");
    if (shard_count == 1) {
        bytes_append_format(page,
                            "<p>There is one shard: a query tells the server nothing at all of "
                            "what was asked, any of %s rows or none.</p>\n",
                            quantity_count((uint64_t)page_number(report, "rows")).text);
        return;
    }
    bytes_append_format(
        page,
        "<p>A query tells the server its shard, one of %s, and nothing else: what was asked may be "
        "any of its %s to %s rows, or none. Of %s people who ask %s times a day, %s ask a given "
        "shard on a day; each of them may be the one. Fewer shards hide more people, at dearer "
        "queries.</p>\n",
        quantity_count(shard_count).text,
        quantity_count((uint64_t)page_number(load, "rowsPerShardLeast")).text,
        quantity_count((uint64_t)page_number(load, "rowsPerShardMost")).text,
        quantity_count((uint64_t)page_number(outlook, "people")).text,
        quantity_about(page_number(outlook, "queriesADay")).text,
        quantity_about(page_number(outlook, "peopleInShard")).text);
}

void report_page_shards(struct bytes *page, const json_t *report)
{
    const json_t *load = json_object_get(report, "load");
    const json_t *list = json_object_get(load, "shardRows");
    const double most = page_number(load, "rowsPerShardMost");
    const double fill = page_number(load, "bucketFill");
    const size_t count = json_array_size(list);
    if (count == 0 || !(fill > 0))
        return;
    page_title(page, "Shards, and who hides in them");
    append_hiding(page, report, count);
    bytes_append_format(page, "<p>%.0f %% of the places for rows are taken.</p>\n<figure>",
                        100 * fill);
    if (count > REPORT_PAGE_SHARDS_MAX)
        draw_histogram(page, list, page_number(load, "rowsPerShardLeast"), most);
    else if (count > 1)
        draw_each_shard(page, list, most, page_number(load, "rowsPerShardMean") / fill);
    bytes_append_text(page, "</figure>\n");
}
