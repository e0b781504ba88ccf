/* What a gateway's key is asked to open: enc [32], then the sealed text; the first byte chooses the
 * AEAD. Nothing opens but what the corpus has, sealed for the key of all zeros: opening then yields
 * a text of the right size. */
#include "pir-server/ohttp/hpke.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t private_key[HPKE_PRIVATE_KEY_BYTES];
    static const uint16_t ids[] = {AEAD_AES_128_GCM, AEAD_CHACHA20_POLY1305};
    struct hpke_key *key = NULL;
    struct hpke_context context;
    struct bytes opened;
    if (size < 1 + HPKE_ENC_BYTES || hpke_key_new(private_key, &key, NULL) != STATUS_OK)
        return 0;
    const struct aead *aead = aead_find(ids[data[0] % ARRAY_COUNT(ids)]);
    const struct span sealed = span_of(data + 1 + HPKE_ENC_BYTES, size - 1 - HPKE_ENC_BYTES);
    bytes_init(&opened, size);
    if (hpke_setup_receiver(key, data + 1, aead, span_of_text("fuzz"), &context, NULL) ==
        STATUS_OK) {
        const enum status status = hpke_open(&context, span_of(NULL, 0), sealed, &opened, NULL);
        if ((status == STATUS_OK && opened.size + AEAD_TAG_BYTES != sealed.size) ||
            (status != STATUS_OK && opened.size != 0))
            abort();
        hpke_context_wipe(&context);
    }
    bytes_deinit(&opened);
    hpke_key_unref(key);
    return 0;
}
