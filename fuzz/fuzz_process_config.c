/* Reading a processing configuration and what follows from it. */
#include "base/mem.h"
#include "pir-server/dataset/process_config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct process_config config = {0};
    struct error error;
    if (process_config_read(span_of(data, size), &config, &error) != STATUS_OK)
        return 0;
    struct pir_processing settings;
    uint64_t shards = 0;
    if (process_config_shard_count(&config, 1000000, &shards, &error) == STATUS_OK && shards == 0)
        abort();
    if (process_config_settings(&config, 100, &settings, &error) == STATUS_OK &&
        cuckoo_config_validate(&settings.table, &error) != STATUS_OK)
        abort();
    mem_free(process_config_path(config.output_database, shards));
    process_config_deinit(&config);
    return 0;
}
