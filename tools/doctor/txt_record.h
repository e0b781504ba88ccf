/* txt_record - whether a name has a TXT record in the DNS.
 *
 * Threads  any; blocks for a few seconds when no name server answers. */
#ifndef BLINDLIST_TOOLS_DOCTOR_TXT_RECORD_H
#define BLINDLIST_TOOLS_DOCTOR_TXT_RECORD_H

#include "base/status.h"

#include <stdbool.h>

/* *ret = whether one of the name's TXT records is `value`. `name_server` is "ADDRESS:PORT" (IPv4),
 * NULL = those of the system. STATUS_NOT_FOUND when the name has no such records at all, STATUS_IO
 * when no name server answers, STATUS_INVALID for another name_server. */
enum status txt_record_find(const char *name, const char *value, const char *name_server, bool *ret,
                            struct error *err) MUST_CHECK;

#endif
