#include "pir-server/pir/sha256_many/sha256_many.h"

#include "pir-server/pir/sha256_many/sha256_many_internal.h"

/* One input in so many lanes, at least. */
#define FEWEST_OF_LANES 4

static const struct sha256_many_kernel *const kernels[] = {
    &sha256_many_kernel_shani, &sha256_many_kernel_avx512, &sha256_many_kernel_avx2,
    &sha256_many_kernel_ref};

const struct sha256_many_kernel *sha256_many_kernel_for(const struct cpu *cpu)
{
    size_t i = 0;
    while (!sha256_many_kernel_runs_on(kernels[i], cpu))
        i++; /* the last runs everywhere */
    return kernels[i];
}

const struct sha256_many_kernel *sha256_many_kernel_list(size_t number)
{
    return number < ARRAY_COUNT(kernels) ? kernels[number] : NULL;
}

const char *sha256_many_kernel_name(const struct sha256_many_kernel *kernel)
{
    return kernel->name;
}

bool sha256_many_kernel_runs_on(const struct sha256_many_kernel *kernel, const struct cpu *cpu)
{
    return kernel->hash != NULL && kernel->runs_on(cpu);
}

size_t sha256_many_kernel_lanes(const struct sha256_many_kernel *kernel)
{
    return kernel->lanes;
}

void sha256_many(const struct sha256_many_kernel *kernel, const struct span *inputs, size_t count,
                 uint8_t (*ret)[SHA256_MANY_BYTES])
{
    /* All lanes cost what one does: with most of them idle, one by one is faster. */
    const bool is_worth_it = count >= kernel->lanes / FEWEST_OF_LANES;
    (is_worth_it ? kernel : &sha256_many_kernel_ref)->hash(inputs, count, ret);
}
