#include "bloom/formats/bloom_file.h"

#include "base/file.h"
#include "base/mem.h"
#include "bloom/formats/bloom_build.h"
#include "bloom/formats/bloom_manifest.h"
#include "bloom/formats/bloom_plist.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];
static char path_buffer[4][128];

static const char *at(int slot, const char *name)
{
    snprintf(path_buffer[slot], sizeof path_buffer[slot], "%s/%s", folder, name);
    return path_buffer[slot];
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/test_bloom_file.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    folder_remove(folder);
}

TestSuite(bloom_file, .init = make_folder, .fini = remove_folder);

static struct bloom_filter *make_filter(void)
{
    struct bloom_meta meta = {.item_count = 100, .false_positive_tolerance = 0.001};
    struct bloom_filter *filter = NULL;
    struct bloom_builder builder;
    cr_assert_eq(bloom_params_choose(100, 0.001, 99, &meta.params), BLOOM_OK);
    cr_assert_eq(bloom_filter_new(&meta, &filter, NULL), STATUS_OK);
    cr_assert_eq(bloom_builder_init(&builder, &meta.params, filter->bits, filter->byte_count),
                 BLOOM_OK);
    for (int i = 0; i < 100; i++)
        bloom_builder_add(&builder, &i, sizeof i);
    bloom_builder_finish(&builder);
    cr_assert_eq(bloom_filter_seal(filter, NULL), STATUS_OK);
    return filter;
}

/* Names, with the url that goes with them. */
static const struct {
    const char *name;
    const char *url;
    enum bloom_layout plist_layout;
    enum bloom_layout layout;
} forms[] = {
    {"a.plist", NULL, BLOOM_LAYOUT_PLIST, BLOOM_LAYOUT_PLIST},
    {"b.plist", NULL, BLOOM_LAYOUT_PLIST_BETA, BLOOM_LAYOUT_PLIST_BETA},
    {"c.bloom", NULL, BLOOM_LAYOUT_PLIST, BLOOM_LAYOUT_MANIFEST},
    {"d.json", NULL, BLOOM_LAYOUT_PLIST, BLOOM_LAYOUT_MANIFEST},
    {"e.json", "https://host.example/e.bloom", BLOOM_LAYOUT_PLIST, BLOOM_LAYOUT_URL},
    {"f.bloom", "/prefilter/x/f.bloom", BLOOM_LAYOUT_PLIST, BLOOM_LAYOUT_MANIFEST},
};

Test(bloom_file, reads_what_it_wrote)
{
    struct bloom_filter *filter = make_filter();
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        const struct bloom_file_options options = {.plist_layout = forms[i].plist_layout,
                                                   .url = forms[i].url};
        struct bloom_filter *back = NULL;
        struct error error;
        const char *path = at(0, forms[i].name);
        cr_assert_eq(bloom_file_write(path, filter, &options, &error), STATUS_OK, "%s",
                     error.message);
        cr_assert_eq(bloom_file_read(path, &back, &error), STATUS_OK, "%s", error.message);
        cr_assert_eq(back->layout, forms[i].layout);
        cr_assert_eq(back->byte_count, filter->byte_count);
        cr_assert_eq(memcmp(back->bits, filter->bits, filter->byte_count), 0);
        cr_assert_eq(back->meta.params.bit_count, filter->meta.params.bit_count);
        cr_assert_eq(back->meta.params.hash_count, filter->meta.params.hash_count);
        cr_assert_eq(back->meta.params.murmur_seed, 99u);
        cr_assert_str_eq(back->meta.tag, filter->meta.tag);
        cr_assert_eq(back->meta.item_count, forms[i].layout == BLOOM_LAYOUT_URL ? 0u : 100u);
        cr_assert(back->meta.false_positive_tolerance >= 0.001 &&
                  back->meta.false_positive_tolerance <= 0.001);
        if (forms[i].url != NULL)
            cr_assert_str_eq(back->meta.url, forms[i].url);
        bloom_filter_free(back);
    }
    bloom_filter_free(filter);
}

/* Every n-th allocation fails once: STATUS_NOMEM, no output, no leak, no file. */
Test(bloom_file, survives_each_failed_allocation)
{
    struct bloom_filter *filter = make_filter();
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        const struct bloom_file_options options = {.plist_layout = forms[i].plist_layout,
                                                   .url = forms[i].url};
        const char *path = at(0, forms[i].name);
        size_t tried = 0;
        for (size_t n = 1;; n++) {
            struct error error = {.message = ""};
            mem_fail_nth(n);
            const enum status status = bloom_file_write(path, filter, &options, &error);
            const bool was_reached = !mem_fail_pending();
            mem_fail_nth(0);
            if (!was_reached) {
                cr_assert_eq(status, STATUS_OK);
                break;
            }
            tried++;
            cr_assert_eq(status, STATUS_NOMEM, "write %s, allocation %zu", forms[i].name, n);
            cr_assert_neq(error.message[0], '\0');
            cr_assert_neq(access(path, F_OK), 0);
        }
        for (size_t n = 1;; n++) {
            struct bloom_filter *back = NULL;
            mem_fail_nth(n);
            const enum status status = bloom_file_read(path, &back, NULL);
            const bool was_reached = !mem_fail_pending();
            mem_fail_nth(0);
            if (!was_reached) {
                cr_assert_eq(status, STATUS_OK);
                bloom_filter_free(back);
                break;
            }
            tried++;
            if (status == STATUS_OK) { /* giving back spare memory may fail without harm */
                bloom_filter_free(back);
                continue;
            }
            cr_assert_eq(status, STATUS_NOMEM, "read %s, allocation %zu", forms[i].name, n);
            cr_assert_null(back);
        }
        cr_assert_gt(tried, (size_t)4);
    }
    bloom_filter_free(filter);
}

Test(bloom_file, refuses_names_and_missing_files)
{
    struct bloom_filter *filter = make_filter();
    const struct bloom_file_options options = {.url = NULL};
    struct bloom_filter *back = NULL;
    struct error error;
    cr_assert_eq(bloom_file_write(at(0, "x.txt"), filter, &options, &error), STATUS_INVALID);
    cr_assert_eq(bloom_file_write(at(0, ".plist"), filter, &options, &error), STATUS_INVALID);
    cr_assert_eq(bloom_file_write(at(0, "no/x.plist"), filter, &options, &error), STATUS_NOT_FOUND);
    cr_assert_eq(bloom_file_read(at(0, "x.plist"), &back, &error), STATUS_NOT_FOUND);
    cr_assert_eq(bloom_file_read(at(0, "x.bloom"), &back, &error), STATUS_NOT_FOUND);
    cr_assert_eq(bloom_file_read(folder, &back, &error), STATUS_INVALID);
    filter->meta.item_count = 0;
    cr_assert_eq(bloom_file_write(at(0, "x.plist"), filter, &options, &error), STATUS_INVALID);
    cr_assert_eq(bloom_file_write(at(0, "x.bloom"), filter, &options, &error), STATUS_INVALID);
    cr_assert_neq(access(at(0, "x.plist"), F_OK), 0);
    cr_assert_neq(access(at(0, "x.bloom"), F_OK), 0);
    char long_url[BLOOM_URL_MAX_BYTES + 2];
    memset(long_url, 'u', sizeof long_url - 1);
    long_url[sizeof long_url - 1] = '\0';
    const struct bloom_file_options too_long = {.url = long_url};
    cr_assert_eq(bloom_file_write(at(0, "x.json"), filter, &too_long, &error), STATUS_INVALID);
    bloom_filter_free(filter);
}

Test(bloom_file, bits_and_manifest_belong_together)
{
    struct bloom_filter *filter = make_filter();
    const struct bloom_file_options options = {.url = NULL};
    struct bloom_filter *back = NULL;
    struct error error;
    cr_assert_eq(bloom_file_write(at(0, "x.bloom"), filter, &options, NULL), STATUS_OK);
    filter->bits[0] ^= 1;
    cr_assert_eq(file_write(at(0, "x.bloom"), FILE_MODE_PUBLIC,
                            span_of(filter->bits, filter->byte_count), NULL),
                 STATUS_OK);
    cr_assert_eq(bloom_file_read(at(0, "x.bloom"), &back, &error), STATUS_MISMATCH);
    cr_assert_eq(bloom_file_read(at(0, "x.json"), &back, &error), STATUS_MISMATCH);
    cr_assert_not_null(strstr(error.message, "x.json: the tag"));
    bloom_filter_free(filter);
}

Test(bloom_file, build_survives_each_failed_allocation)
{
    const char text[] = "a.com\nb.com\n\na.com\nc.com/path\n";
    cr_assert_eq(file_write(at(1, "keys"), FILE_MODE_PUBLIC, span_of_text(text), NULL), STATUS_OK);
    for (int unique = 0; unique < 2; unique++) {
        const struct bloom_build_options options = {.rate = 0.01, .unique = unique != 0};
        size_t tried = 0;
        for (size_t n = 1;; n++) {
            struct bloom_filter *filter = NULL;
            struct bloom_build_summary summary;
            struct error error;
            mem_fail_nth(n);
            const enum status status =
                bloom_build_file(path_buffer[1], &options, &filter, &summary, &error);
            const bool was_reached = !mem_fail_pending();
            mem_fail_nth(0);
            if (was_reached) {
                tried++;
                cr_assert_eq(status, STATUS_NOMEM);
                cr_assert_null(filter);
                continue;
            }
            cr_assert_eq(status, STATUS_OK, "%s", error.message);
            cr_assert_eq(summary.line_count, 5u);
            cr_assert_eq(summary.empty_count, 1u);
            cr_assert_eq(summary.item_count, unique ? 3u : 4u);
            cr_assert_eq(summary.repeat_count, unique ? 1u : 0u);
            bloom_filter_free(filter);
            break;
        }
        cr_assert_gt(tried, (size_t)4);
    }
}

Test(bloom_file, reals_are_the_shortest_that_read_back)
{
    const struct {
        double value;
        const char *text;
    } cases[] = {{0.001, "0.001"},      {1e-5, "1e-05"},
                 {0.1, "0.1"},          {0.1 + 0.2, "0.30000000000000004"},
                 {0x1p-1074, "5e-324"}, {1.0 / 3.0, "0.3333333333333333"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[BLOOM_REAL_TEXT_BYTES];
        bloom_real_text(cases[i].value, text);
        cr_assert_str_eq(text, cases[i].text);
    }
}

Test(bloom_file, seed_is_the_first_four_bytes_of_the_digest)
{
    const uint8_t digest[BLOOM_DIGEST_BYTES] = {0x78, 0x56, 0x34, 0x92, 0xff};
    cr_assert_eq(bloom_seed_of_digest(digest), 0x92345678u);
    char hex[2 * BLOOM_DIGEST_BYTES + 1];
    cr_assert_eq(bloom_digest_hex(span_of_text("abc"), hex, NULL), STATUS_OK);
    /* FIPS 180-4, example. */
    cr_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

Test(bloom_file, filter_refuses_bad_parameters)
{
    struct bloom_filter *filter = NULL;
    const struct bloom_meta bad[] = {
        {.params = {.bit_count = 0, .hash_count = 1}, .false_positive_tolerance = 0.5},
        {.params = {.bit_count = 1, .hash_count = 0}, .false_positive_tolerance = 0.5},
        {.params = {.bit_count = 1, .hash_count = 1}, .false_positive_tolerance = 0.0},
        {.params = {.bit_count = 1, .hash_count = 1}, .false_positive_tolerance = 1.0}};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        cr_assert_eq(bloom_filter_new(&bad[i], &filter, NULL), STATUS_INVALID);
    cr_assert_null(filter);
    bloom_filter_free(NULL);
}
