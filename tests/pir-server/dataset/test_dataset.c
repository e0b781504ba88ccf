#include "pir-server/dataset/dataset.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/pir/pir_parameters.h"
#include "tests/pir-server/dataset/dataset_help.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char *data;

static void make_folder(void)
{
    data = data_folder_new();
}
static void remove_folder(void)
{
    data_folder_remove(data);
}
TestSuite(dataset, .init = make_folder, .fini = remove_folder);

static struct dataset_summary write_rows(const char *use_case, const char *stem, size_t count)
{
    struct dataset_settings settings = plain_settings();
    struct dataset_summary summary;
    struct error error = {0};
    struct row_set *rows = numbered_rows(stem, count);
    settings.use_case = use_case;
    settings.shard_count = 2;
    cr_assert_eq(dataset_write(data, rows, &settings, NULL, &summary, &error), STATUS_OK, "%s",
                 error.message);
    row_set_free(rows);
    return summary;
}

static struct dataset *open_it(const char *use_case)
{
    struct dataset *dataset = NULL;
    struct error error = {0};
    cr_assert_eq(dataset_open(data, use_case, 0, &dataset, &error), STATUS_OK, "%s", error.message);
    return dataset;
}

Test(dataset, what_was_written_is_opened)
{
    const struct dataset_summary summary = write_rows("a.b", "x", 500);
    struct dataset *dataset = open_it("a.b");
    const struct dataset_info *info = dataset_info(dataset);
    cr_assert_eq(memcmp(info, &summary.info, sizeof *info), 0);
    cr_assert_eq(info->row_count, 501);
    cr_assert_eq(info->shard_count, 2);
    cr_assert_str_eq(info->use_case, "a.b");
    cr_assert_str_eq(strrchr(dataset_folder(dataset), '/') + 1, info->version);
    cr_assert_eq(dataset_prefilter(dataset).size, info->prefilter_bytes);
    char url[400];
    snprintf(url, sizeof url, "\"/prefilter/a.b/%s.bloom\"", info->prefilter_tag);
    const struct span manifest = dataset_prefilter_manifest(dataset);
    char *text = mem_alloc_zeroed(manifest.size + 1, 1);
    memcpy(text, manifest.data, manifest.size);
    cr_assert_not_null(strstr(text, url), "%s", text);
    mem_free(text);
    cr_assert_eq(dataset_parameters(dataset)->hash_function_count, 1);
    cr_assert_eq(dataset_verify(dataset, NULL, NULL, NULL), STATUS_OK);
    cr_assert(dataset_holds(dataset, span_of_text("x0.example.com")));
    cr_assert(dataset_holds(dataset, span_of_text("x499.example.com")));
    cr_assert(dataset_holds(dataset, span_of_text(DATASET_TEST_ROW)));
    cr_assert_not(dataset_holds(dataset, span_of_text("x500.example.com")));
    dataset_free(dataset);
    dataset_free(NULL);
}

Test(dataset, an_open_dataset_outlives_its_folder)
{
    write_rows("a.b", "x", 50);
    struct dataset *dataset = open_it("a.b");
    char *use_case = path_join(data, "a.b");
    folder_remove(use_case);
    mem_free(use_case);
    cr_assert(dataset_holds(dataset, span_of_text("x7.example.com")));
    dataset_free(dataset);
}

Test(dataset, names_of_use_cases)
{
    cr_assert(dataset_use_case_is_valid("com.example.app.url.filtering"));
    cr_assert(dataset_use_case_is_valid("A-b_9"));
    static const char *const wrong[] = {"",    ".",   "..",  ".a",  "current",
                                        "a/b", "a b", "a\n", "\xc3"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct dataset *dataset = NULL;
        cr_expect_not(dataset_use_case_is_valid(wrong[i]), "%s", wrong[i]);
        cr_expect_eq(dataset_open(data, wrong[i], 0, &dataset, NULL), STATUS_INVALID);
    }
    char longest[DATASET_USE_CASE_MAX_BYTES + 2];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    cr_assert_not(dataset_use_case_is_valid(longest));
    longest[sizeof longest - 2] = '\0';
    cr_assert(dataset_use_case_is_valid(longest));
}

Test(dataset, list_is_sorted_and_skips_the_unfinished)
{
    struct folder_names names;
    cr_assert_eq(dataset_list(data, &names, NULL), STATUS_OK);
    cr_assert_eq(names.count, 0);
    folder_names_deinit(&names);
    write_rows("c", "x", 5);
    write_rows("a.b", "x", 5);
    char *other = path_join(data, "no-current");
    cr_assert_eq(mkdir(other, 0700), 0);
    mem_free(other);
    cr_assert_eq(dataset_list(data, &names, NULL), STATUS_OK);
    cr_assert_eq(names.count, 2);
    cr_assert_str_eq(names.list[0], "a.b");
    cr_assert_str_eq(names.list[1], "c");
    folder_names_deinit(&names);
    cr_assert_eq(dataset_list("/nonexistent", &names, NULL), STATUS_NOT_FOUND);
    for (size_t n = 1;; n++) {
        mem_fail_nth(n);
        const enum status status = dataset_list(data, &names, NULL);
        const bool failed = !mem_fail_pending();
        mem_fail_nth(0);
        if (status == STATUS_OK)
            folder_names_deinit(&names);
        if (!failed)
            break;
    }
}

Test(dataset, absent_and_foreign_folders_are_named)
{
    struct dataset *dataset = NULL;
    struct error error = {0};
    cr_assert_eq(dataset_open(data, "a.b", 0, &dataset, &error), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(error.message, "a.b/current"), "%s", error.message);
    cr_assert_eq(dataset_open_folder(data, 0, &dataset, &error), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(error.message, "dataset.json"), "%s", error.message);

    const struct dataset_summary summary = write_rows("a.b", "x", 5);
    char *from = path_join(data, "a.b");
    char *to = path_join(data, "c.d");
    cr_assert_eq(rename(from, to), 0);
    cr_assert_eq(dataset_open(data, "c.d", 0, &dataset, &error), STATUS_MISMATCH);
    cr_assert_not_null(strstr(error.message, "of use case a.b"), "%s", error.message);
    cr_assert_eq(rename(to, from), 0);
    char *version = path_join(from, summary.info.version);
    char *renamed = path_join(from, "0000000000000000");
    char *current = path_join(from, "current");
    cr_assert_eq(rename(version, renamed), 0);
    cr_assert_eq(link_replace("0000000000000000", current, NULL), STATUS_OK);
    cr_assert_eq(dataset_open(data, "a.b", 0, &dataset, &error), STATUS_MISMATCH);
    cr_assert_not_null(strstr(error.message, "is not called"), "%s", error.message);
    mem_free(version);
    mem_free(renamed);
    mem_free(current);
    mem_free(from);
    mem_free(to);
}

static const char *const parts[] = {"dataset.json",   "rows.txt",    "prefilter.bloom",
                                    "prefilter.json", "shard-1.pir", "shard-0.params.txtpb"};

/* Each file missing, empty, cut by a byte. */
Test(dataset, damage_that_opening_sees)
{
    struct dataset *dataset = NULL;
    struct error error = {0};
    write_rows("a.b", "x", 5);
    dataset = open_it("a.b");
    char *folder = mem_strdup(dataset_folder(dataset));
    dataset_free(dataset);
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        struct bytes kept;
        bytes_init(&kept, (size_t)1 << 26);
        char *path = path_join(folder, parts[i]);
        cr_assert_eq(file_read(path, &kept, NULL), STATUS_OK);
        cr_assert_eq(unlink(path), 0);
        cr_expect_eq(dataset_open(data, "a.b", 0, &dataset, &error), STATUS_NOT_FOUND, "%s",
                     parts[i]);
        cr_expect_not_null(strstr(error.message, parts[i]), "%s: %s", parts[i], error.message);
        const size_t sizes[] = {0, kept.size - 2};
        for (size_t s = 0; s < ARRAY_COUNT(sizes); s++) {
            cr_assert_eq(file_write(path, 0600, span_of(kept.data, sizes[s]), NULL), STATUS_OK);
            const enum status status = dataset_open(data, "a.b", 0, &dataset, &error);
            cr_expect(status == STATUS_MALFORMED || status == STATUS_MISMATCH, "%s: %d", parts[i],
                      status);
            cr_expect_not_null(strstr(error.message, parts[i]), "%s: %s", parts[i], error.message);
        }
        cr_assert_eq(file_write(path, 0600, bytes_view(&kept), NULL), STATUS_OK);
        mem_free(path);
        bytes_deinit(&kept);
    }
    dataset_free(open_it("a.b"));
    mem_free(folder);
}

/* Changed bytes behind the headers are what dataset_verify() is for. */
Test(dataset, damage_that_verifying_sees)
{
    static const struct {
        const char *name;
        const char *text;
    } damages[] = {{"rows.txt", "W"},
                   {"prefilter.bloom", "\x01\x02\x03\x04"},
                   {"prefilter.plist", "<?XML"},
                   {"shard-0.params.txtpb", "E"}};
    for (size_t i = 0; i < ARRAY_COUNT(damages); i++) {
        char use_case[8];
        snprintf(use_case, sizeof use_case, "u%zu", i);
        write_rows(use_case, "x", 5);
        struct dataset *dataset = open_it(use_case);
        cr_assert_eq(dataset_verify(dataset, NULL, NULL, NULL), STATUS_OK);
        damage_file(dataset_folder(dataset), damages[i].name, damages[i].text);
        struct error error = {0};
        cr_expect_eq(dataset_verify(dataset, NULL, NULL, &error), STATUS_MISMATCH, "%s",
                     damages[i].name);
        cr_expect_not_null(strstr(error.message, damages[i].name), "%s", error.message);
        dataset_free(dataset);
    }
}

/* Flips a bit `from_end` bytes before the end of shard 0 and returns its folder's open dataset. */
static struct dataset *open_with_damaged_shard(const char *use_case, off_t from_end)
{
    write_rows(use_case, "x", 5);
    struct dataset *dataset = open_it(use_case);
    char *path = path_join(dataset_folder(dataset), "shard-0.pir");
    const int fd = open(path, O_RDWR);
    uint8_t byte;
    const off_t at = lseek(fd, -from_end, SEEK_END);
    cr_assert_geq(at, 0);
    cr_assert_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
    mem_free(path);
    return dataset;
}

Test(dataset, the_damaged_plaintext_of_a_shard_is_named)
{
    const atomic_bool go_on = false;
    struct error error = {0};
    struct dataset *dataset = open_with_damaged_shard("a.b", 1);
    cr_assert_eq(dataset_verify(dataset, NULL, NULL, &error), STATUS_MISMATCH);
    cr_assert_not_null(strstr(error.message, "plaintext"), "%s", error.message);
    cr_assert_eq(dataset_verify_digests(dataset, &go_on, &error), STATUS_MISMATCH);
    cr_assert_not_null(strstr(error.message, "shard-0.pir: shard file: plaintext"), "%s",
                       error.message);
    dataset_free(dataset);
}

Test(dataset, digests_are_compared_in_pieces_until_broken_off)
{
    const atomic_bool go_on = false;
    const atomic_bool is_cancelled = true;
    struct error error = {0};
    write_rows("a.b", "x", 5);
    struct dataset *dataset = open_it("a.b");
    cr_assert_eq(dataset_verify_digests(dataset, &go_on, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(dataset_verify_digests(dataset, &is_cancelled, &error), STATUS_CANCELLED);
    dataset_free(dataset);
}

/* A whole, sound shard of another version. */
Test(dataset, a_foreign_shard_is_seen_when_opening)
{
    struct dataset *dataset = NULL;
    struct error error = {0};
    write_rows("a.b", "x", 5);
    write_rows("c.d", "y", 5);
    struct dataset *one = open_it("a.b");
    struct dataset *other = open_it("c.d");
    char *from = path_join(dataset_folder(one), "shard-0.pir");
    char *to = path_join(dataset_folder(other), "shard-0.pir");
    cr_assert_eq(rename(from, to), 0);
    cr_assert_eq(dataset_open(data, "c.d", 0, &dataset, &error), STATUS_MISMATCH);
    cr_assert_not_null(strstr(error.message, "shard-0.pir: is not what dataset.json says"), "%s",
                       error.message);
    dataset_free(one);
    dataset_free(other);
    mem_free(from);
    mem_free(to);
}

Test(dataset, failed_allocations_are_statuses)
{
    write_rows("a.b", "x", 5);
    for (size_t n = 1;; n++) {
        struct dataset *dataset = NULL;
        mem_fail_nth(n);
        const enum status status = dataset_open(data, "a.b", 0, &dataset, NULL);
        const bool failed = !mem_fail_pending();
        mem_fail_nth(0);
        dataset_free(dataset);
        if (!failed) {
            cr_assert_eq(status, STATUS_OK);
            break;
        }
        cr_assert_eq(status, STATUS_NOMEM, "allocation %zu", n);
        cr_assert_lt(n, 500);
    }
}
