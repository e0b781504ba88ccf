#include "tests/pir-server/wire/wire_help.h"

#include "base/file.h"
#include "tests/pir-server/lattice_help.h"

#include <stdio.h>
#include <stdlib.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void append_hex(struct bytes *ret, const char *text)
{
    int high = -1;
    for (; *text != '\0'; text++) {
        const int digit = hex_digit(*text);
        if (digit < 0)
            continue;
        if (high < 0) {
            high = digit;
        } else {
            bytes_append_u8(ret, (uint8_t)(high * 16 + digit));
            high = -1;
        }
    }
    if (high >= 0 || ret->status != STATUS_OK)
        abort();
}

struct bytes from_hex(const char *text)
{
    struct bytes bytes;
    bytes_init(&bytes, WIRE_HELP_MAX_BYTES);
    append_hex(&bytes, text);
    return bytes;
}

struct bytes vector_file(const char *path)
{
    struct bytes bytes;
    char *whole = path_join(vectors_folder(), path);
    bytes_init(&bytes, WIRE_HELP_MAX_BYTES);
    if (whole == NULL || file_read(whole, &bytes, NULL) != STATUS_OK)
        bytes_clear(&bytes);
    free(whole);
    return bytes;
}

struct bfv_parameters usual_encryption(void)
{
    return (struct bfv_parameters){
        .degree = 4096,
        .plaintext_modulus = 17,
        .coefficient_moduli = {134176769, 268369921, 268361729},
        .moduli_count = 3,
        .error_std_dev = BFV_ERROR_STDDEV32,
        .security_level = BFV_SECURITY_QUANTUM128,
        .he_scheme = BFV_SCHEME_BFV,
    };
}

struct pir_parameters usual_parameters(void)
{
    return (struct pir_parameters){
        .encryption = usual_encryption(),
        .entry_count = 32,
        .entry_bytes = 1024,
        .dimensions = {4, 4},
        .dimension_count = 2,
        .has_keyword_parameters = true,
        .hash_function_count = 2,
        .has_sharding_function = true,
        .sharding = {.function = SHARDING_SHA256},
        .algorithm = PIR_ALGORITHM_MUL_PIR,
        .batch_size = 2,
        .evaluation_key = {.encryption = usual_encryption(),
                           .galois_elements = {513, 1025, 2049, 4097},
                           .galois_element_count = 4,
                           .has_relin_key = true},
    };
}

bool says(const struct error *err, const char *part)
{
    return strstr(err->message, part) != NULL;
}
