#include "pir-server/service/compute.h"

#include "base/mem.h"

/* One for each set of encryption parameters in use; a few at most. */
struct worker_space {
    const struct bfv_context *context;
    struct pir_workspace *workspace;
    struct worker_space *next;
};

struct compute {
    struct thread_pool *pool;
    size_t thread_count;
    struct worker_space **spaces; /* [thread_count] lists */
};

enum status compute_new(size_t threads, size_t queue_limit, struct compute **ret, struct error *err)
{
    struct compute *compute = mem_alloc_zeroed(1, sizeof *compute);
    if (compute == NULL)
        return error_set(err, STATUS_NOMEM, "compute threads: out of memory");
    enum status status = STATUS_OK;
    compute->thread_count = threads;
    compute->spaces = mem_alloc_zeroed(threads, sizeof *compute->spaces);
    if (compute->spaces == NULL) {
        status = error_set(err, STATUS_NOMEM, "compute threads: out of memory");
        goto done;
    }
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
    mem_free(compute->spaces);
    mem_free(compute);
}

enum status compute_workspace(struct compute *compute, size_t worker,
                              const struct bfv_context *context, const struct pir_layout *layout,
                              struct pir_workspace **ret, struct error *err)
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

enum status compute_reserve(struct compute *compute, struct error *err)
{
    return thread_pool_reserve(compute->pool, err);
}

void compute_submit_reserved(struct compute *compute, thread_pool_job *job, void *context)
{
    thread_pool_submit_reserved(compute->pool, job, context);
}

void compute_give_back(struct compute *compute)
{
    thread_pool_give_back(compute->pool);
}

size_t compute_thread_count(const struct compute *compute)
{
    return compute->thread_count;
}
