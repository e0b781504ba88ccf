/* Filters from a file with and without threads: the same, whatever is in the lines. */
#include "bloom/formats/bloom_build.h"

#include "base/file.h"
#include "base/mem.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES = 60000 }; /* several chunks */

/* With empty lines, repeats, CR LF, a byte order mark and no end of the last line. */
static void make_lines(struct bytes *text)
{
    bytes_append_text(text, "\xef\xbb\xbf");
    for (unsigned i = 0; i < LINES; i++) {
        bytes_append_format(text, "host%u.example/%u%s", i % 50000, i % 7, i % 5 == 0 ? "\r" : "");
        bytes_append_text(text, i % 11 == 0 ? "\n\n" : "\n");
    }
    bytes_append_text(text, "last.example");
}

static bool is_same(const struct bloom_filter *a, const struct bloom_filter *b)
{
    return a != NULL && b != NULL && a->byte_count == b->byte_count &&
           a->meta.item_count == b->meta.item_count &&
           a->meta.params.murmur_seed == b->meta.params.murmur_seed &&
           memcmp(a->bits, b->bits, a->byte_count) == 0;
}

static void compare(const char *path, struct bloom_build_options options, const char *what)
{
    struct bloom_filter *alone = NULL;
    struct bloom_build_summary counts = {0};
    struct error error = {.message = ""};
    enum status status = bloom_build_file(path, &options, &alone, &counts, &error);
    TAP_CHECK(status == STATUS_OK, "%s: alone %s", what, error.message);
    for (size_t workers = 0; workers <= 4; workers += 2) {
        struct bloom_filter *filter = NULL;
        struct bloom_build_summary summary = {0};
        status = thread_pool_new(workers, 1, &options.pool, &error);
        if (status == STATUS_OK)
            status = bloom_build_file(path, &options, &filter, &summary, &error);
        TAP_CHECK(status == STATUS_OK && is_same(alone, filter) &&
                      memcmp(&summary, &counts, sizeof counts) == 0,
                  "%s: the same with %zu workers %s", what, workers, error.message);
        thread_pool_free(options.pool);
        bloom_filter_free(filter);
    }
    bloom_filter_free(alone);
}

static void refuse(const char *path, struct bytes *text)
{
    const struct bloom_build_options shared = {.rate = 0.001};
    struct bloom_build_options options = shared;
    struct bloom_filter *filter = NULL;
    struct error error = {.message = ""};
    uint8_t *space = bytes_append_space(text, 70000);
    if (space != NULL)
        memset(space, 'a', 70000);
    enum status status = file_write(path, FILE_MODE_PUBLIC, bytes_view(text), &error);
    if (status == STATUS_OK)
        status = thread_pool_new(2, 1, &options.pool, &error);
    if (status == STATUS_OK)
        status = bloom_build_file(path, &options, &filter, NULL, &error);
    TAP_CHECK(status == STATUS_TOO_LARGE && filter == NULL &&
                  strstr(error.message, "line ") != NULL,
              "a line too long is an error: %s", error.message);
    thread_pool_free(options.pool);
}

int main(void)
{
    char path[] = "/tmp/plain_bloom_build.XXXXXX";
    struct bytes text;
    const int fd = mkstemp(path);
    if (fd >= 0)
        close(fd);
    bytes_init(&text, (size_t)1 << 24);
    make_lines(&text);
    TAP_CHECK(fd >= 0 && file_write(path, FILE_MODE_PUBLIC, bytes_view(&text), NULL) == STATUS_OK,
              "the file is written");
    compare(path, (struct bloom_build_options){.rate = 0.001}, "plain");
    compare(path, (struct bloom_build_options){.rate = 0.001, .unique = true}, "unique");
    compare(path, (struct bloom_build_options){.bit_count = 77, .hash_count = 2048}, "tiny");
    compare(path, (struct bloom_build_options){.rate = 0.1, .has_seed = true}, "seed");
    refuse(path, &text);
    unlink(path);
    bytes_deinit(&text);
    return tap_finish();
}
