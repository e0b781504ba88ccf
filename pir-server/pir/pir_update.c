#include "pir-server/pir/pir_update.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_plaintext.h"
#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/keyword_hash.h"
#include "pir-server/pir/pir_processing.h"

#include <stdlib.h>

/* A change and the bucket that it is about. */
struct placed {
    uint64_t entry;
    struct pir_change change;
};

struct update {
    const struct bfv_context *context;
    const struct pir_shard *old;
    const struct pir_layout *layout;
    struct span value;
    struct placed *placed; /* [count], by bucket; in one those that leave first, then by hash */
    size_t count;
    size_t payload_bytes;   /* of the plaintexts that hold a bucket, or of the one of several */
    uint8_t *payload;       /* old, then changed */
    uint8_t *before;        /* as it was */
    uint32_t *coefficients; /* [N] */
    uint32_t *lifted;       /* [L][N] */
    uint32_t *scratch;      /* [L][N] */
    struct pir_replacement *replacements; /* [count * chunks] */
    uint32_t *words;                      /* theirs, [L][N] each */
    size_t replaced;
};

bool pir_update_is_possible(const struct pir_layout *layout)
{
    return layout->table_count == 1;
}

static int compare_placed(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;
    if (x->entry != y->entry)
        return x->entry < y->entry ? -1 : 1;
    if (x->change.is_added != y->change.is_added)
        return x->change.is_added ? 1 : -1;
    return (x->change.hash > y->change.hash) - (x->change.hash < y->change.hash);
}

/* ---- one bucket ---- */

static enum status change_slots(struct hash_bucket_slot slots[HASH_BUCKET_SLOTS_MAX], size_t *count,
                                const struct pir_change *change, struct span value,
                                struct error *err)
{
    size_t at = 0;
    while (at < *count && slots[at].hash < change->hash)
        at++;
    const bool is_there = at < *count && slots[at].hash == change->hash;
    if (!change->is_added && !is_there)
        return error_set(err, STATUS_MISMATCH, "a row that leaves is not there");
    if (change->is_added && is_there)
        return error_set(err, STATUS_EXISTS, "two rows have one key hash");
    if (change->is_added && *count == HASH_BUCKET_SLOTS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "a bucket overflows");
    if (change->is_added) {
        memmove(&slots[at + 1], &slots[at], (*count - at) * sizeof slots[0]);
        slots[at] = (struct hash_bucket_slot){.hash = change->hash, .value = value};
        ++*count;
    } else {
        memmove(&slots[at], &slots[at + 1], (*count - at - 1) * sizeof slots[0]);
        --*count;
    }
    return STATUS_OK;
}

/* Reads the bucket at `before` and writes the changed one at `after`, both entry_bytes long. */
static enum status change_bucket(const struct update *update, const struct placed *placed,
                                 size_t count, const uint8_t *before, uint8_t *after,
                                 struct error *err)
{
    const size_t bytes = update->layout->entry_bytes;
    struct hash_bucket_slot slots[HASH_BUCKET_SLOTS_MAX];
    size_t slot_count;
    enum status st = hash_bucket_parse(span_of(before, bytes), slots, &slot_count, err);
    for (size_t i = 0; i < count && st == STATUS_OK; i++)
        st = change_slots(slots, &slot_count, &placed[i].change, update->value, err);
    if (st == STATUS_OK && hash_bucket_size(slots, slot_count) > bytes)
        st = error_set(err, STATUS_TOO_LARGE, "a bucket overflows");
    if (st != STATUS_OK)
        return st;
    memset(after, 0, bytes);
    (void)hash_bucket_write(slots, slot_count, after);
    return STATUS_OK;
}

/* ---- plaintexts ---- */

static enum status read_payload(struct update *update, size_t p, struct error *err)
{
    const struct pir_layout *layout = update->layout;
    memset(update->before, 0, update->payload_bytes);
    for (size_t chunk = 0; chunk < layout->chunk_count; chunk++) {
        if (!pir_shard_plaintext(update->old, pir_layout_position(layout, 0, chunk, p),
                                 update->lifted))
            continue;
        enum status st = bfv_plaintext_unlift(update->context, update->lifted, update->scratch,
                                              update->coefficients, err);
        if (st == STATUS_OK)
            st = bfv_plaintext_decode(update->context, update->coefficients,
                                      update->before + chunk * layout->plaintext_bytes, err);
        if (st != STATUS_OK)
            return st;
    }
    memcpy(update->payload, update->before, update->payload_bytes);
    return STATUS_OK;
}

static enum status replace_plaintexts(struct update *update, size_t p, struct error *err)
{
    const struct pir_layout *layout = update->layout;
    for (size_t chunk = 0; chunk < layout->chunk_count; chunk++) {
        const size_t at = chunk * layout->plaintext_bytes;
        if (memcmp(update->before + at, update->payload + at, layout->plaintext_bytes) == 0)
            continue;
        uint32_t *words = update->words + update->replaced * layout->moduli_count * layout->degree;
        bool is_nil = true;
        const enum status st = pir_process_payload(
            update->context, span_of(update->payload + at, layout->plaintext_bytes),
            update->coefficients, words, &is_nil, err);
        if (st != STATUS_OK)
            return st;
        update->replacements[update->replaced++] = (struct pir_replacement){
            .position = pir_layout_position(layout, 0, chunk, p), .words = is_nil ? NULL : words};
    }
    return STATUS_OK;
}

/* The changes [first, end) are all about buckets in plaintext `p`, or in the plaintexts `p` of all
 * chunks. */
static enum status change_plaintext(struct update *update, size_t p, size_t first, size_t end,
                                    struct error *err)
{
    const struct pir_layout *layout = update->layout;
    enum status st = read_payload(update, p, err);
    for (size_t i = first; i < end && st == STATUS_OK;) {
        const uint64_t entry = update->placed[i].entry;
        const size_t at =
            (size_t)(entry - (uint64_t)p * layout->entries_per_plaintext) * layout->entry_bytes;
        size_t next = i;
        while (next < end && update->placed[next].entry == entry)
            next++;
        st = change_bucket(update, &update->placed[i], next - i, update->before + at,
                           update->payload + at, err);
        i = next;
    }
    return st == STATUS_OK ? replace_plaintexts(update, p, err) : st;
}

static enum status change_all(struct update *update, struct error *err)
{
    const size_t entries = update->layout->entries_per_plaintext;
    for (size_t first = 0; first < update->count;) {
        const uint64_t p = update->placed[first].entry / entries;
        size_t end = first;
        while (end < update->count && update->placed[end].entry / entries == p)
            end++;
        const enum status st = change_plaintext(update, (size_t)p, first, end, err);
        if (st != STATUS_OK)
            return st;
        first = end;
    }
    return STATUS_OK;
}

static enum status update_init(struct update *update, const struct pir_change *changes,
                               struct error *err)
{
    const struct pir_layout *layout = update->layout;
    const size_t words = layout->moduli_count * layout->degree;
    /* Each change touches all chunks of its bucket at most. */
    const size_t touched = update->count * layout->chunk_count < layout->plaintext_count
                               ? update->count * layout->chunk_count
                               : layout->plaintext_count;
    update->payload_bytes = layout->chunk_count * layout->plaintext_bytes;
    update->placed = mem_alloc(update->count, sizeof *update->placed);
    update->payload = mem_alloc(update->payload_bytes, 1);
    update->before = mem_alloc(update->payload_bytes, 1);
    update->coefficients = mem_alloc_aligned(MEM_ROW_ALIGNMENT, layout->degree, sizeof(uint32_t));
    update->lifted = mem_alloc_aligned(MEM_ROW_ALIGNMENT, words, sizeof(uint32_t));
    update->scratch = mem_alloc_aligned(MEM_ROW_ALIGNMENT, words, sizeof(uint32_t));
    update->replacements = mem_alloc(touched, sizeof *update->replacements);
    update->words = mem_alloc_aligned(MEM_ROW_ALIGNMENT, touched * words, sizeof(uint32_t));
    if (update->placed == NULL || update->payload == NULL || update->before == NULL ||
        update->coefficients == NULL || update->lifted == NULL || update->scratch == NULL ||
        update->replacements == NULL || update->words == NULL)
        return error_set(err, STATUS_NOMEM, "no memory to change %zu plaintexts", touched);
    for (size_t i = 0; i < update->count; i++) {
        update->placed[i].change = changes[i];
        keyword_bucket_indices(changes[i].hash, layout->entry_count, 1, &update->placed[i].entry);
    }
    qsort(update->placed, update->count, sizeof *update->placed, compare_placed);
    return STATUS_OK;
}

enum status pir_update_shard(const struct bfv_context *context,
                             const struct sha256_many_kernel *kernel, const struct pir_shard *old,
                             const struct pir_change *changes, size_t count, struct span value,
                             const char *path, size_t *ret_plaintexts, struct error *err)
{
    struct update update = {.context = context,
                            .old = old,
                            .layout = pir_shard_layout(old),
                            .value = value,
                            .count = count};
    uint8_t digest[SHA256_BYTES];
    enum status st = update_init(&update, changes, err);
    if (st == STATUS_OK)
        st = change_all(&update, err);
    if (st == STATUS_OK)
        st = pir_shard_patch(old, kernel, update.replacements, update.replaced, path, digest, err);
    if (st == STATUS_OK)
        *ret_plaintexts = update.replaced;
    mem_free(update.placed);
    mem_free(update.payload);
    mem_free(update.before);
    mem_free(update.coefficients);
    mem_free(update.lifted);
    mem_free(update.scratch);
    mem_free(update.replacements);
    mem_free(update.words);
    return st;
}
