/* privacypass_help - what the tests of privacypass share: the published vectors. */
#ifndef BLINDLIST_TESTS_PRIVACYPASS_HELP_H
#define BLINDLIST_TESTS_PRIVACYPASS_HELP_H

#include "base/bytes.h"
#include "base/random.h"
#include "pir-server/privacypass/issuer_key.h"

#include <jansson.h>

/* A file of rfc/ among the reference's vectors; skips the test when it is not there. */
json_t *rfc_vectors(const char *name);
/* The bytes of a member in hex; ends the test when it is missing. bytes_deinit() by the caller. */
struct bytes vector_bytes(const json_t *vector, const char *member);
/* The issuer key of a vector of RFC 9578. */
struct issuer_key *vector_issuer_key(const json_t *vector);

/* A random source that hands out these bytes in turn, and fails when there are no more. */
struct scripted_random {
    const struct span *parts;
    size_t part_count;
    size_t next;
};
struct random_source scripted_random_source(struct scripted_random *state);

#endif
