#include "base/log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What log_write() put into the pipe, as text. */
static void taken(int fd, char *out, size_t size)
{
    const ssize_t got = read(fd, out, size - 1);
    out[got > 0 ? got : 0] = '\0';
}

Test(log, a_line_has_time_level_and_message)
{
    int ends[2];
    char line[2048];
    cr_assert_eq(pipe(ends), 0);
    const struct log log = {.fd = ends[1], .least = LOG_INFO};
    log_write(&log, LOG_WARNING, "queue full waiting=%d", 64);
    taken(ends[0], line, sizeof line);
    unsigned year, month, day, hour, minute, second, ms;
    cr_assert_eq(sscanf(line, "%4u-%2u-%2uT%2u:%2u:%2u.%3uZ", &year, &month, &day, &hour, &minute,
                        &second, &ms),
                 7);
    cr_assert(year >= 2024 && month >= 1 && month <= 12);
    cr_assert_str_eq(line + strlen("2026-11-21T09:30:00.123Z"), " warn  queue full waiting=64\n");
}

Test(log, the_journal_is_told_the_level_and_has_the_time)
{
    static const struct {
        enum log_level level;
        const char *text;
    } cases[] = {{LOG_DEBUG, "<7>a=1\n"},
                 {LOG_INFO, "<6>a=1\n"},
                 {LOG_WARNING, "<4>a=1\n"},
                 {LOG_ERROR, "<3>a=1\n"}};
    int ends[2];
    char line[2048];
    cr_assert_eq(pipe(ends), 0);
    struct log log = {.fd = ends[1], .least = LOG_DEBUG, .is_for_journal = true};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        log_write(&log, cases[i].level, "a=%d", 1);
        taken(ends[0], line, sizeof line);
        cr_expect_str_eq(line, cases[i].text);
    }
    log.format = LOG_JSON;
    log_write(&log, LOG_ERROR, "a=%d", 1);
    taken(ends[0], line, sizeof line);
    cr_expect_eq(strncmp(line, "<3>{\"time\":\"", strlen("<3>{\"time\":\"")), 0, "%s", line);
    cr_expect_not_null(strstr(line, ",\"message\":\"a=1\",\"fields\":{\"a\":1}}\n"));
}

Test(log, levels_below_the_least_and_no_log_are_silent)
{
    int ends[2];
    char line[2048];
    cr_assert_eq(pipe(ends), 0);
    const struct log log = {.fd = ends[1], .least = LOG_WARNING};
    const struct log silent = {.fd = -1, .least = LOG_DEBUG};
    log_write(&log, LOG_DEBUG, "a");
    log_write(&log, LOG_INFO, "b");
    log_write(&silent, LOG_ERROR, "c");
    log_write(NULL, LOG_ERROR, "d");
    log_write(&log, LOG_ERROR, "e");
    taken(ends[0], line, sizeof line);
    cr_assert_not_null(strstr(line, "Z error e\n"));
    cr_assert_eq(strchr(line, '\n'), line + strlen(line) - 1, "one line only");
}

Test(log, control_characters_cannot_forge_a_line)
{
    int ends[2];
    char line[2048];
    cr_assert_eq(pipe(ends), 0);
    const struct log log = {.fd = ends[1], .least = LOG_DEBUG};
    log_write(&log, LOG_INFO, "%s", "name\n2026-11-21 forged\r\x1b[31m\x7f \xc3\xbc");
    taken(ends[0], line, sizeof line);
    cr_assert_str_eq(line + strlen("2026-11-21T09:30:00.123Z info  "),
                     "name?2026-11-21 forged??[31m? \xc3\xbc\n");
}

Test(log, long_messages_are_cut_to_one_line)
{
    int ends[2];
    char line[4096];
    char message[3000];
    memset(message, 'x', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    cr_assert_eq(pipe(ends), 0);
    const struct log log = {.fd = ends[1], .least = LOG_DEBUG};
    log_write(&log, LOG_INFO, "%s", message);
    taken(ends[0], line, sizeof line);
    const size_t length = strlen(line);
    cr_assert(length > 500 && length <= 1024);
    cr_assert_eq(line[length - 1], '\n');
    cr_assert_eq(line[length - 2], 'x');
}

Test(log, a_closed_descriptor_is_survived)
{
    const struct log log = {.fd = 977, .least = LOG_DEBUG};
    log_write(&log, LOG_INFO, "nobody hears this");
}

static void expect_json(const char *message, const char *rest)
{
    int ends[2];
    char line[8192];
    char expected[4096];
    cr_assert_eq(pipe(ends), 0);
    const struct log log = {.fd = ends[1], .least = LOG_DEBUG, .format = LOG_JSON};
    log_write(&log, LOG_WARNING, "%s", message);
    taken(ends[0], line, sizeof line);
    snprintf(expected, sizeof expected, "\",\"level\":\"warn\",\"message\":%s}\n", rest);
    cr_assert_eq(strncmp(line, "{\"time\":\"20", 11), 0, "%s", line);
    cr_assert_str_eq(line + strlen("{\"time\":\"2026-11-21T09:30:00.123Z"), expected);
}

Test(log, json_has_the_fields_of_a_message)
{
    expect_json("ended", "\"ended\"");
    expect_json("", "\"\"");
    expect_json(
        "a b=c d_e=12, b=again f= x=0 y=01 Z=1 q=1=2",
        "\"a b=c d_e=12, b=again f= x=0 y=01 Z=1 q=1=2\",\"fields\":{\"b\":\"c\",\"d_e\":12,"
        "\"f\":\"\",\"x\":0,\"y\":\"01\",\"q\":\"1=2\"}");
    expect_json("version=1234567890123456 n=123456789012345",
                "\"version=1234567890123456 n=123456789012345\",\"fields\":{\"version\":"
                "\"1234567890123456\",\"n\":123456789012345}");
}

Test(log, json_cannot_be_broken_out_of)
{
    expect_json("a=\"},{ \\ \n\x1b", "\"a=\\\"},{ \\\\ ??\",\"fields\":{\"a\":\"\\\"},{\"}");
    expect_json("\xff\xc3 \xc3\xbc", "\"?? \xc3\xbc\"");
}

Test(log, json_of_any_message_fits)
{
    int ends[2];
    char line[16384];
    char message[3000];
    memset(message, '"', sizeof message - 1);
    memcpy(message, "a=", 2);
    message[sizeof message - 1] = '\0';
    cr_assert_eq(pipe(ends), 0);
    const struct log log = {.fd = ends[1], .least = LOG_DEBUG, .format = LOG_JSON};
    log_write(&log, LOG_INFO, "%s", message);
    taken(ends[0], line, sizeof line);
    cr_assert_eq(strcmp(line + strlen(line) - 4, "\"}}\n"), 0, "%s", line);
}
