/* Reading lists.json and what it imports: the input holds the files, a NUL byte between two; which
 * one an import gets follows from the length of its name. */
#include "lists/lists_config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span nth_file(struct span input, size_t n)
{
    for (;;) {
        const uint8_t *end = input.size > 0 ? memchr(input.data, 0, input.size) : NULL;
        const size_t taken = end != NULL ? (size_t)(end - input.data) : input.size;
        if (n == 0 || end == NULL)
            return span_part(input, 0, taken);
        input = span_part(input, taken + 1, input.size - taken - 1);
        n--;
    }
}

static enum status load(void *context, const char *path, struct bytes *ret, struct error *err)
{
    const struct span *input = context;
    const size_t n = strcmp(path, "lists.json") == 0 ? 0 : strlen(path) % 4;
    bytes_append(ret, nth_file(*input, n));
    return bytes_status(ret, path, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    struct lists_config *config = NULL;
    struct error error;
    if (lists_config_read("lists.json", load, &input, &config, &error) != STATUS_OK)
        return 0;
    for (size_t i = 0; i < config->source_count; i++) {
        const struct lists_source *source = &config->sources[i];
        bool keeps = false;
        if (source->id == NULL || source->location == NULL || source->shown == NULL)
            abort();
        /* A password stands before an '@', and no host holds one. */
        if (source->kind == LISTS_SOURCE_URL && strchr(source->shown, '@') != NULL)
            abort();
        if (entry_filter_keeps(source->filter, span_of_text("ads.example.com/x"), &keeps, &error) !=
                STATUS_OK &&
            error.status != STATUS_INVALID)
            abort();
    }
    lists_config_free(config);
    return 0;
}
