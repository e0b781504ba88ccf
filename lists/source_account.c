#include "lists/source_account.h"

#include "base/mem.h"
#include "lists/origins_file.h"

#define DUPLICATE KEY_FATE_COUNT /* one more fate, of an entry whose key another had before */
#define OUTCOMES  (KEY_FATE_COUNT + 1)

struct accounting {
    const struct source_set *set;
    const struct key_tables *tables;
    const struct key_selection *selection;
    struct dataset_source *sources;
    struct dataset_report *report;
    uint64_t (*counts)[OUTCOMES]; /* a source's: the entries that came first, by fate; samples of
                                   * duplicates */
    uint64_t *overlap;            /* [overlap_size * overlap_size], a < b at a * size + b */
    size_t overlap_size;          /* 0 = too many sources */
};

static struct dataset_report_place place_of(const struct accounting *work,
                                            const struct key_table *table, size_t key,
                                            size_t number)
{
    const struct key_origin origin = key_table_origin(table, key, number);
    return (struct dataset_report_place){.key = key_table_at(table, key),
                                         .source = source_set_item(work->set, origin.source)->name,
                                         .line = origin.line};
}

static const struct key_table *table_of(const struct accounting *work, enum origins_table table)
{
    const struct key_table *const tables[ORIGINS_TABLE_COUNT] = {
        work->tables->block, work->tables->allow, work->tables->cancel};
    return tables[table];
}

/* The entry that a key came from first. */
static void account_first(struct accounting *work, size_t key)
{
    const struct key_table *block = work->tables->block;
    size_t by;
    const enum key_fate fate = key_selection_fate(work->selection, key, &by);
    uint64_t *count = &work->counts[key_table_origin(block, key, 0).source][fate];
    if (fate != KEY_KEPT && *count < SOURCE_ACCOUNT_SAMPLES) {
        const struct dataset_report_place gone = place_of(work, block, key, 0);
        const struct dataset_report_place taker =
            place_of(work, table_of(work, origins_taker(fate)), by, 0);
        dataset_report_gone(work->report, key_fate_names[fate], &gone, &taker);
    }
    ++*count;
}

static void account_others(struct accounting *work, size_t key)
{
    const struct key_table *block = work->tables->block;
    const size_t count = key_table_origin_count(block, key);
    const struct dataset_report_place first = place_of(work, block, key, 0);
    for (size_t i = 1; i < count; i++) {
        uint64_t *samples = &work->counts[key_table_origin(block, key, i).source][DUPLICATE];
        if (*samples == SOURCE_ACCOUNT_SAMPLES)
            continue;
        const struct dataset_report_place other = place_of(work, block, key, i);
        dataset_report_gone(work->report, "duplicate", &other, &first);
        ++*samples;
    }
}

/* Each pair of sources that have the key. Origins are sorted by source. */
static void account_overlap(struct accounting *work, size_t key)
{
    const struct key_table *block = work->tables->block;
    const size_t count = key_table_origin_count(block, key);
    uint16_t held[SOURCE_ACCOUNT_OVERLAP_MAX];
    size_t sources = 0;
    for (size_t i = 0; i < count; i++) {
        const uint16_t source = key_table_origin(block, key, i).source;
        if (sources > 0 && held[sources - 1] == source)
            continue;
        for (size_t other = 0; other < sources; other++)
            work->overlap[held[other] * work->overlap_size + source]++;
        held[sources++] = source;
    }
}

static void tell_overlap(const struct accounting *work)
{
    for (size_t a = 0; a < work->overlap_size; a++) {
        for (size_t b = a + 1; b < work->overlap_size; b++) {
            const uint64_t keys = work->overlap[a * work->overlap_size + b];
            if (keys > 0)
                dataset_report_overlap(work->report, source_set_item(work->set, a)->name,
                                       source_set_item(work->set, b)->name, keys);
        }
    }
}

static void tell_conflicts(const struct accounting *work)
{
    const size_t count = key_selection_conflict_count(work->selection);
    for (size_t i = 0; i < count; i++) {
        const struct key_conflict conflict = key_selection_conflict(work->selection, i);
        const struct dataset_report_place allow =
            place_of(work, work->tables->allow, conflict.allow, 0);
        const struct dataset_report_place parent =
            place_of(work, work->tables->block, conflict.parent, 0);
        dataset_report_conflict(work->report, &allow, &parent, conflict.is_solved);
    }
}

static void settle(const struct accounting *work, size_t source)
{
    const uint64_t *counts = work->counts[source];
    struct dataset_source *account = &work->sources[source];
    uint64_t first = 0;
    for (int fate = 0; fate < KEY_FATE_COUNT; fate++)
        first += counts[fate];
    account->has_keys = true;
    account->keys = (struct dataset_source_keys){.rows = counts[KEY_KEPT],
                                                 .duplicates = account->counts.kept +
                                                               account->counts.second_keys -
                                                               account->counts.exceptions - first,
                                                 .cancelled = counts[KEY_CANCELLED],
                                                 .allowed = counts[KEY_ALLOWED],
                                                 .split = counts[KEY_SPLIT],
                                                 .covered = counts[KEY_COVERED]};
}

enum status source_account(const struct source_keys *keys, const struct source_set *set,
                           struct dataset_source *sources, struct dataset_report *report,
                           struct error *err)
{
    const size_t count = source_set_count(set);
    struct accounting work = {.set = set,
                              .tables = source_keys_tables(keys),
                              .selection = source_keys_selection(keys),
                              .sources = sources,
                              .report = report,
                              .overlap_size = count <= SOURCE_ACCOUNT_OVERLAP_MAX ? count : 0};
    const size_t key_count = key_table_count(work.tables->block);
    enum status status = STATUS_OK;
    work.counts = mem_alloc_zeroed(count, sizeof *work.counts);
    work.overlap = mem_alloc_zeroed(work.overlap_size * work.overlap_size, sizeof *work.overlap);
    if (work.counts == NULL || work.overlap == NULL)
        status = error_set(err, STATUS_NOMEM, "report: out of memory");
    for (size_t key = 0; key < key_count && status == STATUS_OK; key++) {
        account_first(&work, key);
        if (key_table_origin_count(work.tables->block, key) == 1)
            continue;
        account_others(&work, key);
        if (work.overlap_size > 0)
            account_overlap(&work, key);
    }
    if (status == STATUS_OK) {
        for (size_t i = 0; i < count; i++)
            settle(&work, i);
        tell_overlap(&work);
        tell_conflicts(&work);
    }
    mem_free(work.counts);
    mem_free(work.overlap);
    return status;
}
