#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum status error_set_va(struct error *err, enum status status, const char *format, va_list args)
{
    if (err != NULL) {
        err->status = status;
        vsnprintf(err->message, sizeof err->message, format, args);
    }
    return status;
}

enum status error_set(struct error *err, enum status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_set_va(err, status, format, args);
    va_end(args);
    return status;
}

static enum status status_of_errno(int error_number)
{
    switch (error_number) {
    case ENOENT:
        return STATUS_NOT_FOUND;
    case EEXIST:
        return STATUS_EXISTS;
    case ENOMEM:
        return STATUS_NOMEM;
    default:
        return STATUS_IO;
    }
}

enum status error_set_errno(struct error *err, int error_number, const char *format, ...)
{
    const enum status status = status_of_errno(error_number);
    if (err == NULL)
        return status;

    va_list args;
    va_start(args, format);
    error_set_va(err, status, format, args);
    va_end(args);

    char reason[128];
    if (strerror_r(error_number, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "system error %d", error_number);
    /* Of a message that is too long the end of what was formatted goes, never the reason. */
    size_t used = strlen(err->message);
    const size_t needed = strlen(reason) + 3; /* ": " and the NUL */
    if (used > sizeof err->message - needed)
        used = sizeof err->message - needed;
    snprintf(err->message + used, sizeof err->message - used, ": %s", reason);
    return status;
}

enum status error_prefix(struct error *err, enum status status, const char *format, ...)
{
    if (err == NULL)
        return status;

    char prefix[ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);

    char joined[2 * ERROR_MESSAGE_BYTES + 2];
    snprintf(joined, sizeof joined, "%s: %s", prefix, err->message);
    joined[sizeof err->message - 1] = '\0';
    memcpy(err->message, joined, strlen(joined) + 1);
    return err->status;
}

const char *status_name(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return "ok";
    case STATUS_NOMEM:
        return "out of memory";
    case STATUS_IO:
        return "input or output failed";
    case STATUS_NOT_FOUND:
        return "not found";
    case STATUS_EXISTS:
        return "exists already";
    case STATUS_MALFORMED:
        return "malformed";
    case STATUS_INVALID:
        return "invalid";
    case STATUS_TOO_LARGE:
        return "too large";
    case STATUS_UNSUPPORTED:
        return "not supported";
    case STATUS_STALE_CONFIG:
        return "stale configuration";
    case STATUS_NO_KEY:
        return "no evaluation key";
    case STATUS_UNAUTHORIZED:
        return "unauthorized";
    case STATUS_BUSY:
        return "busy";
    case STATUS_CANCELLED:
        return "cancelled";
    case STATUS_MISMATCH:
        return "mismatch";
    case STATUS_INTERNAL:
        return "internal error";
    case STATUS_COUNT:
        break;
    }
    return "unknown status";
}
