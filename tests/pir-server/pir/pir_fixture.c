#include "tests/pir-server/pir/pir_fixture.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

/* Linked into plain programs too, so no test framework: a broken fixture ends the program. */
static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fixture: %s\n", what);
    abort();
}

struct bfv_parameters fixture_encryption(const char *name)
{
    const struct bfv_named_parameters *named = bfv_named_parameters_find(name);
    must(named != NULL, name);
    return named->parameters;
}

struct pir_parameters fixture_parameters(uint64_t buckets)
{
    const struct bfv_parameters encryption = fixture_encryption(FIXTURE_SET);
    struct pir_parameters p = {
        .encryption = encryption,
        .entry_count = buckets,
        .entry_bytes = bfv_bytes_per_plaintext(&encryption),
        .dimension_count = 2,
        .has_keyword_parameters = true,
        .hash_function_count = 1,
        .has_sharding_function = true,
        .algorithm = PIR_ALGORITHM_MUL_PIR,
        .batch_size = 1,
        .evaluation_key = {.encryption = encryption, .has_relin_key = true},
    };
    pir_dimensions(buckets, 1, true, p.dimensions);
    pir_galois_elements(encryption.degree, p.dimensions[0] + p.dimensions[1],
                        PIR_KEY_COMPRESSION_NONE, p.evaluation_key.galois_elements,
                        &p.evaluation_key.galois_element_count);
    return p;
}

const struct sha256_many_kernel *fixture_kernel(void)
{
    const struct cpu cpu = cpu_detect();
    return sha256_many_kernel_for(&cpu);
}

struct random_seeded fixture_random(uint64_t seed)
{
    struct random_seeded random;
    uint8_t bytes[RANDOM_SEED_BYTES] = {0};
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(seed >> (8 * i));
    (void)random_seeded_init(&random, bytes);
    return random;
}

/* Many small draws: slow but simple, and independent of how a caller cuts its requests. */
static enum status seeded_fill(void *state, uint8_t *out, size_t size, struct error *err)
{
    (void)err;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)random_seeded_u64(state);
    return STATUS_OK;
}

struct random_source fixture_source(struct random_seeded *random)
{
    return (struct random_source){.fill = seeded_fill, .state = random};
}

#define KEYWORD_BYTES ((size_t)32)

struct fixture_rows fixture_rows_new(size_t count, size_t least, size_t most, uint64_t seed)
{
    struct random_seeded random = fixture_random(seed);
    struct fixture_rows made = {.count = count};
    made.rows = mem_alloc(count, sizeof *made.rows);
    made.bytes = mem_alloc(count, KEYWORD_BYTES + most);
    must(made.rows != NULL && made.bytes != NULL, "no memory");
    uint8_t *at = made.bytes;
    for (size_t i = 0; i < count; i++) {
        const int length = snprintf((char *)at, KEYWORD_BYTES, "row%zu.example/", i);
        made.rows[i].keyword = span_of(at, (size_t)length);
        at += KEYWORD_BYTES;
        const size_t size = least + (size_t)random_seeded_below(&random, most - least + 1);
        for (size_t k = 0; k < size; k++)
            at[k] = (uint8_t)random_seeded_u64(&random);
        made.rows[i].value = span_of(at, size);
        at += most;
    }
    return made;
}

void fixture_rows_free(struct fixture_rows *rows)
{
    mem_free(rows->rows);
    mem_free(rows->bytes);
}

struct pir_partition *fixture_partition(const struct fixture_rows *rows, uint64_t shards)
{
    const struct pir_rows view = pir_rows_of_array(rows->rows, rows->count);
    const struct sharding sharding = {.function = SHARDING_SHA256};
    struct pir_partition *partition = NULL;
    struct error error;
    must(pir_partition_new(&view, shards, &sharding, NULL, &partition, &error) == STATUS_OK,
         "partition");
    return partition;
}

/* Reads freshly made components into a switching key, as a server does. */
static struct bfv_switch_key *switch_key(const struct bfv_context *context,
                                         struct bfv_seeded *parts, size_t count)
{
    struct bfv_switch_key *key = NULL;
    must(bfv_switch_key_new(context, &key, NULL) == STATUS_OK, "switching key");
    for (size_t j = 0; j < count; j++) {
        must(bfv_switch_key_read_seeded(key, j, bytes_view(&parts[j].poly0),
                                        span_of(parts[j].seed, sizeof parts[j].seed),
                                        NULL) == STATUS_OK,
             "component");
        bfv_seeded_deinit(&parts[j]);
        bfv_seeded_init(&parts[j]);
    }
    return key;
}

struct fixture_keys fixture_keys_new(const struct bfv_context *context,
                                     const struct pir_evaluation_key_config *config,
                                     struct random_seeded *random)
{
    const struct random_source source = fixture_source(random);
    const size_t moduli = bfv_context_ciphertext_moduli(context);
    struct bfv_seeded parts[BFV_MAX_MODULI];
    struct fixture_keys keys = {0};
    for (size_t j = 0; j < moduli; j++)
        bfv_seeded_init(&parts[j]);
    must(bfv_secret_key_new(context, &source, &keys.secret, NULL) == STATUS_OK, "secret key");
    must(bfv_evaluation_key_new(context, &keys.evaluation, NULL) == STATUS_OK, "evaluation key");
    for (size_t i = 0; i < config->galois_element_count; i++) {
        const uint32_t element = config->galois_elements[i];
        must(bfv_galois_key_make(context, keys.secret, element, &source, parts, NULL) == STATUS_OK,
             "Galois key");
        must(bfv_evaluation_key_add_galois(keys.evaluation, element,
                                           switch_key(context, parts, moduli), NULL) == STATUS_OK,
             "Galois key");
    }
    if (config->has_relin_key) {
        must(bfv_relin_key_make(context, keys.secret, &source, parts, NULL) == STATUS_OK, "relin");
        must(bfv_evaluation_key_set_relin(keys.evaluation, switch_key(context, parts, moduli),
                                          NULL) == STATUS_OK,
             "relinearization key");
    }
    for (size_t j = 0; j < moduli; j++)
        bfv_seeded_deinit(&parts[j]);
    return keys;
}

void fixture_keys_free(struct fixture_keys *keys)
{
    bfv_secret_key_free(keys->secret);
    bfv_evaluation_key_free(keys->evaluation);
}
