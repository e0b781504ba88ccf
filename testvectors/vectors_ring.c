/* Rings: random streams, transforms, automorphisms, packing, rounding. */
#include "base/cpu.h"
#include "base/mem.h"
#include "pir-server/bfv/bfv_ciphertext.h"
#include "pir-server/ring/packing.h"
#include "pir-server/ring/sampling.h"
#include "testvectors/vectors_kind.h"

#include <string.h>

#define RING_MAX_MODULI 8

/* A basis for members "degree" and `moduli`, with the portable kernel: vectors come from the code
 * that defines correct. */
static enum status make_basis(const json_t *in, const json_t *moduli, struct rns_basis **ret,
                              struct error *err)
{
    const struct cpu cpu = cpu_detect();
    const struct ntt_kernel *kernel = NULL;
    uint32_t words[RING_MAX_MODULI];
    uint64_t values[RING_MAX_MODULI];
    uint64_t degree = 0;
    size_t count = 0;
    enum status st = vectors_number_in(in, "degree", NTT_DEGREE_MIN, NTT_DEGREE_MAX, &degree, err);
    if (st == STATUS_OK)
        st = vectors_words(moduli, "moduli", MODULUS_MAX, 1, RING_MAX_MODULI, words, &count, err);
    if (st == STATUS_OK)
        st = ntt_kernel_choose(&cpu, NULL, (size_t)degree, &kernel, err);
    if (st != STATUS_OK)
        return st;
    for (size_t i = 0; i < count; i++)
        values[i] = words[i];
    return rns_basis_new((size_t)degree, values, count, kernel, ret, err);
}

/* A basis for the one modulus of member "modulus". */
static enum status make_ring(const json_t *in, struct rns_basis **ret, struct error *err)
{
    json_t *moduli = json_pack("[I]", (json_int_t)vectors_number(in, "modulus"));
    const enum status st = moduli != NULL ? make_basis(in, moduli, ret, err)
                                          : error_set(err, STATUS_NOMEM, "no memory for a modulus");
    json_decref(moduli);
    return st;
}

static enum status read_seed(const json_t *in, uint8_t ret[DRBG_SEED_BYTES], struct error *err)
{
    struct bytes seed;
    bytes_init(&seed, VECTORS_MAX_BYTES);
    enum status st = vectors_hex(in, "seed", &seed, err);
    if (st == STATUS_OK && seed.size != DRBG_SEED_BYTES)
        st = error_set(err, STATUS_INVALID, "seed has %zu bytes, not %d", seed.size,
                       DRBG_SEED_BYTES);
    if (st == STATUS_OK)
        memcpy(ret, seed.data, DRBG_SEED_BYTES);
    bytes_deinit(&seed);
    return st;
}

/* Appends the packed rows of a polynomial. */
static enum status pack(const uint32_t *poly, const struct rns_basis *basis, struct bytes *ret,
                        struct error *err)
{
    for (size_t i = 0; i < basis->count; i++) {
        const uint32_t bits = basis->modulus[i].bits;
        uint8_t *space = bytes_append_space(ret, packed_row_bytes(basis->degree, bits, 0));
        if (space == NULL)
            break;
        row_pack(space, poly + i * basis->degree, basis->degree, bits, 0);
    }
    return bytes_status(ret, "a packed polynomial", err);
}

/* Starts of the rows, and the digest of the packed polynomial. */
static enum status put_summary(struct vectors_out *out, const uint32_t *poly,
                               const struct rns_basis *basis, struct error *err)
{
    json_t *starts = json_array();
    struct bytes packed;
    bytes_init(&packed, VECTORS_MAX_BYTES);
    enum status st = STATUS_OK;
    for (size_t i = 0; st == STATUS_OK && i < basis->count; i++)
        st = vectors_append(starts, vectors_json_words(poly + i * basis->degree, 4), err);
    if (st == STATUS_OK)
        st = pack(poly, basis, &packed, err);
    if (st == STATUS_OK) {
        vectors_put(out, "row_starts", json_incref(starts));
        vectors_put(out, "sha256", vectors_json_sha256(bytes_view(&packed)));
    }
    json_decref(starts);
    bytes_deinit(&packed);
    return st;
}

/* ---- random streams ---- */

static const struct vectors_member stream_members[] = {{"seed", VECTORS_HEX}};

#define STREAM_REQUESTS 3

static enum status compute_stream(const json_t *in, struct vectors_out *out, struct error *err)
{
    uint8_t seed[DRBG_SEED_BYTES];
    struct drbg drbg = {.cipher = NULL};
    json_t *starts = json_array();
    uint8_t *stream = mem_alloc(STREAM_REQUESTS, DRBG_REQUEST_BYTES);
    enum status st = starts != NULL && stream != NULL
                         ? read_seed(in, seed, err)
                         : error_set(err, STATUS_NOMEM, "no memory for a stream");
    if (st == STATUS_OK)
        st = drbg_init(&drbg, seed, err);
    if (st != STATUS_OK)
        goto done;
    vectors_put_hex(out, "key", span_of(drbg.key, sizeof drbg.key));
    vectors_put_hex(out, "v", span_of(drbg.counter, sizeof drbg.counter));
    st = drbg_read(&drbg, stream, (size_t)STREAM_REQUESTS * DRBG_REQUEST_BYTES, err);
    for (size_t i = 0; st == STATUS_OK && i < STREAM_REQUESTS; i++)
        st = vectors_append(starts, vectors_json_hex(span_of(stream + i * DRBG_REQUEST_BYTES, 32)),
                            err);
    if (st != STATUS_OK)
        goto done;
    vectors_put(out, "request_starts", json_incref(starts));
    vectors_put(out, "sha256",
                vectors_json_sha256(span_of(stream, (size_t)STREAM_REQUESTS * DRBG_REQUEST_BYTES)));
done:
    drbg_deinit(&drbg);
    mem_free(stream);
    json_decref(starts);
    return st;
}

static const char *const stream_literals[] = {
    "{'seed': '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'}",
    "{'seed': '0000000000000000000000000000000000000000000000000000000000000000'}",
    "{'seed': 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'}",
    NULL,
};

static const struct vectors_member sample_members[] = {
    {"seed", VECTORS_HEX},
    {"degree", VECTORS_NUMBER},
    {"moduli", VECTORS_NUMBERS},
};

static enum status compute_uniform(const json_t *in, struct vectors_out *out, struct error *err)
{
    uint8_t seed[DRBG_SEED_BYTES];
    struct rns_basis *basis = NULL;
    uint32_t *poly = NULL;
    enum status st = read_seed(in, seed, err);
    if (st == STATUS_OK)
        st = make_basis(in, vectors_list(in, "moduli"), &basis, err);
    if (st != STATUS_OK)
        goto done;
    poly = poly_alloc(basis->degree, basis->count);
    if (poly == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for a polynomial");
        goto done;
    }
    st = sample_uniform(poly, seed, basis, basis->count, err);
    if (st == STATUS_OK)
        st = put_summary(out, poly, basis, err);
done:
    mem_free(poly);
    rns_basis_free(basis);
    return st;
}

/* Ternary or error values: the start as signed numbers, then the rows. */
static enum status compute_small(const json_t *in, struct vectors_out *out, bool is_error,
                                 struct error *err)
{
    uint8_t seed[DRBG_SEED_BYTES];
    struct drbg drbg = {.cipher = NULL};
    struct rns_basis *basis = NULL;
    uint32_t *poly = NULL;
    int32_t *small = NULL;
    json_t *start = json_array();
    enum status st = read_seed(in, seed, err);
    if (st == STATUS_OK)
        st = make_basis(in, vectors_list(in, "moduli"), &basis, err);
    if (st == STATUS_OK)
        st = drbg_init(&drbg, seed, err);
    if (st != STATUS_OK)
        goto done;
    poly = poly_alloc(basis->degree, basis->count);
    small = mem_alloc(basis->degree, sizeof *small);
    if (poly == NULL || small == NULL || start == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for a polynomial");
        goto done;
    }
    const struct random_source random = drbg_source(&drbg);
    st = is_error ? sample_error(small, basis->degree, &random, err)
                  : sample_ternary(small, basis->degree, &random, err);
    for (size_t i = 0; st == STATUS_OK && i < basis->degree && i < 16; i++)
        st = vectors_append(start, json_integer(small[i]), err);
    if (st != STATUS_OK)
        goto done;
    vectors_put(out, "start", json_incref(start));
    poly_from_small(poly, small, basis, basis->count);
    st = put_summary(out, poly, basis, err);
done:
    json_decref(start);
    mem_free(small);
    mem_free(poly);
    drbg_deinit(&drbg);
    rns_basis_free(basis);
    return st;
}

static enum status compute_ternary(const json_t *in, struct vectors_out *out, struct error *err)
{
    return compute_small(in, out, false, err);
}

static enum status compute_error(const json_t *in, struct vectors_out *out, struct error *err)
{
    return compute_small(in, out, true, err);
}

#define MODULI_27_28_28 "[134176769, 268369921, 268361729]"

static const char *const uniform_literals[] = {
    "{'seed': '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'degree': 4096,"
    " 'moduli': " MODULI_27_28_28 "}",
    "{'note': 'fewer moduli: the same first rows',"
    " 'seed': '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'degree': 4096,"
    " 'moduli': [134176769, 268369921]}",
    "{'note': 'the insecure set for tests: rows share one request',"
    " 'seed': '0303030303030303030303030303030303030303030303030303030303030303', 'degree': 8,"
    " 'moduli': [131249, 131297, 131441, 131489, 131617]}",
    NULL,
};

static const char *const ternary_literals[] = {
    "{'seed': '0101010101010101010101010101010101010101010101010101010101010101', 'degree': 4096,"
    " 'moduli': " MODULI_27_28_28 "}",
    "{'seed': '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'degree': 8,"
    " 'moduli': [131249, 131297]}",
    NULL,
};

static const char *const error_literals[] = {
    "{'seed': '0202020202020202020202020202020202020202020202020202020202020202', 'degree': 4096,"
    " 'moduli': " MODULI_27_28_28 "}",
    "{'seed': '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'degree': 8,"
    " 'moduli': [131249, 131297]}",
    NULL,
};

/* ---- packing ---- */

static const struct vectors_member packing_members[] = {
    {"values", VECTORS_NUMBERS},
    {"bits", VECTORS_NUMBER},
    {"skip", VECTORS_NUMBER},
};

#define PACKING_MAX_VALUES 256

static enum status compute_packing(const json_t *in, struct vectors_out *out, struct error *err)
{
    uint32_t values[PACKING_MAX_VALUES];
    uint8_t packed[PACKING_MAX_VALUES * 4];
    uint64_t bits = 0, skip = 0;
    size_t count = 0;
    enum status st = vectors_number_in(in, "bits", 1, 32, &bits, err);
    if (st == STATUS_OK)
        st = vectors_number_in(in, "skip", 0, bits - 1, &skip, err);
    if (st == STATUS_OK)
        st = vectors_words(vectors_list(in, "values"), "values", UINT32_MAX >> (32 - bits), 1,
                           PACKING_MAX_VALUES, values, &count, err);
    if (st != STATUS_OK)
        return st;
    row_pack(packed, values, count, (uint32_t)bits, (uint32_t)skip);
    vectors_put_hex(out, "packed",
                    span_of(packed, packed_row_bytes(count, (uint32_t)bits, (uint32_t)skip)));
    row_unpack(values, packed, count, (uint32_t)bits, (uint32_t)skip);
    vectors_put_words(out, "read_back", values, count);
    return STATUS_OK;
}

static const char *const packing_literals[] = {
    "{'values': [1, 2, 134176768], 'bits': 27, 'skip': 0}",
    "{'note': 'as in a response, first polynomial', 'values': [1, 2, 134176768], 'bits': 27,"
    " 'skip': 19}",
    "{'note': 'as in a response, second polynomial', 'values': [1, 2047, 2048, 134176768],"
    " 'bits': 27, 'skip': 11}",
    "{'values': [0, 1, 268369920, 134217728, 99], 'bits': 28, 'skip': 0}",
    "{'note': 'a plaintext modulo 17', 'values': [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,"
    " 15, 16], 'bits': 5, 'skip': 0}",
    "{'note': 'database bytes', 'values': [10, 3], 'bits': 4, 'skip': 0}",
    "{'note': 'one bit', 'values': [1, 0, 1, 1, 0, 0, 0, 1, 1], 'bits': 1, 'skip': 0}",
    "{'note': 'whole words', 'values': [4294967295, 0, 305419896], 'bits': 32, 'skip': 0}",
    "{'note': 'one value, most bits skipped', 'values': [131616], 'bits': 18, 'skip': 17}",
    NULL,
};

/* ---- transforms ---- */

static const struct vectors_member ntt_small_members[] = {
    {"degree", VECTORS_NUMBER},
    {"modulus", VECTORS_NUMBER},
    {"coefficients", VECTORS_NUMBERS},
};

#define NTT_SMALL_MAX 64

/* Makes the ring and reads its coefficients, exactly `degree` of them and below the modulus.
 *   ret  [NTT_SMALL_MAX] */
static enum status read_small(const json_t *in, struct rns_basis **ret_basis, uint32_t *ret,
                              struct error *err)
{
    size_t count = 0;
    const enum status st = make_ring(in, ret_basis, err);
    if (st != STATUS_OK)
        return st;
    const struct rns_basis *basis = *ret_basis;
    if (basis->degree > NTT_SMALL_MAX)
        return error_set(err, STATUS_INVALID, "degree is more than %d", NTT_SMALL_MAX);
    return vectors_words(vectors_list(in, "coefficients"), "coefficients",
                         basis->modulus[0].value - 1, basis->degree, basis->degree, ret, &count,
                         err);
}

static enum status compute_ntt_small(const json_t *in, struct vectors_out *out, struct error *err)
{
    uint32_t given[NTT_SMALL_MAX];
    struct rns_basis *basis = NULL;
    uint32_t *row = NULL;
    enum status st = read_small(in, &basis, given, err);
    if (st != STATUS_OK)
        goto done;
    row = poly_alloc(basis->degree, 1);
    if (row == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for a row");
        goto done;
    }
    memcpy(row, given, basis->degree * sizeof *row);
    ntt_forward(row, row, basis->tables[0]);
    vectors_put_number(out, "psi", ntt_tables_root(basis->tables[0]));
    vectors_put_words(out, "evaluation", row, basis->degree);
    ntt_inverse(row, row, basis->tables[0]);
    if (memcmp(row, given, basis->degree * sizeof *row) != 0)
        st = error_set(err, STATUS_MISMATCH, "the inverse transform does not undo the forward one");
done:
    mem_free(row);
    rns_basis_free(basis);
    return st;
}

static const char *const ntt_small_literals[] = {
    "{'degree': 4, 'modulus': 17, 'coefficients': [1, 2, 3, 4]}",
    "{'degree': 8, 'modulus': 17, 'coefficients': [1, 2, 3, 4, 5, 6, 7, 8]}",
    "{'degree': 8, 'modulus': 97, 'coefficients': [1, 2, 3, 4, 5, 6, 7, 8]}",
    "{'note': 'zero', 'degree': 8, 'modulus': 97, 'coefficients': [0, 0, 0, 0, 0, 0, 0, 0]}",
    "{'note': 'one', 'degree': 8, 'modulus': 97, 'coefficients': [1, 0, 0, 0, 0, 0, 0, 0]}",
    "{'note': 'X', 'degree': 8, 'modulus': 134176769, 'coefficients': [0, 1, 0, 0, 0, 0, 0, 0]}",
    "{'note': 'all as large as can be', 'degree': 8, 'modulus': 134176769, 'coefficients':"
    " [134176768, 134176768, 134176768, 134176768, 134176768, 134176768, 134176768, 134176768]}",
    "{'degree': 16, 'modulus': 268369921, 'coefficients': [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, "
    "7,"
    " 9, 3]}",
    NULL,
};

static const struct vectors_member ntt_full_members[] = {
    {"degree", VECTORS_NUMBER},
    {"modulus", VECTORS_NUMBER},
    {"seed", VECTORS_HEX},
};

static enum status compute_ntt_full(const json_t *in, struct vectors_out *out, struct error *err)
{
    uint8_t seed[DRBG_SEED_BYTES];
    struct rns_basis *basis = NULL;
    uint32_t *row = NULL;
    struct bytes packed;
    bytes_init(&packed, VECTORS_MAX_BYTES);
    enum status st = read_seed(in, seed, err);
    if (st == STATUS_OK)
        st = make_ring(in, &basis, err);
    if (st != STATUS_OK)
        goto done;
    row = poly_alloc(basis->degree, 1);
    if (row == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for a row");
        goto done;
    }
    st = sample_uniform(row, seed, basis, 1, err);
    if (st != STATUS_OK)
        goto done;
    poly_forward(row, basis, 1);
    st = pack(row, basis, &packed, err);
    if (st != STATUS_OK)
        goto done;
    vectors_put_number(out, "psi", ntt_tables_root(basis->tables[0]));
    vectors_put_words(out, "evaluation_start", row, basis->degree < 8 ? basis->degree : 8);
    vectors_put(out, "sha256", vectors_json_sha256(bytes_view(&packed)));
done:
    bytes_deinit(&packed);
    mem_free(row);
    rns_basis_free(basis);
    return st;
}

#define SEED_09 "'seed': '0909090909090909090909090909090909090909090909090909090909090909'"

static const char *const ntt_full_literals[] = {
    "{'degree': 4096, 'modulus': 134176769, " SEED_09 "}",
    "{'degree': 4096, 'modulus': 268369921, " SEED_09 "}",
    "{'degree': 4096, 'modulus': 268361729, " SEED_09 "}",
    "{'note': 'plaintext modulus with slots', 'degree': 4096, 'modulus': 40961, " SEED_09 "}",
    "{'degree': 8192, 'modulus': 268369921, " SEED_09 "}",
    NULL,
};

/* ---- automorphisms ---- */

static const struct vectors_member automorphism_members[] = {
    {"degree", VECTORS_NUMBER},
    {"modulus", VECTORS_NUMBER},
    {"element", VECTORS_NUMBER},
    {"coefficients", VECTORS_NUMBERS},
};

static enum status compute_automorphism(const json_t *in, struct vectors_out *out,
                                        struct error *err)
{
    uint32_t given[NTT_SMALL_MAX], moved[NTT_SMALL_MAX], sources[NTT_SMALL_MAX];
    struct rns_basis *basis = NULL;
    enum status st = read_small(in, &basis, given, err);
    if (st != STATUS_OK)
        goto done;
    const uint64_t element = vectors_number(in, "element");
    if (!automorphism_is_valid(element, basis->degree)) {
        st = error_set(err, STATUS_INVALID, "element is not odd or not in (1, 2N)");
        goto done;
    }
    poly_automorphism(moved, given, (uint32_t)element, basis, 1);
    automorphism_eval_sources(sources, (uint32_t)element, basis->degree);
    vectors_put_words(out, "moved", moved, basis->degree);
    vectors_put_words(out, "evaluation_sources", sources, basis->degree);
done:
    rns_basis_free(basis);
    return st;
}

static const char *const automorphism_literals[] = {
    "{'degree': 8, 'modulus': 17, 'element': 3, 'coefficients': [1, 2, 3, 4, 5, 6, 7, 8]}",
    "{'degree': 8, 'modulus': 17, 'element': 5, 'coefficients': [1, 2, 3, 4, 5, 6, 7, 8]}",
    "{'degree': 8, 'modulus': 17, 'element': 9, 'coefficients': [1, 2, 3, 4, 5, 6, 7, 8]}",
    "{'degree': 8, 'modulus': 97, 'element': 15, 'coefficients': [0, 2, 3, 4, 5, 6, 7, 96]}",
    "{'degree': 16, 'modulus': 268369921, 'element': 17, 'coefficients': [3, 1, 4, 1, 5, 9, 2, 6,"
    " 5, 3, 5, 8, 9, 7, 9, 3]}",
    NULL,
};

/* ---- rounding ---- */

static const struct vectors_member divide_members[] = {
    {"moduli", VECTORS_NUMBERS},
    {"rows", VECTORS_NUMBER_LISTS},
};

#define DIVIDE_MAX_COLUMNS 64

/* Independent of the ciphertext code, which works on whole ciphertexts only. */
static enum status compute_divide(const json_t *in, struct vectors_out *out, struct error *err)
{
    const json_t *rows = vectors_list(in, "rows");
    uint32_t moduli[RING_MAX_MODULI], values[DIVIDE_MAX_COLUMNS], last[DIVIDE_MAX_COLUMNS];
    struct modulus modulus;
    size_t count = 0, columns = 0;
    json_t *result = json_array();
    enum status st = vectors_words(vectors_list(in, "moduli"), "moduli", MODULUS_MAX, 2,
                                   RING_MAX_MODULI, moduli, &count, err);
    if (st == STATUS_OK && json_array_size(rows) != count)
        st = error_set(err, STATUS_INVALID, "rows are not as many as moduli");
    if (st == STATUS_OK)
        st = modulus_init(moduli[count - 1], &modulus, err);
    if (st == STATUS_OK)
        st = vectors_words(json_array_get(rows, count - 1), "the last row", modulus.value - 1, 1,
                           DIVIDE_MAX_COLUMNS, last, &columns, err);
    if (st != STATUS_OK)
        goto done;
    const uint32_t divisor = modulus.value, half = divisor / 2;
    for (size_t k = 0; k < columns; k++)
        last[k] = modulus_reduce(&modulus, (uint64_t)last[k] + half);
    for (size_t i = 0; st == STATUS_OK && i + 1 < count; i++) {
        size_t found = 0;
        st = modulus_init(moduli[i], &modulus, err);
        if (st == STATUS_OK && (!modulus_is_prime_vartime(moduli[i]) || divisor % moduli[i] == 0))
            st = error_set(err, STATUS_INVALID, "moduli[%zu] is not prime or divides the last", i);
        if (st == STATUS_OK)
            st = vectors_words(json_array_get(rows, i), "a row", modulus.value - 1, columns,
                               columns, values, &found, err);
        if (st != STATUS_OK)
            break;
        const uint32_t inverse = modulus_inverse(&modulus, modulus_reduce(&modulus, divisor));
        for (size_t k = 0; k < columns; k++) {
            const uint32_t taken = modulus_reduce(&modulus, last[k]);
            const uint32_t raised = modulus_reduce(&modulus, (uint64_t)values[k] + half);
            values[k] = modulus_mul(&modulus, modulus_sub(&modulus, raised, taken), inverse);
        }
        st = vectors_append(result, vectors_json_words(values, columns), err);
    }
    if (st == STATUS_OK)
        vectors_put(out, "result", json_incref(result));
done:
    json_decref(result);
    return st;
}

static const char *const divide_literals[] = {
    "{'moduli': " MODULI_27_28_28 ", 'rows': [[5, 0, 134176768, 1], [7, 0, 268369920, 1],"
    " [11, 0, 268361728, 1]]}",
    "{'note': 'half of the last modulus, and one more', 'moduli': [134176769, 268369921],"
    " 'rows': [[0, 0, 0, 1], [134184960, 134184961, 268369920, 0]]}",
    "{'note': 'small enough for paper: 3, 4 and 50 divided by 7', 'moduli': [17, 7],"
    " 'rows': [[3, 4, 16], [3, 4, 1]]}",
    NULL,
};

static const struct vectors_member skip_members[] = {
    {"degree", VECTORS_NUMBER},
    {"plaintext_modulus", VECTORS_NUMBER},
    {"first_modulus", VECTORS_NUMBER},
};

/* The rule needs a context; the numbers of a case are put into a set that is known to work. */
static enum status compute_skip(const json_t *in, struct vectors_out *out, struct error *err)
{
    struct bfv_context *context = NULL;
    struct bfv_parameters parameters = {
        .degree = vectors_number(in, "degree"),
        .plaintext_modulus = vectors_number(in, "plaintext_modulus"),
        .coefficient_moduli = {vectors_number(in, "first_modulus"), 268369921, 268361729},
        .moduli_count = 3,
        .he_scheme = BFV_SCHEME_BFV,
    };
    uint32_t skips[2];
    enum status st = bfv_context_new(&parameters, BFV_ALLOW_INSECURE, NULL, &context, err);
    if (st != STATUS_OK)
        return st;
    bfv_response_skips(context, skips);
    vectors_put_words(out, "skip", skips, 2);
    bfv_context_free(context);
    return STATUS_OK;
}

static const char *const skip_literals[] = {
    "{'note': 'n_4096_logq_27_28_28_logt_4', 'degree': 4096, 'plaintext_modulus': 11,"
    " 'first_modulus': 134176769}",
    "{'note': 'n_4096_logq_27_28_28_logt_5', 'degree': 4096, 'plaintext_modulus': 17,"
    " 'first_modulus': 134176769}",
    "{'note': 'n_4096_logq_27_28_28_logt_6', 'degree': 4096, 'plaintext_modulus': 37,"
    " 'first_modulus': 134176769}",
    NULL,
};

static const struct vectors_kind kinds[] = {
    {"galois.json", "automorphism", automorphism_members, ARRAY_COUNT(automorphism_members),
     compute_automorphism, automorphism_literals, NULL},
    {"random.json", "stream", stream_members, ARRAY_COUNT(stream_members), compute_stream,
     stream_literals, NULL},
    {"random.json", "uniform", sample_members, ARRAY_COUNT(sample_members), compute_uniform,
     uniform_literals, NULL},
    {"random.json", "ternary", sample_members, ARRAY_COUNT(sample_members), compute_ternary,
     ternary_literals, NULL},
    {"random.json", "error", sample_members, ARRAY_COUNT(sample_members), compute_error,
     error_literals, NULL},
    {"packing.json", NULL, packing_members, ARRAY_COUNT(packing_members), compute_packing,
     packing_literals, NULL},
    {"ntt.json", "small", ntt_small_members, ARRAY_COUNT(ntt_small_members), compute_ntt_small,
     ntt_small_literals, NULL},
    {"ntt.json", "full", ntt_full_members, ARRAY_COUNT(ntt_full_members), compute_ntt_full,
     ntt_full_literals, NULL},
    {"rounding.json", "divide", divide_members, ARRAY_COUNT(divide_members), compute_divide,
     divide_literals, NULL},
    {"rounding.json", "skip", skip_members, ARRAY_COUNT(skip_members), compute_skip, skip_literals,
     NULL},
};

const struct vectors_kind *vectors_kinds_ring(size_t *count)
{
    *count = ARRAY_COUNT(kinds);
    return kinds;
}
