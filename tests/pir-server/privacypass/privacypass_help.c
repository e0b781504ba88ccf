#include "tests/pir-server/privacypass/privacypass_help.h"

#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>
#include <stdio.h>

json_t *rfc_vectors(const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "rfc/%s", name);
    struct bytes text = vector_file(path);
    if (text.size == 0)
        cr_skip_test("no %s among the vectors (BLINDLIST_VECTORS)", path);
    json_t *vectors = json_loadb((const char *)text.data, text.size, 0, NULL);
    cr_assert(json_is_array(vectors), "%s is not an array", path);
    bytes_deinit(&text);
    return vectors;
}

struct bytes vector_bytes(const json_t *vector, const char *member)
{
    const char *hex = json_string_value(json_object_get(vector, member));
    cr_assert(hex != NULL, "vector without %s", member);
    return from_hex(hex);
}
