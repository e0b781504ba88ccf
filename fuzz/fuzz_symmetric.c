/* What symmetric PIR reads from outside: a key file, a question to a server, an answer to a device;
 * the first byte says which. */
#include "base/compiler.h"
#include "pir-server/oprf/symmetric_key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(struct span in)
{
    struct voprf_key *key = NULL;
    struct voprf_key *again = NULL;
    char digits[SYMMETRIC_KEY_DIGITS];
    if (symmetric_key_parse(in, &key, NULL) != STATUS_OK)
        return;
    symmetric_key_format(key, digits);
    if (symmetric_key_parse(span_of(digits, sizeof digits), &again, NULL) != STATUS_OK ||
        memcmp(voprf_key_public(key), voprf_key_public(again), VOPRF_ELEMENT_BYTES) != 0)
        abort();
    voprf_key_free(again);
    voprf_key_free(key);
}

static struct voprf_key *some_key(void)
{
    static const uint8_t scalar[VOPRF_SCALAR_BYTES] = {1, 2, 3};
    struct voprf_key *key = NULL;
    if (voprf_key_new(scalar, &key, NULL) != STATUS_OK)
        abort();
    return key;
}

static void check_question(struct span in)
{
    const struct random_source random = random_system();
    struct voprf_key *key = some_key();
    struct voprf_answer answer;
    const enum status status = voprf_answer(key, in, &random, &answer, NULL);
    if (status != STATUS_OK && status != STATUS_INVALID)
        abort();
    voprf_key_free(key);
}

/* No answer that a fuzzer makes up has a right proof. */
static void check_answer(struct span in)
{
    const struct random_source random = random_system();
    struct voprf_question *question = NULL;
    struct voprf_answer answer = {.element = {0}};
    uint8_t value[VOPRF_VALUE_BYTES];
    if (in.size < sizeof answer)
        return;
    memcpy(&answer, in.data, sizeof answer);
    if (voprf_question_new(span_of_text("a"), &random, &question, NULL) != STATUS_OK)
        abort();
    const struct span public_key = span_part(in, sizeof answer, in.size - sizeof answer);
    if (voprf_finish(question, public_key, &answer, value, NULL) == STATUS_OK)
        abort();
    voprf_question_free(question);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(struct span in) = {check_key, check_question, check_answer};
    if (size > 0)
        checks[data[0] % ARRAY_COUNT(checks)](span_of(data + 1, size - 1));
    return 0;
}
