#include "pir-server/wire/text_reader.h"

#include "base/mem.h"
#include "pir-server/wire/api.pb-c.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

static struct bytes out;
static struct error error;

static enum status read_as(const ProtobufCMessageDescriptor *descriptor, const char *text)
{
    bytes_deinit(&out);
    bytes_init(&out, 1 << 20);
    return text_to_binary(descriptor, span_of_text(text), &out, &error);
}

static void gives(const ProtobufCMessageDescriptor *descriptor, const char *text, const char *hex)
{
    struct bytes expected = from_hex(hex);
    const enum status st = read_as(descriptor, text);
    cr_assert_eq(st, STATUS_OK, "%s: %s", text, error.message);
    cr_assert(span_equal(bytes_view(&out), bytes_view(&expected)), "%s", text);
    bytes_deinit(&expected);
}

static void fails(const ProtobufCMessageDescriptor *descriptor, const char *text, const char *said)
{
    cr_assert_eq(read_as(descriptor, text), STATUS_MALFORMED, "%s is accepted", text);
    cr_assert(says(&error, said), "%s: %s", text, error.message);
}

#define ROW      (&wire__keyword_database_row__descriptor)
#define DATABASE (&wire__keyword_database__descriptor)
#define PARAMS   (&wire__pir_parameters__descriptor)
#define ENCRYPT  (&wire__encryption_parameters__descriptor)
#define KEYCONF  (&wire__evaluation_key_config__descriptor)
#define KEYWORD  (&wire__keyword_pir_parameters__descriptor)

Test(text_reader, takes_fields_by_name_and_number)
{
    gives(ROW, "keyword: \"a\" value: 'b'", "0a0161 120162");
    gives(ROW, "1: \"a\"\n2:\"b\"", "0a0161 120162");
    gives(ROW, "", "");
    gives(ROW, "\xef\xbb\xbf # nothing\n\t\v\f\r\n", "");
    gives(ROW, "keyword # name\n: # colon\n 'a' # value", "0a0161");
    fails(ROW, "Keyword: 'a'", "line 1, column 1: KeywordDatabaseRow has no field Keyword");
    fails(ROW, "3: 'a'", "has no field 3");
    fails(ROW, "keyword: 'a'\n  key: 'b'", "line 2, column 3");
    fails(ROW, "99999999999999999999999: 1", "not a field number");
    fails(ROW, "keyword 'a'", "expected : after keyword");
    fails(ROW, "keyword: 'a' }", "expected the name of a field");
    fails(ROW, "// comment", "expected the name of a field");
    fails(ROW, "keyword: a", "expected a string");
    fails(ROW, "keyword:", "expected a string");
}

Test(text_reader, takes_one_separator_after_a_field)
{
    gives(ROW, "keyword: 'a', value: 'b';", "0a0161 120162");
    fails(ROW, "keyword: 'a',, value: 'b'", "column 14");
    fails(ROW, "keyword: 'a';, value: 'b'", "column 14");
    fails(ROW, ", keyword: 'a'", "column 1");
}

Test(text_reader, takes_all_forms_of_messages)
{
    gives(DATABASE, "rows { keyword: 'a' }", "0a030a0161");
    gives(DATABASE, "rows: { keyword: 'a' }", "0a030a0161");
    gives(DATABASE, "rows < keyword: 'a' >", "0a030a0161");
    gives(DATABASE, "rows: [ {keyword: 'a'}, <value: 'b'> ] rows {}", "0a030a0161 0a03120162 0a00");
    gives(DATABASE, "rows [ {} ]", "0a00");
    gives(DATABASE, "rows: []", "");
    fails(DATABASE, "rows: [ {}, ]", "expected {");
    fails(DATABASE, "rows: [ {} {} ]", "expected , or ]");
    fails(DATABASE, "rows { keyword: 'a'", "the text ends inside KeywordDatabaseRow");
    fails(DATABASE, "rows { keyword: 'a' >", "expected the name");
    fails(DATABASE, "rows: 'a'", "expected {");
    fails(DATABASE, "rows {} trailing", "no field trailing");
    fails(PARAMS, "encryption_parameters: [ {} ]", "expected {");
}

Test(text_reader, decodes_strings)
{
    gives(ROW, "keyword: 'a' \"b\" # join\n 'c'", "0a03616263");
    gives(ROW, "keyword: '\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"\\?'", "0a0b 07080c0a0d090b5c27223f");
    gives(ROW, "keyword: '\\0\\7\\12\\377\\1234'", "0a06 00070aff5334");
    gives(ROW, "keyword: '\\x4\\x41\\xfFf\\x414'", "0a06 0441ff664134");
    gives(ROW, "keyword: '\\u00e9\\u20ac\\U0001f600\\u0041'", "0a0a c3a9 e282ac f09f9880 41");
    gives(ROW, "keyword: 'quote \" inside'", "0a0e 71756f7465202220696e73696465");
    gives(ROW, "keyword: '\xc3\xa9'", "0a02c3a9");
    fails(ROW, "keyword: '\\400'", "larger than \\377");
    fails(ROW, "keyword: '\\x'", "needs hexadecimal digits");
    fails(ROW, "keyword: '\\u123'", "needs 4 hexadecimal digits");
    fails(ROW, "keyword: '\\U0001f60'", "needs 8 hexadecimal digits");
    fails(ROW, "keyword: '\\ud800'", "no character");
    fails(ROW, "keyword: '\\U00110000'", "no character");
    fails(ROW, "keyword: '\\q'", "unknown escape");
    fails(ROW, "keyword: 'a\nb'", "line 1, column 12: line break inside a string");
    fails(ROW, "keyword: 'a", "does not end");
    fails(ROW, "keyword: 'a\\", "does not end");
    fails(ROW, "keyword: 'a\"", "does not end");
}

Test(text_reader, long_strings_get_longer_lengths)
{
    static char text[40000];
    memset(text, 'x', sizeof text);
    memcpy(text, "keyword: '", 10);
    text[10 + 127] = '\'';
    text[10 + 128] = '\0';
    cr_assert_eq(read_as(ROW, text), STATUS_OK);
    cr_assert_eq(out.size, 2 + 127);
    text[10 + 127] = 'x';
    text[10 + 128] = '\'';
    text[10 + 129] = '\0';
    cr_assert_eq(read_as(ROW, text), STATUS_OK);
    cr_assert_eq(out.size, 3 + 128);
    cr_assert(out.data[1] == 0x80 && out.data[2] == 0x01 && out.data[3] == 'x');
    text[10 + 128] = 'x';
    text[10 + 129] = 'x';
    text[sizeof text - 2] = '\'';
    text[sizeof text - 1] = '\0';
    cr_assert_eq(read_as(ROW, text), STATUS_OK);
    cr_assert_eq(out.size, 4 + sizeof text - 12);
}

Test(text_reader, numbers_in_three_bases)
{
    gives(ENCRYPT, "polynomial_degree: 4096 plaintext_modulus: 0x11", "088020 1011");
    gives(ENCRYPT, "polynomial_degree: 010", "0808");
    gives(ENCRYPT, "polynomial_degree: 0", "0800");
    gives(ENCRYPT, "polynomial_degree: 18446744073709551615", "08ffffffffffffffffff01");
    gives(ENCRYPT, "coefficient_moduli: [1, 2] coefficient_moduli: 3 coefficient_moduli: []",
          "1801 1802 1803");
    gives(KEYCONF, "galois_elements: 4294967295", "10ffffffff0f");
    fails(KEYCONF, "galois_elements: 4294967296", "larger than 4294967295");
    fails(ENCRYPT, "polynomial_degree: 18446744073709551616", "larger than");
    fails(ENCRYPT, "polynomial_degree: 0x10000000000000000", "larger than");
    fails(ENCRYPT, "polynomial_degree: -1", "whole number");
    fails(ENCRYPT, "polynomial_degree: 1.5", "whole number");
    fails(ENCRYPT, "polynomial_degree: 08", "whole number");
    fails(ENCRYPT, "polynomial_degree: 0x", "expected a number");
    fails(ENCRYPT, "polynomial_degree: 1x", "whole number");
    fails(ENCRYPT, "polynomial_degree: '1'", "expected a number");
    fails(ENCRYPT, "polynomial_degree: [1]", "expected a number");
    fails(ENCRYPT, "coefficient_moduli [1]", "expected :");
    fails(ENCRYPT, "coefficient_moduli: [1,]", "expected a number");
    fails(ENCRYPT, "coefficient_moduli: [1", "expected , or ]");
}

Test(text_reader, enums_and_booleans)
{
    gives(ENCRYPT, "he_scheme: HE_SCHEME_BFV", "3001");
    gives(ENCRYPT, "he_scheme: 1", "3001");
    gives(ENCRYPT, "he_scheme: 77", "304d");
    gives(ENCRYPT, "he_scheme: -1", "30ffffffffffffffffff01");
    fails(ENCRYPT, "he_scheme: HE_SCHEME_X", "HE_SCHEME_X is no HeScheme");
    fails(ENCRYPT, "he_scheme: 2147483648", "larger than");
    gives(KEYCONF, "has_relin_key: true", "1801");
    gives(KEYCONF, "has_relin_key: t", "1801");
    gives(KEYCONF, "has_relin_key: 1", "1801");
    gives(KEYCONF, "has_relin_key: False", "1800");
    fails(KEYCONF, "has_relin_key: yes", "expected true or false");
    fails(KEYCONF, "has_relin_key: 2", "expected true or false");
}

Test(text_reader, last_one_of_a_singular_field_wins)
{
    gives(ENCRYPT, "polynomial_degree: 1 polynomial_degree: 2", "0801 0802");
}

Test(text_reader, refuses_two_members_of_a_oneof)
{
    gives(KEYWORD, "sharding_function { double_mod { other_shard_count: 3 } }", "2204 1202 0803");
    fails(KEYWORD, "sharding_function { sha256 {} double_mod {} }",
          "double_mod: another member of the same choice is set already");
    fails(KEYWORD, "sharding_function { sha256 {} sha256 {} }", "set already");
    /* An optional field is a oneof of one member only in our .proto files. */
    gives(&wire__pirshard_config__descriptor, "shard_id: 'a' shard_id: ''", "220161 2200");
}

Test(text_reader, skips_reserved_fields_with_their_value)
{
    gives(KEYWORD, "2: 5 num_hash_functions: 2", "0802");
    gives(KEYWORD,
          "2: 'a' 'b', 2: -1.5e3; 2: NAME 2 { a: 1 b { } c: [1, {}] } 2 <> 2: [] 2: [1,'x']", "");
    fails(KEYWORD, "2 5", "expected : or {");
    fails(KEYWORD, "2: { a }", "expected : or {");
    fails(KEYWORD, "2: [1 2]", "expected , or ]");
    fails(KEYWORD, "2: [1,]", "expected a value");
    fails(KEYWORD, "2: { a: 'x }", "does not end");
    gives(PARAMS, "10: 1 11: 2 12: 3 13: true", "6801");
    fails(PARAMS, "14: 1", "no field 14");
}

Test(text_reader, nests_a_hundred_deep_and_no_more)
{
    char text[1200] = "2 ";
    for (int i = 0; i < 99; i++)
        strcat(text, "{a");
    strcat(text, "{");
    for (int i = 0; i < 100; i++)
        strcat(text, "}");
    gives(KEYWORD, text, "");
    char deeper[1200] = "2 ";
    for (int i = 0; i < 101; i++)
        strcat(deeper, "{a");
    fails(KEYWORD, deeper, "nested more than 100 deep");
}

Test(text_reader, deep_nesting_does_not_exhaust_the_stack)
{
    const size_t size = 4 << 20;
    char *text = mem_alloc(size, 1);
    memset(text, '{', size - 1);
    memcpy(text, "2", 1);
    for (size_t i = 2; i + 1 < size; i += 2)
        text[i] = 'a';
    text[size - 1] = '\0';
    fails(KEYWORD, text, "nested more than 100 deep");
    mem_free(text);
}

Test(text_reader, refuses_what_is_not_utf8)
{
    fails(ROW, "keyword: '\xff'", "line 1, column 11: not valid UTF-8");
    fails(ROW, "# \xc0\x80", "not valid UTF-8");
    fails(ROW, "# \xed\xa0\x80", "not valid UTF-8");
    fails(ROW, "# \xf4\x90\x80\x80", "not valid UTF-8");
    fails(ROW, "# \xe2\x82", "not valid UTF-8");
    fails(ROW, "# \xf0\x8f\xbf\xbf", "not valid UTF-8");
    gives(ROW, "# \xf4\x8f\xbf\xbf \xed\x9f\xbf", "");
}

Test(text_reader, output_has_its_maximum)
{
    struct bytes small;
    bytes_init(&small, 4);
    cr_assert_eq(text_to_binary(ROW, span_of_text("keyword: 'abcdef'"), &small, &error),
                 STATUS_TOO_LARGE);
    cr_assert_eq(text_to_binary(DATABASE, span_of_text("rows { keyword: 'abcdef' }"), &small, NULL),
                 STATUS_TOO_LARGE);
    bytes_deinit(&small);
}

static size_t seen;
static enum status take(void *context, struct span element, struct error *err)
{
    cr_assert_eq(context, &seen);
    seen++;
    if (element.size == 0)
        return error_set(err, STATUS_EXISTS, "an empty element");
    return STATUS_OK;
}

Test(text_reader, hands_over_elements)
{
    seen = 0;
    const char *text = "rows { keyword: 'a' } rows: [ { value: 'b' }, { value: 'c' } ]\nrows {}";
    cr_assert_eq(text_read_elements(DATABASE, span_of_text(text), 100, take, &seen, &error),
                 STATUS_EXISTS);
    cr_assert_eq(seen, 4);
    cr_assert_eq(error.status, STATUS_EXISTS);
    cr_assert_str_eq(error.message, "line 2, column 6: an empty element");
    cr_assert_eq(text_read_elements(DATABASE, span_of_text(text), 4, take, &seen, &error),
                 STATUS_TOO_LARGE);
    cr_assert_eq(text_read_elements(DATABASE, span_of_text(text), 4, take, &seen, NULL),
                 STATUS_TOO_LARGE);
}

Test(text_reader, every_failed_allocation_is_reported)
{
    const char *text = "rows { keyword: 'a' value: 'some more bytes' } rows {}";
    for (size_t n = 1;; n++) {
        bytes_deinit(&out);
        bytes_init(&out, 1000);
        mem_fail_nth(n);
        const enum status st = text_to_binary(DATABASE, span_of_text(text), &out, NULL);
        const bool pending = mem_fail_pending();
        mem_fail_nth(0);
        if (pending) {
            cr_assert_eq(st, STATUS_OK);
            cr_assert_gt(n, 1);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM);
    }
    bytes_deinit(&out);
}
