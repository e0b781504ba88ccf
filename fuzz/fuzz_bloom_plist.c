/* Property lists of filters: what is accepted has consistent sizes and can be asked. */
#include "bloom/formats/bloom_plist.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bloom_filter *filter = NULL;
    struct error error;
    if (bloom_plist_parse(span_of(data, size), "fuzz", &filter, &error) != STATUS_OK)
        return 0;
    if (filter->byte_count != bloom_byte_count(filter->meta.params.bit_count) ||
        bloom_meta_check(&filter->meta, NULL) != STATUS_OK || filter->meta.item_count == 0)
        abort();
    const struct bloom_reader reader = bloom_filter_reader(filter);
    (void)bloom_reader_has_key(&reader, data, size);
    bloom_filter_free(filter);
    return 0;
}
