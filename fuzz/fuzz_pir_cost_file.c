/* The file of measured costs: any bytes are read or refused; what is read can be written, is read
 * the same, and a shape can be chosen by it. */
#include "pir-server/pir/pir_cost_file.h"
#include "pir-server/pir/pir_shape.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pir_cost_constants constants;
    struct pir_cost_constants again;
    struct bytes text;
    if (pir_cost_file_parse(span_of(data, size), "fuzz", &constants, NULL) != STATUS_OK)
        return 0;
    bytes_init(&text, PIR_COST_FILE_MAX_BYTES);
    if (pir_cost_file_format(&constants, "ref", &text, NULL) != STATUS_OK ||
        pir_cost_file_parse(bytes_view(&text), "fuzz", &again, NULL) != STATUS_OK ||
        memcmp(constants.ns, again.ns, sizeof constants.ns) != 0 ||
        constants.degree != again.degree || constants.pairs_levels != again.pairs_levels)
        abort();
    bytes_deinit(&text);

    const struct pir_shape_load load = {
        .encryption = bfv_named_parameters_find("n_4096_logq_27_28_28_logt_5")->parameters,
        .sharding = {.function = SHARDING_SHA256},
        .shard_count = 1,
        .rows = 1000,
        .longest_value = 1};
    struct pir_shape_wish wish;
    struct pir_parameters chosen;
    pir_shape_wish_init(&wish);
    wish.constants = &constants;
    if (pir_shape_choose(&load, &wish, &chosen, NULL) != STATUS_OK ||
        pir_parameters_validate(&chosen, NULL) != STATUS_OK)
        abort();
    return 0;
}
