/* mem - allocation that a test can make fail, and memory that held secrets.
 *
 * All of the project's own code allocates here. A returned block is aligned for any type
 * (mem_alloc_aligned: as asked) and belongs to the caller, who gives it back with mem_free().
 * Functions return NULL when memory is short or the size overflows; errno tells nothing.
 *
 * Threads  any. The failure hook is per thread. */
#ifndef BLINDLIST_BASE_MEM_H
#define BLINDLIST_BASE_MEM_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

/* Alignment of rows that kernels read with their widest loads. */
#define MEM_ROW_ALIGNMENT 64

/* count * size_bytes bytes; a product of zero yields a distinct block. */
void *mem_alloc(size_t count, size_t size_bytes) MUST_CHECK MALLOC_LIKE;
void *mem_alloc_zeroed(size_t count, size_t size_bytes) MUST_CHECK MALLOC_LIKE;
/* `alignment` is a power of two, at least sizeof(void *). */
void *mem_alloc_aligned(size_t alignment, size_t count, size_t size_bytes) MUST_CHECK MALLOC_LIKE;
/* The same, aligned to MEM_ROW_ALIGNMENT at least, for a block that a query walks all of in small
 * steps: one of megabytes gets large pages where the system has them, so that fewer addresses are
 * looked up. */
void *mem_alloc_rows(size_t count, size_t size_bytes) MUST_CHECK MALLOC_LIKE;
/* Grows or shrinks a block of mem_alloc (not of mem_alloc_aligned); NULL leaves the old one. */
void *mem_realloc(void *block, size_t count, size_t size_bytes) MUST_CHECK;
char *mem_strdup(const char *text) MUST_CHECK;
/* Takes NULL. */
void mem_free(void *block);

/* Copies `count` cache lines of MEM_ROW_ALIGNMENT bytes, side by side at `from`, to lines that
 * begin `stride_bytes` apart, past the caches where the processor can: for what is written once and
 * read much later. Everything is aligned to a line. */
void mem_scatter_lines(void *to, size_t stride_bytes, const void *from, size_t count);

/* Overwrites with zeros in a way that compilers keep. Takes NULL with size 0. */
void mem_wipe(void *block, size_t size_bytes);
/* mem_wipe, then mem_free. Takes NULL. */
void mem_free_secret(void *block, size_t size_bytes);
/* mem_free, and before it mem_wipe of all of the block where the allocator tells its size (glibc):
 * for a library that is given its functions for memory. Takes NULL. */
void mem_free_wiped(void *block);

/* For tests: the n-th next allocation of this thread (1 = the very next) fails once, 0 = none.
 * mem_fail_pending() tells whether that allocation has not been reached yet. */
void mem_fail_nth(size_t n);
bool mem_fail_pending(void);

#endif
