/* libcrypto - what the tests of URLFilterKit use in place of CryptoKit on systems that have none.
 * Never shipped: Package.swift leaves it out where the Apple SDK is. */
#ifndef BLINDLIST_CONTROL_PROVIDER_LIBCRYPTO_H
#define BLINDLIST_CONTROL_PROVIDER_LIBCRYPTO_H

#include <openssl/evp.h>

#endif
