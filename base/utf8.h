/* utf8 - characters of a text that claims to be UTF-8 (RFC 3629).
 *
 * Threads  pure functions. */
#ifndef BLINDLIST_BASE_UTF8_H
#define BLINDLIST_BASE_UTF8_H

#include "base/span.h"

#include <stddef.h>

/* The bytes of the character that `text` begins with, 1 to 4; 0: it begins with none (a byte that
 * cannot stand there, one cut short, longer than need be, a surrogate), or is empty. */
size_t utf8_character_bytes(struct span text);
/* The bytes of `text` up to what is no character. */
size_t utf8_prefix_bytes(struct span text);

#endif
