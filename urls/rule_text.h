/* rule_text - words and blanks in a line of a list.
 *
 * A blank is a space or a tab; a CR at the end of a line counts as one.
 *
 * Threads  no state; any. */
#ifndef BLINDLIST_URLS_RULE_TEXT_H
#define BLINDLIST_URLS_RULE_TEXT_H

#include "base/span.h"

/* UTF-8's byte order mark, with which some editors begin a text. */
#define TEXT_MARK       "\xef\xbb\xbf"
#define TEXT_MARK_BYTES (sizeof TEXT_MARK - 1)

static inline bool text_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static inline struct span text_trim(struct span text)
{
    while (text.size > 0 && text_is_blank(text.data[0]))
        text = span_part(text, 1, text.size - 1);
    while (text.size > 0 &&
           (text_is_blank(text.data[text.size - 1]) || text.data[text.size - 1] == '\r'))
        text.size--;
    return text;
}

static inline bool text_starts_with(struct span text, const char *start)
{
    return span_starts_with(text, span_of_text(start));
}

static inline bool text_ends_with(struct span text, const char *end)
{
    const size_t size = strlen(end);
    return text.size >= size && memcmp(text.data + text.size - size, end, size) == 0;
}

static inline bool text_is(struct span text, const char *word)
{
    return span_equal(text, span_of_text(word));
}

/* The same without regard to the case of A-Z; `word` is lower case. */
static inline bool text_is_word(struct span text, const char *word)
{
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.data[i];
        if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != (uint8_t)word[i] || word[i] == '\0')
            return false;
    }
    return word[text.size] == '\0';
}

static inline bool text_holds(struct span text, uint8_t c)
{
    return text.size > 0 && memchr(text.data, c, text.size) != NULL;
}

/* Where `c` stands first; text.size when nowhere. */
static inline size_t text_find(struct span text, uint8_t c)
{
    const uint8_t *found = text.size > 0 ? memchr(text.data, c, text.size) : NULL;
    return found != NULL ? (size_t)(found - text.data) : text.size;
}

/* The text behind its byte order mark, when it has one. */
static inline struct span text_without_mark(struct span text)
{
    const bool has_mark = text_starts_with(text, TEXT_MARK);
    return has_mark ? span_part(text, TEXT_MARK_BYTES, text.size - TEXT_MARK_BYTES) : text;
}

/* What is behind the first `size` bytes. */
static inline struct span text_after(struct span text, size_t size)
{
    return size < text.size ? span_part(text, size, text.size - size) : span_of(NULL, 0);
}

/* Takes the next word off *text; empty at its end. */
static inline struct span text_take_word(struct span *text)
{
    const struct span rest = text_trim(*text);
    size_t size = 0;
    while (size < rest.size && !text_is_blank(rest.data[size]))
        size++;
    *text = text_after(rest, size);
    return span_of(rest.data, size);
}

#endif
