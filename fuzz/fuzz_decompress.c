/* Unpacking: never more than the maximum, the same twice. */
#include "lists/decompress.h"

#include <stdlib.h>

#define OUT_MAX_BYTES ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes first;
    struct bytes second;
    struct error error;
    bytes_init(&first, OUT_MAX_BYTES);
    bytes_init(&second, OUT_MAX_BYTES);
    const enum status one = decompress(span_of(data, size), &first, &error);
    const enum status two = decompress(span_of(data, size), &second, &error);
    if (one != two || !span_equal(bytes_view(&first), bytes_view(&second)))
        abort();
    if (one == STATUS_OK && first.size > DECOMPRESS_FREE_BYTES &&
        first.size / DECOMPRESS_RATIO_MAX > size)
        abort();
    bytes_deinit(&first);
    bytes_deinit(&second);
    return 0;
}
