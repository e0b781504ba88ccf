#include "base/quantity.h"

#include <criterion/criterion.h>

Test(quantity, sizes)
{
    static const struct {
        double bytes;
        const char *text;
    } cases[] = {{0, "0 bytes"},       {9999, "9999 bytes"},        {10000, "10.0 KB"},
                 {1797200, "1.8 MB"},  {12345678, "12.3 MB"},       {1e9, "1.0 GB"},
                 {999940, "999.9 KB"}, {1234567890123, "1234.6 GB"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(quantity_size(cases[i].bytes).text, cases[i].text);
}

Test(quantity, counts)
{
    cr_expect_str_eq(quantity_count(0).text, "0");
    cr_expect_str_eq(quantity_count(999).text, "999");
    cr_expect_str_eq(quantity_count(1000).text, "1,000");
    cr_expect_str_eq(quantity_count(1234567).text, "1,234,567");
    cr_expect_str_eq(quantity_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
}

Test(quantity, about)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},
                 {0.0454, "0.045"},
                 {0.5, "0.50"},
                 {1, "1.0"},
                 {9.96, "10"},
                 {45.4, "45"},
                 {99.6, "100"},
                 {1234.5, "1,235"},
                 {1.5e-12, "1.5e-12"},
                 {0.0000123, "0.000012"},
                 {1e20, "1.0e+20"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(quantity_about(cases[i].value).text, cases[i].text);
}

Test(quantity, ages)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{-5, "0 s"},        {0, "0 s"},         {59.9, "59 s"}, {119.9, "119 s"},
                 {120, "2 min"},     {7199, "119 min"},  {7200, "2 h"},  {172799, "47 h"},
                 {172800, "2 days"}, {1e9, "11574 days"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(quantity_age(cases[i].seconds).text, cases[i].text);
}
