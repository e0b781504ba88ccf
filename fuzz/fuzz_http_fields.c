/* Accept-Encoding, If-None-Match, Range and the request target; the first byte says which. */
#include "pir-server/service/http_fields.h"
#include "pir-server/service/route.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_range(const char *text, uint64_t whole)
{
    uint64_t first = 0;
    uint64_t part = 0;
    if (byte_range_parse(text, whole, &first, &part) != RANGE_PART)
        return;
    if (part == 0 || first >= whole || part > whole - first)
        abort();
}

static void check_route(const char *text)
{
    struct route_match match;
    for (int method = HTTP_GET; method <= HTTP_OTHER; method++) {
        route_find((enum http_method)method, text, &match);
        if (match.route >= ROUTE_COUNT || strchr(match.use_case, '/') != NULL ||
            strchr(match.tag, '/') != NULL)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = mem_alloc(size, 1);
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 4) {
    case 0:
        (void)accept_encoding_has_gzip(text);
        break;
    case 1:
        if (strcmp(text, "\"tag\"") == 0 && !if_none_match_matches(text, "\"tag\""))
            abort();
        (void)if_none_match_matches(text, "\"tag\"");
        break;
    case 2:
        check_range(text, 0);
        check_range(text, 1);
        check_range(text, 1000);
        check_range(text, UINT64_MAX);
        break;
    case 3:
        check_route(text);
        break;
    }
    mem_free(text);
    return 0;
}
