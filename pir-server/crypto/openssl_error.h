/* openssl_error - a failure inside OpenSSL as a status of ours.
 *
 * Takes what is in the thread's error queue and leaves it empty, so that no old entry is mistaken
 * for a new one. Reasons of OpenSSL are fixed texts: they show nothing of keys or messages. */
#ifndef BLINDLIST_CRYPTO_OPENSSL_ERROR_H
#define BLINDLIST_CRYPTO_OPENSSL_ERROR_H

#include "base/status.h"

/* "<doing>: <reason>": STATUS_NOMEM when memory was short, else STATUS_INTERNAL. */
enum status openssl_error(struct error *err, const char *doing);

#endif
