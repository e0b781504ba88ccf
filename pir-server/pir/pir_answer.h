/* pir_answer - the server's side: one query, or several, on one shard.
 *
 * The work and its memory accesses are the same whatever row is asked for. Nothing is allocated or
 * locked while answering (but by a team's own run()): all scratch belongs to a workspace, made once
 * per compute thread.
 *
 * Exact    with the portable kernels the response is the reference's, byte for byte.
 * Threads  a workspace belongs to one thread; shards, contexts and keys are shared. Several threads
 *          may answer one query: expansion, dimension 0 and the products of dimension 1 are cut
 *          into parts; what is left, a tenth, is one thread's.
 * Source   spec/keyword-pir.md sections 6 and 7.1. */
#ifndef BLINDLIST_PIR_PIR_ANSWER_H
#define BLINDLIST_PIR_PIR_ANSWER_H

#include "pir-server/bfv/bfv_workspace.h"
#include "pir-server/pir/pir_messages.h"
#include "pir-server/pir/pir_shard.h"

struct pir_workspace;
/* For shards of `context`'s encryption parameters; `layout` is the first shape it must serve. */
enum status pir_workspace_new(const struct bfv_context *context, const struct pir_layout *layout,
                              struct pir_workspace **ret, struct error *err) MUST_CHECK;
void pir_workspace_free(struct pir_workspace *workspace); /* takes NULL */
/* Grows it for one more shape; call it when a dataset is loaded, not in a query. On failure the
 * workspace is as it was. */
enum status pir_workspace_reserve(struct pir_workspace *workspace, const struct pir_layout *layout,
                                  struct error *err) MUST_CHECK;
/* Bytes that a workspace for this shape takes, the BFV layer's own scratch aside. */
size_t pir_workspace_bytes(const struct bfv_context *context, const struct pir_layout *layout);

/* Can this key expand and relinearize for this shape? STATUS_NO_KEY names what is missing. */
enum status pir_answer_check_key(const struct bfv_context *context, const struct pir_layout *layout,
                                 const struct bfv_evaluation_key *key,
                                 struct error *err) MUST_CHECK;

/* Threads that share the work of a query. Of several the answer has the same bytes as of one. */
#define PIR_TEAM_MAX ((size_t)16)
/* Part `index` of the work. In one run each seat is one thread's: `mine` is its workspace, reserved
 * for the shape that is asked. */
typedef void pir_team_part(void *argument, size_t index, size_t seat, struct pir_workspace *mine);
struct pir_team {
    void *context;
    /* How many threads would take part now, this one included: 1 .. PIR_TEAM_MAX. */
    size_t (*size)(void *context);
    /* Has all parts run, by whoever comes; returns when they are done. This thread takes part, from
     * seat 0 and with the workspace of the query; the others' seats are below PIR_TEAM_MAX.
     *   gather  NULL, or what this thread does when all parts are done and no seat has been left:
     *           what they hold in their workspaces is there until it returns */
    void (*run)(void *context, size_t parts, pir_team_part *part, void (*gather)(void *argument),
                void *argument);
};

/* Answers `query`. Checked before any arithmetic: num_pir_calls is the batch size, the number of
 * ciphertexts is the exact one, the key has what the shape needs, every ciphertext is well-formed.
 * STATUS_MALFORMED or STATUS_INVALID: the query; STATUS_NO_KEY: the key; STATUS_INTERNAL: the
 * workspace was not reserved for this shape, or has other encryption parameters.
 *   ret  borrowed from the workspace until its next use */
enum status pir_answer(struct pir_workspace *workspace, const struct pir_shard *shard,
                       const struct bfv_evaluation_key *key, const struct pir_query *query,
                       struct pir_response *ret, struct error *err) MUST_CHECK;
/* The same by as many threads as the team has. */
enum status pir_answer_together(struct pir_workspace *workspace, const struct pir_team *team,
                                const struct pir_shard *shard, const struct bfv_evaluation_key *key,
                                const struct pir_query *query, struct pir_response *ret,
                                struct error *err) MUST_CHECK;

/* Several queries on one shard in one pass over its plaintexts. A query that fails leaves the
 * others alone. All workspaces are of one context. The server answers each as it comes: bench_pir
 * measures how little waiting for others would gain (query_batch beside query_compute). */
#define PIR_BATCH_MAX 32
struct pir_job {
    struct pir_workspace *workspace; /* its own */
    const struct bfv_evaluation_key *key;
    const struct pir_query *query;
    /* Filled in, as by pir_answer(): */
    enum status status;
    struct pir_response response; /* unless it failed */
    struct error error;           /* when it failed */
};
void pir_answer_batch(const struct pir_shard *shard, struct pir_job *jobs, size_t count);

#endif
