/* cmd_ios - what the files of `blindlist ios` share. */
#ifndef BLINDLIST_TOOLS_CMD_IOS_H
#define BLINDLIST_TOOLS_CMD_IOS_H

#include "base/bytes.h"
#include "tools/tool.h"

extern const struct tool_command command_ios_init;
extern const struct tool_command command_ios_profile;
extern const struct tool_command command_ios_checklist;

/* The names of a deployment, as they are given. */
struct ios_names {
    const char *bundle_id;    /* of the app */
    const char *extension_id; /* NULL: bundle_id.URLFilter, see ios_names_extension() */
    const char *server;
    const char *issuer; /* NULL: the server's */
    bool is_development;
};
/* EXIT_DONE, or EXIT_USAGE with a message when one is missing or is not what devices take. */
int ios_names_check(const struct ios_names *names, const struct tool_args *args);

#define IOS_EXTENSION_ID_BYTES 512
/* The identifier of the extension, in `buffer` when none was given. */
const char *ios_names_extension(const struct ios_names *names, char buffer[IOS_EXTENSION_ID_BYTES]);

/* The first rows of option tables. */
#define IOS_NAMES_OPTIONS                                                                          \
    {"bundle-id", 'b', "ID", "of the app"},                                                        \
        {"extension-id", 0, "ID", "of its extension (default: ID.URLFilter)"},                     \
        {"server", 's', "URL", "of the server: https:// and a host name"},                         \
        {"issuer", 'i', "URL", "of the issuer of tokens (default: the server)"},                   \
    {                                                                                              \
        "development", 0, NULL, "take other URLs: http, ports, addresses"                          \
    }
#define IOS_NAMES_OPTION_COUNT 5
/* `got` is in [0, IOS_NAMES_OPTION_COUNT): they stand first in their table. */
void ios_names_take(struct ios_names *names, int got, const struct tool_args *args);

#endif
