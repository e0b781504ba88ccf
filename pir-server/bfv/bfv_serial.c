#include "pir-server/bfv/bfv_serial.h"

#include "base/mem.h"
#include "base/reader.h"
#include "pir-server/bfv/bfv_context_internal.h"
#include "pir-server/ring/packing.h"
#include "pir-server/ring/sampling.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

size_t bfv_poly_bytes(const struct bfv_context *context, size_t moduli_count, uint32_t skip)
{
    size_t size = 0;
    for (size_t i = 0; i < moduli_count; i++)
        size += packed_row_bytes(context->degree, context->basis->modulus[i].bits, skip);
    return size;
}

void bfv_poly_write(const struct bfv_context *context, const uint32_t *poly, size_t moduli_count,
                    uint32_t skip, struct bytes *ret)
{
    for (size_t i = 0; i < moduli_count; i++) {
        const uint32_t width = context->basis->modulus[i].bits;
        assert(skip < width);
        uint8_t *const space =
            bytes_append_space(ret, packed_row_bytes(context->degree, width, skip));
        if (space == NULL)
            return; /* sticks in ret */
        row_pack(space, poly + i * context->degree, context->degree, width, skip);
    }
}

/* Looks at all values and only then says whether one was too large: no branch a value. */
static bool row_is_reduced(const uint32_t *row, size_t n, uint32_t q)
{
    uint32_t below = UINT32_MAX;
    for (size_t k = 0; k < n; k++)
        below &= row[k] - q; /* top bit set: row[k] < q, both below 2^31 */
    return below >> 31 != 0;
}

static bool skip_is_possible(const struct bfv_context *context, size_t moduli_count, uint32_t skip)
{
    for (size_t i = 0; i < moduli_count; i++)
        if (skip >= context->basis->modulus[i].bits)
            return false;
    return true;
}

enum status bfv_poly_read(const struct bfv_context *context, struct span in, size_t moduli_count,
                          uint32_t skip, const char *what, uint32_t *ret, struct error *err)
{
    const size_t n = context->degree;
    if (!skip_is_possible(context, moduli_count, skip))
        return error_set(err, STATUS_MALFORMED, "%s: %" PRIu32 " skipped bits leave nothing", what,
                         skip);
    const size_t expected = bfv_poly_bytes(context, moduli_count, skip);
    if (in.size != expected)
        return error_set(err, STATUS_MALFORMED,
                         "%s: %zu bytes, a polynomial over %zu moduli has %zu", what, in.size,
                         moduli_count, expected);
    const uint8_t *from = in.data;
    for (size_t i = 0; i < moduli_count; i++) {
        const struct modulus *const q = &context->basis->modulus[i];
        row_unpack(ret + i * n, from, n, q->bits, skip);
        from += packed_row_bytes(n, q->bits, skip);
        if (!row_is_reduced(ret + i * n, n, q->value))
            return error_set(err, STATUS_MALFORMED, "%s: a value is not below its modulus %" PRIu32,
                             what, q->value);
    }
    return STATUS_OK;
}

void bfv_seeded_init(struct bfv_seeded *seeded)
{
    bytes_init(&seeded->poly0, (size_t)BFV_MAX_MODULI * NTT_DEGREE_MAX * sizeof(uint32_t));
    memset(seeded->seed, 0, sizeof seeded->seed);
}

void bfv_seeded_deinit(struct bfv_seeded *seeded)
{
    bytes_deinit(&seeded->poly0);
}

enum status bfv_ciphertext_read_seeded(const struct bfv_context *context, struct span poly0,
                                       struct span seed, struct bfv_ciphertext *ret,
                                       struct error *err)
{
    assert(ret->poly_count == 2);
    if (seed.size != DRBG_SEED_BYTES)
        return error_set(err, STATUS_MALFORMED, "seed: %zu bytes, must be %d", seed.size,
                         DRBG_SEED_BYTES);
    enum status status =
        bfv_poly_read(context, poly0, ret->moduli_count, 0, "poly0", ret->words, err);
    if (status != STATUS_OK)
        return status;
    uint32_t *const second = bfv_ciphertext_poly(context, ret, 1);
    status = sample_uniform(second, seed.data, context->basis, ret->moduli_count, err);
    if (status == STATUS_OK && ret->form == BFV_COEFFICIENT)
        poly_inverse(second, context->basis, ret->moduli_count);
    return status;
}

enum status bfv_ciphertext_read_full(const struct bfv_context *context, struct span polys,
                                     const uint32_t *skips, size_t skip_count,
                                     uint64_t correction_factor, struct bfv_ciphertext *ret,
                                     struct error *err)
{
    struct reader reader;
    reader_init(&reader, polys);
    const size_t count = reader_u16le(&reader);
    enum status status = reader_check(&reader, "polys", err);
    if (status != STATUS_OK)
        return status;
    if (count != ret->poly_count)
        return error_set(err, STATUS_MALFORMED, "polys: %zu polynomials, must be %zu", count,
                         ret->poly_count);
    if (skip_count != 0 && skip_count != ret->poly_count)
        return error_set(err, STATUS_MALFORMED, "skip_lsbs: %zu entries for %zu polynomials",
                         skip_count, ret->poly_count);
    if (correction_factor != 1)
        return error_set(err, STATUS_MALFORMED, "correction_factor %" PRIu64 ": must be 1",
                         correction_factor);
    for (size_t p = 0; p < count; p++) {
        const uint32_t skip = skip_count == 0 ? 0 : skips[p];
        if (!skip_is_possible(context, ret->moduli_count, skip))
            return error_set(err, STATUS_MALFORMED, "skip_lsbs: %" PRIu32 " bits leave nothing",
                             skip);
        const struct span part =
            reader_take(&reader, bfv_poly_bytes(context, ret->moduli_count, skip));
        status = reader_check(&reader, "polys", err);
        if (status != STATUS_OK)
            return status;
        status = bfv_poly_read(context, part, ret->moduli_count, skip, "polys",
                               bfv_ciphertext_poly(context, ret, p), err);
        if (status != STATUS_OK)
            return status;
    }
    return reader_finish(&reader, "polys", err);
}

void bfv_ciphertext_write_full(const struct bfv_context *context,
                               const struct bfv_ciphertext *ciphertext, const uint32_t *skips,
                               struct bytes *ret)
{
    bytes_append_u16le(ret, (uint16_t)ciphertext->poly_count);
    for (size_t p = 0; p < ciphertext->poly_count; p++)
        bfv_poly_write(context, bfv_ciphertext_poly(context, ciphertext, p),
                       ciphertext->moduli_count, skips == NULL ? 0 : skips[p], ret);
}

size_t bfv_ciphertext_full_bytes(const struct bfv_context *context, size_t poly_count,
                                 size_t moduli_count, const uint32_t *skips)
{
    size_t size = 2;
    for (size_t p = 0; p < poly_count; p++)
        size += bfv_poly_bytes(context, moduli_count, skips == NULL ? 0 : skips[p]);
    return size;
}
