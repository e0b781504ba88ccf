#include "pir-server/service/compute.h"

#include "base/mem.h"

#include <pthread.h>

/* One for each set of encryption parameters in use; a few at most. */
struct worker_space {
    const struct bfv_context *context;
    struct pir_workspace *workspace;
    struct worker_space *next;
};

/* Led by one thread; the others come by jobs in the queue, which may run late: at a later run of
 * the same team, or when there is none. */
struct team {
    struct pir_team team;
    struct compute *compute;
    struct pir_workspace *workspace; /* of the leader, */
    const struct bfv_context *context;
    const struct pir_layout *layout; /* and what others' must be for */
    pthread_mutex_t lock;            /* guards what follows */
    pthread_cond_t done;             /* running went down to 0 */
    pthread_cond_t leave;            /* runs went up */
    pir_team_part *part;             /* NULL: nothing is run */
    bool gathers;                    /* seats are not left before the run is over */
    uint64_t runs;                   /* that are over */
    void *argument;
    size_t parts;
    size_t next;
    size_t seats;
    size_t running; /* helpers at work */
};

struct compute {
    struct thread_pool *pool;
    size_t thread_count;
    struct worker_space **spaces; /* [thread_count] lists */
    struct team *teams;           /* [thread_count] */
};

/* The workspace of this thread, large enough for the shape. */
static enum status compute_workspace(struct compute *compute, size_t worker,
                                     const struct bfv_context *context,
                                     const struct pir_layout *layout, struct pir_workspace **ret,
                                     struct error *err)
{
    for (struct worker_space *at = compute->spaces[worker]; at != NULL; at = at->next) {
        if (at->context != context)
            continue;
        const enum status status = pir_workspace_reserve(at->workspace, layout, err);
        if (status == STATUS_OK)
            *ret = at->workspace;
        return status;
    }
    struct worker_space *space = mem_alloc_zeroed(1, sizeof *space);
    if (space == NULL)
        return error_set(err, STATUS_NOMEM, "workspace: out of memory");
    const enum status status = pir_workspace_new(context, layout, &space->workspace, err);
    if (status != STATUS_OK) {
        mem_free(space);
        return status;
    }
    space->context = context;
    space->next = compute->spaces[worker];
    compute->spaces[worker] = space;
    *ret = space->workspace;
    return STATUS_OK;
}

/* ---- teams ---- */

static size_t team_size(void *context)
{
    const struct team *team = context;
    const size_t size = 1 + thread_pool_idle_count(team->compute->pool);
    return size < PIR_TEAM_MAX ? size : PIR_TEAM_MAX;
}

/* Takes parts until none is left. The lock is held, and again on return. */
static void take_parts(struct team *team, size_t seat, struct pir_workspace *mine)
{
    while (team->next < team->parts) {
        const size_t index = team->next++;
        pthread_mutex_unlock(&team->lock);
        team->part(team->argument, index, seat, mine);
        pthread_mutex_lock(&team->lock);
    }
}

static void help(void *context, size_t worker)
{
    struct team *team = context;
    struct pir_workspace *mine = NULL;
    pthread_mutex_lock(&team->lock);
    if (team->part != NULL && team->next < team->parts && team->seats < PIR_TEAM_MAX) {
        const size_t seat = team->seats++;
        team->running++;
        pthread_mutex_unlock(&team->lock);
        /* Without memory for a workspace the others do it. */
        const enum status status =
            compute_workspace(team->compute, worker, team->context, team->layout, &mine, NULL);
        pthread_mutex_lock(&team->lock);
        if (status == STATUS_OK)
            take_parts(team, seat, mine);
        const uint64_t runs = team->runs;
        if (--team->running == 0)
            pthread_cond_signal(&team->done);
        /* The leader still wants what is in this thread's workspace. */
        while (team->gathers && team->runs == runs)
            pthread_cond_wait(&team->leave, &team->lock);
    }
    pthread_mutex_unlock(&team->lock);
}

static void team_run(void *context, size_t parts, pir_team_part *part,
                     void (*gather)(void *argument), void *argument)
{
    struct team *team = context;
    const size_t idle = parts > 1 ? thread_pool_idle_count(team->compute->pool) : 0;
    pthread_mutex_lock(&team->lock);
    team->part = part;
    team->argument = argument;
    team->gathers = gather != NULL;
    team->parts = parts;
    team->next = 0;
    team->seats = 1;
    for (size_t i = 0; i < idle && i + 1 < parts; i++)
        if (thread_pool_submit(team->compute->pool, help, team, NULL) != STATUS_OK)
            break;
    take_parts(team, 0, team->workspace);
    while (team->running > 0)
        pthread_cond_wait(&team->done, &team->lock);
    if (gather != NULL)
        gather(argument); /* nobody comes: there are no parts left */
    team->part = NULL;
    team->runs++;
    pthread_cond_broadcast(&team->leave);
    pthread_mutex_unlock(&team->lock);
}

static void team_init(struct team *team, struct compute *compute)
{
    team->compute = compute;
    team->team = (struct pir_team){.context = team, .size = team_size, .run = team_run};
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->done, NULL);
    pthread_cond_init(&team->leave, NULL);
}

enum status compute_answer(struct compute *compute, size_t worker,
                           const struct bfv_context *context, const struct pir_shard *shard,
                           const struct bfv_evaluation_key *key, const struct pir_query *query,
                           struct pir_response *ret, struct error *err)
{
    struct team *team = &compute->teams[worker];
    team->context = context;
    team->layout = pir_shard_layout(shard);
    const enum status status =
        compute_workspace(compute, worker, context, team->layout, &team->workspace, err);
    if (status != STATUS_OK)
        return status;
    return pir_answer_together(team->workspace, &team->team, shard, key, query, ret, err);
}

enum status compute_new(size_t threads, size_t queue_limit, struct compute **ret, struct error *err)
{
    struct compute *compute = mem_alloc_zeroed(1, sizeof *compute);
    if (compute == NULL)
        return error_set(err, STATUS_NOMEM, "compute threads: out of memory");
    enum status status = STATUS_OK;
    compute->thread_count = threads;
    compute->spaces = mem_alloc_zeroed(threads, sizeof *compute->spaces);
    compute->teams = mem_alloc_zeroed(threads, sizeof *compute->teams);
    if (compute->spaces == NULL || compute->teams == NULL) {
        status = error_set(err, STATUS_NOMEM, "compute threads: out of memory");
        goto done;
    }
    for (size_t i = 0; i < threads; i++)
        team_init(&compute->teams[i], compute);
    status = thread_pool_new(threads, queue_limit, &compute->pool, err);
    if (status != STATUS_OK)
        goto done;
    *ret = compute;
    compute = NULL;
done:
    compute_free(compute);
    return status;
}

void compute_free(struct compute *compute)
{
    if (compute == NULL)
        return;
    thread_pool_free(compute->pool);
    for (size_t i = 0; compute->spaces != NULL && i < compute->thread_count; i++) {
        while (compute->spaces[i] != NULL) {
            struct worker_space *space = compute->spaces[i];
            compute->spaces[i] = space->next;
            pir_workspace_free(space->workspace);
            mem_free(space);
        }
    }
    for (size_t i = 0; compute->teams != NULL && i < compute->thread_count; i++) {
        pthread_cond_destroy(&compute->teams[i].leave);
        pthread_cond_destroy(&compute->teams[i].done);
        pthread_mutex_destroy(&compute->teams[i].lock);
    }
    mem_free(compute->spaces);
    mem_free(compute->teams);
    mem_free(compute);
}

enum status compute_prepare(struct compute *compute, const struct bfv_context *context,
                            const struct pir_layout *layout, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < compute->thread_count; i++) {
        struct pir_workspace *ignored;
        status = compute_workspace(compute, i, context, layout, &ignored, err);
    }
    return status;
}

enum status compute_submit(struct compute *compute, thread_pool_job *job, void *context,
                           struct error *err)
{
    return thread_pool_submit(compute->pool, job, context, err);
}

enum status compute_reserve(struct compute *compute, size_t spare, struct error *err)
{
    return thread_pool_reserve(compute->pool, spare, err);
}

void compute_submit_reserved(struct compute *compute, thread_pool_job *job, void *context)
{
    thread_pool_submit_reserved(compute->pool, job, context);
}

void compute_give_back(struct compute *compute)
{
    thread_pool_give_back(compute->pool);
}

size_t compute_waiting_count(const struct compute *compute)
{
    return thread_pool_waiting_count(compute->pool);
}

size_t compute_thread_count(const struct compute *compute)
{
    return compute->thread_count;
}
