/* issuer - the keys under which an app's tokens are issued and checked, as a running server keeps
 * them: what is published is the issuer directory (issuer_directory.h). */
#ifndef BLINDLIST_SERVICE_ISSUER_H
#define BLINDLIST_SERVICE_ISSUER_H

#include "pir-server/privacypass/issuer_key_ring.h"
#include "pir-server/service/kept_keys.h"

#define ISSUER_REQUEST_URI "/issue"

extern const struct kept_keys_kind issuer_kept_keys;

#endif
