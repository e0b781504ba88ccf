#include "tools/tool_parsing.h"

#include <stdio.h>

enum status tool_compare_parsing(const struct parsing *parsing, const char *made_for,
                                 bool *ret_differs, struct error *err)
{
    char own[PARSING_DIGEST_TEXT_BYTES];
    const enum status status = parsing_file_digest(parsing, own, err);
    if (status != STATUS_OK)
        return status;
    *ret_differs = strcmp(own, made_for) != 0;
    if (*ret_differs)
        fprintf(stderr,
                "blindlist: warning: the dataset was made for another parsing configuration "
                "(%.16s) than this device has (%.16s): URLs that are listed may be allowed\n",
                made_for[0] != '\0' ? made_for : "default", own[0] != '\0' ? own : "default");
    return STATUS_OK;
}
