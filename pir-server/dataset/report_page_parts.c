#include "pir-server/dataset/report_page_parts.h"

#include "base/quantity.h"
#include "pir-server/dataset/report_notes.h"

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
