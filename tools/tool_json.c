#include "tools/tool_json.h"

#include "base/bytes.h"

#include <stdio.h>

json_t *json_count(uint64_t count)
{
    return json_integer((json_int_t)count);
}

bool json_put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

/* Digits that a double has for certain: 3.684, not 3.6840000000000002. */
#define REAL_DIGITS 15

int tool_print_json(json_t *root)
{
    const int failed =
        root == NULL ||
        json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS)) != 0;
    json_decref(root);
    if (failed) {
        fprintf(stderr, "blindlist: cannot write JSON\n");
        return EXIT_FAILED;
    }
    putchar('\n');
    return EXIT_DONE;
}

json_t *tool_text_json(struct span text)
{
    json_t *plain = json_stringn((const char *)text.data, text.size);
    if (plain != NULL)
        return plain;
    struct bytes escaped;
    bytes_init(&escaped, 3 * text.size);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x80)
            bytes_append_u8(&escaped, text.data[i]);
        else
            bytes_append_format(&escaped, "%%%02x", text.data[i]);
    }
    json_t *result = json_stringn((const char *)escaped.data, escaped.size);
    bytes_deinit(&escaped);
    return result;
}
