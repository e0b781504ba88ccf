/* What makes a version a symmetric one: its key, the form of its rows. */
#include "base/file.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset_write_internal.h"
#include "pir-server/dataset/symmetric_kept.h"
#include "pir-server/oprf/symmetric_key.h"
#include "pir-server/oprf/symmetric_row.h"

/* Says the version in force that it is symmetric? Also when it cannot be opened. */
static bool says_symmetric(const struct writing *work)
{
    struct dataset_manifest manifest;
    dataset_manifest_init(&manifest);
    dataset_write_read_before(work, &manifest);
    const bool is = dataset_manifest_file(&manifest, DATASET_SYMMETRIC_KEY_NAME) != NULL;
    dataset_manifest_deinit(&manifest);
    return is;
}

static enum status find_key(struct writing *work, struct error *err)
{
    const struct dataset_settings *settings = work->settings;
    const struct random_source random = random_system();
    if (settings->symmetry == DATASET_SYMMETRY_OFF)
        return STATUS_OK;
    work->key = settings->symmetric_key;
    if (work->key == NULL && work->before != NULL)
        work->key = dataset_symmetric_key(work->before);
    if (work->key != NULL)
        return STATUS_OK;
    if (settings->symmetry == DATASET_SYMMETRY_ON) {
        const enum status status = voprf_key_generate(&random, &work->new_key, err);
        work->key = work->new_key;
        return status;
    }
    if (work->before == NULL && says_symmetric(work))
        return error_set(err, STATUS_INVALID,
                         "the version in force is symmetric and gives no key (%s): say whether the "
                         "next one shall be symmetric",
                         work->summary.full_reason);
    return STATUS_OK;
}

enum status dataset_write_choose_key(struct writing *work, struct error *err)
{
    const enum status status = find_key(work, err);
    if (status == STATUS_OK && work->key != NULL && work->settings->plan != NULL)
        return error_set(
            err, STATUS_UNSUPPORTED,
            "a symmetric dataset is not made in parts: each would have to key all rows");
    return status;
}

void dataset_write_mark_shape(const struct writing *work, struct pir_parameters *shape)
{
    shape->is_symmetric = work->key != NULL;
    memset(shape->symmetric_public_key, 0, sizeof shape->symmetric_public_key);
    if (work->key != NULL)
        memcpy(shape->symmetric_public_key, voprf_key_public(work->key), PIR_SYMMETRIC_KEY_BYTES);
}

size_t dataset_write_value_bytes(const struct writing *work)
{
    return DATASET_ROW_VALUE_BYTES + (work->key != NULL ? SYMMETRIC_TAG_BYTES : 0);
}

/* What the version in force knows of the rows with the same key; *ret stays NULL when that is
 * nothing. */
static enum status open_kept(const struct writing *work, struct symmetric_kept **ret,
                             struct error *err)
{
    const struct voprf_key *before =
        work->before != NULL ? dataset_symmetric_key(work->before) : NULL;
    struct error why;
    if (before == NULL || work->settings->is_full ||
        memcmp(voprf_key_public(before), voprf_key_public(work->key), PIR_SYMMETRIC_KEY_BYTES) != 0)
        return STATUS_OK;
    return symmetric_kept_open(work->before, work->rows, ret, &why) == STATUS_NOMEM
               ? error_set(err, STATUS_NOMEM, "%s", why.message)
               : STATUS_OK;
}

/* For the next version. */
static enum status keep_rows(const struct writing *work, struct error *err)
{
    char *path = path_join(work->temporary, DATASET_SYMMETRIC_ROWS_NAME);
    const enum status status =
        path != NULL
            ? file_write(path, FILE_MODE_SECRET, symmetric_rows_text(work->symmetric_rows), err)
            : error_set(err, STATUS_NOMEM, "keyed rows: out of memory");
    mem_free(path);
    return status;
}

enum status dataset_write_key_rows(struct writing *work, struct pir_rows *rows, struct error *err)
{
    struct symmetric_kept *kept = NULL;
    if (work->key == NULL)
        return STATUS_OK;
    enum status status = open_kept(work, &kept, err);
    const struct symmetric_known known = {.at = symmetric_kept_at, .context = kept};
    if (status == STATUS_OK)
        status = symmetric_rows_new(work->key, rows, kept != NULL ? &known : NULL, work->pool,
                                    work->settings->show_progress, &work->symmetric_rows, err);
    symmetric_kept_free(kept);
    if (status == STATUS_OK)
        status = keep_rows(work, err);
    if (status == STATUS_OK) {
        work->summary.rows_keyed = symmetric_rows_made(work->symmetric_rows);
        *rows = symmetric_rows_view(work->symmetric_rows);
    }
    return status;
}

enum status dataset_write_key(const struct writing *work, struct error *err)
{
    if (work->key == NULL)
        return STATUS_OK;
    char *path = path_join(work->temporary, DATASET_SYMMETRIC_KEY_NAME);
    const enum status status = path != NULL ? symmetric_key_write(path, work->key, err)
                                            : error_set(err, STATUS_NOMEM, "key: out of memory");
    mem_free(path);
    return status;
}
