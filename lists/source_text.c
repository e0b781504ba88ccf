#include "lists/source_text.h"

#include "base/file.h"
#include "lists/decompress.h"
#include "urls/rule_text.h"

#include <strings.h>

static bool starts_with_word(struct span text, const char *word)
{
    const size_t size = strlen(word);
    return text.size >= size && strncasecmp((const char *)text.data, word, size) == 0;
}

static size_t count_ends(struct span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == '\n';
    return count;
}

static enum status check_text(struct span text, struct error *err)
{
    const uint8_t *nul = text.size > 0 ? memchr(text.data, 0, text.size) : NULL;
    if (nul != NULL) {
        const size_t at = (size_t)(nul - text.data);
        return error_set(err, STATUS_MALFORMED,
                         "line %zu: byte %zu of the text is NUL: this is no list",
                         count_ends(span_part(text, 0, at)) + 1, at);
    }
    struct span start = text_without_mark(text);
    while (start.size > 0 && strchr(" \t\r\n", start.data[0]) != NULL)
        start = span_part(start, 1, start.size - 1);
    if (starts_with_word(start, "<!doctype html") || starts_with_word(start, "<html"))
        return error_set(err, STATUS_MALFORMED, "is an HTML page, no list");
    return STATUS_OK;
}

/* *ret_text is `came`, or what it unpacks to, which then lies in `unpacked` (born with
 * its maximum). */
static enum status unpack(struct span came, struct bytes *unpacked, struct span *ret_text,
                          struct error *err)
{
    enum status status = STATUS_OK;
    struct span text = came;
    for (int layer = 0; layer < SOURCE_TEXT_LAYERS_MAX && status == STATUS_OK; layer++) {
        struct bytes next;
        if (decompress_detect(text) == DECOMPRESS_NONE)
            break;
        bytes_init(&next, unpacked->max_size);
        status = decompress(text, &next, err);
        bytes_deinit(unpacked);
        *unpacked = next;
        text = bytes_view(unpacked);
    }
    if (status == STATUS_OK)
        status = check_text(text, err);
    if (status == STATUS_OK)
        *ret_text = text;
    return status;
}

enum status source_text_check(struct span came, uint64_t max_bytes, struct error *err)
{
    struct bytes unpacked;
    struct span text;
    bytes_init(&unpacked, (size_t)max_bytes);
    const enum status status = unpack(came, &unpacked, &text, err);
    bytes_deinit(&unpacked);
    return status;
}

enum status source_text_read(const char *path, uint64_t max_bytes, struct source_text *ret,
                             struct error *err)
{
    struct source_text text = {0};
    struct bytes came;
    struct bytes unpacked;
    struct sha256 hash;
    bytes_init(&came, (size_t)max_bytes);
    bytes_init(&unpacked, (size_t)max_bytes);
    enum status status = file_read(path, &came, err);
    if (status != STATUS_OK)
        goto done;
    text.bytes = came.size;
    sha256_init(&hash);
    sha256_add(&hash, bytes_view(&came));
    sha256_finish(&hash, text.digest);
    status = unpack(bytes_view(&came), &unpacked, &text.text, err);
    if (status != STATUS_OK) {
        status = error_prefix(err, status, "%s", path);
        goto done;
    }
    struct bytes *owner = text.text.data == came.data ? &came : &unpacked;
    text.owned = *owner;
    bytes_init(owner, owner->max_size);
    *ret = text;
done:
    bytes_deinit(&came);
    bytes_deinit(&unpacked);
    return status;
}

void source_text_deinit(struct source_text *text)
{
    bytes_deinit(&text->owned);
    *text = (struct source_text){0};
}

uint64_t source_text_lines(const struct source_text *text)
{
    const struct span all = text->text;
    const bool is_ended = all.size == 0 || all.data[all.size - 1] == '\n';
    return count_ends(all) + !is_ended;
}
