#include "pir-server/oprf/voprf.h"

#include "base/mem.h"
#include "pir-server/crypto/openssl_error.h"
#include "pir-server/oprf/voprf_group.h"

#include <openssl/err.h>

struct voprf_key {
    BIGNUM *scalar;
    uint8_t public_key[VOPRF_ELEMENT_BYTES];
};

struct voprf_question {
    uint8_t *input; /* [input_bytes] */
    size_t input_bytes;
    BIGNUM *blind;
    uint8_t element[VOPRF_ELEMENT_BYTES];
};

/* ---- keys ---- */

/* Takes the scalar. */
static enum status key_make(const struct voprf_group *group, BIGNUM **scalar,
                            struct voprf_key **ret, struct error *err)
{
    struct voprf_key *key = mem_alloc_zeroed(1, sizeof *key);
    EC_POINT *public_key = EC_POINT_new(group->group);
    enum status status = STATUS_OK;
    if (key == NULL) {
        status = error_set(err, STATUS_NOMEM, "a key: out of memory");
    } else if (public_key == NULL ||
               !voprf_multiply(group, *scalar, EC_GROUP_get0_generator(group->group), public_key) ||
               !voprf_element_write(group, public_key, key->public_key)) {
        status = openssl_error(err, "the public half of a key");
    } else {
        key->scalar = *scalar;
        *scalar = NULL;
        *ret = key;
        key = NULL;
    }
    EC_POINT_free(public_key);
    voprf_key_free(key);
    return status;
}

enum status voprf_key_new(const uint8_t scalar[VOPRF_SCALAR_BYTES], struct voprf_key **ret,
                          struct error *err)
{
    struct voprf_group group = {0};
    BIGNUM *number = voprf_scalar_new();
    enum status status = voprf_group_init(&group, err);
    if (status == STATUS_OK &&
        (number == NULL || BN_bin2bn(scalar, VOPRF_SCALAR_BYTES, number) == NULL))
        status = openssl_error(err, "a key");
    if (status == STATUS_OK && !voprf_scalar_is_valid(&group, number))
        status = error_set(err, STATUS_INVALID,
                           "the key is no number from 1 to the order of P-384 less 1");
    if (status == STATUS_OK)
        status = key_make(&group, &number, ret, err);
    BN_clear_free(number);
    voprf_group_deinit(&group);
    return status;
}

enum status voprf_key_generate(const struct random_source *random, struct voprf_key **ret,
                               struct error *err)
{
    struct voprf_group group = {0};
    BIGNUM *number = voprf_scalar_new();
    enum status status = voprf_group_init(&group, err);
    if (status == STATUS_OK && number == NULL)
        status = openssl_error(err, "a key");
    if (status == STATUS_OK)
        status = voprf_scalar_draw(&group, random, number, err);
    if (status == STATUS_OK)
        status = key_make(&group, &number, ret, err);
    BN_clear_free(number);
    voprf_group_deinit(&group);
    return status;
}

void voprf_key_free(struct voprf_key *key)
{
    if (key == NULL)
        return;
    BN_clear_free(key->scalar);
    mem_free_secret(key, sizeof *key);
}

void voprf_key_scalar(const struct voprf_key *key, uint8_t ret[VOPRF_SCALAR_BYTES])
{
    (void)BN_bn2binpad(key->scalar, ret, VOPRF_SCALAR_BYTES); /* is below the order: fits */
}

const uint8_t *voprf_key_public(const struct voprf_key *key)
{
    return key->public_key;
}

/* ---- the server ---- */

static enum status check_input(struct span input, struct error *err)
{
    if (input.size > VOPRF_INPUT_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "keyword of %zu bytes, at most %zu", input.size,
                         VOPRF_INPUT_MAX_BYTES);
    return STATUS_OK;
}

enum status voprf_evaluate(const struct voprf_key *key, struct span input,
                           uint8_t ret[VOPRF_VALUE_BYTES], struct error *err)
{
    struct voprf_group group = {0};
    EC_POINT *element = NULL;
    enum status status = check_input(input, err);
    if (status == STATUS_OK)
        status = voprf_group_init(&group, err);
    if (status != STATUS_OK)
        return status;
    element = EC_POINT_new(group.group);
    status = element == NULL ? openssl_error(err, "an element")
                             : voprf_hash_input(&group, input, element, err);
    if (status == STATUS_OK && !voprf_multiply(&group, key->scalar, element, element))
        status = openssl_error(err, "evaluating a keyword");
    if (status == STATUS_OK)
        status = voprf_value(&group, input, element, ret, err);
    EC_POINT_clear_free(element);
    voprf_group_deinit(&group);
    return status;
}

enum status voprf_answer(const struct voprf_key *key, struct span element,
                         const struct random_source *random, struct voprf_answer *ret,
                         struct error *err)
{
    struct voprf_group group = {0};
    EC_POINT *point = NULL;
    enum status status = voprf_group_init(&group, err);
    if (status != STATUS_OK)
        return status;
    point = EC_POINT_new(group.group);
    if (point == NULL) {
        status = openssl_error(err, "an element");
    } else if (!voprf_element_read(&group, element, point)) {
        ERR_clear_error();
        status =
            error_set(err, STATUS_INVALID,
                      "query_element of %zu bytes is no compressed point of P-384", element.size);
    } else if (!voprf_multiply(&group, key->scalar, point, point) ||
               !voprf_element_write(&group, point, ret->element)) {
        status = openssl_error(err, "evaluating an element");
    } else {
        status = voprf_prove(&group, key->scalar, key->public_key, element.data, ret->element,
                             random, ret->proof, err);
    }
    EC_POINT_clear_free(point);
    voprf_group_deinit(&group);
    return status;
}

/* ---- the client ---- */

static enum status blind(const struct voprf_group *group, struct voprf_question *question,
                         const struct random_source *random, struct error *err)
{
    const struct span input = span_of(question->input, question->input_bytes);
    EC_POINT *element = EC_POINT_new(group->group);
    enum status status = element == NULL || question->blind == NULL
                             ? openssl_error(err, "an element")
                             : voprf_hash_input(group, input, element, err);
    if (status == STATUS_OK)
        status = voprf_scalar_draw(group, random, question->blind, err);
    if (status == STATUS_OK && (!voprf_multiply(group, question->blind, element, element) ||
                                !voprf_element_write(group, element, question->element)))
        status = openssl_error(err, "blinding a keyword");
    EC_POINT_clear_free(element);
    return status;
}

enum status voprf_question_new(struct span input, const struct random_source *random,
                               struct voprf_question **ret, struct error *err)
{
    struct voprf_group group = {0};
    struct voprf_question *question = NULL;
    enum status status = check_input(input, err);
    if (status == STATUS_OK)
        status = voprf_group_init(&group, err);
    if (status != STATUS_OK)
        return status;
    question = mem_alloc_zeroed(1, sizeof *question);
    if (question != NULL)
        question->input = mem_alloc(input.size, 1);
    if (question == NULL || question->input == NULL) {
        status = error_set(err, STATUS_NOMEM, "a question: out of memory");
        goto done;
    }
    if (input.size > 0)
        memcpy(question->input, input.data, input.size);
    question->input_bytes = input.size;
    question->blind = voprf_scalar_new();
    status = blind(&group, question, random, err);
    if (status == STATUS_OK) {
        *ret = question;
        question = NULL;
    }
done:
    voprf_question_free(question);
    voprf_group_deinit(&group);
    return status;
}

void voprf_question_free(struct voprf_question *question)
{
    if (question == NULL)
        return;
    mem_free_secret(question->input, question->input_bytes);
    BN_clear_free(question->blind);
    mem_free_secret(question, sizeof *question);
}

const uint8_t *voprf_question_element(const struct voprf_question *question)
{
    return question->element;
}

/* The blind taken off again: 1/blind * element. The order is a prime, so 1/b = b^(order - 2). */
static bool unblind(const struct voprf_group *group, const BIGNUM *blind, EC_POINT *element)
{
    const BIGNUM *order = EC_GROUP_get0_order(group->group);
    BIGNUM *power = BN_dup(order);
    BIGNUM *inverse = voprf_scalar_new();
    const bool is_done =
        power != NULL && inverse != NULL && BN_sub_word(power, 2) == 1 &&
        BN_mod_exp_mont_consttime(inverse, blind, power, order, group->context, NULL) == 1 &&
        voprf_multiply(group, inverse, element, element);
    BN_free(power);
    BN_clear_free(inverse);
    return is_done;
}

enum status voprf_finish(const struct voprf_question *question, struct span public_key,
                         const struct voprf_answer *answer, uint8_t ret[VOPRF_VALUE_BYTES],
                         struct error *err)
{
    struct voprf_group group = {0};
    EC_POINT *element = NULL;
    enum status status = voprf_group_init(&group, err);
    if (status != STATUS_OK)
        return status;
    status = voprf_check_vartime(&group, public_key, question->element, answer->element,
                                 answer->proof, err);
    if (status != STATUS_OK)
        goto done;
    element = EC_POINT_new(group.group);
    if (element == NULL ||
        !voprf_element_read(&group, span_of(answer->element, sizeof answer->element), element) ||
        !unblind(&group, question->blind, element)) {
        status = openssl_error(err, "unblinding an element");
        goto done;
    }
    status =
        voprf_value(&group, span_of(question->input, question->input_bytes), element, ret, err);
done:
    EC_POINT_clear_free(element);
    voprf_group_deinit(&group);
    return status;
}
