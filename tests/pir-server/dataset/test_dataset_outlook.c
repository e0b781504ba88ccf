#include "pir-server/dataset/dataset_outlook.h"

#include <criterion/criterion.h>

static const struct pir_prediction prediction = {
    .query_ns = 8000000, .query_bytes = 10000, .response_bytes = 12000};

/* The figures that docs/PERFORMANCE.md has. */
Test(dataset_outlook, a_day_of_a_device)
{
    const struct dataset_outlook outlook = dataset_outlook(1e-3, 16, &prediction);
    cr_expect_float_eq(outlook.queries, 450, 1e-9);
    cr_expect_float_eq(outlook.queries_in_vain, 250, 1e-9);
    cr_expect_float_eq(outlook.queries_a_day, 45, 1e-9);
    cr_expect_float_eq(dataset_outlook(1e-4, 16, &prediction).queries_a_day, 22.5, 1e-9);
}

Test(dataset_outlook, what_queries_cost)
{
    const struct dataset_outlook outlook = dataset_outlook(1e-3, 16, &prediction);
    cr_expect_float_eq(outlook.sent_bytes, 4.5e6, 1e-3);
    cr_expect_float_eq(outlook.received_bytes, 5.4e6, 1e-3);
    cr_expect_float_eq(outlook.server_ms, 3600, 1e-6);
    /* 125 queries a second at 70 %, of people who ask 3 * 45 / 86400 times a second. */
    cr_expect_float_eq(outlook.people_a_core, 87.5 / (135.0 / 86400), 1e-6);
}

Test(dataset_outlook, people_hide_each_other)
{
    cr_expect_float_eq(dataset_outlook(1e-3, 1, &prediction).people_in_shard, 1000, 1e-9,
                       "with one shard, everybody");
    cr_expect_float_eq(dataset_outlook(1e-3, 2, &prediction).people_in_shard, 1000, 1e-6);
    cr_expect_float_eq(dataset_outlook(1e-3, 16, &prediction).people_in_shard, 945.2, 0.1);
    cr_expect_float_eq(dataset_outlook(1e-3, 65536, &prediction).people_in_shard, 0.686, 0.001);
}
