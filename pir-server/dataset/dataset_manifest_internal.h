/* dataset_manifest_internal - what the reading and the writing of dataset.json share. */
#ifndef BLINDLIST_DATASET_DATASET_MANIFEST_INTERNAL_H
#define BLINDLIST_DATASET_DATASET_MANIFEST_INTERNAL_H

#include "pir-server/dataset/dataset_manifest.h"

/* What the digest of a file is called: a shard file's own is not the SHA-256 of the file. */
const char *dataset_digest_field(const char *file_name);

struct json_field; /* json/json_field.h */
/* Reads all but the files into an initialized manifest; failures are the reader's. */
void dataset_manifest_read_head(const struct json_field *root, struct dataset_manifest *ret);
/* A text of so many hex digits as a SHA-256 has, in lower case, in binary; refused when it is none.
 */
void dataset_manifest_read_digest(const struct json_field *parent, const char *name,
                                  uint8_t ret[DATASET_DIGEST_BYTES]);

#endif
