#include "pir-server/dataset/dataset_report.h"

#include "base/mem.h"

#include <jansson.h>
#include <math.h>

#define TEXTS_MAX_BYTES ((size_t)UINT32_MAX)
#define NOTES_LIMIT     (DATASET_REPORT_NOTES_MAX + DATASET_REPORT_SAMPLES * DROP_REASON_COUNT)

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
    size_t count_for[DROP_REASON_COUNT];
    uint64_t omitted;
};

/* Objects, the first DATASET_REPORT_KEYS_MAX. */
struct samples {
    json_t *list;
    uint64_t omitted;
};

struct dataset_report {
    struct notes drops;
    struct notes widened;
    struct bytes texts;
    struct samples gone;
    struct samples overlap;
    struct samples conflicts;
    uint64_t conflict_count;
    uint64_t solved_count; /* of the conflicts */
};

enum status dataset_report_new(struct dataset_report **ret, struct error *err)
{
    struct dataset_report *report = mem_alloc_zeroed(1, sizeof *report);
    if (report == NULL)
        return error_set(err, STATUS_NOMEM, "report: out of memory");
    bytes_init(&report->texts, TEXTS_MAX_BYTES);
    report->gone.list = json_array();
    report->overlap.list = json_array();
    report->conflicts.list = json_array();
    if (report->gone.list == NULL || report->overlap.list == NULL ||
        report->conflicts.list == NULL) {
        dataset_report_free(report);
        return error_set(err, STATUS_NOMEM, "report: out of memory");
    }
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
    json_decref(report->gone.list);
    json_decref(report->overlap.list);
    json_decref(report->conflicts.list);
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

/* So many there may be before one of that reason is added: samples of rare reasons always fit. */
static size_t limit_of(const struct notes *notes, enum drop_reason reason)
{
    return notes->count_for[reason] < DATASET_REPORT_SAMPLES ? NOTES_LIMIT
                                                             : DATASET_REPORT_NOTES_MAX;
}

static bool has_room(struct notes *notes, enum drop_reason reason)
{
    if (notes->count >= limit_of(notes, reason))
        return false;
    if (notes->count < notes->capacity)
        return true;
    size_t larger = notes->capacity == 0 ? 256 : 2 * notes->capacity;
    if (larger > NOTES_LIMIT)
        larger = NOTES_LIMIT;
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
    const bool is_kept = has_room(notes, reason);
    if (is_kept) {
        append_shown(&report->texts, text);
        append_shown(&report->texts, key);
    }
    if (!is_kept || report->texts.status != STATUS_OK) {
        notes->omitted++;
        return;
    }
    notes->count_for[reason]++;
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

static json_t *count_json(uint64_t count)
{
    return json_integer((json_int_t)count);
}

/* ---- keys ---- */

/* Takes `sample`, which may be NULL for lack of memory. */
static void samples_add(struct samples *samples, json_t *sample)
{
    if (sample != NULL && json_array_size(samples->list) < DATASET_REPORT_KEYS_MAX &&
        json_array_append(samples->list, sample) == 0) {
        json_decref(sample);
        return;
    }
    json_decref(sample);
    samples->omitted++;
}

static json_t *place_json(const struct dataset_report_place *place)
{
    json_t *object = json_object();
    if (object != NULL &&
        put(object, "key", json_stringn((const char *)place->key.data, place->key.size)) &&
        put(object, "source", dataset_name_json(place->source)) &&
        put(object, "line", count_json(place->line)))
        return object;
    json_decref(object);
    return NULL;
}

void dataset_report_gone(struct dataset_report *report, const char *fate,
                         const struct dataset_report_place *gone,
                         const struct dataset_report_place *by)
{
    json_t *sample = place_json(gone);
    if (sample != NULL &&
        !(put(sample, "fate", json_string(fate)) && put(sample, "by", place_json(by)))) {
        json_decref(sample);
        sample = NULL;
    }
    samples_add(&report->gone, sample);
}

void dataset_report_conflict(struct dataset_report *report,
                             const struct dataset_report_place *allow,
                             const struct dataset_report_place *parent, bool is_solved)
{
    json_t *sample = json_object();
    if (sample != NULL &&
        !(put(sample, "allow", place_json(allow)) && put(sample, "parent", place_json(parent)) &&
          put(sample, "solved", json_boolean(is_solved)))) {
        json_decref(sample);
        sample = NULL;
    }
    samples_add(&report->conflicts, sample);
    report->conflict_count++;
    report->solved_count += is_solved;
}

void dataset_report_overlap(struct dataset_report *report, const char *a, const char *b,
                            uint64_t keys)
{
    json_t *sample = json_object();
    if (sample != NULL &&
        !(put(sample, "a", dataset_name_json(a)) && put(sample, "b", dataset_name_json(b)) &&
          put(sample, "keys", count_json(keys)))) {
        json_decref(sample);
        sample = NULL;
    }
    samples_add(&report->overlap, sample);
}

json_t *dataset_report_conflicts_json(const struct dataset_report *report)
{
    json_t *object = json_object();
    if (object != NULL && put(object, "count", count_json(report->conflict_count)) &&
        put(object, "solved", count_json(report->solved_count)) &&
        put(object, "samples", json_incref(report->conflicts.list)))
        return object;
    json_decref(object);
    return NULL;
}

/* ---- as JSON ---- */

static json_t *note_json(const struct dataset_report *report, const struct note *note)
{
    /* No text at all when every entry was empty. */
    const char *text = report->texts.size > 0 ? (const char *)report->texts.data + note->text : "";
    json_t *object = json_object();
    const bool good =
        object != NULL && put(object, "file", dataset_name_json(note->file)) &&
        put(object, "line", count_json(note->line)) &&
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
           put(root, "dropsOmitted", count_json(report->drops.omitted)) &&
           put(root, "widened", notes_json(report, &report->widened)) &&
           put(root, "widenedOmitted", count_json(report->widened.omitted));
}

static bool put_samples(json_t *root, const struct dataset_report *report)
{
    if (report == NULL)
        return true;
    return put(root, "gone", json_incref(report->gone.list)) &&
           put(root, "overlap", json_incref(report->overlap.list)) &&
           put(root, "overlapOmitted", count_json(report->overlap.omitted)) &&
           put(root, "conflicts", dataset_report_conflicts_json(report));
}

static json_t *keys_json(const struct dataset_source_keys *keys)
{
    json_t *object = json_object();
    if (object != NULL && put(object, "rows", count_json(keys->rows)) &&
        put(object, "duplicates", count_json(keys->duplicates)) &&
        put(object, "cancelled", count_json(keys->cancelled)) &&
        put(object, "allowed", count_json(keys->allowed)) &&
        put(object, "split", count_json(keys->split)) &&
        put(object, "covered", count_json(keys->covered)))
        return object;
    json_decref(object);
    return NULL;
}

/* What dataset.json says of a source, and all that is counted. */
static bool put_account(json_t *object, const struct dataset_source *source)
{
    json_t *counts = dataset_counts_json(&source->counts);
    const bool good =
        counts != NULL && json_object_update(object, counts) == 0 &&
        (source->trust == NULL || put(object, "trust", json_string(source->trust))) &&
        (source->category == NULL || put(object, "category", json_string(source->category))) &&
        (!source->has_keys || put(object, "keys", keys_json(&source->keys)));
    json_decref(counts);
    return good;
}

static json_t *sources_json(const struct dataset_origin *origin)
{
    json_t *list = dataset_sources_json(origin);
    bool good = list != NULL;
    for (size_t i = 0; i < origin->source_count && good; i++)
        good = put_account(json_array_get(list, i), &origin->sources[i]);
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

/* NULL unless all its fields could be put. */
static json_t *whole(json_t *object, bool good)
{
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *shard_rows_json(const struct dataset_report_facts *facts)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (uint64_t i = 0; i < facts->info->shard_count && good; i++)
        good = json_array_append_new(list, count_json(facts->shard_rows->rows[i])) == 0;
    return whole(list, good);
}

static json_t *load_json(const struct dataset_report_facts *facts)
{
    const struct dataset_load *load = facts->load;
    json_t *object = json_object();
    return whole(object, object != NULL &&
                             put(object, "rowsPerShardLeast", count_json(load->rows_least)) &&
                             put(object, "rowsPerShardMean", json_real(load->rows_mean)) &&
                             put(object, "rowsPerShardMost", count_json(load->rows_most)) &&
                             put(object, "bucketFill", json_real(load->fill)) &&
                             put(object, "shardRows", shard_rows_json(facts)));
}

static json_t *prefilter_json(const struct dataset_report_facts *facts)
{
    const struct bloom_params *params = facts->prefilter;
    const double bits_set = pow(facts->expected_rate, 1 / (double)params->hash_count);
    json_t *object = json_object();
    return whole(object,
                 object != NULL && put(object, "bytes", count_json(facts->info->prefilter_bytes)) &&
                     put(object, "bits", count_json(params->bit_count)) &&
                     put(object, "hashes", count_json(params->hash_count)) &&
                     put(object, "bitsSet", json_real(bits_set)) &&
                     put(object, "falsePositiveRate", json_real(facts->info->false_positive_rate)));
}

static json_t *query_json(const struct pir_prediction *prediction)
{
    json_t *object = json_object();
    return whole(object, object != NULL &&
                             put(object, "ms", json_real((double)prediction->query_ns / 1e6)) &&
                             put(object, "sentBytes", count_json(prediction->query_bytes)) &&
                             put(object, "receivedBytes", count_json(prediction->response_bytes)) &&
                             put(object, "evaluationKeyBytes",
                                 count_json(prediction->evaluation_key_bytes)));
}

enum status dataset_report_json(const struct dataset_report *report,
                                const struct dataset_report_facts *facts, struct json_t **ret,
                                struct error *err)
{
    const struct dataset_info *info = facts->info;
    const struct dataset_origin *origin = facts->origin;
    json_t *root = json_object();
    bool good = root != NULL && put(root, "format", json_integer(DATASET_FORMAT)) &&
                put(root, "useCase", json_string(info->use_case)) &&
                put(root, "version", json_string(info->version)) &&
                put(root, "rows", count_json(info->row_count)) &&
                put(root, "shards", count_json(info->shard_count)) &&
                put(root, "load", load_json(facts)) &&
                put(root, "expectedFalsePositiveRate", json_real(facts->expected_rate)) &&
                put(root, "prefilter", prefilter_json(facts)) &&
                put(root, "query", query_json(facts->prediction)) &&
                put(root, "outlook", dataset_outlook_json(facts->outlook)) &&
                put(root, "sources", sources_json(origin)) &&
                (origin->counts == NULL || put(root, "lists", dataset_counts_json(origin->counts)));
    good = good && put_samples(root, report) && put_notes(root, report);
    if (!good) {
        json_decref(root);
        return error_set(err, STATUS_NOMEM, "report.json: out of memory");
    }
    *ret = root;
    return STATUS_OK;
}
