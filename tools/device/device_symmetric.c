#include "tools/device/device_symmetric.h"

#include "pir-server/wire/wire_requests.h"

enum status device_symmetric_write(const struct voprf_question *question, struct span use_case,
                                   struct span config_id, struct bytes *ret, struct error *err)
{
    const struct wire_request request = {
        .kind = WIRE_REQUEST_OPRF,
        .use_case = use_case,
        .configuration_id = config_id,
        .oprf_element = span_of(voprf_question_element(question), VOPRF_ELEMENT_BYTES)};
    return wire_requests_write(&request, 1, ret, err);
}

static enum status take_answer(const struct wire_responses *responses, struct voprf_answer *ret,
                               struct error *err)
{
    if (wire_responses_count(responses) != 1)
        return error_set(err, STATUS_MALFORMED, "/queries: %zu answers to one question",
                         wire_responses_count(responses));
    const struct wire_answer answer = wire_responses_get(responses, 0);
    if (answer.kind != WIRE_REQUEST_OPRF || answer.oprf_element.size != VOPRF_ELEMENT_BYTES ||
        answer.oprf_proof.size != VOPRF_PROOF_BYTES)
        return error_set(err, STATUS_MALFORMED, "/queries: no answer to a question");
    memcpy(ret->element, answer.oprf_element.data, VOPRF_ELEMENT_BYTES);
    memcpy(ret->proof, answer.oprf_proof.data, VOPRF_PROOF_BYTES);
    return STATUS_OK;
}

enum status device_symmetric_read(const struct voprf_question *question, struct span public_key,
                                  struct span body, uint8_t ret[VOPRF_VALUE_BYTES],
                                  struct error *err)
{
    struct wire_responses *responses = NULL;
    struct voprf_answer answer;
    enum status status = wire_responses_read(body, &responses, err);
    if (status == STATUS_OK)
        status = take_answer(responses, &answer, err);
    if (status == STATUS_OK)
        status = voprf_finish(question, public_key, &answer, ret, err);
    wire_responses_free(responses);
    return status;
}
