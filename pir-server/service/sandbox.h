/* sandbox - from here on the process can do what a server does, and nothing else.
 *
 * Files    Landlock: only what the rules name can be opened, made or removed; what is open stays.
 *          Nothing can be executed.
 * Network  Landlock: no TCP port can be bound any more, and, unless is_client, no connection made;
 *          no signal reaches another process, no abstract socket. What is bound stays.
 * Calls    seccomp: no program and no process can be started, no other one looked into; no
 *          namespaces, mounts, modules, keys, clocks, users; nothing typed into a terminal that is
 *          open; new sockets are Unix sockets, and of the Internet if is_client. Refused calls fail
 *          with EPERM. What is refused is a list, not what is allowed: libraries may do their work
 *          as they see fit.
 *
 * Each part is there as far as the kernel has it (Landlock from Linux 5.13 on). Builds with a
 * sanitizer have no filter of calls: a sanitizer starts programs and looks into its own process.
 *
 * Threads  to be entered before the first thread is made: those that run already stay outside. */
#ifndef BLINDLIST_SERVICE_SANDBOX_H
#define BLINDLIST_SERVICE_SANDBOX_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum sandbox_access {
    SANDBOX_READ,
    SANDBOX_WRITE /* and read, make, remove, rename */
};

/* A file, or a folder with all that is in it now and later. */
struct sandbox_rule {
    char *path; /* owned */
    enum sandbox_access access;
};

/* Begins with zeros. */
struct sandbox {
    struct sandbox_rule *rules; /* [count], owned */
    size_t count;
    bool is_client; /* makes connections */
    bool lacks_memory;
};

/* Copies the path; NULL is no path. What goes wrong is told by sandbox_enter(). */
void sandbox_allow(struct sandbox *sandbox, const char *path, enum sandbox_access access);
/* The same for the folder that a file is in. */
void sandbox_allow_folder_of(struct sandbox *sandbox, const char *path, enum sandbox_access access);
void sandbox_deinit(struct sandbox *sandbox);

/* What holds. */
struct sandbox_state {
    int landlock; /* its version; 0 = none */
    bool seccomp;
};
/* Paths that do not exist are left out. Where the kernel lacks a part this is no failure. */
enum status sandbox_enter(const struct sandbox *sandbox, struct sandbox_state *ret,
                          struct error *err) MUST_CHECK;

#endif
