/* Opening a `.pir` from hostile bytes, then touching everything it shows. */
#include "base/mem.h"
#include "pir-server/pir/pir_shard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pir_shard *shard = NULL;
    struct error error;
    uint8_t *image = mem_alloc_aligned(MEM_ROW_ALIGNMENT, size, 1);
    if (image == NULL)
        return 0;
    if (size > 0)
        memcpy(image, data, size);
    if (pir_shard_open_bytes(span_of(image, size), BFV_ALLOW_INSECURE, &shard, &error) ==
        STATUS_OK) {
        const struct pir_layout *layout = pir_shard_layout(shard);
        uint32_t *row = mem_alloc(layout->moduli_count * layout->degree, sizeof *row);
        for (size_t i = 0; row != NULL && i < layout->plaintext_count; i++)
            (void)pir_shard_plaintext(shard, i, row);
        for (size_t table = 0; table < layout->table_count; table++)
            for (size_t chunk = 0; chunk < layout->chunk_count; chunk++)
                (void)pir_shard_matrix(shard, table, chunk);
        if (pir_shard_verify(shard, &error) == STATUS_OK)
            (void)pir_shard_filled_count(shard);
        mem_free(row);
    }
    pir_shard_free(shard);
    mem_free(image);
    return 0;
}
