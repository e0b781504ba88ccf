/* dataset_hold - how it is known that a program uses a dataset version.
 *
 * Whoever has a dataset open (a server, a compile, a comparison) has its dataset.json locked with
 * flock(), shared; whoever removes the version locks it alone first. Such locks end with the
 * process, however that ends, and are seen by all processes of one machine. Programs on other
 * machines have copies of their own.
 *
 * Best effort for the reader: on a file system without locks he goes on without, and what he has
 * mapped stays whole even when the folder is removed. The remover does not: no lock, no removal.
 *
 * Threads  one lock belongs to one thread. */
#ifndef BLINDLIST_DATASET_HOLD_H
#define BLINDLIST_DATASET_HOLD_H

#include "base/status.h"

#define DATASET_HOLD_NONE (-1)

/* Holds the version in `folder`; DATASET_HOLD_NONE when that cannot be. */
int dataset_hold_take(const char *folder);
/* Locks out all that would hold it from now on. STATUS_BUSY: somebody does. A folder without
 * dataset.json can be held by nobody: DATASET_HOLD_NONE. */
enum status dataset_hold_take_alone(const char *folder, int *ret, struct error *err) MUST_CHECK;
/* Takes DATASET_HOLD_NONE. */
void dataset_hold_release(int hold);

#endif
