/* dataset_write_internal - one run of dataset_write(), for its files. */
#ifndef BLINDLIST_DATASET_DATASET_WRITE_INTERNAL_H
#define BLINDLIST_DATASET_DATASET_WRITE_INTERNAL_H

#include "pir-server/dataset/dataset_write.h"
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
    struct dataset *before; /* the version in force, NULL = none that can be read */
    struct pir_partition *partition;
    struct pir_shape_wish wish;
    struct pir_processing processing;
    bool has_old_shape;
    struct pir_parameters parameters; /* those of shard 0 */
    struct dataset_summary summary;
};

/* Sets the number of shards, once the rows are counted. */
enum status dataset_write_choose_shard_count(struct writing *work, struct error *err) MUST_CHECK;
/* Takes the shape of the version in force, keys and all, when it is one of ours and the settings
 * agree. */
bool dataset_write_take_old_shape(struct writing *work);
/* Chooses a shape for the partition; one for keys that devices have when it is hardly dearer. */
enum status dataset_write_choose_shape(struct writing *work, struct error *err) MUST_CHECK;

#endif
