/* plan.json: any bytes are read or refused; what is read is a plan that workers can go by. */
#include "pir-server/dataset/dataset_plan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const settings[] = {"--shards 16"};
    static const uint8_t digest[DATASET_DIGEST_BYTES];
    struct dataset_plan plan;
    struct bytes json;
    dataset_plan_init(&plan);
    bytes_init(&json, DATASET_MANIFEST_MAX_BYTES);
    if (dataset_plan_parse(span_of(data, size), "fuzz", &plan, NULL) == STATUS_OK) {
        const struct dataset_info *info = &plan.manifest.info;
        const struct dataset_plan_job job = {.name = plan.job.name,
                                             .parts = plan.job.parts,
                                             .settings = settings,
                                             .setting_count = ARRAY_COUNT(settings)};
        if (plan.job.parts == 0 || plan.job.parts > DATASET_PLAN_PARTS_MAX ||
            info->shard_count == 0 || (info->shard_count & (info->shard_count - 1)) != 0 ||
            !dataset_use_case_is_valid(info->use_case))
            abort();
        if (dataset_plan_check_job(&plan, &job, NULL) == STATUS_OK && plan.job.setting_count == 0)
            abort();
        if (dataset_plan_check_source(&plan, plan.source_count, "list", digest, NULL) == STATUS_OK)
            abort();
        for (size_t i = 0; i < plan.source_count; i++) {
            const enum status status = dataset_plan_check_source(&plan, i, "list", digest, NULL);
            if (status != STATUS_OK && status != STATUS_MISMATCH)
                abort();
        }
        if (dataset_plan_complete(&plan, &plan.manifest, &json, NULL) != STATUS_OK &&
            json.status != STATUS_NOMEM)
            abort();
    }
    bytes_deinit(&json);
    dataset_plan_deinit(&plan);
    return 0;
}
