#include "pir-server/service/address_counts.h"

#include "base/mem.h"

#include <openssl/rand.h>
#include <string.h>

struct address_count {
    struct client_address address;
    size_t count;
    struct address_count *next; /* of its list */
};

struct address_counts {
    uint64_t seed;
    size_t list_count; /* a power of two */
    struct address_count **lists;
};

enum status address_counts_new(size_t expected, struct address_counts **ret, struct error *err)
{
    struct address_counts *counts = mem_alloc_zeroed(1, sizeof *counts);
    if (counts == NULL)
        return error_set(err, STATUS_NOMEM, "address counts: out of memory");
    counts->list_count = 1;
    while (counts->list_count < expected)
        counts->list_count *= 2;
    counts->lists = mem_alloc_zeroed(counts->list_count, sizeof(struct address_count *));
    if (counts->lists == NULL) {
        address_counts_free(counts);
        return error_set(err, STATUS_NOMEM, "address counts: out of memory");
    }
    if (RAND_bytes((unsigned char *)&counts->seed, sizeof counts->seed) != 1) {
        address_counts_free(counts);
        return error_set(err, STATUS_INTERNAL, "address counts: no random number");
    }
    *ret = counts;
    return STATUS_OK;
}

void address_counts_free(struct address_counts *counts)
{
    if (counts == NULL)
        return;
    mem_free(counts->lists);
    mem_free(counts);
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return x ^ x >> 32;
}

/* Where the address is, or would be. */
static struct address_count **find(const struct address_counts *counts,
                                   const struct client_address *address)
{
    uint64_t halves[2];
    memcpy(halves, address->bytes, sizeof halves);
    const uint64_t hash = mix(mix(counts->seed ^ halves[0]) ^ halves[1]);
    struct address_count **at = &counts->lists[hash & (counts->list_count - 1)];
    while (*at != NULL && memcmp((*at)->address.bytes, address->bytes, sizeof address->bytes) != 0)
        at = &(*at)->next;
    return at;
}

size_t address_counts_look(const struct address_counts *counts,
                           const struct client_address *address)
{
    const struct address_count *found = *find(counts, address);
    return found != NULL ? found->count : 0;
}

struct address_count *address_counts_take(struct address_counts *counts,
                                          const struct client_address *address)
{
    struct address_count **at = find(counts, address);
    if (*at == NULL) {
        *at = mem_alloc_zeroed(1, sizeof **at);
        if (*at == NULL)
            return NULL;
        (*at)->address = *address;
    }
    (*at)->count++;
    return *at;
}

void address_counts_give_back(struct address_counts *counts, struct address_count *count)
{
    if (count == NULL || --count->count > 0)
        return;
    struct address_count **at = find(counts, &count->address);
    *at = count->next;
    mem_free(count);
}
