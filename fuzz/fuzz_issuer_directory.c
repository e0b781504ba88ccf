/* The token issuer directory; what is read is written, and read again to the same. */
#include "pir-server/privacypass/issuer_directory.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct issuer_directory directory;
    static struct issuer_directory again;
    if (issuer_directory_parse(span_of(data, size), &directory, NULL) != STATUS_OK)
        return 0;
    struct bytes json;
    bytes_init(&json, ISSUER_DIRECTORY_MAX_BYTES);
    if (issuer_directory_write(&directory, &json, NULL) == STATUS_OK) {
        if (issuer_directory_parse(bytes_view(&json), &again, NULL) != STATUS_OK ||
            again.key_count != directory.key_count ||
            strcmp(again.request_uri, directory.request_uri) != 0)
            abort();
    }
    bytes_deinit(&json);
    (void)issuer_directory_choose(&directory, 1800000000);
    return 0;
}
