/* An encapsulated request at a gateway whose key is all zeros, and what it carries read as binary
 * HTTP. What opens is answered. */
#include "pir-server/ohttp/bhttp.h"
#include "pir-server/ohttp/ohttp_message.h"

#include <stdlib.h>

#define CONTENT_MAX ((size_t)4096)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_and_answer(const struct ohttp_request *request, const struct hpke_key *key,
                            size_t size)
{
    const struct random_source random = random_system();
    struct ohttp_exchange exchange;
    struct bhttp_request inner;
    struct bytes opened;
    struct bytes answer;
    bytes_init(&opened, size);
    bytes_init(&answer, OHTTP_RESPONSE_OVERHEAD_BYTES);
    bhttp_request_init(&inner);
    if (ohttp_request_open(request, key, &opened, &exchange, NULL) == STATUS_OK) {
        if (opened.size + OHTTP_REQUEST_OVERHEAD_BYTES != size ||
            ohttp_response_seal(&exchange, span_of(NULL, 0), &random, &answer, NULL) != STATUS_OK)
            abort();
        const enum status status =
            bhttp_request_read(bytes_view(&opened), CONTENT_MAX, &inner, NULL);
        if (status == STATUS_OK && inner.method.size == 0)
            abort();
        ohttp_exchange_wipe(&exchange);
    } else if (opened.size != 0) {
        abort();
    }
    bhttp_request_deinit(&inner);
    bytes_deinit(&answer);
    bytes_deinit_secret(&opened);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t private_key[HPKE_PRIVATE_KEY_BYTES];
    struct ohttp_request request;
    struct hpke_key *key = NULL;
    if (ohttp_request_parse(span_of(data, size), &request, NULL) != STATUS_OK ||
        hpke_key_new(private_key, &key, NULL) != STATUS_OK)
        return 0;
    open_and_answer(&request, key, size);
    hpke_key_unref(key);
    return 0;
}
