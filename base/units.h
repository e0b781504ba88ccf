/* units - numbers with a unit, as people write them: "64MB", "90s".
 *
 * Threads  no state. */
#ifndef BLINDLIST_BASE_UNITS_H
#define BLINDLIST_BASE_UNITS_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* At most 15 digits, then B, KB, MB, GB (of 1,000) or KiB, MiB, GiB (of 1,024). False, and *ret
 * untouched, for anything else. */
bool units_parse_size(const char *text, uint64_t *ret_bytes) MUST_CHECK;
/* Likewise with s, m, h or d. */
bool units_parse_duration(const char *text, uint64_t *ret_s) MUST_CHECK;

#endif
