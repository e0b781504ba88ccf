#include "pir-server/dataset/symmetric_rows.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/progress.h"
#include "pir-server/oprf/symmetric_row.h"

#include <stdatomic.h>

/* Of one task: long enough to share the work without asking often. */
#define ROWS_PER_TASK ((size_t)64)

/* Row i lies at ends[i - 1] (0 for i = 0): its keyword, then its value. */
struct symmetric_rows {
    uint8_t *text;
    size_t *ends; /* [count] */
    size_t count;
    atomic_uint_fast64_t made;
};

struct keying {
    const struct voprf_key *key;
    const struct pir_rows *rows;
    const struct symmetric_known *known;
    struct symmetric_rows *result;
    struct progress progress;
};

static size_t begin_of(const struct symmetric_rows *rows, size_t row)
{
    return row == 0 ? 0 : rows->ends[row - 1];
}

static struct span keyword_at(const void *context, size_t row)
{
    const struct symmetric_rows *rows = context;
    return span_of(rows->text + begin_of(rows, row), SYMMETRIC_KEYWORD_BYTES);
}

static struct span value_at(const void *context, size_t row)
{
    const struct symmetric_rows *rows = context;
    const size_t begin = begin_of(rows, row) + SYMMETRIC_KEYWORD_BYTES;
    return span_of(rows->text + begin, rows->ends[row] - begin);
}

static enum status copy_row(const struct symmetric_rows *result, size_t row, struct span known,
                            struct error *err)
{
    const size_t begin = begin_of(result, row);
    if (known.size != result->ends[row] - begin)
        return error_set(err, STATUS_MISMATCH, "row %zu: %zu bytes are known of it, not %zu", row,
                         known.size, result->ends[row] - begin);
    memcpy(result->text + begin, known.data, known.size);
    return STATUS_OK;
}

static enum status key_row(const struct keying *keying, size_t row, struct bytes *sealed,
                           struct error *err)
{
    const struct pir_rows *rows = keying->rows;
    const struct symmetric_known *known = keying->known;
    uint8_t f[VOPRF_VALUE_BYTES];
    uint8_t *place = keying->result->text + begin_of(keying->result, row);
    const struct span before = known != NULL ? known->at(known->context, row) : span_of(NULL, 0);
    if (before.size > 0)
        return copy_row(keying->result, row, before, err);
    atomic_fetch_add(&keying->result->made, 1);
    enum status status = voprf_evaluate(keying->key, rows->keyword(rows->context, row), f, err);
    if (status == STATUS_OK)
        status = symmetric_seal(f, pir_rows_value(rows, row), sealed, err);
    if (status == STATUS_OK) {
        memcpy(place, symmetric_keyword(f).data, SYMMETRIC_KEYWORD_BYTES);
        memcpy(place + SYMMETRIC_KEYWORD_BYTES, sealed->data, sealed->size);
    }
    mem_wipe(f, sizeof f);
    return status == STATUS_OK ? status : error_prefix(err, status, "row %zu", row);
}

static enum status key_rows(void *context, size_t index, size_t worker, struct error *err)
{
    struct keying *keying = context;
    const size_t begin = index * ROWS_PER_TASK;
    const size_t left = keying->rows->count - begin;
    const size_t end = begin + (left < ROWS_PER_TASK ? left : ROWS_PER_TASK);
    struct bytes sealed;
    enum status status = STATUS_OK;
    (void)worker;
    bytes_init(&sealed, SIZE_MAX);
    for (size_t row = begin; row < end && status == STATUS_OK; row++) {
        bytes_clear(&sealed);
        status = key_row(keying, row, &sealed, err);
    }
    progress_add(&keying->progress, end - begin);
    bytes_deinit(&sealed);
    return status;
}

/* Where each row ends, and the room for all of them. */
static enum status lay_out(const struct pir_rows *rows, struct symmetric_rows *result,
                           struct error *err)
{
    size_t end = 0;
    result->count = rows->count;
    result->ends = mem_alloc(rows->count, sizeof *result->ends);
    for (size_t i = 0; i < rows->count && result->ends != NULL; i++) {
        const size_t own = SYMMETRIC_KEYWORD_BYTES + SYMMETRIC_TAG_BYTES;
        if (!size_add(end, own, &end) || !size_add(end, pir_rows_value(rows, i).size, &end))
            return error_set(err, STATUS_TOO_LARGE, "rows exceed the address space");
        result->ends[i] = end;
    }
    result->text = mem_alloc(end, 1);
    return result->ends != NULL && result->text != NULL
               ? STATUS_OK
               : error_set(err, STATUS_NOMEM, "%zu symmetric rows: out of memory", rows->count);
}

enum status symmetric_rows_new(const struct voprf_key *key, const struct pir_rows *rows,
                               const struct symmetric_known *known, struct thread_pool *pool,
                               bool show_progress, struct symmetric_rows **ret, struct error *err)
{
    struct symmetric_rows *result = mem_alloc_zeroed(1, sizeof *result);
    if (result == NULL)
        return error_set(err, STATUS_NOMEM, "symmetric rows: out of memory");
    struct keying keying = {.key = key, .rows = rows, .known = known, .result = result};
    enum status status = lay_out(rows, result, err);
    if (status == STATUS_OK) {
        progress_begin(&keying.progress, show_progress ? "keying rows" : NULL, rows->count);
        status = thread_pool_for(pool, (rows->count + ROWS_PER_TASK - 1) / ROWS_PER_TASK, key_rows,
                                 &keying, err);
        progress_end(&keying.progress);
    }
    if (status == STATUS_OK) {
        *ret = result;
        result = NULL;
    }
    symmetric_rows_free(result);
    return status;
}

void symmetric_rows_free(struct symmetric_rows *rows)
{
    if (rows == NULL)
        return;
    mem_free(rows->text);
    mem_free(rows->ends);
    mem_free(rows);
}

uint64_t symmetric_rows_made(const struct symmetric_rows *rows)
{
    return atomic_load(&rows->made);
}

struct span symmetric_rows_text(const struct symmetric_rows *rows)
{
    return span_of(rows->text, rows->count > 0 ? rows->ends[rows->count - 1] : 0);
}

struct pir_rows symmetric_rows_view(const struct symmetric_rows *rows)
{
    return (struct pir_rows){
        .count = rows->count, .context = rows, .keyword = keyword_at, .value = value_at};
}
