/* dataset_help - data folders for tests, and a look into their shards. */
#ifndef BLINDLIST_TESTS_DATASET_HELP_H
#define BLINDLIST_TESTS_DATASET_HELP_H

#include "pir-server/dataset/dataset_write.h"

/* A new folder below /tmp (mem_free); data_folder_remove() deletes it and all below. */
char *data_folder_new(void);
void data_folder_remove(char *folder);

/* Rows "<stem><number>.example.com", numbers in [0, count). */
struct row_set *numbered_rows(const char *stem, size_t count);
/* Use case "a.b", rate 0.001, all else chosen. */
struct dataset_settings plain_settings(void);

/* Whether the keyword's bucket, decoded out of the processed shard, holds it with value "1". Aborts
 * on a shard that cannot be decoded. */
bool dataset_holds(const struct dataset *dataset, struct span keyword);

/* Writes `text` over the start of a file of the folder. */
void damage_file(const char *folder, const char *name, const char *text);

#endif
