#include "tools/ios/ios_project.h"

#include "base/file.h"
#include "base/mem.h"
#include "tools/ios/ios_example.h"

#define FILE_MAX_BYTES    ((size_t)1 << 20)
#define EXAMPLE_FOLDER    "control-provider/Example/"
#define PACKAGE_FOLDER    "control-provider/"
#define PACKAGE_NAME      "URLFilterKit"
#define DEPLOYMENT_PATH   "control-provider/Example/App/Deployment.swift"
#define PARSING_PATH      "control-provider/Example/Shared/parsing.json"
#define REPLACEMENT_COUNT 11
#define KEYS_MAX_BYTES    ((size_t)4096)

/* ---- from the example to a deployment ---- */

/* Where `find` stands, `before` and `text` will. */
struct replacement {
    const char *find;
    const char *before;
    const char *text;
};

#define ALLOWS_HTTP                                                                                \
    "\t<key>NSAppTransportSecurity</key>\n\t<dict>\n"                                              \
    "\t\t<key>NSAllowsArbitraryLoads</key>\n\t\t<true/>\n\t</dict>\n"                              \
    "\t<key>NSLocalNetworkUsageDescription</key>\n"                                                \
    "\t<string>The filter's server is in the local network.</string>\n"
#define EXTENSION_KEY "\t<key>EXAppExtensionAttributes</key>"
#define PIR_KEY       "\t<key>NSPIRConfiguration</key>"
#define GROUP_KEY     "\t\t<key>AppGroup</key>"
#define SERVER_KEY    "\t\t<key>Server</key>"
#define TOKEN_START   "authenticationToken = \""
#define PACKAGE_START "relativePath = \""

/* One as a text, several as a list, as control-provider/ reads them. */
static void append_public_keys(const struct ios_project *project, struct bytes *ret)
{
    const size_t count = project->public_key_count;
    if (count > 0)
        bytes_append_text(ret, "\t\t<key>PublicKey</key>\n");
    if (count > 1)
        bytes_append_text(ret, "\t\t<array>\n");
    for (size_t i = 0; i < count; i++)
        bytes_append_format(ret, "%s<string>%s</string>\n", count > 1 ? "\t\t\t" : "\t\t",
                            project->public_keys[i]);
    if (count > 1)
        bytes_append_text(ret, "\t\t</array>\n");
    bytes_append_u8(ret, '\0');
}

/* What begins alike stands in the order of its length. Both parts of an app may use http:// in
 * development only. */
static size_t list_replacements(const struct ios_project *project, const char *public_keys,
                                struct replacement ret[REPLACEMENT_COUNT])
{
    const char *package = project->package != NULL ? project->package : PACKAGE_NAME;
    const struct replacement all[REPLACEMENT_COUNT] = {
        {"BlindlistExample", "", project->name},
        {"com.example.blindlist.URLFilter", "", project->extension_id},
        {"com.example.blindlist", "", project->bundle_id},
        {"https://filter.example.com", "", project->server},
        {"https://issuer.example.com", "", project->issuer},
        {TOKEN_START, TOKEN_START, project->user_token},
        {PACKAGE_START "..", PACKAGE_START, package},
        {SERVER_KEY, public_keys, SERVER_KEY},
        {EXTENSION_KEY, ALLOWS_HTTP, EXTENSION_KEY},
        {PIR_KEY, ALLOWS_HTTP, PIR_KEY},
        {GROUP_KEY, "\t\t<key>AllowsInsecureHTTP</key>\n\t\t<true/>\n", GROUP_KEY},
    };
    memcpy(ret, all, sizeof all);
    return project->is_plain_http ? REPLACEMENT_COUNT : REPLACEMENT_COUNT - 3;
}

static void append_replaced(const struct ios_project *project, struct span text, struct bytes *ret)
{
    struct replacement list[REPLACEMENT_COUNT];
    struct bytes keys;
    bytes_init(&keys, KEYS_MAX_BYTES);
    append_public_keys(project, &keys);
    if (keys.status != STATUS_OK) {
        ret->status = keys.status;
        bytes_deinit(&keys);
        return;
    }
    const size_t count = list_replacements(project, (const char *)keys.data, list);
    size_t at = 0;
    while (at < text.size) {
        const struct span rest = span_part(text, at, text.size - at);
        size_t i = 0;
        while (i < count && !span_starts_with(rest, span_of_text(list[i].find)))
            i++;
        if (i == count) {
            bytes_append_u8(ret, text.data[at++]);
            continue;
        }
        bytes_append_text(ret, list[i].before);
        bytes_append_text(ret, list[i].text);
        at += strlen(list[i].find);
    }
    bytes_deinit(&keys);
}

/* ---- the files ---- */

static bool is_of_example(const struct ios_example_file *file)
{
    return strncmp(file->path, EXAMPLE_FOLDER, strlen(EXAMPLE_FOLDER)) == 0;
}

/* Those of the package stand behind those of the example, as in the alphabet. */
size_t ios_project_file_count(const struct ios_project *project)
{
    size_t count = 0;
    for (size_t i = 0; i < ios_example_file_count; i++)
        count += is_of_example(&ios_example_files[i]);
    return project->package != NULL ? count : ios_example_file_count;
}

void ios_project_append_path(const struct ios_project *project, size_t i, struct bytes *ret)
{
    const struct ios_example_file *file = &ios_example_files[i];
    if (is_of_example(file)) {
        append_replaced(project, span_of_text(file->path + strlen(EXAMPLE_FOLDER)), ret);
        return;
    }
    bytes_append_text(ret, PACKAGE_NAME "/");
    bytes_append_text(ret, file->path + strlen(PACKAGE_FOLDER));
}

static void append_contents(const struct ios_project *project, size_t i, struct bytes *ret)
{
    const struct ios_example_file *file = &ios_example_files[i];
    if (strcmp(file->path, PARSING_PATH) == 0 && project->parsing.size > 0)
        bytes_append(ret, project->parsing);
    else if (is_of_example(file))
        append_replaced(project, file->contents, ret);
    else
        bytes_append(ret, file->contents);
}

static enum status write_file(const struct ios_project *project, const char *folder, size_t i,
                              struct error *err)
{
    struct bytes path;
    struct bytes text;
    const bool has_token =
        project->user_token[0] != '\0' && strcmp(ios_example_files[i].path, DEPLOYMENT_PATH) == 0;
    const mode_t mode = has_token ? FILE_MODE_SECRET : FILE_MODE_PUBLIC;
    bytes_init(&path, FILE_MAX_BYTES);
    bytes_init(&text, FILE_MAX_BYTES);
    bytes_reserve(&text, FILE_MAX_BYTES); /* no copy of the token stays behind */
    bytes_append_text(&path, folder);
    bytes_append_u8(&path, '/');
    ios_project_append_path(project, i, &path);
    bytes_append_u8(&path, '\0');
    append_contents(project, i, &text);
    enum status status = bytes_status(&path, ios_example_files[i].path, err);
    if (status == STATUS_OK)
        status = bytes_status(&text, ios_example_files[i].path, err);
    if (status == STATUS_OK) {
        char *slash = strrchr((char *)path.data, '/');
        *slash = '\0';
        status = folder_make((const char *)path.data, err);
        *slash = '/';
    }
    if (status == STATUS_OK)
        status = file_write((const char *)path.data, mode, bytes_view(&text), err);
    bytes_deinit_secret(&text);
    bytes_deinit(&path);
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
    const size_t count = ios_project_file_count(project);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = write_file(project, temporary, i, err);
    if (status == STATUS_OK)
        status = folder_publish(temporary, folder, NULL, err);
    if (status != STATUS_OK && temporary != NULL)
        folder_remove(temporary);
    mem_free(temporary);
    mem_free(parent);
    return status;
}

/* ---- names ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* It becomes a module and a type of Swift. */
const char *ios_project_name_fault(const char *name)
{
    static const char *const taken[] = {"ControlProvider", PACKAGE_NAME, "App", "SwiftUI"};
    if (!is_letter(name[0]))
        return "does not begin with a letter";
    for (const char *c = name; *c != '\0'; c++) {
        if (!is_letter(*c) && (*c < '0' || *c > '9'))
            return "has more than letters and digits";
    }
    for (size_t i = 0; i < ARRAY_COUNT(taken); i++) {
        if (strcmp(name, taken[i]) == 0)
            return "is taken by another part of it";
    }
    return NULL;
}
