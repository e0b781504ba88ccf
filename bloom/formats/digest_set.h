/* digest_set - which byte strings came before, told by their SHA-256.
 *
 * Two strings count as the same when their SHA-256 is the same: no two different ones are known,
 * nor can anybody make them, so keys chosen by an enemy neither fool the set nor slow it down.
 *
 * Memory   32 bytes a slot, between 35 % and 70 % of them used; half as much again while it grows.
 * Threads  one at a time. */
#ifndef BLINDLIST_BLOOM_FORMATS_DIGEST_SET_H
#define BLINDLIST_BLOOM_FORMATS_DIGEST_SET_H

#include "base/span.h"
#include "base/status.h"

struct digest_set;

enum status digest_set_new(struct digest_set **ret, struct error *err) MUST_CHECK;
void digest_set_free(struct digest_set *set); /* takes NULL */
/* *ret_is_new = whether the string was not in the set; now it is. STATUS_NOMEM. */
enum status digest_set_add(struct digest_set *set, struct span text, bool *ret_is_new,
                           struct error *err) MUST_CHECK;

#endif
