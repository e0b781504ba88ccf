/* bench_quick - every kernel of the ring and of SHA-256 against the portable one, in seconds.
 *
 * Each figure is a ratio, time of `ref` over time of the kernel: the median over rounds in which
 * the two run one after the other, so that another load on the machine meets both. `make
 * bench-quick` compares the lines with bench/ratios.json. */
#include "base/mem.h"
#include "bench/bench.h"
#include "pir-server/pir/sha256_many/sha256_many.h"
#include "pir-server/ring/sampling.h"

#include <stdio.h>
#include <stdlib.h>

enum { N = 4096, MODULI = 3, ROWS = 24, ROUNDS = 201, KEYS = 64, KEY_BYTES = 21 };

struct state {
    struct rns_basis *basis;
    uint32_t *a; /* [ROWS][N] */
    uint32_t *b; /* [ROWS][N] */
    uint32_t *ret;
    const uint32_t *rows[ROWS];
    uint32_t *sources; /* [N] */
    const struct sha256_many_kernel *sha256;
};

static void forward(struct state *state)
{
    for (size_t i = 0; i < MODULI; i++)
        ntt_forward(state->ret + i * N, state->a + i * N, state->basis->tables[i]);
}

static void inverse(struct state *state)
{
    for (size_t i = 0; i < MODULI; i++)
        ntt_inverse(state->ret + i * N, state->a + i * N, state->basis->tables[i]);
}

/* Key switching with moved digits. */
static void dot(struct state *state)
{
    const struct row_switch operands = {.digits = state->rows,
                                        .sources = state->sources,
                                        .key = state->a,
                                        .stride = (size_t)2 * N,
                                        .count = 2,
                                        .room =
                                            ((uint64_t)1 << 32) / state->basis->modulus[0].value};
    row_switch_lazy(state->basis->rows, state->ret, state->ret + N, &operands, 0, N,
                    &state->basis->modulus[0]);
}

static void reduce(struct state *state)
{
    row_reduce_128(state->basis->rows, state->ret, state->a, N, &state->basis->modulus[0]);
}

static void uniform(struct state *state)
{
    static const uint8_t seed[DRBG_SEED_BYTES] = {1};
    if (sample_uniform(state->ret, seed, state->basis, MODULI, NULL) != STATUS_OK)
        bench_fail("sampling failed");
}

static void hash_keys(struct state *state)
{
    static uint8_t digests[KEYS][SHA256_MANY_BYTES];
    struct span keys[KEYS];
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = span_of((const uint8_t *)state->a + i * KEY_BYTES, KEY_BYTES);
    sha256_many(state->sha256, keys, KEYS, digests);
}

static const struct {
    const char *name;
    void (*work)(struct state *state);
} figures[] = {{"ntt_forward", forward},
               {"ntt_inverse", inverse},
               {"key_switch", dot},
               {"reduce_128", reduce},
               {"sample_uniform", uniform}};

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double time_of(void (*work)(struct state *state), struct state *state)
{
    const uint64_t start = bench_now_ns();
    for (unsigned i = 0; i < 16; i++)
        work(state);
    return (double)(bench_now_ns() - start);
}

static double ratio_of(void (*work)(struct state *state), struct state *ref, struct state *own)
{
    double ratios[ROUNDS];
    work(ref);
    work(own);
    for (size_t round = 0; round < ROUNDS; round++) {
        const double portable = time_of(work, ref);
        ratios[round] = portable / time_of(work, own);
    }
    qsort(ratios, ROUNDS, sizeof ratios[0], compare);
    return ratios[ROUNDS / 2];
}

static struct rns_basis *basis_for(const struct ntt_kernel *kernel)
{
    static const uint64_t moduli[MODULI] = {134176769, 268369921, 268361729};
    struct rns_basis *basis = NULL;
    if (rns_basis_new(N, moduli, MODULI, kernel, &basis, NULL) != STATUS_OK)
        bench_fail("no basis");
    return basis;
}

static void print_ratio(const char *figure, const char *kernel, double times)
{
    printf("ratio figure=%s kernel=%s times=%.2f\n", figure, kernel, times);
}

/* OpenSSL, which is the portable one here, has SHA-NI where the machine has it. */
static void compare_sha256(struct state *ref, const struct cpu *cpu)
{
    const struct cpu none = {0};
    struct state own = *ref;
    ref->sha256 = sha256_many_kernel_for(&none);
    for (size_t k = 0; sha256_many_kernel_list(k) != NULL; k++) {
        own.sha256 = sha256_many_kernel_list(k);
        if (sha256_many_kernel_runs_on(own.sha256, cpu))
            print_ratio("sha256_many", sha256_many_kernel_name(own.sha256),
                        ratio_of(hash_keys, ref, &own));
    }
}

int main(void)
{
    const struct cpu cpu = cpu_detect();
    const struct ntt_kernel *kernel = NULL;
    struct state ref = {.a = poly_alloc(N, ROWS),
                        .b = poly_alloc(N, ROWS),
                        .ret = poly_alloc(N, 3),
                        .sources = poly_alloc(N, 1)};
    if (ref.a == NULL || ref.b == NULL || ref.ret == NULL || ref.sources == NULL)
        bench_fail("no memory");
    for (size_t i = 0; i < (size_t)ROWS * N; i++)
        ref.a[i] = ref.b[i] = (uint32_t)(i * 2654435761u) >> 6;
    automorphism_eval_sources(ref.sources, 1025, N);
    for (size_t r = 0; r < ROWS; r++)
        ref.rows[r] = ref.b + r * N;
    if (ntt_kernel_choose(&cpu, "ref", N, &kernel, NULL) != STATUS_OK)
        bench_fail("no portable kernel");
    ref.basis = basis_for(kernel);
    for (size_t k = 0; ntt_kernel_list(k) != NULL; k++) {
        if (ntt_kernel_choose(&cpu, ntt_kernel_list(k), N, &kernel, NULL) != STATUS_OK)
            continue;
        struct state own = ref;
        own.basis = basis_for(kernel);
        for (size_t f = 0; f < ARRAY_COUNT(figures); f++)
            print_ratio(figures[f].name, ntt_kernel_name(kernel),
                        ratio_of(figures[f].work, &ref, &own));
        rns_basis_free(own.basis);
    }
    compare_sha256(&ref, &cpu);
    rns_basis_free(ref.basis);
    mem_free(ref.a);
    mem_free(ref.b);
    mem_free(ref.ret);
    mem_free(ref.sources);
    return 0;
}
