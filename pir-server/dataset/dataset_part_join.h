/* dataset_part_join - the parts of a dataset version as files in the folder of their job, and how
 * they become the version.
 *
 * Threads  whoever calls dataset_parts_...() has the lock of the folder (base/folder_lock.h). */
#ifndef BLINDLIST_DATASET_PART_JOIN_H
#define BLINDLIST_DATASET_PART_JOIN_H

#include "base/thread_pool.h"
#include "pir-server/dataset/dataset_plan.h"

#define DATASET_PART_NAME_BYTES 16 /* "part-65535" and its NUL fit */

/* Name of the folder of part `index`. */
void dataset_part_name(uint32_t index, char ret[DATASET_PART_NAME_BYTES]);
/* As folder_names_read() asks. */
bool dataset_is_part_name(const char *folder, const char *name);
/* Are both files of that shard in the folder of part `index` below `parts`? */
bool dataset_part_has(const char *parts, uint32_t index, uint64_t shard);

/* Makes the version of a plan all whose parts are done, in HOME, puts it in force, and clears
 * HOME/parts. Waits for the lock of HOME. */
enum status dataset_parts_join(const char *home, const struct dataset_plan *plan,
                               struct thread_pool *pool, struct error *err) MUST_CHECK;
/* Removes the plan, in one step, and then all parts. */
enum status dataset_parts_clear(const char *parts, struct error *err) MUST_CHECK;

#endif
