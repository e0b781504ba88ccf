/* status - what every function that can fail returns, and the message that goes with it.
 *
 * Rules   A function that can fail returns enum status and takes `struct error *err` last. `err`
 * may be NULL. On failure the outputs are untouched (secret outputs are wiped) and `err` says what,
 * where and with which numbers: `shard 12, byte 118: row needs 4096, 512 left`. On success `err` is
 * not written. Privacy A message never holds a URL that somebody visited, a keyword, token, key,
 * user identifier or raw request bytes. Memory  struct error is plain storage of the caller;
 * filling it never allocates. Threads an error belongs to one thread at a time; status_name() may
 * be called from any. */
#ifndef BLINDLIST_BASE_STATUS_H
#define BLINDLIST_BASE_STATUS_H

#include "base/compiler.h"

#include <stdarg.h>

/* Switches over this have no default, so the compiler finds the forgotten member. */
enum status {
    STATUS_OK = 0,
    STATUS_NOMEM,        /* an allocation failed, or a memory limit was reached */
    STATUS_IO,           /* the operating system refused; the message holds its reason */
    STATUS_NOT_FOUND,    /* a file, key, row or use case does not exist */
    STATUS_EXISTS,       /* something is there already that must not be replaced */
    STATUS_MALFORMED,    /* bytes from outside are not what their format says */
    STATUS_INVALID,      /* well-formed, but a value is out of its range or does not fit the rest */
    STATUS_TOO_LARGE,    /* a named limit is exceeded */
    STATUS_UNSUPPORTED,  /* valid, but this program does not do it; the message names it */
    STATUS_STALE_CONFIG, /* the configuration id is not (or no longer) known; HTTP 410 */
    STATUS_NO_KEY,       /* no usable evaluation key */
    STATUS_UNAUTHORIZED, /* credentials are missing, wrong or spent */
    STATUS_BUSY,         /* a queue is full or a resource is locked; try again later */
    STATUS_CANCELLED,    /* stopped on request */
    STATUS_MISMATCH,     /* a digest, a check value or a comparison is not as expected */
    STATUS_INTERNAL,     /* a broken promise of our own code */
    STATUS_COUNT
};

#define ERROR_MESSAGE_BYTES 512

struct error {
    enum status status;
    char message[ERROR_MESSAGE_BYTES]; /* NUL-terminated; cut at the end when too long */
};

/* Stores status and message in `err` (if not NULL) and returns `status`; no argument may point into
 * err->message. For
 *     return error_set(err, STATUS_INVALID, "degree %u is not a power of two", n); */
enum status error_set(struct error *err, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
enum status error_set_va(struct error *err, enum status status, const char *format, va_list args)
    PRINTF_LIKE(3, 0);

/* STATUS_IO with the text of errno value `error_number` behind the formatted message and ": ".
 * ENOENT becomes STATUS_NOT_FOUND, ENOMEM STATUS_NOMEM, EEXIST STATUS_EXISTS. */
enum status error_set_errno(struct error *err, int error_number, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Puts "<formatted>: " before the message that `err` holds: adds where to what. Returns its status;
 * with err == NULL returns `status`. */
enum status error_prefix(struct error *err, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* "ok", "out of memory", ...: a short lower-case phrase, static. */
const char *status_name(enum status status);

#endif
