/* Reading a server's settings. */
#include "pir-server/config/config_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings;
    struct error error = {0};
    settings_init(&settings);
    const enum status status =
        config_file_parse("dir/server.json", span_of(data, size), &settings, &error);
    if (status != STATUS_OK && strncmp(error.message, "dir/server.json: ", 17) != 0)
        abort();
    if (status == STATUS_OK && settings_check(&settings, &error) == STATUS_OK &&
        (settings.data == NULL || settings.service.compute_threads == 0))
        abort();
    settings_deinit(&settings);
    return 0;
}
