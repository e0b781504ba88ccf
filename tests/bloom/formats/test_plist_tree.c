#include "bloom/formats/plist_tree.h"

#include "base/compiler.h"
#include "base/mem.h"

#include <criterion/criterion.h>

static const char whole[] =
    "<?xml version=\"1.0\"?>\n<!DOCTYPE plist PUBLIC \"a\" \"b\">\n<plist version=\"1.0\">\n"
    "<dict>\n"
    "<key>text</key><string>a &amp; b</string><key>list</key><array><integer>-7</integer><real>1.5"
    "</real><true/><false/><data>\n AQ\n ID</data><date>2026-01-01T00:00:00Z</date></array>\n"
    "<key>empty</key><string></string><key>none</key><dict/></dict>\n</plist>\n";

static enum status parse(const char *text, struct plist_tree **ret, struct error *err)
{
    return plist_tree_parse(span_of_text(text), "file", ret, err);
}

Test(plist_tree, reads_every_type)
{
    struct plist_tree *tree = NULL;
    cr_assert_eq(parse(whole, &tree, NULL), STATUS_OK);
    const struct plist_value *root = plist_tree_root(tree);
    cr_assert_eq(root->type, PLIST_DICT);
    cr_assert_str_eq(plist_value_get(root, "text")->text, "a & b");
    cr_assert_eq(plist_value_get(root, "text")->line, 5);
    cr_assert_str_eq(plist_value_get(root, "empty")->text, "");
    cr_assert_eq(plist_value_get(root, "none")->type, PLIST_DICT);
    cr_assert_null(plist_value_get(root, "other"));
    cr_assert_null(plist_value_get(plist_value_get(root, "text"), "other"));
    const struct plist_value *value = plist_value_get(root, "list")->first;
    cr_assert_eq(value->integer, -7);
    static const char *const texts[] = {"-7",    "1.5",  "true",
                                        "false", "AQID", "2026-01-01T00:00:00Z"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++, value = value->next)
        cr_assert_str_eq(value->text, texts[i]);
    cr_assert_null(value);
    plist_tree_free(tree);
}

Test(plist_tree, refuses_what_is_none_and_says_where)
{
    static const struct {
        const char *text;
        enum status status;
        const char *message;
    } cases[] = {
        {"", STATUS_MALFORMED, "file: is empty"},
        {"<plist>", STATUS_MALFORMED, "line 1, byte 7: no element found"},
        {"<plist></plist>", STATUS_MALFORMED, "no property list in it"},
        {"<dict/>", STATUS_MALFORMED, "where no value may stand"},
        {"<plist><true/><true/></plist>", STATUS_MALFORMED, "where no value may stand"},
        {"<plist><dict><true/></dict></plist>", STATUS_MALFORMED, "where no value may stand"},
        {"<plist><dict><key>a</key></dict></plist>", STATUS_MALFORMED, "the key a has no value"},
        {"<plist><dict><key>a</key><key>b</key></dict></plist>", STATUS_MALFORMED, "<key> where"},
        {"<plist><dict><key>a</key><true/><key>a</key><true/></dict></plist>", STATUS_MALFORMED,
         "the key a comes twice"},
        {"<plist>\n<integer>1x</integer></plist>", STATUS_MALFORMED, "file, line 2: <integer>"},
        {"<plist><integer>99999999999999999999</integer></plist>", STATUS_MALFORMED, "no such"},
        {"<plist><string><b/></string></plist>", STATUS_MALFORMED, "<b> within a text"},
        {"<plist>a</plist>", STATUS_MALFORMED, "text outside"},
        {"<plist><other/></plist>", STATUS_MALFORMED, "no property list has such an element"},
        {"<!DOCTYPE plist [<!ENTITY a \"b\">]><plist><string>&a;</string></plist>",
         STATUS_MALFORMED, "declarations inside DOCTYPE"},
        {"bplist00", STATUS_UNSUPPORTED, "a binary property list"},
        {"<plist><array><array><array><array><array><array><array><array><array><array><array>"
         "<array><array><array><array><array><array>",
         STATUS_TOO_LARGE, "more than 16 values within each other"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct plist_tree *tree = NULL;
        struct error error = {.message = ""};
        cr_expect_eq(parse(cases[i].text, &tree, &error), cases[i].status, "%s", cases[i].text);
        cr_expect_not_null(strstr(error.message, cases[i].message), "%s: %s", cases[i].text,
                           error.message);
        cr_expect_null(tree);
    }
}

Test(plist_tree, every_failed_allocation_is_an_error)
{
    struct plist_tree *tree = NULL;
    uint64_t n = 0;
    enum status status = STATUS_NOMEM;
    while (status != STATUS_OK) {
        cr_assert_eq(status, STATUS_NOMEM);
        cr_assert_null(tree);
        mem_fail_nth(++n);
        status = parse(whole, &tree, NULL);
        mem_fail_nth(0);
    }
    cr_assert_gt(n, 10);
    plist_tree_free(tree);
}

Test(plist_tree, every_beginning_is_refused)
{
    for (size_t size = 0; size + 2 < sizeof whole - 1; size++) {
        struct plist_tree *tree = NULL;
        cr_expect_neq(plist_tree_parse(span_of(whole, size), "file", &tree, NULL), STATUS_OK);
    }
}
