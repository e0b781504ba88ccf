/* A parsing configuration as JSON, a NUL byte, a URL: what is read can be written and reads back as
 * the same, and does with the URL what it may. */
#include "lists/parsing_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status see(void *context, struct span sub_url, struct error *err)
{
    size_t *count = context;
    (void)err;
    *count += sub_url.size > 0;
    return STATUS_OK;
}

static void format(const struct parsing *parsing, struct bytes *ret)
{
    bytes_init(ret, 2 * PARSING_FILE_MAX_BYTES);
    if (parsing_file_format(parsing, ret, NULL) != STATUS_OK ||
        (ret->size == 0) != parsing_is_default(parsing))
        abort();
}

static void read_back(const struct parsing *parsing)
{
    struct parsing *again = NULL;
    struct bytes text;
    struct bytes second;
    format(parsing, &text);
    if (text.size > 0 && text.size <= PARSING_FILE_MAX_BYTES) {
        if (parsing_file_parse(bytes_view(&text), "again", &again, NULL) != STATUS_OK)
            abort();
        format(again, &second);
        if (!span_equal(bytes_view(&text), bytes_view(&second)))
            abort();
        bytes_deinit(&second);
    }
    parsing_free(again);
    bytes_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct parsing *parsing = NULL;
    struct parsing_workspace *workspace = NULL;
    struct parsing_keys keys;
    struct error err;
    const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
    const size_t json_size = end != NULL ? (size_t)(end - data) : size;
    if (parsing_file_parse(span_of(data, json_size), "fuzz", &parsing, &err) != STATUS_OK)
        return 0;
    read_back(parsing);
    if (parsing_workspace_new(parsing, &workspace, &err) != STATUS_OK)
        abort();
    size_t count = 0;
    if (end != NULL &&
        parsing_read(workspace, span_of(end + 1, size - json_size - 1)) == DROP_NONE) {
        if (parsing_expand(workspace, see, &count, &err) == STATUS_OK &&
            count > parsing_expansion_count(workspace))
            abort();
        const enum status status = parsing_keys(workspace, true, &keys, &err);
        if (status == STATUS_OK && keys.reason == DROP_NONE && keys.count == 0)
            abort();
    }
    parsing_workspace_free(workspace);
    parsing_free(parsing);
    return 0;
}
