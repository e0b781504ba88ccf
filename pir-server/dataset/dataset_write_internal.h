/* dataset_write_internal - one run of dataset_write(), for its files. */
#ifndef BLINDLIST_DATASET_DATASET_WRITE_INTERNAL_H
#define BLINDLIST_DATASET_DATASET_WRITE_INTERNAL_H

#include "pir-server/dataset/dataset_write.h"
#include "pir-server/dataset/symmetric_rows.h"
#include "pir-server/pir/pir_processing.h"

/* One run. */
struct writing {
    const struct dataset_settings *settings;
    struct row_set *rows;
    struct thread_pool *pool;
    char *home;      /* DATA/<use case> */
    char *temporary; /* the folder in work */
    int lock;        /* of the home */
    struct dataset_manifest manifest;
    struct dataset *before;      /* the version in force, NULL = none that can be read */
    const struct voprf_key *key; /* NULL = not symmetric */
    struct voprf_key *new_key;
    struct symmetric_rows *symmetric_rows;
    struct pir_partition *partition;
    struct pir_shape_wish wish;
    struct pir_processing processing;
    bool has_old_shape;
    struct pir_parameters parameters; /* those of shard 0 */
    struct dataset_summary summary;
};

/* Reads dataset.json of the version in force, also when that cannot be opened, into an initialized
 * manifest, which stays empty when it cannot be read. */
void dataset_write_read_before(const struct writing *work, struct dataset_manifest *ret);

/* Sets the number of shards, once the rows are counted. */
enum status dataset_write_choose_shard_count(struct writing *work, struct error *err) MUST_CHECK;
/* Takes the shape of the version in force, keys and all, when it is one of ours and the settings
 * agree. */
bool dataset_write_take_old_shape(struct writing *work);
/* Chooses a shape for the partition; one for keys that devices have when it is hardly dearer. */
enum status dataset_write_choose_shape(struct writing *work, struct error *err) MUST_CHECK;

/* Whether the version will be symmetric, and with which key: once the version in force is opened.
 */
enum status dataset_write_choose_key(struct writing *work, struct error *err) MUST_CHECK;
/* Makes a shape one for that key, or for none. */
void dataset_write_mark_shape(const struct writing *work, struct pir_parameters *shape);
/* Bytes of a row's value in its bucket. */
size_t dataset_write_value_bytes(const struct writing *work);
/* Puts symmetric rows in the place of `rows`, where the version is symmetric. */
enum status dataset_write_key_rows(struct writing *work, struct pir_rows *rows,
                                   struct error *err) MUST_CHECK;
/* Writes the key's file, where the version is symmetric. */
enum status dataset_write_key(const struct writing *work, struct error *err) MUST_CHECK;

#endif
