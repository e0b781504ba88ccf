/* Hashes, geometry, positions, whole filters in every format, sub-URLs. */
#include "base/mem.h"
#include "bloom/formats/bloom_manifest.h"
#include "bloom/formats/bloom_plist.h"
#include "testvectors/vectors_kind.h"
#include "urls/row_set.h"
#include "urls/url.h"

#include <string.h>

/* ---- hashes ---- */

static const struct vectors_member hashes_members[] = {
    {"item", VECTORS_HEX},
    {"murmur_seeds", VECTORS_NUMBERS},
};

#define HASHES_MAX_SEEDS 16

static enum status compute_hashes(const json_t *in, struct vectors_out *out, struct error *err)
{
    uint32_t seeds[HASHES_MAX_SEEDS], values[HASHES_MAX_SEEDS];
    size_t seed_count = 0;
    struct bytes item;
    bytes_init(&item, VECTORS_MAX_BYTES);
    enum status st = vectors_hex(in, "item", &item, err);
    if (st == STATUS_OK)
        st = vectors_words(vectors_list(in, "murmur_seeds"), "murmur_seeds", UINT32_MAX, 0,
                           HASHES_MAX_SEEDS, seeds, &seed_count, err);
    if (st == STATUS_OK) {
        for (size_t i = 0; i < seed_count; i++)
            values[i] = bloom_murmur3_32(item.data, item.size, seeds[i]);
        vectors_put_number(out, "fnv1a", bloom_fnv1a_32(item.data, item.size));
        vectors_put_words(out, "murmur3", values, seed_count);
    }
    bytes_deinit(&item);
    return st;
}

/* Byte `i` of a pattern item: small letters, or bytes above 127, or everything. */
static uint8_t pattern_byte(unsigned pattern, size_t length, size_t i)
{
    if (pattern == 0)
        return (uint8_t)('a' + (i * 7 + length) % 26);
    if (pattern == 1)
        return (uint8_t)(0x80 | (i * 53 + length * 11) % 128);
    return (uint8_t)(i * 167 + length * 29 + 13);
}

static enum status list_hashes(json_t *ret, struct error *err)
{
    static const char *const texts[] = {
        "a",
        "foobar",
        "test",
        "Hello, world!",
        "example.com",
        "www.apple.com/url-filter-test",
        ("b\xc3\xbc"
         "cher.example"), /* UTF-8, as in a path that was not escaped */
    };
    static const json_int_t seeds[] = {0, 1, 0x7fffffff, 0x9747b28c, 0xffffffff};
    uint8_t item[1000];
    enum status st = STATUS_OK;
    const size_t pattern_count = (size_t)66 * 3; /* lengths 0 to 64 and 1,000 */
    for (size_t k = 0; st == STATUS_OK && k < ARRAY_COUNT(texts) + pattern_count; k++) {
        struct span bytes;
        if (k < ARRAY_COUNT(texts)) {
            bytes = span_of_text(texts[k]);
        } else {
            const size_t p = k - ARRAY_COUNT(texts);
            bytes = span_of(item, p / 3 < 65 ? p / 3 : sizeof item);
            if (bytes.size == 0 && p % 3 != 0)
                continue; /* the empty item once is enough */
            for (size_t i = 0; i < bytes.size; i++)
                item[i] = pattern_byte((unsigned)(p % 3), bytes.size, i);
        }
        st = vectors_append(ret,
                            json_pack("{s:o, s:[I, I, I, I, I]}", "item", vectors_json_hex(bytes),
                                      "murmur_seeds", seeds[0], seeds[1], seeds[2], seeds[3],
                                      seeds[4]),
                            err);
    }
    return st;
}

/* ---- geometry ---- */

static const struct vectors_member geometry_members[] = {
    {"item_count", VECTORS_NUMBER},
    {"false_positive_rate", VECTORS_RATE},
};

static enum status choose(uint64_t item_count, const json_t *in, uint32_t seed,
                          struct bloom_params *ret, struct error *err)
{
    const double rate = json_real_value(json_object_get(in, "false_positive_rate"));
    return bloom_status(bloom_params_choose(item_count, rate, seed, ret), err);
}

static void put_geometry(struct vectors_out *out, const struct bloom_params *params)
{
    vectors_put_number(out, "bit_count", params->bit_count);
    vectors_put_number(out, "hash_count", params->hash_count);
    vectors_put_number(out, "byte_count", bloom_byte_count(params->bit_count));
}

static enum status compute_geometry(const json_t *in, struct vectors_out *out, struct error *err)
{
    struct bloom_params params;
    const enum status st = choose(vectors_number(in, "item_count"), in, 0, &params, err);
    if (st == STATUS_OK)
        put_geometry(out, &params);
    return st;
}

static const char *const geometry_literals[] = {
    "{'item_count': 1, 'false_positive_rate': 0.5}",
    "{'item_count': 1, 'false_positive_rate': 0.001}",
    "{'item_count': 2, 'false_positive_rate': 0.25}",
    "{'item_count': 3, 'false_positive_rate': 0.99}",
    "{'item_count': 7, 'false_positive_rate': 0.01}",
    "{'item_count': 10, 'false_positive_rate': 0.1}",
    "{'item_count': 100, 'false_positive_rate': 0.05}",
    "{'item_count': 1000, 'false_positive_rate': 0.001}",
    "{'item_count': 65536, 'false_positive_rate': 0.0001}",
    "{'item_count': 100000, 'false_positive_rate': 0.03125}",
    "{'item_count': 1000000, 'false_positive_rate': 0.001}",
    "{'item_count': 1000000, 'false_positive_rate': 1e-06}",
    "{'item_count': 12345678, 'false_positive_rate': 0.001}",
    "{'item_count': 298000000, 'false_positive_rate': 0.001}",
    NULL,
};

/* ---- positions ---- */

static const struct vectors_member positions_members[] = {
    {"item", VECTORS_TEXT},
    {"murmur_seed", VECTORS_NUMBER},
    {"bit_count", VECTORS_NUMBER},
    {"hash_count", VECTORS_NUMBER},
};

#define POSITIONS_MAX 256

/* What a wrong builder does instead. */
enum mistake { MISTAKE_NONE, MISTAKE_SUM64, MISTAKE_FNV1 };

static uint32_t fnv1_32(struct span item)
{
    uint32_t hash = 0x811c9dc5;
    for (size_t i = 0; i < item.size; i++)
        hash = (hash * 0x01000193) ^ item.data[i];
    return hash;
}

static void wrong_positions(const struct bloom_params *params, struct span item,
                            enum mistake mistake, uint32_t *ret)
{
    const uint32_t h1 =
        mistake == MISTAKE_FNV1 ? fnv1_32(item) : bloom_fnv1a_32(item.data, item.size);
    const uint32_t h2 = bloom_murmur3_32(item.data, item.size, params->murmur_seed);
    for (uint32_t i = 0; i < params->hash_count; i++) {
        const uint64_t sum = h1 + (uint64_t)i * h2;
        ret[i] = (uint32_t)((mistake == MISTAKE_SUM64 ? sum : (uint32_t)sum) % params->bit_count);
    }
}

static enum status compute_positions(const json_t *in, struct vectors_out *out, struct error *err)
{
    uint64_t seed = 0, bits = 0, hashes = 0;
    enum status st = vectors_number_in(in, "murmur_seed", 0, UINT32_MAX, &seed, err);
    if (st == STATUS_OK)
        st = vectors_number_in(in, "bit_count", 1, UINT32_MAX, &bits, err);
    if (st == STATUS_OK)
        st = vectors_number_in(in, "hash_count", 1, POSITIONS_MAX, &hashes, err);
    if (st != STATUS_OK)
        return st;
    const struct span item = vectors_text(in, "item");
    const struct bloom_params params = {
        .bit_count = (uint32_t)bits, .hash_count = (uint32_t)hashes, .murmur_seed = (uint32_t)seed};
    uint32_t places[POSITIONS_MAX];
    vectors_put_number(out, "h1", bloom_fnv1a_32(item.data, item.size));
    vectors_put_number(out, "h2", bloom_murmur3_32(item.data, item.size, params.murmur_seed));
    bloom_positions(&params, item.data, item.size, places);
    vectors_put_words(out, "positions", places, params.hash_count);
    wrong_positions(&params, item, MISTAKE_SUM64, places);
    vectors_put_words(out, "wrong_64bit_sum", places, params.hash_count);
    wrong_positions(&params, item, MISTAKE_FNV1, places);
    vectors_put_words(out, "wrong_fnv1", places, params.hash_count);
    return STATUS_OK;
}

/* A bit count that divides 2^32 hides the 64-bit mistake; all others show it once h1 + i*h2 passes
 * 2^32. */
static const char *const positions_literals[] = {
    "{'note': 'the sum wraps from i = 2 on', 'item': 'example.com', 'murmur_seed': 0,"
    " 'bit_count': 14378, 'hash_count': 10}",
    "{'item': 'example.com', 'murmur_seed': 3735928559, 'bit_count': 14378, 'hash_count': 10}",
    "{'item': 'example.com/', 'murmur_seed': 1, 'bit_count': 1000, 'hash_count': 7}",
    "{'item': 'www.apple.com/url-filter-test', 'murmur_seed': 42, 'bit_count': 14377588,"
    " 'hash_count': 10}",
    "{'note': 'a power of two: the 64-bit sum gives the same', 'item': 'example.com',"
    " 'murmur_seed': 0, 'bit_count': 65536, 'hash_count': 10}",
    "{'note': 'the largest bit count', 'item': 'example.org/path', 'murmur_seed': 4294967295,"
    " 'bit_count': 4294967295, 'hash_count': 20}",
    "{'item': 'ads.example.net:443/a/b/c?id=123', 'murmur_seed': 2147483648,"
    " 'bit_count': 2147483647, 'hash_count': 12}",
    "{'note': 'one bit', 'item': 'example.com', 'murmur_seed': 0, 'bit_count': 1,"
    " 'hash_count': 3}",
    "{'note': 'the empty item', 'item': '', 'murmur_seed': 7, 'bit_count': 97, 'hash_count': 6}",
    "{'note': 'one hash function', 'item': 'example.com', 'murmur_seed': 7, 'bit_count': 97,"
    " 'hash_count': 1}",
    "{'note': 'UTF-8', 'item': 'b\\u00fccher.example', 'murmur_seed': 99, 'bit_count': 12345,"
    " 'hash_count': 8}",
    NULL,
};

/* ---- whole filters ---- */

static const struct vectors_member filters_members[] = {
    {"keys", VECTORS_TEXTS},         {"false_positive_rate", VECTORS_RATE},
    {"murmur_seed", VECTORS_NUMBER}, {"url", VECTORS_TEXT},
    {"probes", VECTORS_TEXTS},
};

#define FILTERS_MAX_KEYS 10000

/* The bits that a mistaken builder makes. */
static void put_wrong_bits(struct vectors_out *out, const char *name, const json_t *keys,
                           const struct bloom_filter *filter, enum mistake mistake, bool msb_first,
                           uint8_t *scratch)
{
    const struct bloom_params *params = &filter->meta.params;
    uint32_t places[POSITIONS_MAX];
    memset(scratch, 0, filter->byte_count);
    for (size_t k = 0; k < json_array_size(keys); k++) {
        wrong_positions(params, vectors_text_at(keys, k), mistake, places);
        for (uint32_t i = 0; i < params->hash_count; i++) {
            const unsigned bit = msb_first ? 7 - places[i] % 8 : places[i] % 8;
            scratch[places[i] / 8] = (uint8_t)(scratch[places[i] / 8] | 1u << bit);
        }
    }
    vectors_put_hex(out, name, span_of(scratch, filter->byte_count));
}

struct format {
    const char *name;
    enum bloom_layout layout;
};
static const struct format formats[] = {
    {"manifest", BLOOM_LAYOUT_MANIFEST},
    {"plist", BLOOM_LAYOUT_PLIST},
    {"plist_first_beta", BLOOM_LAYOUT_PLIST_BETA},
    {"json_with_url", BLOOM_LAYOUT_URL},
};

static bool is_plist(enum bloom_layout layout)
{
    return layout == BLOOM_LAYOUT_PLIST || layout == BLOOM_LAYOUT_PLIST_BETA;
}

static bool has_same_numbers(const struct bloom_meta *a, const struct bloom_meta *b)
{
    return a->params.bit_count == b->params.bit_count &&
           a->params.hash_count == b->params.hash_count &&
           a->params.murmur_seed == b->params.murmur_seed &&
           a->false_positive_tolerance == b->false_positive_tolerance;
}

static enum status plist_says(struct span text, const struct format *format,
                              const struct bloom_filter *filter, bool *ret, struct error *err)
{
    struct bloom_filter *said = NULL;
    const enum status st = bloom_plist_parse(text, format->name, &said, err);
    *ret = st == STATUS_OK && said->layout == format->layout &&
           has_same_numbers(&said->meta, &filter->meta) &&
           said->meta.item_count == filter->meta.item_count &&
           span_equal(span_of(said->bits, said->byte_count),
                      span_of(filter->bits, filter->byte_count));
    bloom_filter_free(said);
    return st;
}

static enum status manifest_says(struct span text, const struct format *format,
                                 const struct bloom_meta *meta, bool *ret, struct error *err)
{
    enum bloom_layout layout = BLOOM_LAYOUT_PLIST;
    struct bloom_meta *said = mem_alloc_zeroed(1, sizeof *said);
    if (said == NULL)
        return error_set(err, STATUS_NOMEM, "no memory for a manifest");
    const enum status st = bloom_manifest_parse(text, format->name, said, &layout, err);
    *ret = st == STATUS_OK && layout == format->layout && has_same_numbers(said, meta) &&
           (layout == BLOOM_LAYOUT_URL || said->item_count == meta->item_count) &&
           strcmp(said->tag, meta->tag) == 0 && strcmp(said->url, meta->url) == 0;
    mem_free(said);
    return st;
}

/* Whether a text in this format says what the filter is; how it is laid out does not matter. A text
 * that cannot be read says nothing. */
static enum status says_filter(struct span text, const struct format *format,
                               const struct bloom_filter *filter, bool *ret, struct error *err)
{
    const enum status st = is_plist(format->layout)
                               ? plist_says(text, format, filter, ret, err)
                               : manifest_says(text, format, &filter->meta, ret, err);
    return st == STATUS_NOMEM ? st : STATUS_OK;
}

/* The texts of the case where they are right, else as we write them. */
static enum status put_formats(const json_t *in, struct vectors_out *out,
                               const struct bloom_filter *filter, struct error *err)
{
    enum status st = STATUS_OK;
    for (size_t i = 0; st == STATUS_OK && i < ARRAY_COUNT(formats); i++) {
        const struct format *format = &formats[i];
        bool is_right = false;
        if (json_is_string(json_object_get(in, format->name)))
            st = says_filter(vectors_text(in, format->name), format, filter, &is_right, err);
        if (st != STATUS_OK)
            break;
        if (is_right) {
            vectors_put_text(out, format->name, vectors_text(in, format->name));
            continue;
        }
        struct bytes text;
        bytes_init(&text, VECTORS_MAX_BYTES);
        st = is_plist(format->layout)
                 ? bloom_plist_format(filter, format->layout, &text, err)
                 : bloom_manifest_format(&filter->meta, format->layout, &text, err);
        if (st == STATUS_OK)
            st = bytes_status(&text, "a filter in a text format", err);
        if (st == STATUS_OK)
            vectors_put_text(out, format->name, bytes_view(&text));
        bytes_deinit(&text);
    }
    return st;
}

static enum status compute_filters(const json_t *in, struct vectors_out *out, struct error *err)
{
    const json_t *keys = vectors_list(in, "keys");
    const json_t *probes = vectors_list(in, "probes");
    struct bloom_filter *filter = NULL;
    struct bloom_builder *builder = NULL;
    uint8_t *scratch = NULL;
    json_t *answers = NULL;
    struct bloom_meta *meta = mem_alloc_zeroed(1, sizeof *meta);
    uint64_t seed = 0;
    enum status st = meta != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "no memory for meta");
    if (st == STATUS_OK)
        st = vectors_number_in(in, "murmur_seed", 0, UINT32_MAX, &seed, err);
    if (st == STATUS_OK && json_array_size(keys) > FILTERS_MAX_KEYS)
        st = error_set(err, STATUS_INVALID, "keys are more than %d", FILTERS_MAX_KEYS);
    if (st == STATUS_OK)
        st = choose(json_array_size(keys), in, (uint32_t)seed, &meta->params, err);
    if (st == STATUS_OK && (meta->params.hash_count > POSITIONS_MAX ||
                            vectors_text(in, "url").size > BLOOM_URL_MAX_BYTES))
        st = error_set(err, STATUS_INVALID, "rate or url is too much for a vector");
    if (st != STATUS_OK)
        goto done;
    meta->item_count = json_array_size(keys);
    meta->false_positive_tolerance = json_real_value(json_object_get(in, "false_positive_rate"));
    memcpy(meta->url, vectors_text(in, "url").data, vectors_text(in, "url").size);

    st = bloom_filter_new(meta, &filter, err);
    if (st != STATUS_OK)
        goto done;
    builder = mem_alloc(1, sizeof *builder);
    scratch = mem_alloc(filter->byte_count, 1);
    answers = json_array();
    if (builder == NULL || scratch == NULL || answers == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for a filter");
        goto done;
    }
    st = bloom_status(bloom_builder_init(builder, &meta->params, filter->bits, filter->byte_count),
                      err);
    if (st != STATUS_OK)
        goto done;
    for (size_t i = 0; i < json_array_size(keys); i++)
        bloom_builder_add(builder, vectors_text_at(keys, i).data, vectors_text_at(keys, i).size);
    bloom_builder_finish(builder);
    st = bloom_filter_seal(filter, err);
    if (st != STATUS_OK)
        goto done;

    const struct bloom_reader reader = bloom_filter_reader(filter);
    for (size_t i = 0; i < json_array_size(probes); i++) {
        const struct span probe = vectors_text_at(probes, i);
        st = vectors_append(
            answers, json_boolean(bloom_reader_has_key(&reader, probe.data, probe.size)), err);
        if (st != STATUS_OK)
            goto done;
    }
    put_geometry(out, &meta->params);
    vectors_put_hex(out, "bits", span_of(filter->bits, filter->byte_count));
    vectors_put_text(out, "tag", span_of_text(filter->meta.tag));
    vectors_put(out, "answers", json_incref(answers));
    put_wrong_bits(out, "wrong_msb_first", keys, filter, MISTAKE_NONE, true, scratch);
    put_wrong_bits(out, "wrong_64bit_sum", keys, filter, MISTAKE_SUM64, false, scratch);
    put_wrong_bits(out, "wrong_fnv1", keys, filter, MISTAKE_FNV1, false, scratch);
    st = put_formats(in, out, filter, err);
done:
    json_decref(answers);
    mem_free(scratch);
    mem_free(builder);
    bloom_filter_free(filter);
    mem_free(meta);
    return st;
}

static const char *const filters_literals[] = {
    "{'note': 'one key; the empty probe is a false positive', 'keys': ['example.com'], "
    "'false_positive_rate': 0.001,"
    " 'murmur_seed': 0, 'url': 'https://lists.example/one.bloom',"
    " 'probes': ['example.com', 'example.org', 'www.example.com', 'https://example.com', '']}",
    "{'note': 'a handful', 'keys': ['bad.example.com', 'example.net/path', "
    "'example.net/path/to?id=1',"
    " 'xn--bcher-kva.example', '192.0.2.1', 'www.apple.com/url-filter-test'],"
    " 'false_positive_rate': 0.01, 'murmur_seed': 3735928559,"
    " 'url': 'prefilter.bloom',"
    " 'probes': ['bad.example.com', 'bad.example.com/', 'example.net', 'example.net/path',"
    " '192.0.2.1', '192.0.2.2', 'www.apple.com/url-filter-test', 'apple.com/url-filter-test']}",
    "{'note': 'a high rate: probes that are no keys are in it too',"
    " 'keys': ['a.example', 'b.example', 'c.example', 'd.example', 'e.example', 'f.example',"
    " 'g.example', 'h.example', 'i.example', 'j.example', 'k.example', 'l.example'],"
    " 'false_positive_rate': 0.3, 'murmur_seed': 4294967295,"
    " 'url': 'https://lists.example/prefilter/1.bloom',"
    " 'probes': ['a.example', 'l.example', 'm.example', 'n.example', 'o.example', 'p.example',"
    " 'q.example', 'r.example', 's.example', 't.example']}",
    NULL,
};

/* ---- sub-URLs ---- */

static const struct vectors_member suburls_members[] = {{"url", VECTORS_TEXT}};

static enum status collect(void *context, struct span sub_url, struct error *err)
{
    return row_set_add(context, sub_url, err);
}

static enum status compute_suburls(const json_t *in, struct vectors_out *out, struct error *err)
{
    struct row_set *rows = NULL;
    json_t *list = NULL;
    struct url *url = mem_alloc(1, sizeof *url);
    enum status st = url != NULL ? STATUS_OK : error_set(err, STATUS_NOMEM, "no memory for a URL");
    if (st != STATUS_OK)
        goto done;
    const enum drop_reason reason = url_parse(vectors_text(in, "url"), url);
    if (reason != DROP_NONE) {
        st = error_set(err, STATUS_INVALID, "url: %s", drop_reason_text(reason));
        goto done;
    }
    st = row_set_new(&rows, err);
    if (st == STATUS_OK)
        st = url_expand(url, collect, rows, err);
    if (st == STATUS_OK)
        st = row_set_finish(rows, NULL, err);
    if (st != STATUS_OK)
        goto done;
    list = json_array();
    if (list == NULL) {
        st = error_set(err, STATUS_NOMEM, "no memory for sub-URLs");
        goto done;
    }
    for (size_t i = 0; st == STATUS_OK && i < row_set_count(rows); i++) {
        const struct span row = row_set_at(rows, i);
        st = vectors_append(list, json_stringn((const char *)row.data, row.size), err);
    }
    if (st == STATUS_OK)
        vectors_put(out, "sub_urls", json_incref(list));
done:
    json_decref(list);
    row_set_free(rows);
    mem_free(url);
    return st;
}

static const char *const suburls_literals[] = {
    "{'note': 'the published example', 'url': "
    "'https://www.sub1.example.com/a/b/c?id=123#fragment'}",
    "{'url': 'https://example.com'}",
    "{'url': 'https://example.com/'}",
    "{'url': 'http://example.com/'}",
    "{'note': 'upper case', 'url': 'HTTPS://Example.COM/Path/File.HTML?Q=A#Top'}",
    "{'note': 'a port of its own', 'url': 'https://example.com:8443/login'}",
    "{'note': 'the default port, written', 'url': 'http://sub.example.com:80/x'}",
    "{'note': 'www. and nothing before it', 'url': 'https://www.example.com/index.html'}",
    "{'note': 'www. behind another label stays', 'url': 'https://a.www.example.com/'}",
    "{'note': 'www. of which one label would be left stays', 'url': 'https://www.com/'}",
    "{'note': 'many labels', 'url': 'https://a.b.c.d.e.example.co.uk/x'}",
    "{'note': 'an IPv4 address is taken whole', 'url': 'http://192.0.2.17/a/b'}",
    "{'note': 'with a port', 'url': 'http://192.0.2.17:8080/'}",
    "{'note': 'an IPv6 address', 'url': 'https://[2001:db8::1]/x'}",
    "{'note': 'IDN', 'url': 'https://b\\u00fccher.example/regal'}",
    "{'note': 'IDN in capital letters', 'url': 'https://www.B\\u00dcCHER.example/'}",
    "{'note': 'IDN with a letter that IDNA 2003 would replace', 'url': "
    "'https://stra\\u00dfe.example/'}",
    "{'note': 'IDN of another script', 'url': 'https://\\u4f8b\\u3048.example/'}",
    "{'note': 'Punycode already', 'url': 'https://xn--bcher-kva.example/'}",
    "{'note': 'a slash at the end', 'url': 'https://example.com/a/b/'}",
    "{'note': 'a query without a path', 'url': 'https://example.com?q=1'}",
    "{'note': 'a query behind a slash', 'url': 'https://example.com/a/?q=1'}",
    "{'note': 'a fragment without a query', 'url': 'https://example.com/a#part'}",
    "{'note': 'question marks and slashes in the query',"
    " 'url': 'https://example.com/a?u=https://x.example/y?z'}",
    "{'note': 'escapes stay', 'url': 'https://example.com/a%20b/%7Euser'}",
    "{'note': 'underscores and hyphens', 'url': 'https://r3---sn_x.example.com/'}",
    "{'note': 'a user name is removed', 'url': 'https://user:secret@example.com/a'}",
    "{'note': 'a dot at the end of the host', 'url': 'https://example.com./a'}",
    "{'note': 'dots in the path', 'url': 'https://example.com/a/./b/../c'}",
    "{'note': 'as any www. host, although the test row in datasets keeps its www.',"
    " 'url': 'https://www.apple.com/url-filter-test'}",
    NULL,
};

static const struct vectors_kind kinds[] = {
    {"hashes.json", NULL, hashes_members, ARRAY_COUNT(hashes_members), compute_hashes, NULL,
     list_hashes},
    {"geometry.json", NULL, geometry_members, ARRAY_COUNT(geometry_members), compute_geometry,
     geometry_literals, NULL},
    {"positions.json", NULL, positions_members, ARRAY_COUNT(positions_members), compute_positions,
     positions_literals, NULL},
    {"filters.json", NULL, filters_members, ARRAY_COUNT(filters_members), compute_filters,
     filters_literals, NULL},
    {"suburls.json", NULL, suburls_members, ARRAY_COUNT(suburls_members), compute_suburls,
     suburls_literals, NULL},
};

const struct vectors_kind *vectors_kinds_prefilter(size_t *count)
{
    *count = ARRAY_COUNT(kinds);
    return kinds;
}
