/* json_field - strict reading of a JSON configuration: every value with its path, every key known.
 *
 * A reader goes over one parsed document; the first failure sticks, and later reads give their
 * fallback, so that a file is read like its format and asked once. Messages are
 *     lists.json: $.sources[3].trust: "blok" is none of block, allow
 * and have a line in front of the path when the reader has the text.
 * Null is a value of the wrong type, never "absent".
 *
 * Numbers  sizes are integers (bytes) or texts with a unit: B, KB, MB, GB (powers of 1000), KiB,
 *          MiB, GiB. Durations are integers (seconds) or texts: s, m, h, d. "1.5GB" is refused.
 * Memory   texts are borrowed from the document. A field borrows the one that it was taken from,
 *          and its name: a path is put together only for a message.
 * Threads  one at a time. */
#ifndef BLINDLIST_JSON_JSON_FIELD_H
#define BLINDLIST_JSON_JSON_FIELD_H

#include "base/span.h"
#include "base/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_FIELD_PATH_BYTES ((size_t)160)

struct json_reader {
    const char *file; /* begins every message; borrowed */
    struct span text; /* of the document, for the lines in messages; borrowed; may be empty */
    enum status status;
    struct error *err; /* may be NULL */
};

struct json_field {
    struct json_reader *reader;
    const json_t *value;             /* NULL when absent */
    const struct json_field *parent; /* NULL = the root */
    const char *name;                /* of a member; NULL = an item */
    size_t index;                    /* of an item */
};

/* The document in `text`; *ret is freed with json_decref(). Keys that stand twice in an object are
 * refused. STATUS_MALFORMED: "FILE: line L, column C: ...", without any of the text. */
enum status json_field_load(const char *file, struct span text, json_t **ret,
                            struct error *err) MUST_CHECK;

/* "$" */
struct json_field json_field_root(struct json_reader *reader, const json_t *root);
/* A member of an object or an item of an array; absent when the parent is neither. */
struct json_field json_field_member(const struct json_field *parent, const char *name);
struct json_field json_field_item(const struct json_field *parent, size_t index);

/* "$.sources[3].trust"; names and what lies above are cut when they are long. */
void json_field_path(const struct json_field *field, char ret[JSON_FIELD_PATH_BYTES]);

/* Notes "FILE: PATH: MESSAGE" or "FILE: line L: PATH: MESSAGE" unless something failed before. */
void json_field_refuse(const struct json_field *field, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same for what another function said of this value. STATUS_OK does nothing. What is too long
 * with file and path in front stays alone: files that import each other add one each. */
void json_field_note(const struct json_field *field, enum status status, const struct error *said);
/* An absent field is a failure. */
void json_field_require(const struct json_field *field);
/* A member that must be there. */
struct json_field json_field_required(const struct json_field *parent, const char *name);

/* The field is an object (an absent one is fine), whatever keys it has. */
void json_field_object(const struct json_field *field);
/* The same, and it has no other keys than these. */
void json_field_keys(const struct json_field *object, const char *const *names, size_t count);
/* Items of an array of at most `most`; 0 when absent. */
size_t json_field_count(const struct json_field *array, size_t most);

/* The member "format" of a file's root, which must be there, is `known`; else STATUS_UNSUPPORTED.
 *   advice  ends the message; may be "" */
void json_field_format(const struct json_field *root, uint64_t known, const char *advice);

/* `fallback` when absent or wrong. */
bool json_field_flag(const struct json_field *field, bool fallback);
uint64_t json_field_integer(const struct json_field *field, uint64_t least, uint64_t most,
                            uint64_t fallback);
/* Greater than `above` and less than `below`. */
double json_field_number(const struct json_field *field, double above, double below,
                         double fallback);
uint64_t json_field_size(const struct json_field *field, uint64_t least, uint64_t most,
                         uint64_t fallback);
uint64_t json_field_duration(const struct json_field *field, uint64_t least_s, uint64_t most_s,
                             uint64_t fallback_s);
/* NULL when absent or wrong; 1..max_bytes bytes, no control characters. */
const char *json_field_text(const struct json_field *field, size_t max_bytes);
/* The index into `names`. */
size_t json_field_choice(const struct json_field *field, const char *const *names, size_t count,
                         size_t fallback);

#endif
