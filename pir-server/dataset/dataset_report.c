#include "pir-server/dataset/dataset_report.h"

#include "base/mem.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>

/* Objects, the first DATASET_REPORT_KEYS_MAX. */
struct samples {
    json_t *list;
    uint64_t omitted;
};

struct dataset_report {
    struct report_notes drops;
    struct report_notes widened;
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
    report_notes_init(&report->drops);
    report_notes_init(&report->widened);
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
    report_notes_deinit(&report->drops);
    report_notes_deinit(&report->widened);
    json_decref(report->gone.list);
    json_decref(report->overlap.list);
    json_decref(report->conflicts.list);
    mem_free(report);
}

void dataset_report_drop(struct dataset_report *report, const struct list_place *place,
                         enum drop_reason reason)
{
    report_notes_add(&report->drops, place, reason, span_of(NULL, 0));
}

void dataset_report_widen(struct dataset_report *report, const struct list_place *place,
                          struct span key)
{
    report_notes_add(&report->widened, place, DROP_NONE, key);
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

static bool put_samples(json_t *root, const struct dataset_report *report)
{
    if (report == NULL)
        return true;
    return put(root, "gone", json_incref(report->gone.list)) &&
           put(root, "overlap", json_incref(report->overlap.list)) &&
           put(root, "overlapOmitted", count_json(report->overlap.omitted)) &&
           put(root, "conflicts", dataset_report_conflicts_json(report)) &&
           put(root, "dropsOmitted", count_json(report->drops.omitted)) &&
           put(root, "widenedOmitted", count_json(report->widened.omitted));
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
    good = good && put_samples(root, report);
    if (!good) {
        json_decref(root);
        return error_set(err, STATUS_NOMEM, "report.json: out of memory");
    }
    *ret = root;
    return STATUS_OK;
}

/* The object is opened again behind its last field. */
enum status dataset_report_append(const struct dataset_report *report, const struct json_t *root,
                                  struct bytes *ret, struct error *err)
{
    const struct span end = span_of_text("\n}\n");
    enum status status = dataset_json_append(root, ret, err);
    if (status != STATUS_OK || report == NULL)
        return status;
    assert(span_equal(span_part(bytes_view(ret), ret->size - end.size, end.size), end));
    ret->size -= end.size;
    bytes_append_text(ret, ",\n  \"drops\": ");
    status = report_notes_append(&report->drops, ret, err);
    bytes_append_text(ret, ",\n  \"widened\": ");
    if (status == STATUS_OK)
        status = report_notes_append(&report->widened, ret, err);
    bytes_append(ret, end);
    return status == STATUS_OK ? bytes_status(ret, "report.json", err) : status;
}

enum status dataset_report_put_samples(const struct dataset_report *report, struct json_t *root,
                                       struct error *err)
{
    if (report == NULL || (put(root, "drops", report_notes_samples(&report->drops)) &&
                           put(root, "widened", report_notes_samples(&report->widened))))
        return STATUS_OK;
    return error_set(err, STATUS_NOMEM, "report: out of memory");
}
