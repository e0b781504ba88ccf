#include "pir-server/ring/sampling.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "pir-server/ring/packing.h"
#include "tests/pir-server/lattice_help.h"

#include <criterion/criterion.h>
#include <string.h>

enum { N = 4096 };

/* spec/bfv.md section 11. */
Test(sampling, uniform_vector)
{
    static const uint32_t starts[3][3] = {{73819633, 25439711, 90574784},
                                          {23876458, 141469222, 211279151},
                                          {254978311, 12109159, 8885482}};
    struct rns_basis *basis = basis_for(N, group_a, 3);
    uint8_t seed[DRBG_SEED_BYTES];
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)i;
    uint32_t *poly = poly_alloc(N, 3);
    cr_assert_eq(sample_uniform(poly, seed, basis, 3, NULL), STATUS_OK);
    struct bytes packed;
    bytes_init(&packed, 1 << 20);
    for (size_t i = 0; i < 3; i++) {
        cr_assert_arr_eq(poly + i * N, starts[i], sizeof starts[i]);
        const uint32_t width = basis->modulus[i].bits;
        uint8_t *space = bytes_append_space(&packed, packed_row_bytes(N, width, 0));
        cr_assert_not_null(space);
        row_pack(space, poly + i * N, N, width, 0);
    }
    cr_assert_str_eq(sha256_hex(bytes_view(&packed)),
                     "732276689ab7d9b8b4b4f6be134a6b9a840dba5d07570e70696be0fedcc7bea7");
    bytes_deinit(&packed);

    uint32_t *prefix = poly_alloc(N, 2);
    cr_assert_eq(sample_uniform(prefix, seed, basis, 2, NULL), STATUS_OK);
    cr_assert_arr_eq(prefix, poly, 2 * N * sizeof *poly, "fewer rows are a prefix");
    mem_free(prefix);
    mem_free(poly);
    rns_basis_free(basis);
}

static void seeded(struct drbg *drbg, uint8_t byte)
{
    uint8_t seed[DRBG_SEED_BYTES];
    memset(seed, byte, sizeof seed);
    cr_assert_eq(drbg_init(drbg, seed, NULL), STATUS_OK);
}

Test(sampling, ternary_vector)
{
    static const int32_t start[] = {0, 0, 1, -1, -1, 0, -1, -1, -1, 0, 1, 0};
    struct drbg drbg;
    seeded(&drbg, 0x01);
    const struct random_source source = drbg_source(&drbg);
    int32_t values[N];
    cr_assert_eq(sample_ternary(values, N, &source, NULL), STATUS_OK);
    cr_assert_arr_eq(values, start, sizeof start);
    size_t counts[3] = {0};
    for (size_t i = 0; i < N; i++)
        counts[values[i] + 1]++;
    for (size_t i = 0; i < 3; i++)
        cr_assert(counts[i] > 1200 && counts[i] < 1530);
    drbg_deinit(&drbg);
}

Test(sampling, error_vector)
{
    static const int32_t start[] = {1, 2, 3, 2, -1, -3, 3, 3, -1, 1, 0, -4};
    struct drbg drbg;
    seeded(&drbg, 0x02);
    const struct random_source source = drbg_source(&drbg);
    int32_t values[N];
    cr_assert_eq(sample_error(values, N, &source, NULL), STATUS_OK);
    cr_assert_arr_eq(values, start, sizeof start);
    double squares = 0;
    for (size_t i = 0; i < N; i++) {
        cr_assert(values[i] >= -21 && values[i] <= 21);
        squares += (double)values[i] * values[i];
    }
    cr_assert(squares / N > 9.5 && squares / N < 11.5, "variance %f", squares / N);
    drbg_deinit(&drbg);
}

static enum status fixed_bytes(void *state, uint8_t *out, size_t size, struct error *err)
{
    (void)err;
    memset(out, *(const uint8_t *)state, size);
    return STATUS_OK;
}

Test(sampling, extreme_bytes)
{
    uint8_t byte = 0xff;
    const struct random_source source = {.fill = fixed_bytes, .state = &byte};
    int32_t value;
    /* u 2^32 + v = 2^96 - 1 = 0 mod 3. */
    cr_assert_eq(sample_ternary(&value, 1, &source, NULL), STATUS_OK);
    cr_assert_eq(value, -1);
    for (unsigned i = 0; i < 256; i++) {
        byte = (uint8_t)i;
        /* Each byte counts i, 256 = 1 mod 3, and there are twelve of them: 0 mod 3. */
        cr_assert_eq(sample_ternary(&value, 1, &source, NULL), STATUS_OK);
        cr_assert_eq(value, -1);
        cr_assert_eq(sample_error(&value, 1, &source, NULL), STATUS_OK);
        cr_assert_eq(value, 0);
    }
}

static enum status failing(void *state, uint8_t *out, size_t size, struct error *err)
{
    size_t *const left = state;
    if (size > *left)
        return error_set(err, STATUS_IO, "no more");
    *left -= size;
    memset(out, 1, size);
    return STATUS_OK;
}

Test(sampling, failing_source_leaves_nothing)
{
    size_t left = 5000;
    const struct random_source source = {.fill = failing, .state = &left};
    static int32_t values[N];
    static const int32_t zeros[N];
    cr_assert_eq(sample_error(values, N, &source, NULL), STATUS_IO);
    cr_assert_arr_eq(values, zeros, sizeof values);
    cr_assert_eq(sample_ternary(values, N, &source, NULL), STATUS_IO);
    cr_assert_arr_eq(values, zeros, sizeof values);
}
