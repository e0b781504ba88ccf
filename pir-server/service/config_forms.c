#include "pir-server/service/config_forms.h"

#include "base/mem.h"
#include "pir-server/service/gzip.h"

struct entry {
    struct bytes plain;
    struct gzip_part packed;
    bool is_there;
};

struct config_forms {
    const struct wire_config *config;
    struct entry entries[WIRE_CONFIG_FORM_COUNT];
};

static enum status make_entry(struct config_forms *forms, struct span use_case,
                              enum wire_config_form form, struct error *err)
{
    struct entry *entry = &forms->entries[form];
    enum status status = wire_config_entry_write(forms->config, use_case, form, &entry->plain, err);
    if (status == STATUS_UNSUPPORTED)
        return STATUS_OK;
    if (status == STATUS_OK)
        status = gzip_part_make(bytes_view(&entry->plain), &entry->packed, err);
    entry->is_there = status == STATUS_OK;
    return status;
}

enum status config_forms_new(struct span use_case, const struct wire_config *config,
                             struct config_forms **ret, struct error *err)
{
    struct config_forms *forms = mem_alloc_zeroed(1, sizeof *forms);
    if (forms == NULL)
        return error_set(err, STATUS_NOMEM, "configuration: out of memory");
    forms->config = config;
    for (size_t i = 0; i < WIRE_CONFIG_FORM_COUNT; i++) {
        bytes_init(&forms->entries[i].plain, WIRE_CONFIG_RESPONSE_MAX_BYTES);
        gzip_part_init(&forms->entries[i].packed);
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < WIRE_CONFIG_FORM_COUNT; i++)
        status = make_entry(forms, use_case, (enum wire_config_form)i, err);
    if (status != STATUS_OK) {
        config_forms_free(forms);
        return status;
    }
    *ret = forms;
    return STATUS_OK;
}

void config_forms_free(struct config_forms *forms)
{
    if (forms == NULL)
        return;
    for (size_t i = 0; i < WIRE_CONFIG_FORM_COUNT; i++) {
        bytes_deinit(&forms->entries[i].plain);
        gzip_part_deinit(&forms->entries[i].packed);
    }
    mem_free(forms);
}

const struct wire_config *config_forms_config(const struct config_forms *forms)
{
    return forms->config;
}

static const struct entry *entry_of(const struct config_choice *choice)
{
    return &choice->forms->entries[choice->form];
}

static enum status join_packed(const struct config_choice *choices, size_t count, struct span tail,
                               struct bytes *ret, struct error *err)
{
    const struct gzip_part **parts = mem_alloc(count, sizeof *parts);
    if (parts == NULL)
        return error_set(err, STATUS_NOMEM, "configuration: out of memory");
    for (size_t i = 0; i < count; i++)
        parts[i] = &entry_of(&choices[i])->packed;
    const enum status status = gzip_join(parts, count, tail, ret, err);
    mem_free(parts);
    return status;
}

static enum status join_plain(const struct config_choice *choices, size_t count, struct span tail,
                              struct bytes *ret, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        bytes_append(ret, bytes_view(&entry_of(&choices[i])->plain));
    bytes_append(ret, tail);
    return bytes_status(ret, "configuration response", err);
}

/* The key states, and what the entries take plain and compressed. */
static enum status look_over(const struct config_choice *choices, size_t count,
                             struct bytes *ret_tail, size_t *ret_plain, size_t *ret_packed,
                             struct error *err)
{
    *ret_plain = 0;
    *ret_packed = 0;
    for (size_t i = 0; i < count; i++) {
        if (!entry_of(&choices[i])->is_there) /* says why */
            return wire_config_entry_write(choices[i].forms->config, span_of_text(""),
                                           choices[i].form, ret_tail, err);
        *ret_plain += entry_of(&choices[i])->plain.size;
        *ret_packed += entry_of(&choices[i])->packed.deflated.size;
        const enum status status = wire_config_key_state_write(
            choices[i].forms->config, choices[i].key_timestamp, ret_tail, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status config_forms_join(const struct config_choice *choices, size_t count, bool takes_gzip,
                              struct bytes *ret, bool *ret_is_gzip, struct error *err)
{
    struct bytes tail;
    size_t plain = 0;
    size_t packed = 0;
    bytes_init(&tail, WIRE_CONFIG_RESPONSE_MAX_BYTES);
    enum status status = look_over(choices, count, &tail, &plain, &packed, err);
    const bool is_gzip =
        takes_gzip && plain + tail.size > CONFIG_GZIP_ABOVE_BYTES && packed < plain;
    if (status == STATUS_OK)
        status = is_gzip ? join_packed(choices, count, bytes_view(&tail), ret, err)
                         : join_plain(choices, count, bytes_view(&tail), ret, err);
    bytes_deinit(&tail);
    if (status == STATUS_OK)
        *ret_is_gzip = is_gzip;
    return status;
}
