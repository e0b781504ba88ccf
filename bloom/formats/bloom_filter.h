/* bloom_filter - a whole filter in memory: the bits and what travels with them.
 *
 * Making   bloom_filter_new() gives zero bits; a struct bloom_builder over `bits` inserts; then
 *          bloom_filter_seal() computes the tag. bloom_build.h does all that from a text file.
 * Memory   byte_count bytes and a constant. bloom_filter_free() takes NULL.
 * Threads  a sealed filter does not change and may be shared. */
#ifndef BLINDLIST_BLOOM_FORMATS_BLOOM_FILTER_H
#define BLINDLIST_BLOOM_FORMATS_BLOOM_FILTER_H

#include "base/span.h"
#include "base/status.h"
#include "bloom/bloom.h"

#define BLOOM_DIGEST_BYTES        32
#define BLOOM_TAG_MAX_BYTES       256
#define BLOOM_URL_MAX_BYTES       2048
#define BLOOM_SIGNATURE_MAX_BYTES 88 /* base64 of 64 bytes */

/* How a filter is written down; FILE-FORMATS has the fields. */
enum bloom_layout {
    BLOOM_LAYOUT_PLIST,      /* property list: bitCount, data, ... */
    BLOOM_LAYOUT_PLIST_BETA, /* property list of the first beta: numberOfBits, bitVectorData, ... */
    BLOOM_LAYOUT_MANIFEST,   /* raw bits, and beside them a JSON manifest: bitCount, tag, ... */
    BLOOM_LAYOUT_URL         /* raw bits, and JSON: numberOfBits, tag, url, ... */
};

/* A phrase for people, static: "property list, first beta". */
const char *bloom_layout_name(enum bloom_layout layout);

/* What travels with the bits. */
struct bloom_meta {
    struct bloom_params params;
    uint64_t item_count;               /* 0 = not known (BLOOM_LAYOUT_URL does not say) */
    double false_positive_tolerance;   /* in (0, 1) */
    char tag[BLOOM_TAG_MAX_BYTES + 1]; /* "" = none (property lists have none) */
    char url[BLOOM_URL_MAX_BYTES + 1]; /* of the raw bits; "" = none */
    /* SHA-256, in hex, of the parsing configuration that the keys were made for; "" = the default.
     * Only BLOOM_LAYOUT_MANIFEST has it. */
    char parsing[2 * BLOOM_DIGEST_BYTES + 1];
    /* As it was read, "" = none; bloom_signature.h. Only BLOOM_LAYOUT_MANIFEST has it. */
    char signature[BLOOM_SIGNATURE_MAX_BYTES + 1];
};

/* Checks all of `meta` but tag and url: STATUS_INVALID. item_count 0 is allowed. */
enum status bloom_meta_check(const struct bloom_meta *meta, struct error *err) MUST_CHECK;

struct bloom_filter {
    struct bloom_meta meta;   /* tag: SHA-256 of the bits in lower-case hex, after sealing */
    enum bloom_layout layout; /* as read; BLOOM_LAYOUT_MANIFEST of a new one */
    size_t byte_count;        /* bloom_byte_count(meta.params.bit_count) */
    uint8_t *bits;            /* [byte_count] */
};

/* Zero bits and an empty tag. `meta` is copied. STATUS_INVALID, STATUS_NOMEM. */
enum status bloom_filter_new(const struct bloom_meta *meta, struct bloom_filter **ret,
                             struct error *err) MUST_CHECK;
void bloom_filter_free(struct bloom_filter *filter);
/* Starts builders[count], each with a window of its own, which begins at a cache line: `count`
 * threads that are given all keys fill the filter. Cannot fail for a filter of bloom_filter_new().
 */
enum status bloom_filter_share_out(const struct bloom_filter *filter,
                                   struct bloom_builder *builders, size_t count,
                                   struct error *err) MUST_CHECK;
/* Makes meta.tag the digest of the bits, in hex. STATUS_NOMEM. */
enum status bloom_filter_seal(struct bloom_filter *filter, struct error *err) MUST_CHECK;
/* A reader over the filter's bits, valid as long as the filter. Cannot fail. */
struct bloom_reader bloom_filter_reader(const struct bloom_filter *filter);
/* Share of bits set, in [0, 1]. */
double bloom_filter_fill(const struct bloom_filter *filter);

/* The shortest decimal text that reads back as `value`, such as 0.001 or 1e-05. */
#define BLOOM_REAL_TEXT_BYTES 32
void bloom_real_text(double value, char ret[BLOOM_REAL_TEXT_BYTES]);
/* The number of significant digits in it, [1, 17]. */
int bloom_real_digits(double value);

/* STATUS_OK, or STATUS_INVALID with the result's text. */
enum status bloom_status(enum bloom_result result, struct error *err) MUST_CHECK;

/* The seed when none is given, so that the same keys give the same filter: the first four bytes,
 * little-endian, of SHA-256 over the keys in their order, each followed by LF. */
uint32_t bloom_seed_of_digest(const uint8_t digest[BLOOM_DIGEST_BYTES]);
/* SHA-256 of `bytes` in lower-case hex with a NUL. STATUS_NOMEM. */
enum status bloom_digest_hex(struct span bytes, char ret[2 * BLOOM_DIGEST_BYTES + 1],
                             struct error *err) MUST_CHECK;

#endif
