/* Which shape the shards of a version have: that of the version in force, or a new one. */
#include "base/checked.h"
#include "pir-server/bfv/bfv_context.h"
#include "pir-server/dataset/dataset_write_internal.h"
#include "pir-server/pir/hash_bucket.h"

static uint64_t least_power_of_two(uint64_t count)
{
    uint64_t power = 1;
    while (power < count)
        power *= 2;
    return power;
}

enum status dataset_write_choose_shard_count(struct writing *work, struct error *err)
{
    const struct dataset_settings *settings = work->settings;
    struct dataset_info *info = &work->manifest.info;
    uint64_t count = settings->shard_count;
    if (count == 0 && settings->rows_per_shard == 0 && work->before != NULL)
        count = dataset_info(work->before)->shard_count;
    if (count == 0) {
        const uint64_t rows_per_shard =
            settings->rows_per_shard != 0 ? settings->rows_per_shard : DATASET_ROWS_PER_SHARD;
        count = least_power_of_two(u64_div_up(info->row_count, rows_per_shard));
    }
    if (count > DATASET_SHARDS_MAX)
        return error_set(err, STATUS_TOO_LARGE, "%llu rows need %llu shards, at most %llu",
                         (unsigned long long)info->row_count, (unsigned long long)count,
                         (unsigned long long)DATASET_SHARDS_MAX);
    info->shard_count = count;
    return STATUS_OK;
}

static const struct bfv_parameters *set_of(const char *name)
{
    return &bfv_named_parameters_find(name)->parameters;
}

/* Those that are asked for, else those of the version in force, else the default. */
static const struct bfv_parameters *wanted_set(const struct writing *work)
{
    if (work->settings->parameter_set != NULL)
        return set_of(work->settings->parameter_set);
    if (work->before != NULL)
        return &dataset_parameters(work->before)->encryption;
    return set_of(DATASET_RLWE_PARAMETERS);
}

bool dataset_write_take_old_shape(struct writing *work)
{
    if (work->before == NULL ||
        dataset_info(work->before)->shard_count != work->manifest.info.shard_count)
        return false;
    const struct pir_parameters *old = dataset_parameters(work->before);
    if (work->settings->parameter_set != NULL &&
        !bfv_parameters_equal(&old->encryption, wanted_set(work)))
        return false;
    struct pir_parameters due = *old;
    dataset_write_mark_shape(work, &due);
    if (!pir_symmetric_equal(old, &due) ||
        old->hash_function_count != work->wish.hash_function_count ||
        old->sharding.function != SHARDING_SHA256 ||
        old->entry_bytes <
            HASH_BUCKET_EMPTY_BYTES + HASH_BUCKET_SLOT_BYTES + dataset_write_value_bytes(work))
        return false;
    pir_processing_init(&old->encryption, work->wish.hash_function_count, &work->processing);
    pir_processing_set_shape(&work->processing, old);
    return true;
}

static enum status query_cost(const struct writing *work, const struct pir_parameters *shape,
                              uint64_t *ret_ns, struct error *err)
{
    struct pir_prediction prediction;
    const enum status status = pir_cost_predict(shape, 0, work->wish.constants, &prediction, err);
    if (status == STATUS_OK)
        *ret_ns = prediction.query_ns;
    return status;
}

/* The cheapest shape with these encryption parameters. */
static enum status choose_cheapest(struct writing *work, const struct bfv_parameters *encryption,
                                   struct error *err)
{
    pir_processing_init(encryption, work->wish.hash_function_count, &work->processing);
    return pir_processing_choose(work->partition, &work->wish, &work->processing, err);
}

enum status dataset_write_choose_shape(struct writing *work, struct error *err)
{
    const bool is_free_choice = work->settings->parameter_set == NULL;
    struct error ignored;
    uint64_t cheapest;
    uint64_t kept;
    enum status status = choose_cheapest(work, wanted_set(work), err);
    if (status == STATUS_TOO_LARGE && is_free_choice)
        status = choose_cheapest(work, set_of(DATASET_RLWE_PARAMETERS_ROOMY), err);
    if (status != STATUS_OK || work->before == NULL)
        return status;
    struct pir_processing keeping = work->processing;
    struct pir_shape_wish wish = work->wish;
    wish.key = &dataset_parameters(work->before)->evaluation_key;
    if (!bfv_parameters_equal(&wish.key->encryption, &keeping.encryption) ||
        pir_processing_choose(work->partition, &wish, &keeping, &ignored) != STATUS_OK)
        return STATUS_OK;
    status = query_cost(work, &work->processing.shape, &cheapest, err);
    if (status == STATUS_OK)
        status = query_cost(work, &keeping.shape, &kept, err);
    if (status == STATUS_OK && kept <= cheapest + cheapest * DATASET_KEEP_KEYS_PERCENT / 100) {
        work->processing = keeping;
        work->wish = wish;
    }
    return status;
}
