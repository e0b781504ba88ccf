#include "json/json_field.h"

#include "base/compiler.h"

#include <criterion/criterion.h>
#include <string.h>

static const char text[] =
    "{\"flag\":true,\"count\":7,\"rate\":0.5,\"size\":\"2KiB\",\"time\":\"2h\","
    "\"name\":\"a\",\"sort\":\"b\",\"list\":[1,\"x\"],\"none\":null}";
static const char *const sorts[] = {"a", "b"};

/* What is read of `text`, and the message when something is wrong with it. */
struct reading {
    struct json_reader reader;
    struct error error;
    json_t *document;
    struct json_field root;
};

static void setup(struct reading *r)
{
    *r = (struct reading){.reader = {.file = "f.json", .err = &r->error}};
    cr_assert_eq(json_field_load("f.json", span_of_text(text), &r->document, &r->error), STATUS_OK,
                 "%s", r->error.message);
    r->root = json_field_root(&r->reader, r->document);
}

static void teardown(struct reading *r)
{
    json_decref(r->document);
}

static struct json_field at(const struct reading *r, const char *name)
{
    return json_field_member(&r->root, name);
}

Test(json_field, values_and_their_units)
{
    struct reading r;
    setup(&r);
    const struct json_field flag = at(&r, "flag"), count = at(&r, "count"), rate = at(&r, "rate");
    const struct json_field size = at(&r, "size"), time = at(&r, "time"), name = at(&r, "name");
    const struct json_field sort = at(&r, "sort"), list = at(&r, "list");
    const struct json_field item = json_field_item(&list, 0);
    cr_assert(json_field_flag(&flag, false));
    cr_assert_eq(json_field_integer(&count, 7, 7, 0), 7);
    cr_assert_eq(json_field_number(&rate, 0, 1, 0), 0.5);
    cr_assert_eq(json_field_size(&size, 0, UINT64_MAX, 0), 2048);
    cr_assert_eq(json_field_duration(&time, 0, UINT64_MAX, 0), 7200);
    cr_assert_str_eq(json_field_text(&name, 1), "a");
    cr_assert_eq(json_field_choice(&sort, sorts, ARRAY_COUNT(sorts), 0), 1);
    cr_assert_eq(json_field_count(&list, 2), 2);
    cr_assert_eq(json_field_integer(&item, 0, 9, 0), 1);
    cr_assert_eq(r.reader.status, STATUS_OK);
    teardown(&r);
}

Test(json_field, what_is_absent_is_its_fallback)
{
    struct reading r;
    setup(&r);
    const struct json_field absent = at(&r, "absent");
    const struct json_field below = json_field_member(&absent, "below");
    cr_assert(json_field_flag(&absent, true));
    cr_assert_eq(json_field_integer(&below, 1, 2, 9), 9);
    cr_assert_eq(json_field_number(&absent, 1, 2, 9), 9);
    cr_assert_eq(json_field_size(&absent, 1, 2, 9), 9);
    cr_assert_eq(json_field_duration(&absent, 1, 2, 9), 9);
    cr_assert_null(json_field_text(&absent, 9));
    cr_assert_eq(json_field_choice(&absent, sorts, ARRAY_COUNT(sorts), 9), 9);
    cr_assert_eq(json_field_count(&absent, 9), 0);
    json_field_keys(&absent, NULL, 0);
    cr_assert_eq(r.reader.status, STATUS_OK);
    (void)json_field_required(&r.root, "flag");
    cr_assert_eq(r.reader.status, STATUS_OK);
    (void)json_field_required(&absent, "below");
    cr_assert_eq(r.reader.status, STATUS_INVALID);
    cr_assert_str_eq(r.error.message, "f.json: $.absent.below: is missing");
    teardown(&r);
}

Test(json_field, the_first_failure_sticks_and_has_its_path)
{
    static const char *const known[] = {"flag", "count"};
    struct reading r;
    setup(&r);
    const struct json_field list = at(&r, "list");
    const struct json_field item = json_field_item(&list, 1);
    const struct json_field none = at(&r, "none");
    cr_assert_eq(json_field_integer(&item, 0, 9, 3), 3);
    cr_assert_str_eq(r.error.message, "f.json: $.list[1]: must be an integer, not negative");
    (void)json_field_flag(&none, false);
    json_field_keys(&r.root, known, ARRAY_COUNT(known));
    cr_assert_str_eq(r.error.message, "f.json: $.list[1]: must be an integer, not negative");
    r.reader.status = STATUS_OK;
    cr_assert_not(json_field_flag(&none, false));
    cr_assert_str_eq(r.error.message, "f.json: $.none: must be true or false", "null is a value");
    r.reader.status = STATUS_OK;
    json_field_keys(&r.root, known, ARRAY_COUNT(known));
    cr_assert_str_eq(r.error.message, "f.json: $.rate: is not a known key");
    teardown(&r);
}

Test(json_field, a_path_is_put_together_from_where_a_field_was_taken)
{
    struct reading r;
    char path[JSON_FIELD_PATH_BYTES];
    char name[JSON_FIELD_PATH_BYTES];
    setup(&r);
    json_field_path(&r.root, path);
    cr_assert_str_eq(path, "$");
    const struct json_field list = at(&r, "list");
    const struct json_field item = json_field_item(&list, 65535);
    const struct json_field member = json_field_member(&item, "id");
    json_field_path(&member, path);
    cr_assert_str_eq(path, "$.list[65535].id");

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const struct json_field first = json_field_member(&member, name);
    const struct json_field second = json_field_member(&first, name);
    const struct json_field third = json_field_item(&second, 7);
    char wanted[JSON_FIELD_PATH_BYTES];
    (void)snprintf(wanted, sizeof wanted, "$.list[65535].id.%.50s.%.32s[7]", name, name);
    json_field_path(&third, path);
    cr_assert_str_eq(path, wanted, "%s", path);
    teardown(&r);
}

Test(json_field, objects_and_formats)
{
    struct reading r;
    setup(&r);
    const struct json_field list = at(&r, "list"), absent = at(&r, "absent");
    json_field_object(&r.root);
    json_field_object(&absent);
    cr_assert_eq(r.reader.status, STATUS_OK);
    json_field_object(&list);
    cr_assert_eq(r.reader.status, STATUS_INVALID);
    cr_assert_str_eq(r.error.message, "f.json: $.list: must be an object");
    teardown(&r);

    setup(&r);
    json_field_format(&r.root, 7, "");
    cr_assert_str_eq(r.error.message, "f.json: $.format: is missing");
    r.reader.status = STATUS_OK;
    cr_assert_eq(json_object_set_new(r.document, "format", json_integer(7)), 0);
    json_field_format(&r.root, 7, "");
    cr_assert_eq(r.reader.status, STATUS_OK);
    json_field_format(&r.root, 8, ": do it again");
    cr_assert_eq(r.reader.status, STATUS_UNSUPPORTED);
    cr_assert_str_eq(r.error.message,
                     "f.json: $.format: format 7, this program knows 8: do it again");
    teardown(&r);
}

/* What another function said is not cut for the sake of where. */
Test(json_field, long_messages)
{
    for (size_t size = ERROR_MESSAGE_BYTES - 20; size < ERROR_MESSAGE_BYTES; size++) {
        struct reading r;
        struct error said = {.status = STATUS_INVALID};
        memset(said.message, 'x', size);
        said.message[size] = '\0';
        setup(&r);
        json_field_note(&r.root, STATUS_INVALID, &said);
        const size_t shown = strlen(r.error.message);
        cr_expect(shown == size || shown == size + strlen("f.json: $: "), "%zu of %zu", shown,
                  size);
        cr_expect_str_eq(r.error.message + shown - size, said.message);
        teardown(&r);
    }
}

Test(json_field, documents_that_are_none)
{
    static const char *const texts[] = {"", "{", "{\"a\":1,\"a\":2}", "{} x", "{\"a\":\"secret}"};
    struct error error;
    json_t *document = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        cr_expect_eq(json_field_load("f.json", span_of_text(texts[i]), &document, &error),
                     STATUS_MALFORMED, "%s", texts[i]);
        cr_expect_eq(strncmp(error.message, "f.json: line ", 13), 0, "%s", error.message);
        cr_expect_null(strstr(error.message, "secret"), "%s", error.message);
    }
    cr_assert_null(document);
}
