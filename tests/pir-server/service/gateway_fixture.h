/* gateway_fixture - a device that reaches a service through its Oblivious HTTP gateway only.
 *
 * Anything that cannot be set up ends the program with a message. */
#ifndef BLINDLIST_TESTS_GATEWAY_FIXTURE_H
#define BLINDLIST_TESTS_GATEWAY_FIXTURE_H

#include "pir-server/ohttp/bhttp.h"
#include "pir-server/ohttp/ohttp_message.h"
#include "pir-server/service/service.h"

#define GATEWAY_FIXTURE_HOST "pir.example"
#define GATEWAY_FIXTURE_PATH "/.well-known/ohttp-gateway"

/* The configuration that is published now. */
struct ohttp_key_config gateway_fixture_config(struct service *service);
/* Seals bytes for it: an encapsulated request, appended to `ret`. */
void gateway_fixture_seal(const struct ohttp_key_config *config, const struct aead *aead,
                          struct span plain, struct bytes *ret,
                          struct ohttp_exchange *ret_exchange);
/* Sends it; the status in clear. `ret` is initialised here. */
unsigned gateway_fixture_post(struct service *service, struct span sealed,
                              struct http_response *ret);
/* All of it for these bytes as the inner request: the inner status, or the negative of the status
 * in clear when the answer is not sealed. ret_content may be NULL. */
int gateway_fixture_send(struct service *service, struct span plain, struct bytes *ret_content);
/* A request as the service sees it, as an inner request; without a Host it is for
 * GATEWAY_FIXTURE_HOST. Appends. */
void gateway_fixture_write(const struct http_request *request, struct bytes *ret);
/* For struct service_fixture: what comes back has status, body and is_gzip. */
void gateway_fixture_carry(struct service *service, const struct http_request *request,
                           struct http_response *ret);

#endif
