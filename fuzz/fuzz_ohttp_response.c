/* An encapsulated response at a client whose exchange is all zeros, and what it carries read as
 * binary HTTP; the first byte chooses the AEAD. */
#include "pir-server/ohttp/bhttp.h"
#include "pir-server/ohttp/ohttp_message.h"

#include <stdlib.h>

#define CONTENT_MAX ((size_t)4096)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t ids[] = {AEAD_AES_128_GCM, AEAD_CHACHA20_POLY1305};
    struct bhttp_response inner;
    struct bytes opened;
    if (size == 0)
        return 0;
    const struct ohttp_exchange exchange = {.aead = aead_find(ids[data[0] % ARRAY_COUNT(ids)])};
    bytes_init(&opened, size);
    bhttp_response_init(&inner);
    if (ohttp_response_open(&exchange, span_of(data + 1, size - 1), &opened, NULL) == STATUS_OK) {
        if (opened.size + AEAD_TAG_BYTES >= size)
            abort();
        const enum status status =
            bhttp_response_read(bytes_view(&opened), CONTENT_MAX, &inner, NULL);
        if (status == STATUS_OK && inner.status < BHTTP_STATUS_MIN)
            abort();
    } else if (opened.size != 0) {
        abort();
    }
    bhttp_response_deinit(&inner);
    bytes_deinit_secret(&opened);
    return 0;
}
