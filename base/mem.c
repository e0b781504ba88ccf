#include "base/mem.h"

#include "base/checked.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

/* The one mutable variable of the library: a test's wish, never read for anything else. */
static _Thread_local size_t fail_countdown;

static bool must_fail(void)
{
    if (LIKELY(fail_countdown == 0))
        return false;
    fail_countdown--;
    return fail_countdown == 0;
}

void mem_fail_nth(size_t n)
{
    fail_countdown = n;
}

bool mem_fail_pending(void)
{
    return fail_countdown != 0;
}

void *mem_alloc(size_t count, size_t size_bytes)
{
    size_t total;
    if (must_fail() || !size_mul(count, size_bytes, &total))
        return NULL;
    return malloc(total > 0 ? total : 1);
}

void *mem_alloc_zeroed(size_t count, size_t size_bytes)
{
    size_t total;
    if (must_fail() || !size_mul(count, size_bytes, &total))
        return NULL;
    return calloc(total > 0 ? total : 1, 1);
}

void *mem_alloc_aligned(size_t alignment, size_t count, size_t size_bytes)
{
    size_t total;
    void *block = NULL;
    if (must_fail() || !size_mul(count, size_bytes, &total))
        return NULL;
    if (posix_memalign(&block, alignment, total > 0 ? total : 1) != 0)
        return NULL;
    return block;
}

#if defined(__linux__)
/* Of x86-64, and of arm64 with pages of 4 KB. */
#define LARGE_PAGE_BYTES ((size_t)2 << 20)

void *mem_alloc_rows(size_t count, size_t size_bytes)
{
    size_t total;
    if (!size_mul(count, size_bytes, &total))
        return NULL;
    if (total < LARGE_PAGE_BYTES)
        return mem_alloc_aligned(MEM_ROW_ALIGNMENT, count, size_bytes);
    if (!size_add(total, LARGE_PAGE_BYTES - 1, &total))
        return NULL;
    total -= total % LARGE_PAGE_BYTES;
    void *block = mem_alloc_aligned(LARGE_PAGE_BYTES, total, 1);
    if (block != NULL)
        (void)madvise(block, total, MADV_HUGEPAGE); /* a wish: small pages do as well */
    return block;
}
#else
void *mem_alloc_rows(size_t count, size_t size_bytes)
{
    return mem_alloc_aligned(MEM_ROW_ALIGNMENT, count, size_bytes);
}
#endif

void *mem_realloc(void *block, size_t count, size_t size_bytes)
{
    size_t total;
    if (must_fail() || !size_mul(count, size_bytes, &total))
        return NULL;
    return realloc(block, total > 0 ? total : 1);
}

char *mem_strdup(const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size, 1);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

void mem_free(void *block)
{
    free(block);
}

#if defined(__x86_64__)
void mem_scatter_lines(void *to, size_t stride_bytes, const void *from, size_t count)
{
    const __m128i *source = from;
    for (size_t i = 0; i < count; i++, source += MEM_ROW_ALIGNMENT / sizeof *source) {
        __m128i *line = (void *)((char *)to + i * stride_bytes);
        for (size_t k = 0; k < MEM_ROW_ALIGNMENT / sizeof *line; k++)
            _mm_stream_si128(line + k, _mm_load_si128(source + k));
    }
    _mm_sfence(); /* such stores wait for no lock: make them visible now */
}
#else
void mem_scatter_lines(void *to, size_t stride_bytes, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        memcpy((char *)to + i * stride_bytes, (const char *)from + i * MEM_ROW_ALIGNMENT,
               MEM_ROW_ALIGNMENT);
}
#endif

/* A pointer that other code might change: no compiler knows what is called, or leaves it out. */
static void *(*const volatile fill)(void *block, int value, size_t size_bytes) = memset;

void mem_wipe(void *block, size_t size_bytes)
{
    if (size_bytes > 0)
        fill(block, 0, size_bytes);
}

void mem_free_secret(void *block, size_t size_bytes)
{
    if (block != NULL)
        mem_wipe(block, size_bytes);
    mem_free(block);
}

void mem_free_wiped(void *block)
{
#if defined(__GLIBC__)
    mem_wipe(block, malloc_usable_size(block)); /* 0 of NULL */
#endif
    mem_free(block);
}
