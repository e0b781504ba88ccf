#include "base/checked.h"

#include <criterion/criterion.h>

Test(checked, results_that_fit)
{
    size_t size = 0;
    cr_assert(size_add(SIZE_MAX - 1, 1, &size));
    cr_assert_eq(size, SIZE_MAX);
    cr_assert(size_mul(SIZE_MAX / 3, 3, &size));
    cr_assert_eq(size, SIZE_MAX / 3 * 3);
    cr_assert(size_mul(SIZE_MAX, 0, &size));
    cr_assert_eq(size, 0);
}

Test(checked, overflow_leaves_the_result_alone)
{
    size_t size = 7;
    cr_assert(!size_add(SIZE_MAX, 1, &size));
    cr_assert(!size_mul(SIZE_MAX / 2 + 1, 2, &size));
    cr_assert_eq(size, 7);
}

Test(checked, division_rounds_up)
{
    cr_assert_eq(u64_div_up(0, 3), 0);
    cr_assert_eq(u64_div_up(1, 3), 1);
    cr_assert_eq(u64_div_up(3, 3), 1);
    cr_assert_eq(u64_div_up(4, 3), 2);
    cr_assert_eq(u64_div_up(UINT64_MAX, 1), UINT64_MAX);
    cr_assert_eq(u64_div_up(UINT64_MAX, 2), UINT64_C(1) << 63);
}
