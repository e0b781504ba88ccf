#include "pir-server/dataset/dataset_plan.h"

#include "base/file.h"
#include "base/mem.h"
#include "json/json_field.h"
#include "pir-server/dataset/dataset_manifest_internal.h"

#include <stdio.h>

/* As many lists as no command line has. */
#define SOURCES_MAX ((size_t)1000000)

void dataset_plan_init(struct dataset_plan *plan)
{
    *plan = (struct dataset_plan){0};
    dataset_manifest_init(&plan->manifest);
}

void dataset_plan_deinit(struct dataset_plan *plan)
{
    json_decref(plan->root);
    dataset_manifest_deinit(&plan->manifest);
    dataset_plan_init(plan);
}

/* ---- writing ---- */

static json_t *job_json(const struct dataset_plan_job *job)
{
    json_t *object = json_object();
    json_t *settings = json_array();
    bool good = object != NULL && settings != NULL &&
                json_object_set_new(object, "name", json_string(job->name)) == 0 &&
                json_object_set_new(object, "parts", json_integer(job->parts)) == 0;
    for (size_t i = 0; i < job->setting_count && good; i++)
        good = json_array_append_new(settings, json_string(job->settings[i])) == 0;
    good = good && json_object_set(object, "settings", settings) == 0;
    json_decref(settings);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

/* Adds the job to the text of a dataset.json. */
static enum status add_job(struct span json, const struct dataset_plan_job *job, struct bytes *ret,
                           struct error *err)
{
    json_t *root = NULL;
    enum status status = json_field_load(DATASET_PLAN_NAME, json, &root, err);
    if (status != STATUS_OK)
        return status;
    if (json_object_set_new(root, "files", json_object()) != 0 ||
        json_object_set_new(root, "job", job_json(job)) != 0)
        status = error_set(err, STATUS_NOMEM, "%s: out of memory", DATASET_PLAN_NAME);
    if (status == STATUS_OK)
        status = dataset_json_append(root, ret, err);
    json_decref(root);
    return status;
}

enum status dataset_plan_write(const struct dataset_manifest *manifest,
                               const struct pir_parameters *parameters,
                               const struct dataset_origin *origin,
                               const struct dataset_plan_job *job, const char *folder,
                               struct error *err)
{
    struct bytes version;
    struct bytes plan;
    bytes_init(&version, DATASET_MANIFEST_MAX_BYTES);
    bytes_init(&plan, DATASET_MANIFEST_MAX_BYTES);
    char *path = path_join(folder, DATASET_PLAN_NAME);
    enum status status = path != NULL
                             ? dataset_manifest_format(manifest, parameters, origin, &version, err)
                             : error_set(err, STATUS_NOMEM, "%s: out of memory", folder);
    if (status == STATUS_OK)
        status = add_job(bytes_view(&version), job, &plan, err);
    if (status == STATUS_OK)
        status = file_write(path, FILE_MODE_PUBLIC, bytes_view(&plan), err);
    mem_free(path);
    bytes_deinit(&plan);
    bytes_deinit(&version);
    return status;
}

enum status dataset_plan_complete(const struct dataset_plan *plan,
                                  const struct dataset_manifest *files, struct bytes *ret,
                                  struct error *err)
{
    /* The fields stay in their order: "files" is there already. */
    json_t *root = json_copy(plan->root);
    enum status status = STATUS_OK;
    if (root == NULL || json_object_del(root, "job") != 0 ||
        json_object_set_new(root, "files", dataset_files_json(files)) != 0)
        status = error_set(err, STATUS_NOMEM, "dataset.json: out of memory");
    if (status == STATUS_OK)
        status = dataset_json_append(root, ret, err);
    json_decref(root);
    return status;
}

/* ---- reading ---- */

static void read_job(const struct json_field *root, struct dataset_plan *ret)
{
    const struct json_field job = json_field_required(root, "job");
    json_field_object(&job);
    const struct json_field name = json_field_required(&job, "name");
    const struct json_field parts = json_field_required(&job, "parts");
    const struct json_field settings = json_field_required(&job, "settings");
    ret->job.parts = (uint32_t)json_field_integer(&parts, 1, DATASET_PLAN_PARTS_MAX, 1);
    ret->job.name = json_string_value(name.value);
    if (ret->job.name == NULL ||
        (ret->job.name[0] != '\0' && !dataset_use_case_is_valid(ret->job.name)))
        json_field_refuse(&name, "is no name of a job");
    ret->job.setting_count = json_field_count(&settings, DATASET_PLAN_SETTINGS_MAX);
    for (size_t i = 0; i < ret->job.setting_count; i++) {
        const struct json_field item = json_field_item(&settings, i);
        (void)json_field_text(&item, DATASET_PLAN_SETTING_MAX_BYTES);
    }
}

static void read_sources(const struct json_field *root, struct dataset_plan *ret)
{
    const struct json_field sources = json_field_required(root, "sources");
    ret->source_count = json_field_count(&sources, SOURCES_MAX);
    for (size_t i = 0; i < ret->source_count; i++) {
        uint8_t digest[DATASET_DIGEST_BYTES];
        const struct json_field item = json_field_item(&sources, i);
        json_field_object(&item);
        dataset_manifest_read_digest(&item, "sha256", digest);
    }
}

enum status dataset_plan_parse(struct span json, const char *name, struct dataset_plan *ret,
                               struct error *err)
{
    struct json_reader reader = {.file = name, .err = err};
    struct dataset_plan plan;
    dataset_plan_init(&plan);
    const enum status status = json_field_load(name, json, &plan.root, err);
    if (status != STATUS_OK)
        return status;
    plan.file = name;
    const struct json_field root = json_field_root(&reader, plan.root);
    dataset_manifest_read_head(&root, &plan.manifest);
    if (reader.status == STATUS_OK && plan.manifest.info.is_imported)
        json_field_refuse(&root, "an imported version has no plan");
    const struct json_field files = json_field_required(&root, "files");
    json_field_object(&files);
    read_job(&root, &plan);
    read_sources(&root, &plan);
    if (reader.status == STATUS_OK) {
        *ret = plan;
        dataset_plan_init(&plan);
    }
    dataset_plan_deinit(&plan);
    return reader.status;
}

enum status dataset_plan_read(const char *path, struct dataset_plan *ret, struct error *err)
{
    struct bytes json;
    bytes_init(&json, DATASET_MANIFEST_MAX_BYTES);
    enum status status = file_read(path, &json, err);
    if (status == STATUS_OK)
        status = dataset_plan_parse(bytes_view(&json), path, ret, err);
    bytes_deinit(&json);
    return status;
}

/* ---- comparing ---- */

static const json_t *settings_of(const struct dataset_plan *plan)
{
    return json_object_get(json_object_get(plan->root, "job"), "settings");
}

static bool plan_has(const struct dataset_plan *plan, const char *setting)
{
    for (size_t i = 0; i < plan->job.setting_count; i++) {
        if (strcmp(json_string_value(json_array_get(settings_of(plan), i)), setting) == 0)
            return true;
    }
    return false;
}

static bool job_has(const struct dataset_plan_job *job, const char *setting)
{
    for (size_t i = 0; i < job->setting_count; i++) {
        if (strcmp(job->settings[i], setting) == 0)
            return true;
    }
    return false;
}

static enum status check_settings(const struct dataset_plan *plan,
                                  const struct dataset_plan_job *job, struct error *err)
{
    for (size_t i = 0; i < job->setting_count; i++) {
        if (!plan_has(plan, job->settings[i]))
            return error_set(err, STATUS_MISMATCH, "%s: the job was planned without %s", plan->file,
                             job->settings[i]);
    }
    for (size_t i = 0; i < plan->job.setting_count; i++) {
        const char *setting = json_string_value(json_array_get(settings_of(plan), i));
        if (!job_has(job, setting))
            return error_set(err, STATUS_MISMATCH, "%s: the job was planned with %s", plan->file,
                             setting);
    }
    return STATUS_OK;
}

enum status dataset_plan_check_job(const struct dataset_plan *plan,
                                   const struct dataset_plan_job *job, struct error *err)
{
    if (strcmp(plan->job.name, job->name) != 0)
        return error_set(err, STATUS_MISMATCH, "%s: is the plan of the job \"%s\", not of \"%s\"",
                         plan->file, plan->job.name, job->name);
    if (plan->job.parts != job->parts)
        return error_set(err, STATUS_MISMATCH, "%s: the job was planned in %u parts, not %u",
                         plan->file, plan->job.parts, job->parts);
    return check_settings(plan, job, err);
}

enum status dataset_plan_check_source(const struct dataset_plan *plan, size_t index,
                                      const char *name, const uint8_t digest[DATASET_DIGEST_BYTES],
                                      struct error *err)
{
    char hex[2 * DATASET_DIGEST_BYTES + 1];
    const json_t *sources = json_object_get(plan->root, "sources");
    dataset_digest_hex(digest, hex);
    if (index < plan->source_count &&
        strcmp(json_string_value(json_object_get(json_array_get(sources, index), "sha256")), hex) ==
            0)
        return STATUS_OK;
    return error_set(err, STATUS_MISMATCH, "%s: the job was planned with another list than this %s",
                     plan->file, name);
}
