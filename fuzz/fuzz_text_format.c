/* Text format: what is accepted is written back as text that says the same.
 *
 * The first byte selects the message. */
#include "base/bytes.h"
#include "pir-server/wire/api.pb-c.h"
#include "pir-server/wire/protobuf_message.h"
#include "pir-server/wire/text_reader.h"
#include "pir-server/wire/text_writer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX_BYTES ((size_t)1 << 20)

/* Text to a message, NULL when it is refused. */
static ProtobufCMessage *parse(const ProtobufCMessageDescriptor *descriptor, struct span text)
{
    ProtobufCMessage *message = NULL;
    struct bytes binary;
    bytes_init(&binary, OUT_MAX_BYTES);
    if (text_to_binary(descriptor, text, &binary, NULL) == STATUS_OK &&
        protobuf_message_unpack(descriptor, bytes_view(&binary), PROTOBUF_FACTOR_GRANULAR, "text",
                                &message, NULL) == STATUS_MALFORMED)
        abort(); /* our own binary is well-formed */
    bytes_deinit(&binary);
    return message;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ProtobufCMessageDescriptor *const descriptors[] = {
        &wire__pir_parameters__descriptor, &wire__evaluation_key_config__descriptor,
        &wire__keyword_database__descriptor, &wire__pirconfig__descriptor};
    if (size == 0 || size > OUT_MAX_BYTES / 4)
        return 0;
    const ProtobufCMessageDescriptor *descriptor = descriptors[data[0] % ARRAY_COUNT(descriptors)];
    ProtobufCMessage *first = parse(descriptor, span_of(data + 1, size - 1));
    if (first == NULL)
        return 0;

    struct bytes once;
    struct bytes twice;
    bytes_init(&once, 16 * OUT_MAX_BYTES);
    bytes_init(&twice, 16 * OUT_MAX_BYTES);
    text_write_message(first, 0, &once);
    ProtobufCMessage *second = parse(descriptor, bytes_view(&once));
    if (second == NULL)
        abort();
    text_write_message(second, 0, &twice);
    if (!span_equal(bytes_view(&once), bytes_view(&twice)))
        abort();
    bytes_deinit(&once);
    bytes_deinit(&twice);
    protobuf_message_free(first);
    protobuf_message_free(second);
    return 0;
}
