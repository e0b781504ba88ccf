/* vectors_kind - the sorts of cases there are: their inputs and the function that does the work.
 *
 * One function serves both verification, where inputs come from a file, and generation, where
 * they come from the tables beside it: a file is reproduced byte for byte because both do the same.
 */
#ifndef BLINDLIST_TESTVECTORS_VECTORS_KIND_H
#define BLINDLIST_TESTVECTORS_VECTORS_KIND_H

#include "testvectors/vectors_case.h"

struct vectors_kind {
    const char *file; /* "hashes.json" */
    const char *what; /* tells several kinds in one file apart; NULL when there is one */
    const struct vectors_member *members;
    size_t member_count;
    /* Computes the outputs of `in`, whose members were checked. Any failure but STATUS_NOMEM means
     * that nothing can be computed from these inputs. */
    enum status (*compute)(const json_t *in, struct vectors_out *out, struct error *err);
    /* Input objects as literals (vectors_from_literal()), NULL-terminated; or NULL. */
    const char *const *literals;
    /* Appends more input objects to the array `ret`; or NULL. */
    enum status (*list)(json_t *ret, struct error *err);
};

/* Per room; `count` is set. */
const struct vectors_kind *vectors_kinds_prefilter(size_t *count);
const struct vectors_kind *vectors_kinds_keyword(size_t *count);
const struct vectors_kind *vectors_kinds_ring(size_t *count);
const struct vectors_kind *vectors_kinds_token(size_t *count);
const struct vectors_kind *vectors_kinds_exchange(size_t *count);

/* Appends `value` (taken; NULL = no memory) to `list`. */
enum status vectors_append(json_t *list, json_t *value, struct error *err) MUST_CHECK;

#endif
