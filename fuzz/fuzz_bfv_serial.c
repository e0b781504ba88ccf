/* Ciphertexts and secret keys as they come from outside, for the N = 8 test parameters.
 *
 * Byte 0 chooses the parser, bytes 1.. its small arguments, the rest is the field. What is accepted
 * must be in range and must be written back the same, padding aside. */
#include "base/mem.h"
#include "pir-server/bfv/bfv_secret.h"

#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_range(const struct bfv_context *context, const struct bfv_ciphertext *ciphertext)
{
    const size_t n = bfv_context_degree(context);
    for (size_t i = 0; i < ciphertext->poly_count * ciphertext->moduli_count; i++)
        for (size_t k = 0; k < n; k++)
            require(ciphertext->words[i * n + k] <
                    bfv_context_basis(context)->modulus[i % ciphertext->moduli_count].value);
}

static void full(const struct bfv_context *context, const uint8_t *data, size_t size)
{
    if (size < 8)
        return;
    const uint32_t skips[4] = {data[0] % 20, data[1] % 20, data[2], data[3]};
    const size_t polys = 1 + data[4] % BFV_MAX_POLYS;
    const size_t moduli = 1 + data[5] % 5;
    struct bfv_ciphertext in;
    if (bfv_ciphertext_init(context, polys, moduli, BFV_COEFFICIENT, &in, NULL) != STATUS_OK)
        return;
    const size_t skip_count = data[6] % 5;
    if (bfv_ciphertext_read_full(context, span_of(data + 8, size - 8), skips, skip_count,
                                 data[7] % 3, &in, NULL) == STATUS_OK) {
        check_range(context, &in);
        struct bytes out;
        struct bfv_ciphertext again;
        bytes_init(&out, 4096);
        bfv_ciphertext_write_full(context, &in, skip_count == 0 ? NULL : skips, &out);
        require(out.size == size - 8);
        require(bfv_ciphertext_init(context, polys, moduli, BFV_COEFFICIENT, &again, NULL) ==
                STATUS_OK);
        require(bfv_ciphertext_read_full(context, bytes_view(&out), skips, skip_count, 1, &again,
                                         NULL) == STATUS_OK);
        require(memcmp(in.words, again.words,
                       bfv_ciphertext_words(context, polys, moduli) * sizeof *in.words) == 0);
        bfv_ciphertext_deinit(&again);
        bytes_deinit(&out);
    }
    bfv_ciphertext_deinit(&in);
}

static void seeded(const struct bfv_context *context, const uint8_t *data, size_t size)
{
    if (size < 2)
        return;
    const enum bfv_form form = data[0] % 2 == 0 ? BFV_COEFFICIENT : BFV_EVALUATION;
    size_t seed_size = data[1];
    if (seed_size > size - 2)
        seed_size = size - 2;
    struct bfv_ciphertext in;
    if (bfv_ciphertext_init(context, 2, 4, form, &in, NULL) != STATUS_OK)
        return;
    if (bfv_ciphertext_read_seeded(context, span_of(data + 2 + seed_size, size - 2 - seed_size),
                                   span_of(data + 2, seed_size), &in, NULL) == STATUS_OK)
        check_range(context, &in);
    bfv_ciphertext_deinit(&in);
}

static void secret(const struct bfv_context *context, const uint8_t *data, size_t size)
{
    struct bfv_secret_key *key = NULL;
    if (bfv_secret_key_read(context, span_of(data, size), &key, NULL) == STATUS_OK)
        bfv_secret_key_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bfv_context *context;
    if (context == NULL &&
        bfv_context_new(&bfv_named_parameters_find("insecure_n_8_logq_5x18_logt_5")->parameters,
                        BFV_ALLOW_INSECURE, NULL, &context, NULL) != STATUS_OK)
        abort();
    if (size == 0)
        return 0;
    if (data[0] % 3 == 0)
        full(context, data + 1, size - 1);
    else if (data[0] % 3 == 1)
        seeded(context, data + 1, size - 1);
    else
        secret(context, data + 1, size - 1);
    return 0;
}
