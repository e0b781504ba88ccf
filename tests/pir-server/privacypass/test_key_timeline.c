/* What both key rings rest on; test_key_ring.c and test_gateway_key_ring.c have whole lives. */
#include "pir-server/privacypass/key_timeline.h"

#include "tests/pir-server/wire/wire_help.h"

#include <criterion/criterion.h>

static struct error error;

/* Keys that begin at 100, 200 and 300; in use 10 longer, kept 50. */
static struct key_timeline three_keys(void)
{
    return (struct key_timeline){
        .spans = {.rotate_s = 100, .stage_s = 20, .overlap_s = 10, .keep_s = 50},
        .count = 3,
        .keys = {{.not_before_s = 100}, {.not_before_s = 200}, {.not_before_s = 300}}};
}

static void check_step(const struct key_timeline *timeline, uint64_t now_s,
                       enum key_ring_step_kind kind, uint64_t at_s, size_t index)
{
    struct key_timeline_step step;
    key_timeline_next_step(timeline, now_s, &step);
    cr_assert(step.kind == kind && step.at_s == at_s && step.index == index,
              "at %d: kind %d, at %d, index %zu", (int)now_s, step.kind, (int)step.at_s,
              step.index);
}

Test(key_timeline, sums_stop_at_the_largest)
{
    cr_assert_eq(key_time_later(1, 2), 3);
    cr_assert_eq(key_time_later(UINT64_MAX - 2, 2), UINT64_MAX);
    cr_assert_eq(key_time_later(UINT64_MAX - 1, 2), UINT64_MAX);
}

Test(key_timeline, what_holds)
{
    const struct key_timeline timeline = three_keys();
    cr_assert_eq(key_timeline_newest_begun(&timeline, 0), 0, "none has begun");
    cr_assert_eq(key_timeline_newest_begun(&timeline, 199), 0);
    cr_assert_eq(key_timeline_newest_begun(&timeline, 200), 1);
    cr_assert_eq(key_timeline_newest_begun(&timeline, UINT64_MAX), 2);
    cr_assert(key_timeline_is_in_use(&timeline, 0, 209, 0));
    cr_assert(!key_timeline_is_in_use(&timeline, 0, 210, 0));
    cr_assert(!key_timeline_is_in_use(&timeline, 1, 199, 0));
    cr_assert(key_timeline_is_in_use(&timeline, 1, 180, 20), "ahead of its time");
    cr_assert(!key_timeline_is_in_use(&timeline, 1, 179, 20));
    cr_assert(key_timeline_is_in_use(&timeline, 2, UINT64_MAX, 0), "nothing follows");
}

Test(key_timeline, steps)
{
    struct key_timeline timeline = three_keys();
    check_step(&timeline, 209, KEY_RING_REST, 0, 0);
    check_step(&timeline, 210, KEY_RING_MARK, 260, 0);
    timeline.keys[0].retire_at_s = 260;
    check_step(&timeline, 209, KEY_RING_MARK, 0, 0); /* the clock was set back */
    check_step(&timeline, 259, KEY_RING_REST, 0, 0);
    cr_assert(!key_timeline_is_over(&timeline, 0, 259));
    cr_assert(key_timeline_is_over(&timeline, 0, 260));
    check_step(&timeline, 260, KEY_RING_DROP, 0, 0);
    timeline.keys[0].retire_at_s = UINT64_MAX;
    check_step(&timeline, 310, KEY_RING_MARK, 360, 1);
    timeline.keys[1].retire_at_s = UINT64_MAX;
    check_step(&timeline, 379, KEY_RING_REST, 0, 0);
    check_step(&timeline, 380, KEY_RING_MAKE, 400, 0);
    timeline.count = 0;
    check_step(&timeline, 7, KEY_RING_MAKE, 7, 0);
}

Test(key_timeline, keys_far_ahead_are_not_waited_for)
{
    struct key_timeline timeline = three_keys();
    timeline.spans.rotate_s = 90;
    check_step(&timeline, 9, KEY_RING_MAKE, 9, 0);
    check_step(&timeline, 10, KEY_RING_REST, 0, 0);
}

Test(key_timeline, spans)
{
    struct key_spans spans = {.rotate_s = 100, .stage_s = 20, .overlap_s = 79, .keep_s = 3299};
    cr_assert_eq(key_spans_check(&spans, "some keys", &error), STATUS_OK, "%s", error.message);
    spans.keep_s = 3300;
    cr_assert_eq(key_spans_check(&spans, "some keys", &error), STATUS_INVALID);
    cr_assert(says(&error, "some keys: kept 3300 s"), "%s", error.message);
    spans.overlap_s = 80;
    cr_assert_eq(key_spans_check(&spans, "some keys", &error), STATUS_INVALID);
    cr_assert(says(&error, "some keys: staged 20 s before"), "%s", error.message);
}
