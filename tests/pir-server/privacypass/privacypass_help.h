/* privacypass_help - what the tests of privacypass share: the published vectors. */
#ifndef BLINDLIST_TESTS_PRIVACYPASS_HELP_H
#define BLINDLIST_TESTS_PRIVACYPASS_HELP_H

#include "base/bytes.h"

#include <jansson.h>

/* A file of rfc/ among the reference's vectors; skips the test when it is not there. */
json_t *rfc_vectors(const char *name);
/* The bytes of a member in hex; ends the test when it is missing. bytes_deinit() by the caller. */
struct bytes vector_bytes(const json_t *vector, const char *member);

#endif
