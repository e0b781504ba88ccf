#include "pir-server/pir/pir_rows.h"

#include "base/mem.h"

#include <stdlib.h>

/* Rows hashed by one task of the pool. */
#define ROWS_PER_TASK ((size_t)16384)
/* And of these as many together. */
#define ROWS_AT_ONCE ((size_t)512)

/* Sorting: entries are dealt to one pile for about each PILE_ENTRIES of them by the top bits of
 * their hashes, which are uniform; a pile is then sorted by insertion. Keys can be made to fall
 * into one pile, so a pile of more than PILE_LIMIT is given to qsort(). */
#define PILE_ENTRIES ((size_t)4)
#define PILE_LIMIT   ((size_t)32)

struct pir_partition {
    const struct sha256_many_kernel *kernel;
    struct pir_rows rows;
    struct sharding sharding;
    uint64_t shard_count;
    struct pir_partition_entry *entries; /* grouped by shard */
    size_t *starts;                      /* [shards]: first entry of the shard */
    size_t *counts;                      /* [shards]: entries that count; the rest were merged */
    size_t merged_count;
    size_t longest_value;
};

static struct span array_keyword(const void *context, size_t row)
{
    return ((const struct pir_row *)context)[row].keyword;
}

static struct span array_value(const void *context, size_t row)
{
    return ((const struct pir_row *)context)[row].value;
}

struct pir_rows pir_rows_of_array(const struct pir_row *rows, size_t count)
{
    return (struct pir_rows){
        .count = count, .context = rows, .keyword = array_keyword, .value = array_value};
}

struct span pir_rows_value(const struct pir_rows *rows, size_t row)
{
    return rows->value == NULL ? rows->constant_value : rows->value(rows->context, row);
}

/* ---- hashing, in parallel ---- */

struct hash_work {
    const struct sha256_many_kernel *kernel;
    const struct pir_rows *rows;
    uint64_t *hashes;
};

static enum status hash_some(void *context, size_t index, size_t worker, struct error *err)
{
    const struct hash_work *work = context;
    const size_t first = index * ROWS_PER_TASK;
    const size_t left = work->rows->count - first;
    const size_t end = first + (left < ROWS_PER_TASK ? left : ROWS_PER_TASK);
    (void)worker;
    (void)err;
    struct span keywords[ROWS_AT_ONCE];
    for (size_t row = first; row < end; row += ROWS_AT_ONCE) {
        const size_t now = end - row < ROWS_AT_ONCE ? end - row : ROWS_AT_ONCE;
        for (size_t i = 0; i < now; i++)
            keywords[i] = work->rows->keyword(work->rows->context, row + i);
        keyword_hash_many(work->kernel, keywords, now, work->hashes + row);
    }
    return STATUS_OK;
}

/* ---- sorting and duplicates, one task a shard ---- */

/* By hash, then by row number: the result depends on nothing else. */
static int compare_entries(const void *a, const void *b)
{
    const struct pir_partition_entry *x = a;
    const struct pir_partition_entry *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Is `b`, with the same hash as `a`, the same row to every look-up? */
static enum status check_twin(const struct pir_rows *rows, uint32_t a, uint32_t b,
                              struct error *err)
{
    if (span_equal(rows->keyword(rows->context, a), rows->keyword(rows->context, b)))
        return error_set(err, STATUS_EXISTS, "rows %u and %u have the same keyword", a, b);
    if (!span_equal(pir_rows_value(rows, a), pir_rows_value(rows, b)))
        return error_set(err, STATUS_INVALID,
                         "rows %u and %u have different keywords and values, but the same key hash",
                         a, b);
    return STATUS_OK;
}

static void sort_pile(struct pir_partition_entry *entries, size_t count)
{
    if (count > PILE_LIMIT) {
        qsort(entries, count, sizeof *entries, compare_entries);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        const struct pir_partition_entry entry = entries[i];
        size_t to = i;
        for (; to > 0 && compare_entries(&entries[to - 1], &entry) > 0; to--)
            entries[to] = entries[to - 1];
        entries[to] = entry;
    }
}

static enum status sort_entries(struct pir_partition_entry *entries, size_t count,
                                struct error *err)
{
    unsigned bits = 1;
    while (bits < 32 && count >> bits > PILE_ENTRIES)
        bits++;
    const unsigned shift = 64 - bits;
    const size_t piles = (size_t)1 << bits;
    struct pir_partition_entry *dealt = mem_alloc(count, sizeof *dealt);
    uint32_t *ends = mem_alloc_zeroed(piles, sizeof *ends); /* rows are fewer than 2^32 */
    enum status st = STATUS_OK;
    if (dealt == NULL || ends == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory to sort %zu rows", count);
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        ends[entries[i].hash >> shift]++;
    uint32_t start = 0;
    for (size_t pile = 0; pile < piles; pile++) {
        const uint32_t size = ends[pile];
        ends[pile] = start;
        start += size;
    }
    for (size_t i = 0; i < count; i++)
        dealt[ends[entries[i].hash >> shift]++] = entries[i];
    for (size_t pile = 0, first = 0; pile < piles; first = ends[pile++])
        sort_pile(dealt + first, ends[pile] - first);
    memcpy(entries, dealt, count * sizeof *entries);
done:
    mem_free(ends);
    mem_free(dealt);
    return st;
}

static enum status sort_shard(void *context, size_t shard, size_t worker, struct error *err)
{
    const struct pir_partition *partition = context;
    struct pir_partition_entry *entries = partition->entries + partition->starts[shard];
    const size_t count = partition->counts[shard];
    size_t kept = 0;
    (void)worker;

    if (count > 1) {
        const enum status sorted = sort_entries(entries, count, err);
        if (sorted != STATUS_OK)
            return sorted;
    }
    /* Of equal hashes every pair is compared, for the same keyword may not be a neighbour. */
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i; k > 0 && entries[k - 1].hash == entries[i].hash; k--) {
            const enum status st =
                check_twin(&partition->rows, entries[k - 1].row, entries[i].row, err);
            if (st != STATUS_OK)
                return st;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || entries[kept - 1].hash != entries[i].hash)
            entries[kept++] = entries[i];
    partition->counts[shard] = kept;
    return STATUS_OK;
}

/* ---- the whole ---- */

static void group(struct pir_partition *partition, const uint64_t *hashes)
{
    const size_t row_count = partition->rows.count;
    size_t start = 0;
    for (size_t row = 0; row < row_count; row++)
        partition->counts[sharding_shard_of(&partition->sharding, hashes[row],
                                            partition->shard_count)]++;
    for (uint64_t shard = 0; shard < partition->shard_count; shard++) {
        partition->starts[shard] = start;
        start += partition->counts[shard];
        partition->counts[shard] = 0;
    }
    for (size_t row = 0; row < row_count; row++) {
        const uint64_t shard =
            sharding_shard_of(&partition->sharding, hashes[row], partition->shard_count);
        const size_t at = partition->starts[shard] + partition->counts[shard]++;
        partition->entries[at] =
            (struct pir_partition_entry){.hash = hashes[row], .row = (uint32_t)row};
    }
}

static enum status check_arguments(const struct pir_rows *rows, uint64_t shard_count,
                                   const struct sharding *sharding, struct error *err)
{
    if (rows->count >= UINT32_MAX)
        return error_set(err, STATUS_TOO_LARGE, "%zu rows, at most %u", rows->count,
                         UINT32_MAX - 1);
    if (shard_count < 1 || shard_count > PIR_SHARDS_MAX)
        return error_set(err, STATUS_INVALID, "shard count: %llu is not in 1..%llu",
                         (unsigned long long)shard_count, (unsigned long long)PIR_SHARDS_MAX);
    if (sharding->function == SHARDING_DOUBLE_MOD && sharding->other_shard_count == 0)
        return error_set(err, STATUS_INVALID, "doubleMod: the other shard count is 0");
    return STATUS_OK;
}

enum status pir_partition_new(const struct pir_rows *rows, uint64_t shard_count,
                              const struct sharding *sharding, struct thread_pool *pool,
                              struct pir_partition **ret, struct error *err)
{
    struct pir_partition *partition = NULL;
    uint64_t *hashes = NULL;
    enum status st = check_arguments(rows, shard_count, sharding, err);
    if (st != STATUS_OK)
        goto done;

    partition = mem_alloc_zeroed(1, sizeof *partition);
    hashes = mem_alloc(rows->count, sizeof *hashes);
    if (partition != NULL) {
        partition->entries = mem_alloc(rows->count, sizeof *partition->entries);
        partition->starts = mem_alloc_zeroed((size_t)shard_count, sizeof *partition->starts);
        partition->counts = mem_alloc_zeroed((size_t)shard_count, sizeof *partition->counts);
    }
    if (partition == NULL || hashes == NULL || partition->entries == NULL ||
        partition->starts == NULL || partition->counts == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for %zu rows", rows->count);
        goto done;
    }
    const struct cpu cpu = cpu_detect();
    partition->kernel = sha256_many_kernel_for(&cpu);
    partition->rows = *rows;
    partition->sharding = *sharding;
    partition->shard_count = shard_count;
    for (size_t row = 0; row < rows->count; row++) {
        const size_t size = pir_rows_value(rows, row).size;
        if (size > partition->longest_value)
            partition->longest_value = size;
        if (rows->value == NULL)
            break;
    }

    struct hash_work work = {
        .kernel = partition->kernel, .rows = &partition->rows, .hashes = hashes};
    st = thread_pool_for(pool, rows->count / ROWS_PER_TASK + 1, hash_some, &work, err);
    if (st != STATUS_OK)
        goto done;
    group(partition, hashes);
    st = thread_pool_for(pool, (size_t)shard_count, sort_shard, partition, err);
    if (st != STATUS_OK)
        goto done;
    partition->merged_count = rows->count - pir_partition_row_count(partition);
    *ret = partition;
    partition = NULL;
done:
    mem_free(hashes);
    pir_partition_free(partition);
    return st;
}

void pir_partition_free(struct pir_partition *partition)
{
    if (partition == NULL)
        return;
    mem_free(partition->entries);
    mem_free(partition->starts);
    mem_free(partition->counts);
    mem_free(partition);
}

const struct sha256_many_kernel *pir_partition_kernel(const struct pir_partition *partition)
{
    return partition->kernel;
}

const struct pir_rows *pir_partition_rows(const struct pir_partition *partition)
{
    return &partition->rows;
}

uint64_t pir_partition_shard_count(const struct pir_partition *partition)
{
    return partition->shard_count;
}

const struct pir_partition_entry *pir_partition_shard(const struct pir_partition *partition,
                                                      uint64_t shard, size_t *ret_count)
{
    *ret_count = partition->counts[shard];
    return partition->entries + partition->starts[shard];
}

size_t pir_partition_largest_shard(const struct pir_partition *partition)
{
    size_t largest = 0;
    for (uint64_t shard = 0; shard < partition->shard_count; shard++)
        if (partition->counts[shard] > largest)
            largest = partition->counts[shard];
    return largest;
}

size_t pir_partition_row_count(const struct pir_partition *partition)
{
    size_t count = 0;
    for (uint64_t shard = 0; shard < partition->shard_count; shard++)
        count += partition->counts[shard];
    return count;
}

size_t pir_partition_merged_count(const struct pir_partition *partition)
{
    return partition->merged_count;
}

size_t pir_partition_longest_value(const struct pir_partition *partition)
{
    return partition->longest_value;
}
