/* confine - what a server may still do once its sockets are bound: its user, and its sandbox.
 *
 * Threads  before the first one is made. */
#ifndef BLINDLIST_SERVER_CONFINE_H
#define BLINDLIST_SERVER_CONFINE_H

#include "base/log.h"
#include "pir-server/config/config.h"

/* Becomes --user, and enters the sandbox as --sandbox says. One line of the log tells what holds;
 * with "required", STATUS_UNSUPPORTED when the kernel lacks a part of it. */
enum status confine(const struct config *config, const struct log *log,
                    struct error *err) MUST_CHECK;

#endif
