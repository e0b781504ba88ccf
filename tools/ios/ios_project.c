#include "tools/ios/ios_project.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "tools/deployment_names.h"
#include "tools/device/prefilter_path.h"
#include "tools/ios/ios_project_swift.h"
#include "tools/ios/plist_write.h"

#include <stdio.h>

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define TEXT_MAX_BYTES ((size_t)4096)

/* ---- the sources ---- */

struct replacement {
    const char *name; /* between two @ */
    const char *text;
};

/* The template with each @NAME@ replaced. */
static void fill_in(const char *template, const struct replacement *list, size_t count,
                    struct bytes *ret)
{
    while (*template != '\0') {
        const struct replacement *found = NULL;
        for (size_t i = 0; i < count && *template == '@'; i++) {
            const size_t size = strlen(list[i].name);
            if (strncmp(template + 1, list[i].name, size) == 0 && template[size + 1] == '@')
                found = &list[i];
        }
        if (found != NULL) {
            bytes_append_text(ret, found->text);
            template += strlen(found->name) + 2;
        } else {
            bytes_append_u8(ret, (uint8_t) * template ++);
        }
    }
}

static void write_swift(const struct ios_project *project, const char *template, struct bytes *ret)
{
    char issuer[TEXT_MAX_BYTES] = "nil // the server's";
    char use_case[TEXT_MAX_BYTES];
    struct bytes manifest;
    bytes_init(&manifest, TEXT_MAX_BYTES);
    if (project->issuer != NULL)
        snprintf(issuer, sizeof issuer, "URL(string: \"%s\")", project->issuer);
    snprintf(use_case, sizeof use_case, "%s%s", project->bundle_id, DEPLOYMENT_USE_CASE_SUFFIX);
    bytes_append_text(&manifest, project->server);
    prefilter_manifest_path(use_case, &manifest);
    const struct replacement list[] = {
        {"EXTENSION_ID", project->extension_id},
        {"SERVER", project->server},
        {"ISSUER", issuer},
        {"USER_TOKEN", project->user_token != NULL ? project->user_token : ""},
        {"MANIFEST", manifest.status == STATUS_OK ? (const char *)manifest.data : ""},
    };
    fill_in(template, list, ARRAY_COUNT(list), ret);
    bytes_deinit_secret(&manifest);
}

static void write_app(const struct ios_project *project, struct bytes *ret)
{
    write_swift(project, ios_project_app, ret);
}

static void write_configuration(const struct ios_project *project, struct bytes *ret)
{
    write_swift(project, ios_project_configuration, ret);
}

static void write_provider(const struct ios_project *project, struct bytes *ret)
{
    write_swift(project, ios_project_provider, ret);
}

/* ---- property lists ---- */

static void begin(struct plist_writer *writer, struct bytes *ret)
{
    plist_write_begin(writer, ret);
    plist_write_open(writer, NULL, "dict");
}

static void end(struct plist_writer *writer)
{
    plist_write_close(writer, "dict");
    plist_write_end(writer);
}

/* Both parts of an app may use http:// in development only. */
static void write_transport(const struct ios_project *project, struct plist_writer *writer)
{
    if (!project->is_plain_http)
        return;
    plist_write_open(writer, "NSAppTransportSecurity", "dict");
    plist_write_boolean(writer, "NSAllowsArbitraryLoads", true);
    plist_write_close(writer, "dict");
}

static void write_app_info(const struct ios_project *project, struct bytes *ret)
{
    struct plist_writer writer;
    begin(&writer, ret);
    write_transport(project, &writer);
    plist_write_open(&writer, "NSPIRConfiguration", "dict");
    plist_write_string(&writer, "PIRServerURL", project->server);
    plist_write_string(&writer, "PrivacyPassIssuerURL", project->issuer);
    plist_write_close(&writer, "dict");
    end(&writer);
}

static void write_extension_info(const struct ios_project *project, struct bytes *ret)
{
    struct plist_writer writer;
    begin(&writer, ret);
    plist_write_open(&writer, "EXAppExtensionAttributes", "dict");
    plist_write_string(&writer, "EXExtensionPointIdentifier",
                       "com.apple.networkextension.url-filter-control");
    plist_write_close(&writer, "dict");
    write_transport(project, &writer);
    end(&writer);
}

static void write_entitlements(const struct ios_project *project, struct bytes *ret)
{
    struct plist_writer writer;
    (void)project;
    begin(&writer, ret);
    plist_write_open(&writer, "com.apple.developer.networking.networkextension", "array");
    plist_write_string(&writer, NULL, "url-filter-provider");
    plist_write_close(&writer, "array");
    end(&writer);
}

/* ---- all of them ---- */

static const struct {
    const char *path;
    void (*write)(const struct ios_project *project, struct bytes *ret);
} files[] = {
    {"App/App.entitlements", write_entitlements},
    {"App/FilterApp.swift", write_app},
    {"App/FilterConfiguration.swift", write_configuration},
    {"App/Info.plist", write_app_info},
    {"URLFilter/FilterProvider.swift", write_provider},
    {"URLFilter/Info.plist", write_extension_info},
    {"URLFilter/URLFilter.entitlements", write_entitlements},
};

size_t ios_project_file_count(void)
{
    return ARRAY_COUNT(files);
}

const char *ios_project_file(size_t i)
{
    return files[i].path;
}

static enum status write_file(const struct ios_project *project, const char *folder, size_t i,
                              struct error *err)
{
    struct bytes text;
    char *path = path_join(folder, files[i].path);
    bytes_init(&text, FILE_MAX_BYTES);
    files[i].write(project, &text);
    enum status status = bytes_status(&text, files[i].path, err);
    if (status == STATUS_OK && path == NULL)
        status = error_set(err, STATUS_NOMEM, "%s: out of memory", files[i].path);
    if (status == STATUS_OK)
        status = file_write(path, FILE_MODE_PUBLIC, bytes_view(&text), err);
    bytes_deinit_secret(&text);
    mem_free(path);
    return status;
}

static enum status make_folder(const char *folder, const char *name, struct error *err)
{
    char *path = path_join(folder, name);
    const enum status status =
        path == NULL ? error_set(err, STATUS_NOMEM, "out of memory") : folder_make(path, err);
    mem_free(path);
    return status;
}

/* "a/b" is in "a", "b" in "." (mem_free); NULL without memory. */
static char *parent_of(const char *folder)
{
    const char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return mem_strdup(".");
    const size_t size = slash == folder ? 1 : (size_t)(slash - folder);
    char *parent = mem_alloc(size + 1, 1);
    if (parent != NULL) {
        memcpy(parent, folder, size);
        parent[size] = '\0';
    }
    return parent;
}

enum status ios_project_write(const struct ios_project *project, const char *folder,
                              struct error *err)
{
    char *parent = parent_of(folder);
    char *temporary = NULL;
    enum status status = parent == NULL ? error_set(err, STATUS_NOMEM, "out of memory")
                                        : folder_make_temporary(parent, "ios", &temporary, err);
    if (status == STATUS_OK)
        status = make_folder(temporary, "App", err);
    if (status == STATUS_OK)
        status = make_folder(temporary, "URLFilter", err);
    for (size_t i = 0; i < ARRAY_COUNT(files) && status == STATUS_OK; i++)
        status = write_file(project, temporary, i, err);
    if (status == STATUS_OK)
        status = folder_publish(temporary, folder, NULL, err);
    if (status != STATUS_OK && temporary != NULL)
        folder_remove(temporary);
    mem_free(temporary);
    mem_free(parent);
    return status;
}
