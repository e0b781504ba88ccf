/* compiler - the compiler extensions that the project uses, under one name each.
 *
 * Nothing else in the tree spells __attribute__ or __builtin_: a compiler that lacks one of these
 * needs a change here only. */
#ifndef BLINDLIST_BASE_COMPILER_H
#define BLINDLIST_BASE_COMPILER_H

/* Before a loop of at most eight rounds, known when compiling: no loop is left, and what it indexes
 * can live in registers. Not with a sanitizer, whose checks make a megabyte of a kernel then. */
#if defined(__clang__) && !defined(BLINDLIST_SANITIZED)
#define UNROLL_8 _Pragma("unroll")
#elif defined(__GNUC__) && !defined(BLINDLIST_SANITIZED)
#define UNROLL_8 _Pragma("GCC unroll 8")
#else
#define UNROLL_8
#endif

#if defined(__GNUC__)
/* Of a static function: part of each caller, so that an argument known there is known to its loops.
 */
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define MUST_CHECK    __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_argument)                                                  \
    __attribute__((format(printf, format_index, first_argument)))
#define MALLOC_LIKE             __attribute__((malloc))
#define NEVER_INLINE            __attribute__((noinline))
#define LIKELY(condition)       __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition)     __builtin_expect(!!(condition), 0)
#define PREFETCH_WRITE(address) __builtin_prefetch((address), 1)
#define PREFETCH_READ(address)  __builtin_prefetch((address), 0)
#else
#define ALWAYS_INLINE inline
#define MUST_CHECK
#define PRINTF_LIKE(format_index, first_argument)
#define MALLOC_LIKE
#define NEVER_INLINE
#define LIKELY(condition)       (condition)
#define UNLIKELY(condition)     (condition)
#define PREFETCH_WRITE(address) ((void)(address))
#define PREFETCH_READ(address)  ((void)(address))
#endif

/* 128-bit products of 64-bit factors. */
__extension__ typedef unsigned __int128 uint128;

/* Number of elements of a true array (never of a pointer). */
#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
