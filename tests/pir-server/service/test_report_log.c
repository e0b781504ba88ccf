/* Reports: each a whole line on the disk, in files of bounded size, within a quota. */
#include "pir-server/service/report_log.h"

#include "base/file.h"
#include "base/folder_names.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW ((uint64_t)1800000000)

static char folder[64];
static char path[96];
static struct report_log *reports;
static struct error error;

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/blindlist-report-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/reports.jsonl", folder);
}

static void tear_down(void)
{
    report_log_close(reports);
    folder_remove(folder);
}

TestSuite(report_log, .init = set_up, .fini = tear_down);

static void open_with(uint64_t file_bytes, uint64_t total_bytes)
{
    cr_assert_eq(report_log_open(folder, file_bytes, total_bytes, &reports, &error), STATUS_OK,
                 "%s", error.message);
}

static enum status append(const char *line, uint64_t now)
{
    return report_log_append(reports, span_of_text(line), now, NULL, &error);
}

static void expect_file(const char *name, const char *expected)
{
    char *where = path_join(folder, name);
    struct bytes got;
    bytes_init(&got, 100000);
    cr_assert_eq(file_read(where, &got, &error), STATUS_OK, "%s", error.message);
    cr_assert(span_equal(bytes_view(&got), span_of_text(expected)), "%s: %.*s", name, (int)got.size,
              (const char *)got.data);
    bytes_deinit(&got);
    mem_free(where);
}

static void expect_names(const char *expected)
{
    struct folder_names names = {0};
    char text[1024] = "";
    cr_assert_eq(folder_names_read(folder, NULL, &names, &error), STATUS_OK);
    for (size_t i = 0; i < names.count; i++) {
        strcat(text, names.list[i]);
        strcat(text, " ");
    }
    folder_names_deinit(&names);
    cr_assert_str_eq(text, expected);
}

Test(report_log, lines_are_kept_in_order_and_private)
{
    open_with(1000, 1000);
    cr_assert_eq(append("one", NOW), STATUS_OK);
    cr_assert_eq(append("", NOW), STATUS_OK);
    report_log_close(reports);
    open_with(1000, 1000);
    cr_assert_eq(append("two", NOW), STATUS_OK);
    expect_file("reports.jsonl", "one\n\ntwo\n");
    struct stat info;
    cr_assert_eq(stat(path, &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0600);
}

Test(report_log, a_full_file_is_put_aside)
{
    open_with(8, 1000);
    cr_assert_eq(append("one", NOW), STATUS_OK);
    cr_assert_eq(append("two", NOW), STATUS_OK);
    cr_assert_eq(append("three, longer than a file", NOW), STATUS_OK);
    cr_assert_eq(append("four", NOW), STATUS_OK);
    cr_assert_eq(append("five", NOW + 60), STATUS_OK);
    expect_names("reports-20270115T080000Z-0001.jsonl reports-20270115T080000Z-0002.jsonl "
                 "reports-20270115T080100Z-0001.jsonl reports.jsonl ");
    expect_file("reports-20270115T080000Z-0001.jsonl", "one\ntwo\n");
    expect_file("reports-20270115T080000Z-0002.jsonl", "three, longer than a file\n");
    expect_file("reports-20270115T080100Z-0001.jsonl", "four\n");
    expect_file("reports.jsonl", "five\n");
}

Test(report_log, the_quota_takes_the_oldest)
{
    open_with(4, 12);
    for (uint64_t i = 0; i < 5; i++) {
        char line[4];
        size_t removed = 9;
        snprintf(line, sizeof line, "%03u", (unsigned)i);
        cr_assert_eq(report_log_append(reports, span_of_text(line), NOW + i, &removed, &error),
                     STATUS_OK);
        cr_assert_eq(removed, i < 3 ? 0 : 1);
        report_log_close(reports);
        reports = NULL;
        open_with(4, 12);
    }
    expect_names("reports-20270115T080003Z-0001.jsonl reports-20270115T080004Z-0001.jsonl "
                 "reports.jsonl ");
    cr_assert_eq(append("longer than everything", NOW), STATUS_TOO_LARGE);
    expect_file("reports.jsonl", "004\n");
}

Test(report_log, half_a_line_is_cut_off)
{
    FILE *file = fopen(path, "w");
    fputs("whole\nhal", file);
    for (int i = 0; i < 10000; i++)
        fputc('f', file);
    fclose(file);
    open_with(100000, 100000);
    expect_file("reports.jsonl", "whole\n");
    cr_assert_eq(append("next", NOW), STATUS_OK);
    expect_file("reports.jsonl", "whole\nnext\n");
}

Test(report_log, a_full_disk_leaves_no_part_of_a_line)
{
    static char large[20000];
    memset(large, 'x', sizeof large - 1);
    open_with(100000, 100000);
    cr_assert_eq(append("kept", NOW), STATUS_OK);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes stands in for the full disk */
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 10000;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(append(large, NOW), STATUS_IO);
    cr_assert(strstr(error.message, path) != NULL);
    limit.rlim_cur = before;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    expect_file("reports.jsonl", "kept\n");
    cr_assert_eq(append("more", NOW), STATUS_OK);
    expect_file("reports.jsonl", "kept\nmore\n");
}

Test(report_log, one_process_writes)
{
    struct report_log *second = NULL;
    open_with(1000, 1000);
    cr_assert_eq(report_log_open(folder, 1000, 1000, &second, &error), STATUS_BUSY);
    cr_assert(second == NULL);
}

Test(report_log, the_folder_must_exist)
{
    snprintf(path, sizeof path, "%s/none", folder);
    cr_assert_eq(report_log_open(path, 1000, 1000, &reports, &error), STATUS_NOT_FOUND);
    cr_assert(strstr(error.message, path) != NULL);
}
