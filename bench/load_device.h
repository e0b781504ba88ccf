/* load_device - a device for benchmarks: what it would send, made beforehand.
 *
 * Errors   end the program (bench_fail()). Threads  one at a time. */
#ifndef BLINDLIST_BENCH_LOAD_DEVICE_H
#define BLINDLIST_BENCH_LOAD_DEVICE_H

#include "base/bytes.h"

#include <stdbool.h>

struct bfv_context;
struct bfv_evaluation_key;
struct http_load;
struct load_device;
struct wire_query;

/* Rows are "row<i>.example.com/path". */
#define LOAD_DEVICE_ROW_BYTES 64
void load_device_row(size_t i, char ret[LOAD_DEVICE_ROW_BYTES]);
/* Rows 0 to count - 1 as the dataset of `use_case` below `data`, in so many shards. */
void load_device_compile(const char *data, const char *use_case, size_t count, uint64_t shards);

/* Fetches the configuration, makes keys and uploads the public ones. `user` is borrowed. */
struct load_device *load_device_new(struct http_load *load, const char *use_case, const char *user);
void load_device_free(struct load_device *device);
size_t load_device_shard_count(const struct load_device *device);

/* Appends a whole HTTP request with one query for each of `rows`. */
void load_device_ask(struct load_device *device, const size_t *rows, size_t count,
                     struct bytes *ret);
/* The shard of a row. */
size_t load_device_shard(const struct load_device *device, size_t row);
/* Is `row` in answer `index` of the body? */
bool load_device_found(const struct load_device *device, struct span body, size_t index,
                       size_t row);

/* What a server makes of a query for `row`: to compute with, without a server. */
struct load_device_work {
    const struct bfv_context *context; /* borrowed */
    struct bfv_evaluation_key *key;
    struct wire_query *query;
};
void load_device_work_init(struct load_device *device, size_t row, struct load_device_work *ret);
void load_device_work_deinit(struct load_device_work *work);

#endif
