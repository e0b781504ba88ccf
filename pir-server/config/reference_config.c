#include "pir-server/config/reference_config.h"

#include "base/mem.h"
#include "pir-server/config/config_field.h"
#include "pir-server/dataset/dataset.h"

#include <stdlib.h>
#include <string.h>

static bool is_good(const struct json_field *field)
{
    return field->reader->status == STATUS_OK;
}

/* A member that may be null. */
static struct json_field optional(const struct json_field *parent, const char *name)
{
    struct json_field field = json_field_member(parent, name);
    if (json_is_null(field.value))
        field.value = NULL;
    return field;
}

bool reference_config_is_one(const struct json_field *root)
{
    return json_object_get(root->value, "users") != NULL ||
           json_object_get(root->value, "usecases") != NULL;
}

/* ---- users ---- */

static int compare_tokens(const void *a, const void *b)
{
    return memcmp(a, b, STORE_TOKEN_HASH_BYTES);
}

static size_t count_tokens(const struct json_field *users)
{
    size_t sum = 0;
    const size_t count = json_field_count(users, REFERENCE_TOKENS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct json_field user = json_field_item(users, i);
        json_field_object(&user);
        const struct json_field tokens = json_field_required(&user, "tokens");
        sum += json_field_count(&tokens, REFERENCE_TOKENS_MAX - sum);
    }
    return sum;
}

static void read_user(const struct json_field *user, struct reference_config *config)
{
    static const char *const tiers[] = {"tier1", "tier2", "tier3"};
    const struct json_field tier = optional(user, "tier");
    const struct json_field tokens = json_field_member(user, "tokens");
    (void)json_field_choice(&tier, tiers, ARRAY_COUNT(tiers), 0);
    const size_t count = json_field_count(&tokens, REFERENCE_TOKENS_MAX);
    for (size_t i = 0; i < count && is_good(user); i++) {
        const struct json_field token = json_field_item(&tokens, i);
        const char *text = json_field_text(&token, REFERENCE_TOKEN_MAX_BYTES);
        if (text != NULL)
            store_token_hash(span_of_text(text), config->tokens[config->token_count++]);
    }
}

static void drop_doubles(struct reference_config *config)
{
    size_t kept = 0;
    if (config->token_count > 1)
        qsort(config->tokens, config->token_count, sizeof *config->tokens, compare_tokens);
    for (size_t i = 0; i < config->token_count; i++)
        if (kept == 0 || compare_tokens(config->tokens[kept - 1], config->tokens[i]) != 0)
            memmove(config->tokens[kept++], config->tokens[i], STORE_TOKEN_HASH_BYTES);
    config->token_count = kept;
}

static void read_users(const struct json_field *users, struct reference_config *config)
{
    const size_t count = count_tokens(users);
    if (!is_good(users))
        return;
    config->tokens = mem_alloc(count > 0 ? count : 1, sizeof *config->tokens);
    if (config->tokens == NULL) {
        config_no_memory(users);
        return;
    }
    const size_t user_count = json_array_size(users->value);
    for (size_t i = 0; i < user_count; i++) {
        const struct json_field user = json_field_item(users, i);
        read_user(&user, config);
    }
    drop_doubles(config);
}

/* ---- use cases ---- */

static void check_name(const struct json_field *field, const struct reference_config *config,
                       const char *name)
{
    if (name != NULL && !dataset_use_case_is_valid(name))
        json_field_refuse(field, "letters, digits, '.', '-' and '_' make the name of a use case");
    for (size_t i = 0; name != NULL && i < config->use_case_count; i++)
        if (strcmp(config->use_cases[i].name, name) == 0)
            json_field_refuse(field, "is the name of $.usecases[%zu] already", i);
}

/* The key's file; NULL when it is absent or something is wrong. */
static char *read_symmetric(const struct json_field *object)
{
    static const char *const types[] = {"OPRF_P384_AES_GCM_192_NONCE_96_TAG_128"};
    if (object->value == NULL)
        return NULL;
    json_field_object(object);
    const struct json_field path = json_field_required(object, "databaseEncryptionKeyFilePath");
    const struct json_field type = optional(object, "configType");
    (void)json_field_choice(&type, types, ARRAY_COUNT(types), 0);
    return config_text(&path, REFERENCE_STEM_MAX_BYTES);
}

static void read_use_case(const struct json_field *object, struct reference_config *config)
{
    struct reference_use_case *ret = &config->use_cases[config->use_case_count];
    json_field_object(object);
    const struct json_field name = json_field_required(object, "name");
    const struct json_field stem = json_field_required(object, "fileStem");
    const struct json_field shards = json_field_required(object, "shardCount");
    const struct json_field versions = optional(object, "versionCount");
    const struct json_field symmetric = optional(object, "symmetricPirArguments");
    ret->name = config_text(&name, DATASET_USE_CASE_MAX_BYTES);
    check_name(&name, config, ret->name);
    ret->stem = config_text(&stem, REFERENCE_STEM_MAX_BYTES);
    ret->version_count =
        json_field_integer(&versions, 0, REFERENCE_VERSION_COUNT_MAX, REFERENCE_VERSIONS_KEPT);
    ret->shard_count =
        json_field_integer(&shards, ret->version_count == 0 ? 0 : 1, DATASET_SHARDS_MAX, 1);
    ret->symmetric_key = read_symmetric(&symmetric);
    config->use_case_count++;
}

static void read_use_cases(const struct json_field *list, struct reference_config *config)
{
    const size_t count = json_field_count(list, REFERENCE_USE_CASES_MAX);
    config->use_cases = mem_alloc_zeroed(count > 0 ? count : 1, sizeof *config->use_cases);
    if (config->use_cases == NULL) {
        config_no_memory(list);
        return;
    }
    for (size_t i = 0; i < count && is_good(list); i++) {
        const struct json_field object = json_field_item(list, i);
        read_use_case(&object, config);
    }
}

static void check_served(const struct json_field *list, const struct reference_config *config)
{
    size_t served = 0;
    for (size_t i = 0; i < config->use_case_count; i++)
        served += config->use_cases[i].version_count > 0;
    if (served == 0)
        json_field_refuse(list, "no use case is left to serve");
}

/* ---- all of it ---- */

void reference_config_read(const struct json_field *root, struct reference_config **ret)
{
    struct reference_config *config = mem_alloc_zeroed(1, sizeof *config);
    *ret = NULL;
    if (config == NULL) {
        config_no_memory(root);
        return;
    }
    const struct json_field users = json_field_required(root, "users");
    const struct json_field use_cases = json_field_required(root, "usecases");
    const struct json_field uri = optional(root, "issuerRequestUri");
    const struct json_field reports = optional(root, "reportDirectory");
    read_users(&users, config);
    if (is_good(root))
        read_use_cases(&use_cases, config);
    if (is_good(root))
        check_served(&use_cases, config);
    (void)json_field_text(&uri, REFERENCE_STEM_MAX_BYTES); /* the directory says where to ask */
    config->reports = config_text(&reports, REFERENCE_STEM_MAX_BYTES);
    if (is_good(root))
        *ret = config;
    else
        reference_config_free(config);
}

void reference_config_free(struct reference_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; config->use_cases != NULL && i < config->use_case_count; i++) {
        mem_free(config->use_cases[i].name);
        mem_free(config->use_cases[i].stem);
        mem_free(config->use_cases[i].symmetric_key);
    }
    mem_free(config->use_cases);
    mem_free(config->tokens);
    mem_free(config->reports);
    mem_free(config);
}
