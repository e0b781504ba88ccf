/* dataset_publish - the end of making a version: its folder gets its name and is put in force.
 *
 * Threads  whoever publishes has the lock of the use case's folder (base/folder_lock.h). */
#ifndef BLINDLIST_DATASET_DATASET_PUBLISH_H
#define BLINDLIST_DATASET_DATASET_PUBLISH_H

#include "base/thread_pool.h"
#include "pir-server/dataset/dataset.h"

/* Flushes the folder `temporary` and publishes it as HOME/<version>, then puts that in force. A
 * folder of that name that is whole stays, and is put in force; one that is not (a damaged disk) is
 * replaced.
 *   ret_existed  `temporary` was not needed and is still there */
enum status dataset_publish(const char *home, const char *temporary, const char *version,
                            struct thread_pool *pool, bool *ret_existed,
                            struct error *err) MUST_CHECK;

#endif
