#include "pir-server/pir/pir_answer.h"

#include "pir-server/bfv/bfv_serial.h"
#include "pir-server/pir/pir_answer_internal.h"
#include "pir-server/pir/pir_workspace_internal.h"

#include <assert.h>

/* ---- checks ---- */

enum status pir_answer_check_key(const struct bfv_context *context, const struct pir_layout *layout,
                                 const struct bfv_evaluation_key *key, struct error *err)
{
    uint32_t elements[BFV_MAX_GALOIS_KEYS];
    const size_t count = bfv_evaluation_key_galois_count(key);
    for (size_t i = 0; i < count && i < BFV_MAX_GALOIS_KEYS; i++)
        elements[i] = bfv_evaluation_key_galois_element(key, i);
    if (layout->dimension_count > 1 && !bfv_evaluation_key_has_relin(key))
        return error_set(err, STATUS_NO_KEY, "the evaluation key has no relinearization key");
    const size_t expanded =
        layout->selector_count < layout->degree ? layout->selector_count : layout->degree;
    return bfv_expand_check_elements(context, elements, count, expanded, err);
}

static enum status check_query(const struct pir_workspace *w, const struct pir_shard *shard,
                               const struct bfv_evaluation_key *key, const struct pir_query *query,
                               struct error *err)
{
    const struct pir_layout *layout = pir_shard_layout(shard);
    if (!bfv_parameters_equal(bfv_context_parameters(w->context),
                              &pir_shard_parameters(shard)->encryption))
        return error_set(err, STATUS_INTERNAL,
                         "workspace and shard have different encryption parameters");
    if (!pir_needs_are_met(w->have, pir_needs_of(layout)))
        return error_set(err, STATUS_INTERNAL, "the workspace is not reserved for this shard");
    if (query->num_pir_calls != layout->table_count)
        return error_set(err, STATUS_INVALID, "query: num_pir_calls is %llu, not %zu",
                         (unsigned long long)query->num_pir_calls, layout->table_count);
    if (query->ciphertext_count != layout->query_ciphertext_count)
        return error_set(err, STATUS_INVALID, "query: %zu ciphertexts, not %zu",
                         query->ciphertext_count, layout->query_ciphertext_count);
    return pir_answer_check_key(w->context, layout, key, err);
}

static enum status read_query(struct pir_workspace *w, const struct pir_query *query,
                              struct error *err)
{
    for (size_t i = 0; i < query->ciphertext_count; i++) {
        const struct pir_ciphertext_bytes *in = &query->ciphertexts[i];
        enum status st = STATUS_OK;
        switch (in->kind) {
        case PIR_CIPHERTEXT_SEEDED:
            st = bfv_ciphertext_read_seeded(w->context, in->poly0, in->seed, &w->queries[i], err);
            break;
        case PIR_CIPHERTEXT_FULL:
            st = bfv_ciphertext_read_full(w->context, in->polys, in->skip_lsbs, in->skip_count,
                                          in->correction_factor, &w->queries[i], err);
            break;
        case PIR_CIPHERTEXT_NONE:
            st = error_set(err, STATUS_MALFORMED, "neither seeded nor full");
            break;
        }
        if (st != STATUS_OK)
            return error_prefix(err, st, "query: ciphertext %zu", i);
    }
    return STATUS_OK;
}

/* ---- the work ---- */

static size_t alone_size(void *context)
{
    (void)context;
    return 1;
}

static void alone_run(void *context, size_t parts, pir_team_part *part,
                      void (*gather)(void *argument), void *argument)
{
    for (size_t i = 0; i < parts; i++)
        part(argument, i, 0, context);
    if (gather != NULL)
        gather(argument);
}

/* Of the one thread whose workspace it is. */
static struct pir_team team_alone(struct pir_workspace *w)
{
    return (struct pir_team){.context = w, .size = alone_size, .run = alone_run};
}

/* A query, as the threads of a team see it. */
struct shared_work {
    struct pir_workspace *w;
    const struct pir_layout *layout;
    const struct bfv_evaluation_key *key;
    size_t parts; /* a power of two for the expansion */
    /* Expansion. */
    size_t block;
    enum status status[PIR_TEAM_MAX]; /* of each part */
    struct error error[PIR_TEAM_MAX];
    /* Dimension 0. */
    const struct bfv_plaintext_matrix *plaintexts;
    size_t first_selector;
    /* Dimension 1. */
    size_t chunk;
    struct bfv_workspace *sums[PIR_TEAM_MAX]; /* of the seats that have added products */
};

static void expand_part(void *argument, size_t index, size_t seat, struct pir_workspace *mine)
{
    struct shared_work *work = argument;
    const size_t first = work->block * work->layout->degree;
    const size_t left = work->layout->selector_count - first;
    const size_t count = left < work->layout->degree ? left : work->layout->degree;
    (void)seat;
    work->status[index] = bfv_expand(
        mine->bfv, work->key, &work->w->queries[work->block], count, work->w->selectors, first,
        (struct bfv_part){.index = index, .count = work->parts}, &work->error[index]);
}

static enum status expand_query(struct pir_workspace *w, const struct pir_team *team,
                                const struct pir_layout *layout,
                                const struct bfv_evaluation_key *key, struct error *err)
{
    struct shared_work work = {.w = w, .layout = layout, .key = key, .parts = 1};
    const size_t size = team->size(team->context);
    while (work.parts < size)
        work.parts *= 2;
    for (; work.block < layout->query_ciphertext_count; work.block++) {
        team->run(team->context, work.parts, expand_part, NULL, &work);
        for (size_t i = 0; i < work.parts; i++) {
            if (work.status[i] == STATUS_OK)
                continue;
            if (err != NULL)
                *err = work.error[i];
            return work.status[i];
        }
    }
    return STATUS_OK;
}

static void dot_part(void *argument, size_t index, size_t seat, struct pir_workspace *mine)
{
    const struct shared_work *work = argument;
    const struct bfv_dot dot = {.selectors = work->w->selectors, .ret = work->w->columns};
    (void)seat;
    bfv_plaintext_dot(mine->context, &dot, 1, work->first_selector, work->plaintexts,
                      (struct bfv_part){.index = index, .count = work->parts});
}

/* One column times its selector, added to the sum of the seat. */
static void multiply_part(void *argument, size_t column, size_t seat, struct pir_workspace *mine)
{
    struct shared_work *work = argument;
    const bool is_kept = work->layout->chunk_count > 1;
    struct bfv_lifted *selector = is_kept ? work->w->lifted[column] : mine->lifted[0];
    if (work->sums[seat] == NULL) {
        bfv_product_begin(mine->bfv);
        work->sums[seat] = mine->bfv;
    }
    if (work->chunk == 0) {
        bfv_selectors_get(work->w->selectors,
                          work->first_selector + work->layout->dimensions[0] + column,
                          &mine->selector);
        bfv_lift(mine->bfv, &mine->selector, selector);
    }
    bfv_lift(mine->bfv, &work->w->columns[column], mine->lifted_column);
    bfv_product_add(mine->bfv, selector, mine->lifted_column);
}

static void merge_sums(void *argument)
{
    struct shared_work *work = argument;
    for (size_t seat = 1; seat < PIR_TEAM_MAX; seat++)
        if (work->sums[seat] != NULL)
            bfv_product_merge(work->w->bfv, work->sums[seat]);
}

/* Dimension 1: the columns times their selectors, summed; three polynomials to two. */
static enum status multiply_columns(struct pir_workspace *w, const struct pir_team *team,
                                    const struct pir_layout *layout,
                                    const struct bfv_evaluation_key *key, size_t first_selector,
                                    size_t chunk, struct error *err)
{
    struct shared_work work = {.w = w,
                               .layout = layout,
                               .key = key,
                               .first_selector = first_selector,
                               .chunk = chunk,
                               .sums = {w->bfv}};
    bfv_product_begin(w->bfv);
    team->run(team->context, layout->dimensions[1], multiply_part, merge_sums, &work);
    bfv_ciphertext_init_view(w->product.words, 3, layout->moduli_count, BFV_COEFFICIENT,
                             &w->result);
    bfv_product_finish(w->bfv, &w->result);
    return bfv_relinearize(w->bfv, key, &w->result, err);
}

/* After dimension 0: one ciphertext of the reply over all moduli, in coefficient form. */
static enum status compute_chunk(struct pir_workspace *w, const struct pir_team *team,
                                 const struct pir_layout *layout,
                                 const struct bfv_evaluation_key *key, size_t table, size_t chunk,
                                 struct error *err)
{
    if (layout->dimension_count > 1)
        return multiply_columns(w, team, layout, key, table * layout->selectors_per_index, chunk,
                                err);
    /* One column is the result; a view, for switching down changes the shape. */
    bfv_ciphertext_init_view(w->columns[0].words, 2, layout->moduli_count, BFV_EVALUATION,
                             &w->result);
    bfv_ciphertext_to_form(w->context, &w->result, BFV_COEFFICIENT);
    return STATUS_OK;
}

static enum status finish_chunk(struct pir_workspace *w, const struct pir_team *team,
                                const struct pir_layout *layout,
                                const struct bfv_evaluation_key *key, size_t table, size_t chunk,
                                struct error *err)
{
    struct bfv_ciphertext *result = &w->result;
    const enum status st = compute_chunk(w, team, layout, key, table, chunk, err);
    if (st != STATUS_OK)
        return st;
    bfv_ciphertext_switch_down(w->context, result, 1);

    const size_t at = w->polys.size;
    bfv_ciphertext_write_full(w->context, result, w->skips, &w->polys);
    w->reply_ciphertexts[table * layout->chunk_count + chunk] = (struct pir_ciphertext_bytes){
        .kind = PIR_CIPHERTEXT_FULL,
        .polys = span_of(w->polys.data + at, w->polys.size - at),
        .skip_lsbs = w->skips,
        .skip_count = 2,
        .correction_factor = 1,
    };
    return STATUS_OK;
}

/* All that comes before dimension 0. */
static enum status begin_job(struct pir_job *job, const struct pir_team *team,
                             const struct pir_shard *shard)
{
    struct pir_workspace *w = job->workspace;
    enum status st = check_query(w, shard, job->key, job->query, &job->error);
    if (st == STATUS_OK)
        st = read_query(w, job->query, &job->error);
    if (st == STATUS_OK)
        st = expand_query(w, team, pir_shard_layout(shard), job->key, &job->error);
    bytes_clear(&w->polys);
    return st;
}

static void finish_job(struct pir_job *job, const struct pir_layout *layout)
{
    struct pir_workspace *w = job->workspace;
    for (size_t table = 0; table < layout->table_count; table++)
        w->replies[table] =
            (struct pir_reply){.ciphertexts = w->reply_ciphertexts + table * layout->chunk_count,
                               .ciphertext_count = layout->chunk_count};
    job->status = bytes_status(&w->polys, "response", &job->error);
    job->response =
        (struct pir_response){.replies = w->replies, .reply_count = layout->table_count};
}

/* One chunk of one table for all jobs that have not failed. */
static void answer_chunk(const struct pir_shard *shard, struct pir_job *jobs, size_t count,
                         size_t table, size_t chunk)
{
    const struct pir_layout *layout = pir_shard_layout(shard);
    const struct bfv_plaintext_matrix plaintexts = pir_shard_matrix(shard, table, chunk);
    struct bfv_dot dots[PIR_BATCH_MAX];
    const struct bfv_context *context = NULL;
    size_t dot_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].status != STATUS_OK)
            continue;
        context = jobs[i].workspace->context;
        dots[dot_count++] = (struct bfv_dot){.selectors = jobs[i].workspace->selectors,
                                             .ret = jobs[i].workspace->columns};
    }
    if (dot_count == 0)
        return;
    bfv_plaintext_dot(context, dots, dot_count, table * layout->selectors_per_index, &plaintexts,
                      BFV_WHOLE);
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].status != STATUS_OK)
            continue;
        const struct pir_team team = team_alone(jobs[i].workspace);
        jobs[i].status = finish_chunk(jobs[i].workspace, &team, layout, jobs[i].key, table, chunk,
                                      &jobs[i].error);
    }
}

void pir_answer_batch(const struct pir_shard *shard, struct pir_job *jobs, size_t count)
{
    const struct pir_layout *layout = pir_shard_layout(shard);
    assert(count <= PIR_BATCH_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct pir_team team = team_alone(jobs[i].workspace);
        jobs[i].status = begin_job(&jobs[i], &team, shard);
    }
    for (size_t table = 0; table < layout->table_count; table++)
        for (size_t chunk = 0; chunk < layout->chunk_count; chunk++)
            answer_chunk(shard, jobs, count, table, chunk);
    for (size_t i = 0; i < count; i++)
        if (jobs[i].status == STATUS_OK)
            finish_job(&jobs[i], layout);
}

/* Dimension 0 of one chunk of one table. */
static void sum_rows(struct pir_workspace *w, const struct pir_team *team,
                     const struct pir_shard *shard, size_t table, size_t chunk)
{
    const struct pir_layout *layout = pir_shard_layout(shard);
    const struct bfv_plaintext_matrix plaintexts = pir_shard_matrix(shard, table, chunk);
    struct shared_work work = {.w = w,
                               .layout = layout,
                               .parts = team->size(team->context),
                               .plaintexts = &plaintexts,
                               .first_selector = table * layout->selectors_per_index};
    team->run(team->context, work.parts, dot_part, NULL, &work);
}

enum status pir_answer_together(struct pir_workspace *workspace, const struct pir_team *team,
                                const struct pir_shard *shard, const struct bfv_evaluation_key *key,
                                const struct pir_query *query, struct pir_response *ret,
                                struct error *err)
{
    const struct pir_layout *layout = pir_shard_layout(shard);
    struct pir_job job = {.workspace = workspace, .key = key, .query = query};
    job.status = begin_job(&job, team, shard);
    for (size_t table = 0; table < layout->table_count; table++)
        for (size_t chunk = 0; chunk < layout->chunk_count && job.status == STATUS_OK; chunk++) {
            sum_rows(workspace, team, shard, table, chunk);
            job.status = finish_chunk(workspace, team, layout, key, table, chunk, &job.error);
        }
    if (job.status == STATUS_OK)
        finish_job(&job, layout);
    if (job.status == STATUS_OK)
        *ret = job.response;
    else if (err != NULL)
        *err = job.error;
    return job.status;
}

enum status pir_answer(struct pir_workspace *workspace, const struct pir_shard *shard,
                       const struct bfv_evaluation_key *key, const struct pir_query *query,
                       struct pir_response *ret, struct error *err)
{
    const struct pir_team team = team_alone(workspace);
    return pir_answer_together(workspace, &team, shard, key, query, ret, err);
}

enum status pir_answer_before_drop(struct pir_workspace *workspace, const struct pir_shard *shard,
                                   const struct bfv_evaluation_key *key,
                                   const struct pir_query *query, size_t table,
                                   const struct bfv_ciphertext **ret, struct error *err)
{
    const struct pir_layout *layout = pir_shard_layout(shard);
    const struct pir_team team = team_alone(workspace);
    struct pir_job job = {.workspace = workspace, .key = key, .query = query};
    enum status st = begin_job(&job, &team, shard);
    if (st == STATUS_OK) {
        sum_rows(workspace, &team, shard, table, 0);
        st = compute_chunk(workspace, &team, layout, key, table, 0, &job.error);
    }
    if (st == STATUS_OK)
        *ret = &workspace->result;
    else if (err != NULL)
        *err = job.error;
    return st;
}
