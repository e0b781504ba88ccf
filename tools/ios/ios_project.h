/* ios_project - the sources of an app and its extension, with the names of a deployment filled in.
 *
 *     App/Info.plist, App/App.entitlements, App/FilterApp.swift, App/FilterConfiguration.swift
 *     URLFilter/Info.plist, URLFilter/URLFilter.entitlements, URLFilter/FilterProvider.swift
 *
 * They stand by themselves: nothing but Foundation, SwiftUI and NetworkExtension is imported.
 * Source   PROTOCOL.md section 8, spec/networkextension.md. */
#ifndef BLINDLIST_TOOLS_IOS_PROJECT_H
#define BLINDLIST_TOOLS_IOS_PROJECT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct ios_project {
    const char *bundle_id;
    const char *extension_id;
    const char *server;
    const char *issuer;     /* NULL: the server's */
    const char *user_token; /* NULL: a place to fill in */
    bool is_plain_http;     /* the app must be allowed to use http:// */
};

/* Makes `folder`, which must not exist (STATUS_EXISTS), whole or not at all. */
enum status ios_project_write(const struct ios_project *project, const char *folder,
                              struct error *err) MUST_CHECK;
/* The files, below the folder. */
size_t ios_project_file_count(void);
const char *ios_project_file(size_t i);

#endif
