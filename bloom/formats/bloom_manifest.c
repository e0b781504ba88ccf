/* jansson tells the line at which it noticed a mistake of syntax; mistakes of content are named by
 * their JSON path, since it does not keep lines. */
#include "bloom/formats/bloom_manifest.h"

#include <jansson.h>

enum field {
    FIELD_TAG,
    FIELD_BITS,
    FIELD_HASHES,
    FIELD_SEED,
    FIELD_ITEMS,
    FIELD_TOLERANCE,
    FIELD_BYTES,
    FIELD_URL,
    FIELD_SIGNATURE,
    FIELD_PARSING,
    FIELD_COUNT
};

struct form {
    enum bloom_layout layout;
    const char *names[FIELD_COUNT]; /* NULL = the form does not have it */
};

static const struct form manifest_form = {BLOOM_LAYOUT_MANIFEST,
                                          {[FIELD_TAG] = "tag",
                                           [FIELD_BITS] = "bitCount",
                                           [FIELD_HASHES] = "hashCount",
                                           [FIELD_SEED] = "murmurSeed",
                                           [FIELD_ITEMS] = "itemCount",
                                           [FIELD_TOLERANCE] = "falsePositiveTolerance",
                                           [FIELD_BYTES] = "byteCount",
                                           [FIELD_URL] = "url",
                                           [FIELD_SIGNATURE] = "signature",
                                           [FIELD_PARSING] = "parsingSha256"}};

static const struct form url_form = {BLOOM_LAYOUT_URL,
                                     {[FIELD_TAG] = "tag",
                                      [FIELD_BITS] = "numberOfBits",
                                      [FIELD_HASHES] = "numberOfHashes",
                                      [FIELD_SEED] = "murmurSeed",
                                      [FIELD_TOLERANCE] = "falsePositiveTolerance",
                                      [FIELD_URL] = "url"}};

/* A JSON object being read under one of the forms. */
struct source {
    const json_t *object;
    const struct form *form;
    const char *name;
};

static enum status refuse_unknown(const struct source *source, struct error *err)
{
    for (void *at = json_object_iter((json_t *)(uintptr_t)source->object); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)source->object, at)) {
        const char *key = json_object_iter_key(at);
        bool is_known = false;
        for (size_t i = 0; i < FIELD_COUNT; i++)
            is_known |= source->form->names[i] != NULL && strcmp(source->form->names[i], key) == 0;
        if (!is_known)
            return error_set(err, STATUS_INVALID, "%s: $.%.60s: unknown field in \"%s\"",
                             source->name, key, bloom_layout_name(source->form->layout));
    }
    return STATUS_OK;
}

static enum status get(const struct source *source, enum field field, const json_t **ret,
                       struct error *err)
{
    const char *key = source->form->names[field];
    const json_t *value = json_object_get(source->object, key);
    if (value == NULL)
        return error_set(err, STATUS_INVALID, "%s: $.%s: is missing", source->name, key);
    *ret = value;
    return STATUS_OK;
}

static enum status get_integer(const struct source *source, enum field field, uint64_t min,
                               uint64_t max, uint64_t *ret, struct error *err)
{
    const json_t *value = NULL;
    const enum status status = get(source, field, &value, err);
    if (status != STATUS_OK)
        return status;
    const json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uint64_t)number < min || (uint64_t)number > max)
        return error_set(err, STATUS_INVALID, "%s: $.%s: must be an integer from %llu to %llu",
                         source->name, source->form->names[field], (unsigned long long)min,
                         (unsigned long long)max);
    *ret = (uint64_t)number;
    return STATUS_OK;
}

static enum status get_rate(const struct source *source, double *ret, struct error *err)
{
    const json_t *value = NULL;
    const enum status status = get(source, FIELD_TOLERANCE, &value, err);
    if (status != STATUS_OK)
        return status;
    const double rate = json_real_value(value); /* 0 when it is something else */
    if (!(rate > 0.0 && rate < 1.0))
        return error_set(err, STATUS_INVALID,
                         "%s: $.%s: must be a number between 0 and 1, both excluded", source->name,
                         source->form->names[FIELD_TOLERANCE]);
    *ret = rate;
    return STATUS_OK;
}

static enum status get_text(const struct source *source, enum field field, size_t max_bytes,
                            char *ret, struct error *err)
{
    const json_t *value = NULL;
    const enum status status = get(source, field, &value, err);
    if (status != STATUS_OK)
        return status;
    const char *key = source->form->names[field];
    if (!json_is_string(value))
        return error_set(err, STATUS_INVALID, "%s: $.%s: must be a string", source->name, key);
    const char *text = json_string_value(value);
    const size_t size = strlen(text); /* jansson refuses NUL inside strings */
    if (size == 0 || size > max_bytes)
        return error_set(err, STATUS_INVALID, "%s: $.%s: must be of 1 to %zu bytes, has %zu",
                         source->name, key, max_bytes, size);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return error_set(err, STATUS_INVALID, "%s: $.%s: holds a control character",
                             source->name, key);
    }
    memcpy(ret, text, size + 1);
    return STATUS_OK;
}

static bool is_digest(const char *tag)
{
    return strlen(tag) == 2 * (size_t)BLOOM_DIGEST_BYTES &&
           strspn(tag, "0123456789abcdef") == 2 * (size_t)BLOOM_DIGEST_BYTES;
}

/* What only the manifest has. */
static enum status parse_manifest_fields(const struct source *source, struct bloom_meta *meta,
                                         struct error *err)
{
    uint64_t byte_count;
    enum status status = get_integer(source, FIELD_ITEMS, 1, INT64_MAX, &meta->item_count, err);
    if (status == STATUS_OK)
        status = get_integer(source, FIELD_BYTES, 1, UINT32_MAX, &byte_count, err);
    if (status != STATUS_OK)
        return status;
    if (byte_count != bloom_byte_count(meta->params.bit_count))
        return error_set(err, STATUS_INVALID, "%s: $.byteCount: is %llu, but %u bits need %zu",
                         source->name, (unsigned long long)byte_count, meta->params.bit_count,
                         bloom_byte_count(meta->params.bit_count));
    if (!is_digest(meta->tag))
        return error_set(err, STATUS_INVALID,
                         "%s: $.tag: must be SHA-256 of the bits in 64 lower-case hex digits",
                         source->name);
    const json_t *signature = json_object_get(source->object, manifest_form.names[FIELD_SIGNATURE]);
    if (signature != NULL) {
        status = get_text(source, FIELD_SIGNATURE, BLOOM_SIGNATURE_MAX_BYTES, meta->signature, err);
        if (status != STATUS_OK)
            return status;
    }
    const json_t *parsing = json_object_get(source->object, manifest_form.names[FIELD_PARSING]);
    if (parsing == NULL)
        return STATUS_OK;
    if (!json_is_string(parsing) || !is_digest(json_string_value(parsing)))
        return error_set(err, STATUS_INVALID,
                         "%s: $.parsingSha256: must be 64 lower-case hex digits", source->name);
    memcpy(meta->parsing, json_string_value(parsing), sizeof meta->parsing);
    return STATUS_OK;
}

static enum status parse_fields(const struct source *source, struct bloom_meta *ret,
                                struct error *err)
{
    struct bloom_meta meta = {.item_count = 0};
    uint64_t bits = 0;
    uint64_t hashes = 0;
    uint64_t seed = 0;
    enum status status = refuse_unknown(source, err);
    if (status == STATUS_OK)
        status = get_integer(source, FIELD_BITS, 1, UINT32_MAX, &bits, err);
    if (status == STATUS_OK)
        status = get_integer(source, FIELD_HASHES, 1, BLOOM_MAX_HASH_COUNT, &hashes, err);
    if (status == STATUS_OK)
        status = get_integer(source, FIELD_SEED, 0, UINT32_MAX, &seed, err);
    if (status == STATUS_OK)
        status = get_rate(source, &meta.false_positive_tolerance, err);
    if (status == STATUS_OK)
        status = get_text(source, FIELD_TAG, BLOOM_TAG_MAX_BYTES, meta.tag, err);
    if (status == STATUS_OK)
        status = get_text(source, FIELD_URL, BLOOM_URL_MAX_BYTES, meta.url, err);
    meta.params = (struct bloom_params){
        .bit_count = (uint32_t)bits, .hash_count = (uint32_t)hashes, .murmur_seed = (uint32_t)seed};
    if (status == STATUS_OK && source->form == &manifest_form)
        status = parse_manifest_fields(source, &meta, err);
    if (status == STATUS_OK)
        *ret = meta;
    return status;
}

/* jansson's message may quote bytes of the input. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            *text = '?';
    }
}

enum status bloom_manifest_parse(struct span json, const char *name, struct bloom_meta *ret,
                                 enum bloom_layout *ret_layout, struct error *err)
{
    json_t *root = NULL;
    json_error_t error;
    enum status status = STATUS_OK;

    if (json.size > BLOOM_MANIFEST_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "%s: %zu bytes of JSON, at most %zu are expected",
                         name, json.size, BLOOM_MANIFEST_MAX_BYTES);
    if (json.size == 0)
        return error_set(err, STATUS_MALFORMED, "%s: is empty", name);
    root = json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        make_printable(error.text);
        if (json_error_code(&error) == json_error_out_of_memory)
            return error_set(err, STATUS_NOMEM, "%s: out of memory", name);
        return error_set(err, STATUS_MALFORMED, "%s, line %d: %s", name, error.line, error.text);
    }
    if (!json_is_object(root)) {
        status = error_set(err, STATUS_INVALID, "%s: $: must be an object", name);
        goto done;
    }
    const bool has_url_form = json_object_get(root, url_form.names[FIELD_BITS]) != NULL ||
                              json_object_get(root, url_form.names[FIELD_HASHES]) != NULL;
    const struct source source = {
        .object = root, .form = has_url_form ? &url_form : &manifest_form, .name = name};
    status = parse_fields(&source, ret, err);
    if (status == STATUS_OK)
        *ret_layout = source.form->layout;
done:
    json_decref(root);
    return status;
}

enum status bloom_manifest_format(const struct bloom_meta *meta, enum bloom_layout layout,
                                  struct bytes *ret, struct error *err)
{
    const struct form *form = layout == BLOOM_LAYOUT_URL ? &url_form : &manifest_form;
    enum status status = bloom_meta_check(meta, err);
    if (status != STATUS_OK)
        return status;
    if (meta->item_count == 0 && form == &manifest_form)
        return error_set(err, STATUS_INVALID, "the number of items is not known");
    if (meta->tag[0] == '\0' || meta->url[0] == '\0')
        return error_set(err, STATUS_INVALID, "the %s is missing",
                         meta->tag[0] == '\0' ? "tag" : "url");
    const json_int_t numbers[FIELD_COUNT] = {
        [FIELD_BITS] = meta->params.bit_count,
        [FIELD_HASHES] = meta->params.hash_count,
        [FIELD_SEED] = meta->params.murmur_seed,
        [FIELD_ITEMS] = (json_int_t)meta->item_count,
        [FIELD_BYTES] = (json_int_t)bloom_byte_count(meta->params.bit_count)};

    const char *const texts[FIELD_COUNT] = {[FIELD_TAG] = meta->tag,
                                            [FIELD_URL] = meta->url,
                                            [FIELD_PARSING] = meta->parsing,
                                            [FIELD_SIGNATURE] = meta->signature};

    json_t *root = json_object();
    int failed = 0;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        json_t *value = NULL;
        const bool is_absent = texts[i] != NULL && texts[i][0] == '\0'; /* tag and url are there */
        if (form->names[i] == NULL || is_absent)
            continue;
        if (texts[i] != NULL)
            value = json_string(texts[i]);
        else if (i == FIELD_TOLERANCE)
            value = json_real(meta->false_positive_tolerance);
        else
            value = json_integer(numbers[i]);
        failed |= json_object_set_new(root, form->names[i], value);
    }
    const size_t digits = (size_t)bloom_real_digits(meta->false_positive_tolerance);
    char *text =
        failed != 0
            ? NULL
            : json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(digits));
    if (text == NULL) {
        status = error_set(err, STATUS_NOMEM, "out of memory for the manifest, or no UTF-8 in it");
        goto done;
    }
    bytes_append_text(ret, text);
    bytes_append_u8(ret, '\n');
    status = bytes_status(ret, "manifest", err);
done:
    free(text);
    json_decref(root);
    return status;
}
