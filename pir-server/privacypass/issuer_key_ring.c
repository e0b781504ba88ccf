#include "pir-server/privacypass/issuer_key_ring.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

static_assert(KEY_RING_ID_BYTES == TOKEN_KEY_ID_BYTES, "both are SHA-256");

static void *ref(void *key)
{
    return issuer_key_ref(key);
}

static void unref(void *key)
{
    issuer_key_unref(key);
}

const struct key_ring_kind issuer_key_ring_kind = {
    .name = "token keys",
    .usual = {.rotate_s = 14 * KEY_TIMELINE_DAY_S,
              .stage_s = 2 * KEY_TIMELINE_DAY_S,
              .overlap_s = 2 * KEY_TIMELINE_DAY_S,
              .keep_s = 8 * KEY_TIMELINE_DAY_S},
    .keep_min_s = ISSUER_KEY_RING_KEEP_MIN_S,
    .keep_reason = "devices keep tokens for a week",
    .ref = ref,
    .unref = unref,
};

struct key_ring_key issuer_key_ring_entry(struct issuer_key *key, uint64_t not_before_s,
                                          uint64_t retire_at_s)
{
    struct key_ring_key entry = {
        .key = key, .not_before_s = not_before_s, .retire_at_s = retire_at_s};
    memcpy(entry.id, token_key_id(issuer_key_public(key)), sizeof entry.id);
    return entry;
}

static const struct issuer_key *key_at(const struct key_ring *ring, size_t index)
{
    assert(key_ring_kind_of(ring) == &issuer_key_ring_kind);
    return key_ring_at(ring, index)->key;
}

static uint8_t truncated_id_at(const struct key_ring *ring, size_t index)
{
    return token_key_truncated_id(issuer_key_public(key_at(ring, index)));
}

static bool is_listed(const struct key_ring *ring, size_t index, uint64_t now_s)
{
    const struct key_timeline *timeline = key_ring_timeline(ring);
    return key_timeline_is_in_use(timeline, index, now_s, timeline->spans.stage_s);
}

const struct issuer_key *issuer_key_ring_current(const struct key_ring *ring, uint64_t now_s)
{
    assert(key_ring_kind_of(ring) == &issuer_key_ring_kind);
    const struct key_ring_key *current = key_ring_newest_begun(ring, now_s);
    return current == NULL ? NULL : current->key;
}

const struct issuer_key *issuer_key_ring_find_signing(const struct key_ring *ring,
                                                      uint8_t truncated_key_id, uint64_t now_s)
{
    for (size_t i = key_ring_count(ring); i-- > 0;) {
        if (truncated_id_at(ring, i) == truncated_key_id && is_listed(ring, i, now_s))
            return key_at(ring, i);
    }
    return NULL;
}

void issuer_key_ring_list(const struct key_ring *ring, uint64_t now_s, struct issuer_directory *ret)
{
    ret->key_count = 0;
    for (size_t i = key_ring_count(ring); i-- > 0 && ret->key_count < ISSUER_DIRECTORY_MAX_KEYS;) {
        if (!is_listed(ring, i, now_s))
            continue;
        struct issuer_directory_key *key = &ret->keys[ret->key_count++];
        const struct token_key *public_key = issuer_key_public(key_at(ring, i));
        memcpy(key->spki, token_key_spki(public_key), sizeof key->spki);
        /* The oldest one listed is for everybody, also for a client whose clock is behind. */
        key->has_not_before = i > 0 && is_listed(ring, i - 1, now_s);
        key->not_before_s = key->has_not_before ? key_ring_at(ring, i)->not_before_s : 0;
    }
}

enum status issuer_key_ring_verify(const struct key_ring *ring, const struct token *token,
                                   uint64_t now_s, enum token_verdict *ret, struct error *err)
{
    const struct token_key *candidate = NULL;
    const uint8_t truncated = token->key_id[TOKEN_KEY_ID_BYTES - 1];
    for (size_t i = 0; i < key_ring_count(ring); i++) {
        if (truncated_id_at(ring, i) != truncated ||
            key_timeline_is_over(key_ring_timeline(ring), i, now_s))
            continue;
        candidate = issuer_key_public(key_at(ring, i));
        if (memcmp(token_key_id(candidate), token->key_id, TOKEN_KEY_ID_BYTES) == 0)
            break;
    }
    if (candidate == NULL) {
        *ret = TOKEN_UNKNOWN_KEY;
        return STATUS_OK;
    }
    return token_key_verify(candidate, token, ret, err);
}

static bool has_truncated_id(const struct key_ring *ring, uint8_t truncated)
{
    for (size_t i = 0; i < key_ring_count(ring); i++) {
        if (truncated_id_at(ring, i) == truncated)
            return true;
    }
    return false;
}

enum status issuer_key_ring_make_key(const struct key_ring *ring, struct issuer_key **ret,
                                     struct error *err)
{
    for (;;) {
        struct issuer_key *key = NULL;
        const enum status status = issuer_key_new(&key, err);
        if (status != STATUS_OK)
            return status;
        if (!has_truncated_id(ring, token_key_truncated_id(issuer_key_public(key)))) {
            *ret = key;
            return STATUS_OK;
        }
        issuer_key_unref(key);
    }
}
