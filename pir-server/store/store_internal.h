/* store_internal - what an implementation of the store provides. */
#ifndef BLINDLIST_STORE_STORE_INTERNAL_H
#define BLINDLIST_STORE_STORE_INTERNAL_H

#include "pir-server/store/store.h"

/* The contracts are those of the functions of the same names in store.h. */
struct store_operations {
    void (*close)(struct store *store);
    enum status (*put_keys)(struct store *store, const struct store_user *user,
                            const struct store_key *keys, size_t count, uint64_t now_s,
                            struct error *err);
    /* ret may be NULL: only the time is wanted. */
    enum status (*get_key)(struct store *store, const struct store_user *user,
                           const uint8_t id[STORE_KEY_ID_BYTES], uint64_t now_s,
                           uint64_t *ret_made_at, struct bytes *ret, struct error *err);
    enum status (*get_usage)(struct store *store, struct store_usage *ret, struct error *err);
    enum status (*purge)(struct store *store, uint64_t now_s, size_t *ret_removed,
                         struct error *err);
};

/* First member of every implementation's struct. */
struct store {
    const struct store_operations *operations;
};

#endif
