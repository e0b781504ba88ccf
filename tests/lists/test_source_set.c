/* Local sources of a set; tests/tools/sources.test.py has those that are fetched. */
#include "lists/source_set.h"

#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static char folder[] = "/tmp/source_set.XXXXXX";
static struct lists_config *config;

static void write_file(const char *name, const char *text)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, span_of_text(text), NULL), STATUS_OK);
}

static void set_up(void)
{
    struct error err = {0};
    char path[200];
    cr_assert_not_null(mkdtemp(folder));
    write_file("b.txt", "b.example\n");
    write_file("a.txt", "a.example\na2.example\n");
    write_file("own", "own.example\n");
    write_file("lists.json", "{\"useCase\": \"a.b\", \"sources\": [{\"id\": \"own\", \"file\": "
                             "\"own\"}, {\"id\": \"all\", \"glob\": \"*.txt\"}, {\"id\": \"gone\", "
                             "\"file\": \"gone\"}]}");
    (void)snprintf(path, sizeof path, "%s/lists.json", folder);
    cr_assert_eq(lists_config_read(path, NULL, NULL, &config, &err), STATUS_OK, "%s", err.message);
}

static void tear_down(void)
{
    lists_config_free(config);
    folder_remove(folder);
}

/* Where copies and the lock of an update go; made when it is not there. */
static const char *cache_folder(void)
{
    static char path[64];
    (void)snprintf(path, sizeof path, "%s/cache", folder);
    return path;
}

TestSuite(source_set, .init = set_up, .fini = tear_down);

Test(source_set, local_files_in_order)
{
    static const struct {
        const char *name;
        enum source_state state;
        const char *text;
    } expected[] = {{"own", SOURCE_FILE, "own.example\n"},
                    {"all/a.txt", SOURCE_FILE, "a.example\na2.example\n"},
                    {"all/b.txt", SOURCE_FILE, "b.example\n"},
                    {"gone", SOURCE_FAILED, NULL}};
    struct source_set *set = NULL;
    struct error err = {0};
    cr_assert_eq(source_set_open(config, cache_folder(), 1000, 0, &set, &err), STATUS_OK, "%s",
                 err.message);
    cr_assert_eq(source_set_count(set), ARRAY_COUNT(expected));
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        const struct source_item *item = source_set_item(set, i);
        struct source_text text = {0};
        cr_assert_str_eq(item->name, expected[i].name);
        cr_assert_eq(item->state, expected[i].state);
        if (expected[i].text == NULL) {
            cr_assert_not_null(strstr(item->why.message, "gone ("), "%s", item->why.message);
            continue;
        }
        cr_assert_eq(source_set_text(set, i, &text, &err), STATUS_OK, "%s", err.message);
        cr_assert(span_equal(text.text, span_of_text(expected[i].text)));
        source_text_deinit(&text);
    }
    source_set_close(set);
}

Test(source_set, survives_each_failed_allocation)
{
    for (size_t n = 1;; n++) {
        struct source_set *set = NULL;
        mem_fail_nth(n);
        const enum status status = source_set_open(config, folder, 1000, 0, &set, NULL);
        const bool was_reached = !mem_fail_pending();
        mem_fail_nth(0);
        cr_assert_eq(status, was_reached ? STATUS_NOMEM : STATUS_OK, "allocation %zu", n);
        source_set_close(set);
        if (!was_reached)
            break;
    }
}

Test(source_set, ages)
{
    static const struct {
        uint64_t seconds;
        const char *text;
    } cases[] = {{0, "0 s"},        {1, "1 s"},    {119, "119 s"},   {120, "2 min"},
                 {7199, "119 min"}, {7200, "2 h"}, {172799, "47 h"}, {172800, "2 d"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[SOURCE_AGE_BYTES];
        source_age_text(cases[i].seconds, text);
        cr_assert_str_eq(text, cases[i].text);
    }
}

/* ---- lists that include others ---- */

struct included {
    const char *name;
    const char *text; /* NULL: failed, and this is what is said: */
    const char *why;
};

static void check_includes(const struct included *expected, size_t count)
{
    struct lists_config *own = NULL;
    struct source_set *set = NULL;
    struct error err = {0};
    char path[200];
    (void)snprintf(path, sizeof path, "%s/lists.json", folder);
    cr_assert_eq(lists_config_read(path, NULL, NULL, &own, &err), STATUS_OK, "%s", err.message);
    cr_assert_eq(source_set_open(own, cache_folder(), 1000, 0, &set, &err), STATUS_OK, "%s",
                 err.message);
    cr_expect_eq(source_set_count(set), count, "%zu items", source_set_count(set));
    for (size_t i = 0; i < count && i < source_set_count(set); i++) {
        const struct source_item *item = source_set_item(set, i);
        struct source_text text;
        cr_expect_str_eq(item->name, expected[i].name);
        cr_expect_str_eq(item->root->id, "root");
        if (expected[i].text == NULL) {
            cr_expect_eq(item->state, SOURCE_FAILED);
            cr_expect_not_null(strstr(item->why.message, expected[i].why), "%s", item->why.message);
            continue;
        }
        cr_assert_eq(source_set_text(set, i, &text, &err), STATUS_OK, "%s", err.message);
        cr_expect(span_equal(text.text, span_of_text(expected[i].text)), "%s", item->name);
        cr_expect_str_eq(item->source->license, "L");
        source_text_deinit(&text);
    }
    source_set_close(set);
    lists_config_free(own);
}

static void write_lists(const char *more)
{
    char text[300];
    (void)snprintf(text, sizeof text,
                   "{\"useCase\": \"a.b\", \"sources\": [{\"id\": \"root\", \"file\": \"root\", "
                   "\"license\": \"L\"%s}]}",
                   more);
    write_file("lists.json", text);
}

Test(source_set, included_lists)
{
    static const char root[] = "||a.example^\n!#include one\n!#if x\n!#include no\n!#endif\n"
                               "!#include sub/two\n!#include one\n";
    static const struct included expected[] = {
        {"root", root, ""},
        {"root/one", "!#include root\n||b.example^\n!#include one\n!#include sub/three\n", ""},
        {"root/sub/two", "!#include three\n", ""},
        {"root/sub/three", "||c.example^\n", ""},
    };
    char path[200];
    (void)snprintf(path, sizeof path, "%s/sub", folder);
    cr_assert_eq(folder_make(path, NULL), STATUS_OK);
    write_lists(", \"format\": \"adblock\"");
    write_file("root", root);
    write_file("one", expected[1].text);
    write_file("sub/two", expected[2].text);
    write_file("sub/three", expected[3].text);
    check_includes(expected, ARRAY_COUNT(expected));
    write_lists(", \"format\": \"adblock\", \"includes\": false");
    check_includes(expected, 1);
    write_lists("");
    check_includes(expected, 1);
}

Test(source_set, includes_that_are_not_followed)
{
    static const char root[] = "!#include ../x\n!#include\n!#include https://h.example/x\n"
                               "!#include gone\n";
    static const struct included expected[] = {
        {"root", root, ""},
        {"root/line 1", NULL, "root, line 1: !#include of what is not below the list's own folder"},
        {"root/line 2", NULL, "line 2: "},
        {"root/line 3", NULL, "line 3: "},
        {"root/gone", NULL, "No such file"},
    };
    write_lists(", \"format\": \"adblock\"");
    write_file("root", root);
    check_includes(expected, ARRAY_COUNT(expected));
}

Test(source_set, includes_that_lie_too_deep)
{
    static char names[10][40];
    static char texts[10][40];
    struct included expected[11] = {{"root", "!#include d1\n", ""}};
    write_lists(", \"format\": \"adblock\"");
    write_file("root", expected[0].text);
    for (int i = 1; i <= 8; i++) {
        char file[20];
        (void)snprintf(file, sizeof file, "d%d", i);
        (void)snprintf(names[i], sizeof names[i], "root/%s", file);
        (void)snprintf(texts[i], sizeof texts[i], "!#include d%d\n", i + 1);
        write_file(file, texts[i]);
        expected[i] = (struct included){names[i], texts[i], ""};
    }
    write_file("d9", "||a.example^\n");
    expected[9] = (struct included){"root/line 1", NULL,
                                    "root/d8, line 1: !#include of lists that lie too deep"};
    check_includes(expected, 10);
}
