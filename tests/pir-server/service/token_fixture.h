/* token_fixture - a device's Privacy Pass tokens, for tests of the service without a socket.
 *
 * Errors   what cannot be set up ends the program; what the service answers is returned. */
#ifndef BLINDLIST_TESTS_TOKEN_FIXTURE_H
#define BLINDLIST_TESTS_TOKEN_FIXTURE_H

#include "pir-server/privacypass/issuer_directory.h"
#include "pir-server/privacypass/token_client.h"
#include "tests/pir-server/service/service_fixture.h"

#define FIXTURE_AUTHORIZATION_BYTES 1024

/* Makes it known to the store, of an app, with a limit or 0. */
void fixture_add_user_token(struct service_fixture *fixture, const char *app, const char *text,
                            uint32_t per_minute, uint64_t now_s);
/* The directory as of now. */
void fixture_directory(struct service_fixture *fixture, struct issuer_directory *ret);
/* The key for a user token, "Bearer <...>"; the HTTP status. */
unsigned fixture_user_key(struct service_fixture *fixture, const char *bearer,
                          uint8_t ret_spki[TOKEN_KEY_SPKI_BYTES]);
/* The key that a device takes from the directory: token_key_free(). */
struct token_key *fixture_token_key(struct service_fixture *fixture, uint64_t now_s);
/* A token issued to a user token: 200, or the answer of POST /issue.
 *   bearer  "Bearer ..." */
unsigned fixture_issue(struct service_fixture *fixture, const char *bearer, uint64_t now_s,
                       struct token *ret);
/* What the device sends with it. */
void fixture_authorization(const struct token *token, char ret[FIXTURE_AUTHORIZATION_BYTES]);
/* Both at once, under a key of the directory.
 *   ret_retry_after_s  may be NULL */
unsigned fixture_issue_under(struct service_fixture *fixture, const char *bearer,
                             const uint8_t spki[TOKEN_KEY_SPKI_BYTES],
                             char ret_value[FIXTURE_AUTHORIZATION_BYTES],
                             unsigned *ret_retry_after_s);
/* Pays for a configuration; the HTTP status. */
unsigned fixture_pay(struct service_fixture *fixture, const char *value, const char *agent);

#endif
