#include "pir-server/service/oprf_query.h"

enum status oprf_query_plan(const struct catalog_use_case *use_case,
                            const struct wire_request *request, struct oprf_query *ret,
                            struct error *err)
{
    const struct catalog_version *version =
        request->configuration_id.size == 0
            ? use_case->versions[0]
            : catalog_find_config(use_case, request->configuration_id);
    if (version == NULL)
        return error_set(err, STATUS_STALE_CONFIG,
                         "this configuration is not served any more: fetch a new one");
    const struct voprf_key *key = dataset_symmetric_key(version->dataset);
    if (key == NULL)
        return error_set(err, STATUS_INVALID, "this use case is not symmetric");
    if (request->oprf_element.size != VOPRF_ELEMENT_BYTES)
        return error_set(err, STATUS_INVALID, "query_element of %zu bytes, %d are due",
                         request->oprf_element.size, VOPRF_ELEMENT_BYTES);
    memcpy(ret->element, request->oprf_element.data, VOPRF_ELEMENT_BYTES);
    ret->key = key;
    return STATUS_OK;
}

enum status oprf_query_answer(struct oprf_query *query, struct error *err)
{
    const struct random_source random = random_system();
    return voprf_answer(query->key, span_of(query->element, sizeof query->element), &random,
                        &query->answer, err);
}
