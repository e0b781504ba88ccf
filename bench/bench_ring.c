/* bench_ring - transforms, products, sampling and packing of one polynomial: n = 4096, the moduli
 * of the default parameters. Transforms run on every kernel that this machine has. */
#include "base/mem.h"
#include "bench/bench.h"
#include "pir-server/ring/packing.h"
#include "pir-server/ring/row/row.h"
#include "pir-server/ring/sampling.h"

#include <stdio.h>

/* ROWS rows of each kind do not fit the first cache, as in a query. */
enum { N = 4096, MODULI = 3, ROWS = 12 };

struct state {
    struct rns_basis *basis;
    uint32_t *poly;
    uint32_t *other;
    uint32_t *from; /* [ROWS][N] */
    uint32_t *to;   /* [ROWS][N] */
    uint64_t *sums;
    uint8_t packed[N * 4];
};

static void forward(void *context)
{
    struct state *const state = context;
    for (size_t i = 0; i < MODULI; i++)
        ntt_forward(state->poly + i * N, state->poly + i * N, state->basis->tables[i]);
}

static void inverse(void *context)
{
    struct state *const state = context;
    for (size_t i = 0; i < MODULI; i++)
        ntt_inverse(state->poly + i * N, state->poly + i * N, state->basis->tables[i]);
}

/* As a query does them: from one row to another, each row in its turn. */
static void forward_rows(void *context)
{
    struct state *const state = context;
    for (size_t i = 0; i < ROWS; i++)
        ntt_forward_lazy(state->to + i * N, state->from + i * N, state->basis->tables[i % MODULI]);
}

static void inverse_rows(void *context)
{
    struct state *const state = context;
    for (size_t i = 0; i < ROWS; i++)
        ntt_inverse(state->to + i * N, state->from + i * N, state->basis->tables[i % MODULI]);
}

static void pointwise(void *context)
{
    struct state *const state = context;
    poly_mul(state->poly, state->poly, state->other, state->basis, MODULI);
}

static void multiply_add(void *context)
{
    struct state *const state = context;
    for (size_t i = 0; i < MODULI; i++) {
        const struct row_pair pair = {.x = state->poly + i * N, .y = state->other + i * N};
        row_multiply_add_pair(state->basis->rows, state->sums, state->sums + N,
                              state->sums + (size_t)2 * N, &pair, N);
    }
}

static void automorphism(void *context)
{
    struct state *const state = context;
    poly_automorphism(state->other, state->poly, 1025, state->basis, MODULI);
}

static void uniform(void *context)
{
    struct state *const state = context;
    const uint8_t seed[DRBG_SEED_BYTES] = {1};
    if (sample_uniform(state->poly, seed, state->basis, MODULI, NULL) != STATUS_OK)
        bench_fail("sampling failed");
}

static void pack(void *context)
{
    struct state *const state = context;
    row_pack(state->packed, state->poly, N, state->basis->modulus[0].bits, 0);
}

static void unpack(void *context)
{
    struct state *const state = context;
    row_unpack(state->other, state->packed, N, state->basis->modulus[0].bits, 0);
}

static void run(struct state *state, const char *kernel_name, const struct ntt_kernel *kernel)
{
    static const uint64_t moduli[MODULI] = {134176769, 268369921, 268361729};
    char label[96];
    if (rns_basis_new(N, moduli, MODULI, kernel, &state->basis, NULL) != STATUS_OK)
        bench_fail("no basis");
    for (size_t i = 0; i < (size_t)MODULI * N; i++)
        state->poly[i] = state->other[i] = (uint32_t)(i * 2654435761u) >> 5;
    for (size_t i = 0; i < (size_t)ROWS * N; i++)
        state->from[i] = (uint32_t)(i * 2654435761u) >> 5;
    snprintf(label, sizeof label, "ntt_forward kernel=%s n=%d moduli=%d", kernel_name, N, MODULI);
    bench_time(label, 200, forward, state);
    snprintf(label, sizeof label, "ntt_inverse kernel=%s n=%d moduli=%d", kernel_name, N, MODULI);
    bench_time(label, 200, inverse, state);
    snprintf(label, sizeof label, "ntt_forward_lazy kernel=%s n=%d rows=%d", kernel_name, N, ROWS);
    bench_time(label, 200, forward_rows, state);
    snprintf(label, sizeof label, "ntt_inverse kernel=%s n=%d rows=%d", kernel_name, N, ROWS);
    bench_time(label, 200, inverse_rows, state);
    snprintf(label, sizeof label, "sample_uniform kernel=%s n=%d moduli=%d", kernel_name, N,
             MODULI);
    bench_time(label, 200, uniform, state);
}

int main(void)
{
    struct state *const state = mem_alloc_zeroed(1, sizeof *state);
    if (state == NULL)
        bench_fail("no memory");
    state->poly = poly_alloc(N, MODULI);
    state->other = poly_alloc(N, MODULI);
    state->from = poly_alloc(N, ROWS);
    state->to = poly_alloc(N, ROWS);
    state->sums = mem_alloc_zeroed((size_t)3 * N, sizeof *state->sums);
    if (state->poly == NULL || state->other == NULL || state->from == NULL || state->to == NULL ||
        state->sums == NULL)
        bench_fail("no memory");
    const struct cpu cpu = cpu_detect();
    for (size_t i = 0; ntt_kernel_list(i) != NULL; i++) {
        const struct ntt_kernel *kernel;
        if (ntt_kernel_choose(&cpu, ntt_kernel_list(i), N, &kernel, NULL) != STATUS_OK)
            continue;
        rns_basis_free(state->basis);
        state->basis = NULL;
        run(state, ntt_kernel_list(i), kernel);
    }
    bench_time("pointwise n=4096 moduli=3", 200, pointwise, state);
    bench_time("multiply_add_pair n=4096 moduli=3", 200, multiply_add, state);
    bench_time("automorphism n=4096 moduli=3", 200, automorphism, state);
    bench_time("pack n=4096 bits=27", 200, pack, state);
    bench_time("unpack n=4096 bits=27", 200, unpack, state);
    rns_basis_free(state->basis);
    mem_free(state->poly);
    mem_free(state->other);
    mem_free(state->from);
    mem_free(state->to);
    mem_free(state->sums);
    mem_free(state);
    return 0;
}
