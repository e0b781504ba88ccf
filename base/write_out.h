/* write_out - starts to move what was written to a file towards the disk, and does not wait.
 *
 * A flush later finds the work done or under way. It promises nothing: only fsync() does. Systems
 * without such a call do nothing here. Threads  any. */
#ifndef BLINDLIST_BASE_WRITE_OUT_H
#define BLINDLIST_BASE_WRITE_OUT_H

void write_out_start(int fd);

#endif
