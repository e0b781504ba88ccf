#include "pir-server/pir/sha256_many/sha256_many.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <openssl/evp.h>
#include <string.h>

enum { LENGTHS = 201, BATCH_MAX = 300, GUARD = 0xa5 };

/* One parameter a kernel, its number; a kernel that cannot run here is a counted skip. */
static struct criterion_test_params all_kernels(void)
{
    static size_t numbers[8];
    size_t count = 0;
    for (; sha256_many_kernel_list(count) != NULL; count++)
        numbers[count] = count;
    return cr_make_param_array(size_t, numbers, count);
}

static const struct sha256_many_kernel *kernel_or_skip(size_t number)
{
    const struct cpu cpu = cpu_detect();
    const struct sha256_many_kernel *kernel = sha256_many_kernel_list(number);
    if (!sha256_many_kernel_runs_on(kernel, &cpu))
        cr_skip_test("SHA-256 kernel %s does not run on this machine",
                     sha256_many_kernel_name(kernel));
    return kernel;
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* All against OpenSSL; what lies around the digests is left alone. */
static void check(const struct sha256_many_kernel *kernel, const struct span *inputs, size_t count)
{
    static uint8_t out[BATCH_MAX + 2][SHA256_MANY_BYTES];
    uint8_t want[EVP_MAX_MD_SIZE];
    cr_assert_leq(count, BATCH_MAX);
    memset(out, GUARD, sizeof out);
    sha256_many(kernel, inputs, count, out + 1);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(EVP_Digest(inputs[i].data, inputs[i].size, want, NULL, EVP_sha256(), NULL), 1);
        cr_assert_arr_eq(out[i + 1], want, SHA256_MANY_BYTES, "input %zu of %zu, %zu bytes", i,
                         count, inputs[i].size);
    }
    memset(want, GUARD, SHA256_MANY_BYTES);
    cr_assert_arr_eq(out[0], want, SHA256_MANY_BYTES);
    cr_assert_arr_eq(out[count + 1], want, SHA256_MANY_BYTES);
}

ParameterizedTestParameters(sha256_many, every_length)
{
    return all_kernels();
}

ParameterizedTest(size_t *number, sha256_many, every_length)
{
    const struct sha256_many_kernel *kernel = kernel_or_skip(*number);
    static uint8_t text[LENGTHS];
    static struct span inputs[LENGTHS];
    memset(text, 0xff, sizeof text);
    for (size_t i = 0; i < LENGTHS; i++)
        inputs[i] = span_of(text, i);
    check(kernel, inputs, LENGTHS);
    /* The same length in every lane, and one input alone. */
    for (size_t length = 0; length < LENGTHS; length++) {
        struct span same[33];
        for (size_t i = 0; i < 33; i++)
            same[i] = inputs[length];
        check(kernel, same, 33);
        check(kernel, same, 1);
    }
}

ParameterizedTestParameters(sha256_many, random_batches)
{
    return all_kernels();
}

ParameterizedTest(size_t *number, sha256_many, random_batches)
{
    const struct sha256_many_kernel *kernel = kernel_or_skip(*number);
    static uint8_t text[4096];
    static struct span inputs[BATCH_MAX];
    uint64_t state = 4;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)next_random(&state);
    for (size_t round = 0; round < 200; round++) {
        const size_t count = next_random(&state) % (BATCH_MAX + 1);
        /* Mostly keys, now and then something of up to 2,000 bytes; anywhere, also unaligned. */
        for (size_t i = 0; i < count; i++) {
            const size_t most = next_random(&state) % 16 == 0 ? 2000 : 130;
            inputs[i] = span_of(text + next_random(&state) % 2000, next_random(&state) % most);
        }
        check(kernel, inputs, count);
    }
}

Test(sha256_many, the_kernel_follows_the_machine)
{
    const struct cpu none = {0};
    const struct cpu avx2 = {.has_avx2 = true};
    const struct cpu avx512 = {.has_avx2 = true, .has_avx512 = true};
    const struct cpu sha = {.has_avx2 = true, .has_sha_ni = true};
    cr_assert_str_eq(sha256_many_kernel_name(sha256_many_kernel_for(&none)), "ref");
#if defined(__x86_64__)
    cr_assert_str_eq(sha256_many_kernel_name(sha256_many_kernel_for(&avx2)), "avx2");
    cr_assert_str_eq(sha256_many_kernel_name(sha256_many_kernel_for(&avx512)), "avx512");
    cr_assert_str_eq(sha256_many_kernel_name(sha256_many_kernel_for(&sha)), "shani");
#else
    cr_assert_str_eq(sha256_many_kernel_name(sha256_many_kernel_for(&avx2)), "ref");
    (void)avx512;
    (void)sha;
#endif
}
