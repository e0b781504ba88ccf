/* ohttp_help - what the tests of ohttp share: vectors of RFCs, and the bytes in them.
 *
 * The vectors are numbers that the RFCs print, one file an RFC, in this folder; compared with the
 * documents of their working groups (cfrg/draft-irtf-cfrg-hpke, ietf-wg-ohai/oblivious-http and
 * httpwg/http-extensions), where each value of RFC 9180 and 9458 stands as it is here, and so do
 * the messages of RFC 9292 in indeterminate length and the chunked response. */
#ifndef BLINDLIST_TESTS_OHTTP_HELP_H
#define BLINDLIST_TESTS_OHTTP_HELP_H

#include "base/bytes.h"
#include "base/span.h"

#include <jansson.h>

/* tests/pir-server/ohttp/<name>, parsed; json_decref() by the caller. */
json_t *ohttp_vectors(const char *name);
/* The same bytes? Ends the test, naming `what`, when not. */
void assert_same(struct span got, struct span expected, const char *what);
/* Is `got` what the vector's member says in hex? */
void assert_member(struct span got, const json_t *vector, const char *member);
/* An empty struct bytes with room for whatever a test makes. */
struct bytes room(void);

#endif
