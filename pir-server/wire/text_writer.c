#include "pir-server/wire/text_writer.h"

static void indent(struct bytes *ret, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        bytes_append_text(ret, "  ");
}

static void write_string(ProtobufCBinaryData data, struct bytes *ret)
{
    static const char named[] = "\b\t\n\v\f\r\"\\";
    static const char letters[] = "btnvfr\"\\";
    bytes_append_u8(ret, '"');
    for (size_t i = 0; i < data.len; i++) {
        const uint8_t byte = data.data[i];
        const char *found = memchr(named, byte, sizeof named - 1);
        if (found != NULL) {
            bytes_append_u8(ret, '\\');
            bytes_append_u8(ret, (uint8_t)letters[found - named]);
        } else if (byte >= 0x20 && byte <= 0x7e) {
            bytes_append_u8(ret, byte);
        } else {
            bytes_append_format(ret, "\\%03o", byte);
        }
    }
    bytes_append_u8(ret, '"');
}

static void write_enum(const ProtobufCFieldDescriptor *field, int number, struct bytes *ret)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(field->descriptor, number);
    if (value != NULL)
        bytes_append_text(ret, value->name);
    else
        bytes_append_format(ret, "%d", number);
}

/* The value of a field that is no message; `member` points at it. */
static void write_scalar(const ProtobufCFieldDescriptor *field, const void *member,
                         struct bytes *ret)
{
    switch ((int)field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        bytes_append_text(ret, *(const protobuf_c_boolean *)member ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        write_enum(field, *(const int *)member, ret);
        break;
    case PROTOBUF_C_TYPE_UINT32:
        bytes_append_format(ret, "%lu", (unsigned long)*(const uint32_t *)member);
        break;
    case PROTOBUF_C_TYPE_UINT64:
        bytes_append_format(ret, "%llu", (unsigned long long)*(const uint64_t *)member);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        write_string(*(const ProtobufCBinaryData *)member, ret);
        break;
    default: /* no message of ours has another type; a test walks all descriptors */
        break;
    }
}

static size_t scalar_size(const ProtobufCFieldDescriptor *field)
{
    switch ((int)field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(int);
    case PROTOBUF_C_TYPE_UINT32:
        return sizeof(uint32_t);
    case PROTOBUF_C_TYPE_UINT64:
        return sizeof(uint64_t);
    default:
        return sizeof(ProtobufCBinaryData);
    }
}

static bool is_default(const ProtobufCFieldDescriptor *field, const void *member)
{
    switch ((int)field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(ProtobufCMessage *const *)member == NULL;
    case PROTOBUF_C_TYPE_BOOL:
        return !*(const protobuf_c_boolean *)member;
    case PROTOBUF_C_TYPE_ENUM:
        return *(const int *)member == 0;
    case PROTOBUF_C_TYPE_UINT32:
        return *(const uint32_t *)member == 0;
    case PROTOBUF_C_TYPE_UINT64:
        return *(const uint64_t *)member == 0;
    default:
        return ((const ProtobufCBinaryData *)member)->len == 0;
    }
}

static void write_value(const ProtobufCFieldDescriptor *field, const void *member, unsigned depth,
                        struct bytes *ret)
{
    indent(ret, depth);
    bytes_append_text(ret, field->name);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        bytes_append_text(ret, " {\n");
        text_write_message(*(ProtobufCMessage *const *)member, depth + 1, ret);
        indent(ret, depth);
        bytes_append_text(ret, "}\n");
    } else {
        bytes_append_text(ret, ": ");
        write_scalar(field, member, ret);
        bytes_append_u8(ret, '\n');
    }
}

static void write_repeated(const ProtobufCFieldDescriptor *field, const uint8_t *elements,
                           size_t count, unsigned depth, struct bytes *ret)
{
    const bool is_message = field->type == PROTOBUF_C_TYPE_MESSAGE;
    const size_t size = is_message ? sizeof(ProtobufCMessage *) : scalar_size(field);
    if (is_message || field->type == PROTOBUF_C_TYPE_BYTES) {
        for (size_t i = 0; i < count; i++)
            write_value(field, elements + i * size, depth, ret);
        return;
    }
    if (count == 0)
        return;
    indent(ret, depth);
    bytes_append_format(ret, "%s: [", field->name);
    for (size_t i = 0; i < count; i++) {
        bytes_append_text(ret, i == 0 ? "" : ", ");
        write_scalar(field, elements + i * size, ret);
    }
    bytes_append_text(ret, "]\n");
}

void text_write_message(const ProtobufCMessage *message, unsigned depth, struct bytes *ret)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        const uint8_t *member = (const uint8_t *)message + field->offset;
        const uint8_t *quantifier = (const uint8_t *)message + field->quantifier_offset;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            write_repeated(field, *(const uint8_t *const *)(const void *)member,
                           *(const size_t *)(const void *)quantifier, depth, ret);
        else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
            if (*(const uint32_t *)(const void *)quantifier == field->id)
                write_value(field, member, depth, ret);
        } else if (!is_default(field, member)) {
            write_value(field, member, depth, ret);
        }
    }
}
