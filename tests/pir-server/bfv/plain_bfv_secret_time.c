/* Under valgrind: nothing branches on a secret and nothing is indexed with one.
 *
 * Random bytes, messages and all that follows from them are marked undefined, so memcheck reports
 * every jump and address that depends on them. bfv_secret_time.test.sh runs this program so; by
 * itself it checks results only. */
#include "base/mem.h"
#include "pir-server/bfv/bfv_evaluation_key.h"
#include "pir-server/ring/sampling.h"
#include "tests/tap.h"

#include <string.h>

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAS_MEMCHECK 1
#endif
#endif
#ifndef HAS_MEMCHECK
#define HAS_MEMCHECK                          0
#define VALGRIND_MAKE_MEM_UNDEFINED(at, size) ((void)(at), (void)(size))
#define VALGRIND_MAKE_MEM_DEFINED(at, size)   ((void)(at), (void)(size))
#define RUNNING_ON_VALGRIND                   0
#endif

static enum status secret_bytes(void *state, uint8_t *out, size_t size, struct error *err)
{
    const enum status status = drbg_read(state, out, size, err);
    VALGRIND_MAKE_MEM_UNDEFINED(out, size);
    return status;
}

static struct bfv_context *context_of(const char *name, const char *kernel)
{
    struct bfv_context *context = NULL;
    const struct bfv_named_parameters *const set = bfv_named_parameters_find(name);
    if (set == NULL ||
        bfv_context_new(&set->parameters, BFV_ALLOW_INSECURE, kernel, &context, NULL) != STATUS_OK)
        return NULL;
    return context;
}

static void check(const char *name, const char *kernel)
{
    struct bfv_context *const context = context_of(name, kernel);
    TAP_CHECK(context != NULL, "%s: context", name);
    if (context == NULL)
        return;
    const size_t n = bfv_context_degree(context);
    const size_t levels = bfv_context_ciphertext_moduli(context);
    const uint8_t seed[DRBG_SEED_BYTES] = {1};
    struct drbg drbg;
    const struct random_source random = {.fill = secret_bytes, .state = &drbg};
    TAP_CHECK(drbg_init(&drbg, seed, NULL) == STATUS_OK, "%s: generator", name);

    struct bfv_secret_key *key = NULL;
    TAP_CHECK(bfv_secret_key_new(context, &random, &key, NULL) == STATUS_OK, "%s: key", name);
    uint32_t *const message = poly_alloc(n, 1);
    uint32_t *const back = poly_alloc(n, 1);
    for (size_t k = 0; k < n; k++)
        message[k] = (uint32_t)k % bfv_context_plaintext_modulus(context)->value;
    VALGRIND_MAKE_MEM_UNDEFINED(message, n * sizeof *message);

    struct bfv_ciphertext ct = {0};
    struct bfv_ciphertext component = {0};
    TAP_CHECK(bfv_ciphertext_init(context, 2, levels, BFV_COEFFICIENT, &ct, NULL) == STATUS_OK &&
                  bfv_ciphertext_init(context, 2, levels + 1, BFV_EVALUATION, &component, NULL) ==
                      STATUS_OK,
              "%s: memory", name);
    TAP_CHECK(bfv_encrypt(context, key, message, seed, &random, &ct, NULL) == STATUS_OK,
              "%s: encryption", name);
    TAP_CHECK(bfv_galois_key_component(context, key, n + 1, 0, seed, &random, &component, NULL) ==
                  STATUS_OK,
              "%s: Galois key", name);
    TAP_CHECK(bfv_relin_key_component(context, key, 0, seed, &random, &component, NULL) ==
                  STATUS_OK,
              "%s: relinearization key", name);
    TAP_CHECK(bfv_decrypt(context, key, &ct, back, NULL) == STATUS_OK, "%s: decryption", name);
    bfv_ciphertext_switch_down(context, &ct, 1);
    TAP_CHECK(bfv_decrypt(context, key, &ct, back, NULL) == STATUS_OK, "%s: response", name);
    struct bytes bytes;
    bytes_init(&bytes, 1 << 20);
    bfv_secret_key_write(key, &bytes);
    TAP_CHECK(bytes_status(&bytes, "key", NULL) == STATUS_OK, "%s: key as bytes", name);

    VALGRIND_MAKE_MEM_DEFINED(message, n * sizeof *message);
    VALGRIND_MAKE_MEM_DEFINED(back, n * sizeof *back);
    TAP_CHECK(memcmp(message, back, n * sizeof *back) == 0, "%s: what was encrypted is read", name);
    bytes_deinit_secret(&bytes);
    bfv_ciphertext_deinit(&ct);
    bfv_ciphertext_deinit(&component);
    mem_free(message);
    mem_free(back);
    bfv_secret_key_free(key);
    drbg_deinit(&drbg);
    bfv_context_free(context);
}

int main(int argc, char **argv)
{
    check("n_4096_logq_27_28_28_logt_5", NULL);
    check("n_4096_logq_27_28_28_logt_5", "ref");
    check("insecure_n_8_logq_5x18_logt_5", NULL);
    /* A branch on a secret on purpose: the watcher itself must be able to fail. */
    if (argc > 1 && strcmp(argv[1], "--leak") == 0) {
        uint8_t secret = 1;
        VALGRIND_MAKE_MEM_UNDEFINED(&secret, 1);
        TAP_CHECK(secret == 1, "leak");
    }
    return tap_finish();
}
