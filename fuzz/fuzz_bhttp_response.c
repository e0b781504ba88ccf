/* A binary HTTP response; what is read is written, and read again and written to the same. */
#include "pir-server/ohttp/bhttp.h"

#include <stdlib.h>

#define CONTENT_MAX ((size_t)4096)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bhttp_response response;
    struct bhttp_response again;
    struct bytes written;
    struct bytes twice;
    bhttp_response_init(&response);
    bhttp_response_init(&again);
    bytes_init(&written, 2 * size + 4096);
    bytes_init(&twice, 2 * size + 4096);
    if (bhttp_response_read(span_of(data, size), CONTENT_MAX, &response, NULL) == STATUS_OK) {
        if (response.content.size > CONTENT_MAX ||
            bhttp_response_write(&response, &written, NULL) != STATUS_OK ||
            bhttp_response_read(bytes_view(&written), CONTENT_MAX, &again, NULL) != STATUS_OK ||
            again.status != response.status || !span_equal(again.content, response.content) ||
            bhttp_response_write(&again, &twice, NULL) != STATUS_OK ||
            !span_equal(bytes_view(&written), bytes_view(&twice)))
            abort();
    }
    bytes_deinit(&twice);
    bytes_deinit(&written);
    bhttp_response_deinit(&again);
    bhttp_response_deinit(&response);
    return 0;
}
