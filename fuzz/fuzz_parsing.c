/* Parsing configurations and URLs: two bytes of switches, one of levels and segments, then the
 * regular expression up to a NUL byte (none: the switches count), then the URL or entry. Its keys
 * are among its sub-URLs. */
#include "urls/parsing.h"

#include "urls/parsing_pattern.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    const struct parsing_keys *keys;
    size_t count;
    size_t found;
};

static enum status see(void *context, struct span sub_url, struct error *err)
{
    struct seen *seen = context;
    (void)err;
    seen->count++;
    if (sub_url.size == 0 || sub_url.size > PARSING_KEY_MAX_BYTES + 1)
        abort();
    for (size_t i = 0; i < seen->keys->count; i++)
        seen->found += span_equal(seen->keys->keys[i], sub_url);
    return STATUS_OK;
}

/* A device asks for the URL of an entry; one without scheme stands for two. */
static void ask(struct parsing_workspace *device, const char *scheme, struct span text,
                struct seen *seen)
{
    static uint8_t url[URL_PREFIX_BYTES + URL_MAX_BYTES];
    const size_t size = strlen(scheme);
    struct error err;
    memcpy(url, scheme, size);
    memcpy(url + size, text.data, text.size);
    if (parsing_read(device, span_of(url, size + text.size)) != DROP_NONE)
        return;
    const size_t before = seen->count;
    if (parsing_expand(device, see, seen, &err) == STATUS_OK &&
        seen->count - before > parsing_expansion_count(device))
        abort();
}

static void check(struct parsing_workspace *workspace, struct parsing_workspace *device,
                  struct span text, bool widens)
{
    struct parsing_keys keys;
    struct seen seen = {.keys = &keys};
    struct error err;
    if (parsing_read(workspace, text) != DROP_NONE)
        return;
    const enum status status = parsing_keys(workspace, widens, &keys, &err);
    if (status != STATUS_OK && status != STATUS_INVALID)
        abort();
    if (status != STATUS_OK || keys.reason != DROP_NONE)
        keys.count = 0;
    ask(device, "", text, &seen);
    if (seen.found == 0 && !parsing_url(workspace)->had_scheme)
        ask(device, "http://", text, &seen);
    if (keys.count > 0 && seen.found != 1 && seen.count > 0)
        abort();
}

static void fill(const uint8_t *data, struct parsing_options *ret)
{
    static const char *const parameters[] = {"q", "Id"};
    bool *const flags[] = {&ret->exclude_scheme,    &ret->strip_www,
                           &ret->walk_domains,      &ret->walk_paths,
                           &ret->exclude_domain,    &ret->exclude_path,
                           &ret->exclude_query,     &ret->exclude_fragment,
                           &ret->case_sensitive,    &ret->exclude_intermediates,
                           &ret->chooses_parameters};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if ((data[i / 8] >> i % 8 & 1) != 0)
            *flags[i] = !*flags[i];
    }
    ret->domain_levels = data[2] & 7;
    ret->path_segments = data[2] >> 3 & 7;
    ret->parameters = parameters;
    ret->parameter_count = ret->chooses_parameters ? data[2] >> 6 & 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct parsing_options options;
    struct parsing *parsing = NULL;
    struct parsing_workspace *workspace = NULL;
    struct parsing_workspace *device = NULL;
    char pattern[PARSING_PATTERN_MAX_BYTES + 1] = "";
    struct error err;
    if (size < 4)
        return 0;
    const uint8_t *end = memchr(data + 3, 0, size - 3);
    if (end == NULL || (size_t)(end - data - 3) >= sizeof pattern)
        return 0;
    memcpy(pattern, data + 3, (size_t)(end - data) - 3);
    parsing_options_init(&options);
    if (pattern[0] != '\0')
        options.regular_expression = pattern;
    else
        fill(data, &options);
    if (parsing_new(&options, &parsing, &err) != STATUS_OK)
        return 0;
    const struct span text = span_of(end + 1, size - (size_t)(end - data) - 1);
    if (parsing_workspace_new(parsing, &workspace, &err) != STATUS_OK ||
        parsing_workspace_new(parsing, &device, &err) != STATUS_OK)
        abort();
    check(workspace, device, text, (data[1] & 0x80) != 0);
    parsing_workspace_free(workspace);
    parsing_workspace_free(device);
    parsing_free(parsing);
    return 0;
}
