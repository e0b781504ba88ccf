#include "pir-server/ohttp/gateway_key_ring.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#define FIRST_KEY_ID 1

struct gateway_key_ring {
    atomic_size_t references;
    struct gateway_key_policy policy;
    size_t count;
    struct gateway_key keys[GATEWAY_KEY_RING_MAX_KEYS];
    struct key_timeline timeline; /* of the same keys, in the same order */
};

/* ---- policy ---- */

struct gateway_key_policy gateway_key_policy_default(void)
{
    return (struct gateway_key_policy){
        .rotate_s = 30 * KEY_TIMELINE_DAY_S,
        .stage_s = 2 * KEY_TIMELINE_DAY_S,
        .keep_s = 30 * KEY_TIMELINE_DAY_S,
    };
}

/* Published is one key at a time: nothing overlaps. */
static struct key_spans spans_of(const struct gateway_key_policy *policy)
{
    return (struct key_spans){
        .rotate_s = policy->rotate_s, .stage_s = policy->stage_s, .keep_s = policy->keep_s};
}

enum status gateway_key_policy_check(const struct gateway_key_policy *policy, struct error *err)
{
    if (policy->keep_s < GATEWAY_KEY_RING_MIN_KEEP_S)
        return error_set(err, STATUS_INVALID,
                         "gateway keys: kept %" PRIu64 " s after the next one was published, at "
                         "least %" PRIu64 " are due: clients hold configurations for long",
                         policy->keep_s, GATEWAY_KEY_RING_MIN_KEEP_S);
    const struct key_spans spans = spans_of(policy);
    return key_spans_check(&spans, "gateway keys", err);
}

/* ---- the ring ---- */

static int compare_keys(const void *a, const void *b)
{
    const struct gateway_key *left = a;
    const struct gateway_key *right = b;
    if (left->not_before_s != right->not_before_s)
        return left->not_before_s < right->not_before_s ? -1 : 1;
    return (int)left->id - (int)right->id;
}

static const struct gateway_key *find_id(const struct gateway_key *keys, size_t count, uint8_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].id == id)
            return &keys[i];
    }
    return NULL;
}

enum status gateway_key_ring_new(const struct gateway_key_policy *policy,
                                 const struct gateway_key *keys, size_t count,
                                 struct gateway_key_ring **ret, struct error *err)
{
    if (count > GATEWAY_KEY_RING_MAX_KEYS)
        return error_set(err, STATUS_TOO_LARGE, "gateway keys: %zu, at most %zu", count,
                         GATEWAY_KEY_RING_MAX_KEYS);
    for (size_t i = 0; i < count; i++) {
        if (find_id(keys, i, keys[i].id) != NULL)
            return error_set(err, STATUS_EXISTS, "gateway keys: id %u is there twice", keys[i].id);
    }
    struct gateway_key_ring *ring = mem_alloc_zeroed(1, sizeof *ring);
    if (ring == NULL)
        return error_set(err, STATUS_NOMEM, "gateway keys: out of memory");
    atomic_init(&ring->references, 1);
    ring->policy = *policy;
    ring->count = count;
    for (size_t i = 0; i < count; i++) {
        ring->keys[i] = keys[i];
        hpke_key_ref(keys[i].key);
    }
    qsort(ring->keys, count, sizeof ring->keys[0], compare_keys);
    ring->timeline = (struct key_timeline){.spans = spans_of(policy), .count = count};
    for (size_t i = 0; i < count; i++)
        ring->timeline.keys[i] = (struct key_times){.not_before_s = ring->keys[i].not_before_s,
                                                    .retire_at_s = ring->keys[i].retire_at_s};
    *ret = ring;
    return STATUS_OK;
}

struct gateway_key_ring *gateway_key_ring_ref(struct gateway_key_ring *ring)
{
    atomic_fetch_add(&ring->references, 1);
    return ring;
}

void gateway_key_ring_unref(struct gateway_key_ring *ring)
{
    if (ring == NULL || atomic_fetch_sub(&ring->references, 1) != 1)
        return;
    for (size_t i = 0; i < ring->count; i++)
        hpke_key_unref(ring->keys[i].key);
    mem_free(ring);
}

size_t gateway_key_ring_count(const struct gateway_key_ring *ring)
{
    return ring->count;
}

const struct gateway_key *gateway_key_ring_at(const struct gateway_key_ring *ring, size_t index)
{
    return &ring->keys[index];
}

/* ---- what holds at a time ---- */

void gateway_key_ring_publish(const struct gateway_key_ring *ring, uint64_t now_s,
                              struct ohttp_keys *ret)
{
    ret->count = 0;
    if (ring->count == 0)
        return;
    const struct gateway_key *current =
        &ring->keys[key_timeline_newest_begun(&ring->timeline, now_s)];
    ohttp_key_config_of(current->id, current->key, &ret->configs[ret->count++]);
}

const struct hpke_key *gateway_key_ring_find(const struct gateway_key_ring *ring, uint8_t key_id,
                                             uint64_t now_s)
{
    const struct gateway_key *found = find_id(ring->keys, ring->count, key_id);
    if (found == NULL || key_timeline_is_over(&ring->timeline, (size_t)(found - ring->keys), now_s))
        return NULL;
    return found->key;
}

/* ---- what is due ---- */

/* The id after that of the newest key, past those that are taken: there are fewer keys than ids. */
static uint8_t next_id(const struct gateway_key_ring *ring)
{
    uint8_t id = FIRST_KEY_ID;
    if (ring->count > 0)
        id = (uint8_t)(ring->keys[ring->count - 1].id + 1);
    while (find_id(ring->keys, ring->count, id) != NULL)
        id++;
    return id;
}

void gateway_key_ring_next_step(const struct gateway_key_ring *ring, uint64_t now_s,
                                struct gateway_key_step *ret)
{
    struct key_timeline_step step;
    key_timeline_next_step(&ring->timeline, now_s, &step);
    *ret = (struct gateway_key_step){.kind = step.kind, .at_s = step.at_s};
    if (step.kind == KEY_RING_MARK || step.kind == KEY_RING_DROP)
        ret->key_id = ring->keys[step.index].id;
    else if (step.kind == KEY_RING_MAKE)
        ret->key_id = next_id(ring);
}
