#include "pir-server/config/config_field.h"

#include "base/mem.h"

#include <string.h>

void config_no_memory(const struct json_field *field)
{
    struct error said;
    json_field_note(field, error_set(&said, STATUS_NOMEM, "out of memory"), &said);
}

char *config_text(const struct json_field *field, size_t max_bytes)
{
    const char *text = json_field_text(field, max_bytes);
    char *copy = text != NULL ? mem_strdup(text) : NULL;
    if (text != NULL && copy == NULL)
        config_no_memory(field);
    return copy;
}

char *config_path(const struct json_field *field)
{
    const char *path = json_field_text(field, CONFIG_PATH_MAX_BYTES);
    const char *file = field->reader->file;
    const char *slash = strrchr(file, '/');
    if (path == NULL)
        return NULL;
    const size_t folder = path[0] == '/' || slash == NULL ? 0 : (size_t)(slash - file) + 1;
    const size_t size = strlen(path) + 1;
    char *whole = mem_alloc(folder + size, 1);
    if (whole == NULL) {
        config_no_memory(field);
        return NULL;
    }
    memcpy(whole, file, folder);
    memcpy(whole + folder, path, size);
    return whole;
}
