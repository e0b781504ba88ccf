/* dataset.json: any bytes are read or refused; what is read has its files and a sane shape. */
#include "pir-server/dataset/dataset_manifest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dataset_manifest manifest;
    dataset_manifest_init(&manifest);
    if (dataset_manifest_parse(span_of(data, size), "fuzz", &manifest, NULL) == STATUS_OK) {
        const uint64_t shards = manifest.info.shard_count;
        if (shards == 0 || (shards & (shards - 1)) != 0 ||
            manifest.file_count < 4 + 2 * (size_t)shards ||
            !dataset_use_case_is_valid(manifest.info.use_case))
            abort();
    }
    dataset_manifest_deinit(&manifest);
    return 0;
}
