/* xml_input - an XML text read by expat: what the readers of property lists share.
 *
 * Whoever reads embeds a struct xml_input as the first member of its own struct; handlers get that
 * one as their context, and are called no more once something was refused.
 *
 * Entities  none: declarations inside DOCTYPE are refused, so nothing can expand, and expat fetches
 *           nothing from elsewhere unless asked to.
 * Memory    expat's comes from base/mem.h. Input is taken in pieces, so its size is no int.
 * Errors    STATUS_MALFORMED with line and byte, STATUS_TOO_LARGE, STATUS_UNSUPPORTED for a binary
 *           property list, STATUS_NOMEM; messages begin with `name`. */
#ifndef BLINDLIST_BLOOM_FORMATS_XML_INPUT_H
#define BLINDLIST_BLOOM_FORMATS_XML_INPUT_H

#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"

#include <stddef.h>

struct XML_ParserStruct;

/* Texts are UTF-8 with a NUL, but for that of text(). */
struct xml_handlers {
    void (*start)(void *context, const char *element, const char **attributes);
    void (*end)(void *context, const char *element);
    void (*text)(void *context, const char *text, size_t size);
};

struct xml_input {
    struct XML_ParserStruct *expat;
    const struct xml_handlers *handlers;
    const char *name; /* borrowed */
    struct error *err;
    enum status status; /* of the first refusal */
};

/* Reads it from one end to the other. `input` needs no initialisation. */
enum status xml_input_read(struct xml_input *input, struct span xml, size_t max_bytes,
                           const char *name, const struct xml_handlers *handlers,
                           struct error *err) MUST_CHECK;

/* For handlers: the first refusal ends the reading, and is its result, with the line before it. */
void xml_input_refuse(struct xml_input *input, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Where a handler stands. */
unsigned long xml_input_line(const struct xml_input *input);

#endif
