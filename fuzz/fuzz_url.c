/* URL reader, key and expansion: bounds, and what they promise each other. */
#include "urls/url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct url url;
static struct url again;

struct seen {
    size_t count;
    size_t longest;
    struct span wanted;
    bool found;
};

static enum status see(void *context, struct span sub_url, struct error *err)
{
    (void)err;
    struct seen *seen = context;
    seen->count++;
    if (sub_url.size > seen->longest)
        seen->longest = sub_url.size;
    seen->found = seen->found || span_equal(sub_url, seen->wanted);
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t key_copy[URL_MAX_BYTES + URL_PORT_BYTES];
    if (url_parse(span_of(data, size), &url) != DROP_NONE)
        return 0;
    const struct span key = url_key(&url);
    if (key.size == 0 || key.size > sizeof key_copy)
        abort();
    for (size_t i = 0; i < key.size; i++) {
        if (key.data[i] <= ' ' || key.data[i] >= 0x7f || (key.data[i] >= 'A' && key.data[i] <= 'Z'))
            abort();
    }
    memcpy(key_copy, key.data, key.size);
    struct seen seen = {.wanted = span_of(key_copy, key.size)};
    if (url_expand(&url, see, &seen, NULL) == STATUS_OK) {
        if (seen.count != url_expansion_count(&url) || seen.longest > sizeof url.scratch)
            abort();
        /* A key without port, or with the URL's own, is one of the URL's sub-URLs. */
        if (!seen.found)
            abort();
    }
    for (unsigned flags = 1; flags < 8; flags++) {
        const struct url_walk walk = {.only_whole_host = (flags & 1) != 0,
                                      .only_whole_path = (flags & 2) != 0,
                                      .no_intermediates = (flags & 4) != 0,
                                      .prefix = "https://"};
        struct seen prefixed = {0};
        if (url_expand_walk(&url, &walk, see, &prefixed, NULL) == STATUS_OK &&
            (prefixed.count != url_walk_count(&url, &walk) ||
             prefixed.longest > sizeof url.scratch))
            abort();
    }
    /* A key is canonical: read again it stays what it is, a second "www." aside. */
    if (key.size <= URL_MAX_BYTES && url_parse(seen.wanted, &again) == DROP_NONE &&
        !again.had_www && !span_equal(url_key(&again), seen.wanted))
        abort();
    return 0;
}
