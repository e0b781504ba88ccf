/* ios_example - the example app of control-provider/ and the package that it uses, file by file.
 *
 * Made from control-provider/ by scripts/embed-files when the tool is built. Paths are those in the
 * tree, such as "control-provider/Example/App/Info.plist". */
#ifndef BLINDLIST_TOOLS_IOS_EXAMPLE_H
#define BLINDLIST_TOOLS_IOS_EXAMPLE_H

#include "base/span.h"

struct ios_example_file {
    const char *path;
    struct span contents;
};
extern const struct ios_example_file ios_example_files[];
extern const size_t ios_example_file_count;

#endif
