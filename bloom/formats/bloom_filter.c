#include "bloom/formats/bloom_filter.h"

#include "base/mem.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_ALIGN_BITS ((uint64_t)512) /* a cache line */

const char *bloom_layout_name(enum bloom_layout layout)
{
    switch (layout) {
    case BLOOM_LAYOUT_PLIST:
        return "property list";
    case BLOOM_LAYOUT_PLIST_BETA:
        return "property list, first beta";
    case BLOOM_LAYOUT_MANIFEST:
        return "raw bits with manifest";
    case BLOOM_LAYOUT_URL:
        return "raw bits with JSON and url";
    }
    return "unknown layout";
}

enum status bloom_status(enum bloom_result result, struct error *err)
{
    if (result == BLOOM_OK)
        return STATUS_OK;
    return error_set(err, STATUS_INVALID, "%s", bloom_result_text(result));
}

enum status bloom_meta_check(const struct bloom_meta *meta, struct error *err)
{
    const double rate = meta->false_positive_tolerance;
    const enum bloom_result result = bloom_params_check(&meta->params);
    if (result != BLOOM_OK)
        return bloom_status(result, err);
    if (!(rate > 0.0 && rate < 1.0))
        return bloom_status(BLOOM_BAD_RATE, err);
    return STATUS_OK;
}

enum status bloom_filter_new(const struct bloom_meta *meta, struct bloom_filter **ret,
                             struct error *err)
{
    const enum status status = bloom_meta_check(meta, err);
    if (status != STATUS_OK)
        return status;
    const size_t byte_count = bloom_byte_count(meta->params.bit_count);
    struct bloom_filter *filter = mem_alloc(1, sizeof *filter);
    uint8_t *bits = mem_alloc_zeroed(byte_count, 1);
    if (filter == NULL || bits == NULL) {
        mem_free(filter);
        mem_free(bits);
        return error_set(err, STATUS_NOMEM, "out of memory for a filter of %zu bytes", byte_count);
    }
    *filter = (struct bloom_filter){
        .meta = *meta, .layout = BLOOM_LAYOUT_MANIFEST, .byte_count = byte_count, .bits = bits};
    filter->meta.tag[0] = '\0';
    *ret = filter;
    return STATUS_OK;
}

enum status bloom_filter_share_out(const struct bloom_filter *filter,
                                   struct bloom_builder *builders, size_t count, struct error *err)
{
    const uint64_t bit_count = filter->meta.params.bit_count;
    uint64_t first = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t end = bit_count * (i + 1) / count;
        end = i + 1 == count ? bit_count : end - end % WINDOW_ALIGN_BITS;
        const enum status status =
            bloom_status(bloom_builder_init(&builders[i], &filter->meta.params, filter->bits,
                                            filter->byte_count),
                         err);
        if (status != STATUS_OK)
            return status;
        bloom_builder_set_window(&builders[i], (uint32_t)first, (uint32_t)(end - first));
        first = end;
    }
    return STATUS_OK;
}

void bloom_filter_free(struct bloom_filter *filter)
{
    if (filter == NULL)
        return;
    mem_free(filter->bits);
    mem_free(filter);
}

enum status bloom_digest_hex(struct span bytes, char ret[2 * BLOOM_DIGEST_BYTES + 1],
                             struct error *err)
{
    uint8_t digest[BLOOM_DIGEST_BYTES];
    if (EVP_Digest(bytes.data, bytes.size, digest, NULL, EVP_sha256(), NULL) != 1)
        return error_set(err, STATUS_NOMEM, "cannot compute SHA-256");
    for (size_t i = 0; i < BLOOM_DIGEST_BYTES; i++)
        snprintf(ret + 2 * i, 3, "%02x", digest[i]);
    return STATUS_OK;
}

enum status bloom_filter_seal(struct bloom_filter *filter, struct error *err)
{
    return bloom_digest_hex(span_of(filter->bits, filter->byte_count), filter->meta.tag, err);
}

struct bloom_reader bloom_filter_reader(const struct bloom_filter *filter)
{
    struct bloom_reader reader;
    /* Its parameters and size were checked when the filter was made. */
    (void)bloom_reader_init(&reader, &filter->meta.params, filter->bits, filter->byte_count);
    return reader;
}

double bloom_filter_fill(const struct bloom_filter *filter)
{
    const uint32_t bit_count = filter->meta.params.bit_count;
    return (double)bloom_count_set(filter->bits, bit_count) / (double)bit_count;
}

uint32_t bloom_seed_of_digest(const uint8_t digest[BLOOM_DIGEST_BYTES])
{
    return (uint32_t)digest[0] | (uint32_t)digest[1] << 8 | (uint32_t)digest[2] << 16 |
           (uint32_t)digest[3] << 24;
}

int bloom_real_digits(double value)
{
    char text[BLOOM_REAL_TEXT_BYTES];
    for (int digits = 1; digits < 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        const double back = strtod(text, NULL);
        if (back >= value && back <= value)
            return digits;
    }
    return 17; /* always enough for a double */
}

void bloom_real_text(double value, char ret[BLOOM_REAL_TEXT_BYTES])
{
    snprintf(ret, BLOOM_REAL_TEXT_BYTES, "%.*g", bloom_real_digits(value), value);
}
