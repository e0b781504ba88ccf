/* deployment_names - the names of a deployment, in the forms that devices take.
 *
 * Source   PROTOCOL.md sections 4, 7 and 8. */
#ifndef BLINDLIST_TOOLS_DEPLOYMENT_NAMES_H
#define BLINDLIST_TOOLS_DEPLOYMENT_NAMES_H

#include <stdbool.h>

/* A use case is called <bundle identifier of the app><suffix>. */
#define DEPLOYMENT_USE_CASE_SUFFIX ".url.filtering"

/* NULL when it is https:// and a host name, as distribution builds take; else what it does wrong: a
 * phrase such as "has a path", static. */
const char *deployment_url_fault(const char *url);
/* Whether it begins with http:// or https://, which is what development builds ask for. */
bool deployment_is_http_url(const char *url);
/* NULL when it can be the bundle identifier of an app; else a phrase, static. */
const char *deployment_bundle_id_fault(const char *id);

#endif
