/* Files of origins: any bytes are refused or searched within their bounds. */
#include "lists/origins_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct origins *origins, enum origins_table table, size_t index)
{
    struct origins_key key;
    size_t found = 0;
    if (origins_at(origins, table, index, &key, NULL) != STATUS_OK)
        return;
    if (key.by != KEY_TABLE_NONE && key.by >= origins->counts[origins_taker(key.fate)])
        abort();
    if (origins_find(origins, table, key.key, &found, NULL) == STATUS_OK &&
        found != KEY_TABLE_NONE && found >= origins->counts[table])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct origins origins;
    if (origins_open(span_of(data, size), &origins, NULL) != STATUS_OK)
        return 0;
    for (int table = 0; table < ORIGINS_TABLE_COUNT; table++) {
        for (size_t i = 0; i <= origins.counts[table]; i++)
            look_at(&origins, (enum origins_table)table, i);
    }
    return 0;
}
