/* A key's covers are few and follow from its text (key_cover_each), so each key looks them up in a
 * hash table; sorting by reversed labels would need a second sort. Every pass reads the fates of
 * the passes before it and writes what only it owns, so the threads do not matter. */
#include "lists/key_selection.h"

#include "base/mem.h"
#include "urls/key_cover.h"

#include <assert.h>
#include <stdatomic.h>

#define SLICE_KEYS ((size_t)8192) /* what one task looks at */
/* A look-up that misses the caches takes longer than the walk to it: the walk of a key is taken so
 * many keys before its turn, only to fetch. */
#define FETCHED_AHEAD ((size_t)16)
#define NOBODY        UINT32_MAX

#define FIRST_CONFLICTS ((size_t)64)

const char *const key_fate_names[KEY_FATE_COUNT] = {
    [KEY_KEPT] = "kept",   [KEY_CANCELLED] = "cancelled", [KEY_ALLOWED] = "allowed",
    [KEY_SPLIT] = "split", [KEY_COVERED] = "covered",
};

struct key_selection {
    struct key_tables tables;
    uint8_t *fates; /* [block count], enum key_fate */
    uint32_t *by;   /* [block count], NOBODY = kept */
    size_t counts[KEY_FATE_COUNT];
    struct key_conflict *conflicts;
    size_t conflict_count;
    size_t conflict_capacity;
};

/* Of a parent in a conflict. */
enum parent_state { PARENT_NONE, PARENT_CHILDLESS, PARENT_WITH_CHILDREN };

/* What the passes share. */
struct selecting {
    struct key_selection *selection;
    const struct public_suffixes *suffixes;
    struct thread_pool *pool;
    struct key_index *block;
    struct key_index *allow;
    _Atomic uint8_t *parents;               /* [block count], enum parent_state */
    struct key_cover_workspace *workspaces; /* a thread's: [worker count + 1] */
    void (*look_at)(struct selecting *work, size_t key, size_t worker); /* the pass, */
    struct key_index *looked_in;                                        /* and where it looks */
};

static struct span block_key(const struct selecting *work, size_t key)
{
    return key_table_at(work->selection->tables.block, key);
}

static size_t block_count(const struct selecting *work)
{
    return key_table_count(work->selection->tables.block);
}

/* ---- passes over all keys that are still there ---- */

static bool fetch(void *context, struct span cover, size_t host_size)
{
    (void)host_size;
    key_index_prefetch(context, cover);
    return false;
}

static enum status look_at_slice(void *context, size_t slice, size_t worker, struct error *err)
{
    struct selecting *work = context;
    const size_t first = slice * SLICE_KEYS;
    const size_t left = block_count(work) - first;
    const size_t end = first + (left < SLICE_KEYS ? left : SLICE_KEYS);
    const uint8_t *fates = work->selection->fates;
    struct key_cover_workspace *workspace = &work->workspaces[worker];
    (void)err;
    for (size_t key = first; key < end + FETCHED_AHEAD; key++) {
        if (key < end && fates[key] == KEY_KEPT)
            key_cover_each(block_key(work, key), workspace, fetch, work->looked_in);
        if (key >= first + FETCHED_AHEAD && fates[key - FETCHED_AHEAD] == KEY_KEPT)
            work->look_at(work, key - FETCHED_AHEAD, worker);
    }
    return STATUS_OK;
}

/* A pass may set the `by` of the key it looks at, and the fates follow when it is over. */
static enum status pass(struct selecting *work, enum key_fate fate, struct key_index *looked_in,
                        void (*look_at)(struct selecting *work, size_t key, size_t worker),
                        struct error *err)
{
    struct key_selection *selection = work->selection;
    const size_t count = block_count(work);
    work->look_at = look_at;
    work->looked_in = looked_in;
    const enum status status = thread_pool_for(work->pool, (count + SLICE_KEYS - 1) / SLICE_KEYS,
                                               look_at_slice, work, err);
    if (status != STATUS_OK)
        return status;
    for (size_t key = 0; key < count; key++) {
        if (selection->fates[key] == KEY_KEPT && selection->by[key] != NOBODY)
            selection->fates[key] = (uint8_t)fate;
    }
    return STATUS_OK;
}

/* One look at a key's covers. */
struct look {
    struct selecting *work;
    size_t found;     /* what is looked for */
    size_t host_size; /* of the key */
};

/* ---- cancelled ---- */

static void cancel(struct selecting *work)
{
    struct key_selection *selection = work->selection;
    const struct key_table *table = selection->tables.cancel;
    for (size_t i = 0; table != NULL && i < key_table_count(table); i++) {
        const size_t key = key_table_find(selection->tables.block, key_table_at(table, i));
        if (key == KEY_TABLE_NONE)
            continue;
        selection->by[key] = (uint32_t)i;
        selection->fates[key] = KEY_CANCELLED;
    }
}

/* ---- allowed ---- */

static bool find_allow(void *context, struct span cover, size_t host_size)
{
    struct look *look = context;
    (void)host_size;
    look->found = key_index_find(look->work->allow, cover);
    return look->found != KEY_TABLE_NONE;
}

static void allow_key(struct selecting *work, size_t key, size_t worker)
{
    const struct span text = block_key(work, key);
    struct look look = {.work = work};
    if (key_cover_each(text, &work->workspaces[worker], find_allow, &look) ||
        find_allow(&look, text, 0))
        work->selection->by[key] = (uint32_t)look.found;
}

/* ---- conflicts ---- */

struct conflict_look {
    struct selecting *work;
    size_t allow;
    enum status status;
    struct error *err;
};

static bool add_conflict(void *context, struct span cover, size_t host_size)
{
    struct conflict_look *look = context;
    struct key_selection *selection = look->work->selection;
    const size_t parent = key_index_find(look->work->block, cover);
    (void)host_size;
    if (parent == KEY_TABLE_NONE || selection->fates[parent] != KEY_KEPT)
        return false;
    if (selection->conflict_count == selection->conflict_capacity) {
        const size_t larger =
            selection->conflict_capacity > 0 ? 2 * selection->conflict_capacity : FIRST_CONFLICTS;
        struct key_conflict *moved =
            mem_realloc(selection->conflicts, larger, sizeof *selection->conflicts);
        if (moved == NULL) {
            look->status = error_set(look->err, STATUS_NOMEM, "out of memory at %zu conflicts",
                                     selection->conflict_count);
            return true;
        }
        selection->conflicts = moved;
        selection->conflict_capacity = larger;
    }
    selection->conflicts[selection->conflict_count++] =
        (struct key_conflict){.allow = look->allow, .parent = parent};
    return false;
}

static enum status find_conflicts(struct selecting *work, struct error *err)
{
    const struct key_table *table = work->selection->tables.allow;
    struct conflict_look look = {.work = work, .status = STATUS_OK, .err = err};
    for (; look.allow < key_table_count(table) && look.status == STATUS_OK; look.allow++)
        key_cover_each(key_table_at(table, look.allow), &work->workspaces[0], add_conflict, &look);
    return look.status;
}

/* ---- split ---- */

static bool mark_parent(void *context, struct span cover, size_t host_size)
{
    struct look *look = context;
    const size_t parent = key_index_find(look->work->block, cover);
    (void)host_size;
    if (parent != KEY_TABLE_NONE && atomic_load_explicit(&look->work->parents[parent],
                                                         memory_order_relaxed) == PARENT_CHILDLESS)
        atomic_store_explicit(&look->work->parents[parent], PARENT_WITH_CHILDREN,
                              memory_order_relaxed);
    return false;
}

static void mark_parents(struct selecting *work, size_t key, size_t worker)
{
    struct look look = {.work = work};
    if (work->parents[key] == PARENT_NONE)
        key_cover_each(block_key(work, key), &work->workspaces[worker], mark_parent, &look);
}

/* All conflicts of one allow key, which stand from `first` to before `end`. */
static void solve(struct selecting *work, size_t first, size_t end)
{
    struct key_selection *selection = work->selection;
    struct key_conflict *conflicts = selection->conflicts;
    for (size_t i = first; i < end; i++) {
        if (work->parents[conflicts[i].parent] != PARENT_WITH_CHILDREN)
            return;
    }
    for (size_t i = first; i < end; i++) {
        const size_t parent = conflicts[i].parent;
        conflicts[i].is_solved = true;
        if (selection->fates[parent] == KEY_KEPT) {
            selection->fates[parent] = KEY_SPLIT;
            selection->by[parent] = (uint32_t)conflicts[i].allow;
        }
    }
}

static enum status split(struct selecting *work, struct error *err)
{
    const struct key_selection *selection = work->selection;
    const size_t count = selection->conflict_count;
    work->parents = mem_alloc_zeroed(block_count(work), sizeof *work->parents);
    if (work->parents == NULL)
        return error_set(err, STATUS_NOMEM, "keys: out of memory");
    for (size_t i = 0; i < count; i++)
        work->parents[selection->conflicts[i].parent] = PARENT_CHILDLESS;
    const enum status status = pass(work, KEY_KEPT, work->block, mark_parents, err);
    for (size_t first = 0, end = 0; first < count && status == STATUS_OK; first = end) {
        while (end < count && selection->conflicts[end].allow == selection->conflicts[first].allow)
            end++;
        solve(work, first, end);
    }
    return status;
}

/* ---- covered ---- */

static bool find_cover(void *context, struct span cover, size_t host_size)
{
    struct look *look = context;
    const struct selecting *work = look->work;
    look->found = key_index_find(work->block, cover);
    if (look->found == KEY_TABLE_NONE || work->selection->fates[look->found] != KEY_KEPT)
        return false;
    return host_size == look->host_size ||
           public_suffixes_kind(work->suffixes, span_part(cover, 0, host_size)) ==
               PUBLIC_SUFFIX_NONE;
}

/* The widest cover comes first, so it is not covered itself. */
static void cover_key(struct selecting *work, size_t key, size_t worker)
{
    const struct span text = block_key(work, key);
    struct look look = {.work = work, .host_size = key_host_size(text)};
    if (key_cover_each(text, &work->workspaces[worker], find_cover, &look))
        work->selection->by[key] = (uint32_t)look.found;
}

/* ---- whole ---- */

static enum status run_passes(struct selecting *work, const struct key_selection_options *options,
                              const struct random_source *random, struct error *err)
{
    const struct key_selection *selection = work->selection;
    const struct key_tables *tables = &selection->tables;
    const bool has_allow = tables->allow != NULL && key_table_count(tables->allow) > 0;
    enum status status = STATUS_OK;
    cancel(work);
    if (has_allow) {
        status = key_index_new(tables->allow, random, &work->allow, err);
        if (status == STATUS_OK)
            status = pass(work, KEY_ALLOWED, work->allow, allow_key, err);
    }
    if (status != STATUS_OK || options->is_flat)
        return status;
    if (has_allow || !options->keep_covered)
        status = key_index_new(tables->block, random, &work->block, err);
    if (status == STATUS_OK && has_allow)
        status = find_conflicts(work, err);
    if (status == STATUS_OK && options->split_parents && selection->conflict_count > 0)
        status = split(work, err);
    if (status == STATUS_OK && !options->keep_covered)
        status = pass(work, KEY_COVERED, work->block, cover_key, err);
    return status;
}

/* All that is needed for each key and thread. */
static enum status make_room(struct selecting *work, struct error *err)
{
    struct key_selection *selection = work->selection;
    const size_t count = block_count(work);
    selection->fates = mem_alloc_zeroed(count, sizeof *selection->fates);
    selection->by = mem_alloc(count, sizeof *selection->by);
    work->workspaces =
        mem_alloc(thread_pool_worker_count(work->pool) + 1, sizeof *work->workspaces);
    if (selection->fates == NULL || selection->by == NULL || work->workspaces == NULL)
        return error_set(err, STATUS_NOMEM, "keys: out of memory at %zu keys", count);
    for (size_t i = 0; i < count; i++)
        selection->by[i] = NOBODY;
    return STATUS_OK;
}

enum status key_selection_new(const struct key_tables *tables,
                              const struct key_selection_options *options,
                              const struct public_suffixes *suffixes,
                              const struct random_source *random, struct thread_pool *pool,
                              struct key_selection **ret, struct error *err)
{
    struct key_selection *selection = mem_alloc_zeroed(1, sizeof *selection);
    if (selection == NULL)
        return error_set(err, STATUS_NOMEM, "keys: out of memory");
    selection->tables = *tables;
    struct selecting work = {.selection = selection, .suffixes = suffixes, .pool = pool};
    enum status status = make_room(&work, err);
    if (status == STATUS_OK)
        status = run_passes(&work, options, random, err);
    if (status == STATUS_OK) {
        for (size_t i = 0; i < block_count(&work); i++)
            selection->counts[selection->fates[i]]++;
        *ret = selection;
        selection = NULL;
    }
    key_index_free(work.block);
    key_index_free(work.allow);
    mem_free(work.parents);
    mem_free(work.workspaces);
    key_selection_free(selection);
    return status;
}

void key_selection_free(struct key_selection *selection)
{
    if (selection == NULL)
        return;
    mem_free(selection->fates);
    mem_free(selection->by);
    mem_free(selection->conflicts);
    mem_free(selection);
}

enum key_fate key_selection_fate(const struct key_selection *selection, size_t index,
                                 size_t *ret_by)
{
    assert(index < key_table_count(selection->tables.block));
    if (ret_by != NULL)
        *ret_by = selection->by[index] != NOBODY ? selection->by[index] : KEY_TABLE_NONE;
    return (enum key_fate)selection->fates[index];
}

size_t key_selection_count(const struct key_selection *selection, enum key_fate fate)
{
    return selection->counts[fate];
}

size_t key_selection_conflict_count(const struct key_selection *selection)
{
    return selection->conflict_count;
}

struct key_conflict key_selection_conflict(const struct key_selection *selection, size_t number)
{
    assert(number < selection->conflict_count);
    return selection->conflicts[number];
}

enum status key_selection_add_rows(const struct key_selection *selection, struct row_set *rows,
                                   struct error *err)
{
    enum status status = STATUS_OK;
    const size_t count = key_table_count(selection->tables.block);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (selection->fates[i] == KEY_KEPT)
            status = row_set_add(rows, key_table_at(selection->tables.block, i), err);
    }
    return status;
}
