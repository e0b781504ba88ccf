/* bhttp_internal - what reading and writing of bhttp share: framings, and what may stand where. */
#ifndef BLINDLIST_OHTTP_BHTTP_INTERNAL_H
#define BLINDLIST_OHTTP_BHTTP_INTERNAL_H

#include "pir-server/ohttp/bhttp.h"

#include <stdbool.h>

/* RFC 9292 section 3.3. */
enum bhttp_framing {
    BHTTP_KNOWN_REQUEST = 0,
    BHTTP_KNOWN_RESPONSE = 1,
    BHTTP_INDETERMINATE_REQUEST = 2,
    BHTTP_INDETERMINATE_RESPONSE = 3
};

enum bhttp_field_kind {
    BHTTP_FIELD_WRONG,
    BHTTP_FIELD_PSEUDO,     /* of an extension */
    BHTTP_FIELD_CONNECTION, /* about the connection that a message came over */
    BHTTP_FIELD_ORDINARY
};

enum bhttp_field_kind bhttp_field_kind_of(struct span name);
bool bhttp_value_is_valid(struct span value);
/* STATUS_OK, or `wrong` with the part that is. Method, scheme, authority and path keep to RFC 9113
 * section 8.3.1: visible characters, no user in the authority. */
enum status bhttp_check_control(const struct bhttp_request *request, enum status wrong,
                                struct error *err) MUST_CHECK;

#endif
