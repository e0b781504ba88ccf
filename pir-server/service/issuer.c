#include "pir-server/service/issuer.h"

#include "base/mem.h"
#include "base/random.h"
#include "pir-server/privacypass/stored_issuer_key.h"
#include "pir-server/service/catalog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* Steps that one tending takes at most; the rest waits for the next. */
#define STEPS_MAX 16

/* The counter stays out of the header: nobody else touches it. */
struct counted_view {
    struct issuer_view view; /* first */
    struct key_ring *ring;
    struct bytes directory;
    atomic_size_t references;
};

struct issuer {
    struct issuer_options options;
    struct key_seal seal;
    bool has_seal;
    char *app;
    pthread_mutex_t lock; /* guards the pointer, held for nanoseconds */
    struct counted_view *view;
    uint64_t tended_at_s;     /* 0: never */
    uint64_t remembered_at_s; /* what the store has of it */
};

/* ---- views ---- */

void issuer_view_release(const struct issuer_view *view)
{
    struct counted_view *counted = (struct counted_view *)(uintptr_t)view;
    if (counted == NULL || atomic_fetch_sub(&counted->references, 1) != 1)
        return;
    key_ring_unref(counted->ring);
    bytes_deinit(&counted->directory);
    mem_free(counted);
}

const struct issuer_view *issuer_view(struct issuer *issuer)
{
    pthread_mutex_lock(&issuer->lock);
    struct counted_view *counted = issuer->view;
    atomic_fetch_add(&counted->references, 1);
    pthread_mutex_unlock(&issuer->lock);
    return &counted->view;
}

/* Puts a view of the ring in the place of the one before. */
static enum status show(struct issuer *issuer, struct key_ring *ring, uint64_t now_s,
                        struct error *err)
{
    struct issuer_directory *directory = mem_alloc_zeroed(1, sizeof *directory);
    struct counted_view *counted = mem_alloc_zeroed(1, sizeof *counted);
    if (directory == NULL || counted == NULL) {
        mem_free(directory);
        mem_free(counted);
        return error_set(err, STATUS_NOMEM, "issuer: out of memory");
    }
    atomic_init(&counted->references, 1);
    bytes_init(&counted->directory, ISSUER_DIRECTORY_MAX_BYTES);
    counted->ring = key_ring_ref(ring);
    key_ring_list(ring, now_s, directory);
    memcpy(directory->request_uri, ISSUER_REQUEST_URI, sizeof ISSUER_REQUEST_URI);
    const enum status status = issuer_directory_write(directory, &counted->directory, err);
    mem_free(directory);
    if (status != STATUS_OK) {
        issuer_view_release(&counted->view);
        return status;
    }
    counted->view.ring = ring;
    counted->view.tended_at_s = now_s;
    counted->view.directory = bytes_view(&counted->directory);
    catalog_etag(counted->view.directory, counted->view.etag);
    pthread_mutex_lock(&issuer->lock);
    struct counted_view *before = issuer->view;
    issuer->view = counted;
    pthread_mutex_unlock(&issuer->lock);
    if (before != NULL)
        issuer_view_release(&before->view);
    return STATUS_OK;
}

/* ---- keys as the store has them ---- */

struct loading {
    const struct issuer *issuer;
    struct key_ring_key keys[KEY_RING_MAX_KEYS];
    size_t count;
};

static const struct key_seal *seal_of(const struct issuer *issuer)
{
    return issuer->has_seal ? &issuer->seal : NULL;
}

static enum status load_key(void *context, const struct store_issuer_key *key, struct error *err)
{
    struct loading *loading = context;
    if (strcmp(key->app, loading->issuer->app) != 0)
        return STATUS_OK;
    if (loading->count == KEY_RING_MAX_KEYS)
        return error_set(err, STATUS_TOO_LARGE, "more than %zu issuer keys", KEY_RING_MAX_KEYS);
    struct key_ring_key *entry = &loading->keys[loading->count];
    const enum status status =
        stored_issuer_key_read(key->secret, key->id, seal_of(loading->issuer), &entry->key, err);
    if (status != STATUS_OK)
        return error_prefix(err, status, "issuer key made at %llu",
                            (unsigned long long)key->made_at);
    entry->not_before_s = key->not_before;
    entry->retire_at_s = key->retire_at;
    loading->count++;
    return STATUS_OK;
}

static enum status load_ring(struct issuer *issuer, struct key_ring **ret, struct error *err)
{
    struct loading loading = {.issuer = issuer};
    enum status status = store_list_issuer_keys(issuer->options.store, load_key, &loading, err);
    if (status == STATUS_OK)
        status = key_ring_new(&issuer->options.policy, loading.keys, loading.count, ret, err);
    for (size_t i = 0; i < loading.count; i++)
        issuer_key_unref(loading.keys[i].key);
    return status;
}

/* ---- what is due ---- */

static enum status make_key(struct issuer *issuer, const struct key_ring *ring,
                            uint64_t not_before_s, uint64_t now_s, struct error *err)
{
    struct issuer_key *key = NULL;
    struct store_issuer_key stored = {.made_at = now_s, .not_before = not_before_s};
    const struct random_source random = random_system();
    struct bytes secret;
    bytes_init(&secret, STORE_ISSUER_SECRET_MAX_BYTES);
    bytes_reserve(&secret, STORE_ISSUER_SECRET_MAX_BYTES);
    enum status status = key_ring_make_key(ring, &key, err);
    if (status == STATUS_OK)
        status = stored_issuer_key_write(key, seal_of(issuer), &random, &secret, err);
    if (status == STATUS_OK) {
        memcpy(stored.app, issuer->app, strlen(issuer->app) + 1);
        memcpy(stored.id, token_key_id(issuer_key_public(key)), sizeof stored.id);
        stored.secret = bytes_view(&secret);
        status = store_add_issuer_key(issuer->options.store, &stored,
                                      issuer->options.policy.rotate_s / 2, err);
    }
    if (status == STATUS_OK)
        log_write(issuer->options.log, LOG_INFO, "issuer key made app=%s not_before=%llu",
                  issuer->app, (unsigned long long)not_before_s);
    bytes_deinit_secret(&secret);
    issuer_key_unref(key);
    /* Another server was quicker: its key is there when the ring is loaded again. */
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

static enum status take_step(struct issuer *issuer, const struct key_ring *ring,
                             const struct key_ring_step *step, uint64_t now_s, struct error *err)
{
    enum status status = STATUS_OK;
    switch (step->kind) {
    case KEY_RING_REST:
        return STATUS_OK;
    case KEY_RING_MAKE:
        return make_key(issuer, ring, step->at_s, now_s, err);
    case KEY_RING_MARK:
        status = store_mark_issuer_key(issuer->options.store, step->key_id, step->at_s, err);
        break;
    case KEY_RING_DROP:
        status = store_remove_issuer_key(issuer->options.store, step->key_id, err);
        if (status == STATUS_OK)
            log_write(issuer->options.log, LOG_INFO, "issuer key retired app=%s", issuer->app);
        break;
    }
    /* Another server did it. */
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Moves the seconds at which keys may go, all by the same. */
static enum status put_off(struct issuer *issuer, uint64_t by_s, struct error *err)
{
    struct key_ring *ring = NULL;
    enum status status = load_ring(issuer, &ring, err);
    for (size_t i = 0; status == STATUS_OK && i < key_ring_count(ring); i++) {
        const struct key_ring_key *key = key_ring_at(ring, i);
        if (key->retire_at_s == 0)
            continue;
        status =
            store_mark_issuer_key(issuer->options.store, token_key_id(issuer_key_public(key->key)),
                                  key_time_later(key->retire_at_s, by_s), err);
        if (status == STATUS_NOT_FOUND) /* another server removed it */
            status = STATUS_OK;
    }
    key_ring_unref(ring);
    return status;
}

/* Nothing happened since the last tending that a clock which jumped ahead could know of. */
static enum status allow_for_jump(struct issuer *issuer, uint64_t now_s, struct error *err)
{
    const uint64_t expected_s = key_time_later(issuer->tended_at_s, ISSUER_STEP_MAX_S);
    if (issuer->tended_at_s == 0 || now_s <= expected_s)
        return STATUS_OK;
    log_write(issuer->options.log, LOG_WARNING,
              "%llu s since the issuer keys of app=%s were last looked after: they are kept longer "
              "by that, whether no server ran or the clock jumped",
              (unsigned long long)(now_s - issuer->tended_at_s), issuer->app);
    return put_off(issuer, now_s - expected_s, err);
}

/* So that the next start knows how long ago this was; after a clock was set back, too. */
static enum status remember(struct issuer *issuer, uint64_t now_s, struct error *err)
{
    const uint64_t before_s = issuer->remembered_at_s;
    if ((now_s > before_s ? now_s - before_s : before_s - now_s) < ISSUER_REMEMBER_S)
        return STATUS_OK;
    const enum status status = store_set_tended(issuer->options.store, issuer->app, now_s, err);
    if (status == STATUS_OK)
        issuer->remembered_at_s = now_s;
    return status;
}

enum status issuer_tend(struct issuer *issuer, uint64_t now_s, struct error *err)
{
    struct key_ring_step step = {.kind = KEY_RING_REST};
    struct key_ring *ring = NULL;
    enum status status = allow_for_jump(issuer, now_s, err);
    for (int i = 0; i < STEPS_MAX && status == STATUS_OK; i++) {
        key_ring_unref(ring);
        ring = NULL;
        status = load_ring(issuer, &ring, err);
        if (status != STATUS_OK)
            break;
        key_ring_next_step(ring, now_s, &step);
        if (step.kind == KEY_RING_REST)
            break;
        status = take_step(issuer, ring, &step, now_s, err);
        if (status != STATUS_OK)
            break;
    }
    if (status == STATUS_OK)
        status = show(issuer, ring, now_s, err);
    if (status == STATUS_OK) {
        issuer->tended_at_s = now_s;
        status = remember(issuer, now_s, err);
    }
    key_ring_unref(ring);
    return status;
}

/* ---- the issuer ---- */

enum status issuer_new(const struct issuer_options *options, uint64_t now_s, struct issuer **ret,
                       struct error *err)
{
    enum status status = key_ring_policy_check(&options->policy, err);
    if (status != STATUS_OK)
        return status;
    struct issuer *issuer = mem_alloc_zeroed(1, sizeof *issuer);
    if (issuer == NULL)
        return error_set(err, STATUS_NOMEM, "issuer: out of memory");
    issuer->options = *options;
    pthread_mutex_init(&issuer->lock, NULL);
    issuer->has_seal = options->seal != NULL;
    if (issuer->has_seal)
        issuer->seal = *options->seal;
    issuer->options.seal = NULL;
    issuer->app = mem_strdup(options->app);
    if (issuer->app == NULL)
        status = error_set(err, STATUS_NOMEM, "issuer: out of memory");
    else if (strlen(issuer->app) > STORE_APP_MAX_BYTES)
        status = error_set(err, STATUS_INVALID, "the name of an app has at most %zu bytes",
                           STORE_APP_MAX_BYTES);
    if (status == STATUS_OK)
        status = store_get_tended(options->store, issuer->app, &issuer->remembered_at_s, err);
    issuer->tended_at_s = issuer->remembered_at_s;
    if (status == STATUS_OK)
        status = issuer_tend(issuer, now_s, err);
    if (status == STATUS_OK) {
        *ret = issuer;
        return STATUS_OK;
    }
    issuer_free(issuer);
    return status;
}

void issuer_free(struct issuer *issuer)
{
    if (issuer == NULL)
        return;
    if (issuer->view != NULL)
        issuer_view_release(&issuer->view->view);
    key_seal_wipe(&issuer->seal);
    pthread_mutex_destroy(&issuer->lock);
    mem_free(issuer->app);
    mem_free(issuer);
}

uint64_t issuer_view_begun_s(const struct issuer_view *view, uint64_t now_s)
{
    uint64_t newest_s = 0;
    for (size_t i = 0; i < key_ring_count(view->ring); i++) {
        const uint64_t not_before_s = key_ring_at(view->ring, i)->not_before_s;
        if (not_before_s <= now_s && not_before_s > newest_s)
            newest_s = not_before_s;
    }
    return newest_s;
}
