/* text_writer - a protobuf-c message as Protobuf text, byte for byte as the reference writes it.
 *
 * Form (keyword-pir.md section 1.3): fields in ascending number, two blanks a level, `name: value`,
 * `name {` ... `}`, packed numbers `name: [a, b]`, enumerations by name, defaults left out; bytes
 * 0x20 to 0x7e as they are but \" and \\, then \b \t \n \v \f \r, all others as three octal digits.
 *
 * Internal to the room. Threads  any. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_TEXT_WRITER_H
#define BLINDLIST_PIR_SERVER_WIRE_TEXT_WRITER_H

#include "base/bytes.h"

#include <protobuf-c/protobuf-c.h>

/* Appends `message`, its lines moved in by `depth` levels. Failures stick to `ret`. */
void text_write_message(const ProtobufCMessage *message, unsigned depth, struct bytes *ret);

#endif
