#include "pir-server/service/gateway_keys.h"

#include "base/mem.h"
#include "base/random.h"
#include "pir-server/ohttp/stored_gateway_key.h"
#include "pir-server/service/catalog.h"

#include <pthread.h>
#include <stdatomic.h>

/* Steps that one tending takes at most; the rest waits for the next. */
#define STEPS_MAX 16

/* The counter stays out of the header: nobody else touches it. */
struct counted_view {
    struct gateway_keys_view view; /* first */
    struct gateway_key_ring *ring;
    struct bytes published;
    atomic_size_t references;
};

struct gateway_keys {
    struct gateway_keys_options options;
    pthread_mutex_t lock; /* guards the pointer, held for nanoseconds */
    struct counted_view *view;
};

/* ---- views ---- */

void gateway_keys_view_release(const struct gateway_keys_view *view)
{
    struct counted_view *counted = (struct counted_view *)(uintptr_t)view;
    if (counted == NULL || atomic_fetch_sub(&counted->references, 1) != 1)
        return;
    gateway_key_ring_unref(counted->ring);
    bytes_deinit(&counted->published);
    mem_free(counted);
}

const struct gateway_keys_view *gateway_keys_view(struct gateway_keys *keys)
{
    pthread_mutex_lock(&keys->lock);
    struct counted_view *counted = keys->view;
    atomic_fetch_add(&counted->references, 1);
    pthread_mutex_unlock(&keys->lock);
    return &counted->view;
}

/* Puts a view of the ring in the place of the one before. */
static enum status show(struct gateway_keys *keys, struct gateway_key_ring *ring, uint64_t now_s,
                        struct error *err)
{
    struct ohttp_keys published;
    struct counted_view *counted = mem_alloc_zeroed(1, sizeof *counted);
    if (counted == NULL)
        return error_set(err, STATUS_NOMEM, "gateway: out of memory");
    atomic_init(&counted->references, 1);
    bytes_init(&counted->published, OHTTP_KEYS_MAX_BYTES);
    counted->ring = gateway_key_ring_ref(ring);
    gateway_key_ring_publish(ring, now_s, &published);
    const enum status status = ohttp_keys_write(&published, &counted->published, err);
    if (status != STATUS_OK) {
        gateway_keys_view_release(&counted->view);
        return status;
    }
    counted->view.ring = ring;
    counted->view.tended_at_s = now_s;
    counted->view.published = bytes_view(&counted->published);
    catalog_etag(counted->view.published, counted->view.etag);
    pthread_mutex_lock(&keys->lock);
    struct counted_view *before = keys->view;
    keys->view = counted;
    pthread_mutex_unlock(&keys->lock);
    if (before != NULL)
        gateway_keys_view_release(&before->view);
    return STATUS_OK;
}

/* ---- keys as the store has them ---- */

struct loading {
    const struct gateway_keys *keys;
    struct gateway_key list[GATEWAY_KEY_RING_MAX_KEYS];
    size_t count;
};

static enum status load_key(void *context, const struct store_gateway_key *key, struct error *err)
{
    struct loading *loading = context;
    if (loading->count == GATEWAY_KEY_RING_MAX_KEYS)
        return error_set(err, STATUS_TOO_LARGE, "more than %zu gateway keys",
                         GATEWAY_KEY_RING_MAX_KEYS);
    struct gateway_key *entry = &loading->list[loading->count];
    const enum status status = stored_gateway_key_read(
        key->secret, key->id, loading->keys->options.seal, &entry->key, err);
    if (status != STATUS_OK)
        return error_prefix(err, status, "gateway key %u", key->id);
    entry->id = key->id;
    entry->not_before_s = key->not_before;
    entry->retire_at_s = key->retire_at;
    loading->count++;
    return STATUS_OK;
}

static enum status load_ring(const struct gateway_keys *keys, struct gateway_key_ring **ret,
                             struct error *err)
{
    struct loading loading = {.keys = keys};
    enum status status = store_list_gateway_keys(keys->options.store, load_key, &loading, err);
    if (status == STATUS_OK)
        status = gateway_key_ring_new(&keys->options.policy, loading.list, loading.count, ret, err);
    for (size_t i = 0; i < loading.count; i++)
        hpke_key_unref(loading.list[i].key);
    return status;
}

/* ---- what is due ---- */

static enum status make_key(const struct gateway_keys *keys, const struct gateway_key_step *step,
                            uint64_t now_s, struct error *err)
{
    struct hpke_key *key = NULL;
    struct store_gateway_key stored = {
        .id = step->key_id, .made_at = now_s, .not_before = step->at_s};
    const struct random_source random = random_system();
    struct bytes secret;
    bytes_init(&secret, STORED_GATEWAY_KEY_MAX_BYTES);
    enum status status = hpke_key_generate(&random, &key, err);
    if (status == STATUS_OK)
        status =
            stored_gateway_key_write(key, step->key_id, keys->options.seal, &random, &secret, err);
    if (status == STATUS_OK) {
        stored.secret = bytes_view(&secret);
        status = store_add_gateway_key(keys->options.store, &stored,
                                       keys->options.policy.rotate_s / 2, err);
    }
    if (status == STATUS_OK)
        log_write(keys->options.log, LOG_INFO, "gateway key made id=%u not_before=%llu",
                  step->key_id, (unsigned long long)step->at_s);
    bytes_deinit_secret(&secret);
    hpke_key_unref(key);
    /* Another server was quicker: its key is there when the ring is loaded again. */
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

static enum status take_step(const struct gateway_keys *keys, const struct gateway_key_step *step,
                             uint64_t now_s, struct error *err)
{
    enum status status = STATUS_OK;
    switch (step->kind) {
    case KEY_RING_REST:
        return STATUS_OK;
    case KEY_RING_MAKE:
        return make_key(keys, step, now_s, err);
    case KEY_RING_MARK:
        status = store_mark_gateway_key(keys->options.store, step->key_id, step->at_s, err);
        break;
    case KEY_RING_DROP:
        status = store_remove_gateway_key(keys->options.store, step->key_id, err);
        if (status == STATUS_OK)
            log_write(keys->options.log, LOG_INFO, "gateway key removed id=%u", step->key_id);
        break;
    }
    /* Another server did it. */
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status gateway_keys_tend(struct gateway_keys *keys, uint64_t now_s, struct error *err)
{
    struct gateway_key_step step = {.kind = KEY_RING_REST};
    struct gateway_key_ring *ring = NULL;
    enum status status = load_ring(keys, &ring, err);
    for (int i = 0; status == STATUS_OK && i < STEPS_MAX; i++) {
        gateway_key_ring_next_step(ring, now_s, &step);
        if (step.kind == KEY_RING_REST)
            break;
        status = take_step(keys, &step, now_s, err);
        gateway_key_ring_unref(ring);
        ring = NULL;
        if (status == STATUS_OK)
            status = load_ring(keys, &ring, err);
    }
    if (status == STATUS_OK)
        status = show(keys, ring, now_s, err);
    gateway_key_ring_unref(ring);
    return status;
}

/* ---- all of them ---- */

enum status gateway_keys_new(const struct gateway_keys_options *options, uint64_t now_s,
                             struct gateway_keys **ret, struct error *err)
{
    enum status status = gateway_key_policy_check(&options->policy, err);
    if (status != STATUS_OK)
        return status;
    struct gateway_keys *keys = mem_alloc_zeroed(1, sizeof *keys);
    if (keys == NULL)
        return error_set(err, STATUS_NOMEM, "gateway: out of memory");
    keys->options = *options;
    pthread_mutex_init(&keys->lock, NULL);
    status = gateway_keys_tend(keys, now_s, err);
    if (status == STATUS_OK)
        *ret = keys;
    else
        gateway_keys_free(keys);
    return status;
}

void gateway_keys_free(struct gateway_keys *keys)
{
    if (keys == NULL)
        return;
    if (keys->view != NULL)
        gateway_keys_view_release(&keys->view->view);
    pthread_mutex_destroy(&keys->lock);
    mem_free(keys);
}
