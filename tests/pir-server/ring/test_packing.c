#include "pir-server/ring/packing.h"

#include "base/compiler.h"
#include "tests/pir-server/lattice_help.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* spec/bfv.md section 6.1. */
Test(packing, vectors)
{
    static const uint32_t row[3] = {1, 2, 134176768};
    static const uint8_t whole[] = {0, 0, 0, 0x20, 0, 0, 0x0b, 0xff, 0xb0, 0, 0};
    static const uint8_t skipped[] = {0, 0, 0xff};
    uint8_t out[16];
    cr_assert_eq(packed_row_bytes(3, 27, 0), sizeof whole);
    row_pack(out, row, 3, 27, 0);
    cr_assert_arr_eq(out, whole, sizeof whole);
    cr_assert_eq(packed_row_bytes(3, 27, 19), sizeof skipped);
    row_pack(out, row, 3, 27, 19);
    cr_assert_arr_eq(out, skipped, sizeof skipped);
    uint32_t back[3];
    row_unpack(back, skipped, 3, 27, 19);
    cr_assert_eq(back[2], (134176768 >> 19) << 19);
}

Test(packing, every_width_and_length_comes_back)
{
    uint32_t row[70], back[70];
    uint8_t packed[70 * 4 + 8];
    for (uint32_t width = 1; width <= 32; width++)
        for (size_t n = 0; n <= 70; n++)
            for (uint32_t skip = 0; skip < width; skip += 5) {
                for (size_t i = 0; i < n; i++)
                    row[i] = (uint32_t)((i * 0x9e3779b97f4a7c15u) >> (64 - width));
                memset(packed, 0xee, sizeof packed);
                const size_t size = packed_row_bytes(n, width, skip);
                row_pack(packed, row, n, width, skip);
                for (size_t i = size; i < sizeof packed; i++)
                    cr_assert_eq(packed[i], 0xee);
                /* At the very end of a block of memory: sanitizers see a byte read behind it. */
                uint8_t *const exact = malloc(size + 1);
                cr_assert_not_null(exact);
                memcpy(exact + 1, packed, size);
                row_unpack(back, exact + 1, n, width, skip);
                free(exact);
                for (size_t i = 0; i < n; i++)
                    cr_assert_eq(back[i], (row[i] >> skip) << skip);
                const size_t used = n * (width - skip);
                if (used % 8 != 0)
                    cr_assert_eq(packed[size - 1] & (0xff >> (used % 8)), 0, "padding is zero");
            }
}
