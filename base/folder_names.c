#include "base/folder_names.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY ((size_t)16)

static int by_text(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

static bool append(struct folder_names *names, size_t *capacity, const char *name)
{
    if (names->count == *capacity) {
        const size_t larger = *capacity == 0 ? FIRST_CAPACITY : 2 * *capacity;
        char **moved = mem_realloc(names->list, larger, sizeof *moved);
        if (moved == NULL)
            return false;
        names->list = moved;
        *capacity = larger;
    }
    char *copy = mem_strdup(name);
    if (copy == NULL)
        return false;
    names->list[names->count++] = copy;
    return true;
}

enum status folder_names_read(const char *folder,
                              bool (*accepts)(const char *folder, const char *name),
                              struct folder_names *ret, struct error *err)
{
    struct folder_names names = {0};
    size_t capacity = 0;
    enum status status = STATUS_OK;
    DIR *listing = opendir(folder);
    if (listing == NULL)
        return error_set_errno(err, errno, "%s", folder);
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (accepts != NULL && !accepts(folder, name))
            continue;
        if (!append(&names, &capacity, name)) {
            status = error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
            break;
        }
    }
    closedir(listing);
    if (status != STATUS_OK) {
        folder_names_deinit(&names);
        return status;
    }
    if (names.count > 1)
        qsort(names.list, names.count, sizeof *names.list, by_text);
    *ret = names;
    return STATUS_OK;
}

void folder_names_deinit(struct folder_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        mem_free(names->list[i]);
    mem_free(names->list);
    *names = (struct folder_names){0};
}
