/* xml_input reads; this file knows the two layouts and keeps one open element at a time. */
#include "bloom/formats/bloom_plist.h"

#include "base/mem.h"
#include "bloom/formats/xml_input.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX_BYTES   64 /* of a key or a number */
#define BASE64_GATHER    4096
#define BITS_MAX_BYTES   ((size_t)1 << 29)
#define LINE_CHARACTERS  68 /* base64 characters a line, at the indentation of one tab */
#define LINE_INPUT_BYTES 51

static_assert(BASE64_GATHER % 4 == 0, "the gathered characters are whole groups");
static_assert(LINE_INPUT_BYTES % 3 == 0 && LINE_INPUT_BYTES / 3 * 4 == LINE_CHARACTERS,
              "lines are whole groups");

/* ---- the two layouts ---- */

enum field {
    FIELD_BITS,
    FIELD_BYTES,
    FIELD_DATA,
    FIELD_TOLERANCE,
    FIELD_HASHES,
    FIELD_ITEMS,
    FIELD_SEED,
    FIELD_COUNT
};

enum { LAYOUT_COUNT = 2 };

static const enum bloom_layout layouts[LAYOUT_COUNT] = {BLOOM_LAYOUT_PLIST,
                                                        BLOOM_LAYOUT_PLIST_BETA};

static const char *const names[LAYOUT_COUNT][FIELD_COUNT] = {
    {[FIELD_BITS] = "bitCount",
     [FIELD_BYTES] = "byteCount",
     [FIELD_DATA] = "data",
     [FIELD_TOLERANCE] = "falsePositiveTolerance",
     [FIELD_HASHES] = "hashCount",
     [FIELD_ITEMS] = "itemCount",
     [FIELD_SEED] = "murmurSeed"},
    {[FIELD_BITS] = "numberOfBits",
     [FIELD_BYTES] = "numberOfBytes",
     [FIELD_DATA] = "bitVectorData",
     [FIELD_TOLERANCE] = "falsePositiveTolerance",
     [FIELD_HASHES] = "numberOfHashes",
     [FIELD_ITEMS] = "numberOfItems",
     [FIELD_SEED] = "murmurSeed"}};

/* In the order in which they are written: by name, as PropertyListSerialization does. */
static const enum field written_order[LAYOUT_COUNT][FIELD_COUNT] = {
    {FIELD_BITS, FIELD_BYTES, FIELD_DATA, FIELD_TOLERANCE, FIELD_HASHES, FIELD_ITEMS, FIELD_SEED},
    {FIELD_DATA, FIELD_TOLERANCE, FIELD_SEED, FIELD_BITS, FIELD_BYTES, FIELD_HASHES, FIELD_ITEMS}};

static const uint64_t number_min[FIELD_COUNT] = {
    [FIELD_BITS] = 1, [FIELD_BYTES] = 1, [FIELD_HASHES] = 1, [FIELD_ITEMS] = 1, [FIELD_SEED] = 0};
static const uint64_t number_max[FIELD_COUNT] = {[FIELD_BITS] = UINT32_MAX,
                                                 [FIELD_BYTES] = BITS_MAX_BYTES,
                                                 [FIELD_HASHES] = BLOOM_MAX_HASH_COUNT,
                                                 [FIELD_ITEMS] = INT64_MAX,
                                                 [FIELD_SEED] = UINT32_MAX};

static const char *element_of(enum field field)
{
    if (field == FIELD_DATA)
        return "data";
    return field == FIELD_TOLERANCE ? "real" : "integer";
}

/* ---- reading ---- */

enum place {
    PLACE_START, /* before <plist> */
    PLACE_PLIST, /* inside, before <dict> */
    PLACE_DICT,  /* inside, between elements */
    PLACE_KEY,
    PLACE_VALUE,
    PLACE_AFTER_DICT,
    PLACE_END /* after </plist> */
};

struct parse {
    struct xml_input input; /* first */
    const char *name;
    enum place place;
    bool has_key;                 /* a key waits for its value */
    bool is_layout[LAYOUT_COUNT]; /* each key so far fits this layout */
    bool seen[FIELD_COUNT];
    enum field field; /* of the last key */
    char text[TEXT_MAX_BYTES + 1];
    size_t text_size;
    uint64_t numbers[FIELD_COUNT];
    double tolerance;
    struct bytes bits;
    uint8_t gathered[BASE64_GATHER]; /* base64 without white space */
    size_t gathered_size;
    size_t padding; /* '=' seen */
};

static void flush_base64(struct parse *parse)
{
    const size_t size = parse->gathered_size;
    const size_t padding = parse->padding;
    if (size == 0)
        return;
    uint8_t *space = bytes_append_space(&parse->bits, size / 4 * 3);
    if (space == NULL) {
        if (parse->bits.status == STATUS_TOO_LARGE)
            xml_input_refuse(&parse->input, STATUS_TOO_LARGE, "more than %zu bytes of data",
                             BITS_MAX_BYTES);
        else
            xml_input_refuse(&parse->input, STATUS_NOMEM, "out of memory for %zu bytes of data",
                             parse->bits.size + size);
        return;
    }
    /* It counts padding as bytes; only alphabet and padding get here. */
    if (EVP_DecodeBlock(space, parse->gathered, (int)size) != (int)(size / 4 * 3)) {
        xml_input_refuse(&parse->input, STATUS_MALFORMED, "base64 cannot be decoded");
        return;
    }
    for (size_t i = 0; i < padding; i++) {
        parse->bits.size--;
        if (parse->bits.data[parse->bits.size] != 0)
            xml_input_refuse(&parse->input, STATUS_MALFORMED,
                             "the last base64 character has bits that are not used");
    }
    parse->gathered_size = 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

static void take_base64(struct parse *parse, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const char c = text[i];
        if (is_space(c))
            continue;
        if (c == '=') {
            if (parse->padding == 2 || parse->gathered_size % 4 < 2) {
                xml_input_refuse(&parse->input, STATUS_MALFORMED, "'=' where base64 has none");
                return;
            }
            parse->padding++;
        } else if (!is_base64(c)) {
            xml_input_refuse(&parse->input, STATUS_MALFORMED, "byte 0x%02x inside base64",
                             (unsigned)(uint8_t)c);
            return;
        } else if (parse->padding > 0) {
            xml_input_refuse(&parse->input, STATUS_MALFORMED, "base64 goes on after its '='");
            return;
        }
        /* Full only with whole groups, and never with padding: that group is kept for the end. */
        if (parse->gathered_size == BASE64_GATHER)
            flush_base64(parse);
        if (parse->input.status != STATUS_OK)
            return;
        parse->gathered[parse->gathered_size++] = (uint8_t)c;
    }
}

static void on_text(void *context, const char *text, size_t size)
{
    struct parse *parse = context;
    if (parse->place == PLACE_VALUE && parse->field == FIELD_DATA) {
        take_base64(parse, text, size);
        return;
    }
    if (parse->place == PLACE_KEY || parse->place == PLACE_VALUE) {
        if (size > TEXT_MAX_BYTES - parse->text_size) {
            xml_input_refuse(&parse->input, STATUS_MALFORMED, "more than %d bytes in a %s",
                             TEXT_MAX_BYTES, parse->place == PLACE_KEY ? "key" : "number");
            return;
        }
        memcpy(parse->text + parse->text_size, text, size);
        parse->text_size += size;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        if (!is_space(text[i])) {
            xml_input_refuse(&parse->input, STATUS_MALFORMED, "text between elements");
            return;
        }
    }
}

/* An element name as it may be shown: it is known to be UTF-8. */
#define SHOWN "%.40s"

static void on_start(void *context, const char *element, const char **attributes)
{
    struct parse *parse = context;
    if (attributes[0] != NULL && strcmp(element, "plist") != 0) {
        xml_input_refuse(&parse->input, STATUS_MALFORMED, "<" SHOWN "> has attributes", element);
        return;
    }
    switch (parse->place) {
    case PLACE_START:
        if (strcmp(element, "plist") != 0)
            xml_input_refuse(&parse->input, STATUS_MALFORMED, "<" SHOWN "> where <plist> is needed",
                             element);
        parse->place = PLACE_PLIST;
        return;
    case PLACE_PLIST:
        if (strcmp(element, "dict") != 0)
            xml_input_refuse(&parse->input, STATUS_MALFORMED, "<" SHOWN "> where <dict> is needed",
                             element);
        parse->place = PLACE_DICT;
        return;
    case PLACE_DICT:
        parse->text_size = 0;
        if (!parse->has_key) {
            if (strcmp(element, "key") != 0)
                xml_input_refuse(&parse->input, STATUS_MALFORMED,
                                 "<" SHOWN "> where <key> is needed", element);
            parse->place = PLACE_KEY;
        } else {
            if (strcmp(element, element_of(parse->field)) != 0)
                xml_input_refuse(&parse->input, STATUS_INVALID,
                                 "%s: <" SHOWN "> where <%s> is needed", parse->text, element,
                                 element_of(parse->field));
            parse->place = PLACE_VALUE;
        }
        return;
    case PLACE_KEY:
    case PLACE_VALUE:
    case PLACE_AFTER_DICT:
    case PLACE_END:
        xml_input_refuse(&parse->input, STATUS_MALFORMED, "<" SHOWN "> where no element may be",
                         element);
        return;
    }
}

static void end_key(struct parse *parse)
{
    bool is_known = false;
    parse->text[parse->text_size] = '\0';
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        bool fits[LAYOUT_COUNT];
        for (size_t k = 0; k < LAYOUT_COUNT; k++)
            fits[k] = strlen(names[k][i]) == parse->text_size &&
                      memcmp(names[k][i], parse->text, parse->text_size) == 0;
        if (!fits[0] && !fits[1])
            continue;
        is_known = true;
        parse->field = (enum field)i;
        for (size_t k = 0; k < LAYOUT_COUNT; k++)
            parse->is_layout[k] &= fits[k];
    }
    if (!is_known)
        xml_input_refuse(&parse->input, STATUS_INVALID, "unknown key " SHOWN, parse->text);
    else if (!parse->is_layout[0] && !parse->is_layout[1])
        xml_input_refuse(&parse->input, STATUS_INVALID, "%s: keys of both layouts in one file",
                         parse->text);
    else if (parse->seen[parse->field])
        xml_input_refuse(&parse->input, STATUS_INVALID, "%s: is there twice", parse->text);
    parse->seen[parse->field] = true;
    parse->has_key = true;
}

/* The text of a number without the white space around it. */
static struct span trimmed(const struct parse *parse)
{
    struct span text = span_of(parse->text, parse->text_size);
    while (text.size > 0 && is_space((char)text.data[0]))
        text = span_part(text, 1, text.size - 1);
    while (text.size > 0 && is_space((char)text.data[text.size - 1]))
        text.size--;
    return text;
}

static bool parse_integer(struct span text, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        const uint64_t digit = (uint64_t)text.data[i] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return text.size > 0;
}

static bool parse_real(struct span text, double *ret)
{
    char copy[TEXT_MAX_BYTES + 1];
    char *end;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    /* Keeps out what strtod() also takes: nan, infinity and hexadecimal. */
    if (text.size == 0 || strspn(copy, "0123456789+-.eE") != text.size)
        return false;
    *ret = strtod(copy, &end);
    return *end == '\0';
}

static void end_value(struct parse *parse)
{
    const enum field field = parse->field;
    const char *name = names[parse->is_layout[0] ? 0 : 1][field];
    parse->has_key = false;
    if (field == FIELD_DATA) {
        if (parse->gathered_size % 4 != 0)
            xml_input_refuse(&parse->input, STATUS_MALFORMED,
                             "%s: base64 ends within a group of four", name);
        else
            flush_base64(parse);
    } else if (field == FIELD_TOLERANCE) {
        if (!parse_real(trimmed(parse), &parse->tolerance) ||
            !(parse->tolerance > 0.0 && parse->tolerance < 1.0))
            xml_input_refuse(&parse->input, STATUS_INVALID,
                             "%s: must be a number between 0 and 1, both excluded", name);
    } else {
        uint64_t number = 0;
        if (!parse_integer(trimmed(parse), &number) || number < number_min[field] ||
            number > number_max[field])
            xml_input_refuse(
                &parse->input, STATUS_INVALID, "%s: must be an integer from %llu to %llu", name,
                (unsigned long long)number_min[field], (unsigned long long)number_max[field]);
        parse->numbers[field] = number;
    }
}

static void on_end(void *context, const char *element)
{
    struct parse *parse = context;
    (void)element; /* it closes what is open: that has been checked */
    switch (parse->place) {
    case PLACE_KEY:
        end_key(parse);
        parse->place = PLACE_DICT;
        return;
    case PLACE_VALUE:
        end_value(parse);
        parse->place = PLACE_DICT;
        return;
    case PLACE_DICT:
        if (parse->has_key)
            xml_input_refuse(&parse->input, STATUS_MALFORMED, "%s: has no value", parse->text);
        parse->place = PLACE_AFTER_DICT;
        return;
    case PLACE_PLIST:
        xml_input_refuse(&parse->input, STATUS_MALFORMED, "<plist> holds no <dict>");
        return;
    case PLACE_START:
    case PLACE_AFTER_DICT:
    case PLACE_END:
        parse->place = PLACE_END;
        return;
    }
}

static enum status check_whole(struct parse *parse, struct bloom_meta *ret, struct error *err)
{
    const size_t layout = parse->is_layout[0] ? 0 : 1;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (!parse->seen[i])
            return error_set(err, STATUS_INVALID, "%s: key %s is missing", parse->name,
                             names[layout][i]);
    }
    *ret = (struct bloom_meta){
        .params = {.bit_count = (uint32_t)parse->numbers[FIELD_BITS],
                   .hash_count = (uint32_t)parse->numbers[FIELD_HASHES],
                   .murmur_seed = (uint32_t)parse->numbers[FIELD_SEED]},
        .item_count = parse->numbers[FIELD_ITEMS],
        .false_positive_tolerance = parse->tolerance,
    };
    const size_t need = bloom_byte_count(ret->params.bit_count);
    if (parse->numbers[FIELD_BYTES] != need)
        return error_set(err, STATUS_INVALID, "%s: %s is %llu, but %u bits need %zu bytes",
                         parse->name, names[layout][FIELD_BYTES],
                         (unsigned long long)parse->numbers[FIELD_BYTES], ret->params.bit_count,
                         need);
    if (parse->bits.size != need)
        return error_set(err, STATUS_INVALID, "%s: %s holds %zu bytes, but %u bits need %zu",
                         parse->name, names[layout][FIELD_DATA], parse->bits.size,
                         ret->params.bit_count, need);
    return STATUS_OK;
}

/* Takes over the bits. */
static enum status make_filter(struct parse *parse, struct bloom_filter **ret, struct error *err)
{
    struct bloom_meta meta;
    enum status status = check_whole(parse, &meta, err);
    if (status != STATUS_OK)
        return status;
    struct bloom_filter *filter = mem_alloc(1, sizeof *filter);
    if (filter == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", parse->name);
    *filter = (struct bloom_filter){.meta = meta,
                                    .layout = layouts[parse->is_layout[0] ? 0 : 1],
                                    .byte_count = parse->bits.size,
                                    .bits = parse->bits.data};
    parse->bits.data = NULL;
    /* Gives back what doubling took too much. */
    uint8_t *bits = mem_realloc(filter->bits, filter->byte_count, 1);
    if (bits != NULL)
        filter->bits = bits;
    status = bloom_filter_seal(filter, err);
    if (status != STATUS_OK) {
        bloom_filter_free(filter);
        return status;
    }
    *ret = filter;
    return STATUS_OK;
}

enum status bloom_plist_parse(struct span xml, const char *name, struct bloom_filter **ret,
                              struct error *err)
{
    static const struct xml_handlers handlers = {.start = on_start, .end = on_end, .text = on_text};
    struct parse *parse = mem_alloc_zeroed(1, sizeof *parse);
    if (parse == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", name);
    parse->name = name;
    parse->is_layout[0] = parse->is_layout[1] = true;
    bytes_init(&parse->bits, BITS_MAX_BYTES);
    enum status status =
        xml_input_read(&parse->input, xml, BLOOM_PLIST_MAX_BYTES, name, &handlers, err);
    if (status == STATUS_OK)
        status = make_filter(parse, ret, err);
    bytes_deinit(&parse->bits);
    mem_free(parse);
    return status;
}

/* ---- writing ---- */

/* Where the text goes: a file, or memory. */
struct sink {
    struct file_writer *writer; /* or NULL */
    struct bytes *bytes;        /* without a writer */
};

static void put(const struct sink *sink, struct span text)
{
    if (sink->writer != NULL)
        file_writer_write(sink->writer, text);
    else
        bytes_append(sink->bytes, text);
}

/* One line around a text without characters that XML would escape. */
static void put_element(const struct sink *sink, const char *before, const char *text,
                        const char *after)
{
    put(sink, span_of_text(before));
    put(sink, span_of_text(text));
    put(sink, span_of_text(after));
}

static void put_data(const struct bloom_filter *filter, const struct sink *sink)
{
    uint8_t line[LINE_CHARACTERS + 3] = {'\t'};
    put(sink, span_of_text("\t<data>\n"));
    for (size_t at = 0; at < filter->byte_count; at += LINE_INPUT_BYTES) {
        const size_t left = filter->byte_count - at;
        const size_t now = left < LINE_INPUT_BYTES ? left : LINE_INPUT_BYTES;
        const int size = EVP_EncodeBlock(line + 1, filter->bits + at, (int)now);
        line[1 + size] = '\n';
        put(sink, span_of(line, (size_t)size + 2));
    }
    put(sink, span_of_text("\t</data>\n"));
}

static enum status put_plist(const struct bloom_filter *filter, enum bloom_layout layout,
                             const struct sink *sink, struct error *err)
{
    const size_t index = layout == BLOOM_LAYOUT_PLIST_BETA ? 1 : 0;
    const struct bloom_meta *meta = &filter->meta;
    const uint64_t numbers[FIELD_COUNT] = {[FIELD_BITS] = meta->params.bit_count,
                                           [FIELD_BYTES] = filter->byte_count,
                                           [FIELD_HASHES] = meta->params.hash_count,
                                           [FIELD_ITEMS] = meta->item_count,
                                           [FIELD_SEED] = meta->params.murmur_seed};
    char real[BLOOM_REAL_TEXT_BYTES], number[24];
    if (meta->item_count == 0)
        return error_set(err, STATUS_INVALID, "the number of items is not known");
    bloom_real_text(meta->false_positive_tolerance, real);
    put(sink, span_of_text("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                           "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
                           "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
                           "<plist version=\"1.0\">\n<dict>\n"));
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const enum field field = written_order[index][i];
        put_element(sink, "\t<key>", names[index][field], "</key>\n");
        if (field == FIELD_DATA)
            put_data(filter, sink);
        else if (field == FIELD_TOLERANCE)
            put_element(sink, "\t<real>", real, "</real>\n");
        else {
            snprintf(number, sizeof number, "%" PRIu64, numbers[field]);
            put_element(sink, "\t<integer>", number, "</integer>\n");
        }
    }
    put(sink, span_of_text("</dict>\n</plist>\n"));
    return STATUS_OK;
}

enum status bloom_plist_write(const struct bloom_filter *filter, enum bloom_layout layout,
                              struct file_writer *writer, struct error *err)
{
    const struct sink sink = {.writer = writer};
    const enum status st = put_plist(filter, layout, &sink, err);
    return st == STATUS_OK ? file_writer_check(writer, err) : st;
}

enum status bloom_plist_format(const struct bloom_filter *filter, enum bloom_layout layout,
                               struct bytes *ret, struct error *err)
{
    const struct sink sink = {.bytes = ret};
    const enum status st = put_plist(filter, layout, &sink, err);
    return st == STATUS_OK ? bytes_status(ret, "a property list", err) : st;
}
