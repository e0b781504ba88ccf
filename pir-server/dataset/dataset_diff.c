#include "pir-server/dataset/dataset_diff.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/line_reader.h"
#include "base/mem.h"

/* One of the two files. */
struct side {
    const char *path;
    struct line_reader *reader;
    struct bytes last; /* the row before, for the order */
    struct span row;   /* the one to be compared next */
    bool has_row;
};

static void side_deinit(struct side *side)
{
    line_reader_close(side->reader);
    bytes_deinit(&side->last);
}

static enum status side_next(struct side *side, struct error *err)
{
    struct line line = {0};
    bytes_clear(&side->last);
    bytes_append(&side->last, side->row);
    const bool had_row = side->has_row;
    enum status status = bytes_status(&side->last, side->path, err);
    if (status == STATUS_OK)
        status = line_reader_next(side->reader, &line, &side->has_row, err);
    if (status != STATUS_OK || !side->has_row)
        return status;
    if (line.is_too_long)
        return error_set(err, STATUS_MISMATCH, "%s, line %llu: too long for a row", side->path,
                         (unsigned long long)line.number);
    if (had_row && span_compare(bytes_view(&side->last), line.text) >= 0)
        return error_set(err, STATUS_MISMATCH, "%s, line %llu: not in order", side->path,
                         (unsigned long long)line.number);
    side->row = line.text;
    return STATUS_OK;
}

static enum status side_open(const char *path, struct side *side, struct error *err)
{
    side->path = path;
    const enum status status = line_reader_open(side->path, &side->reader, err);
    return status == STATUS_OK ? side_next(side, err) : status;
}

static enum status merge(struct side *before, struct side *after,
                         const struct dataset_diff_sink *sink, struct dataset_row_counts *counts,
                         struct error *err)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (before->has_row || after->has_row)) {
        const int order = !after->has_row    ? -1
                          : !before->has_row ? 1
                                             : span_compare(before->row, after->row);
        counts->removed += order < 0;
        counts->added += order > 0;
        if (order != 0 && sink != NULL)
            sink->row(sink->context, order < 0 ? before->row : after->row, order > 0);
        if (order <= 0)
            status = side_next(before, err);
        if (order >= 0 && status == STATUS_OK)
            status = side_next(after, err);
    }
    return status;
}

enum status dataset_diff_files(const char *before, const char *after,
                               const struct dataset_diff_sink *sink, struct dataset_row_counts *ret,
                               struct error *err)
{
    struct dataset_row_counts counts = {0};
    struct side old = {0};
    struct side new = {0};
    bytes_init(&old.last, LINE_MAX_BYTES);
    bytes_init(&new.last, LINE_MAX_BYTES);
    enum status status = side_open(before, &old, err);
    if (status == STATUS_OK)
        status = side_open(after, &new, err);
    if (status == STATUS_OK)
        status = merge(&old, &new, sink, &counts, err);
    side_deinit(&old);
    side_deinit(&new);
    if (status == STATUS_OK)
        *ret = counts;
    return status;
}

enum status dataset_diff_rows(const struct dataset *before, const struct dataset *after,
                              const struct dataset_diff_sink *sink, struct dataset_row_counts *ret,
                              struct error *err)
{
    char *old = path_join(dataset_folder(before), "rows.txt");
    char *new = path_join(dataset_folder(after), "rows.txt");
    const enum status status =
        old != NULL && new != NULL
            ? dataset_diff_files(old, new, sink, ret, err)
            : error_set(err, STATUS_NOMEM, "%s: out of memory", dataset_folder(before));
    mem_free(old);
    mem_free(new);
    return status;
}
