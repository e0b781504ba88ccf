/* Goes over a text that jansson has parsed; whatever else it is, the walk ends at its end. */
#include "json/json_place.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

struct walk {
    struct span text;
    size_t at;
    size_t line;
};

static char peek(const struct walk *walk)
{
    return walk->at < walk->text.size ? (char)walk->text.data[walk->at] : '\0';
}

static bool is_at_end(const struct walk *walk)
{
    return walk->at >= walk->text.size;
}

static void step(struct walk *walk)
{
    if (peek(walk) == '\n')
        walk->line++;
    walk->at++;
}

static void skip_blanks(struct walk *walk)
{
    while (!is_at_end(walk) && strchr(" \t\r\n", peek(walk)) != NULL)
        step(walk);
}

/* The walk is at its first quote; with both quotes. */
static struct span take_text(struct walk *walk)
{
    const size_t start = walk->at;
    step(walk);
    while (!is_at_end(walk) && peek(walk) != '"') {
        if (peek(walk) == '\\')
            step(walk);
        step(walk);
    }
    step(walk);
    const size_t end = walk->at < walk->text.size ? walk->at : walk->text.size;
    return span_part(walk->text, start, end - start);
}

/* Brackets are counted, whatever kind they are. */
static void skip_value(struct walk *walk)
{
    size_t depth = 0;
    do {
        skip_blanks(walk);
        const char c = peek(walk);
        if (c == '"') {
            (void)take_text(walk);
            continue;
        }
        if (c == '{' || c == '[')
            depth++;
        if ((c == '}' || c == ']') && depth-- == 0)
            return;
        if (c == ',' && depth == 0)
            return;
        step(walk);
    } while (!is_at_end(walk) && (depth > 0 || strchr(",}]", peek(walk)) == NULL));
}

static bool is_name(struct span quoted, const char *name)
{
    json_t *text =
        json_loadb((const char *)quoted.data, quoted.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    const bool is = text != NULL && strcmp(json_string_value(text), name) == 0;
    json_decref(text);
    return is;
}

/* To the value of the member; the walk is behind the bracket. Its line is that of the name. */
static bool enter_member(struct walk *walk, const char *name, size_t *line)
{
    for (;;) {
        skip_blanks(walk);
        if (peek(walk) != '"')
            return false;
        const size_t here = walk->line;
        const bool is_it = is_name(take_text(walk), name);
        skip_blanks(walk);
        step(walk); /* the colon */
        if (is_it) {
            *line = here;
            return true;
        }
        skip_value(walk);
        skip_blanks(walk);
        step(walk); /* the comma */
    }
}

static bool enter_item(struct walk *walk, size_t index, size_t *line)
{
    for (; index > 0; index--) {
        skip_value(walk);
        skip_blanks(walk);
        if (peek(walk) != ',')
            return false;
        step(walk);
    }
    skip_blanks(walk);
    if (is_at_end(walk) || peek(walk) == ']')
        return false;
    *line = walk->line;
    return true;
}

size_t json_place_line(struct span text, const struct json_step *steps, size_t count)
{
    struct walk walk = {.text = text, .line = 1};
    skip_blanks(&walk);
    size_t line = is_at_end(&walk) ? 0 : walk.line;
    for (size_t i = 0; i < count; i++) {
        skip_blanks(&walk);
        const char wanted = steps[i].name != NULL ? '{' : '[';
        if (peek(&walk) != wanted)
            break;
        step(&walk);
        const bool is_there = steps[i].name != NULL ? enter_member(&walk, steps[i].name, &line)
                                                    : enter_item(&walk, steps[i].index, &line);
        if (!is_there)
            break;
    }
    return line;
}
