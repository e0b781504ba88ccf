/* Key configurations of a gateway; what is read is written, and read again to the same. */
#include "pir-server/ohttp/ohttp_keys.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const struct ohttp_key_config *a, const struct ohttp_key_config *b)
{
    bool is_same = a->key_id == b->key_id && a->aead_count == b->aead_count &&
                   memcmp(a->public_key, b->public_key, sizeof a->public_key) == 0;
    for (size_t i = 0; is_same && i < a->aead_count; i++)
        is_same = a->aeads[i] == b->aeads[i];
    return is_same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ohttp_keys keys;
    struct ohttp_keys again;
    struct bytes written;
    if (ohttp_keys_parse(span_of(data, size), &keys, NULL) != STATUS_OK)
        return 0;
    bytes_init(&written, size); /* what is passed over is not written */
    if (ohttp_keys_write(&keys, &written, NULL) != STATUS_OK ||
        ohttp_keys_parse(bytes_view(&written), &again, NULL) != STATUS_OK ||
        again.count != keys.count)
        abort();
    for (size_t i = 0; i < keys.count; i++) {
        if (!is_same(&keys.configs[i], &again.configs[i]))
            abort();
    }
    bytes_deinit(&written);
    return 0;
}
