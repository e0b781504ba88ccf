#include "base/file.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/mount.h>
static bool mount_small(const char *where, const char *options)
{
    return mount("tmpfs", where, "tmpfs", 0, options) == 0;
}
static void unmount(const char *where)
{
    umount2(where, MNT_DETACH);
}
#else
static bool mount_small(const char *where, const char *options)
{
    (void)where;
    (void)options;
    return false;
}
static void unmount(const char *where)
{
    (void)where;
}
#endif

static char folder[] = "/tmp/blindlist-file-XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    umask(022);
}

static void remove_folder(void)
{
    folder_remove(folder);
}

TestSuite(file, .init = make_folder, .fini = remove_folder);

/* A path inside the test's folder; a few live side by side. */
static const char *in(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *path, const char *text)
{
    struct error error;
    cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, span_of_text(text), &error), STATUS_OK, "%s",
                 error.message);
}

static void expect_content(const char *path, const char *text)
{
    struct bytes bytes;
    struct error error;
    bytes_init(&bytes, 1 << 24);
    cr_assert_eq(file_read(path, &bytes, &error), STATUS_OK, "%s", error.message);
    cr_assert(span_equal(bytes_view(&bytes), span_of_text(text)), "%s", path);
    bytes_deinit(&bytes);
}

static size_t count_entries(const char *path)
{
    size_t count = 0;
    DIR *listing = opendir(path);
    cr_assert_not_null(listing);
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(listing);
    return count;
}

/* ---- reading ---- */

Test(file, reads_files_of_every_size_up_to_the_maximum)
{
    static char text[200001];
    memset(text, 'r', sizeof text);
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4096, 65536, 200000};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        const size_t size = sizes[i];
        cr_assert_eq(file_write(in("f"), FILE_MODE_PUBLIC, span_of(text, size), NULL), STATUS_OK);
        for (size_t max = size; max <= size + 2; max++) {
            struct bytes bytes;
            bytes_init(&bytes, max);
            cr_assert_eq(file_read(in("f"), &bytes, NULL), STATUS_OK, "%zu of %zu", size, max);
            cr_assert(span_equal(bytes_view(&bytes), span_of(text, size)));
            bytes_deinit(&bytes);
        }
        if (size > 0) {
            struct bytes bytes;
            struct error error;
            bytes_init(&bytes, size - 1);
            cr_assert_eq(file_read(in("f"), &bytes, &error), STATUS_TOO_LARGE);
            cr_assert_not_null(strstr(error.message, "/f: larger than "));
            bytes_deinit(&bytes);
        }
    }
}

Test(file, read_appends)
{
    struct bytes bytes;
    bytes_init(&bytes, 100);
    put(in("a"), "one ");
    put(in("b"), "two");
    cr_assert_eq(file_read(in("a"), &bytes, NULL), STATUS_OK);
    cr_assert_eq(file_read(in("b"), &bytes, NULL), STATUS_OK);
    cr_assert(span_equal(bytes_view(&bytes), span_of_text("one two")));
    bytes_deinit(&bytes);
}

Test(file, reads_standard_input)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "piped", 5), 5);
    close(ends[1]);
    cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    expect_content("-", "piped");
}

Test(file, what_cannot_be_read_is_named)
{
    struct bytes bytes;
    struct file_map map;
    struct error error;
    bytes_init(&bytes, 100);
    cr_assert_eq(file_read("/nowhere/x", &bytes, &error), STATUS_NOT_FOUND);
    cr_assert_str_eq(error.message, "/nowhere/x: No such file or directory");
    cr_assert_eq(file_read(folder, &bytes, &error), STATUS_INVALID);
    cr_assert_eq(file_map_open("/nowhere/x", &map, &error), STATUS_NOT_FOUND);
    cr_assert_eq(file_map_open(folder, &map, &error), STATUS_INVALID);
    cr_assert_eq(mkfifo(in("pipe"), 0600), 0);
    cr_assert_eq(file_map_open(in("pipe"), &map, &error), STATUS_INVALID, "and does not wait");
    cr_assert_not_null(strstr(error.message, "is not a regular file"));
    bytes_deinit(&bytes);
}

Test(file, maps)
{
    struct file_map map;
    put(in("m"), "mapped bytes");
    cr_assert_eq(file_map_open(in("m"), &map, NULL), STATUS_OK);
    cr_assert(span_equal(map.bytes, span_of_text("mapped bytes")));
    put(in("m"), "other");
    cr_assert(span_equal(map.bytes, span_of_text("mapped bytes")), "a rename leaves the map alone");
    file_map_close(&map);
    file_map_close(&map);
    put(in("m"), "");
    cr_assert_eq(file_map_open(in("m"), &map, NULL), STATUS_OK);
    cr_assert_eq(map.bytes.size, 0);
    file_map_close(&map);
}

Test(file, a_map_without_room_says_what_limits_it)
{
    struct file_map map;
    struct error error;
    struct rlimit space;
    put(in("m"), "mapped bytes");
    cr_assert_eq(getrlimit(RLIMIT_AS, &space), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = space.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
    const enum status status = file_map_open(in("m"), &map, &error);
    cr_assert_eq(setrlimit(RLIMIT_AS, &space), 0);
    cr_assert_eq(status, STATUS_NOMEM);
    cr_assert_not_null(strstr(error.message, "/m: cannot map 12 bytes"), "%s", error.message);
    cr_assert_not_null(strstr(error.message, "vm.max_map_count"), "%s", error.message);
}

/* ---- writing ---- */

Test(file, writes_in_pieces_of_any_size)
{
    static uint8_t expected[3 << 20];
    struct file_writer *writer = NULL;
    size_t at = 0;
    for (size_t i = 0; i < sizeof expected; i++)
        expected[i] = (uint8_t)(i * 31 + i / 251);
    cr_assert_eq(file_writer_new(in("f"), FILE_MODE_PUBLIC, &writer, NULL), STATUS_OK);
    for (size_t size = 0; at < sizeof expected; size = size * 2 + 1) {
        if (size > sizeof expected - at)
            size = sizeof expected - at;
        file_writer_write(writer, span_of(expected + at, size));
        at += size;
        if (size > 1000000)
            size = 0;
    }
    cr_assert_eq(file_writer_check(writer, NULL), STATUS_OK);
    cr_assert_eq(access(in("f"), F_OK), -1, "not there before the commit");
    cr_assert_eq(file_writer_commit(writer, NULL), STATUS_OK);

    struct bytes bytes;
    bytes_init(&bytes, sizeof expected);
    cr_assert_eq(file_read(in("f"), &bytes, NULL), STATUS_OK);
    cr_assert(span_equal(bytes_view(&bytes), span_of(expected, sizeof expected)));
    bytes_deinit(&bytes);
    cr_assert_eq(count_entries(folder), 1);
}

Test(file, formats)
{
    struct file_writer *writer = NULL;
    struct bytes expected;
    bytes_init(&expected, 1 << 24);
    cr_assert_eq(file_writer_new(in("f"), FILE_MODE_PUBLIC, &writer, NULL), STATUS_OK);
    for (int i = 0; i < 60000; i++) { /* crosses the buffer twice */
        file_writer_format(writer, "row %d\n", i);
        bytes_append_format(&expected, "row %d\n", i);
    }
    file_writer_format(writer, "%s", "");
    file_writer_format(writer, "%200000d", 1);
    bytes_append_format(&expected, "%200000d", 1);
    cr_assert_eq(file_writer_commit(writer, NULL), STATUS_OK);
    bytes_append_u8(&expected, 0);
    cr_assert_eq(bytes_status(&expected, "x", NULL), STATUS_OK);
    expect_content(in("f"), (const char *)expected.data);
    bytes_deinit(&expected);

    struct error error;
    cr_assert_eq(file_writer_new(in("f"), FILE_MODE_PUBLIC, &writer, NULL), STATUS_OK);
    file_writer_format(writer, "%300000d", 1);
    cr_assert_eq(file_writer_check(writer, &error), STATUS_IO);
    cr_assert_eq(file_writer_commit(writer, &error), STATUS_IO);
    cr_assert_not_null(strstr(error.message, "/f: cannot write: "));
    cr_assert_eq(count_entries(folder), 1);
}

Test(file, sync_puts_it_on_the_disk_without_its_name)
{
    struct file_writer *writer = NULL;
    struct stat info;
    cr_assert_eq(file_writer_new(in("f"), FILE_MODE_PUBLIC, &writer, NULL), STATUS_OK);
    file_writer_write(writer, span_of_text("one "));
    cr_assert_eq(file_writer_sync(writer, NULL), STATUS_OK);
    cr_assert_neq(stat(in("f"), &info), 0);
    file_writer_write(writer, span_of_text("two"));
    cr_assert_eq(file_writer_sync(writer, NULL), STATUS_OK);
    cr_assert_eq(file_writer_commit(writer, NULL), STATUS_OK);
    expect_content(in("f"), "one two");
}

Test(file, permissions_are_those_asked_for)
{
    struct stat info;
    cr_assert_eq(file_write(in("s"), FILE_MODE_SECRET, span_of_text("k"), NULL), STATUS_OK);
    cr_assert_eq(stat(in("s"), &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0600);
    cr_assert_eq(file_write(in("s"), FILE_MODE_PUBLIC, span_of_text("k"), NULL), STATUS_OK);
    cr_assert_eq(stat(in("s"), &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0644);
}

Test(file, cancel_leaves_no_trace)
{
    struct file_writer *writer = NULL;
    put(in("f"), "old");
    cr_assert_eq(file_writer_new(in("f"), FILE_MODE_PUBLIC, &writer, NULL), STATUS_OK);
    file_writer_write(writer, span_of_text("new"));
    file_writer_cancel(writer);
    file_writer_cancel(NULL);
    expect_content(in("f"), "old");
    cr_assert_eq(count_entries(folder), 1);
}

Test(file, links_are_followed_and_devices_refused)
{
    struct file_writer *writer = NULL;
    struct error error;
    struct stat info;
    put(in("real"), "old");
    cr_assert_eq(symlink("real", in("link")), 0);
    put(in("link"), "new");
    cr_assert(lstat(in("link"), &info) == 0 && S_ISLNK(info.st_mode), "the link is still a link");
    expect_content(in("real"), "new");

    cr_assert_eq(symlink("nothing", in("dangling")), 0);
    cr_assert_eq(file_writer_new(in("dangling"), FILE_MODE_PUBLIC, &writer, &error),
                 STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(error.message, "is a symbolic link that leads nowhere"));
    cr_assert_eq(file_writer_new("/dev/null", FILE_MODE_PUBLIC, &writer, &error), STATUS_INVALID);
    cr_assert_str_eq(error.message, "/dev/null: is a device or a pipe, not a file");
    cr_assert_eq(mkfifo(in("pipe"), 0600), 0);
    cr_assert_eq(file_writer_new(in("pipe"), FILE_MODE_PUBLIC, &writer, &error), STATUS_INVALID);
    cr_assert_eq(symlink("pipe", in("to-pipe")), 0);
    cr_assert_eq(file_writer_new(in("to-pipe"), FILE_MODE_PUBLIC, &writer, &error), STATUS_INVALID);
    cr_assert_eq(file_writer_new(folder, FILE_MODE_PUBLIC, &writer, &error), STATUS_INVALID);
    cr_assert_eq(file_writer_new("/nowhere/x", FILE_MODE_PUBLIC, &writer, &error),
                 STATUS_NOT_FOUND);
    cr_assert_eq(file_writer_new("", FILE_MODE_PUBLIC, &writer, &error), STATUS_INVALID);
    cr_assert_str_eq(error.message, "the name of a file is empty");
    cr_assert_null(writer);
}

Test(file, relative_names_work)
{
    cr_assert_eq(chdir(folder), 0);
    put("plain", "1");
    put("./dotted", "2");
    cr_assert_eq(folder_make("sub//deeper/", NULL), STATUS_OK);
    put("sub/deeper/file", "3");
    expect_content(in("plain"), "1");
    expect_content(in("dotted"), "2");
    expect_content(in("sub/deeper/file"), "3");
}

/* A child publishes versions of one file without end and is killed at a random moment: the file is
 * always one whole version. */
Test(file, a_kill_leaves_a_whole_version)
{
    enum { VERSION_BYTES = 1 << 20 };
    static uint8_t content[VERSION_BYTES];
    cr_assert_eq(file_write(in("f"), FILE_MODE_PUBLIC, span_of(content, sizeof content), NULL),
                 STATUS_OK);
    unsigned versions_seen = 0;
    for (unsigned round = 0; round < 25; round++) {
        int ends[2];
        cr_assert_eq(pipe(ends), 0);
        const pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            for (uint8_t version = 1;; version++) {
                memset(content, version, sizeof content);
                if (file_write(in("f"), FILE_MODE_PUBLIC, span_of(content, sizeof content), NULL) !=
                        STATUS_OK ||
                    write(ends[1], &version, 1) != 1)
                    _exit(1);
            }
        }
        uint8_t published[2];
        for (size_t i = 0; i < sizeof published; i++)
            cr_assert_eq(read(ends[0], &published[i], 1), 1);
        const struct timespec pause = {.tv_nsec = 1000000L * (long)(1 + round * 7 % 29)};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        int ended = 0;
        waitpid(child, &ended, 0);
        cr_assert(WIFSIGNALED(ended), "the child never fails by itself");
        close(ends[0]);
        close(ends[1]);

        struct bytes bytes;
        bytes_init(&bytes, VERSION_BYTES);
        cr_assert_eq(file_read(in("f"), &bytes, NULL), STATUS_OK);
        cr_assert_eq(bytes.size, VERSION_BYTES);
        cr_assert_eq(memcmp(bytes.data, bytes.data + 1, VERSION_BYTES - 1), 0, "a mixture");
        versions_seen += bytes.data[0] > 1;
        bytes_deinit(&bytes);
    }
    cr_assert_gt(versions_seen, 0, "no child was killed while it replaced the file");
}

Test(file, a_full_disk_leaves_the_old_file)
{
    static uint8_t large[1 << 20];
    char small[64];
    snprintf(small, sizeof small, "%s/small", folder);
    cr_assert_eq(mkdir(small, 0755), 0);
    if (!mount_small(small, "size=128k"))
        cr_skip_test("a small file system cannot be mounted here (needs root)");
    const char *path = in("small/f");
    struct error error;
    enum status first = file_write(path, FILE_MODE_PUBLIC, span_of_text("old"), &error);
    enum status full = file_write(path, FILE_MODE_PUBLIC, span_of(large, sizeof large), &error);
    const size_t entries = count_entries(small);

    /* The same, found out at once by a loop that asks. */
    struct file_writer *writer = NULL;
    enum status checked = file_writer_new(path, FILE_MODE_PUBLIC, &writer, NULL);
    for (int i = 0; checked == STATUS_OK && i < 1000; i++) {
        file_writer_write(writer, span_of(large, 10000));
        checked = file_writer_check(writer, NULL);
    }
    file_writer_cancel(writer);
    struct bytes bytes;
    bytes_init(&bytes, 100);
    const enum status read = file_read(path, &bytes, NULL);
    const bool is_old = span_equal(bytes_view(&bytes), span_of_text("old"));
    bytes_deinit(&bytes);
    unmount(small); /* before the first assertion can end the test */

    cr_assert_eq(first, STATUS_OK);
    cr_assert_eq(full, STATUS_IO);
    cr_assert_not_null(strstr(error.message, "small/f: cannot write: No space left on device"),
                       "%s", error.message);
    cr_assert_eq(entries, 1, "the temporary file is gone");
    cr_assert_eq(checked, STATUS_IO);
    cr_assert(read == STATUS_OK && is_old);
}

/* A file size limit is a full disk that needs no rights. */
Test(file, a_size_limit_is_an_ordinary_failure)
{
    static uint8_t large[1 << 20];
    struct error error;
    put(in("f"), "old");
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {.rlim_cur = 100000, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(file_write(in("f"), FILE_MODE_PUBLIC, span_of(large, sizeof large), &error),
                 STATUS_IO);
    cr_assert_not_null(strstr(error.message, "/f: cannot write: File too large"));
    expect_content(in("f"), "old");
    cr_assert_eq(count_entries(folder), 1);
}

/* ---- folders and links ---- */

Test(file, folders_are_made_with_their_parents)
{
    struct stat info;
    struct error error;
    cr_assert_eq(folder_make(in("a/b/c"), NULL), STATUS_OK);
    cr_assert(stat(in("a/b/c"), &info) == 0 && S_ISDIR(info.st_mode));
    cr_assert_eq(folder_make(in("a/b/c"), NULL), STATUS_OK);
    cr_assert_eq(folder_make(in("a//d/"), NULL), STATUS_OK);
    cr_assert_eq(stat(in("a/d"), &info), 0);
    cr_assert_eq(folder_make("/", NULL), STATUS_OK);
    cr_assert_eq(folder_make("", &error), STATUS_NOT_FOUND);
    put(in("file"), "x");
    cr_assert_eq(folder_make(in("file"), &error), STATUS_INVALID);
    cr_assert_not_null(strstr(error.message, "is a file, not a folder"));
    cr_assert_eq(folder_make(in("file/below"), &error), STATUS_INVALID);
}

Test(file, a_folder_is_published_once)
{
    char *temporary = NULL;
    char *second = NULL;
    struct error error;
    cr_assert_eq(folder_make_temporary(folder, "version", &temporary, NULL), STATUS_OK);
    cr_assert_eq(folder_make_temporary(folder, "version", &second, NULL), STATUS_OK);
    cr_assert_str_neq(temporary, second);
    cr_assert_not_null(strstr(temporary, "/.version."));
    char *inside = path_join(temporary, "rows.txt");
    put(inside, "rows");
    cr_assert_eq(folder_publish(temporary, in("v1"), NULL, NULL), STATUS_OK);
    expect_content(in("v1/rows.txt"), "rows");
    cr_assert_eq(access(temporary, F_OK), -1);

    cr_assert_eq(folder_publish(second, in("v1"), NULL, &error), STATUS_EXISTS);
    cr_assert_not_null(strstr(error.message, "/v1: exists already"));
    cr_assert_eq(access(second, F_OK), 0, "the loser's folder is still there");
    expect_content(in("v1/rows.txt"), "rows");
    cr_assert_eq(folder_publish(second, "/nowhere/v2", NULL, &error), STATUS_NOT_FOUND);
    cr_assert_eq(folder_publish("/nowhere/t", in("v3"), NULL, &error), STATUS_NOT_FOUND);
    cr_assert_eq(folder_publish(second, in("v2/"), NULL, NULL), STATUS_OK,
                 "a slash at the end is fine");
    cr_assert_eq(folder_make_temporary("/nowhere", "version", &second, &error), STATUS_NOT_FOUND);
    mem_free(inside);
    mem_free(temporary);
    mem_free(second);
}

Test(file, a_link_is_replaced_in_one_step)
{
    struct error error;
    char target[64] = {0};
    put(in("one"), "1");
    put(in("two"), "2");
    cr_assert_eq(link_replace("one", in("current"), NULL), STATUS_OK);
    expect_content(in("current"), "1");

    /* A reader in a tight loop never finds the name missing. */
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        for (;;) {
            const int fd = open(in("current"), O_RDONLY);
            if (fd < 0)
                _exit(7);
            close(fd);
        }
    }
    for (int i = 0; i < 200; i++)
        cr_assert_eq(link_replace(i % 2 == 0 ? "two" : "one", in("current"), NULL), STATUS_OK);
    cr_assert_eq(waitpid(child, NULL, WNOHANG), 0, "the reader found no link");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);

    cr_assert_eq(link_replace("two", in("current"), NULL), STATUS_OK);
    cr_assert_eq(readlink(in("current"), target, sizeof target - 1), 3);
    cr_assert_str_eq(target, "two");
    cr_assert_eq(count_entries(folder), 3, "no temporary link is left");
    cr_assert_eq(mkdir(in("folder"), 0755), 0);
    cr_assert_neq(link_replace("two", in("folder"), &error), STATUS_OK);
    cr_assert_eq(count_entries(folder), 4);
    cr_assert_eq(link_replace("two", "/nowhere/current", &error), STATUS_NOT_FOUND);
}

Test(file, removal_is_deep_and_follows_no_link)
{
    put(in("outside"), "stays");
    cr_assert_eq(folder_make(in("kept"), NULL), STATUS_OK);
    put(in("kept/file"), "stays");
    cr_assert_eq(folder_make(in("gone/a/b"), NULL), STATUS_OK);
    put(in("gone/a/file"), "x");
    cr_assert_eq(symlink("../outside", in("gone/to-file")), 0);
    cr_assert_eq(symlink("../kept", in("gone/to-folder")), 0);
    cr_assert_eq(symlink("kept", in("link")), 0);
    folder_remove(in("gone"));
    cr_assert_eq(access(in("gone"), F_OK), -1);
    folder_remove(in("link"));
    folder_remove(in("never-was"));
    folder_remove(in("outside"));
    expect_content(in("outside"), "stays");
    expect_content(in("kept/file"), "stays");
}

Test(file, paths_are_joined)
{
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char *joined = path_join(cases[i][0], cases[i][1]);
        cr_assert_str_eq(joined, cases[i][2]);
        mem_free(joined);
    }
}

/* ---- failing allocations ---- */

static enum status write_something(const char *path, struct error *err)
{
    return file_write(path, FILE_MODE_PUBLIC, span_of_text("new"), err);
}

static enum status read_something(const char *path, struct error *err)
{
    struct bytes bytes;
    bytes_init(&bytes, 100);
    const enum status status = file_read(path, &bytes, err);
    bytes_deinit(&bytes);
    return status;
}

static enum status make_folders(const char *path, struct error *err)
{
    (void)path;
    return folder_make(in("x/y"), err);
}

static enum status publish(const char *path, struct error *err)
{
    char *temporary = NULL;
    (void)path;
    enum status status = folder_make_temporary(folder, "v", &temporary, err);
    if (status != STATUS_OK)
        return status;
    status = folder_publish(temporary, in("v"), NULL, err);
    if (status != STATUS_OK)
        folder_remove(temporary);
    mem_free(temporary);
    return status;
}

static enum status relink(const char *path, struct error *err)
{
    (void)path;
    return link_replace("f", in("l"), err);
}

Test(file, nth_allocation_fails)
{
    static enum status (*const works[])(const char *path, struct error *err) = {
        write_something, read_something, make_folders, publish, relink};
    for (size_t w = 0; w < ARRAY_COUNT(works); w++) {
        put(in("f"), "old");
        for (size_t nth = 1;; nth++) {
            struct error error;
            const size_t entries = count_entries(folder);
            mem_fail_nth(nth);
            const enum status status = works[w](in("f"), &error);
            const bool was_reached = !mem_fail_pending();
            mem_fail_nth(0);
            if (!was_reached) {
                cr_assert_eq(status, STATUS_OK, "%zu: %s", w, error.message);
                cr_assert_gt(nth, 1);
                break;
            }
            cr_assert_eq(status, STATUS_NOMEM, "work %zu, allocation %zu", w, nth);
            cr_assert_not_null(strstr(error.message, ": out of memory"));
            cr_assert_eq(count_entries(folder), entries, "nothing half-done is left");
            expect_content(in("f"), "old");
        }
    }
}
