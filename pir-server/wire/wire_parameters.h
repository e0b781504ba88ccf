/* wire_parameters - PirParameters and EvaluationKeyConfig, text and binary, memory and files.
 *
 * Form     a path that ends exactly in `.txtpb` is text, any other name is binary Protobuf, for
 *          reading and writing alike. What is written is byte for byte what the reference writes.
 * Checks   reading checks form, counts and that the encryption parameters are there; whether the
 *          numbers make sense is asked of pir_layout_init(), which every user calls anyway.
 * Errors   STATUS_MALFORMED (text: with line and column), STATUS_TOO_LARGE, and those of files;
 *          STATUS_UNSUPPORTED for a symmetric configuration of a type that is not known.
 * Threads  any. Source  keyword-pir.md sections 1.2, 1.3, 5.2, 8, 11; wire.md sections 2, 3. */
#ifndef BLINDLIST_PIR_SERVER_WIRE_WIRE_PARAMETERS_H
#define BLINDLIST_PIR_SERVER_WIRE_WIRE_PARAMETERS_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/wire/wire_limits.h"

struct pir_parameters;
struct pir_evaluation_key_config;

enum wire_form { WIRE_BINARY, WIRE_TEXT };
enum wire_form wire_form_of_path(const char *path);

/* One shard's parameters. */
enum status wire_parameters_read(struct span in, enum wire_form form, struct pir_parameters *ret,
                                 struct error *err) MUST_CHECK;
enum status wire_parameters_write(const struct pir_parameters *parameters, enum wire_form form,
                                  struct bytes *ret, struct error *err) MUST_CHECK;
/* The form follows from the name; messages name the file. */
enum status wire_parameters_read_file(const char *path, struct pir_parameters *ret,
                                      struct error *err) MUST_CHECK;
enum status wire_parameters_write_file(const char *path, const struct pir_parameters *parameters,
                                       struct error *err) MUST_CHECK;

/* What an evaluation key has to contain. */
enum status wire_key_config_read(struct span in, enum wire_form form,
                                 struct pir_evaluation_key_config *ret,
                                 struct error *err) MUST_CHECK;
enum status wire_key_config_write(const struct pir_evaluation_key_config *config,
                                  enum wire_form form, struct bytes *ret,
                                  struct error *err) MUST_CHECK;
enum status wire_key_config_write_file(const char *path,
                                       const struct pir_evaluation_key_config *config,
                                       struct error *err) MUST_CHECK;

#endif
