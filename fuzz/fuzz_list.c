/* List lines: every byte string ends as a key, a drop or a comment, and the counts add up. */
#include "urls/list.h"
#include "urls/list_includes.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t kept;
    uint64_t dropped;
    uint64_t widened;
};

static enum status on_key(void *context, const struct list_key *key, struct error *err)
{
    (void)err;
    struct seen *seen = context;
    seen->kept++;
    for (size_t i = 0; i < key->text.size; i++) {
        if (key->text.data[i] <= ' ' || key->text.data[i] >= 0x7f || key->text.data[i] == '*')
            abort();
    }
    return STATUS_OK;
}

static void on_drop(void *context, const struct list_place *place, enum drop_reason reason)
{
    struct seen *seen = context;
    seen->dropped++;
    if (reason == DROP_NONE || place->line == 0)
        abort();
}

static void on_widen(void *context, const struct list_place *place, struct span key)
{
    struct seen *seen = context;
    (void)place;
    (void)key;
    seen->widened++;
}

static enum status on_include(void *context, uint64_t line, struct span name, struct error *err)
{
    (void)context;
    (void)err;
    if (line == 0 || (list_include_is_below(name) && name.size == 0))
        abort();
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen seen = {0};
    if (list_includes_each(span_of(data, size), on_include, NULL, NULL) != STATUS_OK)
        abort();
    const struct list_sink sink = {
        .context = &seen, .key = on_key, .drop = on_drop, .widen = on_widen};
    struct list_parser *parser = NULL;
    if (list_parser_new(NULL, &sink, &parser, NULL) != STATUS_OK)
        return 0;
    list_parser_begin(parser, "fuzz");
    uint64_t lines = 0;
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        const size_t stop = end != NULL ? (size_t)(end - data) : size;
        if (list_parser_line(parser, span_of(data + at, stop - at), NULL) != STATUS_OK)
            abort();
        lines++;
        at = stop + 1;
    }
    const struct list_counts *counts = list_parser_counts(parser);
    if (counts->lines != lines || counts->kept != seen.kept || counts->dropped != seen.dropped ||
        counts->widened != seen.widened || counts->entries != seen.kept + seen.dropped ||
        counts->lines + counts->further != counts->comments + counts->entries)
        abort();
    list_parser_free(parser);
    return 0;
}
