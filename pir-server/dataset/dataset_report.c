#include "pir-server/dataset/dataset_report.h"

#include "base/mem.h"

#include <jansson.h>

#define TEXTS_MAX_BYTES ((size_t)UINT32_MAX)

struct note {
    const char *file;
    uint64_t line;
    enum drop_reason reason; /* of a drop */
    uint32_t text;           /* where it starts in `texts`, */
    uint32_t text_size;      /* and behind it */
    uint32_t key_size;       /* the key of a widened entry */
};

struct notes {
    struct note *list;
    size_t count;
    size_t capacity;
    uint64_t omitted;
};

struct dataset_report {
    struct notes drops;
    struct notes widened;
    struct bytes texts;
};

enum status dataset_report_new(struct dataset_report **ret, struct error *err)
{
    struct dataset_report *report = mem_alloc_zeroed(1, sizeof *report);
    if (report == NULL)
        return error_set(err, STATUS_NOMEM, "report: out of memory");
    bytes_init(&report->texts, TEXTS_MAX_BYTES);
    *ret = report;
    return STATUS_OK;
}

void dataset_report_free(struct dataset_report *report)
{
    if (report == NULL)
        return;
    mem_free(report->drops.list);
    mem_free(report->widened.list);
    bytes_deinit(&report->texts);
    mem_free(report);
}

/* JSON is UTF-8 without control characters; lists hold anything. */
static void append_shown(struct bytes *texts, struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.data[i];
        bytes_append_u8(texts, c < ' ' || c >= 0x7f ? (uint8_t)'?' : c);
    }
}

static bool has_room(struct notes *notes)
{
    if (notes->count < notes->capacity)
        return true;
    if (notes->count == DATASET_REPORT_NOTES_MAX)
        return false;
    size_t larger = notes->capacity == 0 ? 256 : 2 * notes->capacity;
    if (larger > DATASET_REPORT_NOTES_MAX)
        larger = DATASET_REPORT_NOTES_MAX;
    struct note *moved = mem_realloc(notes->list, larger, sizeof *moved);
    if (moved == NULL)
        return false;
    notes->list = moved;
    notes->capacity = larger;
    return true;
}

static void add(struct dataset_report *report, struct notes *notes, const struct list_place *place,
                enum drop_reason reason, struct span key)
{
    struct span text = place->text;
    if (text.size > DATASET_REPORT_TEXT_BYTES)
        text.size = DATASET_REPORT_TEXT_BYTES;
    if (key.size > DATASET_REPORT_TEXT_BYTES)
        key.size = DATASET_REPORT_TEXT_BYTES;
    const size_t start = report->texts.size;
    if (has_room(notes)) {
        append_shown(&report->texts, text);
        append_shown(&report->texts, key);
    }
    if (notes->count == notes->capacity || report->texts.status != STATUS_OK) {
        notes->omitted++;
        return;
    }
    notes->list[notes->count++] = (struct note){.file = place->file,
                                                .line = place->line,
                                                .reason = reason,
                                                .text = (uint32_t)start,
                                                .text_size = (uint32_t)text.size,
                                                .key_size = (uint32_t)key.size};
}

void dataset_report_drop(struct dataset_report *report, const struct list_place *place,
                         enum drop_reason reason)
{
    add(report, &report->drops, place, reason, span_of(NULL, 0));
}

void dataset_report_widen(struct dataset_report *report, const struct list_place *place,
                          struct span key)
{
    add(report, &report->widened, place, DROP_NONE, key);
}

static bool put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

static json_t *file_json(const char *file)
{
    json_t *text = json_string(file);
    return text != NULL ? text : json_string("(name is not UTF-8)");
}

static json_t *note_json(const struct dataset_report *report, const struct note *note)
{
    /* No text at all when every entry was empty. */
    const char *text = report->texts.size > 0 ? (const char *)report->texts.data + note->text : "";
    json_t *object = json_object();
    const bool good =
        object != NULL && put(object, "file", file_json(note->file)) &&
        put(object, "line", json_integer((json_int_t)note->line)) &&
        put(object, "text", json_stringn(text, note->text_size)) &&
        (note->reason != DROP_NONE
             ? put(object, "reason", json_string(drop_reason_name(note->reason)))
             : put(object, "key", json_stringn(text + note->text_size, note->key_size)));
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *notes_json(const struct dataset_report *report, const struct notes *notes)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (size_t i = 0; i < notes->count && good; i++)
        good = json_array_append_new(list, note_json(report, &notes->list[i])) == 0;
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static bool put_notes(json_t *root, const struct dataset_report *report)
{
    if (report == NULL)
        return true;
    return put(root, "drops", notes_json(report, &report->drops)) &&
           put(root, "dropsOmitted", json_integer((json_int_t)report->drops.omitted)) &&
           put(root, "widened", notes_json(report, &report->widened)) &&
           put(root, "widenedOmitted", json_integer((json_int_t)report->widened.omitted));
}

static json_t *load_json(const struct dataset_load *load)
{
    json_t *object = json_object();
    if (object != NULL &&
        put(object, "rowsPerShardLeast", json_integer((json_int_t)load->rows_least)) &&
        put(object, "rowsPerShardMean", json_real(load->rows_mean)) &&
        put(object, "rowsPerShardMost", json_integer((json_int_t)load->rows_most)) &&
        put(object, "bucketFill", json_real(load->fill)))
        return object;
    json_decref(object);
    return NULL;
}

enum status dataset_report_format(const struct dataset_report *report,
                                  const struct dataset_info *info,
                                  const struct dataset_origin *origin,
                                  const struct dataset_load *load, double expected_rate,
                                  struct bytes *ret, struct error *err)
{
    json_t *root = json_object();
    bool good = root != NULL && put(root, "format", json_integer(DATASET_FORMAT)) &&
                put(root, "useCase", json_string(info->use_case)) &&
                put(root, "version", json_string(info->version)) &&
                put(root, "rows", json_integer((json_int_t)info->row_count)) &&
                put(root, "shards", json_integer((json_int_t)info->shard_count)) &&
                put(root, "load", load_json(load)) &&
                put(root, "expectedFalsePositiveRate", json_real(expected_rate)) &&
                put(root, "sources", dataset_sources_json(origin)) &&
                (origin->counts == NULL || put(root, "lists", dataset_counts_json(origin->counts)));
    good = good && put_notes(root, report);
    const enum status status = good ? dataset_json_append(root, ret, err)
                                    : error_set(err, STATUS_NOMEM, "report.json: out of memory");
    json_decref(root);
    return status;
}
