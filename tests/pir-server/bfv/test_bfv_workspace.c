/* The check vectors of spec/bfv.md section 11, one chain: n_4096_logq_27_28_28_logt_5. */
#include "base/mem.h"
#include "pir-server/bfv/bfv_plaintext.h"
#include "tests/pir-server/bfv_help.h"

#include <criterion/criterion.h>
#include <string.h>

enum { N = 4096 };

static const char *poly_hex(const struct bfv_context *context, const uint32_t *poly, size_t moduli)
{
    struct bytes bytes;
    bytes_init(&bytes, 1 << 20);
    bfv_poly_write(context, poly, moduli, 0, &bytes);
    cr_assert_eq(bytes_status(&bytes, "poly", NULL), STATUS_OK);
    const char *hex = sha256_hex(bytes_view(&bytes));
    bytes_deinit(&bytes);
    return hex;
}

static void fill_message(uint32_t *message)
{
    for (uint32_t k = 0; k < N; k++)
        message[k] = k % 17;
}

Test(bfv_workspace, transform_and_plaintext)
{
    struct bfv_context *context = context_for("n_4096_logq_27_28_28_logt_5");
    uint32_t message[N];
    uint32_t *poly = poly_alloc(N, 2);
    for (uint32_t k = 0; k < N; k++)
        poly[k] = poly[N + k] = k;
    poly_forward(poly, bfv_context_basis(context), 2);
    cr_assert_str_eq(poly_hex(context, poly, 2),
                     "2df5fdebfac0782ac449d106b3d975dae8eb97beda2fd192d5b7a2fcc27fea2d");
    fill_message(message);
    bfv_plaintext_lift(context, message, poly);
    cr_assert_str_eq(poly_hex(context, poly, 2),
                     "ba7c514499b8046fde24ab2f421afa1ebce5f7d008658e638c2b36c8aa4a8047");
    mem_free(poly);
    bfv_context_free(context);
}

static struct bfv_switch_key *part_from(const struct bfv_context *context,
                                        const struct bfv_secret_key *secret, uint64_t element,
                                        uint8_t seed_byte, uint8_t error_byte,
                                        const char *const expected[2])
{
    struct bfv_switch_key *part;
    cr_assert_eq(bfv_switch_key_new(context, &part, NULL), STATUS_OK);
    for (uint8_t j = 0; j < 2; j++) {
        struct drbg drbg;
        const struct random_source source = byte_source(&drbg, (uint8_t)(error_byte + j));
        uint8_t seed[DRBG_SEED_BYTES];
        memset(seed, seed_byte + j, sizeof seed);
        struct bfv_ciphertext component = ciphertext_for(context, 2, 3, BFV_EVALUATION);
        if (element != 0)
            cr_assert_eq(bfv_galois_key_component(context, secret, element, j, seed, &source,
                                                  &component, NULL),
                         STATUS_OK);
        else
            cr_assert_eq(
                bfv_relin_key_component(context, secret, j, seed, &source, &component, NULL),
                STATUS_OK);
        struct bytes poly0;
        bytes_init(&poly0, 1 << 20);
        bfv_poly_write(context, component.words, 3, 0, &poly0);
        cr_assert_str_eq(sha256_hex(bytes_view(&poly0)), expected[j]);
        cr_assert_eq(bfv_switch_key_read_seeded(part, j, bytes_view(&poly0),
                                                span_of(seed, sizeof seed), NULL),
                     STATUS_OK);
        bytes_deinit(&poly0);
        bfv_ciphertext_deinit(&component);
        drbg_deinit(&drbg);
    }
    return part;
}

/* The chain from key to response with the kernels called `kernel` (NULL: the fastest). */
static void check_chain(const char *kernel)
{
    static const uint32_t starts[2][3] = {{99087261, 65694677, 111808898},
                                          {197896765, 11577433, 155248464}};
    static const char *const galois[2] = {
        "1ba8acbab9a32ec8b870c351639309320d936a5d191f09c917452626cffafd2c",
        "55afea97207a86cfe01aca9867373bb3a8d77f64b04f0bdcd131638cb8b5b783"};
    static const char *const relin[2] = {
        "bc8d694ed3fe9554cdf22130e961b707f1d35a36d5d8a42841f02f37bc9acaf6",
        "b7a64efacf00b8d1c4c6e0e5af5131902036aa992cd93dcd5e14468a3c694519"};

    struct bfv_context *context = NULL;
    cr_assert_eq(
        bfv_context_new(&bfv_named_parameters_find("n_4096_logq_27_28_28_logt_5")->parameters, 0,
                        kernel, &context, NULL),
        STATUS_OK);
    struct bfv_secret_key *secret = secret_for(context, 0x01);
    struct bytes serialized;
    bytes_init(&serialized, 1 << 20);
    bfv_secret_key_write(secret, &serialized);
    cr_assert_eq(serialized.size, 42498);
    cr_assert_str_eq(sha256_hex(bytes_view(&serialized)),
                     "02fb7a2ecbdaff0d2df554d33b86af6fa5c5fd506496624be87f07a460dc9f4e");
    bytes_deinit(&serialized);

    uint32_t message[N], decrypted[N], square[N];
    fill_message(message);
    struct bfv_ciphertext ct = encrypted(context, secret, message, 0x03, 0x02);
    for (size_t i = 0; i < 2; i++)
        cr_assert_arr_eq(ct.words + i * N, starts[i], sizeof starts[i]);
    cr_assert_str_eq(poly_hex(context, ct.words, 2),
                     "a024b9467a536c60662bdb100e3004864093334af8094fd124bd59bd12a95098");
    cr_assert_str_eq(full_hex(context, &ct, NULL),
                     "273a2a1d67a0a51ff3fd132176ddb5bc829904955aae9b2c6f5e67ec06c220dc");
    cr_assert_eq(bfv_decrypt(context, secret, &ct, decrypted, NULL), STATUS_OK);
    cr_assert_arr_eq(decrypted, message, sizeof message);
    const double fresh = budget_of(context, secret, &ct);
    cr_assert(fresh > 45.2 && fresh < 47.2, "%f", fresh);

    struct bfv_evaluation_key *key;
    cr_assert_eq(bfv_evaluation_key_new(context, &key, NULL), STATUS_OK);
    cr_assert_eq(bfv_evaluation_key_add_galois(
                     key, 4097, part_from(context, secret, 4097, 0x10, 0x20, galois), NULL),
                 STATUS_OK);
    cr_assert_eq(
        bfv_evaluation_key_set_relin(key, part_from(context, secret, 0, 0x14, 0x24, relin), NULL),
        STATUS_OK);

    struct bfv_workspace *workspace;
    cr_assert_eq(bfv_workspace_new(context, &workspace, NULL), STATUS_OK);
    struct bfv_ciphertext turned = ciphertext_for(context, 2, 2, BFV_COEFFICIENT);
    memcpy(turned.words, ct.words, 4 * N * sizeof *ct.words);
    cr_assert_eq(bfv_apply_galois(workspace, key, 4097, &turned, NULL), STATUS_OK);
    cr_assert_str_eq(full_hex(context, &turned, NULL),
                     "0548b8ca7303b520ffc0a52a503fa298242d545598a002c5d7f66ce7b6454e91");

    struct bfv_lifted *lifted;
    cr_assert_eq(bfv_lifted_new(context, &lifted, NULL), STATUS_OK);
    struct bfv_ciphertext product = ciphertext_for(context, 3, 2, BFV_COEFFICIENT);
    bfv_lift(workspace, &ct, lifted);
    bfv_product_begin(workspace);
    bfv_product_add(workspace, lifted, lifted);
    bfv_product_finish(workspace, &product);
    cr_assert_str_eq(full_hex(context, &product, NULL),
                     "06527eb436adaa09835b62880abe347585731b5f8dde7030c158e7690c064496");
    multiply_plain(context, message, message, square);
    cr_assert_eq(bfv_decrypt(context, secret, &product, decrypted, NULL), STATUS_OK);
    cr_assert_arr_eq(decrypted, square, sizeof square);

    cr_assert_eq(bfv_relinearize(workspace, key, &product, NULL), STATUS_OK);
    cr_assert_str_eq(full_hex(context, &product, NULL),
                     "51c2090ac64ebe4daa2cee149bee617a61d2a83249d45d50f1dcd66eeaf83db9");
    bfv_ciphertext_switch_down(context, &product, 1);
    cr_assert_str_eq(full_hex(context, &product, NULL),
                     "6fa12304265d625a17b1307ab6d172ebe7d9efc170b7a230b477ce46cd7e10cf");
    uint32_t skips[2];
    bfv_response_skips(context, skips);
    cr_assert(skips[0] == 19 && skips[1] == 11);
    cr_assert_eq(bfv_ciphertext_full_bytes(context, 2, 1, skips), 12290);
    cr_assert_str_eq(full_hex(context, &product, skips),
                     "4f38f68909f2d82d629cd48bb97cd86192c459163a9305aca054b1c004ae8c0a");

    /* What the client reads: with the dropped bits. */
    struct bytes response;
    bytes_init(&response, 1 << 16);
    bfv_ciphertext_write_full(context, &product, skips, &response);
    struct bfv_ciphertext received = ciphertext_for(context, 2, 1, BFV_COEFFICIENT);
    cr_assert_eq(
        bfv_ciphertext_read_full(context, bytes_view(&response), skips, 2, 1, &received, NULL),
        STATUS_OK);
    cr_assert_eq(bfv_decrypt(context, secret, &received, decrypted, NULL), STATUS_OK);
    cr_assert_arr_eq(decrypted, square, sizeof square);
    bytes_deinit(&response);

    bfv_ciphertext_deinit(&received);
    bfv_ciphertext_deinit(&product);
    bfv_ciphertext_deinit(&turned);
    bfv_ciphertext_deinit(&ct);
    bfv_lifted_free(lifted);
    bfv_workspace_free(workspace);
    bfv_evaluation_key_free(key);
    bfv_secret_key_free(secret);
    bfv_context_free(context);
}

Test(bfv_workspace, keys_products_and_responses)
{
    check_chain(NULL);
}

Test(bfv_workspace, the_portable_kernel_gives_the_same_bytes)
{
    check_chain("ref");
}
