#include "pir-server/wire/wire_parameters.h"

#include "base/file.h"
#include "pir-server/wire/parameter_messages.h"
#include "pir-server/wire/protobuf_message.h"
#include "pir-server/wire/text_reader.h"
#include "pir-server/wire/text_writer.h"

enum wire_form wire_form_of_path(const char *path)
{
    static const char suffix[] = ".txtpb";
    const size_t length = strlen(path);
    const bool is_text =
        length >= sizeof suffix - 1 && strcmp(path + length - (sizeof suffix - 1), suffix) == 0;
    return is_text ? WIRE_TEXT : WIRE_BINARY;
}

/* Text or binary to a message; text goes through its binary form. */
static enum status unpack(const ProtobufCMessageDescriptor *descriptor, struct span in,
                          enum wire_form form, ProtobufCMessage **ret, struct error *err)
{
    struct bytes binary;
    bytes_init(&binary, 4 * WIRE_PARAMETERS_MAX_BYTES);
    enum status st = STATUS_OK;
    if (in.size > WIRE_PARAMETERS_MAX_BYTES)
        st = error_set(err, STATUS_TOO_LARGE, "%s: %zu bytes, at most %zu", descriptor->short_name,
                       in.size, WIRE_PARAMETERS_MAX_BYTES);
    if (st == STATUS_OK && form == WIRE_TEXT) {
        st = text_to_binary(descriptor, in, &binary, err);
        in = bytes_view(&binary);
    }
    if (st == STATUS_OK)
        st = protobuf_message_unpack(descriptor, in, PROTOBUF_FACTOR_GRANULAR,
                                     descriptor->short_name, ret, err);
    bytes_deinit(&binary);
    return st;
}

static enum status pack(const ProtobufCMessage *message, enum wire_form form, struct bytes *ret,
                        struct error *err)
{
    if (form == WIRE_BINARY)
        return protobuf_message_pack(message, message->descriptor->short_name, ret, err);
    text_write_message(message, 0, ret);
    return bytes_status(ret, message->descriptor->short_name, err);
}

/* ---- PirParameters ---- */

static enum status parameters_from(const Wire__PirParameters *message, struct pir_parameters *ret,
                                   struct error *err)
{
    struct pir_parameters parameters = {
        .entry_count = message->num_entries,
        .entry_bytes = message->entry_size,
        .algorithm = (uint32_t)message->algorithm,
        .batch_size = message->batch_size,
        .key_compression = (uint32_t)message->key_compression_strategy,
        .encoding_entry_size = message->encoding_entry_size,
    };
    enum status st =
        encryption_message_read(message->encryption_parameters, &parameters.encryption, err);
    if (st == STATUS_OK)
        st = dimensions_read(message->dimensions, message->n_dimensions, &parameters, err);
    if (st == STATUS_OK)
        st = key_config_message_read(message->evaluation_key_config, &parameters.evaluation_key,
                                     err);
    if (st == STATUS_OK)
        st = keyword_message_read(message->keyword_pir_params, &parameters, err);
    if (st != STATUS_OK)
        return error_prefix(err, st, "PirParameters");
    *ret = parameters;
    return STATUS_OK;
}

enum status wire_parameters_read(struct span in, enum wire_form form, struct pir_parameters *ret,
                                 struct error *err)
{
    ProtobufCMessage *base = NULL;
    enum status st = unpack(&wire__pir_parameters__descriptor, in, form, &base, err);
    if (st == STATUS_OK)
        st = parameters_from((const void *)base, ret, err);
    protobuf_message_free(base);
    return st;
}

enum status wire_parameters_write(const struct pir_parameters *parameters, enum wire_form form,
                                  struct bytes *ret, struct error *err)
{
    Wire__PirParameters message = WIRE__PIR_PARAMETERS__INIT;
    Wire__EncryptionParameters encryption;
    struct keyword_parts keyword;
    struct key_config_parts key_config;
    encryption_message_fill(&parameters->encryption, &encryption);
    message.encryption_parameters = &encryption;
    message.num_entries = parameters->entry_count;
    message.entry_size = parameters->entry_bytes;
    message.dimensions = (uint64_t *)(uintptr_t)parameters->dimensions;
    message.n_dimensions = parameters->dimension_count;
    if (parameters->has_keyword_parameters) {
        keyword_message_fill(parameters, &keyword);
        message.keyword_pir_params = &keyword.message;
    }
    message.algorithm = (Wire__PirAlgorithm)parameters->algorithm;
    message.batch_size = parameters->batch_size;
    key_config_message_fill(&parameters->evaluation_key, &key_config);
    message.evaluation_key_config = &key_config.message;
    message.key_compression_strategy = (Wire__KeyCompressionStrategy)parameters->key_compression;
    message.encoding_entry_size = parameters->encoding_entry_size;
    return pack(&message.base, form, ret, err);
}

/* ---- EvaluationKeyConfig ---- */

enum status wire_key_config_read(struct span in, enum wire_form form,
                                 struct pir_evaluation_key_config *ret, struct error *err)
{
    ProtobufCMessage *base = NULL;
    enum status st = unpack(&wire__evaluation_key_config__descriptor, in, form, &base, err);
    if (st == STATUS_OK)
        st = key_config_message_read((const void *)base, ret, err);
    protobuf_message_free(base);
    return st;
}

enum status wire_key_config_write(const struct pir_evaluation_key_config *config,
                                  enum wire_form form, struct bytes *ret, struct error *err)
{
    struct key_config_parts parts;
    key_config_message_fill(config, &parts);
    return pack(&parts.message.base, form, ret, err);
}

/* ---- files ---- */

enum status wire_parameters_read_file(const char *path, struct pir_parameters *ret,
                                      struct error *err)
{
    struct bytes file;
    bytes_init(&file, WIRE_PARAMETERS_MAX_BYTES);
    enum status st = file_read(path, &file, err);
    if (st == STATUS_OK) {
        st = wire_parameters_read(bytes_view(&file), wire_form_of_path(path), ret, err);
        if (st != STATUS_OK)
            st = error_prefix(err, st, "%s", path);
    }
    bytes_deinit(&file);
    return st;
}

enum status wire_parameters_write_file(const char *path, const struct pir_parameters *parameters,
                                       struct error *err)
{
    struct bytes file;
    bytes_init(&file, WIRE_PARAMETERS_MAX_BYTES);
    enum status st = wire_parameters_write(parameters, wire_form_of_path(path), &file, err);
    if (st == STATUS_OK)
        st = file_write(path, FILE_MODE_PUBLIC, bytes_view(&file), err);
    bytes_deinit(&file);
    return st;
}

enum status wire_key_config_write_file(const char *path,
                                       const struct pir_evaluation_key_config *config,
                                       struct error *err)
{
    struct bytes file;
    bytes_init(&file, WIRE_PARAMETERS_MAX_BYTES);
    enum status st = wire_key_config_write(config, wire_form_of_path(path), &file, err);
    if (st == STATUS_OK)
        st = file_write(path, FILE_MODE_PUBLIC, bytes_view(&file), err);
    bytes_deinit(&file);
    return st;
}
