#include "tests/pir-server/lattice_help.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

const uint64_t group_a[3] = {134176769, 268369921, 268361729};

const char *sha256_hex(struct span bytes)
{
    static char text[2 * SHA256_DIGEST_LENGTH + 1];
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(bytes.data, bytes.size, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return text;
}

const char *vectors_folder(void)
{
    const char *folder = getenv("BLINDLIST_VECTORS");
    return folder == NULL ? "../shared/vectors" : folder;
}

const struct ntt_kernel *any_kernel(size_t n)
{
    const struct cpu cpu = cpu_detect();
    const struct ntt_kernel *kernel;
    if (ntt_kernel_choose(&cpu, NULL, n, &kernel, NULL) != STATUS_OK)
        abort();
    return kernel;
}

struct rns_basis *basis_for(size_t degree, const uint64_t *moduli, size_t count)
{
    struct rns_basis *basis;
    if (rns_basis_new(degree, moduli, count, any_kernel(degree), &basis, NULL) != STATUS_OK)
        abort();
    return basis;
}

void fill_residues(uint32_t *ret, size_t n, uint32_t q, uint64_t seed)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        ret[i] = (uint32_t)((state >> 33) % q);
    }
}
