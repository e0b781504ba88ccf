/* User-Agent of any bytes. */
#include "pir-server/service/user_agent.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_alloc(size + 1, 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    const struct platform platform = user_agent_parse(text);
    if (platform.patch > 9 || platform.major > INT64_MAX || platform.minor > INT64_MAX)
        abort();
    if (platform.kind == PLATFORM_UNKNOWN && platform_is_before_repeated_shards(&platform))
        abort();
    mem_free(text);
    return 0;
}
