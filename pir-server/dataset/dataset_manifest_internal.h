/* dataset_manifest_internal - what the reading and the writing of dataset.json share. */
#ifndef BLINDLIST_DATASET_DATASET_MANIFEST_INTERNAL_H
#define BLINDLIST_DATASET_DATASET_MANIFEST_INTERNAL_H

#include "pir-server/dataset/dataset_manifest.h"

/* What the digest of a file is called: a shard file's own is not the SHA-256 of the file. */
const char *dataset_digest_field(const char *file_name);

#endif
