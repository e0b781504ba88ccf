/* gateway_keys - the keys of the Oblivious HTTP gateway, as a running server keeps them: what is
 * published is application/ohttp-keys (ohttp_keys.h).
 *
 * A key is in the store, and opens requests, for days before it is published, so that all servers
 * over one store have it by then. Whoever still holds one that has gone is told so (RFC 9458
 * section 5.3) and fetches the keys again. */
#ifndef BLINDLIST_SERVICE_GATEWAY_KEYS_H
#define BLINDLIST_SERVICE_GATEWAY_KEYS_H

#include "pir-server/ohttp/gateway_key_ring.h"
#include "pir-server/service/kept_keys.h"

extern const struct kept_keys_kind gateway_kept_keys;

#endif
