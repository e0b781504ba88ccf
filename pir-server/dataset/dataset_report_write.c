#include "pir-server/dataset/dataset_report_write.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/dataset/report_page.h"

#include <jansson.h>

#define JSON_MAX_BYTES ((size_t)1 << 30)
#define PAGE_MAX_BYTES ((size_t)64 << 20)

static enum status write_file(const char *folder, const char *name, const struct bytes *contents,
                              struct error *err)
{
    char *path = path_join(folder, name);
    const enum status status = path != NULL
                                   ? file_write(path, FILE_MODE_PUBLIC, bytes_view(contents), err)
                                   : error_set(err, STATUS_NOMEM, "%s: out of memory", name);
    mem_free(path);
    return status;
}

/* ---- what has changed ---- */

static bool count_rows(const struct dataset_report_facts *facts, const struct dataset *before,
                       const char *folder, struct dataset_row_counts *ret)
{
    struct error ignored;
    *ret = (struct dataset_row_counts){0};
    if (memcmp(dataset_info(before)->rows_digest, facts->info->rows_digest, DATASET_DIGEST_BYTES) ==
        0)
        return true;
    char *old = path_join(dataset_folder(before), "rows.txt");
    char *new = path_join(folder, "rows.txt");
    const bool is_known =
        old != NULL && new != NULL &&dataset_diff_files(old, new, NULL, ret, &ignored) == STATUS_OK;
    mem_free(old);
    mem_free(new);
    return is_known;
}

/* What dataset.json of the version before says of its sources; NULL when it cannot be read. */
static json_t *sources_before(const struct dataset *before)
{
    char *path = path_join(dataset_folder(before), "dataset.json");
    json_t *root = path != NULL ? json_load_file(path, JSON_REJECT_DUPLICATES, NULL) : NULL;
    json_t *sources = json_incref(json_object_get(root, "sources"));
    json_decref(root);
    mem_free(path);
    return sources;
}

/* As report_page_format() wants it. What cannot be found out is left out. */
static json_t *change_json(const struct dataset_report_facts *facts, const struct dataset *before,
                           const struct dataset_row_counts *rows, const char *folder)
{
    const struct dataset_info *info = dataset_info(before);
    json_t *change = json_pack("{s:s, s:I, s:I, s:I, s:o*}", "version", info->version, "rows",
                               (json_int_t)info->row_count, "shards", (json_int_t)info->shard_count,
                               "prefilterBytes", (json_int_t)info->prefilter_bytes, "sources",
                               sources_before(before));
    struct dataset_row_counts counts = {0};
    const bool is_known = rows != NULL || count_rows(facts, before, folder, &counts);
    if (rows != NULL)
        counts = *rows;
    if (change != NULL && is_known) {
        json_object_set_new(change, "rowsAdded", json_integer((json_int_t)counts.added));
        json_object_set_new(change, "rowsRemoved", json_integer((json_int_t)counts.removed));
    }
    return change;
}

/* ---- both files ---- */

static enum status write_json(const struct dataset_report *report, const json_t *root,
                              const char *folder, struct error *err)
{
    struct bytes json;
    bytes_init(&json, JSON_MAX_BYTES);
    enum status status = dataset_report_append(report, root, &json, err);
    if (status == STATUS_OK)
        status = write_file(folder, "report.json", &json, err);
    bytes_deinit(&json);
    return status;
}

static enum status write_page(const json_t *root, const json_t *change, const char *folder,
                              struct error *err)
{
    struct bytes page;
    bytes_init(&page, PAGE_MAX_BYTES);
    enum status status = report_page_format(root, change, &page, err);
    if (status == STATUS_OK)
        status = write_file(folder, "report.html", &page, err);
    bytes_deinit(&page);
    return status;
}

enum status dataset_report_write(const struct dataset_report *report,
                                 const struct dataset_report_facts *facts,
                                 const struct dataset *before,
                                 const struct dataset_row_counts *rows, const char *folder,
                                 struct error *err)
{
    json_t *root = NULL;
    enum status status = dataset_report_json(report, facts, &root, err);
    if (status != STATUS_OK)
        return status;
    json_t *change = before != NULL ? change_json(facts, before, rows, folder) : NULL;
    status = write_json(report, root, folder, err);
    if (status == STATUS_OK)
        status = dataset_report_put_samples(report, root, err);
    if (status == STATUS_OK)
        status = write_page(root, change, folder, err);
    json_decref(change);
    json_decref(root);
    return status;
}
