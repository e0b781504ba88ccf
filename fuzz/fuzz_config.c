/* Reading a server's configuration, ours and the reference's. */
#include "pir-server/config/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct config *config)
{
    if (config->apps == NULL || app_list_count(config->apps) == 0 ||
        config->settings.service.compute_threads == 0)
        abort();
    if (config->reference == NULL)
        return;
    for (size_t i = 1; i < config->reference->token_count; i++)
        if (memcmp(config->reference->tokens[i - 1], config->reference->tokens[i],
                   STORE_TOKEN_HASH_BYTES) >= 0)
            abort();
    for (size_t i = 0; i < config->reference->use_case_count; i++)
        if (config->reference->use_cases[i].stem == NULL)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL;
    struct error error = {0};
    const enum status status =
        config_parse("dir/server.json", span_of(data, size), &config, &error);
    if (status != STATUS_OK && strncmp(error.message, "dir/server.json: ", 17) != 0)
        abort();
    if (status == STATUS_OK && config_settle(config, &error) == STATUS_OK)
        check(config);
    config_free(config);
    return 0;
}
