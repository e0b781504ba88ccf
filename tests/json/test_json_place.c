#include "json/json_place.h"

#include "base/compiler.h"

#include <criterion/criterion.h>
#include <string.h>

static const char text[] = "{\n"                                        /* 1 */
                           "  \"a\": {\"x\": [1, {\"]\": \"}\\\"\"},\n" /* 2 */
                           "    2,\n"                                   /* 3 */
                           "\t[3]], \"y\": true},\n"                    /* 4 */
                           "  \"list\": [\n"                            /* 5 */
                           "    {\"name\": \"one\"}, {\"name\":\n"      /* 6 */
                           "      \"two\"},\n"                          /* 7 */
                           "    -1.5e3\n"                               /* 8 */
                           "  ],\n"                                     /* 9 */
                           "  \"quo\\u0074e\\\"\":\n"                   /* 10 */
                           "   null, \"after\": 1}\n";                  /* 11 */

static const struct {
    struct json_step steps[4];
    size_t count;
    size_t line;
} places[] = {
    {{{0}}, 0, 1},
    {{{.name = "a"}}, 1, 2},
    {{{.name = "a"}, {.name = "x"}, {.index = 1}}, 3, 2},
    {{{.name = "a"}, {.name = "x"}, {.index = 2}}, 3, 3},
    {{{.name = "a"}, {.name = "x"}, {.index = 3}, {.index = 0}}, 4, 4},
    {{{.name = "a"}, {.name = "y"}}, 2, 4},
    {{{.name = "list"}}, 1, 5},
    {{{.name = "list"}, {.index = 1}}, 2, 6},
    {{{.name = "list"}, {.index = 1}, {.name = "name"}}, 3, 6},
    {{{.name = "list"}, {.index = 2}}, 2, 8},
    {{{.name = "quote\""}}, 1, 10},
    {{{.name = "after"}}, 1, 11},
    /* What is not there stands where the last of its way does. */
    {{{.name = "none"}}, 1, 1},
    {{{.name = "list"}, {.index = 3}}, 2, 5},
    {{{.name = "list"}, {.index = 0}, {.name = "none"}}, 3, 6},
    {{{.name = "a"}, {.index = 0}}, 2, 2},
    {{{.name = "after"}, {.name = "none"}}, 2, 11},
};

Test(json_place, lines)
{
    for (size_t i = 0; i < ARRAY_COUNT(places); i++)
        cr_expect_eq(json_place_line(span_of_text(text), places[i].steps, places[i].count),
                     places[i].line, "%zu: line %zu", i,
                     json_place_line(span_of_text(text), places[i].steps, places[i].count));
}

Test(json_place, texts_that_end_anywhere)
{
    for (size_t size = 0; size < sizeof text; size++)
        for (size_t i = 0; i < ARRAY_COUNT(places); i++)
            cr_expect_leq(json_place_line(span_of((const uint8_t *)text, size), places[i].steps,
                                          places[i].count),
                          12);
    cr_assert_eq(json_place_line(span_of(NULL, 0), NULL, 0), 0);
    cr_assert_eq(json_place_line(span_of_text(" \n\t"), NULL, 0), 0);
}
