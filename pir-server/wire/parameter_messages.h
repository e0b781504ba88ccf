/* parameter_messages - encryption parameters, key configuration and keyword parameters between
 * our structs and protobuf-c's messages, for all messages that hold them.
 *
 * Filling  borrows the struct it is made from; the parts lie in the caller's storage.
 * Reading  checks counts (what the structs can hold) and presence; STATUS_MALFORMED names the
 * field. Internal to the room. Threads  any. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_PARAMETER_MESSAGES_H
#define BLINDLIST_PIR_SERVER_WIRE_PARAMETER_MESSAGES_H

#include "pir-server/pir/pir_parameters.h"
#include "pir-server/wire/pir_messages.pb-c.h"

void encryption_message_fill(const struct bfv_parameters *parameters,
                             Wire__EncryptionParameters *ret);
/* message == NULL: the field is absent. */
enum status encryption_message_read(const Wire__EncryptionParameters *message,
                                    struct bfv_parameters *ret, struct error *err) MUST_CHECK;

struct key_config_parts {
    Wire__EvaluationKeyConfig message;
    Wire__EncryptionParameters encryption;
};
void key_config_message_fill(const struct pir_evaluation_key_config *config,
                             struct key_config_parts *ret);
enum status key_config_message_read(const Wire__EvaluationKeyConfig *message,
                                    struct pir_evaluation_key_config *ret,
                                    struct error *err) MUST_CHECK;

struct keyword_parts {
    Wire__KeywordPirParameters message;
    Wire__SymmetricPirClientConfig symmetric;
    Wire__PIRShardingFunction sharding;
    Wire__PIRShardingFunctionSHA256 sha256;
    Wire__PIRShardingFunctionDoubleMod double_mod;
};
/* Without a sharding function when the parameters came without one. */
void keyword_message_fill(const struct pir_parameters *parameters, struct keyword_parts *ret);
/* Sets the keyword fields of `ret`; message == NULL: an index database. */
enum status keyword_message_read(const Wire__KeywordPirParameters *message,
                                 struct pir_parameters *ret, struct error *err) MUST_CHECK;

/* Copies at most PIR_DIMENSIONS_MAX dimensions. */
enum status dimensions_read(const uint64_t *dimensions, size_t count, struct pir_parameters *ret,
                            struct error *err) MUST_CHECK;

#endif
