#include "pir-server/wire/text_writer.h"

#include "pir-server/wire/api.pb-c.h"
#include "pir-server/wire/protobuf_message.h"
#include "pir-server/wire/text_reader.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

static void writes(const ProtobufCMessageDescriptor *descriptor, const char *hex, const char *text)
{
    struct bytes in = from_hex(hex);
    struct bytes out;
    struct bytes back;
    ProtobufCMessage *message = NULL;
    bytes_init(&out, 1 << 20);
    bytes_init(&back, 1 << 20);
    cr_assert_eq(protobuf_message_unpack(descriptor, bytes_view(&in), 2, "test", &message, NULL),
                 STATUS_OK);
    text_write_message(message, 0, &out);
    cr_assert(span_equal(bytes_view(&out), span_of_text(text)), "%.*s", (int)out.size,
              (const char *)out.data);
    protobuf_message_free(message);

    /* What is written is read again as the same message. */
    cr_assert_eq(text_to_binary(descriptor, bytes_view(&out), &back, NULL), STATUS_OK);
    cr_assert_eq(protobuf_message_unpack(descriptor, bytes_view(&back), 2, "test", &message, NULL),
                 STATUS_OK);
    bytes_clear(&back);
    cr_assert_eq(protobuf_message_pack(message, "test", &back, NULL), STATUS_OK);
    cr_assert(span_equal(bytes_view(&back), bytes_view(&in)));
    protobuf_message_free(message);
    bytes_deinit(&in);
    bytes_deinit(&out);
    bytes_deinit(&back);
}

Test(text_writer, escapes_as_the_reference)
{
    writes(&wire__keyword_database_row__descriptor,
           "0a0f 61 22 5c 27 08 09 0a 0b 0c 0d 00 07 7f ff 31",
           "keyword: \"a\\\"\\\\'\\b\\t\\n\\v\\f\\r\\000\\007\\177\\3771\"\n");
    writes(&wire__keyword_database_row__descriptor, "", "");
    writes(&wire__keyword_database_row__descriptor, "120120", "value: \" \"\n");
}

Test(text_writer, indents_messages_and_packs_lists)
{
    writes(&wire__evaluation_key_config__descriptor, "0a0610111a020304 1203810420 1801",
           "encryption_parameters {\n"
           "  plaintext_modulus: 17\n"
           "  coefficient_moduli: [3, 4]\n"
           "}\n"
           "galois_elements: [513, 32]\n"
           "has_relin_key: true\n");
    writes(&wire__keyword_database__descriptor, "0a00 0a030a0161",
           "rows {\n}\nrows {\n  keyword: \"a\"\n}\n");
    writes(&wire__keyword_pir_parameters__descriptor, "22020a00",
           "sharding_function {\n  sha256 {\n  }\n}\n");
    writes(&wire__config_request__descriptor, "0a0161 0a00 1200",
           "usecases: \"a\"\nusecases: \"\"\nexisting_config_ids: \"\"\n");
}

Test(text_writer, writes_what_is_present_and_empty)
{
    writes(&wire__pirshard_config__descriptor, "2200 2800 3000",
           "shard_id: \"\"\ncompress_vectorized_pir_response: false\n"
           "vectorized_pir_internal_batching_size: 0\n");
}

Test(text_writer, writes_unknown_enum_numbers)
{
    writes(&wire__encryption_parameters__descriptor, "3002 ", "he_scheme: HE_SCHEME_BGV\n");
    writes(&wire__encryption_parameters__descriptor, "3007", "he_scheme: 7\n");
}

static size_t fields_seen;
static void check_types(const ProtobufCMessageDescriptor *descriptor)
{
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        fields_seen++;
        switch ((int)field->type) {
        case PROTOBUF_C_TYPE_BOOL:
        case PROTOBUF_C_TYPE_ENUM:
        case PROTOBUF_C_TYPE_UINT32:
        case PROTOBUF_C_TYPE_UINT64:
        case PROTOBUF_C_TYPE_BYTES:
            break;
        case PROTOBUF_C_TYPE_MESSAGE:
            check_types(field->descriptor);
            break;
        default:
            cr_assert(false, "%s.%s has a type without a text form", descriptor->name, field->name);
        }
    }
}

Test(text_writer, every_field_of_every_message_has_a_text_form)
{
    check_types(&wire__pir_parameters__descriptor);
    check_types(&wire__keyword_database__descriptor);
    check_types(&wire__requests__descriptor);
    check_types(&wire__responses__descriptor);
    check_types(&wire__config_request__descriptor);
    check_types(&wire__config_response__descriptor);
    check_types(&wire__evaluation_keys__descriptor);
    check_types(&wire__pirconfig__descriptor);
    check_types(&wire__pirresponse__descriptor);
    check_types(&wire__encrypted_indices__descriptor);
    check_types(&wire__serialized_evaluation_key__descriptor);
    check_types(&wire__error__descriptor);
    cr_assert_gt(fields_seen, 60);
}
