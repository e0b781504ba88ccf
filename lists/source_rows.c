#include "lists/source_rows.h"

static const uint8_t byte_order_mark[3] = {0xef, 0xbb, 0xbf};

struct adding {
    const struct source_item *item;
    const struct source_rows_sink *sink;
    struct row_set *rows;
};

enum status source_rows_check(const struct lists_config *config, struct error *err)
{
    for (size_t i = 0; i < config->source_count; i++) {
        const struct lists_source *source = &config->sources[i];
        if (source->trust == LISTS_TRUST_ALLOW)
            return error_set(err, STATUS_UNSUPPORTED,
                             "%s.trust: \"allow\" cannot be compiled yet: nothing would be "
                             "taken away from what the others block",
                             source->place);
        if (source->format == LIST_FORMAT_ROWS)
            return error_set(err, STATUS_UNSUPPORTED, "%s.format: \"rows\" cannot be compiled yet",
                             source->place);
    }
    return STATUS_OK;
}

static enum status on_key(void *context, struct span key, struct error *err)
{
    struct adding *adding = context;
    return row_set_add(adding->rows, key, err);
}

static enum status on_entry(void *context, struct span entry, bool *ret, struct error *err)
{
    const struct adding *adding = context;
    return entry_filter_keeps(adding->item->source->filter, entry, ret, err);
}

static void on_drop(void *context, const struct list_place *place, enum drop_reason reason)
{
    const struct adding *adding = context;
    if (adding->sink->drop != NULL)
        adding->sink->drop(adding->sink->context, place, reason);
}

static void on_widen(void *context, const struct list_place *place, struct span key)
{
    const struct adding *adding = context;
    if (adding->sink->widen != NULL)
        adding->sink->widen(adding->sink->context, place, key);
}

static enum status read_text(struct adding *adding, struct span text,
                             const struct list_options *options, struct list_counts *ret,
                             struct error *err)
{
    const bool takes_all = entry_filter_is_empty(adding->item->source->filter);
    const struct list_sink sink = {.context = adding,
                                   .key = on_key,
                                   .keeps = takes_all ? NULL : on_entry,
                                   .drop = on_drop,
                                   .widen = on_widen};
    struct list_parser *parser = NULL;
    if (span_starts_with(text, span_of(byte_order_mark, sizeof byte_order_mark)))
        text = span_part(text, sizeof byte_order_mark, text.size - sizeof byte_order_mark);
    enum status status = list_parser_new(options, &sink, &parser, err);
    if (status == STATUS_OK) {
        list_parser_begin(parser, adding->item->name);
        status = list_parser_text(parser, text, err);
    }
    if (status == STATUS_OK)
        list_parser_take_counts(parser, ret);
    list_parser_free(parser);
    return status == STATUS_OK ? status : error_prefix(err, status, "%s", adding->item->name);
}

enum status source_rows_add(const struct source_set *set, size_t index,
                            const struct list_options *options, const struct source_rows_sink *sink,
                            struct row_set *rows, struct source_outcome *ret, struct error *err)
{
    const struct source_item *item = source_set_item(set, index);
    struct adding adding = {.item = item, .sink = sink, .rows = rows};
    struct list_options own_options = *options;
    own_options.format = item->source->format;
    struct source_outcome outcome = {0};
    struct source_text text;
    if (item->state == SOURCE_FAILED)
        return error_set(err, STATUS_NOT_FOUND, "%s", item->why.message);
    enum status status = source_set_text(set, index, &text, err);
    if (status != STATUS_OK)
        return status;
    outcome.bytes = text.bytes;
    memcpy(outcome.digest, text.digest, sizeof outcome.digest);
    status = read_text(&adding, text.text, &own_options, &outcome.counts, err);
    source_text_deinit(&text);
    if (status == STATUS_OK)
        *ret = outcome;
    return status;
}
