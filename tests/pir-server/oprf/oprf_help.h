/* oprf_help - what the tests of oprf share: vectors of RFCs.
 *
 * The vectors are numbers that the RFCs print, one file an RFC, in this folder. */
#ifndef BLINDLIST_TESTS_OPRF_HELP_H
#define BLINDLIST_TESTS_OPRF_HELP_H

#include <jansson.h>

/* tests/pir-server/oprf/<name>, parsed; json_decref() by the caller. */
json_t *oprf_vectors(const char *name);

#endif
