#include "pir-server/privacypass/key_timeline.h"

#include <inttypes.h>

uint64_t key_time_later(uint64_t time_s, uint64_t by_s)
{
    return time_s > UINT64_MAX - by_s ? UINT64_MAX : time_s + by_s;
}

enum status key_spans_check(const struct key_spans *spans, const char *what, struct error *err)
{
    if (key_time_later(spans->stage_s, spans->overlap_s) >= spans->rotate_s)
        return error_set(err, STATUS_INVALID,
                         "%s: staged %" PRIu64 " s before and in use %" PRIu64
                         " s after is not less than the %" PRIu64 " s of a rotation",
                         what, spans->stage_s, spans->overlap_s, spans->rotate_s);
    /* Half of the room, so that keys made by a wrong clock find some too. */
    if (spans->keep_s / spans->rotate_s > KEY_TIMELINE_MAX_KEYS / 2)
        return error_set(err, STATUS_INVALID,
                         "%s: kept %" PRIu64 " s, a new one every %" PRIu64
                         " s: more than %zu at once",
                         what, spans->keep_s, spans->rotate_s, KEY_TIMELINE_MAX_KEYS / 2);
    return STATUS_OK;
}

/* ---- what holds at a time ---- */

size_t key_timeline_newest_begun(const struct key_timeline *timeline, uint64_t time_s)
{
    size_t index = 0;
    for (size_t i = 1; i < timeline->count; i++) {
        if (timeline->keys[i].not_before_s <= time_s)
            index = i;
    }
    return index;
}

/* Did its successor begin so long ago that it is in use no more? */
static bool is_past(const struct key_timeline *timeline, size_t index, uint64_t now_s)
{
    return index + 1 < timeline->count && key_time_later(timeline->keys[index + 1].not_before_s,
                                                         timeline->spans.overlap_s) <= now_s;
}

bool key_timeline_is_in_use(const struct key_timeline *timeline, size_t index, uint64_t now_s,
                            uint64_t ahead_s)
{
    return index <= key_timeline_newest_begun(timeline, key_time_later(now_s, ahead_s)) &&
           !is_past(timeline, index, now_s);
}

bool key_timeline_is_over(const struct key_timeline *timeline, size_t index, uint64_t now_s)
{
    const uint64_t retire_at_s = timeline->keys[index].retire_at_s;
    return is_past(timeline, index, now_s) && retire_at_s != 0 && retire_at_s <= now_s;
}

/* ---- what is due ---- */

/* Are there only keys that a wrong clock made, far ahead, or none at all? */
static bool has_none_for_now(const struct key_timeline *timeline, uint64_t now_s)
{
    return timeline->count == 0 ||
           timeline->keys[0].not_before_s > key_time_later(now_s, timeline->spans.rotate_s);
}

/* Is it time to stage the next key? A staged key begins within stage_s; that one is looked for up
 * to rotate_s ahead keeps a clock that was set back a little from making another. */
static bool needs_key(const struct key_timeline *timeline, uint64_t now_s)
{
    if (has_none_for_now(timeline, now_s))
        return true;
    const size_t newest =
        key_timeline_newest_begun(timeline, key_time_later(now_s, timeline->spans.rotate_s));
    return key_time_later(timeline->keys[newest].not_before_s, timeline->spans.rotate_s) <=
           key_time_later(now_s, timeline->spans.stage_s);
}

/* Of one key; false when there is nothing to do about it. */
static bool step_of_key(const struct key_timeline *timeline, size_t index, uint64_t now_s,
                        struct key_timeline_step *ret)
{
    const bool is_marked = timeline->keys[index].retire_at_s != 0;
    if (key_timeline_is_over(timeline, index, now_s)) {
        ret->kind = KEY_RING_DROP;
    } else if (is_past(timeline, index, now_s) != is_marked) {
        ret->kind = KEY_RING_MARK;
        ret->at_s = is_marked ? 0 : key_time_later(now_s, timeline->spans.keep_s);
    } else {
        return false;
    }
    ret->index = index;
    return true;
}

void key_timeline_next_step(const struct key_timeline *timeline, uint64_t now_s,
                            struct key_timeline_step *ret)
{
    *ret = (struct key_timeline_step){.kind = KEY_RING_REST};
    for (size_t i = 0; i < timeline->count; i++) {
        if (step_of_key(timeline, i, now_s, ret))
            return;
    }
    if (needs_key(timeline, now_s) && timeline->count < KEY_TIMELINE_MAX_KEYS) {
        ret->kind = KEY_RING_MAKE;
        ret->at_s = has_none_for_now(timeline, now_s)
                        ? now_s
                        : key_time_later(now_s, timeline->spans.stage_s);
    }
}
