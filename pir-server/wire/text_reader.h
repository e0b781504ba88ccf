/* text_reader - Protobuf text format to binary, driven by protobuf-c's descriptors.
 *
 * Reads exactly what the reference implementation reads (keyword-pir.md section 1.2): fields by
 * name or number, reserved ones skipped with their value, unknown ones refused; `{}` or `<>`;
 * lists; one `,` or `;` after a field; enumerations by name or number; a second member of a oneof
 * refused; messages nested at most TEXT_DEPTH_MAX deep. The result is binary Protobuf, which
 * protobuf-c unpacks: so merging of repeated mentions is its work.
 *
 * Errors   STATUS_MALFORMED with line and column; STATUS_TOO_LARGE at the maximum of `ret`.
 * Internal to the room. Threads  any. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_TEXT_READER_H
#define BLINDLIST_PIR_SERVER_WIRE_TEXT_READER_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"

#include <protobuf-c/protobuf-c.h>

#define TEXT_DEPTH_MAX 100

/* Appends the binary form of `text` to `ret`. */
enum status text_to_binary(const ProtobufCMessageDescriptor *descriptor, struct span text,
                           struct bytes *ret, struct error *err) MUST_CHECK;

/* One element of a repeated message field: its binary form, borrowed until the callback returns. A
 * failure ends the reading and comes back, with the line in front of its message. */
typedef enum status text_element(void *context, struct span element, struct error *err);

/* Hands over the elements of the only field of `descriptor`, a repeated message, in constant memory
 * (an element has at most `element_max_bytes`). */
enum status text_read_elements(const ProtobufCMessageDescriptor *descriptor, struct span text,
                               size_t element_max_bytes, text_element *element, void *context,
                               struct error *err) MUST_CHECK;

#endif
