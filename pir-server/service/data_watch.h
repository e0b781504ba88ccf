/* data_watch - notices when the `current` link of a use case appears or is switched, and when a
 * file is written.
 *
 * Linux tells at once (inotify); everywhere the links are read every DATA_WATCH_POLL_MS, too, for a
 * network file system tells nothing. A link or file that goes away is no news: whoever replaces
 * one in two steps shall not take anything out of service.
 *
 * Threads  one of its own, which calls `changed`. */
#ifndef BLINDLIST_SERVICE_DATA_WATCH_H
#define BLINDLIST_SERVICE_DATA_WATCH_H

#include "base/status.h"

#define DATA_WATCH_POLL_MS 1000

struct data_watch;
/* Watches the data folder `data` and the file `file` (copied; NULL = none). They are known as they
 * are now. `changed` is called once for what changed together, and must not wait for the watch to
 * be freed. */
enum status data_watch_new(const char *data, const char *file, void (*changed)(void *context),
                           void *context, struct data_watch **ret, struct error *err) MUST_CHECK;
/* `changed` is not called any more. Takes NULL. */
void data_watch_free(struct data_watch *watch);

#endif
