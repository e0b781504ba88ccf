/* Copies of sources: kept, found, refused. tests/tools/sources.test.py has full disks and kills. */
#include "lists/source_cache.h"

#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/source_cache.XXXXXX";
static char id[] = "one";
static char url[] = "https://user:hush@h.example/list?token=hush";
static const struct lists_source source = {.id = id, .location = url};

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void tear_down(void)
{
    folder_remove(folder);
}

TestSuite(source_cache, .init = set_up, .fini = tear_down);

static struct source_cache *open_cache(void)
{
    struct source_cache *cache = NULL;
    struct error err = {0};
    cr_assert_eq(source_cache_open(folder, &cache, &err), STATUS_OK, "%s", err.message);
    return cache;
}

static void keep(struct source_cache *cache, const struct lists_source *of, const char *body,
                 const char *etag)
{
    struct source_copy copy = {.fetched_s = 5, .confirmed_s = 6};
    struct error err = {0};
    copy.etag = etag != NULL ? mem_strdup(etag) : NULL;
    cr_assert_eq(source_cache_keep(cache, of, span_of_text(body), &copy, &err), STATUS_OK, "%s",
                 err.message);
    struct bytes read;
    bytes_init(&read, 1000);
    cr_assert_eq(file_read(copy.path, &read, &err), STATUS_OK, "%s", err.message);
    cr_assert(span_equal(bytes_view(&read), span_of_text(body)));
    bytes_deinit(&read);
    source_copy_deinit(&copy);
}

static bool find(struct source_cache *cache, const struct lists_source *of, struct source_copy *ret)
{
    bool found = false;
    struct error err = {0};
    cr_assert_eq(source_cache_find(cache, of, ret, &found, &err), STATUS_OK, "%s", err.message);
    return found;
}

Test(source_cache, keeps_and_finds)
{
    struct source_cache *cache = open_cache();
    struct source_copy copy = {0};
    cr_assert_not(find(cache, &source, &copy));
    keep(cache, &source, "a\n", "\"x\"");
    keep(cache, &source, "b\n", "W/\"y\\\"");
    source_cache_close(cache);
    cache = open_cache();
    cr_assert(find(cache, &source, &copy));
    cr_assert_eq(copy.bytes, 2);
    cr_assert_str_eq(copy.etag, "W/\"y\\\"");
    cr_assert_null(copy.last_modified);
    cr_assert_eq(copy.fetched_s, 5);
    cr_assert_eq(copy.confirmed_s, 6);
    copy.confirmed_s = 99;
    cr_assert_eq(source_cache_confirm(cache, &source, &copy, NULL), STATUS_OK);
    source_copy_deinit(&copy);
    cr_assert(find(cache, &source, &copy));
    cr_assert_eq(copy.confirmed_s, 99);
    source_copy_deinit(&copy);
    source_cache_close(cache);
}

Test(source_cache, another_url_has_no_copy)
{
    struct source_cache *cache = open_cache();
    struct source_copy copy = {0};
    char other_url[] = "https://user:hush@h.example/list?token=other";
    const struct lists_source other = {.id = id, .location = other_url};
    keep(cache, &source, "a\n", NULL);
    cr_assert_not(find(cache, &other, &copy));
    source_cache_close(cache);
}

/* An id that begins like another's file: its body stays. */
Test(source_cache, removes_its_own_bodies_only)
{
    struct source_cache *cache = open_cache();
    struct source_copy copy = {0};
    char long_id[] = "one-0123456789abcdef";
    const struct lists_source other = {.id = long_id, .location = url};
    keep(cache, &other, "other\n", NULL);
    keep(cache, &source, "a\n", NULL);
    keep(cache, &source, "b\n", NULL);
    cr_assert(find(cache, &other, &copy));
    source_copy_deinit(&copy);
    cr_assert(find(cache, &source, &copy));
    source_copy_deinit(&copy);
    source_cache_close(cache);
}

Test(source_cache, a_validator_that_no_header_holds_is_not_kept)
{
    static const char *const bad[] = {"", "a\nb", "a\x7f", "\xff\xfe"};
    struct source_cache *cache = open_cache();
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct source_copy copy = {0};
        keep(cache, &source, "a\n", bad[i]);
        cr_assert(find(cache, &source, &copy));
        cr_assert_null(copy.etag);
        source_copy_deinit(&copy);
    }
    source_cache_close(cache);
}

Test(source_cache, a_json_file_that_is_not_ours_is_no_copy)
{
    static const char *const bad[] = {
        "", "[]", "{", "{}", "{\"format\": 1}", "\xff", "{\"format\": 2, \"sha256\": 3}",
    };
    char path[200];
    (void)snprintf(path, sizeof path, "%s/one.json", folder);
    struct source_cache *cache = open_cache();
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct source_copy copy = {0};
        cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, span_of_text(bad[i]), NULL), STATUS_OK);
        cr_assert_not(find(cache, &source, &copy));
    }
    source_cache_close(cache);
}

Test(source_cache, survives_each_failed_allocation)
{
    for (size_t n = 1;; n++) {
        struct source_cache *cache = NULL;
        struct source_copy copy = {0};
        struct source_copy found = {0};
        bool has_copy = false;
        copy.etag = mem_strdup("\"x\"");
        mem_fail_nth(n);
        enum status status = source_cache_open(folder, &cache, NULL);
        if (status == STATUS_OK)
            status = source_cache_keep(cache, &source, span_of_text("a\n"), &copy, NULL);
        if (status == STATUS_OK)
            status = source_cache_find(cache, &source, &found, &has_copy, NULL);
        const bool was_reached = !mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, was_reached ? STATUS_NOMEM : STATUS_OK, "allocation %zu", n);
        source_copy_deinit(&copy);
        source_copy_deinit(&found);
        source_cache_close(cache);
        if (!was_reached) {
            cr_assert(has_copy);
            break;
        }
    }
}

/* Ids that begin alike, and files that are no copies. */
Test(source_cache, forgets_others)
{
    static char ids[][8] = {"one", "one.a", "one-b"};
    static const char *const left[] = {"one-b", "none"};
    struct source_cache *cache = open_cache();
    struct lists_source sources[ARRAY_COUNT(ids)];
    struct source_copy copy;
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        sources[i] = (struct lists_source){.id = ids[i], .location = url};
        keep(cache, &sources[i], ids[i], NULL);
    }
    char *note = path_join(folder, "note");
    cr_assert_eq(file_write(note, FILE_MODE_SECRET, span_of_text("x"), NULL), STATUS_OK);
    cr_assert_eq(source_cache_forget_others(cache, left, ARRAY_COUNT(left)), 2);
    cr_assert(!find(cache, &sources[0], &copy));
    cr_assert(!find(cache, &sources[1], &copy));
    cr_assert(find(cache, &sources[2], &copy));
    source_copy_deinit(&copy);
    cr_assert_eq(source_cache_forget_others(cache, NULL, 0), 1);
    cr_assert(!find(cache, &sources[2], &copy));
    cr_assert_eq(access(note, F_OK), 0);
    source_cache_close(cache);
    mem_free(note);
}
