/* Reading a `.bin` of a small shard: two tables of 3 x 2 plaintexts, N = 8. */
#include "base/mem.h"
#include "pir-server/pir/pir_shard_bin.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pir_parameters parameters(void)
{
    const struct bfv_parameters encryption =
        bfv_named_parameters_find("insecure_n_8_logq_5x18_logt_5")->parameters;
    struct pir_parameters p = {
        .encryption = encryption,
        .entry_count = 6,
        .entry_bytes = 4,
        .dimensions = {3, 2},
        .dimension_count = 2,
        .has_keyword_parameters = true,
        .hash_function_count = 2,
        .algorithm = PIR_ALGORITHM_MUL_PIR,
        .batch_size = 2,
        .evaluation_key = {.encryption = encryption, .has_relin_key = true},
    };
    pir_galois_elements(8, 10, PIR_KEY_COMPRESSION_NONE, p.evaluation_key.galois_elements,
                        &p.evaluation_key.galois_element_count);
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pir_parameters p = parameters();
    struct bfv_context *context = NULL;
    struct pir_bin_reader *reader = NULL;
    struct pir_shard *shard = NULL;
    struct pir_layout layout;
    struct error error;
    if (pir_layout_init(&p, BFV_ALLOW_INSECURE, &layout, &error) != STATUS_OK ||
        bfv_context_new(&p.encryption, BFV_ALLOW_INSECURE, NULL, &context, &error) != STATUS_OK)
        abort();
    if (pir_bin_reader_new(context, &layout, span_of(data, size), &reader, &error) == STATUS_OK) {
        const struct pir_plaintext_source source = pir_bin_source(reader);
        const struct cpu cpu = cpu_detect();
        /* What was read is a shard that can be verified. */
        if (pir_shard_build(&p, BFV_ALLOW_INSECURE, sha256_many_kernel_for(&cpu), &source, &shard,
                            &error) == STATUS_OK &&
            pir_shard_verify(shard, &error) != STATUS_OK)
            abort();
    }
    pir_shard_free(shard);
    pir_bin_reader_free(reader);
    bfv_context_free(context);
    return 0;
}
