/* bloom_diagnose - which mistake made a filter that does not answer yes for its own keys.
 *
 * Every key is hashed as devices do, and in the ways in which builders are known to go wrong, up to
 * three mistakes at a time. A filter built in one of those ways has (nearly) all keys in it that
 * way; any other way finds them only by chance, which the fill of the filter tells: fill^hashes.
 *
 * Use      bloom_diagnosis_new(), _add() for each key, _finish().
 * Keys     the text that should be in the filter: without scheme, as devices ask. A few suffice for
 *          a filter of the usual rate; `is_certain` tells.
 * Memory   about 300 KB, and the filter, which is borrowed. Time: the first 512 keys cost about
 *          0.2 ms each, the others little.
 * Threads  one at a time. */
#ifndef BLINDLIST_BLOOM_BLOOM_DIAGNOSE_H
#define BLINDLIST_BLOOM_BLOOM_DIAGNOSE_H

#include "base/span.h"
#include "base/status.h"
#include "bloom/bloom.h"

#define BLOOM_MISTAKE_MAX 3

enum bloom_finding {
    BLOOM_FOUND_RIGHT,        /* all keys are in, by the rules of devices */
    BLOOM_FOUND_MISSING,      /* built by the rules, but some of the keys are not in */
    BLOOM_FOUND_UNASKED_KEYS, /* built by the rules, but from keys that devices never ask for */
    BLOOM_FOUND_MISTAKE,      /* built by other rules, which are named */
    BLOOM_FOUND_NOTHING,      /* not built from these keys in any known way */
    BLOOM_FOUND_TOO_FEW       /* too few keys, or too full a filter, to tell */
};

struct bloom_mistake {
    const char *id;   /* "fnv-1-order"; static, the manual lists all */
    const char *text; /* a sentence without a full stop, static */
};

struct bloom_verdict {
    enum bloom_finding finding;
    uint64_t key_count;
    uint64_t right_count;   /* keys that are in by the rules */
    uint64_t best_count;    /* keys that are in by the best way found */
    double chance_right;    /* share of keys that would be in by chance, by the rules */
    double chance_best;     /* and by the best way */
    bool is_certain;        /* chance explains this less than once in a million times */
    unsigned mistake_count; /* of the best way; 0 when the rules themselves are the best */
    struct bloom_mistake mistakes[BLOOM_MISTAKE_MAX];
    /* Keys that devices never ask for, by what is wrong with them. */
    uint64_t scheme_count; /* with a scheme, such as https:// */
    uint64_t www_count;    /* that begin with www. (behind the scheme, if any) */
    uint64_t upper_count;  /* with capital letters */
    uint64_t blank_count;  /* that end in a space, tab or CR */
};

struct bloom_diagnosis;

/* Borrows the bits. STATUS_INVALID for parameters or a size that no filter has, STATUS_NOMEM. */
enum status bloom_diagnosis_new(const struct bloom_params *params, struct span bits,
                                struct bloom_diagnosis **ret, struct error *err) MUST_CHECK;
void bloom_diagnosis_free(struct bloom_diagnosis *diagnosis); /* takes NULL */
/* *ret_is_in = whether the key is in by the rules of devices. STATUS_NOMEM. */
enum status bloom_diagnosis_add(struct bloom_diagnosis *diagnosis, struct span key, bool *ret_is_in,
                                struct error *err) MUST_CHECK;
/* The verdict over all keys so far. STATUS_INVALID without any. */
enum status bloom_diagnosis_finish(struct bloom_diagnosis *diagnosis, struct bloom_verdict *ret,
                                   struct error *err) MUST_CHECK;

#endif
