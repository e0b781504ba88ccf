#include "pir-server/dataset/page_parts.h"

#include "base/quantity.h"
#include "pir-server/dataset/dataset.h"
#include "pir-server/dataset/report_style.h"

#include <stdio.h>
#include <string.h>

void page_begin(struct bytes *page, const char *title, unsigned refresh_s)
{
    bytes_append_text(page,
                      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                      "style-src 'unsafe-inline'\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n");
    if (refresh_s > 0)
        bytes_append_format(page, "<meta http-equiv=\"refresh\" content=\"%u\">\n", refresh_s);
    bytes_append_text(page, "<title>");
    page_text(page, title);
    bytes_append_format(page, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n",
                        report_style);
}

void page_end(struct bytes *page)
{
    bytes_append_text(page, "</main>\n</body>\n</html>\n");
}

void page_title(struct bytes *page, const char *title)
{
    bytes_append_format(page, "<h2>%s</h2>\n", title);
}

static void tile(struct bytes *page, const char *classes, const char *number, const char *what)
{
    bytes_append_format(page, "<div class=\"%s\"><b>%s</b><span>%s</span></div>\n", classes, number,
                        what);
}

void page_tile(struct bytes *page, const char *number, const char *what)
{
    tile(page, "tile", number, what);
}

void page_bad_tile(struct bytes *page, const char *number, const char *what)
{
    tile(page, "tile bad", number, what);
}

void page_count_cell(struct bytes *page, double count)
{
    bytes_append_format(page, "<td class=\"n\">%s</td>", quantity_count((uint64_t)count).text);
}

void page_name(struct bytes *page, const char *name)
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
