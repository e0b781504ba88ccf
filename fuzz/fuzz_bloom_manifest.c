/* Manifests: what is accepted is written and read back the same; a signature is right or wrong. */
#include "bloom/formats/bloom_manifest.h"
#include "bloom/formats/bloom_signature.h"

#include <stdlib.h>

#define PUBLIC_KEY "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=" /* RFC 8410 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bloom_meta meta;
    struct bloom_meta back;
    enum bloom_layout layout;
    enum bloom_layout back_layout;
    struct bytes json;
    struct error error;
    bool is_signed;
    if (bloom_manifest_parse(span_of(data, size), "fuzz", &meta, &layout, &error) != STATUS_OK)
        return 0;
    if (bloom_meta_verify(&meta, PUBLIC_KEY, &is_signed, &error) != STATUS_OK)
        abort();
    bytes_init(&json, BLOOM_MANIFEST_MAX_BYTES);
    if (bloom_manifest_format(&meta, layout, &json, NULL) != STATUS_OK ||
        bloom_manifest_parse(bytes_view(&json), "back", &back, &back_layout, NULL) != STATUS_OK)
        abort();
    if (layout != back_layout || meta.item_count != back.item_count ||
        meta.params.bit_count != back.params.bit_count ||
        meta.params.hash_count != back.params.hash_count ||
        meta.params.murmur_seed != back.params.murmur_seed || strcmp(meta.tag, back.tag) != 0 ||
        strcmp(meta.url, back.url) != 0 ||
        meta.false_positive_tolerance < back.false_positive_tolerance ||
        meta.false_positive_tolerance > back.false_positive_tolerance)
        abort();
    bytes_deinit(&json);
    return 0;
}
