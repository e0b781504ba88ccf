/* Parsing a hash bucket; both readers must agree. */
#include "pir-server/pir/hash_bucket.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hash_bucket_slot slots[HASH_BUCKET_SLOTS_MAX];
    const struct span bucket = span_of(data, size);
    size_t count = 0;
    struct error error;
    const enum status parsed = hash_bucket_parse(bucket, slots, &count, &error);
    bool found = false;
    struct span value;
    if (hash_bucket_find(bucket, 0, &found, &value, &error) != parsed)
        abort();
    for (size_t i = 0; parsed == STATUS_OK && i < count; i++) {
        if (hash_bucket_find(bucket, slots[i].hash, &found, &value, &error) != STATUS_OK || !found)
            abort();
        if (value.size > 0 && (value.data < data || value.data + value.size > data + size))
            abort();
    }
    return 0;
}
