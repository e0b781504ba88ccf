/* bytes - an owned byte string that grows up to a maximum it is born with.
 *
 * The maximum turns a hostile length into STATUS_TOO_LARGE instead of an exhausted machine. The
 * first failure sticks: later appends do nothing, and bytes_status() tells at the end.
 *
 * Memory   bytes_init() in the caller's storage, bytes_deinit() gives the block back.
 * Threads  one at a time. */
#ifndef BLINDLIST_BASE_BYTES_H
#define BLINDLIST_BASE_BYTES_H

#include "base/span.h"
#include "base/status.h"

struct bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t max_size;
    enum status status; /* STATUS_OK, STATUS_NOMEM or STATUS_TOO_LARGE */
};

void bytes_init(struct bytes *bytes, size_t max_size);
void bytes_deinit(struct bytes *bytes);
/* For contents that were secret: wipes, then frees. (Growth wipes nothing: reserve first.) */
void bytes_deinit_secret(struct bytes *bytes);
/* Size 0 again, storage and maximum kept, failure forgotten. */
void bytes_clear(struct bytes *bytes);

/* `more` is none of the bytes themselves: growth may move them. */
void bytes_append(struct bytes *bytes, struct span more);
void bytes_append_u8(struct bytes *bytes, uint8_t value);
void bytes_append_u16le(struct bytes *bytes, uint16_t value);
void bytes_append_u32le(struct bytes *bytes, uint32_t value);
void bytes_append_u64le(struct bytes *bytes, uint64_t value);
void bytes_append_u16be(struct bytes *bytes, uint16_t value);
void bytes_append_u32be(struct bytes *bytes, uint32_t value);
void bytes_append_u64be(struct bytes *bytes, uint64_t value);
void bytes_append_text(struct bytes *bytes, const char *text);
void bytes_append_format(struct bytes *bytes, const char *format, ...) PRINTF_LIKE(2, 3);
/* Appends `size` bytes for the caller to fill and returns where they start; NULL on failure only.
 */
uint8_t *bytes_append_space(struct bytes *bytes, size_t size) MUST_CHECK;
/* Makes room for `size` bytes in all, so that appends up to there do not move the block. */
void bytes_reserve(struct bytes *bytes, size_t size);

static inline struct span bytes_view(const struct bytes *bytes)
{
    return span_of(bytes->data, bytes->size);
}

/* The first failure since bytes_init() or bytes_clear(), as a status with a message that names
 * `what` and the maximum. */
enum status bytes_status(const struct bytes *bytes, const char *what, struct error *err) MUST_CHECK;

#endif
