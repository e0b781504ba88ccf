#include "pir-server/wire/protobuf_message.h"

#include "base/checked.h"
#include "base/mem.h"

struct ceiling {
    size_t used; /* handed out so far; what was given back does not come off */
    size_t max;
    bool reached;
    bool out_of_memory;
};

static void *ceiling_alloc(void *state, size_t size)
{
    struct ceiling *ceiling = state;
    if (size > ceiling->max - ceiling->used) {
        ceiling->reached = true;
        return NULL;
    }
    void *block = mem_alloc(size, 1);
    if (block == NULL)
        ceiling->out_of_memory = true;
    else
        ceiling->used += size;
    return block;
}

static void ceiling_free(void *state, void *block)
{
    (void)state;
    mem_free(block);
}

enum status protobuf_message_unpack(const ProtobufCMessageDescriptor *descriptor, struct span in,
                                    size_t factor, const char *what, ProtobufCMessage **ret,
                                    struct error *err)
{
    struct ceiling ceiling = {0};
    if (!size_mul(in.size, factor, &ceiling.max) ||
        !size_add(ceiling.max, PROTOBUF_MEMORY_BASE_BYTES, &ceiling.max))
        return error_set(err, STATUS_TOO_LARGE, "%s: %zu bytes are too many", what, in.size);
    ProtobufCAllocator allocator = {ceiling_alloc, ceiling_free, &ceiling};
    ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, &allocator, in.size, in.data);
    if (message != NULL) {
        *ret = message;
        return STATUS_OK;
    }
    if (ceiling.out_of_memory)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", what);
    if (ceiling.reached)
        return error_set(err, STATUS_TOO_LARGE,
                         "%s: %zu bytes unpack to more than %zu bytes of memory", what, in.size,
                         ceiling.max);
    return error_set(err, STATUS_MALFORMED, "%s: %zu bytes are not a well-formed message", what,
                     in.size);
}

void protobuf_message_free(ProtobufCMessage *message)
{
    ProtobufCAllocator allocator = {ceiling_alloc, ceiling_free, NULL};
    if (message != NULL)
        protobuf_c_message_free_unpacked(message, &allocator);
}

/* The one message with a secret, SerializedSecretKey, has a single byte string. */
void protobuf_message_wipe(ProtobufCMessage *message)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_BYTES)
            continue;
        const uint8_t *member = (const uint8_t *)message + field->offset;
        const ProtobufCBinaryData *data = (const ProtobufCBinaryData *)(const void *)member;
        mem_wipe(data->data, data->data == NULL ? 0 : data->len);
    }
}

enum status protobuf_message_pack(const ProtobufCMessage *message, const char *what,
                                  struct bytes *ret, struct error *err)
{
    const size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *room = bytes_append_space(ret, size);
    if (room == NULL)
        return bytes_status(ret, what, err);
    if (size > 0)
        (void)protobuf_c_message_pack(message, room);
    return STATUS_OK;
}
