/* A binary HTTP request; what is read is written, and read again to the same. */
#include "pir-server/ohttp/bhttp.h"

#include <stdbool.h>
#include <stdlib.h>

#define CONTENT_MAX ((size_t)4096)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const struct bhttp_fields *a, const struct bhttp_fields *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!span_equal(a->lines[i].name, b->lines[i].name) ||
            !span_equal(a->lines[i].value, b->lines[i].value))
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bhttp_request request;
    struct bhttp_request again;
    struct bytes written;
    bhttp_request_init(&request);
    bhttp_request_init(&again);
    bytes_init(&written, 2 * size + 4096);
    if (bhttp_request_read(span_of(data, size), CONTENT_MAX, &request, NULL) == STATUS_OK) {
        if (request.content.size > CONTENT_MAX ||
            bhttp_request_write(&request, &written, NULL) != STATUS_OK ||
            bhttp_request_read(bytes_view(&written), CONTENT_MAX, &again, NULL) != STATUS_OK ||
            !span_equal(again.method, request.method) || !span_equal(again.path, request.path) ||
            !span_equal(bhttp_request_host(&again), bhttp_request_host(&request)) ||
            !is_same(&again.headers, &request.headers) ||
            !is_same(&again.trailers, &request.trailers) ||
            !span_equal(again.content, request.content))
            abort();
    }
    bytes_deinit(&written);
    bhttp_request_deinit(&again);
    bhttp_request_deinit(&request);
    return 0;
}
