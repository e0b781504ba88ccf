#include "pir-server/dataset/report_notes.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <jansson.h>

static struct report_notes notes;
static struct bytes json;

static void make(void)
{
    report_notes_init(&notes);
    bytes_init(&json, (size_t)1 << 26);
}
static void unmake(void)
{
    report_notes_deinit(&notes);
    bytes_deinit(&json);
}
TestSuite(report_notes, .init = make, .fini = unmake);

static void add(const char *file, uint64_t line, const char *text, enum drop_reason reason,
                const char *key)
{
    const struct list_place place = {.file = file, .line = line, .text = span_of_text(text)};
    report_notes_add(&notes, &place, reason, span_of_text(key));
}

static json_t *parsed(void)
{
    bytes_clear(&json);
    cr_assert_eq(report_notes_append(&notes, &json, NULL), STATUS_OK);
    json_t *list = json_loadb((const char *)json.data, json.size, 0, NULL);
    cr_assert(json_is_array(list));
    return list;
}

static void check(const json_t *list, size_t index, const char *field, const char *text)
{
    const json_t *value = json_object_get(json_array_get(list, index), field);
    cr_expect_str_eq(json_string_value(value), text, "%zu %s", index, field);
}

Test(report_notes, what_is_added_is_read_again)
{
    json_t *list = parsed();
    cr_expect_eq(json_array_size(list), 0);
    json_decref(list);
    add("a \"\xc3\xa9\" list", 7, "\"q\\\" <b>\t\xff end\\", DROP_REGEX, "");
    add("b", UINT32_MAX, "", DROP_NONE, "key\"");
    list = parsed();
    check(list, 0, "file", "a \"\xc3\xa9\" list");
    check(list, 0, "text", "\"q\\\" <b>?? end\\");
    check(list, 0, "reason", "regex");
    check(list, 1, "text", "");
    check(list, 1, "key", "key\"");
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(list, 1), "line")), UINT32_MAX);
    cr_expect_null(json_object_get(json_array_get(list, 1), "reason"));
    json_t *samples = report_notes_samples(&notes);
    cr_expect(json_equal(samples, list), "few notes are all samples");
    json_decref(samples);
    json_decref(list);
}

Test(report_notes, long_texts_are_cut)
{
    char text[500];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    add("a", 1, text, DROP_NONE, text);
    json_t *list = parsed();
    const json_t *note = json_array_get(list, 0);
    cr_expect_eq(json_string_length(json_object_get(note, "text")), REPORT_NOTES_TEXT_BYTES);
    cr_expect_eq(json_string_length(json_object_get(note, "key")), REPORT_NOTES_TEXT_BYTES);
    json_decref(list);
}

Test(report_notes, rare_reasons_have_samples_behind_all_others)
{
    for (uint64_t i = 0; i < REPORT_NOTES_MAX + 10; i++)
        add("a", i, "x", DROP_REGEX, "");
    for (uint64_t i = 0; i < REPORT_NOTES_SAMPLES + 2; i++)
        add("a", i, "y", DROP_PORT, "");
    cr_expect_eq(notes.omitted, 12);
    json_t *list = parsed();
    cr_expect_eq(json_array_size(list), REPORT_NOTES_MAX + REPORT_NOTES_SAMPLES);
    json_t *samples = report_notes_samples(&notes);
    cr_expect_eq(json_array_size(samples), 2 * REPORT_NOTES_SAMPLES);
    check(samples, REPORT_NOTES_SAMPLES, "reason", "port");
    json_decref(samples);
    json_decref(list);
}

Test(report_notes, without_memory_they_are_counted)
{
    for (size_t n = 1; n < 10; n++) {
        report_notes_deinit(&notes);
        report_notes_init(&notes);
        mem_fail_nth(n);
        for (int i = 0; i < 3; i++)
            add("a", 1, "text", DROP_REGEX, "");
        mem_fail_nth(0);
        cr_expect_eq(notes.count + notes.omitted, 3, "%zu", n);
        json_decref(parsed());
    }
    add("a", 1, "text", DROP_REGEX, "");
    bytes_deinit(&json);
    bytes_init(&json, 20);
    cr_expect_eq(report_notes_append(&notes, &json, NULL), STATUS_TOO_LARGE);
}
