#include "base/status.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

Test(status, set_stores_status_and_message)
{
    struct error error;
    cr_assert_eq(error_set(&error, STATUS_INVALID, "shard %d, byte %d", 12, 118), STATUS_INVALID);
    cr_assert_eq(error.status, STATUS_INVALID);
    cr_assert_str_eq(error.message, "shard 12, byte 118");
}

Test(status, every_function_takes_null)
{
    cr_assert_eq(error_set(NULL, STATUS_BUSY, "x"), STATUS_BUSY);
    cr_assert_eq(error_set_errno(NULL, ENOENT, "x"), STATUS_NOT_FOUND);
    cr_assert_eq(error_prefix(NULL, STATUS_MISMATCH, "x"), STATUS_MISMATCH);
}

Test(status, errno_becomes_status_and_reason)
{
    static const struct {
        int number;
        enum status status;
    } cases[] = {{ENOENT, STATUS_NOT_FOUND},
                 {EEXIST, STATUS_EXISTS},
                 {ENOMEM, STATUS_NOMEM},
                 {ENOSPC, STATUS_IO},
                 {EACCES, STATUS_IO}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct error error;
        cr_assert_eq(error_set_errno(&error, cases[i].number, "list.txt"), cases[i].status);
        cr_assert_eq(error.status, cases[i].status);
        char expected[128];
        snprintf(expected, sizeof expected, "list.txt: %s", strerror(cases[i].number));
        cr_assert_str_eq(error.message, expected);
    }
}

Test(status, errno_reason_survives_a_long_message)
{
    char longer[2 * ERROR_MESSAGE_BYTES];
    memset(longer, 'p', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    struct error error;
    cr_assert_eq(error_set_errno(&error, ENOSPC, "%s", longer), STATUS_IO);
    cr_assert_eq(strlen(error.message), ERROR_MESSAGE_BYTES - 1);
    cr_assert(strstr(error.message, "p: No space left on device") != NULL);
}

Test(status, long_messages_are_cut)
{
    char longer[2 * ERROR_MESSAGE_BYTES];
    memset(longer, 'm', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    struct error error;
    (void)error_set(&error, STATUS_IO, "%s", longer);
    cr_assert_eq(strlen(error.message), ERROR_MESSAGE_BYTES - 1);
    (void)error_prefix(&error, STATUS_IO, "%s", longer);
    cr_assert_eq(strlen(error.message), ERROR_MESSAGE_BYTES - 1);
}

Test(status, prefix_adds_where_to_what)
{
    struct error error;
    (void)error_set(&error, STATUS_MALFORMED, "byte 3: too short");
    cr_assert_eq(error_prefix(&error, STATUS_IO, "shard %d", 7), STATUS_MALFORMED,
                 "the status of the error wins");
    cr_assert_str_eq(error.message, "shard 7: byte 3: too short");
}

Test(status, every_status_has_a_name_of_its_own)
{
    for (int a = 0; a < STATUS_COUNT; a++) {
        cr_assert_str_neq(status_name((enum status)a), "unknown status");
        for (int b = 0; b < a; b++)
            cr_assert_str_neq(status_name((enum status)a), status_name((enum status)b));
    }
    cr_assert_str_eq(status_name(STATUS_COUNT), "unknown status");
}
