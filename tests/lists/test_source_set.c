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
    /* No URL: no cache is needed, and no folder made. */
    cr_assert_eq(source_set_open(config, "/no/such/folder", 1000, 0, &set, &err), STATUS_OK, "%s",
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
