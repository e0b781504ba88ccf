/* digest_check - reads the files of dataset versions behind a running server, and compares digests.
 *
 * A server is ready when headers and sizes are right; whether every byte is right costs as much
 * time as the disk takes to read it all. One thread of the lowest priority does that afterwards,
 * piece by piece, so queries hardly notice and no memory stays taken.
 *
 * Result   in the log: that the files of a version are what its dataset.json says, or which file is
 *          not. A damaged version stays served, since the one before may be gone and most of its
 *          answers are right: whoever wants it refused starts the server with --verify.
 * Threads  all functions from one thread; the work is done in another. */
#ifndef BLINDLIST_SERVICE_DIGEST_CHECK_H
#define BLINDLIST_SERVICE_DIGEST_CHECK_H

#include "base/log.h"
#include "pir-server/service/app_set.h"

struct digest_check;

/* log: borrowed. */
enum status digest_check_new(const struct log *log, struct digest_check **ret,
                             struct error *err) MUST_CHECK;
/* Breaks off what is under way. Takes NULL. */
void digest_check_free(struct digest_check *check);

/* The newest version of each use case is to be read, unless it was before; what is still to be read
 * of an older set is forgotten. Holds a reference to the set. Takes check == NULL. */
void digest_check_start(struct digest_check *check, const struct app_set *set);

/* Versions found damaged so far. From any thread; takes NULL. */
uint64_t digest_check_damaged(const struct digest_check *check);

#endif
