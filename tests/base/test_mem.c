#include "base/mem.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

Test(mem, blocks_are_aligned_and_zeroed)
{
    uint8_t *zeroed = mem_alloc_zeroed(1000, 3);
    cr_assert_not_null(zeroed);
    for (size_t i = 0; i < 3000; i++)
        cr_assert_eq(zeroed[i], 0);
    mem_free(zeroed);

    for (size_t alignment = sizeof(void *); alignment <= 4096; alignment *= 2) {
        void *block = mem_alloc_aligned(alignment, 7, 3);
        cr_assert_not_null(block);
        cr_assert_eq((uintptr_t)block % alignment, 0);
        mem_free(block);
    }
}

/* Small, a large page, and more than one: every byte is there. */
Test(mem, blocks_of_rows_are_whole)
{
    static const size_t sizes[] = {0, 1, 4096, 2u << 20, (2u << 20) + 1, 5u << 20};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        uint8_t *block = mem_alloc_rows(sizes[i], 1);
        cr_assert_not_null(block);
        cr_assert_eq((uintptr_t)block % MEM_ROW_ALIGNMENT, 0);
        memset(block, 0x5a, sizes[i]);
        mem_free(block);
    }
    mem_fail_nth(1);
    cr_assert_null(mem_alloc_rows(5u << 20, 1));
    cr_assert(!mem_fail_pending());
}

Test(mem, nothing_is_a_block_too)
{
    void *a = mem_alloc(0, 8);
    void *b = mem_alloc_zeroed(8, 0);
    void *c = mem_alloc_aligned(64, 0, 0);
    cr_assert(a != NULL && b != NULL && c != NULL);
    cr_assert(a != b && b != c);
    a = mem_realloc(a, 0, 0);
    cr_assert_not_null(a);
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(NULL);
}

Test(mem, overflowing_sizes_fail)
{
    const size_t half = SIZE_MAX / 2 + 1;
    void *block = mem_alloc(10, 1);
    cr_assert_null(mem_alloc(half, 2));
    cr_assert_null(mem_alloc_zeroed(half, 2));
    cr_assert_null(mem_alloc_aligned(64, half, 2));
    cr_assert_null(mem_alloc_rows(half, 2));
    cr_assert_null(mem_alloc_rows(SIZE_MAX, 1));
    cr_assert_null(mem_realloc(block, half, 2), "and the old block stays");
    memset(block, 1, 10);
    mem_free(block);
}

Test(mem, realloc_keeps_contents)
{
    char *text = mem_strdup("kept");
    cr_assert_not_null(text);
    text = mem_realloc(text, 100000, 1);
    cr_assert_not_null(text);
    cr_assert_str_eq(text, "kept");
    mem_free(text);
}

Test(mem, lines_are_scattered_and_nothing_else_changes)
{
    enum { LINES = 5, STRIDE = 3, BYTES = MEM_ROW_ALIGNMENT };
    unsigned char *from = mem_alloc_aligned(BYTES, LINES, BYTES);
    unsigned char *to = mem_alloc_aligned(BYTES, LINES * STRIDE, BYTES);
    for (size_t i = 0; i < LINES * BYTES; i++)
        from[i] = (unsigned char)(i * 7);
    memset(to, 0xa5, LINES * STRIDE * BYTES);
    mem_scatter_lines(to + BYTES, STRIDE * BYTES, from, LINES);
    for (size_t i = 0; i < LINES * STRIDE * BYTES; i++) {
        const size_t line = i / BYTES;
        const unsigned char expected =
            line % STRIDE == 1 ? from[line / STRIDE * BYTES + i % BYTES] : 0xa5;
        cr_assert_eq(to[i], expected, "byte %zu", i);
    }
    mem_free(from);
    mem_free(to);
}

Test(mem, nth_allocation_fails_once)
{
    cr_assert(!mem_fail_pending());
    mem_fail_nth(3);
    void *first = mem_alloc(1, 1);
    void *second = mem_alloc_zeroed(1, 1);
    cr_assert(first != NULL && second != NULL && mem_fail_pending());
    cr_assert_null(mem_alloc_aligned(64, 1, 1));
    cr_assert(!mem_fail_pending());
    void *fourth = mem_alloc(1, 1);
    cr_assert_not_null(fourth);

    mem_fail_nth(1);
    cr_assert_null(mem_strdup("x"));
    mem_fail_nth(1);
    cr_assert_null(mem_realloc(fourth, 2, 1));
    mem_fail_nth(1);
    mem_fail_nth(0);
    void *fifth = mem_alloc(1, 1);
    cr_assert_not_null(fifth, "0 takes the wish back");
    mem_free(first);
    mem_free(second);
    mem_free(fourth);
    mem_free(fifth);
}

Test(mem, wipe_clears_exactly)
{
    uint8_t bytes[32];
    memset(bytes, 0xaa, sizeof bytes);
    mem_wipe(bytes + 1, sizeof bytes - 2);
    cr_assert_eq(bytes[0], 0xaa);
    cr_assert_eq(bytes[sizeof bytes - 1], 0xaa);
    for (size_t i = 1; i < sizeof bytes - 1; i++)
        cr_assert_eq(bytes[i], 0);
    mem_wipe(NULL, 0);
    mem_free_secret(NULL, 0);
    mem_free_secret(mem_alloc(16, 1), 16);
    mem_free_wiped(NULL);
    mem_free_wiped(mem_alloc(16, 1));
}
