#include "base/log.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_BYTES 960
#define TIME_BYTES    32
#define FIELDS_MAX    16
/* More digits may be no number: a version is 16 hex digits. */
#define NUMBER_DIGITS_MAX 15
/* A message, and all of it again as fields, every character escaped. */
#define LINE_BYTES (4 * MESSAGE_BYTES + 256)

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info";
    case LOG_WARNING:
        return "warn";
    case LOG_ERROR:
        return "error";
    }
    return "?";
}

/* syslog's. */
static int level_number(enum log_level level)
{
    static const int numbers[] = {
        [LOG_DEBUG] = 7, [LOG_INFO] = 6, [LOG_WARNING] = 4, [LOG_ERROR] = 3};
    return numbers[level];
}

static void format_time(char ret[TIME_BYTES])
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    const size_t used = strftime(ret, TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(ret + used, TIME_BYTES - used, ".%03ldZ", now.tv_nsec / 1000000);
}

/* ---- JSON ---- */

/* A line in the making. There is room for all that can come. */
struct line {
    char text[LINE_BYTES];
    size_t size;
};

static void append(struct line *line, const char *text)
{
    const size_t size = strlen(text);
    memcpy(line->text + line->size, text, size);
    line->size += size;
}

/* As a string in quotes. */
static void append_string(struct line *line, const char *text, size_t size)
{
    line->text[line->size++] = '"';
    for (size_t i = 0; i < size;) {
        const size_t bytes = utf8_character_bytes(span_of(text + i, size - i));
        if (text[i] == '"' || text[i] == '\\')
            line->text[line->size++] = '\\';
        if (bytes == 0) {
            line->text[line->size++] = '?';
            i++;
        } else {
            memcpy(line->text + line->size, text + i, bytes);
            line->size += bytes;
            i += bytes;
        }
    }
    line->text[line->size++] = '"';
}

struct field {
    const char *name;
    size_t name_size;
    const char *value;
    size_t value_size;
};

/* name=value, without what ends a part of a sentence. */
static bool read_field(const char *word, size_t size, struct field *ret)
{
    size_t name_size = 0;
    while (name_size < size &&
           ((word[name_size] >= 'a' && word[name_size] <= 'z') || word[name_size] == '_'))
        name_size++;
    if (name_size == 0 || name_size == size || word[name_size] != '=')
        return false;
    while (size > name_size + 1 && strchr(",:;", word[size - 1]) != NULL)
        size--;
    *ret = (struct field){.name = word,
                          .name_size = name_size,
                          .value = word + name_size + 1,
                          .value_size = size - name_size - 1};
    return true;
}

static bool is_number(const struct field *field)
{
    if (field->value_size == 0 || field->value_size > NUMBER_DIGITS_MAX ||
        (field->value[0] == '0' && field->value_size > 1))
        return false;
    for (size_t i = 0; i < field->value_size; i++) {
        if (field->value[i] < '0' || field->value[i] > '9')
            return false;
    }
    return true;
}

static size_t read_fields(const char *message, struct field fields[FIELDS_MAX])
{
    size_t count = 0;
    while (*message != '\0' && count < FIELDS_MAX) {
        const size_t size = strcspn(message, " ");
        if (read_field(message, size, &fields[count])) {
            size_t i = 0;
            while (i < count && (fields[i].name_size != fields[count].name_size ||
                                 memcmp(fields[i].name, message, fields[i].name_size) != 0))
                i++;
            count += i == count ? 1 : 0; /* the first of a name */
        }
        message += size;
        message += strspn(message, " ");
    }
    return count;
}

static void append_fields(struct line *line, const char *message)
{
    struct field fields[FIELDS_MAX];
    const size_t count = read_fields(message, fields);
    for (size_t i = 0; i < count; i++) {
        append(line, i == 0 ? ",\"fields\":{" : ",");
        append_string(line, fields[i].name, fields[i].name_size);
        append(line, ":");
        if (is_number(&fields[i])) {
            memcpy(line->text + line->size, fields[i].value, fields[i].value_size);
            line->size += fields[i].value_size;
        } else {
            append_string(line, fields[i].value, fields[i].value_size);
        }
    }
    append(line, count > 0 ? "}}\n" : "}\n");
}

static void write_json(struct line *line, const char *time, const char *level, const char *message)
{
    append(line, "{\"time\":\"");
    append(line, time);
    append(line, "\",\"level\":\"");
    append(line, level);
    append(line, "\",\"message\":");
    append_string(line, message, strlen(message));
    append_fields(line, message);
}

/* ---- text ---- */

static void write_text(struct line *line, const char *time, const char *level, const char *message)
{
    line->size += (size_t)snprintf(line->text + line->size, sizeof line->text - line->size,
                                   "%s %-5s %s\n", time, level, message);
}

/* ---- both ---- */

void log_write(const struct log *log, enum log_level level, const char *format, ...)
{
    if (log == NULL || log->fd < 0 || level < log->least)
        return;
    char time[TIME_BYTES];
    char message[MESSAGE_BYTES];
    struct line line = {.size = 0};
    format_time(time);
    va_list args;
    va_start(args, format);
    if (vsnprintf(message, sizeof message, format, args) < 0)
        message[0] = '\0';
    va_end(args);
    for (char *at = message; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
    if (log->is_for_journal)
        line.size = (size_t)snprintf(line.text, sizeof line.text, "<%d>", level_number(level));
    if (log->format == LOG_JSON) {
        write_json(&line, time, level_name(level), message);
    } else if (log->is_for_journal) {
        append(&line, message);
        append(&line, "\n");
    } else {
        write_text(&line, time, level_name(level), message);
    }
    /* A log that cannot be written must not stop the service. */
    const ssize_t ignored = write(log->fd, line.text, line.size);
    (void)ignored;
}
