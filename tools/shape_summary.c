#include "tools/shape_summary.h"

#include "base/quantity.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_PER_MS 1e6

void summary_print_size(const char *what, uint64_t bytes, const char *more)
{
    printf("  %-10s %s%s\n", what, quantity_size((double)bytes).text, more);
}

void shape_summary_print(const struct pir_parameters *shape,
                         const struct pir_prediction *prediction, const char *buckets_more,
                         const char *shape_more)
{
    printf("  %-10s %" PRIu64 " of %" PRIu64 " bytes in each of %" PRIu64 " table%s%s\n", "buckets",
           shape->entry_count, shape->entry_bytes, shape->hash_function_count,
           shape->hash_function_count == 1 ? "" : "s", buckets_more);
    printf("  %-10s %" PRIu64 " x %" PRIu64 " plaintexts, %zu Galois elements%s\n", "shape",
           shape->dimensions[0], shape->dimension_count > 1 ? shape->dimensions[1] : 1,
           shape->evaluation_key.galois_element_count, shape_more);
    printf("  %-10s %.1f ms on one thread, predicted\n", "query",
           (double)prediction->query_ns / NS_PER_MS);
    summary_print_size("", prediction->query_bytes, " sent");
    summary_print_size("", prediction->response_bytes, " answered");
    summary_print_size("", prediction->evaluation_key_bytes, " in an evaluation key");
}

json_t *shape_summary_prediction_json(const struct pir_prediction *prediction)
{
    return json_pack("{s:f, s:I, s:I, s:I, s:I}", "queryMs",
                     (double)prediction->query_ns / NS_PER_MS, "queryBytes",
                     (json_int_t)prediction->query_bytes, "responseBytes",
                     (json_int_t)prediction->response_bytes, "evaluationKeyBytes",
                     (json_int_t)prediction->evaluation_key_bytes, "bytesPerShard",
                     (json_int_t)prediction->shard_bytes);
}
