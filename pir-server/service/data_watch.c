#include "pir-server/service/data_watch.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAMP_BYTES 128

struct link {
    char *use_case; /* or the path of the file */
    char *target;   /* or what tells one state of the file from another */
};

struct links {
    struct link *list;
    size_t count;
};

struct data_watch {
    char *data;
    char *file;        /* NULL = none */
    char *file_folder; /* NULL = none */
    void (*changed)(void *context);
    void *context;
    int end_pipe[2]; /* closing [1] ends the thread */
    int events;      /* of the system; -1 = it has none, the links are read now and then */
    struct links known;
    pthread_t thread;
    bool is_started;
};

/* ---- what Linux tells ---- */

#ifdef __linux__
#include <sys/inotify.h>

static int events_open(void)
{
    return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

/* Names that appear in the folder are events from now on. Again for the same folder is fine. */
static void events_add(int events, const char *folder)
{
    (void)inotify_add_watch(events, folder, IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR);
}
#else
static int events_open(void)
{
    return -1;
}

static void events_add(int events, const char *folder)
{
    (void)events;
    (void)folder;
}
#endif

/* Takes what has come; which names is of no interest. */
static void events_drop(int events)
{
    uint8_t buffer[4096];
    while (read(events, buffer, sizeof buffer) > 0)
        continue;
}

/* ---- links ---- */

static void links_deinit(struct links *links)
{
    for (size_t i = 0; i < links->count; i++) {
        mem_free(links->list[i].use_case);
        mem_free(links->list[i].target);
    }
    mem_free(links->list);
    *links = (struct links){0};
}

static char *read_target(const char *folder)
{
    char target[PATH_MAX];
    char *path = path_join(folder, "current");
    const ssize_t size = path != NULL ? readlink(path, target, sizeof target - 1) : -1;
    mem_free(path);
    if (size < 0)
        return NULL;
    target[size] = '\0';
    return mem_strdup(target);
}

/* Size, time and inode of the file; NULL when it is not there. */
static char *read_stamp(const char *file)
{
    char stamp[STAMP_BYTES];
    struct stat info;
    if (stat(file, &info) != 0)
        return NULL;
    (void)snprintf(stamp, sizeof stamp, "%llu %lld.%09ld %llu", (unsigned long long)info.st_size,
                   (long long)info.st_mtim.tv_sec, (long)info.st_mtim.tv_nsec,
                   (unsigned long long)info.st_ino);
    return mem_strdup(stamp);
}

/* The file as the last of the links, which have room for it. */
static void add_file(const struct data_watch *watch, struct links *links)
{
    struct link *link = &links->list[links->count];
    if (watch->file == NULL)
        return;
    if (watch->events >= 0 && watch->file_folder != NULL)
        events_add(watch->events, watch->file_folder);
    link->use_case = mem_strdup(watch->file);
    link->target = read_stamp(watch->file);
    if (link->use_case != NULL && link->target != NULL) {
        links->count++;
        return;
    }
    mem_free(link->use_case);
    mem_free(link->target);
}

/* Reads the links of all use cases, and asks for events of their folders first, so that nothing
 * happens unseen in between. False without memory or when the folder cannot be read. */
static bool read_links(const struct data_watch *watch, struct links *ret)
{
    struct folder_names names = {0};
    struct links links = {0};
    if (watch->events >= 0)
        events_add(watch->events, watch->data);
    if (dataset_list(watch->data, &names, NULL) != STATUS_OK)
        return false;
    links.list = mem_alloc_zeroed(names.count + 1, sizeof *links.list);
    for (size_t i = 0; i < names.count && links.list != NULL; i++) {
        char *folder = path_join(watch->data, names.list[i]);
        if (folder == NULL)
            continue;
        if (watch->events >= 0)
            events_add(watch->events, folder);
        struct link *link = &links.list[links.count];
        link->target = read_target(folder);
        mem_free(folder);
        if (link->target == NULL)
            continue;
        link->use_case = names.list[i];
        names.list[i] = NULL;
        links.count++;
    }
    folder_names_deinit(&names);
    if (links.list != NULL)
        add_file(watch, &links);
    *ret = links;
    return links.list != NULL;
}

static bool is_known(const struct links *known, const struct link *link)
{
    for (size_t i = 0; i < known->count; i++) {
        if (strcmp(known->list[i].use_case, link->use_case) == 0)
            return strcmp(known->list[i].target, link->target) == 0;
    }
    return false;
}

static void look(struct data_watch *watch)
{
    struct links now;
    bool is_new = false;
    if (!read_links(watch, &now))
        return;
    for (size_t i = 0; i < now.count; i++)
        is_new = is_new || !is_known(&watch->known, &now.list[i]);
    links_deinit(&watch->known);
    watch->known = now;
    if (is_new)
        watch->changed(watch->context);
}

/* ---- the thread ---- */

static void *work(void *argument)
{
    struct data_watch *watch = argument;
    struct pollfd sources[] = {{.fd = watch->end_pipe[0], .events = POLLIN},
                               {.fd = watch->events, .events = POLLIN}}; /* -1 is skipped */
    for (;;) {
        const int got = poll(sources, ARRAY_COUNT(sources), DATA_WATCH_POLL_MS);
        if (got < 0 && errno != EINTR)
            return NULL;
        if (got > 0 && sources[0].revents != 0)
            return NULL;
        if (watch->events >= 0)
            events_drop(watch->events);
        look(watch);
    }
}

/* The folder that a path lies in (mem_free); NULL without memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return mem_strdup(".");
    char *folder = mem_strdup(path);
    if (folder != NULL)
        folder[slash == path ? 1 : slash - path] = '\0';
    return folder;
}

enum status data_watch_new(const char *data, const char *file, void (*changed)(void *context),
                           void *context, struct data_watch **ret, struct error *err)
{
    struct data_watch *watch = mem_alloc_zeroed(1, sizeof *watch);
    if (watch == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", data);
    watch->changed = changed;
    watch->context = context;
    watch->end_pipe[0] = watch->end_pipe[1] = -1;
    watch->events = events_open();
    watch->data = mem_strdup(data);
    enum status status = STATUS_OK;
    if (file != NULL) {
        watch->file = mem_strdup(file);
        watch->file_folder = folder_of(file);
    }
    if (watch->data == NULL || (file != NULL && watch->file == NULL) ||
        !read_links(watch, &watch->known))
        status = error_set(err, STATUS_NOMEM, "%s: cannot be watched", data);
    if (status == STATUS_OK && pipe(watch->end_pipe) != 0)
        status = error_set_errno(err, errno, "%s: cannot be watched", data);
    for (size_t i = 0; i < ARRAY_COUNT(watch->end_pipe) && status == STATUS_OK; i++)
        (void)fcntl(watch->end_pipe[i], F_SETFD, FD_CLOEXEC);
    if (status == STATUS_OK) {
        const int failed = pthread_create(&watch->thread, NULL, work, watch);
        watch->is_started = failed == 0;
        if (failed != 0)
            status = error_set_errno(err, failed, "%s: cannot be watched", data);
    }
    if (status == STATUS_OK)
        *ret = watch;
    else
        data_watch_free(watch);
    return status;
}

void data_watch_free(struct data_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->end_pipe[1] >= 0)
        close(watch->end_pipe[1]);
    if (watch->is_started)
        pthread_join(watch->thread, NULL);
    if (watch->end_pipe[0] >= 0)
        close(watch->end_pipe[0]);
    if (watch->events >= 0)
        close(watch->events);
    links_deinit(&watch->known);
    mem_free(watch->data);
    mem_free(watch->file);
    mem_free(watch->file_folder);
    mem_free(watch);
}
