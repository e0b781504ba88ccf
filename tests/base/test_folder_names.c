#include "base/folder_names.h"

#include "base/file.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MANY 40

static char folder[] = "/tmp/folder_names.XXXXXX";

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    for (int i = 0; i < MANY; i++) {
        char path[200];
        (void)snprintf(path, sizeof path, "%s/%c%02d", folder, i % 2 == 0 ? 'a' : 'b',
                       MANY - 1 - i);
        cr_assert_eq(file_write(path, FILE_MODE_PUBLIC, span_of_text(""), NULL), STATUS_OK);
    }
}

static void tear_down(void)
{
    folder_remove(folder);
}

TestSuite(folder_names, .init = set_up, .fini = tear_down);

static bool begins_with_b(const char *in, const char *name)
{
    cr_assert_str_eq(in, folder);
    return name[0] == 'b';
}

Test(folder_names, sorted_and_chosen)
{
    struct folder_names names;
    cr_assert_eq(folder_names_read(folder, NULL, &names, NULL), STATUS_OK);
    cr_assert_eq(names.count, MANY);
    for (size_t i = 1; i < names.count; i++)
        cr_assert(strcmp(names.list[i - 1], names.list[i]) < 0);
    folder_names_deinit(&names);
    cr_assert_eq(folder_names_read(folder, begins_with_b, &names, NULL), STATUS_OK);
    cr_assert_eq(names.count, MANY / 2);
    cr_assert_str_eq(names.list[0], "b00");
    folder_names_deinit(&names);
    cr_assert_eq(names.count, 0);
}

Test(folder_names, no_folder_and_no_memory)
{
    struct folder_names names = {0};
    struct error err;
    cr_assert_eq(folder_names_read("/no/such/folder", NULL, &names, &err), STATUS_NOT_FOUND);
    size_t n = 1;
    for (;; n++) {
        mem_fail_nth(n);
        const enum status status = folder_names_read(folder, NULL, &names, &err);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        if (!reached)
            break;
        cr_assert_eq(status, STATUS_NOMEM);
        cr_assert_eq(names.count, 0);
    }
    cr_assert_gt(n, MANY);
    folder_names_deinit(&names);
}
