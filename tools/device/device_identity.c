#include "tools/device/device_identity.h"

#include "base/compiler.h"

#include <string.h>

static const struct device_identity identities[] = {
    {
        .name = "ios18.0",
        .user_agent = "com.apple.ciphermld/1.0 iOS/18.0 blindlist",
        .tokens_at_once = 4,
    },
    {
        .name = "ios18.2",
        .user_agent = "com.apple.ciphermld/1.0 iOS/18.2 blindlist",
        .knows_repeated_shards = true,
        .sends_known_id = true,
        .tokens_at_once = 4,
    },
    {
        .name = "ios26",
        .user_agent = "com.apple.ciphermld/1.0 iOS/26.1 blindlist",
        .knows_repeated_shards = true,
        .sends_known_id = true,
        .tokens_at_once = DEVICE_TOKENS_MAX,
    },
    {
        .name = "ios27.3",
        .user_agent = "com.apple.ciphermld/1.0 iOS/27.3 blindlist",
        .knows_repeated_shards = true,
        .gets_config = true,
        .carries_key = true,
        .takes_first_key = true,
        .wants_power_of_two = true,
        .tokens_at_once = DEVICE_TOKENS_MAX,
    },
};

const struct device_identity *device_identity_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(identities); i++) {
        if (strcmp(identities[i].name, name) == 0)
            return &identities[i];
    }
    return NULL;
}

const struct device_identity *device_identity_default(void)
{
    return device_identity_find("ios26");
}
