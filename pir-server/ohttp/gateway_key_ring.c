#include "pir-server/ohttp/gateway_key_ring.h"

#include <assert.h>
#include <stdbool.h>

#define FIRST_KEY_ID 1

static void *ref(void *key)
{
    return hpke_key_ref(key);
}

static void unref(void *key)
{
    hpke_key_unref(key);
}

const struct key_ring_kind gateway_key_ring_kind = {
    .name = "gateway keys",
    .usual = {.rotate_s = 30 * KEY_TIMELINE_DAY_S,
              .stage_s = 2 * KEY_TIMELINE_DAY_S,
              .keep_s = 30 * KEY_TIMELINE_DAY_S},
    .keep_min_s = GATEWAY_KEY_RING_KEEP_MIN_S,
    .keep_reason = "clients hold configurations for long",
    .ref = ref,
    .unref = unref,
};

struct key_ring_key gateway_key_ring_entry(uint8_t key_id, struct hpke_key *key,
                                           uint64_t not_before_s, uint64_t retire_at_s)
{
    return (struct key_ring_key){
        .id = {key_id}, .key = key, .not_before_s = not_before_s, .retire_at_s = retire_at_s};
}

uint8_t gateway_key_ring_id(const struct key_ring_key *key)
{
    return key->id[0];
}

/* The index of a key; the number of keys when none has the id. */
static size_t find_id(const struct key_ring *ring, uint8_t key_id)
{
    assert(key_ring_kind_of(ring) == &gateway_key_ring_kind);
    size_t index = 0;
    while (index < key_ring_count(ring) && gateway_key_ring_id(key_ring_at(ring, index)) != key_id)
        index++;
    return index;
}

/* There are fewer keys than ids. */
uint8_t gateway_key_ring_next_id(const struct key_ring *ring)
{
    const size_t count = key_ring_count(ring);
    uint8_t id = FIRST_KEY_ID;
    if (count > 0)
        id = (uint8_t)(gateway_key_ring_id(key_ring_at(ring, count - 1)) + 1);
    while (find_id(ring, id) != count)
        id++;
    return id;
}

void gateway_key_ring_publish(const struct key_ring *ring, uint64_t now_s, struct ohttp_keys *ret)
{
    assert(key_ring_kind_of(ring) == &gateway_key_ring_kind);
    const struct key_ring_key *current = key_ring_newest_begun(ring, now_s);
    ret->count = 0;
    if (current != NULL)
        ohttp_key_config_of(gateway_key_ring_id(current), current->key,
                            &ret->configs[ret->count++]);
}

const struct hpke_key *gateway_key_ring_find(const struct key_ring *ring, uint8_t key_id,
                                             uint64_t now_s)
{
    const size_t index = find_id(ring, key_id);
    if (index == key_ring_count(ring) ||
        key_timeline_is_over(key_ring_timeline(ring), index, now_s))
        return NULL;
    return key_ring_at(ring, index)->key;
}
