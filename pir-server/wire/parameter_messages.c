#include "pir-server/wire/parameter_messages.h"

#include <string.h>

/* SYMMETRIC_PIR_CONFIG_TYPE_OPRF_P384_AES_GCM_192_NONCE_96_TAG_128, the only one. */
#define SYMMETRIC_TYPE ((Wire__SymmetricPirConfigType)1)

void encryption_message_fill(const struct bfv_parameters *parameters,
                             Wire__EncryptionParameters *ret)
{
    wire__encryption_parameters__init(ret);
    ret->polynomial_degree = parameters->degree;
    ret->plaintext_modulus = parameters->plaintext_modulus;
    ret->coefficient_moduli = (uint64_t *)(uintptr_t)parameters->coefficient_moduli;
    ret->n_coefficient_moduli = parameters->moduli_count;
    ret->error_std_dev = (Wire__ErrorStdDev)parameters->error_std_dev;
    ret->security_level = (Wire__SecurityLevel)parameters->security_level;
    ret->he_scheme = (Wire__HeScheme)parameters->he_scheme;
}

enum status encryption_message_read(const Wire__EncryptionParameters *message,
                                    struct bfv_parameters *ret, struct error *err)
{
    if (message == NULL)
        return error_set(err, STATUS_MALFORMED, "encryption_parameters are missing");
    if (message->n_coefficient_moduli > BFV_MAX_MODULI)
        return error_set(err, STATUS_MALFORMED, "%zu coefficient_moduli, at most %d",
                         message->n_coefficient_moduli, BFV_MAX_MODULI);
    struct bfv_parameters parameters = {
        .degree = message->polynomial_degree,
        .plaintext_modulus = message->plaintext_modulus,
        .moduli_count = message->n_coefficient_moduli,
        .error_std_dev = (uint32_t)message->error_std_dev,
        .security_level = (uint32_t)message->security_level,
        .he_scheme = (uint32_t)message->he_scheme,
    };
    for (size_t i = 0; i < parameters.moduli_count; i++)
        parameters.coefficient_moduli[i] = message->coefficient_moduli[i];
    *ret = parameters;
    return STATUS_OK;
}

void key_config_message_fill(const struct pir_evaluation_key_config *config,
                             struct key_config_parts *ret)
{
    wire__evaluation_key_config__init(&ret->message);
    encryption_message_fill(&config->encryption, &ret->encryption);
    ret->message.encryption_parameters = &ret->encryption;
    ret->message.galois_elements = (uint32_t *)(uintptr_t)config->galois_elements;
    ret->message.n_galois_elements = config->galois_element_count;
    ret->message.has_relin_key = config->has_relin_key;
}

enum status key_config_message_read(const Wire__EvaluationKeyConfig *message,
                                    struct pir_evaluation_key_config *ret, struct error *err)
{
    if (message == NULL)
        return error_set(err, STATUS_MALFORMED, "evaluation_key_config is missing");
    if (message->n_galois_elements > PIR_GALOIS_ELEMENTS_MAX)
        return error_set(err, STATUS_MALFORMED,
                         "evaluation key configuration: %zu galois_elements, at most %zu",
                         message->n_galois_elements, PIR_GALOIS_ELEMENTS_MAX);
    struct pir_evaluation_key_config config = {
        .galois_element_count = message->n_galois_elements,
        .has_relin_key = message->has_relin_key,
    };
    const enum status st =
        encryption_message_read(message->encryption_parameters, &config.encryption, err);
    if (st != STATUS_OK)
        return error_prefix(err, st, "evaluation key configuration");
    for (size_t i = 0; i < config.galois_element_count; i++)
        config.galois_elements[i] = message->galois_elements[i];
    *ret = config;
    return STATUS_OK;
}

void keyword_message_fill(const struct pir_parameters *parameters, struct keyword_parts *ret)
{
    wire__keyword_pir_parameters__init(&ret->message);
    ret->message.num_hash_functions = parameters->hash_function_count;
    if (parameters->is_symmetric) {
        wire__symmetric_pir_client_config__init(&ret->symmetric);
        ret->symmetric.server_public_key = (ProtobufCBinaryData){
            .len = PIR_SYMMETRIC_KEY_BYTES,
            .data = (uint8_t *)(uintptr_t)parameters->symmetric_public_key,
        };
        ret->symmetric.config_type = SYMMETRIC_TYPE;
        ret->message.symmetric_pir_client_config = &ret->symmetric;
    }
    if (!parameters->has_sharding_function)
        return;
    wire__pirsharding_function__init(&ret->sharding);
    ret->message.sharding_function = &ret->sharding;
    if (parameters->sharding.function == SHARDING_DOUBLE_MOD) {
        wire__pirsharding_function_double_mod__init(&ret->double_mod);
        ret->double_mod.other_shard_count = parameters->sharding.other_shard_count;
        ret->sharding.function_case = WIRE__PIRSHARDING_FUNCTION__FUNCTION_DOUBLE_MOD;
        ret->sharding.double_mod = &ret->double_mod;
    } else {
        wire__pirsharding_function_sha256__init(&ret->sha256);
        ret->sharding.function_case = WIRE__PIRSHARDING_FUNCTION__FUNCTION_SHA256;
        ret->sharding.sha256 = &ret->sha256;
    }
}

static enum status symmetric_read(const Wire__SymmetricPirClientConfig *message,
                                  struct pir_parameters *ret, struct error *err)
{
    if (message == NULL)
        return STATUS_OK;
    if (message->config_type != SYMMETRIC_TYPE)
        return error_set(err, STATUS_UNSUPPORTED,
                         "symmetric_pir_client_config: config_type %d is not supported, only %d",
                         (int)message->config_type, (int)SYMMETRIC_TYPE);
    if (message->server_public_key.len != PIR_SYMMETRIC_KEY_BYTES)
        return error_set(err, STATUS_MALFORMED,
                         "symmetric_pir_client_config: server_public_key of %zu bytes, %d are due",
                         message->server_public_key.len, PIR_SYMMETRIC_KEY_BYTES);
    ret->is_symmetric = true;
    memcpy(ret->symmetric_public_key, message->server_public_key.data, PIR_SYMMETRIC_KEY_BYTES);
    return STATUS_OK;
}

enum status keyword_message_read(const Wire__KeywordPirParameters *message,
                                 struct pir_parameters *ret, struct error *err)
{
    ret->has_keyword_parameters = message != NULL;
    ret->hash_function_count = message == NULL ? 1 : message->num_hash_functions;
    ret->has_sharding_function = message != NULL && message->sharding_function != NULL;
    ret->sharding = (struct sharding){.function = SHARDING_SHA256};
    if (ret->has_sharding_function && message->sharding_function->function_case ==
                                          WIRE__PIRSHARDING_FUNCTION__FUNCTION_DOUBLE_MOD)
        ret->sharding = (struct sharding){
            .function = SHARDING_DOUBLE_MOD,
            .other_shard_count = message->sharding_function->double_mod->other_shard_count};
    return message != NULL ? symmetric_read(message->symmetric_pir_client_config, ret, err)
                           : STATUS_OK;
}

enum status dimensions_read(const uint64_t *dimensions, size_t count, struct pir_parameters *ret,
                            struct error *err)
{
    if (count > PIR_DIMENSIONS_MAX)
        return error_set(err, STATUS_MALFORMED, "%zu dimensions, at most %zu", count,
                         PIR_DIMENSIONS_MAX);
    ret->dimension_count = count;
    for (size_t i = 0; i < count; i++)
        ret->dimensions[i] = dimensions[i];
    return STATUS_OK;
}
