/* config_forms - what devices are told of one dataset version, ready to send: a configuration
 * response is put together from them by copying.
 *
 * Of each form (newest, for old platforms, "you have it") the entry and its compressed bytes are
 * made when the version is loaded; a request adds only when each key was stored.
 *
 * Memory   three forms, plain and compressed; of 65,536 shards spelled out, about 2 MB.
 * Threads  constant: shared freely. */
#ifndef BLINDLIST_SERVICE_CONFIG_FORMS_H
#define BLINDLIST_SERVICE_CONFIG_FORMS_H

#include "base/bytes.h"
#include "pir-server/wire/wire_config.h"

/* Responses of at most this size are never compressed. */
#define CONFIG_GZIP_ABOVE_BYTES ((size_t)1024)

struct config_forms;
/* Borrows `config`. A form that the configuration cannot have is left out. */
enum status config_forms_new(struct span use_case, const struct wire_config *config,
                             struct config_forms **ret, struct error *err) MUST_CHECK;
void config_forms_free(struct config_forms *forms); /* takes NULL */
const struct wire_config *config_forms_config(const struct config_forms *forms);

/* What is said of one use case. */
struct config_choice {
    const struct config_forms *forms;
    enum wire_config_form form;
    uint64_t key_timestamp; /* of the client's stored key; 0 = none */
};
/* Appends the ConfigResponse: entries and key states in the order given, of distinct use cases.
 *   takes_gzip   compressed when that makes a long response shorter: *ret_is_gzip
 * STATUS_UNSUPPORTED for an old platform and a sharding function other than SHA-256. */
enum status config_forms_join(const struct config_choice *choices, size_t count, bool takes_gzip,
                              struct bytes *ret, bool *ret_is_gzip, struct error *err) MUST_CHECK;

#endif
