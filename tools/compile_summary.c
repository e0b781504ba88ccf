#include "tools/compile_summary.h"

#include "base/quantity.h"
#include "tools/shape_summary.h"
#include "tools/tool_signing.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static const char *const phase_names[DATASET_PHASE_COUNT] = {
    [DATASET_PHASE_KEYS] = "keys",       [DATASET_PHASE_ROWS] = "rows",
    [DATASET_PHASE_SHARDS] = "shards",   [DATASET_PHASE_PREFILTER] = "prefilter",
    [DATASET_PHASE_DIGESTS] = "digests", [DATASET_PHASE_PUBLISH] = "publishing",
};

uint64_t compile_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

/* What it means for people in everyday use, as dataset_outlook.h assumes it. */
static void print_outlook(const struct dataset_outlook *outlook)
{
    printf("  %-10s %s private queries in 1,000 page loads, %s of them in vain\n", "queries",
           quantity_about(outlook->queries).text, quantity_about(outlook->queries_in_vain).text);
    printf("  %-10s %s s of one core, %s sent and answered; a core serves %s people\n", "",
           quantity_about(outlook->server_ms / 1000).text,
           quantity_size(outlook->sent_bytes + outlook->received_bytes).text,
           quantity_about(outlook->people_a_core).text);
    printf("  %-10s %s of 1,000 people ask the same shard on a day\n", "hidden",
           quantity_about(outlook->people_in_shard).text);
}

static void print_shape(const struct dataset_summary *summary)
{
    char fill[SHAPE_SUMMARY_MORE_BYTES];
    (void)snprintf(fill, sizeof fill, ", %.0f %% full", 100.0 * summary->load.fill);
    shape_summary_print(&summary->parameters, &summary->prediction, fill,
                        summary->kept_shape  ? ": as before"
                        : summary->kept_keys ? ": new, for the keys that devices have"
                                             : ": new");
}

static void symmetric_key_hex(const struct pir_parameters *parameters,
                              char ret[2 * PIR_SYMMETRIC_KEY_BYTES + 1])
{
    for (size_t i = 0; i < PIR_SYMMETRIC_KEY_BYTES; i++)
        (void)snprintf(ret + 2 * i, 3, "%02x", parameters->symmetric_public_key[i]);
}

static void print_symmetric(const struct dataset_summary *summary)
{
    char hex[2 * PIR_SYMMETRIC_KEY_BYTES + 1];
    if (!summary->parameters.is_symmetric)
        return;
    symmetric_key_hex(&summary->parameters, hex);
    printf("  %-10s devices learn only the rows that they ask for; public key %.16s...\n",
           "symmetric", hex);
    printf("  %-10s %" PRIu64 " rows keyed, %" PRIu64 " as in the version before\n", "",
           summary->rows_keyed, summary->info.row_count - summary->rows_keyed);
}

/* What was made, and in what time. */
static void print_work(const struct compile_summary *compile)
{
    const struct dataset_summary *summary = &compile->dataset;
    if (summary->is_updated)
        printf("  %-10s from the version before: %" PRIu64 " rows came, %" PRIu64 " left; %" PRIu64
               " plaintexts rewritten, %" PRIu64 " shards linked\n",
               "build", summary->update.rows_added, summary->update.rows_removed,
               summary->update.plaintexts, summary->update.shards_linked);
    else
        printf("  %-10s full, because %s\n", "build", summary->full_reason);
    printf("  %-10s reading %.2f s", "time", seconds(compile->reading_ns));
    for (size_t i = 0; i < DATASET_PHASE_COUNT; i++)
        printf(", %s %.2f s", phase_names[i], seconds(summary->phase_ns[i]));
    printf("\n");
}

void compile_summary_warn(const struct compile_summary *compile)
{
    const struct dataset_info *info = &compile->dataset.info;
    if (compile->dataset.has_other_parsing)
        fprintf(stderr,
                "blindlist: warning: this version is for devices with the parsing configuration "
                "%.16s, the one before was for another: devices that still have that one allow "
                "URLs that are listed\n",
                info->parsing[0] != '\0' ? info->parsing : "default");
    if (compile->dataset.has_other_signer)
        tool_signing_warn(info->prefilter_public_key);
}

static void print_load(uint64_t shard_count, const struct dataset_load *load)
{
    printf("  %-10s %" PRIu64 " of %" PRIu64, "shards", shard_count, load->rows_least);
    if (load->rows_most > load->rows_least)
        printf(" to %" PRIu64, load->rows_most);
    printf(" %s\n", load->rows_most == 1 ? "row" : "rows");
}

void compile_summary_print(const struct compile_summary *compile)
{
    const struct dataset_summary *summary = &compile->dataset;
    const struct dataset_info *info = &summary->info;
    const struct list_counts *counts = &compile->counts;
    printf("%s version %s%s\n", info->use_case, info->version,
           summary->is_unchanged ? " (unchanged)" : "");
    printf("  %-10s %" PRIu64 " (%" PRIu64 " comments and empty)\n", "lines", counts->lines,
           counts->comments);
    printf("  %-10s %" PRIu64 " of %" PRIu64 " entries\n", "kept", counts->kept, counts->entries);
    if (counts->widened > 0)
        printf("  %-10s %" PRIu64 " %s\n", "widened", counts->widened,
               counts->widened == 1 ? "key blocks more than its entry"
                                    : "keys block more than their entries");
    for (size_t i = 0; i < RULE_DIFFERENCE_COUNT; i++) {
        if (counts->differ[i] > 0)
            printf("  %10" PRIu64 " rules %s\n", counts->differ[i], rule_difference_texts[i]);
    }
    if (counts->dropped > 0)
        printf("  %-10s %" PRIu64 "\n", "dropped", counts->dropped);
    for (int i = 1; i < DROP_REASON_COUNT; i++) {
        if (counts->dropped_for[i] > 0)
            printf("  %10" PRIu64 " %s\n", counts->dropped_for[i],
                   drop_reason_text((enum drop_reason)i));
    }
    printf("  %-10s %" PRIu64 " distinct, with the test row\n", "rows", info->row_count);
    if (info->parsing[0] != '\0')
        printf("  %-10s for devices with the parsing configuration %.16s...\n", "", info->parsing);
    summary_print_size("rows.txt", summary->rows_bytes, "");
    summary_print_size("prefilter", info->prefilter_bytes, "");
    printf("  %-10s one of %.0f other sub-URLs asks in vain\n", "", 1.0 / summary->expected_rate);
    if (info->prefilter_public_key[0] != '\0')
        printf("  %-10s signed by %s\n", "", info->prefilter_public_key);
    print_load(info->shard_count, &summary->load);
    print_outlook(&summary->outlook);
    print_shape(summary);
    print_symmetric(summary);
    summary_print_size("PIR data", summary->shard_bytes, "");
    print_work(compile);
    printf("  %-10s %s/%s/%s\n", "folder", compile->data, info->use_case, info->version);
    if (!summary->is_unchanged)
        printf("  %-10s report.html in that folder\n", "report");
}

static json_t *numbers(const uint64_t *values, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count && array != NULL; i++)
        if (json_array_append_new(array, json_count(values[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

static json_t *build_json(const struct dataset_summary *summary)
{
    json_t *object = json_object();
    const bool good =
        object != NULL && json_put(object, "isFull", json_boolean(!summary->is_updated)) &&
        (summary->is_updated
             ? json_put(object, "rowsAdded", json_count(summary->update.rows_added)) &&
                   json_put(object, "rowsRemoved", json_count(summary->update.rows_removed)) &&
                   json_put(object, "plaintextsRewritten",
                            json_count(summary->update.plaintexts)) &&
                   json_put(object, "shardsLinked", json_count(summary->update.shards_linked))
             : json_put(object, "reason", json_string(summary->full_reason)));
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *times_json(const struct compile_summary *compile)
{
    json_t *object = json_object();
    bool good =
        object != NULL && json_put(object, "reading", json_real(seconds(compile->reading_ns)));
    for (size_t i = 0; i < DATASET_PHASE_COUNT && good; i++)
        good = json_put(object, phase_names[i], json_real(seconds(compile->dataset.phase_ns[i])));
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static bool put_symmetric(json_t *root, const struct dataset_summary *summary)
{
    char hex[2 * PIR_SYMMETRIC_KEY_BYTES + 1];
    symmetric_key_hex(&summary->parameters, hex);
    return json_put(root, "symmetricPublicKey", json_string(hex)) &&
           json_put(root, "rowsKeyed", json_count(summary->rows_keyed));
}

struct json_t *compile_summary_json(const struct compile_summary *compile)
{
    const struct dataset_summary *summary = &compile->dataset;
    const struct dataset_info *info = &summary->info;
    const struct pir_parameters *parameters = &summary->parameters;
    json_t *root = json_object();
    if (root != NULL && json_put(root, "useCase", json_string(info->use_case)) &&
        json_put(root, "version", json_string(info->version)) &&
        json_put(root, "changed", json_boolean(!summary->is_unchanged)) &&
        json_put(root, "lists", dataset_counts_json(&compile->counts)) &&
        json_put(root, "rows", json_count(info->row_count)) &&
        (info->parsing[0] == '\0' || json_put(root, "parsingSha256", json_string(info->parsing))) &&
        json_put(root, "rowsBytes", json_count(summary->rows_bytes)) &&
        json_put(root, "prefilterBytes", json_count(info->prefilter_bytes)) &&
        (info->prefilter_public_key[0] == '\0' ||
         json_put(root, "prefilterPublicKey", json_string(info->prefilter_public_key))) &&
        json_put(root, "expectedFalsePositiveRate", json_real(summary->expected_rate)) &&
        json_put(root, "murmurSeed", json_count(info->murmur_seed)) &&
        json_put(root, "shards", json_count(info->shard_count)) &&
        json_put(root, "keptShape", json_boolean(summary->kept_shape)) &&
        json_put(root, "keptKeys", json_boolean(summary->kept_keys)) &&
        json_put(root, "rowsPerShardLeast", json_count(summary->load.rows_least)) &&
        json_put(root, "rowsPerShardMost", json_count(summary->load.rows_most)) &&
        json_put(root, "hashFunctions", json_count(parameters->hash_function_count)) &&
        json_put(root, "bucketsPerTable", json_count(parameters->entry_count)) &&
        json_put(root, "bucketBytes", json_count(parameters->entry_bytes)) &&
        json_put(root, "dimensions",
                 numbers(parameters->dimensions, parameters->dimension_count)) &&
        json_put(root, "galoisElements",
                 json_count(parameters->evaluation_key.galois_element_count)) &&
        (!parameters->is_symmetric || put_symmetric(root, summary)) &&
        json_put(root, "prediction", shape_summary_prediction_json(&summary->prediction)) &&
        json_put(root, "outlook", dataset_outlook_json(&summary->outlook)) &&
        json_put(root, "bucketFill", json_real(summary->load.fill)) &&
        json_put(root, "shardBytes", json_count(summary->shard_bytes)) &&
        json_put(root, "build", build_json(summary)) &&
        json_put(root, "seconds", times_json(compile)))
        return root;
    json_decref(root);
    return NULL;
}
