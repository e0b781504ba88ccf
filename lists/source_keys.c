#include "lists/source_keys.h"

#include "base/mem.h"
#include "lists/origins_file.h"
#include "urls/rule_text.h"

#include <assert.h>

struct source_keys {
    struct key_table *made[ORIGINS_TABLE_COUNT];
    struct key_tables tables; /* the same */
    struct key_selection *selection;
};

/* One text. */
struct adding {
    struct source_keys *keys;
    const struct source_item *item;
    uint16_t number;
    const struct source_keys_sink *sink;
};

enum status source_keys_new(struct source_keys **ret, struct error *err)
{
    enum status status = STATUS_OK;
    struct source_keys *keys = mem_alloc_zeroed(1, sizeof *keys);
    if (keys == NULL)
        return error_set(err, STATUS_NOMEM, "keys: out of memory");
    for (size_t i = 0; i < ORIGINS_TABLE_COUNT && status == STATUS_OK; i++)
        status = key_table_new(&keys->made[i], err);
    keys->tables = (struct key_tables){.block = keys->made[ORIGINS_BLOCK],
                                       .allow = keys->made[ORIGINS_ALLOW],
                                       .cancel = keys->made[ORIGINS_CANCEL]};
    if (status == STATUS_OK)
        *ret = keys;
    else
        source_keys_free(keys);
    return status;
}

void source_keys_free(struct source_keys *keys)
{
    if (keys == NULL)
        return;
    key_selection_free(keys->selection);
    for (size_t i = 0; i < ORIGINS_TABLE_COUNT; i++)
        key_table_free(keys->made[i]);
    mem_free(keys);
}

/* ---- one text ---- */

static enum origins_table table_for(enum rule_action action)
{
    switch (action) {
    case RULE_ALLOW:
        return ORIGINS_ALLOW;
    case RULE_CANCEL:
        return ORIGINS_CANCEL;
    case RULE_BLOCK:
    case RULE_CANCEL_ALLOW: /* of which urls/list.h makes no key */
        break;
    }
    return ORIGINS_BLOCK;
}

static enum status on_key(void *context, const struct list_key *key, struct error *err)
{
    const struct adding *adding = context;
    const struct key_origin origin = {.source = adding->number, .line = (uint32_t)key->line};
    return key_table_add(adding->keys->made[table_for(key->action)], key->text, origin, err);
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
    enum status status = list_parser_new(options, &sink, &parser, err);
    if (status == STATUS_OK) {
        list_parser_begin(parser, adding->item->name);
        status = list_parser_text(parser, text_without_mark(text), err);
    }
    if (status == STATUS_OK)
        list_parser_take_counts(parser, ret);
    list_parser_free(parser);
    return status == STATUS_OK ? status : error_prefix(err, status, "%s", adding->item->name);
}

enum status source_keys_add(struct source_keys *keys, const struct source_set *set, size_t index,
                            const struct list_options *options, const struct source_keys_sink *sink,
                            struct source_outcome *ret, struct error *err)
{
    const struct source_item *item = source_set_item(set, index);
    struct adding adding = {.keys = keys, .item = item, .number = (uint16_t)index, .sink = sink};
    struct list_options own_options = *options;
    struct source_outcome outcome = {0};
    struct source_text text;
    assert(index < SOURCE_SET_ITEMS_MAX);
    own_options.format = item->source->format;
    own_options.reads_includes = item->source->reads_includes;
    own_options.takes_exceptions = true;
    own_options.accepts = item->source->accepts;
    own_options.is_allow_list = item->source->trust == LISTS_TRUST_ALLOW;
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

/* ---- all of them ---- */

enum status source_keys_select(struct source_keys *keys,
                               const struct key_selection_options *options,
                               const struct public_suffixes *suffixes, struct thread_pool *pool,
                               struct error *err)
{
    const struct random_source random = random_system();
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ORIGINS_TABLE_COUNT && status == STATUS_OK; i++)
        status = key_table_finish(keys->made[i], pool, err);
    if (status == STATUS_OK)
        status = key_selection_new(&keys->tables, options, suffixes, &random, pool,
                                   &keys->selection, err);
    return status;
}

const struct key_tables *source_keys_tables(const struct source_keys *keys)
{
    return &keys->tables;
}

const struct key_selection *source_keys_selection(const struct source_keys *keys)
{
    return keys->selection;
}

enum status source_keys_write_origins(const struct source_keys *keys, const struct source_set *set,
                                      const char *path, struct error *err)
{
    const size_t count = source_set_count(set);
    struct file_writer *writer = NULL;
    const char **names = mem_alloc(count, sizeof *names);
    if (names == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", path);
    for (size_t i = 0; i < count; i++)
        names[i] = source_set_item(set, i)->name;
    enum status status = file_writer_new(path, FILE_MODE_PUBLIC, &writer, err);
    if (status == STATUS_OK) {
        status = origins_file_write(writer, &keys->tables, keys->selection, names, count, err);
        if (status == STATUS_OK)
            status = file_writer_commit(writer, err);
        else
            file_writer_cancel(writer);
    }
    mem_free(names);
    return status;
}
