/* json_place - on which line of its text a value stands.
 *
 * jansson keeps no places; the text is gone over once more, for a message.
 *
 * Threads  any. */
#ifndef BLINDLIST_JSON_JSON_PLACE_H
#define BLINDLIST_JSON_JSON_PLACE_H

#include "base/span.h"

#include <stddef.h>

/* One step from the root of a document to a value. */
struct json_step {
    const char *name; /* of a member; NULL = an item */
    size_t index;     /* of an item */
};

/* The line, from 1, of the value that the steps lead to, or of the last one on the way that is
 * there. For a member that is there: the line of its name. 0 when the text is no JSON. */
size_t json_place_line(struct span text, const struct json_step *steps, size_t count);

#endif
