/* plist_write - XML property lists, written line by line. */
#ifndef BLINDLIST_TOOLS_IOS_PLIST_WRITE_H
#define BLINDLIST_TOOLS_IOS_PLIST_WRITE_H

#include "base/bytes.h"

#include <stdbool.h>

struct plist_writer {
    struct bytes *out; /* borrowed; bytes_status() tells of failures */
    unsigned depth;
};

void plist_write_begin(struct plist_writer *writer, struct bytes *out);
void plist_write_end(struct plist_writer *writer);
/* `key` is NULL in an array and at the top. */
void plist_write_open(struct plist_writer *writer, const char *key, const char *element);
void plist_write_close(struct plist_writer *writer, const char *element);
/* Nothing for a NULL text. */
void plist_write_string(struct plist_writer *writer, const char *key, const char *text);
void plist_write_integer(struct plist_writer *writer, const char *key, uint32_t number);
void plist_write_boolean(struct plist_writer *writer, const char *key, bool is_true);

#endif
