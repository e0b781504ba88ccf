#include "lists/key_selection.h"

#include "base/mem.h"
#include "urls/key_cover.h"
#include "urls/url.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct public_suffixes *suffixes;
static struct url url;

static void make_suffixes(void)
{
    cr_assert_eq(public_suffixes_new(&suffixes, NULL), STATUS_OK);
}
static void free_suffixes(void)
{
    public_suffixes_free(suffixes);
}
TestSuite(key_selection, .init = make_suffixes, .fini = free_suffixes);

/* Of words between blanks. */
static struct key_table *table_of(const char *words)
{
    struct key_table *table = NULL;
    cr_assert_eq(key_table_new(&table, NULL), STATUS_OK);
    uint32_t line = 0;
    for (const char *at = words; *at != '\0';) {
        const size_t size = strcspn(at, " ");
        const struct key_origin origin = {.source = 0, .line = ++line};
        cr_assert_eq(key_table_add(table, span_of(at, size), origin, NULL), STATUS_OK);
        at += size + strspn(at + size, " ");
    }
    cr_assert_eq(key_table_finish(table, NULL, NULL), STATUS_OK);
    return table;
}

static struct key_selection *select_keys(const struct key_tables *tables,
                                         const struct key_selection_options *options,
                                         struct thread_pool *pool)
{
    struct key_selection *selection = NULL;
    struct random_seeded seeded;
    const struct random_source random =
        random_seeded_init(&seeded, (const uint8_t[RANDOM_SEED_BYTES]){5});
    cr_assert_eq(key_selection_new(tables, options, suffixes, &random, pool, &selection, NULL),
                 STATUS_OK);
    return selection;
}

static void append(char *text, size_t capacity, const char *format, const char *word,
                   struct span key)
{
    const size_t used = strlen(text);
    cr_assert_lt(used, capacity);
    snprintf(text + used, capacity - used, format, word, (int)key.size, key.data);
}

struct scenario {
    const char *block;
    const char *allow;
    const char *cancel;
    const char *fates;     /* what is not kept, with what took it away */
    const char *conflicts; /* allow keys with their parents; + = solved */
};

static void check(const struct scenario *scenario, const struct key_selection_options *options)
{
    struct key_table *block = table_of(scenario->block);
    struct key_table *allow = table_of(scenario->allow);
    struct key_table *cancel = table_of(scenario->cancel);
    const struct key_tables tables = {.block = block, .allow = allow, .cancel = cancel};
    const struct key_table *const takers[KEY_FATE_COUNT] = {NULL, cancel, allow, allow, block};
    struct key_selection *selection = select_keys(&tables, options, NULL);
    char fates[512] = "";
    size_t counts[KEY_FATE_COUNT] = {0};
    for (size_t i = 0; i < key_table_count(block); i++) {
        size_t by = 0;
        const enum key_fate fate = key_selection_fate(selection, i, &by);
        counts[fate]++;
        cr_assert_eq(by == KEY_TABLE_NONE, fate == KEY_KEPT);
        if (fate == KEY_KEPT)
            continue;
        append(fates, sizeof fates, "%s%.*s ", "", key_table_at(block, i));
        append(fates, sizeof fates, "%s %.*s; ", key_fate_names[fate],
               key_table_at(takers[fate], by));
    }
    cr_expect_str_eq(fates, scenario->fates, "%s - %s: %s", scenario->block, scenario->allow,
                     fates);
    for (int fate = 0; fate < KEY_FATE_COUNT; fate++)
        cr_expect_eq(key_selection_count(selection, (enum key_fate)fate), counts[fate]);
    char conflicts[512] = "";
    for (size_t i = 0; i < key_selection_conflict_count(selection); i++) {
        const struct key_conflict conflict = key_selection_conflict(selection, i);
        append(conflicts, sizeof conflicts, "%s%.*s ", conflict.is_solved ? "+" : "",
               key_table_at(allow, conflict.allow));
        append(conflicts, sizeof conflicts, "%s%.*s; ", "", key_table_at(block, conflict.parent));
    }
    cr_expect_str_eq(conflicts, scenario->conflicts, "%s - %s: %s", scenario->block,
                     scenario->allow, conflicts);
    key_selection_free(selection);
    key_table_free(block);
    key_table_free(allow);
    key_table_free(cancel);
}

Test(key_selection, what_becomes_of_keys)
{
    static const struct scenario scenarios[] = {
        {"", "", "", "", ""},
        {"a.com b.com", "", "", "", ""},
        {"a.com x.a.com y.x.a.com/p", "", "", "x.a.com covered a.com; y.x.a.com/p covered a.com; ",
         ""},
        {"a.com/p a.com/p/q b.a.com/p/q?r a.com/pq", "", "",
         "a.com/p/q covered a.com/p; b.a.com/p/q?r covered a.com/p; ", ""},
        {"a.com:81 a.com:81/x a.com/x", "", "", "a.com:81/x covered a.com/x; ", ""},
        /* The hoster's customers stay: devices may ask from the registrable domain up only. */
        {"github.io a.github.io github.io/x", "", "", "github.io/x covered github.io; ", ""},
        {"co.uk/x a.co.uk/x", "", "", "", ""},
        /* Cancelled: that very key. */
        {"a.com x.a.com", "", "a.com", "a.com cancelled a.com; ", ""},
        {"a.com", "", "x.a.com b.com", "", ""},
        /* Allowed: the key and all below. */
        {"a.com x.a.com/p b.com", "a.com", "", "a.com allowed a.com; x.a.com/p allowed a.com; ",
         ""},
        {"a.com/x a.com/x/y a.com/z", "a.com/x", "",
         "a.com/x allowed a.com/x; a.com/x/y allowed a.com/x; ", ""},
        /* What is cancelled or allowed covers nothing. */
        {"a.com x.a.com", "a.com b.a.com", "", "a.com allowed a.com; x.a.com allowed a.com; ", ""},
        {"a.com/x b.a.com/x/y", "", "a.com/x", "a.com/x cancelled a.com/x; ", ""},
        /* Parents. */
        {"a.com x.a.com", "x.a.com", "", "x.a.com allowed x.a.com; ", "x.a.com a.com; "},
        {"a.com y.x.a.com x.a.com", "z.y.x.a.com", "",
         "x.a.com covered a.com; y.x.a.com covered a.com; ",
         "z.y.x.a.com a.com; z.y.x.a.com x.a.com; z.y.x.a.com y.x.a.com; "},
        /* Neither is above the other. */
        {"a.com/x", "b.a.com", "", "", ""},
        {"b.a.com", "a.com/x", "", "", ""},
    };
    const struct key_selection_options options = {.keep_covered = false};
    for (size_t i = 0; i < ARRAY_COUNT(scenarios); i++)
        check(&scenarios[i], &options);
}

Test(key_selection, parents_are_split_when_children_are_named)
{
    static const struct scenario scenarios[] = {
        {"a.com ads.a.com a.com/p x.a.com", "x.a.com", "",
         "a.com split x.a.com; x.a.com allowed x.a.com; ", "+x.a.com a.com; "},
        /* No other child: the parent stays. */
        {"a.com x.a.com", "x.a.com", "", "x.a.com allowed x.a.com; ", "x.a.com a.com; "},
        /* One of two parents has no child that stays: none is split for its sake. */
        {"a.com b.a.com y.a.com", "x.b.a.com", "", "b.a.com covered a.com; y.a.com covered a.com; ",
         "x.b.a.com a.com; x.b.a.com b.a.com; "},
        {"a.com b.a.com y.b.a.com", "x.b.a.com", "",
         "a.com split x.b.a.com; b.a.com split x.b.a.com; ",
         "+x.b.a.com a.com; +x.b.a.com b.a.com; "},
        /* Another allow key is worth it. */
        {"a.com b.a.com y.a.com", "x.b.a.com z.a.com", "", "a.com split z.a.com; ",
         "x.b.a.com a.com; x.b.a.com b.a.com; +z.a.com a.com; "},
    };
    const struct key_selection_options options = {.split_parents = true};
    for (size_t i = 0; i < ARRAY_COUNT(scenarios); i++)
        check(&scenarios[i], &options);
}

Test(key_selection, covered_keys_stay_on_request)
{
    static const struct scenario scenario = {"a.com x.a.com y.a.com", "y.a.com", "",
                                             "y.a.com allowed y.a.com; ", "y.a.com a.com; "};
    const struct key_selection_options options = {.keep_covered = true};
    check(&scenario, &options);
}

/* An allow key still removes what lies below it. */
Test(key_selection, flat_keys_block_nothing_below_them)
{
    static const struct scenario scenario = {"a.com x.a.com y.a.com z.b.com", "c.x.a.com b.com", "",
                                             "z.b.com allowed b.com; ", ""};
    const struct key_selection_options options = {.split_parents = true, .is_flat = true};
    check(&scenario, &options);
}

/* ---- keys and URLs near each other ---- */

static struct random_seeded chance;

static const char *pick(const char *const *words, size_t count)
{
    return words[random_seeded_below(&chance, count)];
}

/* Few words, so that parents, children and neighbours are common. */
static size_t random_url(char *text, size_t capacity, bool has_scheme)
{
    static const char *const schemes[] = {"http://", "https://"};
    static const char *const names[] = {"a", "b", "c", "ads", "www"};
    static const char *const bases[] = {"one.com",   "two.com",        "three.co.uk",
                                        "co.uk",     "four.github.io", "github.io",
                                        "192.0.2.1", "[2001:db8::1]"};
    static const char *const ports[] = {"", "", "", "", ":80", ":443", ":8080"};
    static const char *const steps[] = {"/x", "/y", "/long", "/x.js", "/"};
    static const char *const tails[] = {"", "", "", "?q=1", "?q=2", "#f", "?q=1#f"};
    const char *base = bases[random_seeded_below(&chance, ARRAY_COUNT(bases))];
    size_t size = 0;
    if (has_scheme)
        size += (size_t)snprintf(text, capacity, "%s", pick(schemes, ARRAY_COUNT(schemes)));
    for (uint64_t i = random_seeded_below(&chance, 4); i > 1 && base[0] > '9' && base[0] != '[';
         i--)
        size +=
            (size_t)snprintf(text + size, capacity - size, "%s.", pick(names, ARRAY_COUNT(names)));
    size += (size_t)snprintf(text + size, capacity - size, "%s%s", base,
                             pick(ports, ARRAY_COUNT(ports)));
    for (uint64_t i = random_seeded_below(&chance, 5); i > 1; i--)
        size +=
            (size_t)snprintf(text + size, capacity - size, "%s", pick(steps, ARRAY_COUNT(steps)));
    size += (size_t)snprintf(text + size, capacity - size, "%s", pick(tails, ARRAY_COUNT(tails)));
    cr_assert_lt(size, capacity);
    return size;
}

static struct key_table *random_table(size_t count)
{
    struct key_table *table = NULL;
    cr_assert_eq(key_table_new(&table, NULL), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        char text[128];
        const size_t size = random_url(text, sizeof text, false);
        cr_assert_eq(url_parse(span_of(text, size), &url), DROP_NONE, "%s", text);
        const struct key_origin origin = {.source = 0, .line = (uint32_t)i + 1};
        cr_assert_eq(key_table_add(table, url_key(&url), origin, NULL), STATUS_OK);
    }
    cr_assert_eq(key_table_finish(table, NULL, NULL), STATUS_OK);
    return table;
}

struct verdict {
    const struct key_table *table;
    const struct key_selection *selection; /* NULL = all keys */
    bool from_registrable;                 /* the other reading of what devices do */
    size_t host_size;
    bool is_denied;
};

static enum status ask(void *context, struct span sub_url, struct error *err)
{
    struct verdict *verdict = context;
    (void)err;
    const size_t host_size = key_host_size(sub_url);
    if (verdict->from_registrable && host_size < verdict->host_size &&
        public_suffixes_kind(suffixes, span_part(sub_url, 0, host_size)) != PUBLIC_SUFFIX_NONE)
        return STATUS_OK;
    const size_t key = key_table_find(verdict->table, sub_url);
    verdict->is_denied =
        verdict->is_denied ||
        (key != KEY_TABLE_NONE && (verdict->selection == NULL ||
                                   key_selection_fate(verdict->selection, key, NULL) == KEY_KEPT));
    return STATUS_OK;
}

static bool is_denied(const struct key_table *table, const struct key_selection *selection,
                      bool from_registrable)
{
    struct verdict verdict = {.table = table,
                              .selection = selection,
                              .from_registrable = from_registrable,
                              .host_size = url.host_size};
    cr_assert_eq(url_expand(&url, ask, &verdict, NULL), STATUS_OK);
    return verdict.is_denied;
}

/* Pruned or not, the verdict on each of 100,000 URLs is the same, wherever devices begin to ask. */
Test(key_selection, pruning_changes_no_verdict)
{
    random_seeded_init(&chance, (const uint8_t[RANDOM_SEED_BYTES]){1});
    const struct key_selection_options options = {.keep_covered = false};
    size_t denied = 0;
    size_t covered = 0;
    for (unsigned round = 0; round < 20; round++) {
        struct key_table *table = random_table(10U << round % 4);
        const struct key_tables tables = {.block = table};
        struct key_selection *selection = select_keys(&tables, &options, NULL);
        covered += key_selection_count(selection, KEY_COVERED);
        for (unsigned i = 0; i < 5000; i++) {
            char text[128];
            const size_t size = random_url(text, sizeof text, true);
            cr_assert_eq(url_parse(span_of(text, size), &url), DROP_NONE, "%s", text);
            for (int from_registrable = 0; from_registrable < 2; from_registrable++)
                cr_assert_eq(is_denied(table, NULL, from_registrable != 0),
                             is_denied(table, selection, from_registrable != 0), "%s, %d", text,
                             from_registrable);
            denied += is_denied(table, NULL, false);
        }
        key_selection_free(selection);
        key_table_free(table);
    }
    cr_expect(denied > 20000 && denied < 80000, "%zu of 100000 URLs were denied", denied);
    cr_expect_gt(covered, 50);
}

static bool has_other_host(struct span cover, struct span key)
{
    return key_host_size(cover) != key_host_size(key);
}

/* Against all pairs of keys. */
Test(key_selection, agrees_with_the_definition)
{
    random_seeded_init(&chance, (const uint8_t[RANDOM_SEED_BYTES]){2});
    const struct key_selection_options options = {.keep_covered = false};
    struct key_table *block = random_table(1000);
    struct key_table *allow = random_table(5);
    struct key_table *cancel = random_table(20);
    const struct key_tables tables = {.block = block, .allow = allow, .cancel = cancel};
    struct key_selection *selection = select_keys(&tables, &options, NULL);
    size_t seen[KEY_FATE_COUNT] = {0};
    for (size_t i = 0; i < key_table_count(block); i++) {
        const struct span key = key_table_at(block, i);
        enum key_fate expected = KEY_KEPT;
        for (size_t j = 0; j < key_table_count(block); j++) {
            const struct span cover = key_table_at(block, j);
            const enum key_fate fate = key_selection_fate(selection, j, NULL);
            const bool is_suffix =
                public_suffixes_kind(suffixes, span_part(cover, 0, key_host_size(cover))) !=
                PUBLIC_SUFFIX_NONE;
            if (j != i && (fate == KEY_KEPT || fate == KEY_COVERED) && key_covers(cover, key) &&
                !(is_suffix && has_other_host(cover, key)))
                expected = KEY_COVERED;
        }
        for (size_t j = 0; j < key_table_count(allow); j++) {
            if (key_covers(key_table_at(allow, j), key))
                expected = KEY_ALLOWED;
        }
        if (key_table_find(cancel, key) != KEY_TABLE_NONE)
            expected = KEY_CANCELLED;
        size_t by = 0;
        cr_assert_eq(key_selection_fate(selection, i, &by), expected, "%.*s", (int)key.size,
                     key.data);
        if (expected == KEY_COVERED) {
            cr_assert_eq(key_selection_fate(selection, by, NULL), KEY_KEPT, "by what is kept");
            cr_assert(key_covers(key_table_at(block, by), key));
        }
        seen[expected]++;
    }
    for (int fate = 0; fate < KEY_FATE_COUNT; fate++)
        cr_expect(seen[fate] > 0 || fate == KEY_SPLIT, "%s", key_fate_names[fate]);
    size_t expected_conflicts = 0;
    for (size_t i = 0; i < key_table_count(allow); i++) {
        for (size_t j = 0; j < key_table_count(block); j++) {
            const enum key_fate fate = key_selection_fate(selection, j, NULL);
            expected_conflicts += (fate == KEY_KEPT || fate == KEY_COVERED) &&
                                  key_covers(key_table_at(block, j), key_table_at(allow, i));
        }
    }
    cr_expect_eq(key_selection_conflict_count(selection), expected_conflicts);
    key_selection_free(selection);
    key_table_free(block);
    key_table_free(allow);
    key_table_free(cancel);
}

/* On a pool the same comes out; and what is kept can be taken as rows. */
Test(key_selection, threads_change_nothing)
{
    random_seeded_init(&chance, (const uint8_t[RANDOM_SEED_BYTES]){4});
    const struct key_selection_options options = {.split_parents = true};
    struct thread_pool *pool = NULL;
    cr_assert_eq(thread_pool_new(3, 1, &pool, NULL), STATUS_OK);
    struct key_table *block = random_table(60000);
    struct key_table *allow = random_table(300);
    const struct key_tables tables = {.block = block, .allow = allow};
    struct key_selection *alone = select_keys(&tables, &options, NULL);
    struct key_selection *together = select_keys(&tables, &options, pool);
    struct row_set *rows = NULL;
    cr_assert_eq(row_set_new(&rows, NULL), STATUS_OK);
    cr_assert_eq(key_selection_add_rows(together, rows, NULL), STATUS_OK);
    cr_assert_eq(row_set_finish(rows, NULL, NULL), STATUS_OK);
    cr_expect_eq(row_set_count(rows), key_selection_count(together, KEY_KEPT));
    for (size_t i = 0; i < key_table_count(block); i++) {
        size_t by = 0;
        size_t by_alone = 0;
        const enum key_fate fate = key_selection_fate(together, i, &by);
        cr_assert_eq(fate, key_selection_fate(alone, i, &by_alone));
        cr_assert_eq(by, by_alone);
        cr_assert_eq(row_set_has(rows, key_table_at(block, i)), fate == KEY_KEPT);
    }
    row_set_free(rows);
    key_selection_free(alone);
    key_selection_free(together);
    key_table_free(block);
    key_table_free(allow);
    thread_pool_free(pool);
}

Test(key_selection, every_failed_allocation_is_reported)
{
    struct key_table *block = table_of("a.com x.a.com y.a.com");
    struct key_table *allow = table_of("x.a.com");
    const struct key_tables tables = {.block = block, .allow = allow};
    const struct key_selection_options options = {.split_parents = true};
    const struct random_source random = random_system();
    size_t n = 0;
    bool is_pending = false;
    while (!is_pending) {
        struct key_selection *selection = NULL;
        mem_fail_nth(++n);
        const enum status status =
            key_selection_new(&tables, &options, suffixes, &random, NULL, &selection, NULL);
        is_pending = mem_fail_pending();
        mem_fail_nth(0);
        cr_expect_eq(status, is_pending ? STATUS_OK : STATUS_NOMEM, "allocation %zu", n);
        key_selection_free(selection);
    }
    cr_expect_gt(n, 9);
    key_table_free(block);
    key_table_free(allow);
}
