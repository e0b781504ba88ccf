/* text_scanner - the lexical level of the Protobuf text format: spaces, names, numbers, strings.
 *
 * The form is that of the reference implementation (keyword-pir.md section 1.2): white space is
 * blank, \t \n \v \f \r; a comment runs from '#' to the end of the line; strings take C escapes,
 * \uXXXX and \UXXXXXXXX, and adjacent ones are joined.
 *
 * Errors   STATUS_MALFORMED "line 3, column 14: <what>"; columns count bytes from 1. The first
 *          failure ends the work: do not go on with a scanner that failed.
 * Memory   borrows the text. Threads  one at a time. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_TEXT_SCANNER_H
#define BLINDLIST_PIR_SERVER_WIRE_TEXT_SCANNER_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"

/* Well-formed UTF-8: no overlong forms, no surrogates. */
bool text_is_utf8(struct span text);

struct text_scanner {
    struct span text;
    size_t at;         /* offset of the next byte */
    struct error *err; /* borrowed, may be NULL */
};

#define TEXT_END (-1)

/* Starts behind a byte order mark. Text that is not UTF-8 is refused at once. */
enum status text_scanner_init(struct text_scanner *scanner, struct span text,
                              struct error *err) MUST_CHECK;

/* Sets the error for the byte at `offset`. */
enum status text_scanner_fail(const struct text_scanner *scanner, size_t offset, const char *format,
                              ...) PRINTF_LIKE(3, 4);

/* Skips white space and comments; returns the next byte without taking it, or TEXT_END. */
int text_scanner_peek(struct text_scanner *scanner);
/* Takes the next byte when, after white space, it is `wanted`. */
bool text_scanner_accept(struct text_scanner *scanner, char wanted);

/* A run of letters, digits and '_', borrowed; empty when there is none. */
struct span text_scanner_word(struct text_scanner *scanner);
/* The same with '.', '+' and '-': anything that could be a number or a name. */
struct span text_scanner_atom(struct text_scanner *scanner);

/* A number in decimal, 0x hexadecimal or 0 octal notation, at most `max`. */
enum status text_scanner_unsigned(struct text_scanner *scanner, uint64_t max,
                                  uint64_t *ret) MUST_CHECK;
/* The same with an optional '-', in [-2^31, 2^31). */
enum status text_scanner_int32(struct text_scanner *scanner, int32_t *ret) MUST_CHECK;
/* One or more adjacent strings, decoded and appended to `ret`. ret == NULL only checks them. */
enum status text_scanner_string(struct text_scanner *scanner, struct bytes *ret) MUST_CHECK;

#endif
