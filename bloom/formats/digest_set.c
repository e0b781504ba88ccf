/* Open addressing with linear probing; a digest is its own hash. A slot of zeros is empty, so the
 * one string whose digest is all zeros, should anybody ever meet it, has a flag. */
#include "bloom/formats/digest_set.h"

#include "base/mem.h"

#include <openssl/evp.h>

#define DIGEST_BYTES ((size_t)32)
#define FIRST_SLOTS  ((size_t)4096)

struct digest {
    uint8_t bytes[DIGEST_BYTES];
};

struct digest_set {
    EVP_MD *sha256; /* fetched once: looking it up for each key costs more than the hash */
    EVP_MD_CTX *context;
    struct digest *slots;
    size_t slot_count; /* a power of two */
    size_t used;
    bool has_zero;
};

void digest_set_free(struct digest_set *set)
{
    if (set == NULL)
        return;
    EVP_MD_CTX_free(set->context);
    EVP_MD_free(set->sha256);
    mem_free(set->slots);
    mem_free(set);
}

enum status digest_set_new(struct digest_set **ret, struct error *err)
{
    struct digest_set *set = mem_alloc_zeroed(1, sizeof *set);
    if (set == NULL)
        return error_set(err, STATUS_NOMEM, "out of memory for the set of keys");
    set->slot_count = FIRST_SLOTS;
    set->slots = mem_alloc_zeroed(FIRST_SLOTS, sizeof *set->slots);
    set->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    set->context = EVP_MD_CTX_new();
    if (set->slots == NULL || set->sha256 == NULL || set->context == NULL) {
        digest_set_free(set);
        return error_set(err, STATUS_NOMEM, "out of memory for the set of keys");
    }
    *ret = set;
    return STATUS_OK;
}

static bool is_zero(const struct digest *digest)
{
    static const struct digest zero;
    return memcmp(digest, &zero, sizeof zero) == 0;
}

/* The slot that holds `digest`, or the empty one where it belongs. */
static struct digest *find(struct digest *slots, size_t slot_count, const struct digest *digest)
{
    uint64_t start;
    memcpy(&start, digest->bytes, sizeof start);
    for (size_t at = (size_t)start & (slot_count - 1);; at = (at + 1) & (slot_count - 1)) {
        if (is_zero(&slots[at]) || memcmp(&slots[at], digest, sizeof *digest) == 0)
            return &slots[at];
    }
}

static enum status grow(struct digest_set *set, struct error *err)
{
    const size_t slot_count = set->slot_count * 2;
    struct digest *slots = mem_alloc_zeroed(slot_count, sizeof *slots);
    if (slots == NULL)
        return error_set(err, STATUS_NOMEM, "out of memory for a set of %zu keys", set->used);
    for (size_t i = 0; i < set->slot_count; i++) {
        if (!is_zero(&set->slots[i]))
            *find(slots, slot_count, &set->slots[i]) = set->slots[i];
    }
    mem_free(set->slots);
    set->slots = slots;
    set->slot_count = slot_count;
    return STATUS_OK;
}

enum status digest_set_add(struct digest_set *set, struct span text, bool *ret_is_new,
                           struct error *err)
{
    struct digest digest;
    if (EVP_DigestInit_ex(set->context, set->sha256, NULL) != 1 ||
        EVP_DigestUpdate(set->context, text.data, text.size) != 1 ||
        EVP_DigestFinal_ex(set->context, digest.bytes, NULL) != 1)
        return error_set(err, STATUS_NOMEM, "cannot compute SHA-256");
    if (is_zero(&digest)) {
        *ret_is_new = !set->has_zero;
        set->has_zero = true;
        return STATUS_OK;
    }
    if (set->used >= set->slot_count / 10 * 7) {
        const enum status status = grow(set, err);
        if (status != STATUS_OK)
            return status;
    }
    struct digest *slot = find(set->slots, set->slot_count, &digest);
    *ret_is_new = is_zero(slot);
    if (*ret_is_new) {
        *slot = digest;
        set->used++;
    }
    return STATUS_OK;
}
