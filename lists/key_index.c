#include "lists/key_index.h"

#include "base/mem.h"

/* Carter and Wegman, 1979; two different keys of n bytes collide with probability n / 2^61 / 7. */
#define PRIME      ((UINT64_C(1) << 61) - 1)
#define WORD_BYTES 7

/* Keys whose slots are fetched ahead of their turn while the table is filled. */
#define FETCHED_AHEAD 16

struct slot {
    uint32_t tag;
    uint32_t key; /* its number + 1; 0 = empty */
};

struct key_index {
    const struct key_table *table;
    uint64_t point;    /* [1, PRIME) */
    uint64_t spreader; /* odd */
    unsigned shift;    /* 64 - log2 of the number of slots */
    size_t mask;       /* the number of slots - 1 */
    struct slot *slots;
};

static uint64_t multiply(uint64_t a, uint64_t b) /* a < 2^62, b < PRIME; the result < 2^61 + 2 */
{
    const uint128 product = (uint128)a * b;
    const uint64_t sum = ((uint64_t)product & PRIME) + (uint64_t)(product >> 61);
    return (sum & PRIME) + (sum >> 61);
}

static uint64_t hash_of(const struct key_index *index, struct span key)
{
    uint64_t hash = key.size;
    size_t at = 0;
    for (; at + 8 <= key.size; at += WORD_BYTES) {
        uint64_t word;
        memcpy(&word, key.data + at, sizeof word);
        hash = multiply(hash + (word & ((UINT64_C(1) << 8 * WORD_BYTES) - 1)), index->point);
    }
    uint64_t word = 0;
    for (; at < key.size; at++)
        word = word << 8 | key.data[at];
    /* The last word has up to WORD_BYTES bytes. */
    hash = multiply(hash + word, index->point);
    return hash * index->spreader;
}

static size_t slot_of(const struct key_index *index, uint64_t hash)
{
    return (size_t)(hash >> index->shift);
}

static void insert(struct key_index *index, uint64_t hash, size_t key)
{
    size_t at = slot_of(index, hash);
    while (index->slots[at].key != 0)
        at = (at + 1) & index->mask;
    index->slots[at] = (struct slot){.tag = (uint32_t)hash, .key = (uint32_t)key + 1};
}

static void insert_all(struct key_index *index)
{
    const size_t count = key_table_count(index->table);
    uint64_t hashes[FETCHED_AHEAD];
    for (size_t i = 0; i < count + FETCHED_AHEAD; i++) {
        uint64_t *hash = &hashes[i % FETCHED_AHEAD];
        if (i >= FETCHED_AHEAD)
            insert(index, *hash, i - FETCHED_AHEAD);
        if (i < count) {
            *hash = hash_of(index, key_table_at(index->table, i));
            PREFETCH_WRITE(&index->slots[slot_of(index, *hash)]);
        }
    }
}

enum status key_index_new(const struct key_table *table, const struct random_source *random,
                          struct key_index **ret, struct error *err)
{
    struct key_index *index = mem_alloc_zeroed(1, sizeof *index);
    if (index == NULL)
        return error_set(err, STATUS_NOMEM, "keys: out of memory");
    uint64_t seeds[2];
    enum status status = random_fill(random, seeds, sizeof seeds, err);
    if (status != STATUS_OK)
        goto done;
    const size_t count = key_table_count(table);
    unsigned log2_slots = 1;
    while ((size_t)1 << log2_slots < count + count / 2)
        log2_slots++;
    index->table = table;
    index->point = seeds[0] % (PRIME - 1) + 1;
    index->spreader = seeds[1] | 1;
    index->shift = 64 - log2_slots;
    index->mask = ((size_t)1 << log2_slots) - 1;
    index->slots = mem_alloc_zeroed(index->mask + 1, sizeof *index->slots);
    if (index->slots == NULL) {
        status = error_set(err, STATUS_NOMEM, "keys: out of memory at %zu keys", count);
        goto done;
    }
    insert_all(index);
    *ret = index;
    index = NULL;
done:
    key_index_free(index);
    return status;
}

void key_index_free(struct key_index *index)
{
    if (index == NULL)
        return;
    mem_free(index->slots);
    mem_free(index);
}

void key_index_prefetch(const struct key_index *index, struct span key)
{
    PREFETCH_READ(&index->slots[slot_of(index, hash_of(index, key))]);
}

size_t key_index_find(const struct key_index *index, struct span key)
{
    const uint64_t hash = hash_of(index, key);
    for (size_t at = slot_of(index, hash);; at = (at + 1) & index->mask) {
        const struct slot slot = index->slots[at];
        if (slot.key == 0)
            return KEY_TABLE_NONE;
        if (slot.tag == (uint32_t)hash && span_equal(key_table_at(index->table, slot.key - 1), key))
            return slot.key - 1;
    }
}
