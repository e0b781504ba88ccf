#include "base/reader.h"

void reader_init(struct reader *reader, struct span in)
{
    *reader = (struct reader){.in = in};
}

struct span reader_take(struct reader *reader, size_t size)
{
    if (reader->failed)
        return span_of(NULL, 0);
    if (size > reader->in.size - reader->position) {
        reader->failed = true;
        reader->fail_needed = size;
        reader->fail_at = reader->position;
        return span_of(NULL, 0);
    }
    const struct span taken = span_part(reader->in, reader->position, size);
    reader->position += size;
    return taken;
}

struct span reader_rest(struct reader *reader)
{
    return reader_take(reader, reader_left(reader));
}

static uint64_t read_le(struct reader *reader, size_t size)
{
    const struct span taken = reader_take(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; i < taken.size; i++)
        value |= (uint64_t)taken.data[i] << (8 * i);
    return value;
}

static uint64_t read_be(struct reader *reader, size_t size)
{
    const struct span taken = reader_take(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; i < taken.size; i++)
        value = value << 8 | taken.data[i];
    return value;
}

uint8_t reader_u8(struct reader *reader)
{
    return (uint8_t)read_le(reader, 1);
}

uint16_t reader_u16le(struct reader *reader)
{
    return (uint16_t)read_le(reader, 2);
}

uint32_t reader_u32le(struct reader *reader)
{
    return (uint32_t)read_le(reader, 4);
}

uint64_t reader_u64le(struct reader *reader)
{
    return read_le(reader, 8);
}

uint16_t reader_u16be(struct reader *reader)
{
    return (uint16_t)read_be(reader, 2);
}

uint32_t reader_u32be(struct reader *reader)
{
    return (uint32_t)read_be(reader, 4);
}

uint64_t reader_u64be(struct reader *reader)
{
    return read_be(reader, 8);
}

enum status reader_check(const struct reader *reader, const char *what, struct error *err)
{
    if (!reader->failed)
        return STATUS_OK;
    return error_set(err, STATUS_MALFORMED, "%s, byte %zu: needs %zu bytes, %zu left", what,
                     reader->fail_at, reader->fail_needed, reader->in.size - reader->fail_at);
}

enum status reader_finish(const struct reader *reader, const char *what, struct error *err)
{
    const enum status status = reader_check(reader, what, err);
    if (status != STATUS_OK)
        return status;
    if (reader_left(reader) != 0)
        return error_set(err, STATUS_MALFORMED, "%s, byte %zu: %zu bytes too many", what,
                         reader->position, reader_left(reader));
    return STATUS_OK;
}
