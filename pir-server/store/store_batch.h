/* store_batch - group commit: many requests spend tokens or count issues, few flushes.
 *
 * A flush takes as long for a thousand tokens as for one. So callers hand in what they want and go
 * on; a thread of its own takes all that waits into one transaction, and while the disk works on
 * it, the next one fills. Nobody waits longer than for two flushes.
 *
 * Memory   a ticket is the caller's and must stay until its answer; nothing is allocated for it.
 * Durable  the answer comes after the disk has it.
 * Failure  of the store: every ticket of the batch is answered with its status (STATUS_IO,
 *          STATUS_BUSY), and none counts as spent for its caller.
 * Threads  any may hand in; answers come on the batch's thread, so they are short and take no lock
 *          that is held for long. */
#ifndef BLINDLIST_STORE_STORE_BATCH_H
#define BLINDLIST_STORE_STORE_BATCH_H

#include "pir-server/store/store_tokens.h"

struct store_batch;

struct store_ticket {
    enum { STORE_TICKET_SPEND, STORE_TICKET_ISSUE } kind;
    union {
        struct store_spend spend;
        struct store_issue issue;
    } of;
    /* Called once. `status` is what store_spend_tokens() or store_count_issues() says of this one,
     * or the status with which they failed; retry_after_s is 0 but for an issue over its limit.
     * `failure` says why they failed, NULL when they did not; for the call only. */
    void (*done)(void *context, enum status status, uint32_t retry_after_s,
                 const struct error *failure);
    void *context;
    struct store_ticket *next; /* the batch's */
};

/* store: borrowed. queue_limit >= 1: tickets that may wait. now_s: the clock of issues. */
enum status store_batch_new(struct store *store, size_t queue_limit, uint64_t (*now_s)(void),
                            struct store_batch **ret, struct error *err) MUST_CHECK;
/* Answers what waits, then ends. Nobody hands in any more. Takes NULL. */
void store_batch_free(struct store_batch *batch);
/* STATUS_BUSY when too many wait: then done() is not called. */
enum status store_batch_submit(struct store_batch *batch, struct store_ticket *ticket,
                               struct error *err) MUST_CHECK;

#endif
