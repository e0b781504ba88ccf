#include "pir-server/dataset/process_config.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "pir-server/pir/hash_bucket.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

/* Defaults of the reference: spec/keyword-pir.md section 2. */
#define DEFAULT_HASH_FUNCTIONS   2
#define DEFAULT_EVICTIONS        100
#define DEFAULT_EXPANSION_FACTOR 1.1
#define DEFAULT_LOAD_FACTOR      0.9
#define DEFAULT_TRIALS           1

#define PATH_BYTES ((size_t)128)

/* ---- one value ---- */

/* A member and where it stands, for messages: "cuckooTableArguments.slotCount". */
struct field {
    const json_t *value; /* NULL when absent or null */
    char path[PATH_BYTES];
};

static struct field root_field(const json_t *root)
{
    return (struct field){.value = root};
}

static struct field member(const struct field *parent, const char *name)
{
    struct field field = {.value = json_object_get(parent->value, name)};
    if (json_is_null(field.value))
        field.value = NULL;
    (void)snprintf(field.path, sizeof field.path, "%.64s%s%s", parent->path,
                   parent->path[0] != '\0' ? "." : "", name);
    return field;
}

static enum status invalid(const struct field *field, const char *what, struct error *err)
{
    return error_set(err, STATUS_INVALID, "%s: %s", field->path, what);
}

static enum status wrong_type(const struct field *field, const char *wanted, struct error *err)
{
    return error_set(err, STATUS_MALFORMED, "%s: must be %s", field->path, wanted);
}

/* An integer in [least, most]; an absent one leaves *ret. 2.0 is one too. */
static enum status read_integer(const struct field *field, uint64_t least, uint64_t most,
                                uint64_t *ret, struct error *err)
{
    json_int_t value = 0;
    if (field->value == NULL)
        return STATUS_OK;
    if (json_is_integer(field->value)) {
        value = json_integer_value(field->value);
    } else {
        const double real = json_real_value(field->value);
        if (!json_is_real(field->value) || real != floor(real) || fabs(real) > 9e15)
            return wrong_type(field, "an integer", err);
        value = (json_int_t)real;
    }
    if (value < 0 || (uint64_t)value < least || (uint64_t)value > most)
        return error_set(err, STATUS_INVALID, "%s: %lld is not in %llu..%llu", field->path,
                         (long long)value, (unsigned long long)least, (unsigned long long)most);
    *ret = (uint64_t)value;
    return STATUS_OK;
}

static enum status read_number(const struct field *field, double *ret, struct error *err)
{
    if (field->value == NULL)
        return STATUS_OK;
    if (!json_is_number(field->value))
        return wrong_type(field, "a number", err);
    *ret = json_number_value(field->value);
    return STATUS_OK;
}

static enum status read_bool(const struct field *field, bool *ret, struct error *err)
{
    if (field->value == NULL)
        return STATUS_OK;
    if (!json_is_boolean(field->value))
        return wrong_type(field, "true or false", err);
    *ret = json_is_true(field->value);
    return STATUS_OK;
}

/* The text, NULL when absent. */
static enum status read_text(const struct field *field, const char **ret, struct error *err)
{
    *ret = NULL;
    if (field->value == NULL)
        return STATUS_OK;
    if (!json_is_string(field->value))
        return wrong_type(field, "a string", err);
    *ret = json_string_value(field->value);
    return STATUS_OK;
}

static enum status check_object(const struct field *field, struct error *err)
{
    return field->value == NULL || json_is_object(field->value)
               ? STATUS_OK
               : wrong_type(field, "an object", err);
}

/* The only key of an object that must have exactly one. */
static enum status read_choice(const struct field *field, const char **ret, struct error *err)
{
    if (!json_is_object(field->value))
        return wrong_type(field, "an object", err);
    if (json_object_size(field->value) != 1)
        return invalid(field, "exactly one key is wanted", err);
    *ret = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)field->value));
    return STATUS_OK;
}

/* ---- the parts ---- */

static enum status copy_path(const struct field *root, const char *name, bool required, char **ret,
                             struct error *err)
{
    const struct field field = member(root, name);
    const char *text;
    const enum status st = read_text(&field, &text, err);
    if (st != STATUS_OK)
        return st;
    if (text == NULL)
        return required ? invalid(&field, "is missing", err) : STATUS_OK;
    if (text[0] == '\0')
        return invalid(&field, "is empty", err);
    *ret = mem_strdup(text);
    return *ret != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "no memory for a path");
}

static enum status read_kind(const struct field *root, struct error *err)
{
    const struct field type = member(root, "databaseType");
    const struct field algorithm = member(root, "algorithm");
    const char *text;
    enum status st = read_text(&type, &text, err);
    if (st != STATUS_OK)
        return st;
    if (text != NULL && strcmp(text, "index") == 0)
        return error_set(err, STATUS_UNSUPPORTED,
                         "databaseType: index databases are not supported");
    if (text != NULL && strcmp(text, "keyword") != 0)
        return invalid(&type, "neither keyword nor index", err);
    st = read_text(&algorithm, &text, err);
    if (st != STATUS_OK)
        return st;
    if (text != NULL && strcmp(text, "aclsPir") == 0)
        return error_set(err, STATUS_UNSUPPORTED, "algorithm: aclsPir is not supported");
    if (text != NULL && strcmp(text, "mulPir") != 0)
        return invalid(&algorithm, "is not mulPir", err);
    return STATUS_OK;
}

static enum status read_symmetric(const struct field *root, struct process_config *config,
                                  struct error *err)
{
    static const char only[] = "OPRF_P384_AES_GCM_192_NONCE_96_TAG_128";
    const struct field field = member(root, "symmetricPirArguments");
    const char *type;
    enum status st = check_object(&field, err);
    if (st != STATUS_OK || field.value == NULL)
        return st;
    const struct field kind = member(&field, "configType");
    st = read_text(&kind, &type, err);
    if (st == STATUS_OK && type != NULL && strcmp(type, only) != 0)
        return invalid(&kind, "is not OPRF_P384_AES_GCM_192_NONCE_96_TAG_128", err);
    if (st == STATUS_OK)
        st = copy_path(&field, "databaseEncryptionKeyFilePath", false, &config->symmetric_key, err);
    if (st == STATUS_OK)
        st = copy_path(&field, "outputDatabaseEncryptionKeyFilePath", false,
                       &config->new_symmetric_key, err);
    if (st == STATUS_OK && (config->symmetric_key == NULL) == (config->new_symmetric_key == NULL))
        return invalid(&field,
                       "exactly one of databaseEncryptionKeyFilePath and "
                       "outputDatabaseEncryptionKeyFilePath is wanted",
                       err);
    return st;
}

static enum status read_rlwe(const struct field *root, struct bfv_parameters *ret,
                             struct error *err)
{
    const struct field field = member(root, "rlweParameters");
    const char *name;
    const enum status st = read_text(&field, &name, err);
    if (st != STATUS_OK)
        return st;
    if (name == NULL)
        return invalid(&field, "is missing", err);
    const struct bfv_named_parameters *named = bfv_named_parameters_find(name);
    if (named == NULL)
        return error_set(err, STATUS_INVALID, "rlweParameters: %.64s is not known", name);
    if (named->is_insecure)
        return error_set(err, STATUS_UNSUPPORTED, "rlweParameters: %s is for tests only", name);
    if (named->needs_64_bit)
        return error_set(err, STATUS_UNSUPPORTED,
                         "rlweParameters: %s needs words of 64 bits, which is not supported", name);
    if (named->fails_decryption)
        return error_set(err, STATUS_UNSUPPORTED,
                         "rlweParameters: %s leaves no noise budget, so answers would be wrong",
                         name);
    *ret = named->parameters;
    return STATUS_OK;
}

static bool is_power_of_two(uint64_t value)
{
    return (value & (value - 1)) == 0;
}

/* *ret_is_one: absent, or exactly {"shardCount": 1}. */
static enum status read_sharding(const struct field *root, struct process_config *config,
                                 bool *ret_is_one, struct error *err)
{
    const struct field field = member(root, "sharding");
    enum status st = check_object(&field, err);
    if (st != STATUS_OK)
        return st;
    if (field.value == NULL) {
        config->shard_count = 1;
        *ret_is_one = true;
        return STATUS_OK;
    }
    const struct field count = member(&field, "shardCount");
    const struct field entries = member(&field, "entryCountPerShard");
    const struct field most = member(&field, "maxShardCount");
    const struct field power = member(&field, "requirePowerOfTwoShardCount");
    if ((count.value == NULL) == (entries.value == NULL))
        return invalid(&field, "exactly one of shardCount and entryCountPerShard is wanted", err);
    st = read_integer(&count, 1, PIR_SHARDS_MAX, &config->shard_count, err);
    if (st == STATUS_OK)
        st = read_integer(&entries, 1, INT64_MAX, &config->entries_per_shard, err);
    if (st == STATUS_OK)
        st = read_integer(&most, 1, INT64_MAX, &config->max_shard_count, err);
    if (st == STATUS_OK)
        st = read_bool(&power, &config->require_power_of_two, err);
    if (st != STATUS_OK)
        return st;
    if (config->shard_count > 0 && config->max_shard_count > 0 &&
        config->shard_count > config->max_shard_count)
        return invalid(&count, "is above maxShardCount", err);
    if (config->shard_count > 0 && config->require_power_of_two &&
        !is_power_of_two(config->shard_count))
        return invalid(&count, "is no power of two, which requirePowerOfTwoShardCount asks for",
                       err);
    *ret_is_one = config->shard_count == 1 && json_object_size(field.value) == 1;
    return STATUS_OK;
}

static enum status read_sharding_function(const struct field *root, struct sharding *ret,
                                          struct error *err)
{
    const struct field field = member(root, "shardingFunction");
    const char *choice;
    uint64_t other = 0;
    *ret = (struct sharding){.function = SHARDING_SHA256};
    if (field.value == NULL)
        return STATUS_OK;
    enum status st = read_choice(&field, &choice, err);
    if (st != STATUS_OK)
        return st;
    if (strcmp(choice, "sha256") == 0)
        return STATUS_OK;
    if (strcmp(choice, "doubleMod") != 0)
        return invalid(&field, "neither sha256 nor doubleMod", err);
    const struct field count = member(&field, "doubleMod");
    if (count.value == NULL)
        return invalid(&count, "the other use case's shard count is missing", err);
    st = read_integer(&count, 1, UINT32_MAX, &other, err);
    if (st == STATUS_OK)
        *ret = (struct sharding){.function = SHARDING_DOUBLE_MOD,
                                 .other_shard_count = (uint32_t)other};
    return st;
}

static enum status read_bucket_count(const struct field *table, struct cuckoo_config *ret,
                                     struct error *err)
{
    const struct field field = member(table, "bucketCount");
    const char *choice;
    ret->allow_expansion = true;
    ret->expansion_factor = DEFAULT_EXPANSION_FACTOR;
    ret->target_load_factor = DEFAULT_LOAD_FACTOR;
    if (field.value == NULL)
        return STATUS_OK;
    enum status st = read_choice(&field, &choice, err);
    if (st != STATUS_OK)
        return st;
    const struct field inner = member(&field, choice);
    st = inner.value == NULL ? wrong_type(&inner, "an object", err) : check_object(&inner, err);
    if (st != STATUS_OK)
        return st;
    if (strcmp(choice, "allowExpansion") == 0) {
        const struct field factor = member(&inner, "expansionFactor");
        const struct field load = member(&inner, "targetLoadFactor");
        st = read_number(&factor, &ret->expansion_factor, err);
        return st == STATUS_OK ? read_number(&load, &ret->target_load_factor, err) : st;
    }
    if (strcmp(choice, "fixedSize") != 0)
        return invalid(&field, "neither allowExpansion nor fixedSize", err);
    const struct field count = member(&inner, "bucketCount");
    if (count.value == NULL)
        return invalid(&count, "is missing", err);
    ret->allow_expansion = false;
    return read_integer(&count, 1, CUCKOO_BUCKETS_MAX, &ret->fixed_bucket_count, err);
}

static enum status read_table(const struct field *root, struct process_config *config,
                              struct error *err)
{
    const struct field field = member(root, "cuckooTableArguments");
    struct cuckoo_config *table = &config->processing.table;
    uint64_t functions = DEFAULT_HASH_FUNCTIONS;
    uint64_t evictions = DEFAULT_EVICTIONS;
    uint64_t slots = HASH_BUCKET_SLOTS_MAX;
    uint64_t bytes = 0;
    enum status st = check_object(&field, err);
    if (st != STATUS_OK)
        return st;
    const struct field functions_field = member(&field, "hashFunctionCount");
    const struct field evictions_field = member(&field, "maxEvictionCount");
    const struct field slots_field = member(&field, "slotCount");
    const struct field bytes_field = member(&field, "maxSerializedBucketSize");
    st = read_integer(&functions_field, 1, KEYWORD_HASH_FUNCTIONS_MAX, &functions, err);
    if (st == STATUS_OK)
        st = read_integer(&evictions_field, 1, UINT32_MAX, &evictions, err);
    if (st == STATUS_OK)
        st = read_integer(&slots_field, 1, HASH_BUCKET_SLOTS_MAX, &slots, err);
    if (st == STATUS_OK)
        st = read_integer(&bytes_field, HASH_BUCKET_EMPTY_BYTES + HASH_BUCKET_SLOT_BYTES,
                          HASH_BUCKET_BYTES_MAX, &bytes, err);
    if (st == STATUS_OK)
        st = read_bucket_count(&field, table, err);
    if (st != STATUS_OK)
        return st;
    table->hash_function_count = (size_t)functions;
    table->max_eviction_count = (size_t)evictions;
    table->slot_count = (size_t)slots;
    config->has_bucket_bytes = bytes_field.value != NULL;
    table->bucket_bytes =
        config->has_bucket_bytes ? (size_t)bytes : HASH_BUCKET_EMPTY_BYTES + HASH_BUCKET_SLOT_BYTES;
    st = cuckoo_config_validate(table, err);
    return st == STATUS_OK ? st : error_prefix(err, st, "cuckooTableArguments");
}

static enum status read_options(const struct field *root, struct process_config *config,
                                struct error *err)
{
    const struct field compression = member(root, "keyCompression");
    const struct field uneven = member(root, "unevenDimensions");
    const struct field whole = member(root, "useMaxSerializedBucketSize");
    const struct field trials = member(root, "trialsPerShard");
    struct pir_processing *processing = &config->processing;
    uint64_t trial_count = DEFAULT_TRIALS;
    const char *text;
    enum status st = read_text(&compression, &text, err);
    if (st != STATUS_OK)
        return st;
    if (text == NULL || strcmp(text, "noCompression") == 0)
        processing->key_compression = PIR_KEY_COMPRESSION_NONE;
    else if (strcmp(text, "hybridCompression") == 0)
        processing->key_compression = PIR_KEY_COMPRESSION_HYBRID;
    else if (strcmp(text, "maxCompression") == 0)
        processing->key_compression = PIR_KEY_COMPRESSION_MAX;
    else
        return invalid(&compression, "is not noCompression, hybridCompression or maxCompression",
                       err);
    processing->uneven_dimensions = true;
    st = read_bool(&uneven, &processing->uneven_dimensions, err);
    if (st == STATUS_OK)
        st = read_bool(&whole, &processing->use_max_bucket_bytes, err);
    if (st == STATUS_OK)
        st = read_integer(&trials, 0, PROCESS_TRIALS_MAX, &trial_count, err);
    config->trials_per_shard = (size_t)trial_count;
    return st;
}

static enum status read_all(const struct field *root, struct process_config *config,
                            struct error *err)
{
    bool is_one_shard = false;
    enum status st = read_kind(root, err);
    if (st == STATUS_OK)
        st = copy_path(root, "inputDatabase", true, &config->input_database, err);
    if (st == STATUS_OK)
        st = copy_path(root, "outputDatabase", true, &config->output_database, err);
    if (st == STATUS_OK)
        st = copy_path(root, "outputPirParameters", true, &config->output_parameters, err);
    if (st == STATUS_OK)
        st = copy_path(root, "outputEvaluationKeyConfig", false, &config->output_key_config, err);
    if (st == STATUS_OK)
        st = read_symmetric(root, config, err);
    if (st == STATUS_OK)
        st = read_rlwe(root, &config->processing.encryption, err);
    if (st == STATUS_OK)
        st = read_sharding(root, config, &is_one_shard, err);
    if (st == STATUS_OK)
        st = read_sharding_function(root, &config->processing.sharding, err);
    if (st == STATUS_OK)
        st = read_table(root, config, err);
    if (st == STATUS_OK)
        st = read_options(root, config, err);
    if (st != STATUS_OK)
        return st;
    if (!is_one_shard && strstr(config->output_database, PROCESS_SHARD_ID) == NULL)
        return error_set(err, STATUS_INVALID, "outputDatabase: %s is missing in the name",
                         PROCESS_SHARD_ID);
    if (!is_one_shard && strstr(config->output_parameters, PROCESS_SHARD_ID) == NULL)
        return error_set(err, STATUS_INVALID, "outputPirParameters: %s is missing in the name",
                         PROCESS_SHARD_ID);
    if (strcmp(config->output_database, config->output_parameters) == 0)
        return error_set(err, STATUS_INVALID,
                         "outputDatabase and outputPirParameters name the same file");
    return STATUS_OK;
}

/* ---- JSON ---- */

/* Blanks every comma that only white space separates from a closing bracket. */
static void drop_trailing_commas(uint8_t *text, size_t size)
{
    bool in_string = false;
    size_t comma = SIZE_MAX; /* the last comma with nothing but white space behind it */
    for (size_t i = 0; i < size; i++) {
        const uint8_t c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            continue;
        if ((c == '}' || c == ']') && comma != SIZE_MAX)
            text[comma] = ' ';
        comma = c == ',' ? i : SIZE_MAX;
        in_string = c == '"';
    }
}

enum status process_config_read(struct span json, struct process_config *ret, struct error *err)
{
    struct process_config config = {0};
    json_error_t json_error;
    json_t *root = NULL;
    enum status st = STATUS_OK;
    uint8_t *text = mem_alloc(json.size, 1);
    if (text == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for a configuration");
        goto done;
    }
    if (json.size > 0)
        memcpy(text, json.data, json.size);
    drop_trailing_commas(text, json.size);
    root = json_loadb((const char *)text, json.size, JSON_REJECT_DUPLICATES, &json_error);
    if (root == NULL) {
        st = error_set(err, STATUS_MALFORMED, "line %d, column %d: %s", json_error.line,
                       json_error.column, json_error.text);
        goto done;
    }
    if (!json_is_object(root)) {
        st = error_set(err, STATUS_MALFORMED, "a JSON object is wanted");
        goto done;
    }
    const struct field field = root_field(root);
    st = read_all(&field, &config, err);
    if (st != STATUS_OK)
        goto done;
    *ret = config;
    config = (struct process_config){0};
done:
    process_config_deinit(&config);
    json_decref(root);
    mem_free(text);
    return st;
}

void process_config_deinit(struct process_config *config)
{
    mem_free(config->input_database);
    mem_free(config->output_database);
    mem_free(config->output_parameters);
    mem_free(config->symmetric_key);
    mem_free(config->new_symmetric_key);
    mem_free(config->output_key_config);
    *config = (struct process_config){0};
}

/* ---- what follows from it ---- */

enum status process_config_shard_count(const struct process_config *config, uint64_t rows,
                                       uint64_t *ret, struct error *err)
{
    uint64_t count = config->shard_count;
    if (count == 0) {
        count = rows / config->entries_per_shard;
        if (count < 1)
            count = 1;
        if (config->max_shard_count > 0 && count > config->max_shard_count)
            count = config->max_shard_count;
        while (config->require_power_of_two && !is_power_of_two(count))
            count &= count - 1; /* its largest power of two */
    }
    if (count > PIR_SHARDS_MAX)
        return error_set(err, STATUS_TOO_LARGE,
                         "sharding.entryCountPerShard: %llu rows make %llu shards, at most %llu",
                         (unsigned long long)rows, (unsigned long long)count,
                         (unsigned long long)PIR_SHARDS_MAX);
    *ret = count;
    return STATUS_OK;
}

enum status process_config_settings(const struct process_config *config, size_t longest_value,
                                    struct pir_processing *ret, struct error *err)
{
    const size_t single = HASH_BUCKET_EMPTY_BYTES + HASH_BUCKET_SLOT_BYTES + longest_value;
    const size_t plaintext = bfv_bytes_per_plaintext(&config->processing.encryption);
    struct pir_processing settings = config->processing;
    if (!config->has_bucket_bytes)
        settings.table.bucket_bytes = single >= plaintext / 2
                                          ? (single + plaintext - 1) / plaintext * plaintext
                                          : plaintext / 2;
    if (longest_value > HASH_BUCKET_VALUE_MAX)
        return error_set(err, STATUS_TOO_LARGE, "a value has %zu bytes, at most %zu", longest_value,
                         HASH_BUCKET_VALUE_MAX);
    if (settings.table.bucket_bytes < single)
        return error_set(err, STATUS_INVALID,
                         "cuckooTableArguments.maxSerializedBucketSize: %zu, but the longest value "
                         "needs %zu",
                         settings.table.bucket_bytes, single);
    *ret = settings;
    return STATUS_OK;
}

char *process_config_path(const char *name, uint64_t shard)
{
    struct bytes out;
    bytes_init(&out, (size_t)1 << 20);
    for (const char *at = name;;) {
        const char *found = strstr(at, PROCESS_SHARD_ID);
        if (found == NULL) {
            bytes_append_text(&out, at);
            break;
        }
        bytes_append(&out, span_of(at, (size_t)(found - at)));
        bytes_append_format(&out, "%llu", (unsigned long long)shard);
        at = found + strlen(PROCESS_SHARD_ID);
    }
    bytes_append_u8(&out, 0);
    char *path = out.status == STATUS_OK ? mem_strdup((const char *)out.data) : NULL;
    bytes_deinit(&out);
    return path;
}
