/* The watch on the data folder, with real threads and a real clock. */
#include "pir-server/service/data_watch.h"

#include "base/file.h"
#include "base/mem.h"
#include "tests/patience.h"
#include "tests/tap.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_uint changes;

static void count_change(void *context)
{
    (void)context;
    atomic_fetch_add(&changes, 1);
}

/* The number of changes once there are `wanted`, or when patience is over. */
static unsigned wait_for(unsigned wanted)
{
    const struct patience patience = patience_begin();
    while (atomic_load(&changes) < wanted && patience_lasts(&patience))
        ;
    return atomic_load(&changes);
}

/* Longer than it takes to see a change on an idle machine: what shall not come is not awaited. */
static void wait_for_none(void)
{
    patience_sleep_ms(DATA_WATCH_POLL_MS + 200);
}

static void make_version(const char *data, const char *use_case, const char *version)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", data, use_case);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/%s/%s", data, use_case, version);
    mkdir(path, 0755);
}

static void switch_to(const char *data, const char *use_case, const char *version)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s/current", data, use_case);
    if (link_replace(version, path, NULL) != STATUS_OK)
        abort();
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

/* `so_far` changes were told. */
static void watch_file(const char *data, unsigned so_far)
{
    char path[300];
    char other[320];
    struct data_watch *watch = NULL;
    struct error error;
    snprintf(path, sizeof path, "%s/server.json", data);
    snprintf(other, sizeof other, "%s.new", path);
    write_text(path, "{}");
    TAP_CHECK(data_watch_new(data, path, count_change, NULL, &watch, &error) == STATUS_OK,
              "a file is watched, too");
    wait_for_none();
    TAP_CHECK(atomic_load(&changes) == so_far, "as it is");
    write_text(path, "{ }");
    TAP_CHECK(wait_for(so_far + 1) >= so_far + 1, "written in place is a change");
    wait_for_none();
    const unsigned written = atomic_load(&changes);
    write_text(other, "{  }");
    wait_for_none();
    TAP_CHECK(atomic_load(&changes) == written, "another file is none");
    rename(other, path);
    TAP_CHECK(wait_for(written + 1) == written + 1, "replaced is one");
    unlink(path);
    wait_for_none();
    TAP_CHECK(atomic_load(&changes) == written + 1, "gone is none");
    write_text(path, "{}");
    TAP_CHECK(wait_for(written + 2) >= written + 2, "but its return is one");
    data_watch_free(watch);
}

int main(void)
{
    char data[] = "/tmp/plain_data_watch.XXXXXX";
    char path[300];
    struct data_watch *watch = NULL;
    struct error error;
    if (mkdtemp(data) == NULL)
        abort();
    make_version(data, "a.b", "1");
    make_version(data, "a.b", "2");
    switch_to(data, "a.b", "1");

    TAP_CHECK(data_watch_new(data, NULL, count_change, NULL, &watch, &error) == STATUS_OK,
              "a data folder is watched");
    wait_for_none();
    TAP_CHECK(atomic_load(&changes) == 0, "what is there is no change");
    switch_to(data, "a.b", "2");
    TAP_CHECK(wait_for(1) == 1, "a switched link is one");
    make_version(data, "c.d", "1");
    make_version(data, "a.b", "3");
    wait_for_none();
    TAP_CHECK(atomic_load(&changes) == 1, "a version that is not in force is none");
    switch_to(data, "c.d", "1");
    TAP_CHECK(wait_for(2) == 2, "the first link of a use case is one");
    switch_to(data, "c.d", "1");
    wait_for_none();
    TAP_CHECK(atomic_load(&changes) == 2, "the same link again is none");
    snprintf(path, sizeof path, "%s/a.b/current", data);
    unlink(path);
    wait_for_none();
    TAP_CHECK(atomic_load(&changes) == 2, "a link that goes away is none");
    switch_to(data, "a.b", "3");
    TAP_CHECK(wait_for(3) == 3, "but its return is one");
    switch_to(data, "a.b", "1");
    data_watch_free(watch);
    const unsigned last = atomic_load(&changes);
    switch_to(data, "a.b", "2");
    wait_for_none();
    TAP_CHECK(atomic_load(&changes) == last, "nothing is told after the end");

    watch_file(data, last);
    snprintf(path, sizeof path, "%s/missing", data);
    TAP_CHECK(data_watch_new(path, NULL, count_change, NULL, &watch, &error) != STATUS_OK,
              "a folder that is not there cannot be watched");
    data_watch_free(NULL);
    folder_remove(data);
    return tap_finish();
}
