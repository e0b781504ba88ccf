#include "pir-server/crypto/openssl_error.h"

#include <openssl/err.h>

enum status openssl_error(struct error *err, const char *doing)
{
    const unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(code);
    const enum status status =
        ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE ? STATUS_NOMEM : STATUS_INTERNAL;
    ERR_clear_error();
    return error_set(err, status, "%s: %s", doing, reason != NULL ? reason : "refused by OpenSSL");
}
