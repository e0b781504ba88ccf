/* store_cases - what every implementation of the store must do, as cases that a test program of
 * each runs against its own. */
#ifndef BLINDLIST_TESTS_STORE_CASES_H
#define BLINDLIST_TESTS_STORE_CASES_H

#include "pir-server/store/store_tokens.h"

#include <stddef.h>

struct store_case {
    const char *name;
    /* `store` is empty. reopen() closes it and opens the same state again, as after a restart. */
    void (*run)(struct store *store, struct store *(*reopen)(struct store *store),
                struct store **ret_store);
};
#define STORE_CASES_MAX 64
extern const struct store_case store_cases[];
extern const size_t store_case_count;

#endif
