/* ios_profile - a configuration profile that sets the filter up on managed devices.
 *
 * One payload com.apple.webcontent-filter with FilterURLs and URLFilterParameters, in the XML form.
 * Reporting has no key of its own in the payload. It stands in VendorConfig, under the names by
 * which apps with URLFilterKit look for it in their managed app configuration (reportEndpoint,
 * reportFormat, reportInterval: 27.0, supervised devices).
 *
 * Same values, same bytes: the UUIDs come from the identifiers.
 * Secret   the user token is in the profile.
 * Source   PROTOCOL.md section 8, service.md section 6; developer.apple.com, Device Management,
 *          TopLevel and WebContentFilter. */
#ifndef BLINDLIST_TOOLS_IOS_PROFILE_H
#define BLINDLIST_TOOLS_IOS_PROFILE_H

#include "base/bytes.h"

#include <stdbool.h>

#define IOS_PREFILTER_INTERVAL_DEFAULT_S 86400
#define IOS_PREFILTER_INTERVAL_MIN_S     2700
#define IOS_REPORT_INTERVAL_DEFAULT_S    86400
#define IOS_REPORT_INTERVAL_MIN_S        3600

struct ios_profile {
    const char *bundle_id;              /* of the app */
    const char *extension_id;           /* of its extension */
    const char *name;                   /* that people see */
    const char *organization;           /* NULL: none */
    const char *server;                 /* base URL */
    const char *issuer;                 /* base URL */
    const char *user_token;             /* or what the MDM puts in its place */
    const char *designated_requirement; /* of the extension, for Macs; NULL: none */
    bool fails_closed;
    bool is_for_unsupervised; /* iPhones take it then with a ContentFilterUUID only */
    uint32_t prefilter_interval_s;
    const char
        *report_endpoint; /* path on the server: ios_report_endpoint_fault(); NULL: no reports */
    const char *report_format; /* "json" or "protobuf" */
    uint32_t report_interval_s;
};

/* NULL when reports can go to this path of the server; else a phrase, static. */
const char *ios_report_endpoint_fault(const char *endpoint);
/* Appends the profile. */
enum status ios_profile_write(const struct ios_profile *profile, struct bytes *ret,
                              struct error *err) MUST_CHECK;

/* One thing that is wrong: where, such as "PayloadContent[0].URLFilterParameters.PIRServerUrl". */
typedef void ios_profile_fault(void *context, unsigned long line, const char *where,
                               const char *what);
/* What to compare with; NULL members are not compared. */
struct ios_profile_expected {
    const char *server;
    const char *issuer;
    const char *bundle_id;
};
/* Calls for every fault, against the schema and against what is expected (may be NULL). Fails when
 * the text is no property list (plist_tree.h). */
enum status ios_profile_check(struct span xml, const char *name,
                              const struct ios_profile_expected *expected, ios_profile_fault *fault,
                              void *context, struct error *err) MUST_CHECK;

#endif
