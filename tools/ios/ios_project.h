/* ios_project - an Xcode project of an app and its extension, with the names of a deployment.
 *
 * What control-provider/Example is, its names replaced (ios_example.h):
 *
 *     NAME.xcodeproj    opens as it is
 *     App/, Provider/   the app, and the extension with the prefilter
 *     Shared/           what both carry: parsing.json
 *     URLFilterKit/     the Swift package that both use, when no other place is named
 *
 * With the example's own names and its package the example comes out, byte for byte.
 * Source   PROTOCOL.md section 8, spec/networkextension.md. */
#ifndef BLINDLIST_TOOLS_IOS_PROJECT_H
#define BLINDLIST_TOOLS_IOS_PROJECT_H

#include "base/bytes.h"

#include <stdbool.h>

#define IOS_PUBLIC_KEYS_MAX ((size_t)8)

struct ios_project {
    const char *name; /* of project and app: ios_project_name_fault() */
    const char *bundle_id;
    const char *extension_id;
    const char *server;
    const char *issuer;
    const char *user_token; /* no quote, no backslash; "": a place to fill in */
    const char *package;    /* path of URLFilterKit from the project; NULL: written along */
    const char *public_keys[IOS_PUBLIC_KEYS_MAX]; /* of which one signs prefilters */
    size_t public_key_count;
    struct span parsing; /* parsing configuration, JSON; empty: the default one */
    bool is_plain_http;  /* the app must be allowed to use http:// */
};

/* NULL when a project can be called so; else a phrase, static. */
const char *ios_project_name_fault(const char *name);
/* Makes `folder`, which must not exist (STATUS_EXISTS), whole or not at all. */
enum status ios_project_write(const struct ios_project *project, const char *folder,
                              struct error *err) MUST_CHECK;

/* How many files there are. */
size_t ios_project_file_count(const struct ios_project *project);
/* Appends the path of one of them, below the folder. */
void ios_project_append_path(const struct ios_project *project, size_t i, struct bytes *ret);

#endif
