#include "tests/pir-server/oprf/oprf_help.h"

#include <criterion/criterion.h>
#include <stdio.h>

json_t *oprf_vectors(const char *name)
{
    char path[96];
    json_error_t error;
    snprintf(path, sizeof path, "tests/pir-server/oprf/%s", name);
    json_t *vectors = json_load_file(path, 0, &error);
    cr_assert(vectors != NULL, "%s: %s", path, error.text);
    return vectors;
}
