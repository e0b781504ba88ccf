/* The output of a lists.json. */
#include "lists/lists_config_internal.h"

#include "base/mem.h"
#include "lists/parsing_file.h"
#include "pir-server/dataset/dataset_write.h"

#define GROWTH_MAX 1e6

static void read_prefilter(const struct json_field *output, struct lists_output *ret)
{
    const struct json_field rate = json_field_member(output, "falsePositiveRate");
    const struct json_field size = json_field_member(output, "prefilterSize");
    ret->false_positive_rate = json_field_number(&rate, 0, 1, 0);
    ret->prefilter_bytes = json_field_size(&size, 1, DATASET_PREFILTER_BYTES_MAX, 0);
    if (rate.value != NULL && size.value != NULL)
        json_field_refuse(&size, "and falsePositiveRate exclude each other");
}

static void read_shards(const struct json_field *output, struct lists_output *ret)
{
    const struct json_field count = json_field_member(output, "shards");
    const struct json_field rows = json_field_member(output, "rowsPerShard");
    ret->shard_count = json_field_integer(&count, 1, DATASET_SHARDS_MAX, 0);
    ret->rows_per_shard = json_field_integer(&rows, 1, UINT32_MAX, 0);
    if ((ret->shard_count & (ret->shard_count - 1)) != 0)
        json_field_refuse(&count, "%llu is no power of two", (unsigned long long)ret->shard_count);
    if (count.value != NULL && rows.value != NULL)
        json_field_refuse(&rows, "and shards exclude each other");
}

static void read_guard(const struct json_field *output, struct lists_guard *ret)
{
    static const char *const keys[] = {"maxShrink", "maxGrowth", "minRows"};
    const struct json_field guard = json_field_member(output, "guard");
    const struct json_field shrink = json_field_member(&guard, "maxShrink");
    const struct json_field growth = json_field_member(&guard, "maxGrowth");
    const struct json_field rows = json_field_member(&guard, "minRows");
    json_field_keys(&guard, keys, ARRAY_COUNT(keys));
    ret->max_shrink = json_field_number(&shrink, 0, 1, LISTS_SHRINK_DEFAULT);
    ret->max_growth = json_field_number(&growth, 0, GROWTH_MAX, LISTS_GROWTH_DEFAULT);
    ret->min_rows = json_field_integer(&rows, 1, UINT32_MAX, 1);
}

/* Apple's hosts unless they may be blocked, and those of `protect`. */
static void read_protected(const struct json_field *output, struct lists_output *ret)
{
    const struct json_field apple = json_field_member(output, "keepAppleHosts");
    const struct json_field own = json_field_member(output, "protect");
    const size_t count = json_field_count(&own, PROTECTED_HOSTS_MAX);
    struct error said;
    json_field_note(output, protected_hosts_new(&ret->protected_hosts, &said), &said);
    if (!json_field_flag(&apple, false) && output->reader->status == STATUS_OK)
        json_field_note(output, protected_hosts_add_apple(ret->protected_hosts, &said), &said);
    for (size_t i = 0; i < count && output->reader->status == STATUS_OK; i++) {
        const struct json_field item = json_field_item(&own, i);
        const char *host = json_field_text(&item, LISTS_URL_MAX_BYTES);
        if (host != NULL)
            json_field_note(
                &item, protected_hosts_add_own(ret->protected_hosts, span_of_text(host), &said),
                &said);
    }
}

static void load_parsing(const struct lists_loader *loader, const struct json_field *field,
                         const char *path, struct lists_output *ret)
{
    struct bytes text;
    struct error said;
    bytes_init(&text, PARSING_FILE_MAX_BYTES);
    enum status status = lists_load(loader, path, &text, &said);
    if (status == STATUS_OK)
        status = parsing_file_parse(bytes_view(&text), path, &ret->parsing, &said);
    json_field_note(field, status, &said);
    bytes_deinit(&text);
}

/* After splitParents. */
static void read_parsing(const struct lists_loader *loader, const struct json_field *output,
                         struct lists_output *ret)
{
    const struct json_field file = json_field_member(output, "parsingConfiguration");
    const struct json_field parts = json_field_member(output, "keepParsingParts");
    const struct json_field split = json_field_member(output, "splitParents");
    char *path = lists_resolve(&file, json_field_text(&file, LISTS_PATH_MAX_BYTES), false);
    ret->keep_parsing_parts = json_field_flag(&parts, false);
    if (parts.value != NULL && file.value == NULL)
        json_field_refuse(&parts, "is for a parsingConfiguration");
    if (path != NULL && output->reader->status == STATUS_OK)
        load_parsing(loader, &file, path, ret);
    mem_free(path);
    if (ret->split_parents && !parsing_keys_nest(ret->parsing))
        json_field_refuse(&split, "under the parsingConfiguration keys do not block what is below "
                                  "them: nothing is to be split");
}

void lists_output_read(const struct lists_loader *loader, const struct json_field *root,
                       struct lists_output *ret)
{
    static const char *const keys[] = {"shards",
                                       "rowsPerShard",
                                       "hashFunctions",
                                       "falsePositiveRate",
                                       "prefilterSize",
                                       "murmurSeed",
                                       "keepPrivateSuffixes",
                                       "keepAppleHosts",
                                       "protect",
                                       "prune",
                                       "splitParents",
                                       "keepVersions",
                                       "guard",
                                       "parsingConfiguration",
                                       "keepParsingParts"};
    const struct json_field output = json_field_member(root, "output");
    const struct json_field functions = json_field_member(&output, "hashFunctions");
    const struct json_field seed = json_field_member(&output, "murmurSeed");
    const struct json_field suffixes = json_field_member(&output, "keepPrivateSuffixes");
    const struct json_field prune = json_field_member(&output, "prune");
    const struct json_field split = json_field_member(&output, "splitParents");
    const struct json_field versions = json_field_member(&output, "keepVersions");
    json_field_keys(&output, keys, ARRAY_COUNT(keys));
    read_shards(&output, ret);
    read_prefilter(&output, ret);
    ret->hash_functions = json_field_integer(&functions, 1, DATASET_HASH_FUNCTIONS_MAX, 0);
    ret->has_seed = seed.value != NULL;
    ret->murmur_seed = (uint32_t)json_field_integer(&seed, 0, UINT32_MAX, 0);
    ret->keep_private_suffixes = json_field_flag(&suffixes, false);
    ret->keep_covered = !json_field_flag(&prune, true);
    ret->split_parents = json_field_flag(&split, false);
    ret->versions_kept =
        json_field_integer(&versions, 1, LISTS_VERSIONS_KEPT_MAX, LISTS_VERSIONS_KEPT_DEFAULT);
    read_guard(&output, &ret->guard);
    read_protected(&output, ret);
    read_parsing(loader, &output, ret);
}

void lists_output_deinit(struct lists_output *output)
{
    protected_hosts_free(output->protected_hosts);
    parsing_free(output->parsing);
}
