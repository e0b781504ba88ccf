#include "tests/pir-server/ohttp/ohttp_help.h"

#include "tests/pir-server/privacypass/privacypass_help.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define ROOM_BYTES ((size_t)1 << 24)

json_t *ohttp_vectors(const char *name)
{
    char path[96];
    json_error_t error;
    snprintf(path, sizeof path, "tests/pir-server/ohttp/%s", name);
    json_t *vectors = json_load_file(path, 0, &error);
    cr_assert(vectors != NULL, "%s: %s", path, error.text);
    return vectors;
}

void assert_same(struct span got, struct span expected, const char *what)
{
    cr_assert_eq(got.size, expected.size, "%s: %zu bytes, not %zu", what, got.size, expected.size);
    for (size_t i = 0; i < got.size; i++)
        cr_assert_eq(got.data[i], expected.data[i], "%s, byte %zu: %02x, not %02x", what, i,
                     got.data[i], expected.data[i]);
}

void assert_member(struct span got, const json_t *vector, const char *member)
{
    struct bytes expected = vector_bytes(vector, member);
    assert_same(got, bytes_view(&expected), member);
    bytes_deinit(&expected);
}

struct bytes room(void)
{
    struct bytes bytes;
    bytes_init(&bytes, ROOM_BYTES);
    return bytes;
}
