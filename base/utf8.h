/* utf8 - characters of a text that claims to be UTF-8 (RFC 3629).
 *
 * Threads  pure functions. */
#ifndef BLINDLIST_BASE_UTF8_H
#define BLINDLIST_BASE_UTF8_H

#include <stddef.h>

/* The bytes of the character that `text` begins with, 1 to 4; 0: it begins with none (a byte that
 * cannot stand there, one cut short, longer than need be, a surrogate), or is at its end. */
size_t utf8_character_bytes(const char *text);

#endif
