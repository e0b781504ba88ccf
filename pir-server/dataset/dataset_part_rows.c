#include "pir-server/dataset/dataset_part_rows.h"

#include "base/cpu.h"
#include "base/file.h"
#include "pir-server/pir/keyword_hash.h"
#include "pir-server/pir/sha256.h"

/* The text is dealt in so many pieces, whatever the threads. */
#define PIECES ((size_t)64)
/* Rows hashed together. */
#define ROWS_AT_ONCE ((size_t)512)

struct selection {
    const struct dataset_part_rows *wanted;
    const struct sha256_many_kernel *kernel;
    struct span text;
    uint8_t digest[DATASET_DIGEST_BYTES];
    struct row_set *pieces[PIECES];
};

/* Where piece `index` begins: behind the line end at or behind its share of the bytes. */
static size_t piece_start(struct span text, size_t index)
{
    const size_t at = text.size / PIECES * index;
    if (index == 0 || index == PIECES)
        return index == 0 ? 0 : text.size;
    const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
    return end != NULL ? (size_t)(end - text.data) + 1 : text.size;
}

static enum status keep_wanted(const struct selection *selection, const struct span *rows,
                               size_t count, struct row_set *ret, struct error *err)
{
    const struct sharding sharding = {.function = SHARDING_SHA256};
    const struct dataset_part_rows *wanted = selection->wanted;
    uint64_t hashes[ROWS_AT_ONCE];
    enum status status = STATUS_OK;
    keyword_hash_many(selection->kernel, rows, count, hashes);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const uint64_t shard = sharding_shard_of(&sharding, hashes[i], wanted->shard_count);
        if (shard % wanted->parts == wanted->index)
            status = row_set_add(ret, rows[i], err);
    }
    return status;
}

static enum status select_piece(const struct selection *selection, size_t index,
                                struct row_set *ret, struct error *err)
{
    const uint8_t *at = selection->text.data + piece_start(selection->text, index);
    const uint8_t *end = selection->text.data + piece_start(selection->text, index + 1);
    struct span rows[ROWS_AT_ONCE];
    enum status status = STATUS_OK;
    while (at < end && status == STATUS_OK) {
        size_t count = 0;
        for (; at < end && count < ROWS_AT_ONCE; count++) {
            const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
            if (line_end == NULL)
                return error_set(err, STATUS_MALFORMED, "rows.txt: the last row has no line end");
            rows[count] = span_of(at, (size_t)(line_end - at));
            at = line_end + 1;
        }
        status = keep_wanted(selection, rows, count, ret, err);
    }
    return status;
}

/* Task 0 is the digest, the others a piece each. */
static enum status select_task(void *context, size_t index, size_t worker, struct error *err)
{
    struct selection *selection = context;
    (void)worker;
    if (index > 0)
        return select_piece(selection, index - 1, selection->pieces[index - 1], err);
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, selection->text);
    sha256_finish(&hash, selection->digest);
    return STATUS_OK;
}

/* All pieces as one finished set. */
static enum status join_pieces(const struct selection *selection, struct thread_pool *pool,
                               struct row_set **ret, struct error *err)
{
    struct row_set *rows = NULL;
    enum status status = row_set_new(&rows, err);
    if (status == STATUS_OK)
        status = row_set_join(rows, selection->pieces, PIECES, pool, err);
    if (status == STATUS_OK)
        status = row_set_finish(rows, pool, err);
    if (status == STATUS_OK)
        *ret = rows;
    else
        row_set_free(rows);
    return status;
}

enum status dataset_part_rows_read(const struct dataset_part_rows *wanted, const char *path,
                                   const uint8_t digest[DATASET_DIGEST_BYTES],
                                   struct thread_pool *pool, struct row_set **ret,
                                   struct error *err)
{
    const struct cpu cpu = cpu_detect();
    struct selection selection = {.wanted = wanted, .kernel = sha256_many_kernel_for(&cpu)};
    struct file_map map = {0};
    enum status status = file_map_open(path, &map, err);
    selection.text = map.bytes;
    for (size_t i = 0; i < PIECES && status == STATUS_OK; i++)
        status = row_set_new(&selection.pieces[i], err);
    if (status == STATUS_OK)
        status = thread_pool_for(pool, PIECES + 1, select_task, &selection, err);
    if (status == STATUS_OK && memcmp(selection.digest, digest, DATASET_DIGEST_BYTES) != 0)
        status = error_set(err, STATUS_MISMATCH, "%s: is not what was planned", path);
    file_map_close(&map);
    if (status == STATUS_OK)
        status = join_pieces(&selection, pool, ret, err);
    for (size_t i = 0; i < PIECES; i++)
        row_set_free(selection.pieces[i]);
    return status;
}
