/* bhttp - HTTP requests and responses as bytes, message/bhttp (RFC 9292).
 *
 *     known length    framing, control, length+headers, length+content, length+trailers, zeros
 *     indeterminate   framing, control, headers 00, (length+chunk)... 00, trailers 00, zeros
 *
 * Reading   all four framings; integers in any of their forms. An end is accepted after the control
 *           data, after the headers and after the content: what is missing is empty. (RFC 9292
 *           section 3.8 allows the last two; the example of RFC 9458 appendix A is of the first
 *           kind.) Informational responses are checked and passed over.
 * Fields    names are tokens in lower case, values without NUL, CR, LF and without blanks at either
 *           end (HTTP/2, RFC 9113 section 8.2.1). Pseudo-fields come first and only in headers;
 *           those of HTTP/2 itself are refused, others passed over: we know no extension. Fields
 *           about a connection (RFC 9110 section 7.6.1) mean nothing here: they are passed over
 *           too, for section 3.6 says that they make no message invalid, and are never written.
 * Writing   known length, nothing cut off, no padding.
 * Limits    below, and content_max of the caller, which bounds what is joined from chunks.
 * Privacy   messages name parts and positions, never what stood there.
 * Memory    what was read is borrowed from the input, but for content of several chunks, which the
 *           message owns: bhttp_request_deinit(), which wipes it, for it may hold a token.
 * Threads   any; these are plain values. */
#ifndef BLINDLIST_OHTTP_BHTTP_H
#define BLINDLIST_OHTTP_BHTTP_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

/* Field lines of one section that count (see above); and of all sections, in bytes of names and
 * values. libmicrohttpd gives the head of a plain request about as much. */
#define BHTTP_MAX_FIELDS        ((size_t)64)
#define BHTTP_FIELDS_MAX_BYTES  ((size_t)32768)
#define BHTTP_CONTROL_MAX_BYTES ((size_t)8192) /* each of method, scheme, authority, path */
#define BHTTP_MAX_INFORMATIONAL ((size_t)16)
#define BHTTP_STATUS_MIN        200
#define BHTTP_STATUS_MAX        599

struct bhttp_field {
    struct span name; /* lower case */
    struct span value;
};

struct bhttp_fields {
    size_t count;
    struct bhttp_field lines[BHTTP_MAX_FIELDS];
};

/* Adds a line; borrows both texts. STATUS_TOO_LARGE when there are BHTTP_MAX_FIELDS. */
enum status bhttp_fields_add(struct bhttp_fields *fields, const char *name, struct span value,
                             struct error *err) MUST_CHECK;
/* The first line of that name, and how many there are; NULL when none. */
const struct bhttp_field *bhttp_fields_find(const struct bhttp_fields *fields, const char *name,
                                            size_t *ret_count);

struct bhttp_request {
    struct span method;    /* a token */
    struct span scheme;    /* "https" */
    struct span authority; /* host and port, may be empty: see bhttp_request_host() */
    struct span path;      /* with query; begins with '/', or is "*" */
    struct bhttp_fields headers;
    struct bhttp_fields trailers;
    struct span content;
    struct bytes joined; /* content that came in several chunks */
};

struct bhttp_response {
    unsigned status; /* BHTTP_STATUS_MIN to BHTTP_STATUS_MAX */
    struct bhttp_fields headers;
    struct bhttp_fields trailers;
    struct span content;
    struct bytes joined;
};

/* Empty; also what a message to be written begins as. */
void bhttp_request_init(struct bhttp_request *request);
void bhttp_request_deinit(struct bhttp_request *request);
void bhttp_response_init(struct bhttp_response *response);
void bhttp_response_deinit(struct bhttp_response *response);

/* Of an initialized message; on failure it is empty again. STATUS_MALFORMED when it is not what the
 * format says, or a response for a request; STATUS_TOO_LARGE for a limit, content_max among them.
 */
enum status bhttp_request_read(struct span in, size_t content_max, struct bhttp_request *ret,
                               struct error *err) MUST_CHECK;
enum status bhttp_response_read(struct span in, size_t content_max, struct bhttp_response *ret,
                                struct error *err) MUST_CHECK;

/* Appends. STATUS_INVALID for what the readers would refuse or pass over. */
enum status bhttp_request_write(const struct bhttp_request *request, struct bytes *ret,
                                struct error *err) MUST_CHECK;
enum status bhttp_response_write(const struct bhttp_response *response, struct bytes *ret,
                                 struct error *err) MUST_CHECK;

/* Whom the request is for: the authority or, when that is empty, its host field. Empty when there
 * is neither, or more than one host, or both and they differ: such a request has no one target. */
struct span bhttp_request_host(const struct bhttp_request *request);

#endif
