#ifdef __linux__
#define _GNU_SOURCE /* sync_file_range() */
#endif
#include "base/write_out.h"

#ifdef __linux__
#include <fcntl.h>

void write_out_start(int fd)
{
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}
#else
void write_out_start(int fd)
{
    (void)fd;
}
#endif
