/* ios_project_swift - the Swift sources that `blindlist ios init` writes. */
#ifndef BLINDLIST_TOOLS_IOS_PROJECT_SWIFT_H
#define BLINDLIST_TOOLS_IOS_PROJECT_SWIFT_H

/* Texts in which @NAME@ is to be replaced: BUNDLE_ID, EXTENSION_ID, SERVER, ISSUER (a Swift
 * expression), USER_TOKEN, MANIFEST. */
extern const char ios_project_app[];
extern const char ios_project_configuration[];
extern const char ios_project_provider[];

#endif
