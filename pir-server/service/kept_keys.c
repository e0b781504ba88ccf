#include "pir-server/service/kept_keys.h"

#include "base/mem.h"
#include "pir-server/service/catalog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Steps that one tending takes at most; the rest waits for the next. */
#define STEPS_MAX 16

/* The counter stays out of the header: nobody else touches it. */
struct counted_view {
    struct kept_keys_view view; /* first */
    struct key_ring *ring;
    struct bytes published;
    atomic_size_t references;
};

struct kept_keys {
    struct kept_keys_options options; /* of which app and seal are not looked at */
    char app[STORE_APP_MAX_BYTES + 1];
    struct key_seal seal;
    bool has_seal;
    pthread_mutex_t lock; /* guards the pointer, held for nanoseconds */
    struct counted_view *view;
    uint64_t tended_at_s;     /* 0: never */
    uint64_t remembered_at_s; /* what the store has of it */
};

/* "issuer key made app=NAME", "gateway key removed id=2": for log and messages. */
struct label {
    char text[48 + STORE_APP_MAX_BYTES];
};

static struct label label_of(const struct kept_keys *keys, const char *what,
                             const uint8_t id[KEY_RING_ID_BYTES])
{
    const struct kept_keys_kind *kind = keys->options.kind;
    struct label label;
    if (kind->is_of_app)
        snprintf(label.text, sizeof label.text, "%s %s app=%s", kind->name, what, keys->app);
    else
        snprintf(label.text, sizeof label.text, "%s %s id=%u", kind->name, what, id[0]);
    return label;
}

/* ---- views ---- */

void kept_keys_view_release(const struct kept_keys_view *view)
{
    struct counted_view *counted = (struct counted_view *)(uintptr_t)view;
    if (counted == NULL || atomic_fetch_sub(&counted->references, 1) != 1)
        return;
    key_ring_unref(counted->ring);
    bytes_deinit(&counted->published);
    mem_free(counted);
}

const struct kept_keys_view *kept_keys_view(struct kept_keys *keys)
{
    pthread_mutex_lock(&keys->lock);
    struct counted_view *counted = keys->view;
    atomic_fetch_add(&counted->references, 1);
    pthread_mutex_unlock(&keys->lock);
    return &counted->view;
}

uint64_t kept_keys_view_begun_s(const struct kept_keys_view *view, uint64_t now_s)
{
    const struct key_ring_key *key = key_ring_newest_begun(view->ring, now_s);
    return key != NULL && key->not_before_s <= now_s ? key->not_before_s : 0;
}

/* Puts a view of the ring in the place of the one before. */
static enum status show(struct kept_keys *keys, struct key_ring *ring, uint64_t now_s,
                        struct error *err)
{
    const struct kept_keys_kind *kind = keys->options.kind;
    struct counted_view *counted = mem_alloc_zeroed(1, sizeof *counted);
    if (counted == NULL)
        return error_set(err, STATUS_NOMEM, "%ss: out of memory", kind->name);
    atomic_init(&counted->references, 1);
    bytes_init(&counted->published, kind->published_max_bytes);
    counted->ring = key_ring_ref(ring);
    const enum status status = kind->publish(ring, now_s, &counted->published, err);
    if (status != STATUS_OK) {
        kept_keys_view_release(&counted->view);
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
        kept_keys_view_release(&before->view);
    return STATUS_OK;
}

/* ---- keys as the store has them ---- */

struct loading {
    const struct kept_keys *keys;
    struct key_ring_key list[KEY_RING_MAX_KEYS];
    size_t count;
};

static const struct key_seal *seal_of(const struct kept_keys *keys)
{
    return keys->has_seal ? &keys->seal : NULL;
}

static enum status load_key(void *context, const struct store_ring_key *key, struct error *err)
{
    struct loading *loading = context;
    const struct kept_keys *keys = loading->keys;
    if (strcmp(key->app, keys->app) != 0)
        return STATUS_OK;
    if (loading->count == KEY_RING_MAX_KEYS)
        return error_set(err, STATUS_TOO_LARGE, "more than %zu %ss", KEY_RING_MAX_KEYS,
                         keys->options.kind->name);
    struct key_ring_key *entry = &loading->list[loading->count];
    const enum status status =
        keys->options.kind->read(key->secret, key->id, seal_of(keys), &entry->key, err);
    if (status != STATUS_OK)
        return error_prefix(err, status, "%s made at %llu",
                            label_of(keys, "in the state", key->id).text,
                            (unsigned long long)key->made_at);
    memcpy(entry->id, key->id, sizeof entry->id);
    entry->not_before_s = key->not_before;
    entry->retire_at_s = key->retire_at;
    loading->count++;
    return STATUS_OK;
}

static enum status load_ring(const struct kept_keys *keys, struct key_ring **ret, struct error *err)
{
    const struct kept_keys_kind *kind = keys->options.kind;
    struct loading loading = {.keys = keys};
    enum status status =
        store_list_ring_keys(keys->options.store, kind->stored_as, load_key, &loading, err);
    if (status == STATUS_OK)
        status =
            key_ring_new(kind->ring, &keys->options.spans, loading.list, loading.count, ret, err);
    for (size_t i = 0; i < loading.count; i++)
        kind->ring->unref(loading.list[i].key);
    return status;
}

/* ---- what is due ---- */

/* STATUS_EXISTS when the store has one that begins less than `within_s` from it. */
static enum status make_key(const struct kept_keys *keys, const struct key_ring *ring,
                            uint64_t not_before_s, uint64_t within_s, uint64_t now_s,
                            struct error *err)
{
    const struct kept_keys_options *options = &keys->options;
    const struct random_source random = random_system();
    struct store_ring_key stored = {.made_at = now_s, .not_before = not_before_s};
    struct bytes secret;
    bytes_init(&secret, STORE_RING_SECRET_MAX_BYTES);
    bytes_reserve(&secret, STORE_RING_SECRET_MAX_BYTES);
    memcpy(stored.app, keys->app, sizeof stored.app);
    enum status status = options->kind->make(ring, seal_of(keys), &random, stored.id, &secret, err);
    if (status == STATUS_OK) {
        stored.secret = bytes_view(&secret);
        status =
            store_add_ring_key(options->store, options->kind->stored_as, &stored, within_s, err);
    }
    if (status == STATUS_OK)
        log_write(options->log, LOG_INFO, "%s not_before=%llu",
                  label_of(keys, "made", stored.id).text, (unsigned long long)not_before_s);
    bytes_deinit_secret(&secret);
    return status;
}

/* STATUS_NOT_FOUND: another server did it. */
static enum status drop_key(const struct kept_keys *keys, const uint8_t id[KEY_RING_ID_BYTES],
                            struct error *err)
{
    const enum status status =
        store_remove_ring_key(keys->options.store, keys->options.kind->stored_as, id, err);
    if (status == STATUS_OK)
        log_write(keys->options.log, LOG_INFO, "%s", label_of(keys, "removed", id).text);
    return status;
}

static enum status take_step(const struct kept_keys *keys, const struct key_ring *ring,
                             const struct key_ring_step *step, uint64_t now_s, struct error *err)
{
    const struct kept_keys_options *options = &keys->options;
    enum status status = STATUS_OK;
    switch (step->kind) {
    case KEY_RING_REST:
        return STATUS_OK;
    case KEY_RING_MAKE:
        status = make_key(keys, ring, step->at_s, options->spans.rotate_s / 2, now_s, err);
        break;
    case KEY_RING_MARK:
        status = store_mark_ring_key(options->store, options->kind->stored_as, step->key_id,
                                     step->at_s, err);
        break;
    case KEY_RING_DROP:
        status = drop_key(keys, step->key_id, err);
        break;
    }
    /* Another server did it: what it made is there when the ring is loaded again. */
    return status == STATUS_NOT_FOUND || status == STATUS_EXISTS ? STATUS_OK : status;
}

/* Moves the seconds at which keys may go, all by the same. */
static enum status put_off(const struct kept_keys *keys, uint64_t by_s, struct error *err)
{
    struct key_ring *ring = NULL;
    enum status status = load_ring(keys, &ring, err);
    for (size_t i = 0; status == STATUS_OK && i < key_ring_count(ring); i++) {
        const struct key_ring_key *key = key_ring_at(ring, i);
        if (key->retire_at_s == 0)
            continue;
        status = store_mark_ring_key(keys->options.store, keys->options.kind->stored_as, key->id,
                                     key_time_later(key->retire_at_s, by_s), err);
        if (status == STATUS_NOT_FOUND) /* another server removed it */
            status = STATUS_OK;
    }
    key_ring_unref(ring);
    return status;
}

/* Nothing happened since the last tending that a clock which jumped ahead could know of. */
static enum status allow_for_jump(const struct kept_keys *keys, uint64_t now_s, struct error *err)
{
    const struct kept_keys_kind *kind = keys->options.kind;
    const uint64_t expected_s = key_time_later(keys->tended_at_s, KEPT_KEYS_STEP_MAX_S);
    if (keys->tended_at_s == 0 || now_s <= expected_s)
        return STATUS_OK;
    log_write(keys->options.log, LOG_WARNING,
              "%llu s since the %ss%s%s were last looked after: they are kept longer by that, "
              "whether no server ran or the clock jumped",
              (unsigned long long)(now_s - keys->tended_at_s), kind->name,
              kind->is_of_app ? " of app=" : "", keys->app);
    return put_off(keys, now_s - expected_s, err);
}

/* So that the next start knows how long ago this was; after a clock was set back, too. */
static enum status remember(struct kept_keys *keys, uint64_t now_s, struct error *err)
{
    const uint64_t before_s = keys->remembered_at_s;
    if ((now_s > before_s ? now_s - before_s : before_s - now_s) < KEPT_KEYS_REMEMBER_S)
        return STATUS_OK;
    const enum status status =
        store_set_tended(keys->options.store, keys->options.kind->stored_as, keys->app, now_s, err);
    if (status == STATUS_OK)
        keys->remembered_at_s = now_s;
    return status;
}

enum status kept_keys_tend(struct kept_keys *keys, uint64_t now_s, struct error *err)
{
    struct key_ring_step step = {.kind = KEY_RING_REST};
    struct key_ring *ring = NULL;
    enum status status = allow_for_jump(keys, now_s, err);
    for (int i = 0; i < STEPS_MAX && status == STATUS_OK; i++) {
        key_ring_unref(ring);
        ring = NULL;
        status = load_ring(keys, &ring, err);
        if (status != STATUS_OK)
            break;
        key_ring_next_step(ring, now_s, &step);
        if (step.kind == KEY_RING_REST)
            break;
        status = take_step(keys, ring, &step, now_s, err);
    }
    if (status == STATUS_OK)
        status = show(keys, ring, now_s, err);
    if (status == STATUS_OK) {
        keys->tended_at_s = now_s;
        status = remember(keys, now_s, err);
    }
    key_ring_unref(ring);
    return status;
}

/* ---- all of them ---- */

/* Without having looked at any. */
static enum status open_keys(const struct kept_keys_options *options, struct kept_keys **ret,
                             struct error *err)
{
    const enum status status = key_ring_check_spans(options->kind->ring, &options->spans, err);
    if (status != STATUS_OK)
        return status;
    if (strlen(options->app) > STORE_APP_MAX_BYTES)
        return error_set(err, STATUS_INVALID, "the name of an app has at most %zu bytes",
                         STORE_APP_MAX_BYTES);
    struct kept_keys *keys = mem_alloc_zeroed(1, sizeof *keys);
    if (keys == NULL)
        return error_set(err, STATUS_NOMEM, "%ss: out of memory", options->kind->name);
    keys->options = *options;
    memcpy(keys->app, options->app, strlen(options->app) + 1);
    keys->has_seal = options->seal != NULL;
    if (keys->has_seal)
        keys->seal = *options->seal;
    pthread_mutex_init(&keys->lock, NULL);
    *ret = keys;
    return STATUS_OK;
}

enum status kept_keys_new(const struct kept_keys_options *options, uint64_t now_s,
                          struct kept_keys **ret, struct error *err)
{
    struct kept_keys *keys = NULL;
    enum status status = open_keys(options, &keys, err);
    if (status == STATUS_OK)
        status = store_get_tended(options->store, options->kind->stored_as, keys->app,
                                  &keys->remembered_at_s, err);
    if (status == STATUS_OK) {
        keys->tended_at_s = keys->remembered_at_s;
        status = kept_keys_tend(keys, now_s, err);
    }
    if (status == STATUS_OK)
        *ret = keys;
    else
        kept_keys_free(keys);
    return status;
}

static enum status drop_all(const struct kept_keys *keys, const struct key_ring *ring,
                            size_t *ret_dropped, struct error *err)
{
    for (size_t i = 0; i < key_ring_count(ring); i++) {
        const enum status status = drop_key(keys, key_ring_at(ring, i)->id, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
        *ret_dropped += status == STATUS_OK ? 1 : 0;
    }
    return STATUS_OK;
}

/* The new one first: at no time is there none. */
enum status kept_keys_renew(const struct kept_keys_options *options, uint64_t now_s,
                            bool drops_others, size_t *ret_dropped, struct error *err)
{
    struct kept_keys *keys = NULL;
    struct key_ring *ring = NULL;
    size_t dropped = 0;
    enum status status = open_keys(options, &keys, err);
    if (status == STATUS_OK)
        status = load_ring(keys, &ring, err);
    if (status == STATUS_OK && key_ring_count(ring) == 0)
        status = error_set(err, STATUS_NOT_FOUND, "there is no %s%s%s", options->kind->name,
                           options->kind->is_of_app ? " of app=" : "", options->app);
    if (status == STATUS_OK)
        status = make_key(keys, ring, now_s, 0, now_s, err);
    if (status == STATUS_OK && drops_others)
        status = drop_all(keys, ring, &dropped, err);
    if (status == STATUS_OK)
        *ret_dropped = dropped;
    key_ring_unref(ring);
    kept_keys_free(keys);
    return status;
}

void kept_keys_free(struct kept_keys *keys)
{
    if (keys == NULL)
        return;
    if (keys->view != NULL)
        kept_keys_view_release(&keys->view->view);
    key_seal_wipe(&keys->seal);
    pthread_mutex_destroy(&keys->lock);
    mem_free(keys);
}
