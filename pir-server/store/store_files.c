/* Which files libpq reads for a connection: by its parameters, its environment, and by itself. */
#include "pir-server/store/store.h"

#include "base/file.h"
#include "base/mem.h"

#include <postgresql/libpq-fe.h>
#include <stdlib.h>
#include <string.h>

static const char *const parameters[] = {"passfile",    "sslcert", "sslkey",
                                         "sslrootcert", "sslcrl",  "sslcrldir"};
static const char *const variables[] = {"PGPASSFILE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGSSLCERT",
                                        "PGSSLKEY",   "PGSSLROOTCERT", "PGSSLCRL"};
static const char *const in_home[] = {".pgpass", ".postgresql", ".pg_service.conf"};
static const char *const of_system[] = {
    "/etc/postgresql-common", "/etc/ssl",      "/etc/resolv.conf",
    "/etc/nsswitch.conf",     "/etc/hosts",    "/etc/host.conf",
    "/etc/gai.conf",          "/etc/services", "/etc/passwd",
    "/run/systemd/resolve"};

static bool is_file_parameter(const char *keyword)
{
    size_t i = 0;
    while (i < ARRAY_COUNT(parameters) && strcmp(parameters[i], keyword) != 0)
        i++;
    return i < ARRAY_COUNT(parameters);
}

void store_list_files(const char *name, void (*take)(void *context, const char *path),
                      void *context)
{
    if (store_is_file(name))
        return;
    PQconninfoOption *given = PQconninfoParse(name, NULL);
    for (const PQconninfoOption *option = given; option != NULL && option->keyword != NULL;
         option++) {
        if (option->val != NULL && is_file_parameter(option->keyword))
            take(context, option->val);
    }
    PQconninfoFree(given);
    for (size_t i = 0; i < ARRAY_COUNT(variables); i++) {
        const char *path = getenv(variables[i]);
        if (path != NULL)
            take(context, path);
    }
    const char *home = getenv("HOME");
    for (size_t i = 0; i < ARRAY_COUNT(in_home) && home != NULL; i++) {
        char *path = path_join(home, in_home[i]);
        if (path != NULL)
            take(context, path);
        mem_free(path);
    }
    for (size_t i = 0; i < ARRAY_COUNT(of_system); i++)
        take(context, of_system[i]);
}
