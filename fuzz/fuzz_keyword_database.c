/* Keyword databases: an even first byte reads the rest as text, an odd one as binary. */
#include "pir-server/wire/keyword_database.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status touch(void *context, struct span keyword, struct span value, struct error *err)
{
    unsigned *sum = context;
    for (size_t i = 0; i < keyword.size; i++)
        *sum += keyword.data[i];
    for (size_t i = 0; i < value.size; i++)
        *sum += value.data[i];
    if (value.size == 3 && value.data[0] == '!')
        return error_set(err, STATUS_EXISTS, "a row that stops");
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned sum = 0;
    if (size > 0) {
        struct error error;
        (void)!keyword_database_read(span_of(data + 1, size - 1),
                                     data[0] % 2 == 0 ? WIRE_TEXT : WIRE_BINARY, touch, &sum,
                                     &error);
    }
    return 0;
}
