/* A list goes through two buffers, wave after wave: while the pool parses the pieces of one wave,
 * its first task reads the next. What a piece had to tell is kept until the wave is done, for only
 * then are the pieces' line numbers known; then it is told in the order of the lines. */
#include "urls/list_reading.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/progress.h"
#include "urls/rule_text.h"

#define PIECE_BYTES ((size_t)1 << 17)
#define PIECES_MAX  ((size_t)32) /* in one wave */
/* The most of a line without its end that must be kept: behind the mark a byte too many. */
#define UNENDED_BYTES    (TEXT_MARK_BYTES + LIST_LINE_MAX_BYTES + 1)
#define WAVE_BYTES       (PIECE_BYTES * PIECES_MAX)
#define TOLD_KEYS_BYTES  ((size_t)UINT32_MAX)
#define FIRST_TOLD_COUNT ((size_t)64)

/* A dropped or widened entry. */
struct told {
    uint32_t line; /* of the piece, from 1 */
    uint32_t text; /* in the piece */
    uint32_t text_size;
    uint32_t key_size;       /* widened: of its key, which follows the one before in `told_keys` */
    enum drop_reason reason; /* DROP_NONE = widened */
};

struct piece {
    struct span text;
    bool has_adblock_header; /* in a line before it */
    struct row_set *keys;
    struct list_counts counts;
    struct told *told;
    size_t told_count;
    size_t told_capacity;
    struct bytes told_keys;
    enum status status; /* why something could not be told */
};

struct wave {
    uint8_t *bytes; /* [WAVE_BYTES + UNENDED_BYTES] */
    size_t start;   /* of the lines */
    size_t end;     /* of the last whole line */
    size_t size;    /* with the beginning of the next */
};

struct list_reading {
    struct list_options options;
    struct list_reading_sink sink;
    struct thread_pool *pool;
    struct public_suffixes *suffixes; /* for all parsers */
    struct row_set *rows;
    struct wave waves[2];
    struct piece pieces[PIECES_MAX + 1];
    size_t piece_count;
    struct list_parser **parsers; /* a thread's: [thread_pool_worker_count() + 1] */
    struct piece **parsed;        /* and what it is parsing */

    /* of the file being read */
    const char *path;
    struct file_reader *file;
    struct progress progress;
    struct wave *now;
    struct wave *next;
    bool is_at_end;
    bool has_adblock_header;
    uint64_t line_count;
};

/* ---- what a piece tells ---- */

static enum status on_key(void *context, const struct list_key *key, struct error *err)
{
    struct piece *const *piece = context;
    return row_set_add((*piece)->keys, key->text, err);
}

static void keep(struct piece *piece, const struct list_place *place, enum drop_reason reason,
                 struct span key)
{
    if (piece->told_count == piece->told_capacity) {
        const size_t larger =
            piece->told_capacity == 0 ? FIRST_TOLD_COUNT : 2 * piece->told_capacity;
        struct told *moved = mem_realloc(piece->told, larger, sizeof *moved);
        if (moved == NULL) {
            piece->status = STATUS_NOMEM;
            return;
        }
        piece->told = moved;
        piece->told_capacity = larger;
    }
    bytes_append(&piece->told_keys, key);
    piece->told[piece->told_count++] =
        (struct told){.line = (uint32_t)place->line,
                      .text = (uint32_t)(place->text.data - piece->text.data),
                      .text_size = (uint32_t)place->text.size,
                      .key_size = (uint32_t)key.size,
                      .reason = reason};
}

static void on_drop(void *context, const struct list_place *place, enum drop_reason reason)
{
    struct piece *const *piece = context;
    keep(*piece, place, reason, span_of(NULL, 0));
}

static void on_widen(void *context, const struct list_place *place, struct span key)
{
    struct piece *const *piece = context;
    keep(*piece, place, DROP_NONE, key);
}

/* ---- making one ---- */

static enum status make_parsers(struct list_reading *reading, struct error *err)
{
    const size_t count = thread_pool_worker_count(reading->pool) + 1;
    reading->parsed = mem_alloc_zeroed(count, sizeof(struct piece *));
    reading->parsers = mem_alloc_zeroed(count, sizeof(struct list_parser *));
    if (reading->parsed == NULL || reading->parsers == NULL)
        return error_set(err, STATUS_NOMEM, "lists: out of memory");
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const struct list_sink sink = {.context = &reading->parsed[i],
                                       .key = on_key,
                                       .drop = reading->sink.drop != NULL ? on_drop : NULL,
                                       .widen = reading->sink.widen != NULL ? on_widen : NULL};
        status = list_parser_new(&reading->options, &sink, &reading->parsers[i], err);
    }
    return status;
}

enum status list_reading_new(const struct list_options *options,
                             const struct list_reading_sink *sink, struct thread_pool *pool,
                             struct list_reading **ret, struct error *err)
{
    struct list_reading *reading = mem_alloc_zeroed(1, sizeof *reading);
    if (reading == NULL)
        return error_set(err, STATUS_NOMEM, "lists: out of memory");
    if (options != NULL)
        reading->options = *options;
    reading->sink = *sink;
    reading->pool = pool;
    enum status status = row_set_new(&reading->rows, err);
    if (status == STATUS_OK)
        status = public_suffixes_new(&reading->suffixes, err);
    reading->options.suffixes = reading->suffixes;
    for (size_t i = 0; i < ARRAY_COUNT(reading->waves) && status == STATUS_OK; i++) {
        reading->waves[i].bytes = mem_alloc(WAVE_BYTES + UNENDED_BYTES, 1);
        if (reading->waves[i].bytes == NULL)
            status = error_set(err, STATUS_NOMEM, "lists: out of memory");
    }
    for (size_t i = 0; i < ARRAY_COUNT(reading->pieces) && status == STATUS_OK; i++) {
        bytes_init(&reading->pieces[i].told_keys, TOLD_KEYS_BYTES);
        status = row_set_new(&reading->pieces[i].keys, err);
    }
    if (status == STATUS_OK)
        status = make_parsers(reading, err);
    if (status == STATUS_OK)
        *ret = reading;
    else
        list_reading_free(reading);
    return status;
}

void list_reading_free(struct list_reading *reading)
{
    if (reading == NULL)
        return;
    for (size_t i = 0; reading->parsers != NULL && i <= thread_pool_worker_count(reading->pool);
         i++)
        list_parser_free(reading->parsers[i]);
    mem_free(reading->parsers);
    mem_free(reading->parsed);
    for (size_t i = 0; i < ARRAY_COUNT(reading->pieces); i++) {
        row_set_free(reading->pieces[i].keys);
        mem_free(reading->pieces[i].told);
        bytes_deinit(&reading->pieces[i].told_keys);
    }
    for (size_t i = 0; i < ARRAY_COUNT(reading->waves); i++)
        mem_free(reading->waves[i].bytes);
    row_set_free(reading->rows);
    public_suffixes_free(reading->suffixes);
    mem_free(reading);
}

struct row_set *list_reading_rows(struct list_reading *reading)
{
    return reading->rows;
}

/* ---- reading ---- */

/* Where the last whole line of [from, to) ends; `from` when none does. */
static size_t last_line_end(const uint8_t *bytes, size_t from, size_t to)
{
    while (to > from && bytes[to - 1] != '\n')
        to--;
    return to;
}

/* Fills `next` with what the lines of `now` leave over, and more of the file. */
static enum status read_wave(struct list_reading *reading, struct error *err)
{
    const struct wave *now = reading->now;
    struct wave *next = reading->next;
    next->start = 0;
    next->end = 0;
    next->size = now->size - now->end;
    if (next->size > 0)
        memcpy(next->bytes, now->bytes + now->end, next->size);
    while (next->end == 0 && !reading->is_at_end) {
        if (next->size > UNENDED_BYTES) /* a line that is too long, whatever follows */
            next->size = UNENDED_BYTES;
        const size_t before = next->size;
        size_t got;
        const enum status status =
            file_reader_read(reading->file, next->bytes + before, WAVE_BYTES, &got, err);
        if (status != STATUS_OK)
            return status;
        if (reading->sink.bytes != NULL)
            reading->sink.bytes(reading->sink.context, span_of(next->bytes + before, got));
        progress_add(&reading->progress, got);
        next->size = before + got;
        reading->is_at_end = got < WAVE_BYTES;
        next->end = last_line_end(next->bytes, before, next->size);
        if (next->end == before)
            next->end = 0;
    }
    if (reading->is_at_end)
        next->end = next->size;
    return STATUS_OK;
}

/* Cuts the lines of `now` into pieces. */
static void cut(struct list_reading *reading)
{
    const struct wave *wave = reading->now;
    reading->piece_count = 0;
    for (size_t at = wave->start; at < wave->end;) {
        struct piece *piece = &reading->pieces[reading->piece_count++];
        size_t stop = wave->end;
        if (stop - at > PIECE_BYTES && reading->piece_count < ARRAY_COUNT(reading->pieces)) {
            const uint8_t *from = wave->bytes + at + PIECE_BYTES;
            const uint8_t *end = memchr(from, '\n', stop - at - PIECE_BYTES);
            if (end != NULL)
                stop = (size_t)(end - wave->bytes) + 1;
        }
        piece->text = span_of(wave->bytes + at, stop - at);
        piece->has_adblock_header = reading->has_adblock_header;
        if (!reading->has_adblock_header)
            reading->has_adblock_header = list_holds_adblock_header(piece->text);
        at = stop;
    }
}

static enum status parse_piece(struct list_reading *reading, struct piece *piece, size_t worker,
                               struct error *err)
{
    struct list_parser *parser = reading->parsers[worker];
    row_set_clear(piece->keys);
    bytes_clear(&piece->told_keys);
    piece->told_count = 0;
    piece->status = STATUS_OK;
    reading->parsed[worker] = piece;
    list_parser_begin_inside(parser, reading->path, piece->has_adblock_header);
    enum status status = list_parser_text(parser, piece->text, err);
    list_parser_take_counts(parser, &piece->counts);
    if (status == STATUS_OK && piece->status != STATUS_OK)
        status = error_set(err, piece->status, "lists: out of memory");
    if (status == STATUS_OK)
        status = bytes_status(&piece->told_keys, "lists", err);
    return status;
}

static enum status wave_task(void *context, size_t index, size_t worker, struct error *err)
{
    struct list_reading *reading = context;
    return index == 0 ? read_wave(reading, err)
                      : parse_piece(reading, &reading->pieces[index - 1], worker, err);
}

static void tell_piece(const struct list_reading *reading, const struct piece *piece)
{
    const struct list_reading_sink *sink = &reading->sink;
    const uint8_t *key = piece->told_keys.data;
    for (size_t i = 0; i < piece->told_count; i++) {
        const struct told *told = &piece->told[i];
        const struct list_place place = {.file = reading->path,
                                         .line = reading->line_count + told->line,
                                         .text =
                                             span_part(piece->text, told->text, told->text_size)};
        if (told->reason != DROP_NONE) {
            sink->drop(sink->context, &place, told->reason);
        } else {
            sink->widen(sink->context, &place, span_of(key, told->key_size));
            key += told->key_size;
        }
    }
}

/* Parses `now` and reads `next`. */
static enum status do_wave(struct list_reading *reading, struct list_counts *counts,
                           struct error *err)
{
    struct row_set *keys[ARRAY_COUNT(reading->pieces)];
    cut(reading);
    enum status status =
        thread_pool_for(reading->pool, reading->piece_count + 1, wave_task, reading, err);
    for (size_t i = 0; i < reading->piece_count && status == STATUS_OK; i++) {
        const struct piece *piece = &reading->pieces[i];
        tell_piece(reading, piece);
        reading->line_count += piece->counts.lines;
        list_counts_add(counts, &piece->counts);
        keys[i] = piece->keys;
    }
    if (status == STATUS_OK)
        status = row_set_join(reading->rows, keys, reading->piece_count, reading->pool, err);
    return status;
}

enum status list_reading_file(struct list_reading *reading, const char *path, bool show_progress,
                              struct list_counts *ret_counts, struct error *err)
{
    struct list_counts counts = {0};
    enum status status = file_reader_open(path, &reading->file, err);
    if (status != STATUS_OK)
        return status;
    reading->path = path;
    reading->is_at_end = false;
    reading->has_adblock_header = false;
    reading->line_count = 0;
    reading->now = &reading->waves[1];
    reading->next = &reading->waves[0];
    reading->now->end = 0;
    reading->now->size = 0;
    progress_begin(&reading->progress, show_progress ? "reading lists" : NULL,
                   file_reader_size(reading->file));
    status = read_wave(reading, err);
    if (text_starts_with(span_of(reading->next->bytes, reading->next->end), TEXT_MARK))
        reading->next->start = TEXT_MARK_BYTES;
    while (status == STATUS_OK && reading->next->end > 0) {
        struct wave *done = reading->now;
        reading->now = reading->next;
        reading->next = done;
        status = do_wave(reading, &counts, err);
        if (status != STATUS_OK)
            status = error_prefix(err, status, "%s", path);
    }
    progress_end(&reading->progress);
    file_reader_close(reading->file);
    reading->file = NULL;
    if (status == STATUS_OK && ret_counts != NULL)
        list_counts_add(ret_counts, &counts);
    return status;
}
