#include "pir-server/dataset/report_notes.h"

#include "base/mem.h"
#include "pir-server/dataset/dataset_manifest.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#define TEXTS_MAX_BYTES ((size_t)UINT32_MAX)
#define FIRST_CAPACITY  ((size_t)256)
#define COUNT_LIMIT     (REPORT_NOTES_MAX + REPORT_NOTES_SAMPLES * DROP_REASON_COUNT)

struct report_note {
    const char *file;
    uint64_t line;
    enum drop_reason reason;
    uint32_t text;      /* where it starts in `texts`, */
    uint32_t text_size; /* and behind it */
    uint32_t key_size;  /* the key */
};

void report_notes_init(struct report_notes *notes)
{
    *notes = (struct report_notes){0};
    bytes_init(&notes->texts, TEXTS_MAX_BYTES);
}

void report_notes_deinit(struct report_notes *notes)
{
    mem_free(notes->list);
    bytes_deinit(&notes->texts);
}

/* ---- gathering ---- */

/* JSON is UTF-8 without control characters; lists hold anything. */
static void append_shown(struct bytes *texts, struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.data[i];
        bytes_append_u8(texts, c < ' ' || c >= 0x7f ? (uint8_t)'?' : c);
    }
}

static bool has_room(struct report_notes *notes, enum drop_reason reason)
{
    const bool is_sample = notes->count_for[reason] < REPORT_NOTES_SAMPLES;
    if (notes->count >= (is_sample ? COUNT_LIMIT : REPORT_NOTES_MAX))
        return false;
    if (notes->count < notes->capacity)
        return true;
    size_t larger = notes->capacity == 0 ? FIRST_CAPACITY : 2 * notes->capacity;
    if (larger > COUNT_LIMIT)
        larger = COUNT_LIMIT;
    struct report_note *moved = mem_realloc(notes->list, larger, sizeof *moved);
    if (moved == NULL)
        return false;
    notes->list = moved;
    notes->capacity = larger;
    return true;
}

static struct span start_of(struct span text)
{
    if (text.size > REPORT_NOTES_TEXT_BYTES)
        text.size = REPORT_NOTES_TEXT_BYTES;
    return text;
}

void report_notes_add(struct report_notes *notes, const struct list_place *place,
                      enum drop_reason reason, struct span key)
{
    const struct span text = start_of(place->text);
    const struct span shown_key = start_of(key);
    const size_t start = notes->texts.size;
    const bool is_kept = has_room(notes, reason);
    if (is_kept) {
        append_shown(&notes->texts, text);
        append_shown(&notes->texts, shown_key);
    }
    if (!is_kept || notes->texts.status != STATUS_OK) {
        notes->omitted++;
        return;
    }
    notes->count_for[reason]++;
    notes->list[notes->count++] = (struct report_note){.file = place->file,
                                                       .line = place->line,
                                                       .reason = reason,
                                                       .text = (uint32_t)start,
                                                       .text_size = (uint32_t)text.size,
                                                       .key_size = (uint32_t)shown_key.size};
}

/* ---- as text ---- */

/* There may be no texts at all, when every entry was empty. */
static struct span text_at(const struct report_notes *notes, size_t start, size_t size)
{
    return size > 0 ? span_part(bytes_view(&notes->texts), start, size) : span_of("", 0);
}

/* Of printable ASCII, as append_shown() leaves it. */
static void append_string(struct bytes *json, struct span text)
{
    bytes_append_u8(json, '"');
    for (size_t from = 0, at = 0; at <= text.size; at++) {
        if (at < text.size && text.data[at] != '"' && text.data[at] != '\\')
            continue;
        bytes_append(json, span_part(text, from, at - from));
        if (at < text.size)
            bytes_append_u8(json, '\\');
        from = at;
    }
    bytes_append_u8(json, '"');
}

static void append_note(const struct report_notes *notes, const struct report_note *note,
                        const char *file, struct bytes *json)
{
    bytes_append_format(json, "\n    {\"file\": %s, \"line\": %" PRIu64 ", \"text\": ", file,
                        note->line);
    append_string(json, text_at(notes, note->text, note->text_size));
    bytes_append_text(json, note->reason != DROP_NONE ? ", \"reason\": " : ", \"key\": ");
    append_string(json, note->reason != DROP_NONE
                            ? span_of_text(drop_reason_name(note->reason))
                            : text_at(notes, note->text + note->text_size, note->key_size));
    bytes_append_u8(json, '}');
}

/* As JSON, quoted (free); NULL without memory. */
static char *file_text(const char *file)
{
    json_t *name = dataset_name_json(file);
    char *text = name != NULL ? json_dumps(name, JSON_ENCODE_ANY) : NULL;
    json_decref(name);
    return text;
}

enum status report_notes_append(const struct report_notes *notes, struct bytes *json,
                                struct error *err)
{
    const char *file = NULL; /* of the note before, */
    char *shown = NULL;      /* and as JSON */
    bytes_append_u8(json, '[');
    for (size_t i = 0; i < notes->count; i++) {
        const struct report_note *note = &notes->list[i];
        if (note->file != file) {
            free(shown);
            shown = file_text(note->file);
            file = note->file;
        }
        if (shown == NULL)
            return error_set(err, STATUS_NOMEM, "report.json: out of memory");
        bytes_append_text(json, i > 0 ? "," : "");
        append_note(notes, note, shown, json);
    }
    free(shown);
    bytes_append_text(json, notes->count > 0 ? "\n  ]" : "]");
    return bytes_status(json, "report.json", err);
}

/* ---- samples ---- */

static json_t *note_json(const struct report_notes *notes, const struct report_note *note)
{
    const struct span text = text_at(notes, note->text, note->text_size);
    const struct span key = text_at(notes, note->text + note->text_size, note->key_size);
    json_t *object =
        json_pack("{s:o, s:I, s:o}", "file", dataset_name_json(note->file), "line",
                  (json_int_t)note->line, "text", json_stringn((const char *)text.data, text.size));
    json_t *why = note->reason != DROP_NONE ? json_string(drop_reason_name(note->reason))
                                            : json_stringn((const char *)key.data, key.size);
    if (object != NULL &&
        json_object_set_new(object, note->reason != DROP_NONE ? "reason" : "key", why) == 0)
        return object;
    json_decref(object);
    return NULL;
}

struct json_t *report_notes_samples(const struct report_notes *notes)
{
    size_t count_for[DROP_REASON_COUNT] = {0};
    json_t *list = json_array();
    bool good = list != NULL;
    for (size_t i = 0; i < notes->count && good; i++) {
        const struct report_note *note = &notes->list[i];
        if (count_for[note->reason]++ < REPORT_NOTES_SAMPLES)
            good = json_array_append_new(list, note_json(notes, note)) == 0;
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}
