/* vectors: every changed value is noticed, failed allocations are, files come out the same. */
#include "testvectors/vectors.h"

#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define SOURCE "testvectors"

static char *folder;

static void setup(void)
{
    cr_assert_eq(folder_make_temporary("/tmp", "vectors", &folder, NULL), STATUS_OK);
}

static void teardown(void)
{
    folder_remove(folder);
    mem_free(folder);
}

TestSuite(vectors, .init = setup, .fini = teardown);

static json_t *load(size_t number)
{
    char path[256];
    snprintf(path, sizeof path, SOURCE "/%s", vectors_file_name(number));
    json_t *whole = json_load_file(path, 0, NULL);
    cr_assert_not_null(whole, "%s is missing: tests run in the source tree", path);
    return whole;
}

static enum status verify(const json_t *whole, size_t number, struct error *err)
{
    char path[512];
    size_t cases = 0;
    snprintf(path, sizeof path, "%s/%s", folder, vectors_file_name(number));
    cr_assert_eq(json_dump_file(whole, path, JSON_REAL_PRECISION(15)), 0);
    return vectors_verify_file(folder, number, &cases, err);
}

/* A value of the same type that is not the same; not for lists and objects. */
static json_t *other_value(const json_t *value)
{
    if (json_is_boolean(value))
        return json_boolean(!json_boolean_value(value));
    if (json_is_integer(value))
        return json_integer(json_integer_value(value) + 1);
    if (json_is_real(value))
        return json_real(json_real_value(value) / 2);
    if (json_is_null(value))
        return json_string("00");
    char *text = mem_strdup(json_string_value(value));
    const size_t size = strlen(text);
    if (size > 0)
        text[size / 2] = text[size / 2] == '1' ? '2' : '1';
    json_t *made = json_string(size > 0 ? text : "31");
    mem_free(text);
    return made;
}

struct flips {
    json_t *whole; /* the file with one case */
    size_t number;
    size_t tried;
};

static void try_value(struct flips *flips, const char *name)
{
    struct error err = {0};
    const enum status st = verify(flips->whole, flips->number, &err);
    flips->tried++;
    cr_expect_neq(st, STATUS_OK, "%s: a changed value in %s is not noticed",
                  vectors_file_name(flips->number), name);
}

/* Inputs of which several give the same result: a case stays true when one of them is changed. */
static bool is_free(const char *member)
{
    static const char *const names[] = {"note",       "lookups",    "buckets_per_table",
                                        "entry_size", "batch_size", "bytes_per_plaintext",
                                        "plaintexts"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(member, names[i]) == 0)
            return true;
    }
    return false;
}

/* Changes each member below `value` alone; of a list the first item only. */
static void flip_below(struct flips *flips, json_t *value, const char *name)
{
    if (json_is_object(value)) {
        const char *member;
        json_t *inner;
        void *next;
        json_object_foreach_safe(value, next, member, inner)
        {
            if (is_free(member))
                continue;
            if (json_is_object(inner) || json_is_array(inner)) {
                flip_below(flips, inner, member);
                continue;
            }
            json_t *kept = json_incref(inner);
            json_object_set_new(value, member, other_value(kept));
            try_value(flips, member);
            json_object_set_new(value, member, kept);
        }
    } else if (json_array_size(value) > 0) {
        json_t *inner = json_array_get(value, 0);
        if (json_is_object(inner) || json_is_array(inner)) {
            flip_below(flips, inner, name);
            return;
        }
        json_t *kept = json_incref(inner);
        json_array_set_new(value, 0, other_value(kept));
        try_value(flips, name);
        json_array_set_new(value, 0, kept);
    }
}

Test(vectors, every_changed_member_is_noticed)
{
    for (size_t number = 0; vectors_file_name(number) != NULL; number++) {
        json_t *whole = load(number);
        json_t *cases = json_incref(json_object_get(whole, "cases"));
        const char *last_what = NULL;
        struct flips flips = {.whole = whole, .number = number};
        for (size_t i = 0; i < json_array_size(cases); i++) {
            json_t *item = json_array_get(cases, i);
            const char *what = json_string_value(json_object_get(item, "what"));
            if (i > 0 && (what == NULL || strcmp(what, last_what) == 0))
                continue; /* one case of each kind */
            last_what = what;
            json_object_set_new(whole, "cases", json_pack("[O]", item));
            flip_below(&flips, item, "");
        }
        cr_expect_gt(flips.tried, 1, "%s: nothing was changed", vectors_file_name(number));
        json_decref(cases);
        json_decref(whole);
    }
}

Test(vectors, published_files_agree)
{
    size_t cases = 0, total = 0;
    for (size_t number = 0; vectors_file_name(number) != NULL; number++) {
        struct error err = {0};
        cr_expect_eq(vectors_verify_file(SOURCE, number, &cases, &err), STATUS_OK, "%s",
                     err.message);
        total += cases;
    }
    cr_expect_gt(total, 300);
}

static const struct {
    const char *content;
    const char *message;
} foreign[] = {
    {"", "line 1"},
    {"[]", "no file of these test vectors"},
    {"{\"kind\": \"blindlist geometry\", \"format\": 1, \"cases\": [{}]}", "no file of these"},
    {"{\"kind\": \"blindlist hashes\", \"format\": 2, \"cases\": [{}]}", "format is not 1"},
    {"{\"kind\": \"blindlist hashes\", \"format\": 1}", "no cases"},
    {"{\"kind\": \"blindlist hashes\", \"format\": 1, \"cases\": []}", "no cases"},
    {"{\"kind\": \"blindlist hashes\", \"format\": 1, \"cases\": [1], \"x\": 0}", "members other"},
    {"{\"kind\": \"blindlist hashes\", \"format\": 1, \"format\": 1}", "duplicate"},
    {"{\"kind\": \"blindlist hashes\", \"format\": 1, \"cases\": [1]}", "case 0: it is not an"},
    {"{\"kind\": \"blindlist hashes\", \"format\": 1, \"cases\": [{}]}", "item is missing"},
    {"{\"kind\": \"blindlist hashes\", \"format\": 1, \"cases\": [{\"item\": \"0\"}]}",
     "item is not bytes in lower-case hex"},
    {"{\"kind\": \"blindlist hashes\", \"format\": 1, \"cases\": [{\"item\": \"\", "
     "\"murmur_seeds\": [-1]}]}",
     "murmur_seeds is not a list of whole numbers"},
    {"{\"kind\": \"blindlist hashes\", \"format\": 1, \"cases\": [{\"item\": \"\", "
     "\"murmur_seeds\": []}]}",
     "fnv1a is missing"},
    {"{\"kind\": \"blindlist hashes\", \"format\": 1, \"cases\": [{\"item\": \"\", "
     "\"murmur_seeds\": [], \"fnv1a\": 2166136261, \"murmur3\": [], \"more\": 0}]}",
     "more is not known"},
};

Test(vectors, foreign_files_are_refused)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, vectors_file_name(0));
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        struct error err = {0};
        size_t cases = 99;
        cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, span_of_text(foreign[i].content), NULL),
                     STATUS_OK);
        const enum status st = vectors_verify_file(folder, 0, &cases, &err);
        cr_expect_eq(st, STATUS_MALFORMED, "%zu: %s", i, err.message);
        cr_expect_not_null(strstr(err.message, foreign[i].message), "%zu: %s", i, err.message);
        cr_expect_eq(cases, 99);
    }
    struct error err = {0};
    size_t cases;
    cr_expect_eq(vectors_verify_file(folder, 1, &cases, &err), STATUS_NOT_FOUND);
    cr_expect_eq(vectors_verify_file(folder, 999, &cases, &err), STATUS_NOT_FOUND);
}

/* Fails each allocation (of the exchange: some) while a file is written and while it is checked. */
Test(vectors, failed_allocations_are_reported)
{
    for (size_t number = 0; vectors_file_name(number) != NULL; number++) {
        const bool is_large = strcmp(vectors_file_name(number), "exchange.json") == 0;
        const bool is_long = strcmp(vectors_file_name(number), "hashes.json") == 0;
        const size_t stride = is_large ? 83 : is_long ? 97 : 1;
        for (size_t n = 1;; n += stride) {
            struct error err = {0};
            size_t cases = 0;
            mem_fail_nth(n);
            const enum status st = vectors_generate_file(folder, number, &cases, &err);
            const bool done = mem_fail_pending();
            mem_fail_nth(0);
            if (done) {
                cr_expect_eq(st, STATUS_OK, "%s", err.message);
                break;
            }
            cr_expect_eq(st, STATUS_NOMEM, "%s, allocation %zu: %s", vectors_file_name(number), n,
                         err.message);
        }
        for (size_t n = 1;; n += stride) {
            struct error err = {0};
            size_t cases = 0;
            mem_fail_nth(n);
            const enum status st = vectors_verify_file(folder, number, &cases, &err);
            const bool done = mem_fail_pending();
            mem_fail_nth(0);
            if (done) {
                cr_expect_eq(st, STATUS_OK, "%s", err.message);
                break;
            }
            /* expat does without some of its memory. */
            const bool may_pass = strcmp(vectors_file_name(number), "filters.json") == 0;
            cr_expect(st == STATUS_NOMEM || (may_pass && st == STATUS_OK), "%s, allocation %zu: %s",
                      vectors_file_name(number), n, err.message);
        }
    }
}
