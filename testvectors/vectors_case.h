/* vectors_case - one case of the test vectors as JSON: typed inputs, outputs, comparison.
 *
 * A case is an object with inputs, which are given, and outputs, which follow from them. Inputs are
 * checked against a table of members once; after that the getters cannot fail. Outputs are put
 * into a struct vectors_out, whose first failure sticks.
 *
 * Bytes     lower-case hex; large ones base64. Texts stand for their UTF-8 bytes, without NUL.
 * Numbers   JSON integers, never negative; those that may pass 2^53 are decimal texts.
 * Memory    jansson allocates by itself. Threads  a case belongs to one thread. */
#ifndef BLINDLIST_TESTVECTORS_VECTORS_CASE_H
#define BLINDLIST_TESTVECTORS_VECTORS_CASE_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"

#include <jansson.h>

/* Longest byte string of a case. */
#define VECTORS_MAX_BYTES ((size_t)1 << 22)

enum vectors_type {
    VECTORS_TEXT,
    VECTORS_TEXTS,
    VECTORS_HEX,
    VECTORS_NUMBER,
    VECTORS_NUMBERS,
    VECTORS_NUMBER_LISTS,
    VECTORS_PAIRS,      /* lists of two numbers */
    VECTORS_RATE,       /* a real number in (0, 1) */
    VECTORS_ROWS,       /* [keyword, value in hex] */
    VECTORS_TABLES,     /* lists of lists of hex */
    VECTORS_SEED_PAIRS, /* lists of [hex of 32 bytes, hex of 32 bytes] */
    VECTORS_SEED_LISTS, /* lists of VECTORS_SEED_PAIRS */
    VECTORS_QUERIES     /* objects, looked into by vectors_exchange.c */
};

struct vectors_member {
    const char *name;
    enum vectors_type type;
};

/* STATUS_MALFORMED names the member that is missing or of another type. */
enum status vectors_check_inputs(const json_t *object, const struct vectors_member *members,
                                 size_t count, struct error *err) MUST_CHECK;

/* Getters for checked members. */
uint64_t vectors_number(const json_t *object, const char *name);
struct span vectors_text(const json_t *object, const char *name); /* borrowed */
const json_t *vectors_list(const json_t *object, const char *name);
/* Number or text `index` of a list; text is borrowed. */
uint64_t vectors_number_at(const json_t *list, size_t index);
struct span vectors_text_at(const json_t *list, size_t index);
/* Appends the bytes of a hex member, or of item `index` of a list. */
enum status vectors_hex(const json_t *object, const char *name, struct bytes *ret,
                        struct error *err) MUST_CHECK;
enum status vectors_hex_at(const json_t *list, size_t index, struct bytes *ret,
                           struct error *err) MUST_CHECK;
/* A number in [min, max]: STATUS_INVALID names the member. */
enum status vectors_number_in(const json_t *object, const char *name, uint64_t min, uint64_t max,
                              uint64_t *ret, struct error *err) MUST_CHECK;
/* A list of numbers in [0, max], between `min_count` and `max_count` of them.
 *   ret  [max_count] */
enum status vectors_words(const json_t *list, const char *name, uint64_t max, size_t min_count,
                          size_t max_count, uint32_t *ret, size_t *ret_count,
                          struct error *err) MUST_CHECK;

/* Outputs, in the order in which they are put. */
struct vectors_out {
    json_t *object; /* owned */
    bool failed;    /* no memory */
};
enum status vectors_out_init(struct vectors_out *out, struct error *err) MUST_CHECK;
void vectors_out_deinit(struct vectors_out *out); /* takes a zeroed struct too */
enum status vectors_out_check(const struct vectors_out *out, struct error *err) MUST_CHECK;
/* Takes `value`; NULL counts as no memory. */
void vectors_put(struct vectors_out *out, const char *name, json_t *value);
void vectors_put_number(struct vectors_out *out, const char *name, uint64_t value);
void vectors_put_text(struct vectors_out *out, const char *name, struct span text);
void vectors_put_hex(struct vectors_out *out, const char *name, struct span bytes);
void vectors_put_base64(struct vectors_out *out, const char *name, struct span bytes);
void vectors_put_words(struct vectors_out *out, const char *name, const uint32_t *words,
                       size_t count);
/* New JSON values; NULL without memory. */
json_t *vectors_json_hex(struct span bytes);
json_t *vectors_json_words(const uint32_t *words, size_t count);
json_t *vectors_json_sha256(struct span bytes);

/* STATUS_MISMATCH "<where>: expected .., got .." at the first place where the two differ. */
enum status vectors_compare(const char *where, const json_t *expected, const json_t *got,
                            struct error *err) MUST_CHECK;

/* Parses a JSON text in which ' stands for ", as the tables of inputs are written. */
enum status vectors_from_literal(const char *literal, json_t **ret, struct error *err) MUST_CHECK;

#endif
