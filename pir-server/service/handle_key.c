/* POST /key (spec/service.md section 4): every key is checked whole, then all are stored. */
#include "pir-server/service/service_internal.h"
#include "pir-server/wire/wire_keys.h"
#include "pir-server/wire/wire_requests.h"

#include "base/mem.h"

#include <string.h>

/* Is it a key that a version in force can use? */
static enum status check_key(const struct catalog *catalog, const struct wire_key *key,
                             size_t index, struct store_key *ret, struct error *err)
{
    if (!key->has_metadata || !key->has_key)
        return error_set(err, STATUS_INVALID, "key %zu: %s is missing", index,
                         key->has_metadata ? "evaluation_key" : "metadata");
    const struct catalog_version *version = catalog_find_key_id(catalog, key->identifier);
    if (version == NULL)
        return error_set(err, STATUS_INVALID,
                         "key %zu: its identifier names no key configuration that is served",
                         index);
    struct bfv_evaluation_key *decoded = NULL;
    const enum status status = wire_evaluation_key_read(
        version->context, wire_config_key_config(version->config), key->serialized, &decoded, err);
    bfv_evaluation_key_free(decoded);
    if (status != STATUS_OK)
        return error_prefix(err, status, "key %zu", index);
    memcpy(ret->id, key->identifier.data, sizeof ret->id);
    ret->made_at = key->timestamp;
    ret->serialized = key->serialized;
    return STATUS_OK;
}

static enum status store_upload(const struct pending *pending, const struct wire_key_upload *upload,
                                struct error *err)
{
    struct service *service = pending->service;
    const struct catalog *catalog = pending->app->catalog;
    const size_t count = wire_key_upload_count(upload);
    const struct store_user user = pending_user(pending);
    enum status status = STATUS_OK;
    struct store_key *keys = mem_alloc_zeroed(count, sizeof *keys);
    if (keys == NULL)
        status = error_set(err, STATUS_NOMEM, "%zu keys: out of memory", count);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = check_key(catalog, wire_key_upload_get(upload, i), i, &keys[i], err);
    if (status == STATUS_OK)
        status = store_put_keys(service->options.store, &user, keys, count,
                                service->options.now_s(), err);
    /* After the commit: a thread that missed before must not put the old key in. */
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        uint8_t name[KEY_CACHE_NAME_BYTES];
        key_cache_name(&user, keys[i].id, name);
        key_cache_drop(service->keys, name);
    }
    mem_free(keys);
    return status;
}

enum status receive_key(const struct pending *pending, struct error *err)
{
    struct wire_key_upload *upload = NULL;
    enum status status = wire_key_upload_read(pending->request->body, &upload, err);
    if (status == STATUS_OK)
        status = store_upload(pending, upload, err);
    wire_key_upload_free(upload);
    /* Too many keys, or beyond the quota of a user: not the body. */
    return status == STATUS_TOO_LARGE ? STATUS_INVALID : status;
}
