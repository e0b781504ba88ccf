#include "pir-server/dataset/dataset_in_force.h"

#include "base/file.h"
#include "base/folder_lock.h"
#include "base/mem.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HISTORY_NAME       ".history"
#define HISTORY_MAX_BYTES  ((size_t)65536)
#define HISTORY_LINE_BYTES (DATASET_VERSION_BYTES + 1) /* a version and LF; in memory, NUL */

struct history {
    char versions[DATASET_HISTORY_MAX + 1][DATASET_VERSION_BYTES + 1]; /* room for one more */
    size_t count;
};

static enum status no_memory(const char *home, struct error *err)
{
    return error_set(err, STATUS_NOMEM, "%s: out of memory", home);
}

/* "<home>/<name>" without memory to ask for, so that what is there is never taken for missing.
 * False when it is too long for any path. */
static bool path_in(const char *home, const char *name, char ret[PATH_MAX])
{
    const int size = snprintf(ret, PATH_MAX, "%s/%s", home, name);
    return size > 0 && size < PATH_MAX;
}

/* ---- the link ---- */

/* A link with a longer way to a folder in `home`, as somebody made it by hand. */
static void follow(const char *home, const char *link, char ret[DATASET_VERSION_BYTES + 1])
{
    char home_resolved[PATH_MAX];
    char resolved[PATH_MAX];
    if (realpath(home, home_resolved) == NULL || realpath(link, resolved) == NULL)
        return;
    char *slash = strrchr(resolved, '/');
    if (slash == NULL || !dataset_version_is_valid(slash + 1))
        return;
    memcpy(ret, slash + 1, DATASET_VERSION_BYTES + 1);
    *slash = '\0';
    if (strcmp(resolved, home_resolved) != 0)
        ret[0] = '\0';
}

void dataset_in_force(const char *home, char ret[DATASET_VERSION_BYTES + 1])
{
    char target[DATASET_VERSION_BYTES + 2]; /* longer ones are cut, but still longer */
    char link[PATH_MAX];
    const ssize_t size =
        path_in(home, "current", link) ? readlink(link, target, sizeof target - 1) : -1;
    ret[0] = '\0';
    if (size >= 0) {
        target[size] = '\0';
        if (dataset_version_is_valid(target))
            memcpy(ret, target, DATASET_VERSION_BYTES + 1);
        else
            follow(home, link, ret);
    }
}

/* ---- history ---- */

static void history_add(struct history *history, const char *version)
{
    memcpy(history->versions[history->count++], version, DATASET_VERSION_BYTES + 1);
    if (history->count > DATASET_HISTORY_MAX) {
        history->count--;
        memmove(history->versions[0], history->versions[1],
                history->count * sizeof history->versions[0]);
    }
}

/* Lines that hold no version are skipped: a history is a help, never a hindrance. */
static void history_parse(struct span text, struct history *ret)
{
    char line[HISTORY_LINE_BYTES];
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        const size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
        if (size == DATASET_VERSION_BYTES) {
            memcpy(line, text.data, size);
            line[size] = '\0';
            if (dataset_version_is_valid(line))
                history_add(ret, line);
        }
        const size_t taken = end != NULL ? size + 1 : size;
        text = span_part(text, taken, text.size - taken);
    }
}

static enum status history_read(const char *home, struct history *ret, struct error *err)
{
    struct bytes text;
    struct error why;
    char *path = path_join(home, HISTORY_NAME);
    if (path == NULL)
        return no_memory(home, err);
    ret->count = 0;
    bytes_init(&text, HISTORY_MAX_BYTES);
    enum status status = file_read(path, &text, &why);
    if (status == STATUS_OK)
        history_parse(bytes_view(&text), ret);
    else if (status == STATUS_NOT_FOUND || status == STATUS_TOO_LARGE)
        status = STATUS_OK;
    else
        error_set(err, status, "%s", why.message);
    bytes_deinit(&text);
    mem_free(path);
    return status;
}

static enum status history_write(const char *home, const struct history *history, struct error *err)
{
    struct bytes text;
    char *path = path_join(home, HISTORY_NAME);
    if (path == NULL)
        return no_memory(home, err);
    bytes_init(&text, HISTORY_MAX_BYTES);
    for (size_t i = 0; i < history->count; i++)
        bytes_append_format(&text, "%s\n", history->versions[i]);
    enum status status = bytes_status(&text, path, err);
    if (status == STATUS_OK)
        status = file_write(path, FILE_MODE_PUBLIC, bytes_view(&text), err);
    bytes_deinit(&text);
    mem_free(path);
    return status;
}

/* Cuts off what comes behind `now`; appends it when it is not there. */
static void history_end_at(struct history *history, const char *now)
{
    size_t count = history->count;
    if (now[0] == '\0')
        return;
    while (count > 0 && strcmp(history->versions[count - 1], now) != 0)
        count--;
    if (count > 0)
        history->count = count;
    else
        history_add(history, now);
}

static bool is_folder(const char *home, const char *version)
{
    struct stat info;
    char path[PATH_MAX];
    return path_in(home, version, path) && lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The history up to the version before `now`, which becomes its last; empty when there is none. */
static enum status history_before(const char *home, const char *now, struct history *ret,
                                  struct error *err)
{
    const enum status status = history_read(home, ret, err);
    if (status != STATUS_OK)
        return status;
    history_end_at(ret, now);
    while (ret->count > 0 && (strcmp(ret->versions[ret->count - 1], now) == 0 ||
                              !is_folder(home, ret->versions[ret->count - 1])))
        ret->count--;
    return STATUS_OK;
}

enum status dataset_in_force_before(const char *home, char ret[DATASET_VERSION_BYTES + 1],
                                    struct error *err)
{
    char now[DATASET_VERSION_BYTES + 1];
    struct history history;
    dataset_in_force(home, now);
    const enum status status = history_before(home, now, &history, err);
    if (status != STATUS_OK)
        return status;
    ret[0] = '\0';
    if (history.count > 0)
        memcpy(ret, history.versions[history.count - 1], DATASET_VERSION_BYTES + 1);
    return STATUS_OK;
}

/* ---- switching ---- */

static enum status switch_link(const char *home, const char *version, struct error *err)
{
    char *link = path_join(home, "current");
    if (link == NULL)
        return no_memory(home, err);
    const enum status status = link_replace(version, link, err);
    mem_free(link);
    return status;
}

enum status dataset_put_in_force(const char *home, const char *version, struct error *err)
{
    char now[DATASET_VERSION_BYTES + 1];
    struct history history;
    dataset_in_force(home, now);
    if (strcmp(now, version) != 0) {
        enum status status = history_read(home, &history, err);
        if (status != STATUS_OK)
            return status;
        history_end_at(&history, now);
        history_add(&history, version);
        status = history_write(home, &history, err);
        if (status != STATUS_OK)
            return status;
    }
    return switch_link(home, version, err);
}

enum status dataset_take_back(const char *home, struct error *err)
{
    char now[DATASET_VERSION_BYTES + 1];
    struct history history;
    struct error ignored;
    dataset_in_force(home, now);
    enum status status = history_before(home, now, &history, err);
    if (status != STATUS_OK)
        return status;
    if (history.count == 0)
        return error_set(err, STATUS_NOT_FOUND, "%s: no version that was in force before is there",
                         home);
    status = switch_link(home, history.versions[history.count - 1], err);
    /* Done, even when the history keeps a line too many: on a full disk, for one. */
    if (status == STATUS_OK && history_write(home, &history, &ignored) != STATUS_OK)
        return STATUS_OK;
    return status;
}

/* ---- with checks ---- */

static enum status check_version(const char *data, const char *use_case, const char *version,
                                 const struct dataset_check *check, struct error *err)
{
    struct dataset *dataset = NULL;
    enum status status = dataset_open_version(data, use_case, version, 0, &dataset, err);
    if (status == STATUS_OK)
        status = dataset_check_sizes(dataset, err);
    if (status == STATUS_OK && check->verify)
        status = dataset_verify(dataset, check->pool, check->progress, err);
    dataset_free(dataset);
    return status;
}

enum status dataset_activate(const char *data, const char *use_case, const char *version,
                             const struct dataset_check *check,
                             char ret_before[DATASET_VERSION_BYTES + 1],
                             char ret_now[DATASET_VERSION_BYTES + 1], struct error *err)
{
    char before[DATASET_VERSION_BYTES + 1];
    char wanted[DATASET_VERSION_BYTES + 1] = "";
    int lock = FOLDER_LOCK_NONE;
    if (!dataset_use_case_is_valid(use_case))
        return error_set(err, STATUS_INVALID, "this is no name of a use case");
    if (version != NULL && !dataset_version_is_valid(version))
        return error_set(err, STATUS_INVALID, "this is no name of a version");
    char *home = path_join(data, use_case);
    if (home == NULL)
        return no_memory(data, err);
    enum status status = folder_lock_take(home, DATASET_BUSY, &lock, err);
    if (status == STATUS_OK)
        dataset_in_force(home, before);
    if (status == STATUS_OK && version != NULL)
        memcpy(wanted, version, sizeof wanted);
    else if (status == STATUS_OK)
        status = dataset_in_force_before(home, wanted, err);
    if (status == STATUS_OK && wanted[0] != '\0')
        status = check_version(data, use_case, wanted, check, err);
    if (status == STATUS_OK)
        status = version != NULL ? dataset_put_in_force(home, wanted, err)
                                 : dataset_take_back(home, err);
    if (status == STATUS_OK) {
        memcpy(ret_before, before, sizeof before);
        memcpy(ret_now, wanted, sizeof wanted);
    }
    folder_lock_release(lock);
    mem_free(home);
    return status;
}
