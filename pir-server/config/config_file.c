#include "pir-server/config/config_file.h"

#include "base/file.h"
#include "base/mem.h"
#include "json/json_field.h"

#include <string.h>

static void no_memory(const struct json_field *field)
{
    struct error said;
    json_field_note(field, error_set(&said, STATUS_NOMEM, "out of memory"), &said);
}

/* `path` as seen from the folder of the field's file (mem_free); NULL after a failure. */
static char *resolve(const struct json_field *field, const char *path)
{
    const char *file = field->reader->file;
    const char *slash = strrchr(file, '/');
    if (path[0] == '/' || slash == NULL)
        return mem_strdup(path);
    const size_t folder = (size_t)(slash - file) + 1;
    const size_t size = strlen(path) + 1;
    char *whole = mem_alloc(folder + size, 1);
    if (whole != NULL) {
        memcpy(whole, file, folder);
        memcpy(whole + folder, path, size);
    }
    return whole;
}

static void read_text(const struct json_field *field, enum setting setting,
                      struct settings *settings)
{
    const bool is_path = setting_table[setting].kind == SETTING_IS_PATH;
    const char *text =
        json_field_text(field, is_path ? CONFIG_PATH_MAX_BYTES : CONFIG_VALUE_MAX_BYTES);
    if (text == NULL)
        return;
    const bool is_database = setting == SETTING_STATE && !store_is_file(text);
    char *copy = is_path && !is_database ? resolve(field, text) : mem_strdup(text);
    if (copy != NULL)
        settings_take_text(settings, setting, copy);
    else
        no_memory(field);
}

static void read_setting(const struct json_field *field, enum setting setting,
                         struct settings *settings)
{
    const struct setting_row *row = &setting_table[setting];
    const uint64_t least = row->least * row->unit;
    const uint64_t most = row->most * row->unit;
    switch (row->kind) {
    case SETTING_IS_TEXT:
    case SETTING_IS_PATH:
        read_text(field, setting, settings);
        break;
    case SETTING_IS_CHOICE:
        settings_set_text(
            settings, setting,
            row->choices[json_field_choice(field, row->choices, row->choice_count, 0)]);
        break;
    case SETTING_IS_SWITCH:
        settings_set_switch(settings, setting, json_field_flag(field, false));
        break;
    case SETTING_IS_NUMBER:
        settings_set_number(settings, setting, json_field_integer(field, least, most, least));
        break;
    case SETTING_IS_SIZE:
        settings_set_number(settings, setting, json_field_size(field, least, most, least));
        break;
    case SETTING_IS_DURATION:
        settings_set_number(settings, setting, json_field_duration(field, least, most, least));
        break;
    }
}

static void read_root(const struct json_field *root, struct settings *settings)
{
    const char *names[SETTING_COUNT];
    for (size_t i = 0; i < SETTING_COUNT; i++)
        names[i] = setting_table[i].field;
    json_field_require(root);
    json_field_keys(root, names, SETTING_COUNT);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct json_field field = json_field_member(root, names[i]);
        if (field.value != NULL)
            read_setting(&field, (enum setting)i, settings);
    }
}

enum status config_file_parse(const char *path, struct span text, struct settings *settings,
                              struct error *err)
{
    struct json_reader reader = {.file = path, .text = text, .err = err};
    json_t *document = NULL;
    const enum status status = json_field_load(path, text, &document, err);
    if (status != STATUS_OK)
        return status;
    const struct json_field root = json_field_root(&reader, document);
    read_root(&root, settings);
    json_decref(document);
    return reader.status;
}

enum status config_file_read(const char *path, struct settings *settings, struct error *err)
{
    struct bytes text;
    bytes_init(&text, CONFIG_FILE_MAX_BYTES);
    enum status status = file_read(path, &text, err);
    if (status == STATUS_OK)
        status = config_file_parse(path, bytes_view(&text), settings, err);
    bytes_deinit(&text);
    return status;
}
