/* reader - bounded reading of borrowed bytes.
 *
 * The first failure sticks; from then on every read yields zero or an empty span, so a parser reads
 * like its format and asks once, with reader_finish(). Nested lengths get a sub-reader made from
 * the span that reader_take() returned.
 *
 * Memory   borrows `in` for the reader's life; the spans it returns point into it.
 * Threads  one at a time. */
#ifndef BLINDLIST_BASE_READER_H
#define BLINDLIST_BASE_READER_H

#include "base/span.h"
#include "base/status.h"

struct reader {
    struct span in;
    size_t position;    /* bytes read so far */
    bool failed;        /* a read wanted more than was left */
    size_t fail_needed; /* of the first failed read: bytes wanted */
    size_t fail_at;     /* and where it started */
};

void reader_init(struct reader *reader, struct span in);

uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16le(struct reader *reader);
uint32_t reader_u32le(struct reader *reader);
uint64_t reader_u64le(struct reader *reader);
uint16_t reader_u16be(struct reader *reader);
uint32_t reader_u32be(struct reader *reader);
uint64_t reader_u64be(struct reader *reader);
/* The next `size` bytes, borrowed. */
struct span reader_take(struct reader *reader, size_t size);
/* All that is left, possibly nothing. */
struct span reader_rest(struct reader *reader);

static inline size_t reader_left(const struct reader *reader)
{
    return reader->failed ? 0 : reader->in.size - reader->position;
}

/* STATUS_OK when no read failed; else STATUS_MALFORMED, "<what>, byte A: needs B, C left". */
enum status reader_check(const struct reader *reader, const char *what,
                         struct error *err) MUST_CHECK;
/* The same, and nothing may be left over. */
enum status reader_finish(const struct reader *reader, const char *what,
                          struct error *err) MUST_CHECK;

#endif
