#include "pir-server/privacypass/key_ring.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct key_ring {
    atomic_size_t references;
    const struct key_ring_kind *kind;
    size_t count;
    struct key_ring_key keys[KEY_RING_MAX_KEYS];
    struct key_timeline timeline; /* of the same keys, in the same order */
};

enum status key_ring_check_spans(const struct key_ring_kind *kind, const struct key_spans *spans,
                                 struct error *err)
{
    const enum status status = key_spans_check(spans, kind->name, err);
    if (status == STATUS_OK && spans->keep_s < kind->keep_min_s)
        return error_set(err, STATUS_INVALID,
                         "%s: kept %" PRIu64 " s after their use, at least %" PRIu64 " are due: %s",
                         kind->name, spans->keep_s, kind->keep_min_s, kind->keep_reason);
    return status;
}

static int compare_keys(const void *a, const void *b)
{
    const struct key_ring_key *left = a;
    const struct key_ring_key *right = b;
    if (left->not_before_s != right->not_before_s)
        return left->not_before_s < right->not_before_s ? -1 : 1;
    return memcmp(left->id, right->id, sizeof left->id);
}

static bool has_id(const struct key_ring_key *keys, size_t count, const uint8_t *id)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(keys[i].id, id, sizeof keys[i].id) == 0)
            return true;
    }
    return false;
}

enum status key_ring_new(const struct key_ring_kind *kind, const struct key_spans *spans,
                         const struct key_ring_key *keys, size_t count, struct key_ring **ret,
                         struct error *err)
{
    if (count > KEY_RING_MAX_KEYS)
        return error_set(err, STATUS_TOO_LARGE, "%s: %zu, at most %zu", kind->name, count,
                         KEY_RING_MAX_KEYS);
    for (size_t i = 0; i < count; i++) {
        if (has_id(keys, i, keys[i].id))
            return error_set(err, STATUS_EXISTS, "%s: the id of number %zu is there twice",
                             kind->name, i);
    }
    struct key_ring *ring = mem_alloc_zeroed(1, sizeof *ring);
    if (ring == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", kind->name);
    atomic_init(&ring->references, 1);
    ring->kind = kind;
    ring->count = count;
    for (size_t i = 0; i < count; i++) {
        ring->keys[i] = keys[i];
        ring->keys[i].key = kind->ref(keys[i].key);
    }
    qsort(ring->keys, count, sizeof ring->keys[0], compare_keys);
    ring->timeline = (struct key_timeline){.spans = *spans, .count = count};
    for (size_t i = 0; i < count; i++)
        ring->timeline.keys[i] = (struct key_times){.not_before_s = ring->keys[i].not_before_s,
                                                    .retire_at_s = ring->keys[i].retire_at_s};
    *ret = ring;
    return STATUS_OK;
}

struct key_ring *key_ring_ref(struct key_ring *ring)
{
    atomic_fetch_add(&ring->references, 1);
    return ring;
}

void key_ring_unref(struct key_ring *ring)
{
    if (ring == NULL || atomic_fetch_sub(&ring->references, 1) != 1)
        return;
    for (size_t i = 0; i < ring->count; i++)
        ring->kind->unref(ring->keys[i].key);
    mem_free(ring);
}

const struct key_ring_kind *key_ring_kind_of(const struct key_ring *ring)
{
    return ring->kind;
}

const struct key_timeline *key_ring_timeline(const struct key_ring *ring)
{
    return &ring->timeline;
}

size_t key_ring_count(const struct key_ring *ring)
{
    return ring->count;
}

const struct key_ring_key *key_ring_at(const struct key_ring *ring, size_t index)
{
    return &ring->keys[index];
}

const struct key_ring_key *key_ring_newest_begun(const struct key_ring *ring, uint64_t now_s)
{
    return ring->count == 0 ? NULL : &ring->keys[key_timeline_newest_begun(&ring->timeline, now_s)];
}

void key_ring_next_step(const struct key_ring *ring, uint64_t now_s, struct key_ring_step *ret)
{
    struct key_timeline_step step;
    key_timeline_next_step(&ring->timeline, now_s, &step);
    *ret = (struct key_ring_step){.kind = step.kind, .at_s = step.at_s};
    if (step.kind == KEY_RING_MARK || step.kind == KEY_RING_DROP)
        memcpy(ret->key_id, ring->keys[step.index].id, sizeof ret->key_id);
}
