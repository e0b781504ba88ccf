#include "pir-server/ohttp/bhttp.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "pir-server/ohttp/varint.h"
#include "tests/pir-server/ohttp/ohttp_help.h"
#include "tests/pir-server/privacypass/privacypass_help.h"
#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

#define CONTENT_MAX ((size_t)1000)

static struct error error;
static struct bhttp_request request;
static struct bhttp_response response;
static struct bytes kept; /* what `request` borrows from, after read_with_fields() */

static void set_up(void)
{
    kept = room();
    bhttp_request_init(&request);
    bhttp_response_init(&response);
}

static void tear_down(void)
{
    bhttp_request_deinit(&request);
    bhttp_response_deinit(&response);
    bytes_deinit(&kept);
}

TestSuite(bhttp, .init = set_up, .fini = tear_down);

/* ---- vectors ---- */

static struct span text_of(const json_t *vector, const char *member)
{
    const json_t *text = json_object_get(vector, member);
    return span_of(json_string_value(text), json_string_length(text));
}

static void check_fields(const struct bhttp_fields *fields, const json_t *vector,
                         const char *member)
{
    const json_t *lines = json_object_get(vector, member);
    cr_assert_eq(fields->count, json_array_size(lines), "%s", member);
    for (size_t i = 0; i < fields->count; i++) {
        const json_t *line = json_array_get(lines, i);
        const char *name = json_string_value(json_array_get(line, 0));
        const char *value = json_string_value(json_array_get(line, 1));
        assert_same(fields->lines[i].name, span_of_text(name), "name");
        assert_same(fields->lines[i].value, span_of_text(value), name);
    }
}

static void check_request(struct span message, const json_t *vector)
{
    cr_assert_eq(bhttp_request_read(message, CONTENT_MAX, &request, &error), STATUS_OK, "%s",
                 error.message);
    assert_same(request.method, text_of(vector, "method"), "method");
    assert_same(request.scheme, text_of(vector, "scheme"), "scheme");
    assert_same(request.authority, text_of(vector, "authority"), "authority");
    assert_same(request.path, text_of(vector, "path"), "path");
    check_fields(&request.headers, vector, "headers");
    check_fields(&request.trailers, vector, "trailers");
    assert_same(request.content, text_of(vector, "content"), "content");
    assert_same(bhttp_request_host(&request), span_of_text("www.example.com"), "host");
    cr_assert_eq(bhttp_response_read(message, CONTENT_MAX, &response, &error), STATUS_MALFORMED);
}

static void check_response(struct span message, const json_t *vector)
{
    cr_assert_eq(bhttp_response_read(message, CONTENT_MAX, &response, &error), STATUS_OK, "%s",
                 error.message);
    cr_assert_eq(response.status, json_integer_value(json_object_get(vector, "status")));
    check_fields(&response.headers, vector, "headers");
    check_fields(&response.trailers, vector, "trailers");
    assert_same(response.content, text_of(vector, "content"), "content");
    cr_assert_eq(bhttp_request_read(message, CONTENT_MAX, &request, &error), STATUS_MALFORMED);
}

/* What was read last, in our own form. */
static void check_written(bool is_request, struct span message)
{
    struct bytes written = room();
    cr_assert_eq(is_request ? bhttp_request_write(&request, &written, &error)
                            : bhttp_response_write(&response, &written, &error),
                 STATUS_OK, "%s", error.message);
    assert_same(bytes_view(&written), message, "written");
    bytes_deinit(&written);
}

/* Each example, and each of its ends that may be cut off. */
Test(bhttp, examples_of_rfc_9292)
{
    json_t *vectors = ohttp_vectors("rfc9292.json");
    size_t index;
    const json_t *vector;
    cr_assert_eq(json_array_size(vectors), 4);
    json_array_foreach(vectors, index, vector)
    {
        struct bytes message = vector_bytes(vector, "message");
        const bool is_request = span_equal(text_of(vector, "kind"), span_of_text("request"));
        const size_t cuttable = (size_t)json_integer_value(json_object_get(vector, "cuttable"));
        for (size_t cut = 0; cut <= cuttable; cut++) {
            const struct span part = span_of(message.data, message.size - cut);
            is_request ? check_request(part, vector) : check_response(part, vector);
        }
        is_request ? check_request(bytes_view(&message), vector)
                   : check_response(bytes_view(&message), vector);
        if (json_is_true(json_object_get(vector, "written_back")))
            check_written(is_request, bytes_view(&message));
        bytes_deinit(&message);
    }
    json_decref(vectors);
}

/* ---- messages made by hand ---- */

static void append_text(struct bytes *bytes, const char *text)
{
    bytes_append_varint(bytes, strlen(text));
    bytes_append_text(bytes, text);
}

static void append_lines(struct bytes *bytes, const char *const *lines)
{
    for (; *lines != NULL; lines++)
        append_text(bytes, *lines);
}

static struct bytes control_of(uint8_t framing, const char *method, const char *scheme,
                               const char *authority, const char *path)
{
    struct bytes bytes = room();
    bytes_append_u8(&bytes, framing);
    append_lines(&bytes, (const char *const[]){method, scheme, authority, path, NULL});
    return bytes;
}

static enum status read_request(struct bytes *message)
{
    const enum status status =
        bhttp_request_read(bytes_view(message), CONTENT_MAX, &request, &error);
    if (status != STATUS_OK)
        cr_assert(request.method.size == 0 && request.headers.count == 0 &&
                      request.content.size == 0 && request.joined.data == NULL,
                  "empty after a failure");
    return status;
}

static enum status read_with_control(const char *method, const char *scheme, const char *authority,
                                     const char *path)
{
    struct bytes message = control_of(0, method, scheme, authority, path);
    const enum status status = read_request(&message);
    struct bytes written = room();
    struct bhttp_request same = {.method = span_of_text(method),
                                 .scheme = span_of_text(scheme),
                                 .authority = span_of_text(authority),
                                 .path = span_of_text(path)};
    cr_assert_eq(bhttp_request_write(&same, &written, &error),
                 status == STATUS_OK ? STATUS_OK : STATUS_INVALID,
                 "what is not read is not written");
    bytes_deinit(&written);
    bytes_deinit(&message);
    return status;
}

Test(bhttp, control_data)
{
    cr_assert_eq(read_with_control("GET", "https", "example.com", "/"), STATUS_OK);
    cr_assert_eq(read_with_control("M-SEARCH", "a+b-c.1", "[::1]:443", "/a?b=%20"), STATUS_OK);
    cr_assert_eq(read_with_control("OPTIONS", "https", "", "*"), STATUS_OK);
    static const char *const wrong[][4] = {
        {"", "https", "a", "/"},        {"GE T", "https", "a", "/"},
        {"G\x01", "https", "a", "/"},   {"GET", "", "a", "/"},
        {"GET", "ht tp", "a", "/"},     {"GET", "h:", "a", "/"},
        {"GET", "https", "a b", "/"},   {"GET", "https", "u@a", "/"},
        {"GET", "https", "a/", "/"},    {"GET", "https", "\xc3\xa4", "/"},
        {"GET", "https", "a", ""},      {"GET", "https", "a", "b"},
        {"GET", "https", "a", "/ "},    {"GET", "https", "a", "/\n"},
        {"GET", "https", "a", "/#b"},   {"GET", "https", "a", "**"},
        {"GET", "https", "a", "/\x7f"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        cr_assert_eq(read_with_control(wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3]),
                     STATUS_MALFORMED, "number %zu", i);
    }
}

Test(bhttp, framings)
{
    for (unsigned framing = 0; framing < 256; framing++) {
        const uint8_t message[] = {(uint8_t)framing, 1, 'G', 1, 'h', 0, 1, '/'};
        const bool is_request = framing == 0 || framing == 2;
        cr_assert_eq(
            bhttp_request_read(span_of(message, sizeof message), CONTENT_MAX, &request, &error),
            is_request ? STATUS_OK : STATUS_MALFORMED, "%u", framing);
    }
}

/* Every cut: it may end after control data, headers, content, trailers and in padding only. */
static void check_cuts(struct bytes *message, const size_t *ends, size_t end_count)
{
    for (size_t size = 0; size <= message->size; size++) {
        bool is_end = false;
        for (size_t i = 0; i < end_count; i++)
            is_end |= ends[i] == size;
        /* An exact copy, so that a read beyond the end is seen by the address sanitizer. */
        uint8_t *copy = mem_alloc(size, 1);
        cr_assert(copy != NULL);
        memcpy(copy, message->data, size);
        const enum status status =
            bhttp_request_read(span_of(copy, size), CONTENT_MAX, &request, &error);
        cr_assert_eq(status, is_end ? STATUS_OK : STATUS_MALFORMED, "%zu of %zu bytes: %s", size,
                     message->size, error.message);
        bhttp_request_deinit(&request);
        mem_free(copy);
    }
}

Test(bhttp, cut_at_every_byte_known_length)
{
    struct bytes message = control_of(0, "POST", "https", "a", "/b");
    size_t ends[8];
    size_t count = 0;
    ends[count++] = message.size;
    append_text(&message, "\x04host\x01z");
    ends[count++] = message.size;
    append_text(&message, "content");
    ends[count++] = message.size;
    append_text(&message, "\x01t\x01v");
    ends[count++] = message.size;
    for (size_t i = 0; i < 3; i++) {
        bytes_append_u8(&message, 0);
        ends[count++] = message.size;
    }
    check_cuts(&message, ends, count);
    bytes_deinit(&message);
}

Test(bhttp, cut_at_every_byte_indeterminate_length)
{
    struct bytes message = control_of(2, "POST", "https", "a", "/b");
    size_t ends[8];
    size_t count = 0;
    ends[count++] = message.size;
    append_lines(&message, (const char *const[]){"host", "z", "", NULL});
    ends[count++] = message.size;
    append_lines(&message, (const char *const[]){"con", "tent", "", NULL});
    ends[count++] = message.size;
    append_lines(&message, (const char *const[]){"t", "v", "", NULL});
    ends[count++] = message.size;
    bytes_append_u8(&message, 0);
    ends[count++] = message.size;
    check_cuts(&message, ends, count);
    cr_assert_eq(read_request(&message), STATUS_OK);
    assert_same(request.content, span_of_text("content"), "joined");
    assert_same(request.trailers.lines[0].value, span_of_text("v"), "trailer");
    bytes_deinit(&message);
}

Test(bhttp, padding)
{
    struct bytes message = control_of(0, "GET", "https", "a", "/");
    for (size_t i = 0; i < 100; i++)
        bytes_append_u8(&message, 0);
    cr_assert_eq(read_request(&message), STATUS_OK);
    static const uint8_t wrong[] = {1, 2, 0x80, 0xff};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        uint8_t *const byte = &message.data[message.size - 1 - 20 * i];
        *byte = wrong[i];
        cr_assert_eq(read_request(&message), STATUS_MALFORMED);
        cr_assert(says(&error, "padding that is not zero"));
        *byte = 0;
    }
    bytes_deinit(&message);
}

Test(bhttp, longer_integers_than_needed)
{
    struct bytes message = from_hex("c000000000000000 8000000347 4554 4001 68 80000000 4001 2f"
                                    "4007 8000000161 4000 c000000000000001 78 4000");
    cr_assert_eq(read_request(&message), STATUS_OK, "%s", error.message);
    assert_same(request.method, span_of_text("GET"), "method");
    cr_assert_eq(request.headers.count, 1);
    assert_same(request.content, span_of_text("x"), "content");
    bytes_deinit(&message);
}

Test(bhttp, lengths_beyond_the_end)
{
    static const char *const lengths[] = {"ffffffffffffffff", "c000000100000000", "bfffffff",
                                          "7fff", "3f"};
    for (uint8_t framing = 0; framing <= 2; framing += 2) {
        for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
            struct bytes message = control_of(framing, "GET", "https", "a", "/");
            append_hex(&message, lengths[i]);
            cr_assert_eq(read_request(&message), STATUS_MALFORMED, "headers");
            bytes_deinit(&message);
            message = control_of(framing, "GET", "https", "a", "/");
            bytes_append_u8(&message, 0);
            append_hex(&message, lengths[i]);
            cr_assert_eq(read_request(&message), STATUS_MALFORMED, "content");
            bytes_deinit(&message);
        }
    }
}

/* ---- fields ---- */

/* Field lines in a known-length and in an indeterminate-length request. */
static enum status read_with_fields(const char *const *lines, bool in_trailers)
{
    struct bytes section = room();
    append_lines(&section, lines);
    struct bytes known = control_of(0, "GET", "https", "", "/");
    struct bytes open = control_of(2, "GET", "https", "", "/");
    if (in_trailers) {
        append_hex(&known, "0000");
        append_hex(&open, "0000");
    }
    bytes_append_varint(&known, section.size);
    bytes_append(&known, bytes_view(&section));
    bytes_append(&open, bytes_view(&section));
    bytes_append_u8(&open, 0);
    const enum status status = read_request(&known);
    cr_assert_eq(read_request(&open), status, "both framings");
    bytes_deinit(&kept);
    kept = open;
    bytes_deinit(&known);
    bytes_deinit(&section);
    return status;
}

static enum status read_with_field(const char *name, const char *value)
{
    const char *const lines[] = {name, value, NULL};
    return read_with_fields(lines, false);
}

Test(bhttp, field_names)
{
    cr_assert_eq(read_with_field("a-z!#$%&'*+.^_`|~09", "v"), STATUS_OK);
    cr_assert_eq(request.headers.count, 1);
    static const char *const wrong[] = {"Host", "a b", "a:", "a\x01", "\x7f", "\xc3\xa4", "a\"",
                                        "(",    "/",   ":",  ":A",    "::",   "a\n"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        cr_assert_eq(read_with_field(wrong[i], "v"), STATUS_MALFORMED, "%s", wrong[i]);
        cr_assert(says(&error, "field name"), "%s", error.message);
    }
    /* An empty name ends an indeterminate section; in a known one it is wrong. */
    struct bytes known = control_of(0, "GET", "https", "", "/");
    append_hex(&known, "02 00 00");
    cr_assert_eq(read_request(&known), STATUS_MALFORMED);
    bytes_deinit(&known);
}

Test(bhttp, field_values)
{
    static const char *const good[] = {"", "v", "a b\tc", "\xc3\xa4", "\x01", "\x7f"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        cr_assert_eq(read_with_field("a", good[i]), STATUS_OK, "%s", good[i]);
        assert_same(request.headers.lines[0].value, span_of_text(good[i]), "value");
    }
    static const char *const wrong[] = {" v", "v ", "\tv", "v\t", " ", "a\nb", "a\rb", "\n"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        cr_assert_eq(read_with_field("a", wrong[i]), STATUS_MALFORMED, "%s", wrong[i]);
        cr_assert(says(&error, "field value"), "%s", error.message);
    }
    struct bytes nul = control_of(2, "GET", "https", "", "/");
    append_hex(&nul, "01 61 03 620063 00");
    cr_assert_eq(read_request(&nul), STATUS_MALFORMED);
    bytes_deinit(&nul);
}

Test(bhttp, pseudo_fields)
{
    static const char *const control[] = {":method", ":scheme", ":authority", ":path", ":status"};
    for (size_t i = 0; i < ARRAY_COUNT(control); i++)
        cr_assert_eq(read_with_field(control[i], "v"), STATUS_MALFORMED, "%s", control[i]);
    const char *const first[] = {":protocol", "x", ":other", "y", "a", "b", NULL};
    cr_assert_eq(read_with_fields(first, false), STATUS_OK);
    cr_assert_eq(request.headers.count, 1);
    cr_assert_eq(read_with_fields(first, true), STATUS_MALFORMED, "in trailers");
    const char *const late[] = {"a", "b", ":protocol", "x", NULL};
    cr_assert_eq(read_with_fields(late, false), STATUS_MALFORMED);
    const char *const behind_connection[] = {"te", "trailers", ":protocol", "x", NULL};
    cr_assert_eq(read_with_fields(behind_connection, false), STATUS_MALFORMED);
}

Test(bhttp, fields_about_a_connection)
{
    static const char *const names[] = {"connection", "keep-alive",        "proxy-connection",
                                        "te",         "transfer-encoding", "upgrade"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const char *const lines[] = {names[i], "chunked", "a", "b", NULL};
        cr_assert_eq(read_with_fields(lines, false), STATUS_OK);
        cr_assert_eq(request.headers.count, 1, "%s is passed over", names[i]);
        struct bytes written = room();
        response.status = 200;
        response.headers.count = 0;
        cr_assert_eq(bhttp_fields_add(&response.headers, names[i], span_of_text("v"), &error),
                     STATUS_OK);
        cr_assert_eq(bhttp_response_write(&response, &written, &error), STATUS_INVALID);
        cr_assert_eq(written.size, 0);
        bytes_deinit(&written);
    }
}

Test(bhttp, whom_a_request_is_for)
{
    static const struct {
        const char *authority;
        const char *first_host;
        const char *second_host;
        const char *expected;
    } cases[] = {
        {"a.example", NULL, NULL, "a.example"},
        {"", "b.example:443", NULL, "b.example:443"},
        {"a.example", "A.example", NULL, "A.example"},
        {"a.example", "b.example", NULL, ""},
        {"a.example", "", NULL, ""},
        {"", "a", "a", ""},
        {"", "a b", NULL, ""},
        {"", "u@a", NULL, ""},
        {"", NULL, NULL, ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        request.headers.count = 0;
        request.authority = span_of_text(cases[i].authority);
        const char *const hosts[] = {cases[i].first_host, cases[i].second_host};
        for (size_t j = 0; j < ARRAY_COUNT(hosts); j++) {
            if (hosts[j] != NULL)
                cr_assert_eq(
                    bhttp_fields_add(&request.headers, "host", span_of_text(hosts[j]), &error),
                    STATUS_OK);
        }
        assert_same(bhttp_request_host(&request), span_of_text(cases[i].expected), "host");
    }
}

/* ---- responses ---- */

static enum status read_response(const char *hex)
{
    struct bytes message = from_hex(hex);
    const enum status status =
        bhttp_response_read(bytes_view(&message), CONTENT_MAX, &response, &error);
    if (status != STATUS_OK)
        cr_assert(response.status == 0 && response.headers.count == 0);
    bytes_deinit(&message);
    return status;
}

Test(bhttp, statuses)
{
    cr_assert_eq(read_response("0140c8"), STATUS_OK);
    cr_assert_eq(response.status, 200);
    cr_assert_eq(read_response("014257"), STATUS_OK);
    cr_assert_eq(response.status, 599);
    cr_assert_eq(read_response("014258"), STATUS_MALFORMED, "600");
    cr_assert_eq(read_response("014063"), STATUS_MALFORMED, "99");
    cr_assert_eq(read_response("0100"), STATUS_MALFORMED);
    cr_assert_eq(read_response("01ffffffffffffffff"), STATUS_MALFORMED);
    cr_assert_eq(read_response("01"), STATUS_MALFORMED);
    cr_assert_eq(read_response("014064"), STATUS_MALFORMED, "informational, and no more");
    cr_assert_eq(read_response("01406400"), STATUS_MALFORMED);
    cr_assert_eq(read_response("0140640040c8"), STATUS_OK);
    cr_assert_eq(response.status, 200);
    static const unsigned wrong[] = {0, 100, 199, 600};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct bytes written = room();
        response.status = wrong[i];
        cr_assert_eq(bhttp_response_write(&response, &written, &error), STATUS_INVALID);
        bytes_deinit(&written);
    }
}

Test(bhttp, informational_responses)
{
    for (size_t count = 0; count <= BHTTP_MAX_INFORMATIONAL + 1; count++) {
        struct bytes message = from_hex("03");
        for (size_t i = 0; i < count; i++)
            append_hex(&message, "4067 046c696e6b 0161 00");
        append_hex(&message, "40c8 0161 0162 00");
        cr_assert_eq(bhttp_response_read(bytes_view(&message), CONTENT_MAX, &response, &error),
                     count <= BHTTP_MAX_INFORMATIONAL ? STATUS_OK : STATUS_TOO_LARGE);
        if (count <= BHTTP_MAX_INFORMATIONAL)
            cr_assert_eq(response.headers.count, 1);
        bytes_deinit(&message);
    }
}

/* ---- limits ---- */

static enum status read_chunks(size_t first, size_t second)
{
    static const uint8_t content[CONTENT_MAX + 1];
    struct bytes message = control_of(2, "POST", "https", "", "/");
    bytes_append_u8(&message, 0);
    const size_t sizes[] = {first, second};
    for (size_t i = 0; i < ARRAY_COUNT(sizes) && sizes[i] > 0; i++) {
        bytes_append_varint(&message, sizes[i]);
        bytes_append(&message, span_of(content, sizes[i]));
    }
    bytes_append_u8(&message, 0);
    const enum status status = read_request(&message);
    if (status == STATUS_OK)
        cr_assert_eq(request.content.size, first + second);
    bytes_deinit(&message);
    return status;
}

Test(bhttp, content_limits)
{
    static const char content[CONTENT_MAX + 1];
    for (size_t size = CONTENT_MAX - 1; size <= CONTENT_MAX + 1; size++) {
        struct bytes message = control_of(0, "POST", "https", "", "/");
        bytes_append_u8(&message, 0);
        bytes_append_varint(&message, size);
        bytes_append(&message, span_of(content, size));
        cr_assert_eq(read_request(&message), size <= CONTENT_MAX ? STATUS_OK : STATUS_TOO_LARGE);
        bytes_deinit(&message);
    }
    cr_assert_eq(read_chunks(CONTENT_MAX, 0), STATUS_OK);
    cr_assert_eq(read_chunks(CONTENT_MAX - 1, 1), STATUS_OK);
    cr_assert_eq(read_chunks(CONTENT_MAX + 1, 0), STATUS_TOO_LARGE);
    cr_assert_eq(read_chunks(CONTENT_MAX, 1), STATUS_TOO_LARGE);
    cr_assert_eq(read_chunks(1, CONTENT_MAX), STATUS_TOO_LARGE);
}

Test(bhttp, field_limits)
{
    const char *lines[2 * (BHTTP_MAX_FIELDS + 1) + 1] = {NULL};
    for (size_t i = 0; i < 2 * BHTTP_MAX_FIELDS; i++)
        lines[i] = "a";
    cr_assert_eq(read_with_fields(lines, false), STATUS_OK);
    cr_assert_eq(request.headers.count, BHTTP_MAX_FIELDS);
    lines[2 * BHTTP_MAX_FIELDS] = "a";
    lines[2 * BHTTP_MAX_FIELDS + 1] = "a";
    cr_assert_eq(read_with_fields(lines, false), STATUS_TOO_LARGE);
    for (size_t i = 0; i < BHTTP_MAX_FIELDS; i++)
        cr_assert_eq(bhttp_fields_add(&response.headers, "a", span_of_text("b"), &error),
                     STATUS_OK);
    cr_assert_eq(bhttp_fields_add(&response.headers, "a", span_of_text("b"), &error),
                 STATUS_TOO_LARGE);
}

Test(bhttp, field_bytes)
{
    static char value[BHTTP_FIELDS_MAX_BYTES + 1];
    memset(value, 'v', BHTTP_FIELDS_MAX_BYTES - 1);
    response.status = 200;
    cr_assert_eq(bhttp_fields_add(&response.headers, "a", span_of_text(value), &error), STATUS_OK);
    for (size_t i = 0; i < 2; i++) {
        struct bytes written = room();
        cr_assert_eq(read_with_field("a", value), i == 0 ? STATUS_OK : STATUS_TOO_LARGE);
        response.headers.lines[0].value = span_of_text(value);
        cr_assert_eq(bhttp_response_write(&response, &written, &error),
                     i == 0 ? STATUS_OK : STATUS_INVALID);
        bytes_deinit(&written);
        value[BHTTP_FIELDS_MAX_BYTES - 1] = 'v';
    }
    /* Headers and trailers count together. */
    value[BHTTP_FIELDS_MAX_BYTES / 2] = '\0';
    struct bytes message = control_of(2, "GET", "https", "", "/");
    append_lines(&message, (const char *const[]){"a", value, "", "", "a", value, "", NULL});
    cr_assert_eq(read_request(&message), STATUS_TOO_LARGE);
    bytes_deinit(&message);
}

Test(bhttp, control_bytes)
{
    static char path[BHTTP_CONTROL_MAX_BYTES + 2];
    memset(path, '/', BHTTP_CONTROL_MAX_BYTES);
    cr_assert_eq(read_with_control("GET", "https", "", path), STATUS_OK);
    path[BHTTP_CONTROL_MAX_BYTES] = '/';
    cr_assert_eq(read_with_control("GET", "https", "", path), STATUS_TOO_LARGE);
}

Test(bhttp, room_and_memory)
{
    struct bytes small;
    bytes_init(&small, 4);
    response.status = 200;
    response.content = span_of_text("content");
    cr_assert_eq(bhttp_response_write(&response, &small, &error), STATUS_TOO_LARGE);
    bytes_deinit(&small);
    struct bytes message = control_of(2, "GET", "https", "", "/");
    append_lines(&message, (const char *const[]){"", "one", "two", "", NULL});
    mem_fail_nth(1);
    cr_assert_eq(read_request(&message), STATUS_NOMEM);
    cr_assert_eq(read_request(&message), STATUS_OK);
    bytes_deinit(&message);
}
