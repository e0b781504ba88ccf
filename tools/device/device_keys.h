/* device_keys - what a device keeps between runs: who it is and its secret key.
 *
 * File     JSON, mode 0600: {"version", "userIdentifier", "keyIdentifier" (hex), "timestamp",
 *          "secretKey" (base64 of SerializedSecretKey)}. keyIdentifier names the key configuration
 *          that the secret key was made for; with another one it is made anew.
 * Secret   the secret key; device_keys_deinit() wipes it.
 * Threads  one at a time. */
#ifndef BLINDLIST_TOOLS_DEVICE_DEVICE_KEYS_H
#define BLINDLIST_TOOLS_DEVICE_DEVICE_KEYS_H

#include "base/bytes.h"
#include "pir-server/wire/wire_limits.h"

#define DEVICE_USER_IDENTIFIER_BYTES 37 /* a UUID text and its NUL */

struct device_keys {
    char user_identifier[DEVICE_USER_IDENTIFIER_BYTES];
    bool has_key;
    uint8_t key_id[WIRE_KEY_ID_BYTES];
    uint64_t timestamp;      /* seconds since 1970 when the secret key was made */
    struct bytes secret_key; /* SerializedSecretKey */
};

/* A new device: a random identifier, no key yet. */
enum status device_keys_init(struct device_keys *keys, struct error *err) MUST_CHECK;
void device_keys_deinit(struct device_keys *keys);
/* Into an initialised struct. STATUS_NOT_FOUND when there is no such file; otherwise every fault is
 * STATUS_MALFORMED with its JSON path. */
enum status device_keys_read(const char *path, struct device_keys *keys,
                             struct error *err) MUST_CHECK;
enum status device_keys_write(const char *path, const struct device_keys *keys,
                              struct error *err) MUST_CHECK;

#endif
