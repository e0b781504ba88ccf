#include "pir-server/pir/hash_bucket.h"

#include "base/reader.h"

size_t hash_bucket_size(const struct hash_bucket_slot *slots, size_t count)
{
    size_t size = HASH_BUCKET_EMPTY_BYTES;
    for (size_t i = 0; i < count; i++)
        size += HASH_BUCKET_SLOT_BYTES + slots[i].value.size;
    return size;
}

size_t hash_bucket_write(const struct hash_bucket_slot *slots, size_t count, uint8_t *out)
{
    uint8_t *at = out;
    *at++ = (uint8_t)count;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < 8; k++)
            *at++ = (uint8_t)(slots[i].hash >> (8 * k));
        *at++ = (uint8_t)slots[i].value.size;
        *at++ = (uint8_t)(slots[i].value.size >> 8);
        if (slots[i].value.size > 0)
            memcpy(at, slots[i].value.data, slots[i].value.size);
        at += slots[i].value.size;
    }
    return (size_t)(at - out);
}

static struct hash_bucket_slot read_slot(struct reader *reader)
{
    struct hash_bucket_slot slot;
    slot.hash = reader_u64le(reader);
    slot.value = reader_take(reader, reader_u16le(reader));
    return slot;
}

enum status hash_bucket_find(struct span bucket, uint64_t hash, bool *ret_found,
                             struct span *ret_value, struct error *err)
{
    struct reader reader;
    struct span value = {0};
    bool found = false;

    reader_init(&reader, bucket);
    const size_t count = reader_u8(&reader);
    for (size_t i = 0; i < count; i++) {
        const struct hash_bucket_slot slot = read_slot(&reader);
        if (slot.hash == hash && !found) {
            found = true;
            value = slot.value;
        }
    }
    const enum status st = reader_check(&reader, "hash bucket", err);
    if (st != STATUS_OK)
        return st;
    *ret_found = found;
    if (found)
        *ret_value = value;
    return STATUS_OK;
}

enum status hash_bucket_parse(struct span bucket,
                              struct hash_bucket_slot ret_slots[HASH_BUCKET_SLOTS_MAX],
                              size_t *ret_count, struct error *err)
{
    struct reader reader;
    reader_init(&reader, bucket);
    const size_t count = reader_u8(&reader);
    for (size_t i = 0; i < count; i++)
        ret_slots[i] = read_slot(&reader);
    const enum status st = reader_check(&reader, "hash bucket", err);
    if (st == STATUS_OK)
        *ret_count = count;
    return st;
}
