/* A way to build a filter is one choice in each aspect; choice 0 is the right one. All ways with at
 * most BLOOM_MISTAKE_MAX wrong choices are tried on the first keys, then the best one and the right
 * one on all. A way that finds the share s of the keys where chance finds q explains
 * (s - q) / (1 - q) of them; ways are compared by that, and a mistake more must explain 2 % more.
 */
#include "bloom/bloom_diagnose.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SAMPLE_KEYS      512
#define SAMPLE_BYTES     ((size_t)1 << 20) /* long keys end the sample sooner */
#define KEY_MAX_BYTES    ((size_t)1 << 28)
#define SEED_MAX         12
#define HASH_COUNT_MAX   9
#define MISTAKE_WORTH    0.02
#define ENOUGH_EXPLAINED 0.5
#define ONE_IN_A_MILLION 13.8 /* -ln 1e-6 */

enum aspect {
    ASPECT_FNV,
    ASPECT_SUM,
    ASPECT_ROLES,
    ASPECT_BIT_ORDER,
    ASPECT_FIRST_INDEX,
    ASPECT_SEED,
    ASPECT_BIT_COUNT,
    ASPECT_HASH_COUNT,
    ASPECT_KEY,
    ASPECT_COUNT
};

enum sum { SUM_32, SUM_64, SUM_PRODUCT_32, SUM_CHOICES };
enum { BIT_COUNT_CHOICES = 3 };

struct choice_text {
    uint8_t aspect;
    uint8_t choice;
    struct bloom_mistake text;
};

static const struct choice_text choice_texts[] = {
    {ASPECT_FNV, 1, {"fnv-1-order", "the first hash is FNV-1 (multiplies, then xors), not FNV-1a"}},
    {ASPECT_SUM, SUM_64, {"64-bit-sums", "h1 + i * h2 is a 64-bit sum and does not wrap at 2^32"}},
    {ASPECT_SUM,
     SUM_PRODUCT_32,
     {"sum-without-wrap", "i * h2 wraps at 2^32, but the sum with h1 does not"}},
    {ASPECT_ROLES,
     1,
     {"hashes-swapped", "the sum is h2 + i * h1: FNV and MurmurHash3 are swapped"}},
    {ASPECT_BIT_ORDER, 1, {"msb-first", "bits are counted from the most significant of each byte"}},
    {ASPECT_FIRST_INDEX, 1, {"index-from-1", "i runs from 1 to hashCount, not from 0"}},
    {ASPECT_BIT_COUNT, 1, {"bits-of-whole-bytes", "positions are modulo 8 * byteCount"}},
    {ASPECT_BIT_COUNT, 2, {"one-bit-fewer", "positions are modulo bitCount - 1"}},
};

struct seed_choice {
    uint32_t seed;
    struct bloom_mistake text;
};

enum key_form {
    KEY_AS_IS,
    KEY_HTTPS,
    KEY_HTTP,
    KEY_WWW,
    KEY_HTTPS_WWW,
    KEY_HTTP_WWW,
    KEY_HTTPS_SLASH,
    KEY_HTTP_SLASH,
    KEY_HTTPS_WWW_SLASH,
    KEY_HTTP_WWW_SLASH,
    KEY_SLASH,
    KEY_NO_SLASH,
    KEY_NO_SCHEME,
    KEY_NO_WWW,
    KEY_NO_SCHEME_NO_WWW,
    KEY_UPPER,
    KEY_LOWER,
    KEY_LF,
    KEY_CR,
    KEY_CRLF,
    KEY_NUL,
    KEY_QUOTED,
    KEY_UTF16,
    KEY_FORM_COUNT
};

/* What is put before and behind the key; the other forms are computed. */
struct key_form_row {
    const char *before;
    const char *behind;
    struct bloom_mistake text;
};

static const struct key_form_row key_forms[KEY_FORM_COUNT] = {
    [KEY_AS_IS] = {"", "", {NULL, NULL}},
    [KEY_HTTPS] = {"https://", "", {"https-in-keys", "https:// was left before the keys"}},
    [KEY_HTTP] = {"http://", "", {"http-in-keys", "http:// was left before the keys"}},
    [KEY_WWW] = {"www.", "", {"www-in-keys", "www. was left before the keys"}},
    [KEY_HTTPS_WWW] = {"https://www.",
                       "",
                       {"https-www-in-keys", "https://www. was left before the keys"}},
    [KEY_HTTP_WWW] = {"http://www.",
                      "",
                      {"http-www-in-keys", "http://www. was left before the keys"}},
    [KEY_HTTPS_SLASH] = {"https://",
                         "/",
                         {"https-and-slash-in-keys",
                          "https:// was left before the keys and a / put behind"}},
    [KEY_HTTP_SLASH] = {"http://",
                        "/",
                        {"http-and-slash-in-keys",
                         "http:// was left before the keys and a / put behind"}},
    [KEY_HTTPS_WWW_SLASH] = {"https://www.",
                             "/",
                             {"https-www-and-slash-in-keys",
                              "https://www. was left before the keys and a / put behind"}},
    [KEY_HTTP_WWW_SLASH] = {"http://www.",
                            "/",
                            {"http-www-and-slash-in-keys",
                             "http://www. was left before the keys and a / put behind"}},
    [KEY_SLASH] = {"", "/", {"slash-behind-keys", "a / was put behind the keys"}},
    [KEY_NO_SLASH] = {"", "", {"slash-taken-away", "the / at the end of the keys was taken away"}},
    [KEY_NO_SCHEME] = {"", "", {"scheme-taken-away", "the keys given here have a scheme"}},
    [KEY_NO_WWW] = {"", "", {"www-taken-away", "the keys given here begin with www."}},
    [KEY_NO_SCHEME_NO_WWW] =
        {"", "", {"scheme-and-www-taken-away", "the keys given here begin with a scheme and www."}},
    [KEY_UPPER] = {"", "", {"upper-case-keys", "the keys were turned into capital letters"}},
    [KEY_LOWER] = {"", "", {"lower-case-keys", "the keys were turned into small letters"}},
    [KEY_LF] = {"", "\n", {"lf-behind-keys", "the line end (LF) was left behind the keys"}},
    [KEY_CR] = {"", "\r", {"cr-behind-keys", "a carriage return (CR) was left behind the keys"}},
    [KEY_CRLF] = {"",
                  "\r\n",
                  {"crlf-behind-keys", "the line end (CR LF) was left behind the keys"}},
    [KEY_NUL] = {"", "", {"nul-behind-keys", "a NUL byte was left behind the keys"}},
    [KEY_QUOTED] = {"\"", "\"", {"quoted-keys", "the keys were left in quotation marks"}},
    [KEY_UTF16] = {"", "", {"utf-16-keys", "the keys were hashed as UTF-16, not UTF-8"}},
};

struct way {
    uint8_t choice[ASPECT_COUNT];
    uint8_t mistake_count;
    uint32_t found; /* of the sample */
};

struct bloom_diagnosis {
    struct bloom_params params;
    struct span bits; /* borrowed */
    double fill;
    struct seed_choice seeds[SEED_MAX];
    uint32_t bit_counts[BIT_COUNT_CHOICES];
    uint32_t hash_counts[HASH_COUNT_MAX];
    uint8_t choice_counts[ASPECT_COUNT];
    struct way *ways; /* the right one first, then by number of mistakes */
    size_t way_count;
    const struct way *best; /* NULL while the sample is taken */
    uint64_t sample_count;
    size_t sample_bytes;
    struct bytes form; /* a key in one of its forms */
    struct bloom_verdict counts;
};

/* ---- the ways ---- */

static void add_seed(struct bloom_diagnosis *diagnosis, uint32_t seed, const char *id,
                     const char *text)
{
    uint8_t *count = &diagnosis->choice_counts[ASPECT_SEED];
    for (uint8_t i = 0; i < *count; i++) {
        if (diagnosis->seeds[i].seed == seed)
            return;
    }
    diagnosis->seeds[(*count)++] = (struct seed_choice){seed, {id, text}};
}

static void add_number_spellings(struct bloom_diagnosis *diagnosis, uint32_t seed)
{
    char text[16];
    char *end;
    snprintf(text, sizeof text, "%u", seed);
    unsigned long long other = strtoull(text, NULL, 16);
    if (other <= UINT32_MAX)
        add_seed(diagnosis, (uint32_t)other, "seed-decimal-as-hex",
                 "the seed's decimal digits were read as hexadecimal");
    snprintf(text, sizeof text, "%x", seed);
    other = strtoull(text, &end, 10);
    if (*end == '\0' && other <= UINT32_MAX)
        add_seed(diagnosis, (uint32_t)other, "seed-hex-as-decimal",
                 "the seed's hexadecimal digits were read as decimal");
}

static void choose_seeds(struct bloom_diagnosis *diagnosis)
{
    const uint32_t seed = diagnosis->params.murmur_seed;
    add_seed(diagnosis, seed, NULL, NULL);
    add_seed(diagnosis, 0, "seed-zero", "the seed is 0, not the one that the filter names");
    add_seed(diagnosis, seed >> 24 | (seed >> 8 & 0xff00) | (seed << 8 & 0xff0000) | seed << 24,
             "seed-byte-swapped", "the seed's bytes are in the other order");
    add_number_spellings(diagnosis, seed);
    add_seed(diagnosis, seed > INT32_MAX ? INT32_MAX : seed, "seed-cut-to-signed",
             "the seed is cut to 2147483647, the largest signed number");
    add_seed(diagnosis, seed & INT32_MAX, "seed-without-sign-bit",
             "the seed's highest bit is lost");
    add_seed(diagnosis, ~seed + 1, "seed-negated", "the seed has the other sign");
    add_seed(diagnosis, seed & 0xffff, "seed-16-bit", "only the seed's low 16 bits are used");
    add_seed(diagnosis, UINT32_C(0x9747b28c), "seed-of-examples",
             "the seed is 0x9747b28c, the one of many examples");
    add_seed(diagnosis, 1, "seed-one", "the seed is 1, not the one that the filter names");
    add_seed(diagnosis, UINT32_C(0x811c9dc5), "seed-of-fnv", "the seed is FNV's offset basis");
}

static void choose_counts(struct bloom_diagnosis *diagnosis)
{
    const uint32_t bits = diagnosis->params.bit_count;
    const uint32_t hashes = diagnosis->params.hash_count;
    const uint64_t whole = (uint64_t)diagnosis->bits.size * 8;
    uint8_t count = 0;
    diagnosis->bit_counts[0] = bits;
    diagnosis->bit_counts[1] = whole <= UINT32_MAX ? (uint32_t)whole : bits;
    diagnosis->bit_counts[2] = bits > 1 ? bits - 1 : bits;
    diagnosis->choice_counts[ASPECT_BIT_COUNT] = BIT_COUNT_CHOICES;
    for (uint32_t fewer = 0; fewer < hashes && count < HASH_COUNT_MAX; fewer++)
        diagnosis->hash_counts[count++] = hashes - fewer;
    diagnosis->choice_counts[ASPECT_HASH_COUNT] = count;
    diagnosis->choice_counts[ASPECT_FNV] = 2;
    diagnosis->choice_counts[ASPECT_SUM] = SUM_CHOICES;
    diagnosis->choice_counts[ASPECT_ROLES] = 2;
    diagnosis->choice_counts[ASPECT_BIT_ORDER] = 2;
    diagnosis->choice_counts[ASPECT_FIRST_INDEX] = 2;
    diagnosis->choice_counts[ASPECT_KEY] = KEY_FORM_COUNT;
}

/* Appends all ways that add `left` mistakes to `way` in the aspects from `first` on; with
 * ways == NULL only counts. */
static void list_ways(struct bloom_diagnosis *diagnosis, struct way way, unsigned first,
                      unsigned left)
{
    if (left == 0) {
        if (diagnosis->ways != NULL)
            diagnosis->ways[diagnosis->way_count] = way;
        diagnosis->way_count++;
        return;
    }
    way.mistake_count++;
    for (unsigned aspect = first; aspect < ASPECT_COUNT; aspect++) {
        for (uint8_t choice = 1; choice < diagnosis->choice_counts[aspect]; choice++) {
            /* Equal counts are no mistake. */
            if (aspect == ASPECT_BIT_COUNT &&
                diagnosis->bit_counts[choice] == diagnosis->bit_counts[0])
                continue;
            way.choice[aspect] = choice;
            list_ways(diagnosis, way, aspect + 1, left - 1);
        }
        way.choice[aspect] = 0;
    }
}

static void list_all_ways(struct bloom_diagnosis *diagnosis)
{
    diagnosis->way_count = 0;
    for (unsigned mistakes = 0; mistakes <= BLOOM_MISTAKE_MAX; mistakes++)
        list_ways(diagnosis, (struct way){.found = 0}, 0, mistakes);
}

enum status bloom_diagnosis_new(const struct bloom_params *params, struct span bits,
                                struct bloom_diagnosis **ret, struct error *err)
{
    struct bloom_reader reader;
    const enum bloom_result result = bloom_reader_init(&reader, params, bits.data, bits.size);
    if (result != BLOOM_OK)
        return error_set(err, STATUS_INVALID, "%s", bloom_result_text(result));
    struct bloom_diagnosis *diagnosis = mem_alloc_zeroed(1, sizeof *diagnosis);
    if (diagnosis == NULL)
        return error_set(err, STATUS_NOMEM, "out of memory for a diagnosis");
    diagnosis->params = *params;
    diagnosis->bits = bits;
    diagnosis->fill =
        (double)bloom_count_set(bits.data, params->bit_count) / (double)params->bit_count;
    bytes_init(&diagnosis->form, KEY_MAX_BYTES);
    choose_seeds(diagnosis);
    choose_counts(diagnosis);
    list_all_ways(diagnosis);
    diagnosis->ways = mem_alloc(diagnosis->way_count, sizeof *diagnosis->ways);
    if (diagnosis->ways == NULL) {
        bloom_diagnosis_free(diagnosis);
        return error_set(err, STATUS_NOMEM, "out of memory for a diagnosis");
    }
    list_all_ways(diagnosis);
    *ret = diagnosis;
    return STATUS_OK;
}

void bloom_diagnosis_free(struct bloom_diagnosis *diagnosis)
{
    if (diagnosis == NULL)
        return;
    bytes_deinit(&diagnosis->form);
    mem_free(diagnosis->ways);
    mem_free(diagnosis);
}

/* ---- a key and its forms ---- */

static size_t scheme_size(struct span key)
{
    for (size_t i = 0; i + 3 <= key.size && i < 16; i++) {
        if (memcmp(key.data + i, "://", 3) == 0)
            return i + 3;
    }
    return 0;
}

static struct span without(struct span key, size_t size)
{
    return span_part(key, size, key.size - size);
}

static struct span without_www(struct span key)
{
    return span_starts_with(key, span_of_text("www.")) ? without(key, 4) : key;
}

static uint8_t to_upper(uint8_t c)
{
    return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static uint8_t to_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* UTF-16, little-endian; for ASCII, which keys are. */
static void widen(struct bytes *form)
{
    const size_t size = form->size;
    uint8_t *space = bytes_append_space(form, size);
    if (space == NULL)
        return;
    for (size_t i = size; i > 0; i--) {
        form->data[2 * i - 1] = 0;
        form->data[2 * i - 2] = form->data[i - 1];
    }
}

static void make_form(struct bytes *form, struct span key, enum key_form which)
{
    bytes_clear(form);
    if (which == KEY_NO_SCHEME || which == KEY_NO_SCHEME_NO_WWW)
        key = without(key, scheme_size(key));
    if (which == KEY_NO_WWW || which == KEY_NO_SCHEME_NO_WWW)
        key = without_www(key);
    if (which == KEY_NO_SLASH && key.size > 0 && key.data[key.size - 1] == '/')
        key.size--;
    bytes_append_text(form, key_forms[which].before);
    bytes_append(form, key);
    bytes_append_text(form, key_forms[which].behind);
    if (which == KEY_NUL)
        bytes_append_u8(form, 0);
    if (which == KEY_UTF16)
        widen(form);
    for (size_t i = 0; which == KEY_UPPER && i < form->size; i++)
        form->data[i] = to_upper(form->data[i]);
    for (size_t i = 0; which == KEY_LOWER && i < form->size; i++)
        form->data[i] = to_lower(form->data[i]);
}

struct hashes {
    uint32_t fnv[2];
    uint32_t murmur[SEED_MAX];
};

static uint32_t fnv1_32(struct span key)
{
    uint32_t hash = UINT32_C(0x811c9dc5);
    for (size_t i = 0; i < key.size; i++)
        hash = hash * UINT32_C(0x01000193) ^ key.data[i];
    return hash;
}

static void hash_form(const struct bloom_diagnosis *diagnosis, struct span key, struct hashes *ret)
{
    ret->fnv[0] = bloom_fnv1a_32(key.data, key.size);
    ret->fnv[1] = fnv1_32(key);
    for (uint8_t i = 0; i < diagnosis->choice_counts[ASPECT_SEED]; i++)
        ret->murmur[i] = bloom_murmur3_32(key.data, key.size, diagnosis->seeds[i].seed);
}

static bool is_found(const struct bloom_diagnosis *diagnosis, const struct way *way,
                     const struct hashes *hashes)
{
    uint32_t h1 = hashes->fnv[way->choice[ASPECT_FNV]];
    uint32_t h2 = hashes->murmur[way->choice[ASPECT_SEED]];
    const uint32_t bit_count = diagnosis->bit_counts[way->choice[ASPECT_BIT_COUNT]];
    const uint32_t hash_count = diagnosis->hash_counts[way->choice[ASPECT_HASH_COUNT]];
    const uint32_t first = way->choice[ASPECT_FIRST_INDEX];
    const unsigned flip = way->choice[ASPECT_BIT_ORDER] != 0 ? 7 : 0;
    if (way->choice[ASPECT_ROLES] != 0) {
        const uint32_t other = h1;
        h1 = h2;
        h2 = other;
    }
    for (uint32_t n = 0; n < hash_count; n++) {
        const uint32_t i = n + first;
        uint64_t sum = 0;
        switch ((enum sum)way->choice[ASPECT_SUM]) {
        case SUM_32:
            sum = (uint32_t)(h1 + i * h2); /* wraps mod 2^32, as devices do */
            break;
        case SUM_64:
            sum = h1 + (uint64_t)i * h2;
            break;
        case SUM_PRODUCT_32:
            sum = (uint64_t)h1 + (uint32_t)(i * h2);
            break;
        case SUM_CHOICES:
            break;
        }
        const uint32_t position = (uint32_t)(sum % bit_count);
        if ((diagnosis->bits.data[position >> 3] >> ((position & 7) ^ flip) & 1) == 0)
            return false;
    }
    return true;
}

/* ---- comparing ways ---- */

/* The share of keys that this way would find by chance. */
static double chance_of(const struct bloom_diagnosis *diagnosis, const struct way *way)
{
    return pow(diagnosis->fill, diagnosis->hash_counts[way->choice[ASPECT_HASH_COUNT]]);
}

/* The share of keys that this way explains: what it finds beyond chance. */
static double explained(double share, double chance)
{
    return chance < 1.0 ? (share - chance) / (1.0 - chance) : 0.0;
}

/* How surprising `found` of `count` would be by chance, as -ln of a bound for its probability
 * (Chernoff): count times the divergence of the two shares. */
static double surprise(uint64_t found, uint64_t count, double chance)
{
    const double share = (double)found / (double)count;
    if (share <= chance || chance >= 1.0)
        return 0.0;
    if (chance <= 0.0)
        return (double)INFINITY;
    double divergence = share * log(share / chance);
    if (share < 1.0)
        divergence += (1.0 - share) * log((1.0 - share) / (1.0 - chance));
    return (double)count * divergence;
}

static void choose_best(struct bloom_diagnosis *diagnosis)
{
    double best_worth = -1.0;
    for (size_t i = 0; i < diagnosis->way_count; i++) {
        const struct way *way = &diagnosis->ways[i];
        const double share = (double)way->found / (double)diagnosis->sample_count;
        const double worth = explained(share, chance_of(diagnosis, way)) -
                             MISTAKE_WORTH * (double)way->mistake_count;
        if (worth > best_worth) {
            best_worth = worth;
            diagnosis->best = way;
        }
    }
    if (diagnosis->best == NULL) /* a full filter: nothing explains more than chance */
        diagnosis->best = &diagnosis->ways[0];
    diagnosis->counts.best_count = diagnosis->best->found;
}

/* ---- the keys ---- */

static void note_form(struct bloom_verdict *counts, struct span key)
{
    const size_t scheme = scheme_size(key);
    bool has_upper = false;
    for (size_t i = 0; i < key.size; i++)
        has_upper |= key.data[i] >= 'A' && key.data[i] <= 'Z';
    const uint8_t last = key.size > 0 ? key.data[key.size - 1] : 0;
    counts->scheme_count += scheme > 0;
    counts->www_count += span_starts_with(without(key, scheme), span_of_text("www."));
    counts->upper_count += has_upper;
    counts->blank_count += last == ' ' || last == '\t' || last == '\r';
}

static enum status add_to_sample(struct bloom_diagnosis *diagnosis, struct span key,
                                 bool *ret_is_in, struct error *err)
{
    struct hashes hashes[KEY_FORM_COUNT];
    for (size_t i = 0; i < KEY_FORM_COUNT; i++) {
        make_form(&diagnosis->form, key, (enum key_form)i);
        const enum status status = bytes_status(&diagnosis->form, "a key", err);
        if (status != STATUS_OK)
            return status;
        hash_form(diagnosis, bytes_view(&diagnosis->form), &hashes[i]);
    }
    for (size_t i = 0; i < diagnosis->way_count; i++) {
        struct way *way = &diagnosis->ways[i];
        way->found += is_found(diagnosis, way, &hashes[way->choice[ASPECT_KEY]]);
    }
    *ret_is_in = is_found(diagnosis, &diagnosis->ways[0], &hashes[KEY_AS_IS]);
    diagnosis->sample_count++;
    diagnosis->sample_bytes += key.size;
    if (diagnosis->sample_count == SAMPLE_KEYS || diagnosis->sample_bytes >= SAMPLE_BYTES)
        choose_best(diagnosis);
    return STATUS_OK;
}

static enum status add_behind_sample(struct bloom_diagnosis *diagnosis, struct span key,
                                     bool *ret_is_in, struct error *err)
{
    struct hashes hashes;
    make_form(&diagnosis->form, key, (enum key_form)diagnosis->best->choice[ASPECT_KEY]);
    const enum status status = bytes_status(&diagnosis->form, "a key", err);
    if (status != STATUS_OK)
        return status;
    hash_form(diagnosis, bytes_view(&diagnosis->form), &hashes);
    diagnosis->counts.best_count += is_found(diagnosis, diagnosis->best, &hashes);
    hash_form(diagnosis, key, &hashes);
    *ret_is_in = is_found(diagnosis, &diagnosis->ways[0], &hashes);
    return STATUS_OK;
}

enum status bloom_diagnosis_add(struct bloom_diagnosis *diagnosis, struct span key, bool *ret_is_in,
                                struct error *err)
{
    bool is_in = false;
    const enum status status = diagnosis->best == NULL
                                   ? add_to_sample(diagnosis, key, &is_in, err)
                                   : add_behind_sample(diagnosis, key, &is_in, err);
    if (status != STATUS_OK)
        return status;
    struct bloom_verdict *counts = &diagnosis->counts;
    counts->key_count++;
    counts->right_count += is_in;
    note_form(counts, key);
    *ret_is_in = is_in;
    return STATUS_OK;
}

/* ---- the verdict ---- */

static void name_mistakes(const struct bloom_diagnosis *diagnosis, struct bloom_verdict *verdict)
{
    static const struct bloom_mistake fewer_hashes = {
        "fewer-hashes", "fewer positions a key were set than hashCount says"};
    const struct way *way = diagnosis->best;
    unsigned count = 0;
    for (uint8_t aspect = 0; aspect < ASPECT_COUNT; aspect++) {
        const uint8_t choice = way->choice[aspect];
        if (choice == 0)
            continue;
        struct bloom_mistake *mistake = &verdict->mistakes[count++];
        if (aspect == ASPECT_SEED)
            *mistake = diagnosis->seeds[choice].text;
        else if (aspect == ASPECT_KEY)
            *mistake = key_forms[choice].text;
        else if (aspect == ASPECT_HASH_COUNT)
            *mistake = fewer_hashes;
        for (size_t i = 0; i < ARRAY_COUNT(choice_texts); i++) {
            if (choice_texts[i].aspect == aspect && choice_texts[i].choice == choice)
                *mistake = choice_texts[i].text;
        }
    }
    verdict->mistake_count = count;
}

static bool is_half(uint64_t part, uint64_t whole)
{
    return part >= whole - part;
}

enum status bloom_diagnosis_finish(struct bloom_diagnosis *diagnosis, struct bloom_verdict *ret,
                                   struct error *err)
{
    struct bloom_verdict verdict = diagnosis->counts;
    const uint64_t count = verdict.key_count;
    if (count == 0)
        return error_set(err, STATUS_INVALID, "there is no key to ask for");
    if (diagnosis->best == NULL) {
        /* Undone below, so that more keys may follow. */
        choose_best(diagnosis);
        verdict.best_count = diagnosis->counts.best_count;
        name_mistakes(diagnosis, &verdict);
        verdict.chance_best = chance_of(diagnosis, diagnosis->best);
        diagnosis->best = NULL;
    } else {
        name_mistakes(diagnosis, &verdict);
        verdict.chance_best = chance_of(diagnosis, diagnosis->best);
    }
    verdict.chance_right = chance_of(diagnosis, &diagnosis->ways[0]);
    const double right = (double)verdict.right_count / (double)count;
    const double best = (double)verdict.best_count / (double)count;
    /* Each of the ways had its chance to look good. */
    const double needed = ONE_IN_A_MILLION + log((double)diagnosis->way_count);
    const double best_surprise = surprise(verdict.best_count, count, verdict.chance_best);
    const double right_surprise = surprise(verdict.right_count, count, verdict.chance_right);

    verdict.is_certain = right_surprise >= ONE_IN_A_MILLION;
    if (verdict.right_count == count) {
        const bool is_unasked =
            is_half(verdict.scheme_count, count) || is_half(verdict.www_count, count) ||
            is_half(verdict.upper_count, count) || is_half(verdict.blank_count, count);
        verdict.finding = is_unasked ? BLOOM_FOUND_UNASKED_KEYS : BLOOM_FOUND_RIGHT;
        verdict.mistake_count = 0;
        verdict.best_count = count;
        verdict.chance_best = verdict.chance_right;
    } else if (verdict.mistake_count > 0 && best_surprise >= needed &&
               explained(best, verdict.chance_best) >= ENOUGH_EXPLAINED) {
        verdict.finding = BLOOM_FOUND_MISTAKE;
        verdict.is_certain = true;
    } else if (right_surprise >= ONE_IN_A_MILLION &&
               explained(right, verdict.chance_right) >= ENOUGH_EXPLAINED) {
        verdict.finding = BLOOM_FOUND_MISSING;
    } else if (surprise(count, count, verdict.chance_best) < needed) {
        /* Even if all keys had been found it would have said nothing. */
        verdict.finding = BLOOM_FOUND_TOO_FEW;
        verdict.is_certain = false;
    } else {
        verdict.finding = BLOOM_FOUND_NOTHING;
    }
    *ret = verdict;
    return STATUS_OK;
}
