#include "pir-server/service/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the system has for the name; its storage. */
static enum status find(const char *name, const struct passwd **ret, struct error *err)
{
    const struct passwd *user = getpwnam(name);
    if (user == NULL && strlen(name) < 10 && strspn(name, "0123456789") == strlen(name))
        user = getpwuid((uid_t)strtoul(name, NULL, 10));
    if (user == NULL)
        return error_set(err, STATUS_NOT_FOUND, "%s: there is no such user", name);
    *ret = user;
    return STATUS_OK;
}

enum status privileges_find_user(const char *name, uid_t *ret, struct error *err)
{
    const struct passwd *user = NULL;
    const enum status status = find(name, &user, err);
    if (status == STATUS_OK)
        *ret = user->pw_uid;
    return status;
}

enum status privileges_drop(const char *name, struct error *err)
{
    const struct passwd *user = NULL;
    const enum status status = find(name, &user, err);
    if (status != STATUS_OK || (user->pw_uid == getuid() && user->pw_uid == geteuid()))
        return status;
    if (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0)
        return error_set_errno(err, errno, "cannot become %s", name);
    if (user->pw_uid != 0 && setuid(0) == 0)
        return error_set(err, STATUS_INTERNAL, "%s could become root again", name);
    return STATUS_OK;
}
