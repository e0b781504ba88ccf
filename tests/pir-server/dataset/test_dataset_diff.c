#include "pir-server/dataset/dataset_diff.h"

#include "base/mem.h"
#include "tests/pir-server/dataset/dataset_help.h"

#include <criterion/criterion.h>

static char *data;
static struct dataset *before;
static struct dataset *after;

static struct dataset *make(const char *stem, size_t count)
{
    const struct dataset_settings settings = plain_settings();
    struct dataset_summary summary;
    struct dataset *dataset = NULL;
    struct row_set *rows = numbered_rows(stem, count);
    cr_assert_eq(dataset_write(data, rows, &settings, NULL, &summary, NULL), STATUS_OK);
    cr_assert_eq(dataset_open(data, "a.b", 0, &dataset, NULL), STATUS_OK);
    row_set_free(rows);
    return dataset;
}

static void set_up(void)
{
    data = data_folder_new();
    before = make("x", 30);
    after = make("x", 45);
}

static void tear_down(void)
{
    dataset_free(before);
    dataset_free(after);
    data_folder_remove(data);
}

TestSuite(dataset_diff, .init = set_up, .fini = tear_down);

static void expect_counts(const struct dataset *a, const struct dataset *b, uint64_t added,
                          uint64_t removed)
{
    struct dataset_row_counts counts;
    cr_assert_eq(dataset_diff_rows(a, b, NULL, &counts, NULL), STATUS_OK);
    cr_assert_eq(counts.added, added);
    cr_assert_eq(counts.removed, removed);
}

struct seen {
    char last[64];
    size_t added;
    size_t removed;
};

static void see(void *context, struct span row, bool is_added)
{
    struct seen *seen = context;
    char text[64];
    cr_assert_lt(row.size, sizeof text);
    memcpy(text, row.data, row.size);
    text[row.size] = '\0';
    cr_assert(strcmp(seen->last, text) < 0, "in order");
    memcpy(seen->last, text, sizeof text);
    seen->added += is_added;
    seen->removed += !is_added;
}

Test(dataset_diff, rows_that_came_and_left)
{
    struct dataset *other = make("b", 10); /* in front of the test row and of all x */
    struct seen seen = {0};
    const struct dataset_diff_sink sink = {.context = &seen, .row = see};
    struct dataset_row_counts counts;
    expect_counts(before, before, 0, 0);
    expect_counts(before, after, 15, 0);
    expect_counts(after, before, 0, 15);
    cr_assert_eq(dataset_diff_rows(before, other, &sink, &counts, NULL), STATUS_OK);
    cr_assert_eq(seen.added, 10);
    cr_assert_eq(seen.removed, 30);
    cr_assert_eq(counts.added, 10);
    cr_assert_eq(counts.removed, 30);
    dataset_free(other);
}

Test(dataset_diff, order_and_memory)
{
    struct dataset_row_counts counts;
    struct error err;
    size_t n = 1;
    for (;; n++) {
        mem_fail_nth(n);
        const enum status status = dataset_diff_rows(before, after, NULL, &counts, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        if (!reached)
            break;
        cr_assert_eq(status, STATUS_NOMEM);
    }
    cr_assert_gt(n, 4);
    damage_file(dataset_folder(after), "rows.txt", "zzz");
    cr_assert_eq(dataset_diff_rows(before, after, NULL, &counts, &err), STATUS_MISMATCH);
    cr_assert_not_null(strstr(err.message, "rows.txt, line 2: not in order"));
}
