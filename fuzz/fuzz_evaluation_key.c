/* Evaluation keys and secret keys of the smallest ring (N = 8, five moduli), in full: what is
 * accepted has every part that was asked for. The first byte selects the reader. */
#include "base/bytes.h"
#include "pir-server/bfv/bfv_evaluation_key.h"
#include "pir-server/pir/pir_parameters.h"
#include "pir-server/wire/wire_keys.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_evaluation_key(const struct bfv_context *context,
                               const struct pir_evaluation_key_config *config, struct span in)
{
    struct bfv_evaluation_key *key = NULL;
    if (wire_evaluation_key_read(context, config, in, &key, NULL) != STATUS_OK)
        return;
    if (config != NULL && (!bfv_evaluation_key_has_galois(key, config->galois_elements[0]) ||
                           !bfv_evaluation_key_has_relin(key)))
        abort();
    bfv_evaluation_key_free(key);
}

static void try_secret_key(const struct bfv_context *context, struct span in)
{
    struct bfv_secret_key *key = NULL;
    struct bytes out;
    if (wire_secret_key_read(context, in, &key, NULL) != STATUS_OK)
        return;
    bytes_init(&out, 1 << 16);
    if (wire_secret_key_write(key, &out, NULL) != STATUS_OK)
        abort();
    bytes_deinit_secret(&out);
    bfv_secret_key_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bfv_named_parameters *named =
        bfv_named_parameters_find("insecure_n_8_logq_5x18_logt_5");
    struct bfv_context *context = NULL;
    if (size == 0)
        return 0;
    if (named == NULL ||
        bfv_context_new(&named->parameters, BFV_ALLOW_INSECURE, NULL, &context, NULL) != STATUS_OK)
        abort();
    const struct pir_evaluation_key_config config = {.encryption = named->parameters,
                                                     .galois_elements = {9},
                                                     .galois_element_count = 1,
                                                     .has_relin_key = true};
    const struct span in = span_of(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        try_evaluation_key(context, &config, in);
        break;
    case 1:
        try_evaluation_key(context, NULL, in);
        break;
    default:
        try_secret_key(context, in);
        break;
    }
    bfv_context_free(context);
    return 0;
}
