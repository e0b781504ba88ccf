/* tap - for test programs with a main of their own (plain_*.c): counted checks in TAP.
 *
 *     TAP_CHECK(x == 3, "x is %d", x);
 *     TAP_SKIP("no AVX-512 here");
 *     return tap_finish();
 *
 * Threads  checks belong to the main thread. */
#ifndef BLINDLIST_TESTS_TAP_H
#define BLINDLIST_TESTS_TAP_H

#include "base/compiler.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_number;
static int tap_failed;

static inline void PRINTF_LIKE(2, 3) tap_line(bool holds, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%s %d - ", holds ? "ok" : "not ok", ++tap_number);
    vprintf(format, args);
    printf("\n");
    fflush(stdout);
    va_end(args);
    if (!holds)
        tap_failed++;
}

#define TAP_CHECK(condition, ...) tap_line((condition), __VA_ARGS__)
#define TAP_SKIP(reason)          printf("ok %d - # SKIP %s\n", ++tap_number, (reason))

static inline int tap_finish(void)
{
    printf("1..%d\n", tap_number);
    return tap_failed > 0 ? 1 : 0;
}

#endif
