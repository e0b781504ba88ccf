/* service_tokens - a device's business with the token issuer of a service without socket.
 *
 * Errors   what cannot be set up ends the program; what the service answers is returned. */
#ifndef BLINDLIST_TESTS_SERVICE_TOKENS_H
#define BLINDLIST_TESTS_SERVICE_TOKENS_H

#include "pir-server/privacypass/issuer_directory.h"
#include "pir-server/privacypass/token.h"
#include "pir-server/privacypass/token_key.h"
#include "tests/pir-server/service/service_fixture.h"

#define SERVICE_TOKENS_VALUE_BYTES ((size_t)512)

/* The directory as of now. */
void service_tokens_directory(struct service_fixture *fixture, struct issuer_directory *ret);
/* The key for a user token, "Bearer <...>"; the HTTP status. */
unsigned service_tokens_user_key(struct service_fixture *fixture, const char *bearer,
                                 uint8_t ret_spki[TOKEN_KEY_SPKI_BYTES]);
/* A token under the key; the HTTP status. The value is that of an Authorization header. */
unsigned service_tokens_issue(struct service_fixture *fixture, const char *bearer,
                              const uint8_t spki[TOKEN_KEY_SPKI_BYTES],
                              char ret_value[SERVICE_TOKENS_VALUE_BYTES],
                              unsigned *ret_retry_after_s);
/* Pays for a configuration; the HTTP status. */
unsigned service_tokens_pay(struct service_fixture *fixture, const char *value, const char *agent);

#endif
