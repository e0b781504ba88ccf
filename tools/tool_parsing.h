/* tool_parsing - what commands say when a dataset and a device differ in parsing configuration.
 *
 * Threads  any. */
#ifndef BLINDLIST_TOOLS_TOOL_PARSING_H
#define BLINDLIST_TOOLS_TOOL_PARSING_H

#include "lists/parsing_file.h"

/* The option by which commands are given a configuration. */
#define TOOL_PARSING_OPTION                                                                        \
    {                                                                                              \
        "parsing-configuration", 0, "FILE", "the app's, of iOS and macOS 27 on"                    \
    }

/* Warns on standard error when a dataset was made for another configuration than `parsing` (NULL =
 * the default), since it then holds other keys.
 *   made_for  digest in hex, as dataset_info and prefilter manifests have it; "" = the default */
enum status tool_compare_parsing(const struct parsing *parsing, const char *made_for,
                                 bool *ret_differs, struct error *err) MUST_CHECK;

#endif
