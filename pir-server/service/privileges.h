/* privileges - a server that root started goes on as somebody else.
 *
 * Threads  all of the process change (setuid(2)). */
#ifndef BLINDLIST_SERVICE_PRIVILEGES_H
#define BLINDLIST_SERVICE_PRIVILEGES_H

#include "base/status.h"

#include <sys/types.h>

/* The user of that name, or number; STATUS_NOT_FOUND. */
enum status privileges_find_user(const char *name, uid_t *ret, struct error *err) MUST_CHECK;
/* Becomes that user, with its groups, for ever. Fine when it is that one already; STATUS_IO when
 * the system refuses, which it does to all but root. */
enum status privileges_drop(const char *name, struct error *err) MUST_CHECK;

#endif
