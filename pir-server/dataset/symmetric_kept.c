#include "pir-server/dataset/symmetric_kept.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/sorted_lines.h"
#include "pir-server/dataset/dataset_manifest.h"
#include "pir-server/pir/sha256.h"

#include <inttypes.h>

#define NOT_KEPT SIZE_MAX

struct symmetric_kept {
    struct file_map records;
    size_t *places; /* [row count]: of a row's record in `records`; NOT_KEPT */
};

/* Maps a file of the version, when it is what dataset.json says. */
static enum status map_file(const char *folder, const struct dataset_manifest *manifest,
                            const char *name, struct file_map *ret, struct error *err)
{
    const struct dataset_file *file = dataset_manifest_file(manifest, name);
    uint8_t digest[SHA256_BYTES];
    struct sha256 hash;
    if (file == NULL)
        return error_set(err, STATUS_NOT_FOUND, "%s: has no %s", folder, name);
    char *path = path_join(folder, name);
    const enum status status = path != NULL
                                   ? file_map_open(path, ret, err)
                                   : error_set(err, STATUS_NOMEM, "%s: out of memory", name);
    mem_free(path);
    if (status != STATUS_OK)
        return status;
    sha256_init(&hash);
    sha256_add(&hash, ret->bytes);
    sha256_finish(&hash, digest);
    return memcmp(digest, file->digest, sizeof digest) == 0
               ? STATUS_OK
               : error_set(err, STATUS_MISMATCH, "%s: %s does not have its digest", folder, name);
}

/* Both are sorted; there are `records_bytes` of records. */
static void merge(struct span lines, size_t records_bytes, const struct row_set *rows,
                  size_t *ret_places)
{
    const size_t count = row_set_count(rows);
    size_t row = 0;
    size_t at = 0;
    for (size_t place = 0; at < lines.size && place < records_bytes;
         place += SYMMETRIC_KEPT_BYTES) {
        const struct span line = sorted_lines_at(lines, at);
        while (row < count && span_compare(row_set_at(rows, row), line) < 0)
            ret_places[row++] = NOT_KEPT;
        if (row < count && span_equal(row_set_at(rows, row), line))
            ret_places[row++] = place;
        at += line.size + 1;
    }
    while (row < count)
        ret_places[row++] = NOT_KEPT;
}

enum status symmetric_kept_open(const struct dataset *before, const struct row_set *rows,
                                struct symmetric_kept **ret, struct error *err)
{
    const char *folder = dataset_folder(before);
    const uint64_t count = dataset_info(before)->row_count;
    struct dataset_manifest manifest;
    struct file_map lines = {0};
    struct symmetric_kept *kept = mem_alloc_zeroed(1, sizeof *kept);
    dataset_manifest_init(&manifest);
    enum status status = STATUS_NOMEM;
    if (kept != NULL)
        kept->places = mem_alloc(row_set_count(rows), sizeof *kept->places);
    if (kept == NULL || kept->places == NULL) {
        status = error_set(err, status, "keyed rows: out of memory");
        goto done;
    }
    status = dataset_manifest_read(folder, &manifest, err);
    if (status == STATUS_OK)
        status = map_file(folder, &manifest, DATASET_SYMMETRIC_ROWS_NAME, &kept->records, err);
    if (status == STATUS_OK)
        status = map_file(folder, &manifest, "rows.txt", &lines, err);
    if (status == STATUS_OK && kept->records.bytes.size != count * SYMMETRIC_KEPT_BYTES)
        status = error_set(err, STATUS_MISMATCH, "%s: %s: %zu bytes for %" PRIu64 " rows", folder,
                           DATASET_SYMMETRIC_ROWS_NAME, kept->records.bytes.size, count);
    if (status != STATUS_OK)
        goto done;
    merge(lines.bytes, kept->records.bytes.size, rows, kept->places);
    *ret = kept;
    kept = NULL;
done:
    file_map_close(&lines);
    dataset_manifest_deinit(&manifest);
    symmetric_kept_free(kept);
    return status;
}

void symmetric_kept_free(struct symmetric_kept *kept)
{
    if (kept == NULL)
        return;
    file_map_close(&kept->records);
    mem_free(kept->places);
    mem_free(kept);
}

struct span symmetric_kept_at(const void *kept, size_t row)
{
    const struct symmetric_kept *all = kept;
    return all->places[row] == NOT_KEPT
               ? span_of(NULL, 0)
               : span_part(all->records.bytes, all->places[row], SYMMETRIC_KEPT_BYTES);
}
