/* protobuf_message - unpacking and packing through protobuf-c, with a memory limit.
 *
 * protobuf-c spends up to 46 bytes of memory on one byte of input (`0a 00` is an empty element of a
 * list). Here an allocator with a ceiling stands behind it: a message that wants more than
 * MEMORY_BASE_BYTES + factor * input is refused as STATUS_TOO_LARGE, after as much work as fits
 * below the ceiling.
 *
 * None of our messages contains itself, and unknown fields are skipped unopened: the depth of what
 * is unpacked is bounded by the .proto files, whatever the input.
 *
 * Merging  A singular message that is given twice: lists are joined, but of numbers and byte
 * strings only those of the last mention stay (protobuf-c 1.4). No writer gives one twice.
 *
 * Internal to the room: includes protobuf-c. Threads  any. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_PROTOBUF_MESSAGE_H
#define BLINDLIST_PIR_SERVER_WIRE_PROTOBUF_MESSAGE_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"

#include <protobuf-c/protobuf-c.h>

#define PROTOBUF_MEMORY_BASE_BYTES ((size_t)1 << 20)
/* Messages that are mostly long byte strings (polynomials) cost little more than their size. */
#define PROTOBUF_FACTOR_BULKY ((size_t)2)
/* Messages of many small parts (configurations of thousands of shards). */
#define PROTOBUF_FACTOR_GRANULAR ((size_t)48)

/* Unpacks `in` as `descriptor`. `what` names the message in errors: STATUS_MALFORMED for bytes that
 * are no such message, STATUS_TOO_LARGE at the ceiling, STATUS_NOMEM.
 *   *ret  belongs to the caller; free with protobuf_message_free() */
enum status protobuf_message_unpack(const ProtobufCMessageDescriptor *descriptor, struct span in,
                                    size_t factor, const char *what, ProtobufCMessage **ret,
                                    struct error *err) MUST_CHECK;
/* Takes NULL. */
void protobuf_message_free(ProtobufCMessage *message);
/* Overwrites the byte strings of a flat message that holds secrets, before it is freed. */
void protobuf_message_wipe(ProtobufCMessage *message);

/* Appends the serialization (fields in ascending number, defaults left out). */
enum status protobuf_message_pack(const ProtobufCMessage *message, const char *what,
                                  struct bytes *ret, struct error *err) MUST_CHECK;

static inline struct span protobuf_span(ProtobufCBinaryData data)
{
    return span_of(data.data, data.len);
}

/* For messages that are built to be packed and live no longer than what they point at. */
static inline ProtobufCBinaryData protobuf_borrow(struct span span)
{
    return (ProtobufCBinaryData){.len = span.size, .data = (uint8_t *)(uintptr_t)span.data};
}

#endif
