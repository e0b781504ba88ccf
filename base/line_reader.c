/* One read() buffer of several lines' length; a line is handed out in place. When the rest of the
 * buffer holds no line end, the piece is moved to the front and the buffer refilled, so each byte
 * is moved at most once a line. */
#include "base/line_reader.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)1 << 18)
/* The longest good line that shows no LF yet: byte order mark, text, CR. */
#define UNENDED_MAX_BYTES (3 + LINE_MAX_BYTES + 1)
static_assert(BUFFER_BYTES > UNENDED_MAX_BYTES + 1, "a line with its end fits into the buffer");

struct line_reader {
    char *path; /* as shown in messages */
    int fd;
    bool owns_fd;
    bool at_end;   /* of the file */
    bool skipping; /* inside the tail of a line that was too long */
    uint64_t file_size;
    uint64_t consumed;
    uint64_t line_number;
    size_t start; /* of unread bytes in the buffer */
    size_t end;
    uint8_t buffer[BUFFER_BYTES];
};

enum status line_reader_open(const char *path, struct line_reader **ret, struct error *err)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    int fd = STDIN_FILENO;
    struct stat info = {0};
    if (!is_stdin) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return error_set_errno(err, errno, "%s", path);
    }
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        if (!is_stdin)
            close(fd);
        return error_set(err, STATUS_INVALID, "%s: is a folder, not a file", path);
    }
    struct line_reader *reader = mem_alloc(1, sizeof *reader);
    char *shown = mem_strdup(is_stdin ? "standard input" : path);
    if (reader == NULL || shown == NULL) {
        mem_free(reader);
        mem_free(shown);
        if (!is_stdin)
            close(fd);
        return error_set(err, STATUS_NOMEM, "%s: out of memory",
                         is_stdin ? "standard input" : path);
    }
    reader->path = shown;
    reader->fd = fd;
    reader->owns_fd = !is_stdin;
    reader->at_end = false;
    reader->skipping = false;
    reader->file_size = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    reader->consumed = 0;
    reader->line_number = 0;
    reader->start = 0;
    reader->end = 0;
    *ret = reader;
    return STATUS_OK;
}

void line_reader_close(struct line_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->owns_fd)
        close(reader->fd);
    mem_free(reader->path);
    mem_free(reader);
}

enum status line_reader_rewind(struct line_reader *reader, struct error *err)
{
    if (lseek(reader->fd, 0, SEEK_SET) != 0)
        return error_set(err, STATUS_UNSUPPORTED,
                         "%s: is read twice, so it must be a file, not a pipe", reader->path);
    reader->at_end = false;
    reader->skipping = false;
    reader->consumed = 0;
    reader->line_number = 0;
    reader->start = 0;
    reader->end = 0;
    return STATUS_OK;
}

/* Reads more behind the unread bytes, which move to the front first. */
static enum status refill(struct line_reader *reader, struct error *err)
{
    if (reader->start > 0) {
        memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
        reader->end -= reader->start;
        reader->start = 0;
    }
    ssize_t got;
    do
        got = read(reader->fd, reader->buffer + reader->end, BUFFER_BYTES - reader->end);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return error_set_errno(err, errno, "%s", reader->path);
    if (got == 0)
        reader->at_end = true;
    reader->end += (size_t)got;
    return STATUS_OK;
}

static void consume(struct line_reader *reader, size_t size)
{
    reader->start += size;
    reader->consumed += size;
}

enum status line_reader_next(struct line_reader *reader, struct line *ret, bool *ret_has_line,
                             struct error *err)
{
    static const uint8_t byte_order_mark[3] = {0xef, 0xbb, 0xbf};
    size_t searched = 0;
    for (;;) {
        const uint8_t *from = reader->buffer + reader->start;
        const size_t have = reader->end - reader->start;
        const uint8_t *end =
            have > searched ? memchr(from + searched, '\n', have - searched) : NULL;
        if (end == NULL && !reader->at_end && have <= UNENDED_MAX_BYTES) {
            searched = have;
            const enum status status = refill(reader, err);
            if (status != STATUS_OK)
                return status;
            continue;
        }
        if (end == NULL && have == 0 && !reader->skipping) {
            *ret_has_line = false;
            return STATUS_OK;
        }
        size_t length = end != NULL ? (size_t)(end - from) : have;
        const size_t taken = end != NULL ? length + 1 : have;
        const bool ends_here = end != NULL || reader->at_end;
        if (reader->skipping) {
            consume(reader, taken);
            searched = 0;
            if (ends_here)
                reader->skipping = false;
            if (ends_here && end == NULL) {
                *ret_has_line = false;
                return STATUS_OK;
            }
            continue;
        }
        consume(reader, taken);
        reader->line_number++;
        if (end != NULL && length > 0 && from[length - 1] == '\r')
            length--;
        struct span text = span_of(from, length);
        if (reader->line_number == 1 &&
            span_starts_with(text, span_of(byte_order_mark, sizeof byte_order_mark)))
            text = span_part(text, sizeof byte_order_mark, text.size - sizeof byte_order_mark);
        const bool is_too_long = text.size > LINE_MAX_BYTES;
        reader->skipping = !ends_here;
        if (is_too_long)
            text.size = LINE_MAX_BYTES;
        *ret = (struct line){
            .text = text, .number = reader->line_number, .is_too_long = is_too_long || !ends_here};
        *ret_has_line = true;
        return STATUS_OK;
    }
}

uint64_t line_reader_position(const struct line_reader *reader)
{
    return reader->consumed;
}

uint64_t line_reader_size(const struct line_reader *reader)
{
    return reader->file_size;
}
