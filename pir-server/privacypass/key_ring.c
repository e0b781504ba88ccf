#include "pir-server/privacypass/key_ring.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct key_ring {
    atomic_size_t references;
    struct key_ring_policy policy;
    size_t count;
    struct key_ring_key keys[KEY_RING_MAX_KEYS];
    struct key_timeline timeline; /* of the same keys, in the same order */
};

/* ---- policy ---- */

struct key_ring_policy key_ring_policy_default(void)
{
    return (struct key_ring_policy){
        .rotate_s = 14 * KEY_RING_DAY_S,
        .stage_s = 2 * KEY_RING_DAY_S,
        .overlap_s = 2 * KEY_RING_DAY_S,
        .keep_s = 8 * KEY_RING_DAY_S,
    };
}

static struct key_spans spans_of(const struct key_ring_policy *policy)
{
    return (struct key_spans){.rotate_s = policy->rotate_s,
                              .stage_s = policy->stage_s,
                              .overlap_s = policy->overlap_s,
                              .keep_s = policy->keep_s};
}

enum status key_ring_policy_check(const struct key_ring_policy *policy, struct error *err)
{
    const struct key_spans spans = spans_of(policy);
    const enum status status = key_spans_check(&spans, "token keys", err);
    if (status != STATUS_OK)
        return status;
    if (policy->keep_s < KEY_RING_MIN_KEEP_S)
        return error_set(err, STATUS_INVALID,
                         "token keys: kept %" PRIu64
                         " s after the last signature, at least %" PRIu64
                         " are due: devices keep tokens for a week",
                         policy->keep_s, KEY_RING_MIN_KEEP_S);
    return STATUS_OK;
}

/* ---- the ring ---- */

static const uint8_t *id_of(const struct key_ring_key *key)
{
    return token_key_id(issuer_key_public(key->key));
}

static int compare_keys(const void *a, const void *b)
{
    const struct key_ring_key *left = a;
    const struct key_ring_key *right = b;
    if (left->not_before_s != right->not_before_s)
        return left->not_before_s < right->not_before_s ? -1 : 1;
    return memcmp(id_of(left), id_of(right), TOKEN_KEY_ID_BYTES);
}

static bool has_id(const struct key_ring_key *keys, size_t count,
                   const uint8_t id[TOKEN_KEY_ID_BYTES])
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(id_of(&keys[i]), id, TOKEN_KEY_ID_BYTES) == 0)
            return true;
    }
    return false;
}

enum status key_ring_new(const struct key_ring_policy *policy, const struct key_ring_key *keys,
                         size_t count, struct key_ring **ret, struct error *err)
{
    if (count > KEY_RING_MAX_KEYS)
        return error_set(err, STATUS_TOO_LARGE, "token keys: %zu, at most %zu", count,
                         KEY_RING_MAX_KEYS);
    for (size_t i = 0; i < count; i++) {
        if (has_id(keys, i, id_of(&keys[i])))
            return error_set(err, STATUS_EXISTS, "token keys: number %zu is there twice", i);
    }
    struct key_ring *ring = mem_alloc_zeroed(1, sizeof *ring);
    if (ring == NULL)
        return error_set(err, STATUS_NOMEM, "token keys: out of memory");
    atomic_init(&ring->references, 1);
    ring->policy = *policy;
    ring->count = count;
    for (size_t i = 0; i < count; i++) {
        ring->keys[i] = keys[i];
        issuer_key_ref(keys[i].key);
    }
    qsort(ring->keys, count, sizeof ring->keys[0], compare_keys);
    ring->timeline = (struct key_timeline){.spans = spans_of(policy), .count = count};
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
        issuer_key_unref(ring->keys[i].key);
    mem_free(ring);
}

size_t key_ring_count(const struct key_ring *ring)
{
    return ring->count;
}

const struct key_ring_key *key_ring_at(const struct key_ring *ring, size_t index)
{
    return &ring->keys[index];
}

/* ---- what holds at a time ---- */

const struct issuer_key *key_ring_current(const struct key_ring *ring, uint64_t now_s)
{
    return ring->count == 0 ? NULL
                            : ring->keys[key_timeline_newest_begun(&ring->timeline, now_s)].key;
}

const struct issuer_key *key_ring_find_signing(const struct key_ring *ring,
                                               uint8_t truncated_key_id, uint64_t now_s)
{
    for (size_t i = ring->count; i-- > 0;) {
        if (token_key_truncated_id(issuer_key_public(ring->keys[i].key)) == truncated_key_id &&
            key_timeline_is_in_use(&ring->timeline, i, now_s, ring->policy.stage_s))
            return ring->keys[i].key;
    }
    return NULL;
}

void key_ring_list(const struct key_ring *ring, uint64_t now_s, struct issuer_directory *ret)
{
    ret->key_count = 0;
    for (size_t i = ring->count; i-- > 0 && ret->key_count < ISSUER_DIRECTORY_MAX_KEYS;) {
        if (!key_timeline_is_in_use(&ring->timeline, i, now_s, ring->policy.stage_s))
            continue;
        struct issuer_directory_key *key = &ret->keys[ret->key_count++];
        const struct token_key *public_key = issuer_key_public(ring->keys[i].key);
        memcpy(key->spki, token_key_spki(public_key), sizeof key->spki);
        /* The oldest one listed is for everybody, also for a client whose clock is behind. */
        key->has_not_before =
            i > 0 && key_timeline_is_in_use(&ring->timeline, i - 1, now_s, ring->policy.stage_s);
        key->not_before_s = key->has_not_before ? ring->keys[i].not_before_s : 0;
    }
}

enum status key_ring_verify(const struct key_ring *ring, const struct token *token, uint64_t now_s,
                            enum token_verdict *ret, struct error *err)
{
    const struct token_key *candidate = NULL;
    const uint8_t truncated = token->key_id[TOKEN_KEY_ID_BYTES - 1];
    for (size_t i = 0; i < ring->count; i++) {
        const struct token_key *key = issuer_key_public(ring->keys[i].key);
        if (token_key_truncated_id(key) != truncated ||
            key_timeline_is_over(&ring->timeline, i, now_s))
            continue;
        candidate = key;
        if (memcmp(token_key_id(key), token->key_id, TOKEN_KEY_ID_BYTES) == 0)
            break;
    }
    if (candidate == NULL) {
        *ret = TOKEN_UNKNOWN_KEY;
        return STATUS_OK;
    }
    return token_key_verify(candidate, token, ret, err);
}

/* ---- what is due ---- */

void key_ring_next_step(const struct key_ring *ring, uint64_t now_s, struct key_ring_step *ret)
{
    struct key_timeline_step step;
    key_timeline_next_step(&ring->timeline, now_s, &step);
    *ret = (struct key_ring_step){.kind = step.kind, .at_s = step.at_s};
    if (step.kind == KEY_RING_MARK || step.kind == KEY_RING_DROP)
        memcpy(ret->key_id, id_of(&ring->keys[step.index]), sizeof ret->key_id);
}

enum status key_ring_make_key(const struct key_ring *ring, struct issuer_key **ret,
                              struct error *err)
{
    for (;;) {
        struct issuer_key *key = NULL;
        const enum status status = issuer_key_new(&key, err);
        if (status != STATUS_OK)
            return status;
        const uint8_t truncated = token_key_truncated_id(issuer_key_public(key));
        bool is_taken = false;
        for (size_t i = 0; i < ring->count; i++)
            is_taken |= token_key_truncated_id(issuer_key_public(ring->keys[i].key)) == truncated;
        if (!is_taken) {
            *ret = key;
            return STATUS_OK;
        }
        issuer_key_unref(key);
    }
}
