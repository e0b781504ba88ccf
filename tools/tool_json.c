#include "tools/tool_json.h"

#include <stdio.h>

json_t *json_count(uint64_t count)
{
    return json_integer((json_int_t)count);
}

bool json_put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

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
