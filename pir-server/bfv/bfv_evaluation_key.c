#include "pir-server/bfv/bfv_evaluation_key.h"

#include "base/mem.h"
#include "pir-server/bfv/bfv_context_internal.h"
#include "pir-server/bfv/bfv_evaluation_key_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

struct bfv_evaluation_key {
    const struct bfv_context *context; /* borrowed */
    size_t count;
    uint32_t elements[BFV_MAX_GALOIS_KEYS]; /* ascending */
    struct bfv_switch_key *galois[BFV_MAX_GALOIS_KEYS];
    struct bfv_switch_key *relin; /* NULL = none */
};

static size_t part_words(const struct bfv_context *context)
{
    return 2 * context->levels * (context->levels + 1) * context->degree;
}

enum status bfv_switch_key_new(const struct bfv_context *context, struct bfv_switch_key **ret,
                               struct error *err)
{
    struct bfv_switch_key *key = mem_alloc_zeroed(1, sizeof *key);
    if (key != NULL) {
        key->context = context;
        key->words = poly_alloc(context->degree, 2 * context->levels * (context->levels + 1));
    }
    if (key == NULL || key->words == NULL) {
        bfv_switch_key_free(key);
        return error_set(err, STATUS_NOMEM, "no memory for a key-switching key");
    }
    *ret = key;
    return STATUS_OK;
}

void bfv_switch_key_free(struct bfv_switch_key *key)
{
    if (key == NULL)
        return;
    mem_free(key->words);
    mem_free(key->sources);
    mem_free(key);
}

/* Room for component j as it is read; the caller gives it back. */
static enum status component_begin(const struct bfv_switch_key *key, size_t j,
                                   struct bfv_ciphertext *ret, struct error *err)
{
    const size_t levels = key->context->levels;
    if (j >= levels)
        return error_set(err, STATUS_MALFORMED, "key-switching key: more than %zu components",
                         levels);
    return bfv_ciphertext_init(key->context, 2, levels + 1, BFV_EVALUATION, ret, err);
}

static void component_store(struct bfv_switch_key *key, size_t j,
                            const struct bfv_ciphertext *component)
{
    const struct bfv_context *const context = key->context;
    const size_t n = context->degree;
    for (size_t i = 0; i <= context->levels; i++) {
        const struct modulus *const q = &context->basis->modulus[i];
        const uint32_t factor = i < context->levels ? context->drop_inverse[context->levels][i] : 1;
        for (size_t number = 0; number < 2; number++)
            row_scale(context->basis->rows,
                      key->words + ((i * context->levels + j) * 2 + number) * n,
                      bfv_ciphertext_poly(context, component, number) + i * n,
                      montgomery_from(q, factor), n, q);
    }
    key->have |= (uint32_t)1 << j;
}

enum status bfv_switch_key_read_seeded(struct bfv_switch_key *key, size_t j, struct span poly0,
                                       struct span seed, struct error *err)
{
    struct bfv_ciphertext component;
    enum status status = component_begin(key, j, &component, err);
    if (status != STATUS_OK)
        return status;
    status = bfv_ciphertext_read_seeded(key->context, poly0, seed, &component, err);
    if (status == STATUS_OK)
        component_store(key, j, &component);
    else
        error_prefix(err, status, "key-switching key, component %zu", j);
    bfv_ciphertext_deinit(&component);
    return status;
}

enum status bfv_switch_key_read_full(struct bfv_switch_key *key, size_t j, struct span polys,
                                     const uint32_t *skips, size_t skip_count,
                                     uint64_t correction_factor, struct error *err)
{
    struct bfv_ciphertext component;
    enum status status = component_begin(key, j, &component, err);
    if (status != STATUS_OK)
        return status;
    status = bfv_ciphertext_read_full(key->context, polys, skips, skip_count, correction_factor,
                                      &component, err);
    if (status == STATUS_OK)
        component_store(key, j, &component);
    else
        error_prefix(err, status, "key-switching key, component %zu", j);
    bfv_ciphertext_deinit(&component);
    return status;
}

enum status bfv_evaluation_key_new(const struct bfv_context *context,
                                   struct bfv_evaluation_key **ret, struct error *err)
{
    struct bfv_evaluation_key *const key = mem_alloc_zeroed(1, sizeof *key);
    if (key == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for an evaluation key");
    key->context = context;
    *ret = key;
    return STATUS_OK;
}

void bfv_evaluation_key_free(struct bfv_evaluation_key *key)
{
    if (key == NULL)
        return;
    for (size_t i = 0; i < key->count; i++)
        bfv_switch_key_free(key->galois[i]);
    bfv_switch_key_free(key->relin);
    mem_free(key);
}

static enum status check_complete(const struct bfv_switch_key *part, struct error *err)
{
    const size_t levels = part->context->levels;
    size_t have = 0;
    while (have < levels && (part->have >> have & 1) != 0)
        have++;
    if (have == levels)
        return STATUS_OK;
    return error_set(err, STATUS_MALFORMED, "key-switching key: component %zu of %zu is missing",
                     have, levels);
}

enum status bfv_evaluation_key_add_galois(struct bfv_evaluation_key *key, uint64_t element,
                                          struct bfv_switch_key *part, struct error *err)
{
    enum status status = check_complete(part, err);
    if (status != STATUS_OK)
        goto done;
    if (!automorphism_is_valid(element, key->context->degree)) {
        status = error_set(err, STATUS_MALFORMED,
                           "Galois element %" PRIu64 ": must be odd and in 3..%zu", element,
                           2 * key->context->degree - 1);
        goto done;
    }
    if (bfv_evaluation_key_has_galois(key, element)) {
        status =
            error_set(err, STATUS_MALFORMED, "Galois element %" PRIu64 " is there twice", element);
        goto done;
    }
    if (key->count == BFV_MAX_GALOIS_KEYS) {
        status =
            error_set(err, STATUS_TOO_LARGE, "more than %d Galois elements", BFV_MAX_GALOIS_KEYS);
        goto done;
    }
    part->sources =
        mem_alloc_aligned(MEM_ROW_ALIGNMENT, key->context->degree, sizeof *part->sources);
    if (part->sources == NULL) {
        status = error_set(err, STATUS_NOMEM, "no memory for a Galois key");
        goto done;
    }
    automorphism_eval_sources(part->sources, (uint32_t)element, key->context->degree);
    size_t at = key->count++;
    for (; at > 0 && key->elements[at - 1] > element; at--) {
        key->elements[at] = key->elements[at - 1];
        key->galois[at] = key->galois[at - 1];
    }
    key->elements[at] = (uint32_t)element;
    key->galois[at] = part;
    part = NULL;
done:
    bfv_switch_key_free(part);
    return status;
}

enum status bfv_evaluation_key_set_relin(struct bfv_evaluation_key *key,
                                         struct bfv_switch_key *part, struct error *err)
{
    enum status status = check_complete(part, err);
    if (status == STATUS_OK && key->relin != NULL)
        status = error_set(err, STATUS_MALFORMED, "relinearization key is there twice");
    if (status != STATUS_OK) {
        bfv_switch_key_free(part);
        return status;
    }
    key->relin = part;
    return STATUS_OK;
}

const struct bfv_switch_key *bfv_evaluation_key_galois(const struct bfv_evaluation_key *key,
                                                       uint64_t element)
{
    for (size_t i = 0; i < key->count; i++)
        if (key->elements[i] == element)
            return key->galois[i];
    return NULL;
}

const struct bfv_switch_key *bfv_evaluation_key_relin(const struct bfv_evaluation_key *key)
{
    return key->relin;
}

bool bfv_evaluation_key_has_galois(const struct bfv_evaluation_key *key, uint64_t element)
{
    return bfv_evaluation_key_galois(key, element) != NULL;
}

bool bfv_evaluation_key_has_relin(const struct bfv_evaluation_key *key)
{
    return key->relin != NULL;
}

size_t bfv_evaluation_key_galois_count(const struct bfv_evaluation_key *key)
{
    return key->count;
}

uint32_t bfv_evaluation_key_galois_element(const struct bfv_evaluation_key *key, size_t number)
{
    return key->elements[number];
}

size_t bfv_evaluation_key_memory_bytes(const struct bfv_evaluation_key *key)
{
    const size_t parts = key->count + (key->relin != NULL);
    const size_t part_bytes = sizeof(struct bfv_switch_key) +
                              (part_words(key->context) + key->context->degree) * sizeof(uint32_t);
    return sizeof *key + parts * part_bytes;
}

/* ---- client ---- */

/* An encryption of zero over all moduli, plus P s' in row j of c0. The row of s' is s of row j
 * permuted by `sources`, or squared when that is NULL. */
static enum status make_component(const struct bfv_context *context,
                                  const struct bfv_secret_key *secret, const uint32_t *sources,
                                  size_t j, const uint8_t seed[DRBG_SEED_BYTES],
                                  const struct random_source *random, struct bfv_ciphertext *ret,
                                  struct error *err)
{
    assert(j < context->levels && ret->moduli_count == context->levels + 1);
    const size_t n = context->degree;
    const enum status status = bfv_encrypt_zero(context, secret, seed, random, ret, err);
    if (status != STATUS_OK)
        return status;
    const struct modulus *const q = &context->basis->modulus[j];
    const uint32_t p = modulus_reduce(q, context->basis->modulus[context->levels].value);
    const uint32_t *const s = bfv_secret_key_poly(secret) + j * n;
    uint32_t *const row = ret->words + j * n;
    for (size_t k = 0; k < n; k++) {
        const uint32_t target = sources == NULL ? modulus_mul(q, s[k], s[k]) : s[sources[k]];
        row[k] = modulus_add(q, row[k], modulus_mul(q, p, target));
    }
    return STATUS_OK;
}

static enum status sources_new(const struct bfv_context *context, uint64_t element, uint32_t **ret,
                               struct error *err)
{
    if (!automorphism_is_valid(element, context->degree))
        return error_set(err, STATUS_INVALID,
                         "Galois element %" PRIu64 ": must be odd and in 3..%zu", element,
                         2 * context->degree - 1);
    uint32_t *const sources = mem_alloc(context->degree, sizeof *sources);
    if (sources == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for an automorphism");
    automorphism_eval_sources(sources, (uint32_t)element, context->degree);
    *ret = sources;
    return STATUS_OK;
}

enum status bfv_galois_key_component(const struct bfv_context *context,
                                     const struct bfv_secret_key *secret, uint64_t element,
                                     size_t j, const uint8_t seed[DRBG_SEED_BYTES],
                                     const struct random_source *random, struct bfv_ciphertext *ret,
                                     struct error *err)
{
    uint32_t *sources = NULL;
    enum status status = sources_new(context, element, &sources, err);
    if (status == STATUS_OK)
        status = make_component(context, secret, sources, j, seed, random, ret, err);
    mem_free(sources);
    return status;
}

enum status bfv_relin_key_component(const struct bfv_context *context,
                                    const struct bfv_secret_key *secret, size_t j,
                                    const uint8_t seed[DRBG_SEED_BYTES],
                                    const struct random_source *random, struct bfv_ciphertext *ret,
                                    struct error *err)
{
    return make_component(context, secret, NULL, j, seed, random, ret, err);
}

static enum status make_key(const struct bfv_context *context, const struct bfv_secret_key *secret,
                            const uint32_t *sources, const struct random_source *random,
                            struct bfv_seeded *ret, struct error *err)
{
    struct bfv_ciphertext component;
    enum status status =
        bfv_ciphertext_init(context, 2, context->levels + 1, BFV_EVALUATION, &component, err);
    if (status != STATUS_OK)
        return status;
    for (size_t j = 0; j < context->levels && status == STATUS_OK; j++) {
        status = random_fill(random, ret[j].seed, DRBG_SEED_BYTES, err);
        if (status == STATUS_OK)
            status =
                make_component(context, secret, sources, j, ret[j].seed, random, &component, err);
        if (status != STATUS_OK)
            break;
        bytes_clear(&ret[j].poly0);
        bfv_poly_write(context, component.words, context->levels + 1, 0, &ret[j].poly0);
        status = bytes_status(&ret[j].poly0, "key-switching key", err);
    }
    bfv_ciphertext_deinit(&component);
    return status;
}

enum status bfv_galois_key_make(const struct bfv_context *context,
                                const struct bfv_secret_key *secret, uint64_t element,
                                const struct random_source *random, struct bfv_seeded *ret,
                                struct error *err)
{
    uint32_t *sources = NULL;
    enum status status = sources_new(context, element, &sources, err);
    if (status == STATUS_OK)
        status = make_key(context, secret, sources, random, ret, err);
    mem_free(sources);
    return status;
}

enum status bfv_relin_key_make(const struct bfv_context *context,
                               const struct bfv_secret_key *secret,
                               const struct random_source *random, struct bfv_seeded *ret,
                               struct error *err)
{
    return make_key(context, secret, NULL, random, ret, err);
}
