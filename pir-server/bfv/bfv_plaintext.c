#include "pir-server/bfv/bfv_plaintext.h"

#include "pir-server/bfv/bfv_context_internal.h"
#include "pir-server/ring/packing.h"

#include <inttypes.h>
#include <string.h>

enum status bfv_plaintext_encode(const struct bfv_context *context, struct span bytes,
                                 uint32_t *ret, struct error *err)
{
    const uint32_t bits = bfv_bits_per_coefficient(&context->parameters);
    const size_t most = bfv_bytes_per_plaintext(&context->parameters);
    if (bytes.size > most)
        return error_set(err, STATUS_TOO_LARGE, "%zu bytes: a plaintext holds %zu", bytes.size,
                         most);
    /* Whole groups first; the last one may lack bits, which are zero. */
    const size_t whole = (size_t)((uint64_t)bytes.size * 8 / bits);
    const uint32_t rest = (uint32_t)((uint64_t)bytes.size * 8 % bits);
    if (whole > 0)
        row_unpack(ret, bytes.data, whole, bits, 0);
    memset(ret + whole, 0, (context->degree - whole) * sizeof *ret);
    if (rest > 0) {
        uint32_t last = 0;
        for (size_t bit = whole * bits; bit < bytes.size * 8; bit++)
            last = last << 1 | ((bytes.data[bit / 8] >> (7 - bit % 8)) & 1);
        ret[whole] = last << (bits - rest);
    }
    return STATUS_OK;
}

enum status bfv_plaintext_decode(const struct bfv_context *context, const uint32_t *coefficients,
                                 uint8_t *ret, struct error *err)
{
    const uint32_t bits = bfv_bits_per_coefficient(&context->parameters);
    uint32_t seen = 0;
    for (size_t k = 0; k < context->degree; k++)
        seen |= coefficients[k];
    if (seen >> bits != 0)
        return error_set(
            err, STATUS_MALFORMED,
            "a coefficient is not below 2^%" PRIu32 ": wrong key, or no noise budget left", bits);
    row_pack(ret, coefficients, context->degree, bits, 0); /* N is a multiple of 8: whole bytes */
    return STATUS_OK;
}

/* v stays for v < (t + 1)/2 and becomes v - t otherwise: v - t + q_i. */
void bfv_plaintext_lift(const struct bfv_context *context, const uint32_t *coefficients,
                        uint32_t *ret)
{
    const uint32_t t = context->plain.value;
    const uint32_t half = (t + 1) / 2;
    for (size_t i = 0; i < context->levels; i++) {
        const uint32_t more = context->basis->modulus[i].value - t;
        uint32_t *const row = ret + i * context->degree;
        for (size_t k = 0; k < context->degree; k++) {
            const uint32_t is_large = 1 ^ ((coefficients[k] - half) >> 31);
            row[k] = coefficients[k] + (more & (0 - is_large));
        }
        ntt_forward(row, row, context->basis->tables[i]);
    }
}

enum status bfv_plaintext_unlift(const struct bfv_context *context, const uint32_t *lifted,
                                 uint32_t *scratch, uint32_t *ret, struct error *err)
{
    const uint32_t t = context->plain.value;
    const uint32_t half = (t + 1) / 2;
    const size_t n = context->degree;
    memcpy(scratch, lifted, context->levels * n * sizeof *scratch);
    poly_inverse(scratch, context->basis, context->levels);
    for (size_t i = 0; i < context->levels; i++) {
        const uint32_t more = context->basis->modulus[i].value - t;
        uint32_t *const row = scratch + i * n;
        for (size_t k = 0; k < n; k++) {
            const uint32_t value = row[k] < half ? row[k] : row[k] - more;
            if (value >= t || (value < half) != (row[k] < half) || (i > 0 && value != scratch[k]))
                return error_set(err, STATUS_MALFORMED,
                                 "coefficient %zu of a plaintext is not the lift of a value below "
                                 "%" PRIu32,
                                 k, t);
            row[k] = value;
        }
    }
    memcpy(ret, scratch, n * sizeof *ret);
    return STATUS_OK;
}
