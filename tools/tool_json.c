#include "tools/tool_json.h"

#include <stdio.h>

int tool_print_json(json_t *root)
{
    const int failed = root == NULL || json_dumpf(root, stdout, JSON_INDENT(2)) != 0;
    json_decref(root);
    if (failed) {
        fprintf(stderr, "blindlist: cannot write JSON\n");
        return EXIT_FAILED;
    }
    putchar('\n');
    return EXIT_DONE;
}
