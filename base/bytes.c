#include "base/bytes.h"

#include "base/mem.h"

#include <stdio.h>

void bytes_init(struct bytes *bytes, size_t max_size)
{
    *bytes = (struct bytes){.max_size = max_size};
}

void bytes_deinit(struct bytes *bytes)
{
    mem_free(bytes->data);
    *bytes = (struct bytes){.max_size = bytes->max_size};
}

void bytes_deinit_secret(struct bytes *bytes)
{
    if (bytes->data != NULL)
        mem_wipe(bytes->data, bytes->capacity);
    bytes_deinit(bytes);
}

void bytes_clear(struct bytes *bytes)
{
    bytes->size = 0;
    bytes->status = STATUS_OK;
}

/* Room for `size` bytes in all, and a block even when that is none; sets the sticky failure. */
static bool make_room(struct bytes *bytes, size_t size)
{
    if (size <= bytes->capacity && bytes->data != NULL)
        return true;
    size_t capacity = bytes->capacity < 64 ? 64 : bytes->capacity;
    if (capacity < size)
        capacity = capacity > bytes->max_size / 2 ? bytes->max_size : capacity * 2;
    if (capacity < size)
        capacity = size;
    uint8_t *data = mem_realloc(bytes->data, capacity, 1);
    if (data == NULL) {
        bytes->status = STATUS_NOMEM;
        return false;
    }
    bytes->data = data;
    bytes->capacity = capacity;
    return true;
}

uint8_t *bytes_append_space(struct bytes *bytes, size_t size)
{
    if (bytes->status != STATUS_OK)
        return NULL;
    if (size > bytes->max_size - bytes->size) {
        bytes->status = STATUS_TOO_LARGE;
        return NULL;
    }
    if (!make_room(bytes, bytes->size + size))
        return NULL;
    uint8_t *start = bytes->data + bytes->size;
    bytes->size += size;
    return start;
}

void bytes_reserve(struct bytes *bytes, size_t size)
{
    if (bytes->status != STATUS_OK)
        return;
    if (size > bytes->max_size) {
        bytes->status = STATUS_TOO_LARGE;
        return;
    }
    (void)make_room(bytes, size);
}

void bytes_append(struct bytes *bytes, struct span more)
{
    if (more.size == 0)
        return;
    uint8_t *start = bytes_append_space(bytes, more.size);
    if (start != NULL)
        memcpy(start, more.data, more.size);
}

void bytes_append_u8(struct bytes *bytes, uint8_t value)
{
    bytes_append(bytes, span_of(&value, 1));
}

static void append_le(struct bytes *bytes, uint64_t value, size_t size)
{
    uint8_t le[8];
    for (size_t i = 0; i < size; i++)
        le[i] = (uint8_t)(value >> (8 * i));
    bytes_append(bytes, span_of(le, size));
}

static void append_be(struct bytes *bytes, uint64_t value, size_t size)
{
    uint8_t be[8];
    for (size_t i = 0; i < size; i++)
        be[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    bytes_append(bytes, span_of(be, size));
}

void bytes_append_u16le(struct bytes *bytes, uint16_t value)
{
    append_le(bytes, value, 2);
}

void bytes_append_u32le(struct bytes *bytes, uint32_t value)
{
    append_le(bytes, value, 4);
}

void bytes_append_u64le(struct bytes *bytes, uint64_t value)
{
    append_le(bytes, value, 8);
}

void bytes_append_u16be(struct bytes *bytes, uint16_t value)
{
    append_be(bytes, value, 2);
}

void bytes_append_u32be(struct bytes *bytes, uint32_t value)
{
    append_be(bytes, value, 4);
}

void bytes_append_u64be(struct bytes *bytes, uint64_t value)
{
    append_be(bytes, value, 8);
}

void bytes_append_text(struct bytes *bytes, const char *text)
{
    bytes_append(bytes, span_of_text(text));
}

void bytes_append_format(struct bytes *bytes, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        if (bytes->status == STATUS_OK)
            bytes->status = STATUS_NOMEM;
        return;
    }
    const size_t size = (size_t)length;
    if (bytes_append_space(bytes, size) == NULL)
        return;
    bytes->size -= size;
    /* vsnprintf() adds a NUL, which may lie one byte beyond the maximum but is never counted. */
    if (!make_room(bytes, bytes->size + size + 1))
        return;
    va_start(args, format);
    vsnprintf((char *)bytes->data + bytes->size, size + 1, format, args);
    va_end(args);
    bytes->size += size;
}

enum status bytes_status(const struct bytes *bytes, const char *what, struct error *err)
{
    if (bytes->status == STATUS_OK)
        return STATUS_OK;
    if (bytes->status == STATUS_TOO_LARGE)
        return error_set(err, STATUS_TOO_LARGE, "%s: larger than %zu bytes", what, bytes->max_size);
    return error_set(err, bytes->status, "%s: out of memory", what);
}
