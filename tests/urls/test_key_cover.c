#include "urls/key_cover.h"

#include "base/mem.h"
#include "base/random.h"
#include "urls/row_set.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct url url;
static struct key_cover_workspace workspace;

/* ---- a small world: all its URLs, all their sub-URLs, and which URL has which ---- */

#define PATH_MAX_BYTES 5
/* Keys with longer paths may be told apart only by URLs that are not in this world. */
#define KEY_PATH_MAX_BYTES 3

static const char *const hosts[] = {"c",       "b.c",         "a.b.c",   "x.a.b.c", "xb.c",
                                    "www.b.c", "www.www.b.c", "1.2.3.4", "5.1.2.3", "[::1]"};
static const char *const schemes[] = {"http://", "https://"};
static const char *const ports[] = {"", ":8080"};
static const char *const tails[] = {"", "?q", "?r", "#f", "?q#f", "?q#g"};

struct world {
    struct row_set *keys; /* all sub-URLs */
    size_t url_count;
    size_t words;    /* of a set of URLs */
    uint64_t *urls;  /* [keys][words]: which URLs have it */
    bool *is_tested; /* [keys]: a sub-URL of a URL with a short path */
    bool *is_canonical;
};
static struct world world;

static size_t index_of(struct span key)
{
    size_t low = 0;
    size_t high = row_set_count(world.keys);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = span_compare(row_set_at(world.keys, middle), key);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

static enum status add_key(void *context, struct span key, struct error *err)
{
    (void)context;
    return row_set_add(world.keys, key, err);
}

static enum status mark_key(void *context, struct span key, struct error *err)
{
    const bool *is_tested = context;
    const size_t index = index_of(key);
    (void)err;
    world.urls[index * world.words + world.url_count / 64] |= UINT64_C(1) << world.url_count % 64;
    world.is_tested[index] = world.is_tested[index] || *is_tested;
    return STATUS_OK;
}

static void each_path(const char *authority, url_visit *visit)
{
    for (unsigned size = 1; size <= PATH_MAX_BYTES; size++) {
        for (unsigned bits = 0; bits < 1U << (size - 1); bits++) {
            char path[PATH_MAX_BYTES + 1] = "/";
            for (unsigned i = 1; i < size; i++)
                path[i] = (bits >> (i - 1) & 1) != 0 ? 'a' : '/';
            for (size_t tail = 0; tail < ARRAY_COUNT(tails); tail++) {
                char text[64];
                snprintf(text, sizeof text, "%s%s%s", authority, path, tails[tail]);
                cr_assert_eq(url_parse(span_of_text(text), &url), DROP_NONE, "%s", text);
                bool is_tested = size <= KEY_PATH_MAX_BYTES;
                cr_assert_eq(url_expand(&url, visit, &is_tested, NULL), STATUS_OK);
                world.url_count++;
            }
        }
    }
}

static void each_url(url_visit *visit)
{
    world.url_count = 0;
    for (size_t host = 0; host < ARRAY_COUNT(hosts); host++) {
        for (size_t scheme = 0; scheme < ARRAY_COUNT(schemes); scheme++) {
            for (size_t port = 0; port < ARRAY_COUNT(ports); port++) {
                char authority[48];
                snprintf(authority, sizeof authority, "%s%s%s", schemes[scheme], hosts[host],
                         ports[port]);
                each_path(authority, visit);
            }
        }
    }
}

static bool is_canonical(struct span key)
{
    char longer[64]; /* "www.b.c" is the key of "www.www.b.c" */
    const int size = snprintf(longer, sizeof longer, "www.%.*s", (int)key.size, key.data);
    return (url_parse(key, &url) == DROP_NONE && span_equal(url_key(&url), key)) ||
           (url_parse(span_of(longer, (size_t)size), &url) == DROP_NONE && url.had_www &&
            span_equal(url_key(&url), key));
}

static void make_world(void)
{
    cr_assert_eq(row_set_new(&world.keys, NULL), STATUS_OK);
    each_url(add_key);
    cr_assert_eq(row_set_finish(world.keys, NULL, NULL), STATUS_OK);
    const size_t count = row_set_count(world.keys);
    world.words = world.url_count / 64 + 1;
    world.urls = mem_alloc_zeroed(count * world.words, sizeof *world.urls);
    world.is_tested = mem_alloc_zeroed(count, sizeof *world.is_tested);
    world.is_canonical = mem_alloc_zeroed(count, sizeof *world.is_canonical);
    cr_assert(world.urls != NULL && world.is_tested != NULL && world.is_canonical != NULL);
    each_url(mark_key);
    for (size_t i = 0; i < count; i++)
        world.is_canonical[i] = is_canonical(row_set_at(world.keys, i));
}

static void free_world(void)
{
    row_set_free(world.keys);
    mem_free(world.urls);
    mem_free(world.is_tested);
    mem_free(world.is_canonical);
}

/* By the definition: no URL has `key` and not `cover`. */
static bool truly_covers(size_t cover, size_t key)
{
    const uint64_t *has_cover = world.urls + cover * world.words;
    const uint64_t *has_key = world.urls + key * world.words;
    for (size_t i = 0; i < world.words; i++) {
        if ((has_key[i] & ~has_cover[i]) != 0)
            return false;
    }
    return true;
}

struct seen {
    size_t count;
    size_t at[64];
};

static bool see(void *context, struct span cover, size_t host_size)
{
    struct seen *seen = context;
    cr_assert_eq(host_size, key_host_size(cover));
    cr_assert_lt(seen->count, ARRAY_COUNT(seen->at));
    seen->at[seen->count] = index_of(cover);
    cr_assert_neq(seen->at[seen->count], SIZE_MAX, "%.*s", (int)cover.size, cover.data);
    seen->count++;
    return false;
}

TestSuite(key_cover, .init = make_world, .fini = free_world);

/* key_covers() says what the generator of sub-URLs does, for every pair of keys. */
Test(key_cover, is_what_the_generator_does)
{
    const size_t count = row_set_count(world.keys);
    size_t pairs = 0;
    size_t covers = 0;
    for (size_t key = 0; key < count; key++) {
        for (size_t cover = 0; cover < count && world.is_tested[key]; cover++) {
            if (!world.is_tested[cover])
                continue;
            const struct span a = row_set_at(world.keys, cover);
            const struct span b = row_set_at(world.keys, key);
            const bool expected = truly_covers(cover, key);
            cr_assert_eq(key_covers(a, b), expected, "%.*s covers %.*s? %d", (int)a.size, a.data,
                         (int)b.size, b.data, expected);
            pairs++;
            covers += expected;
        }
    }
    cr_expect_gt(pairs, 1000000);
    cr_expect_gt(covers, 10000);
}

/* The walk finds all canonical covers, widest first. */
Test(key_cover, walk_finds_all_covers)
{
    const size_t count = row_set_count(world.keys);
    for (size_t key = 0; key < count; key++) {
        if (!world.is_tested[key])
            continue;
        const struct span text = row_set_at(world.keys, key);
        struct seen seen = {.count = 0};
        cr_assert_not(key_cover_each(text, &workspace, see, &seen));
        size_t expected = 0;
        for (size_t i = 0; i < count; i++)
            expected += i != key && world.is_canonical[i] && truly_covers(i, key);
        cr_assert_eq(seen.count, expected, "%.*s has %zu covers, not %zu", (int)text.size,
                     text.data, expected, seen.count);
        for (size_t i = 0; i < seen.count; i++) {
            cr_assert(world.is_canonical[seen.at[i]] && truly_covers(seen.at[i], key));
            for (size_t j = 0; j < i; j++)
                cr_assert_not(truly_covers(seen.at[i], seen.at[j]), "%.*s: %zu, %zu",
                              (int)text.size, text.data, i, j);
        }
    }
}

/* ---- cases for people ---- */

struct pair {
    const char *cover;
    const char *key;
};

Test(key_cover_cases, covers)
{
    static const struct pair pairs[] = {
        {"example.com", "a.example.com/x"},
        {"example.com", "example.com:8080/x?q#f"},
        {"example.com/x", "a.example.com/x/y?q"},
        {"example.com/x", "example.com/x?q"},
        {"example.com/x/", "example.com/x"},
        {"example.com:81", "a.example.com:81/x"},
        {"a.com/x?q", "b.a.com/x?q#f"},
        {"a.com/?q", "a.com?q"},
        {"192.0.2.1", "192.0.2.1:80/x"},
        {"[2001:db8::1]", "[2001:db8::1]:80/x"},
        {"co.uk", "example.co.uk"},
        {"a.com", "a.com"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++)
        cr_expect(key_covers(span_of_text(pairs[i].cover), span_of_text(pairs[i].key)),
                  "%s covers %s", pairs[i].cover, pairs[i].key);
}

Test(key_cover_cases, does_not_cover)
{
    static const struct pair pairs[] = {
        {"example.com", "badexample.com"},
        {"com", "example.com"},
        {"example.com/x", "example.com"},
        {"example.com/x", "example.com/xy"},
        {"example.com:81", "example.com"},
        {"example.com:81", "example.com:811"},
        {"a.example.com", "example.com/x"},
        {"a.com/x?q", "a.com/x?qq"},
        {"a.com/x?q#f", "a.com/x?q"},
        {"a.com/x#f", "a.com/x?q#f"},
        {"a.com/x?q", "a.com/x/?q"},
        {"a.com/x?q", "a.com/x/y?q"},
        {"a.com//", "a.com/"},
        {"3.4", "1.2.3.4"},
        {"2.3.4.5", "1.2.3.4.5"},
        {"", "a.com"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++)
        cr_expect_not(key_covers(span_of_text(pairs[i].cover), span_of_text(pairs[i].key)),
                      "%s does not cover %s", pairs[i].cover, pairs[i].key);
}

/* A visit that is content ends the walk. */
static bool stop(void *context, struct span cover, size_t host_size)
{
    (void)host_size;
    struct span *first = context;
    *first = cover;
    return true;
}

Test(key_cover_cases, walk_ends_when_told)
{
    struct span first = {0};
    cr_assert(key_cover_each(span_of_text("a.b.example.com/x"), &workspace, stop, &first));
    cr_assert(span_equal(first, span_of_text("example.com")));
    cr_assert_not(key_cover_each(span_of_text("example.com"), &workspace, stop, &first));
    cr_assert_not(key_cover_each(span_of_text(""), &workspace, stop, &first));
}

static bool check_cover(void *context, struct span cover, size_t host_size)
{
    const struct span *key = context;
    cr_assert_leq(host_size, cover.size);
    cr_assert(key_covers(cover, *key), "%.*s, %.*s", (int)cover.size, cover.data, (int)key->size,
              key->data);
    return false;
}

static bool look_at_cover(void *context, struct span cover, size_t host_size)
{
    unsigned *sum = context;
    cr_assert_leq(host_size, cover.size);
    for (size_t i = 0; i < cover.size; i++)
        *sum += cover.data[i];
    return false;
}

/* Any bytes: nothing is read or written out of bounds, and the two agree, as long as no host looks
 * like an address in its middle. */
Test(key_cover_cases, any_bytes)
{
    struct random_seeded random;
    random_seeded_init(&random, (const uint8_t[RANDOM_SEED_BYTES]){7});
    for (unsigned round = 0; round < 100000; round++) {
        const size_t size = random_seeded_below(&random, 24);
        uint8_t *bytes = mem_alloc(size + 1, 1); /* exact, for the sanitizers */
        cr_assert_not_null(bytes);
        const bool has_addresses = round % 2 != 0;
        for (size_t i = 0; i < size; i++)
            bytes[i] =
                (uint8_t) "ab./:?#[]19"[random_seeded_below(&random, has_addresses ? 11 : 7)];
        struct span key = span_of(bytes, size);
        unsigned sum = 0;
        cr_assert(key_covers(key, key));
        key_cover_each(key, &workspace, look_at_cover, &sum);
        if (!has_addresses)
            key_cover_each(key, &workspace, check_cover, &key);
        mem_free(bytes);
    }
    static uint8_t longest[KEY_MAX_BYTES + 1];
    memset(longest, 'a', sizeof longest);
    longest[1] = '.';
    longest[3] = ':';
    longest[5] = '?';
    struct span key = span_of(longest, KEY_MAX_BYTES);
    cr_assert_not(key_cover_each(key, &workspace, check_cover, &key));
    key.size++;
    cr_assert_not(key_cover_each(key, &workspace, stop, &key));
}
