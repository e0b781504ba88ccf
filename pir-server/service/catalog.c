#include "pir-server/service/catalog.h"

#include "base/mem.h"
#include "pir-server/dataset/dataset_versions.h"
#include "pir-server/pir/pir_shard.h"
#include "pir-server/service/gzip.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define NANOSECONDS ((int64_t)1000000000)

#define CONTEXTS_MAX 32

/* ---- contexts ---- */

struct context_registry {
    unsigned bfv_flags;
    struct bfv_context *contexts[CONTEXTS_MAX];
    size_t count;
};

enum status context_registry_new(unsigned bfv_flags, struct context_registry **ret,
                                 struct error *err)
{
    struct context_registry *registry = mem_alloc_zeroed(1, sizeof *registry);
    if (registry == NULL)
        return error_set(err, STATUS_NOMEM, "context registry: out of memory");
    registry->bfv_flags = bfv_flags;
    *ret = registry;
    return STATUS_OK;
}

void context_registry_free(struct context_registry *registry)
{
    if (registry == NULL)
        return;
    for (size_t i = 0; i < registry->count; i++)
        bfv_context_free(registry->contexts[i]);
    mem_free(registry);
}

static enum status find_context(struct context_registry *registry,
                                const struct bfv_parameters *parameters,
                                const struct bfv_context **ret, struct error *err)
{
    for (size_t i = 0; i < registry->count; i++) {
        if (bfv_parameters_equal(bfv_context_parameters(registry->contexts[i]), parameters)) {
            *ret = registry->contexts[i];
            return STATUS_OK;
        }
    }
    if (registry->count == CONTEXTS_MAX)
        return error_set(err, STATUS_TOO_LARGE,
                         "more than %d sets of encryption parameters since the start",
                         CONTEXTS_MAX);
    struct bfv_context **slot = &registry->contexts[registry->count];
    const enum status status = bfv_context_new(parameters, registry->bfv_flags, NULL, slot, err);
    if (status != STATUS_OK)
        return status;
    registry->count++;
    *ret = *slot;
    return STATUS_OK;
}

/* ---- versions ---- */

/* The counters stay out of the header: nobody else touches them. */
struct counted_version {
    struct catalog_version version; /* first */
    atomic_size_t references;
};
struct counted_catalog {
    struct catalog catalog; /* first */
    atomic_size_t references;
};

static struct counted_version *counted_of(const struct catalog_version *version)
{
    return (struct counted_version *)(uintptr_t)version;
}

static const struct catalog_version *version_ref(const struct catalog_version *version)
{
    if (version != NULL)
        atomic_fetch_add(&counted_of(version)->references, 1);
    return version;
}

static void version_unref(const struct catalog_version *version)
{
    if (version == NULL)
        return;
    struct counted_version *counted = counted_of(version);
    if (atomic_fetch_sub(&counted->references, 1) != 1)
        return;
    config_forms_free(counted->version.forms);
    wire_config_free(counted->version.config);
    dataset_free(counted->version.dataset);
    mem_free(counted);
}

void catalog_etag(struct span content, char ret[HTTP_ETAG_BYTES])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256(content.size > 0 ? content.data : (const uint8_t *)"", content.size, digest);
    size_t at = 0;
    ret[at++] = '"';
    for (size_t i = 0; i < sizeof digest; i++, at += 2)
        snprintf(ret + at, 3, "%02x", digest[i]);
    ret[at++] = '"';
    ret[at] = '\0';
}

static enum status make_config(const struct dataset *dataset, struct wire_config **ret,
                               struct error *err)
{
    const size_t count = (size_t)dataset_info(dataset)->shard_count;
    const struct pir_parameters **shards = mem_alloc(count, sizeof(const struct pir_parameters *));
    if (shards == NULL)
        return error_set(err, STATUS_NOMEM, "%zu shards: out of memory", count);
    for (size_t i = 0; i < count; i++)
        shards[i] = pir_shard_parameters(dataset_shard(dataset, i));
    const enum status status = wire_config_new(shards, count, ret, err);
    mem_free(shards);
    return status;
}

/* Takes the dataset, also on failure. */
static enum status version_new(struct dataset *dataset, struct context_registry *registry,
                               const struct catalog_version **ret, struct error *err)
{
    struct counted_version *counted = mem_alloc_zeroed(1, sizeof *counted);
    if (counted == NULL) {
        dataset_free(dataset);
        return error_set(err, STATUS_NOMEM, "dataset: out of memory");
    }
    atomic_init(&counted->references, 1);
    struct catalog_version *version = &counted->version;
    const struct pir_parameters *parameters = dataset_parameters(dataset);
    version->dataset = dataset;
    version->made_s = dataset_made_ns(dataset_folder(dataset)) / NANOSECONDS;
    enum status status = find_context(registry, &parameters->encryption, &version->context, err);
    if (status == STATUS_OK)
        status = pir_layout_init(parameters, registry->bfv_flags, &version->layout, err);
    if (status == STATUS_OK)
        status = make_config(dataset, &version->config, err);
    if (status == STATUS_OK)
        status = config_forms_new(span_of_text(dataset_info(dataset)->use_case), version->config,
                                  &version->forms, err);
    if (status != STATUS_OK) {
        version_unref(version);
        return status;
    }
    if (dataset_info(dataset)->is_imported) { /* there is no prefilter */
        *ret = version;
        return STATUS_OK;
    }
    snprintf(version->bits_etag, sizeof version->bits_etag, "\"%s\"",
             dataset_info(dataset)->prefilter_tag);
    catalog_etag(dataset_prefilter_manifest(dataset), version->manifest_etag);
    *ret = version;
    return STATUS_OK;
}

/* ---- catalogs ---- */

const struct catalog *catalog_ref(const struct catalog *catalog)
{
    atomic_fetch_add(&((struct counted_catalog *)(uintptr_t)catalog)->references, 1);
    return catalog;
}

void catalog_unref(const struct catalog *catalog)
{
    if (catalog == NULL)
        return;
    struct counted_catalog *counted = (struct counted_catalog *)(uintptr_t)catalog;
    if (atomic_fetch_sub(&counted->references, 1) != 1)
        return;
    for (size_t i = 0; i < catalog->use_case_count; i++) {
        for (size_t k = 0; k < catalog->use_cases[i].version_count; k++)
            version_unref(catalog->use_cases[i].versions[k]);
    }
    mem_free(counted->catalog.use_cases);
    bytes_deinit(&counted->catalog.public_config);
    bytes_deinit(&counted->catalog.public_config_gzip);
    mem_free(counted);
}

const struct catalog_use_case *catalog_find(const struct catalog *catalog, struct span name)
{
    size_t low = 0;
    size_t high = catalog->use_case_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct catalog_use_case *use_case = &catalog->use_cases[middle];
        const int order = span_compare(name, span_of_text(use_case->name));
        if (order == 0)
            return use_case;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static struct span config_id_of(const struct catalog_version *version)
{
    return span_of(wire_config_id(version->config), WIRE_CONFIG_ID_BYTES);
}

const struct catalog_version *catalog_find_config(const struct catalog_use_case *use_case,
                                                  struct span config_id)
{
    for (size_t i = 0; i < use_case->version_count; i++) {
        if (span_equal(config_id_of(use_case->versions[i]), config_id))
            return use_case->versions[i];
    }
    return NULL;
}

static bool has_tag(const struct catalog_version *version, const char *tag)
{
    return strcmp(dataset_info(version->dataset)->prefilter_tag, tag) == 0;
}

const struct catalog_version *catalog_find_prefilter(const struct catalog_use_case *use_case,
                                                     const char *tag)
{
    for (size_t i = 0; i < use_case->version_count; i++) {
        if (has_tag(use_case->versions[i], tag))
            return use_case->versions[i];
    }
    return NULL;
}

const struct catalog_version *catalog_find_key_id(const struct catalog *catalog, struct span key_id)
{
    for (size_t i = 0; i < catalog->use_case_count; i++) {
        const struct catalog_use_case *use_case = &catalog->use_cases[i];
        for (size_t k = 0; k < use_case->version_count; k++) {
            const uint8_t *own = wire_config_key_id(use_case->versions[k]->config);
            if (span_equal(span_of(own, WIRE_KEY_ID_BYTES), key_id))
                return use_case->versions[k];
        }
    }
    return NULL;
}

/* ---- loading ---- */

static void log_loaded(const struct log *log, const struct catalog_version *version,
                       const char *note)
{
    const struct dataset_info *info = dataset_info(version->dataset);
    const uint8_t *id = wire_config_id(version->config);
    log_write(log, LOG_INFO,
              "dataset use_case=%s version=%s rows=%" PRIu64 " shards=%" PRIu64
              " prefilter_bytes=%" PRIu64 " configuration=%02x%02x%02x%02x %s",
              info->use_case, info->version, info->row_count, info->shard_count,
              info->prefilter_bytes, id[0], id[1], id[2], id[3], note);
}

static void add(struct catalog_use_case *use_case, const struct catalog_version *version,
                uint64_t replaced_at_s)
{
    use_case->versions[use_case->version_count] = version;
    use_case->replaced_at_s[use_case->version_count] = replaced_at_s;
    use_case->version_count++;
}

/* Adds what was served before and is still to be had, behind the newest if there is one already.
 *   due_s  lowered to the second at which one of them may go */
static void take_over(struct catalog_use_case *use_case, const struct catalog_part *part,
                      uint64_t keep_s, uint64_t now_s, uint64_t *due_s)
{
    const struct catalog_use_case *before = part->before;
    const bool is_replaced = use_case->version_count > 0;
    size_t shapes = use_case->version_count;
    size_t shadowed = 0;
    for (size_t i = 0; before != NULL && i < before->version_count; i++) {
        const struct catalog_version *version = before->versions[i];
        const bool is_newest = i == 0 && !is_replaced;
        const uint64_t replaced_at_s = i == 0 && is_replaced ? now_s : before->replaced_at_s[i];
        const bool is_recent = now_s < replaced_at_s || now_s - replaced_at_s < keep_s;
        const bool is_shadowed = catalog_find_config(use_case, config_id_of(version)) != NULL;
        const bool is_wished = is_newest || (!is_shadowed && shapes < part->versions_kept);
        size_t *count = is_shadowed ? &shadowed : &shapes;
        if (*count == (is_shadowed ? CATALOG_SHADOWED_MAX : CATALOG_SHAPES_MAX) ||
            !(is_wished || is_recent))
            continue;
        ++*count;
        add(use_case, version_ref(version), replaced_at_s);
        if (!is_wished && replaced_at_s + keep_s < *due_s)
            *due_s = replaced_at_s + keep_s;
    }
}

/* `current`, unless it is what is served already: then *ret stays NULL. */
static enum status load_current(const struct catalog_source *source,
                                const struct catalog_part *part, const struct catalog_version **ret,
                                struct error *err)
{
    struct dataset *dataset = NULL;
    enum status status =
        dataset_open(source->data, part->name, source->registry->bfv_flags, &dataset, err);
    if (status != STATUS_OK)
        return status;
    if (part->before != NULL &&
        strcmp(dataset_folder(dataset), dataset_folder(part->before->versions[0]->dataset)) == 0) {
        dataset_free(dataset);
        return STATUS_OK;
    }
    if (source->verify)
        status = dataset_verify(dataset, NULL, NULL, err);
    if (status != STATUS_OK) {
        dataset_free(dataset);
        return status;
    }
    return version_new(dataset, source->registry, ret, err);
}

static const char *how_it_stands(const struct catalog_use_case *use_case)
{
    if (use_case->version_count == 1)
        return "loaded";
    return span_equal(config_id_of(use_case->versions[0]), config_id_of(use_case->versions[1]))
               ? "replaces the one before"
               : "beside the one before";
}

/* On failure `use_case` stays empty unless it was served before. */
static enum status load_use_case(const struct catalog_source *source,
                                 const struct catalog_part *part, uint64_t keep_s,
                                 struct catalog_use_case *use_case, uint64_t *due_s,
                                 struct error *err)
{
    const struct catalog_version *newest = NULL;
    const enum status status = load_current(source, part, &newest, err);
    snprintf(use_case->name, sizeof use_case->name, "%s", part->name);
    if (newest != NULL)
        add(use_case, newest, 0);
    take_over(use_case, part, keep_s, source->now_s, due_s);
    if (newest != NULL)
        log_loaded(source->log, newest, how_it_stands(use_case));
    return status;
}

/* In one piece: what use cases have in common is said once. */
static enum status pack_public_config(struct catalog *catalog, struct error *err)
{
    struct gzip_part part;
    const struct gzip_part *const parts[] = {&part};
    gzip_part_init(&part);
    enum status status = gzip_part_make(bytes_view(&catalog->public_config), &part, err);
    if (status == STATUS_OK)
        status = gzip_join(parts, 1, span_of(NULL, 0), &catalog->public_config_gzip, err);
    gzip_part_deinit(&part);
    snprintf(catalog->public_etag_gzip, sizeof catalog->public_etag_gzip, "%.*s-gzip\"",
             (int)strlen(catalog->public_etag) - 1, catalog->public_etag);
    return status;
}

static enum status write_public_config(struct catalog *catalog, struct error *err)
{
    struct config_choice *choices = mem_alloc_zeroed(catalog->use_case_count, sizeof *choices);
    bool is_gzip = false;
    if (choices == NULL)
        return error_set(err, STATUS_NOMEM, "configuration: out of memory");
    for (size_t i = 0; i < catalog->use_case_count; i++)
        choices[i] = (struct config_choice){.forms = catalog->use_cases[i].versions[0]->forms,
                                            .form = WIRE_CONFIG_NEWEST};
    enum status status = config_forms_join(choices, catalog->use_case_count, false,
                                           &catalog->public_config, &is_gzip, err);
    mem_free(choices);
    if (status != STATUS_OK)
        return status;
    catalog_etag(bytes_view(&catalog->public_config), catalog->public_etag);
    if (catalog->public_config.size > CONFIG_GZIP_ABOVE_BYTES)
        status = pack_public_config(catalog, err);
    return status;
}

static enum status load_all(const struct catalog_source *source, const struct catalog_wish *wish,
                            struct catalog *catalog, size_t *ret_failed, struct error *err)
{
    catalog->use_cases = mem_alloc_zeroed(wish->count, sizeof *catalog->use_cases);
    if (catalog->use_cases == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", source->data);
    for (size_t i = 0; i < wish->count; i++) {
        const struct catalog_part *part = &wish->parts[i];
        struct catalog_use_case *use_case = &catalog->use_cases[catalog->use_case_count];
        struct error why = {0};
        const enum status status =
            load_use_case(source, part, wish->keep_s, use_case, &catalog->due_s, &why);
        if (use_case->version_count > 0)
            catalog->use_case_count++;
        if (status == STATUS_OK)
            continue;
        if (wish->is_strict && part->before == NULL) {
            if (err != NULL)
                *err = why;
            return status;
        }
        log_write(source->log, LOG_ERROR, "dataset use_case=%s not loaded%s: %s", part->name,
                  part->before != NULL ? ", the one before stays" : "", why.message);
        ++*ret_failed;
    }
    return catalog->use_case_count > 0
               ? STATUS_OK
               : error_set(err, STATUS_NOT_FOUND,
                           "%s: no dataset in it (make one with `blindlist compile`)",
                           source->data);
}

enum status catalog_load(const struct catalog_source *source, const struct catalog_wish *wish,
                         const struct catalog **ret, size_t *ret_failed, struct error *err)
{
    struct counted_catalog *counted = mem_alloc_zeroed(1, sizeof *counted);
    if (counted == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", source->data);
    struct catalog *catalog = &counted->catalog;
    size_t failed = 0;
    atomic_init(&counted->references, 1);
    bytes_init(&catalog->public_config, HTTP_RESPONSE_MAX_BYTES);
    bytes_init(&catalog->public_config_gzip, HTTP_RESPONSE_MAX_BYTES);
    catalog->due_s = CATALOG_NEVER;
    enum status status = load_all(source, wish, catalog, &failed, err);
    if (status == STATUS_OK)
        status = write_public_config(catalog, err);
    if (status != STATUS_OK) {
        catalog_unref(catalog);
        return status;
    }
    *ret_failed = failed;
    *ret = catalog;
    return STATUS_OK;
}
