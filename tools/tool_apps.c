#include "tools/tool_apps.h"

#include "base/bytes.h"
#include "base/file.h"
#include "json/json_field.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_MAX_BYTES ((size_t)64 << 20)
#define APPS_MAX         ((size_t)10000)
#define NAME_MAX_BYTES   ((size_t)64)
#define LIST_MAX_BYTES   ((size_t)320) /* of the names in a message */

/* "one, two"; what is too long is cut with "...". */
struct names {
    char text[LIST_MAX_BYTES + sizeof ", ..."];
    size_t size;
    bool is_cut;
};

static void list_name(struct names *names, const char *name)
{
    const size_t size = strlen(name);
    if (names->is_cut)
        return;
    names->is_cut = names->size + size + 2 > LIST_MAX_BYTES;
    const char *const shown = names->is_cut ? "..." : name;
    names->size += (size_t)snprintf(names->text + names->size, sizeof names->text - names->size,
                                    "%s%s", names->size > 0 ? ", " : "", shown);
}

static bool has_app(const struct json_field *root, const char *name, struct names *names)
{
    const struct json_field apps = json_field_member(root, "apps");
    const size_t count = json_field_count(&apps, APPS_MAX);
    bool is_there = count == 0 && name[0] == '\0';
    if (apps.value != NULL && count == 0)
        json_field_refuse(&apps, "is empty: leave it out, or name an app");
    for (size_t i = 0; i < count; i++) {
        const struct json_field app = json_field_item(&apps, i);
        const struct json_field field = json_field_required(&app, "name");
        const char *const text = json_field_text(&field, NAME_MAX_BYTES);
        if (text == NULL)
            return false;
        is_there = is_there || strcmp(text, name) == 0;
        list_name(names, text);
    }
    return is_there;
}

static enum status refuse(const char *path, const char *name, const struct names *names,
                          struct error *err)
{
    if (names->size == 0)
        return error_set(err, STATUS_NOT_FOUND, "%s: has no apps: leave --app %s away", path, name);
    if (name[0] == '\0')
        return error_set(err, STATUS_NOT_FOUND, "%s: --app is missing; there are: %s", path,
                         names->text);
    return error_set(err, STATUS_NOT_FOUND, "%s: no app %s; there are: %s", path, name,
                     names->text);
}

enum status tool_apps_require(const char *path, const char *name, struct error *err)
{
    struct names names = {.size = 0};
    json_t *document = NULL;
    struct bytes text;
    bytes_init(&text, CONFIG_MAX_BYTES);
    enum status status = file_read(path, &text, err);
    if (status == STATUS_OK)
        status = json_field_load(path, bytes_view(&text), &document, err);
    if (status == STATUS_OK) {
        struct json_reader reader = {.file = path, .text = bytes_view(&text), .err = err};
        const struct json_field root = json_field_root(&reader, document);
        json_field_object(&root);
        const bool is_there = has_app(&root, name, &names);
        status = reader.status;
        if (status == STATUS_OK && !is_there)
            status = refuse(path, name, &names, err);
    }
    json_decref(document);
    bytes_deinit(&text);
    return status;
}
