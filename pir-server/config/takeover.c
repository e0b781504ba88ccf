#include "pir-server/config/takeover.h"

#include "base/mem.h"
#include "pir-server/dataset/dataset_import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- datasets ---- */

#define PROGRESS_LINES 4

struct telling {
    const struct log *log;
    const char *use_case;
};

static void tell(void *context, uint64_t done, uint64_t shard_count)
{
    const struct telling *telling = context;
    if (done == 0)
        log_write(telling->log, LOG_INFO, "importing use_case=%s shards=%" PRIu64,
                  telling->use_case, shard_count);
    else if (done * PROGRESS_LINES / shard_count != (done - 1) * PROGRESS_LINES / shard_count)
        log_write(telling->log, LOG_INFO, "imported use_case=%s shards=%" PRIu64 " of=%" PRIu64,
                  telling->use_case, done, shard_count);
}

static void warn(const struct reference_use_case *use_case, const struct log *log)
{
    if ((use_case->shard_count & (use_case->shard_count - 1)) != 0)
        log_write(log, LOG_WARNING,
                  "dataset use_case=%s shards=%" PRIu64
                  ": no power of two, devices with iOS or macOS 27.3 refuse it",
                  use_case->name, use_case->shard_count);
}

enum status takeover_datasets(const struct reference_config *config, const char *data,
                              struct thread_pool *pool, const struct log *log, struct error *err)
{
    struct dataset_import *imports = mem_alloc(config->use_case_count + 1, sizeof *imports);
    struct telling *telling = mem_alloc(config->use_case_count + 1, sizeof *telling);
    size_t count = 0;
    size_t new_count;
    enum status status = imports != NULL && telling != NULL
                             ? STATUS_OK
                             : error_set(err, STATUS_NOMEM, "datasets: out of memory");
    for (size_t i = 0; i < config->use_case_count && status == STATUS_OK; i++) {
        const struct reference_use_case *use_case = &config->use_cases[i];
        if (use_case->version_count == 0)
            continue;
        telling[count] = (struct telling){.log = log, .use_case = use_case->name};
        imports[count] = (struct dataset_import){.use_case = use_case->name,
                                                 .stem = use_case->stem,
                                                 .shard_count = use_case->shard_count,
                                                 .symmetric_key = use_case->symmetric_key,
                                                 .tell = tell,
                                                 .tell_context = &telling[count]};
        count++;
    }
    if (status == STATUS_OK && count > 0)
        status = dataset_import(data, imports, count, pool, &new_count, err);
    for (size_t i = 0; i < config->use_case_count && status == STATUS_OK; i++)
        if (config->use_cases[i].version_count > 0)
            warn(&config->use_cases[i], log);
    mem_free(telling);
    mem_free(imports);
    return status;
}

/* ---- user tokens ---- */

enum token_state { TOKEN_MISSING, TOKEN_REVOKED, TOKEN_IN_FORCE };

/* What the store has of the file's tokens, and those of ours that the file has no more. */
struct comparing {
    const struct reference_config *config;
    uint8_t *states; /* [config->token_count] of enum token_state */
    uint8_t (*gone)[STORE_TOKEN_HASH_BYTES];
    size_t gone_count;
    size_t gone_capacity;
};

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, STORE_TOKEN_HASH_BYTES);
}

static enum status note_gone(struct comparing *comparing, const uint8_t *hash, struct error *err)
{
    if (comparing->gone_count == comparing->gone_capacity) {
        const size_t capacity = comparing->gone_capacity > 0 ? 2 * comparing->gone_capacity : 16;
        void *more = mem_realloc(comparing->gone, capacity, sizeof *comparing->gone);
        if (more == NULL)
            return error_set(err, STATUS_NOMEM, "user tokens: out of memory");
        comparing->gone = more;
        comparing->gone_capacity = capacity;
    }
    memcpy(comparing->gone[comparing->gone_count++], hash, STORE_TOKEN_HASH_BYTES);
    return STATUS_OK;
}

static enum status compare_token(void *context, const struct store_user_token *token,
                                 struct error *err)
{
    struct comparing *comparing = context;
    const struct reference_config *config = comparing->config;
    const uint8_t(*found)[STORE_TOKEN_HASH_BYTES] =
        config->token_count == 0 ? NULL
                                 : bsearch(token->hash, config->tokens, config->token_count,
                                           sizeof *config->tokens, compare_hashes);
    const bool is_ours = token->app[0] == '\0' && strcmp(token->label, TAKEOVER_LABEL) == 0;
    if (found != NULL)
        comparing->states[found - config->tokens] =
            is_ours && token->revoked_at != 0 ? TOKEN_REVOKED : TOKEN_IN_FORCE;
    else if (is_ours && token->revoked_at == 0)
        return note_gone(comparing, token->hash, err);
    return STATUS_OK;
}

static size_t count_states(const struct comparing *comparing, enum token_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < comparing->config->token_count; i++)
        count += comparing->states[i] == state;
    return count;
}

static enum status add_missing(const struct comparing *comparing, struct store *store,
                               uint64_t now_s, size_t count, struct error *err)
{
    struct store_user_token *tokens = mem_alloc_zeroed(count, sizeof *tokens);
    size_t at = 0;
    if (tokens == NULL)
        return error_set(err, STATUS_NOMEM, "user tokens: out of memory");
    for (size_t i = 0; i < comparing->config->token_count; i++) {
        if (comparing->states[i] != TOKEN_MISSING)
            continue;
        memcpy(tokens[at].hash, comparing->config->tokens[i], STORE_TOKEN_HASH_BYTES);
        snprintf(tokens[at].label, sizeof tokens[at].label, "%s", TAKEOVER_LABEL);
        tokens[at++].made_at = now_s;
    }
    const enum status status = store_add_user_tokens(store, tokens, count, err);
    mem_free(tokens);
    return status;
}

static enum status change(const struct comparing *comparing, struct store *store, uint64_t now_s,
                          const struct log *log, struct error *err)
{
    const struct reference_config *config = comparing->config;
    const size_t missing = count_states(comparing, TOKEN_MISSING);
    const size_t revoked = count_states(comparing, TOKEN_REVOKED);
    enum status status =
        missing > 0 ? add_missing(comparing, store, now_s, missing, err) : STATUS_OK;
    for (size_t i = 0; i < config->token_count && status == STATUS_OK; i++)
        if (comparing->states[i] == TOKEN_REVOKED)
            status = store_restore_user_token(store, config->tokens[i], err);
    for (size_t i = 0; i < comparing->gone_count && status == STATUS_OK; i++)
        status = store_revoke_user_token(store, comparing->gone[i], now_s, err);
    if (status == STATUS_OK && missing + revoked + comparing->gone_count > 0)
        log_write(log, LOG_INFO, "user tokens in_file=%zu added=%zu restored=%zu revoked=%zu",
                  config->token_count, missing, revoked, comparing->gone_count);
    return status;
}

enum status takeover_tokens(const struct reference_config *config, struct store *store,
                            uint64_t now_s, const struct log *log, struct error *err)
{
    struct comparing comparing = {.config = config};
    comparing.states = mem_alloc_zeroed(config->token_count + 1, 1);
    if (comparing.states == NULL)
        return error_set(err, STATUS_NOMEM, "user tokens: out of memory");
    enum status status = store_list_user_tokens(store, compare_token, &comparing, err);
    if (status == STATUS_OK)
        status = change(&comparing, store, now_s, log, err);
    mem_free(comparing.gone);
    mem_free(comparing.states);
    return status;
}
