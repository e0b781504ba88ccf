/* shape_summary - the shape of a dataset's shards and what a query on it costs, as compile, update
 * and `dataset show` tell it. */
#ifndef BLINDLIST_TOOLS_SHAPE_SUMMARY_H
#define BLINDLIST_TOOLS_SHAPE_SUMMARY_H

#include "pir-server/pir/pir_cost.h"
#include "pir-server/pir/pir_parameters.h"
#include "tools/tool_json.h"

/* A line of a summary: what, its size, more. */
void summary_print_size(const char *what, uint64_t bytes, const char *more);
/* The lines for buckets, shape and a query. `buckets_more` and `shape_more` end the first two, in
 * at most so many bytes. */
#define SHAPE_SUMMARY_MORE_BYTES 80
void shape_summary_print(const struct pir_parameters *shape,
                         const struct pir_prediction *prediction, const char *buckets_more,
                         const char *shape_more);
/* The prediction as an object; NULL without memory. */
json_t *shape_summary_prediction_json(const struct pir_prediction *prediction);

#endif
