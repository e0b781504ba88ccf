/* issued_token - a token made on the spot, for tests with and without Criterion. */
#ifndef BLINDLIST_TESTS_ISSUED_TOKEN_H
#define BLINDLIST_TESTS_ISSUED_TOKEN_H

#include "pir-server/privacypass/issuer_key.h"

/* A token by this key, all of its issuance done here. Ends the program when that fails. */
struct token issued_token(const struct issuer_key *key);

#endif
