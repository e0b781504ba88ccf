/* Two passes over the file. The first counts and hashes (SHA-256 gives the default seed), the
 * second inserts. Keys come in chunks, each key followed by LF: what the digest wants, and enough
 * keys for hashing several at a time. While one chunk is worked on, the next is read. */
#include "bloom/formats/bloom_build.h"

#include "base/line_reader.h"
#include "base/mem.h"
#include "base/progress.h"
#include "bloom/formats/digest_set.h"

#include <openssl/evp.h>

#define CHUNK_BYTES          ((size_t)1 << 20)
#define CHUNK_KEYS           ((size_t)16384)
#define HASH_SLICES          ((size_t)8)
#define BUILDERS_MAX         ((size_t)64)
#define PROGRESS_EVERY_LINES 4096

struct chunk {
    uint8_t *bytes; /* [CHUNK_BYTES] */
    size_t size;
    struct bloom_key *keys; /* [CHUNK_KEYS] */
    size_t count;           /* 0 = the file has ended */
};

struct build {
    const char *path; /* as shown */
    const struct bloom_build_options *options;
    struct line_reader *lines;
    struct progress progress;
    uint64_t shown_bytes; /* given to progress so far */
    struct bloom_build_summary summary;
    /* first pass */
    EVP_MD_CTX *digest; /* NULL when the seed is given */
    struct digest_set *keys;
    /* both */
    struct chunk chunks[2];
    struct chunk *now;                 /* in work */
    struct chunk *next;                /* being read */
    struct bloom_build_summary counts; /* of this pass */
    /* second pass */
    struct bloom_hashes *hashes;    /* [CHUNK_KEYS] of chunk `now` */
    struct bloom_builder *builders; /* [builder_count], a window of the filter each */
    size_t builder_count;
    uint32_t murmur_seed;
};

static bool has_prefix(struct span line, const char *prefix)
{
    const struct span start = span_of_text(prefix);
    return line.size >= start.size && span_equal(span_part(line, 0, start.size), start);
}

static bool is_unasked(struct span line)
{
    switch (line.data[0]) {
    case '|':
    case '@':
    case '!':
    case '#':
        return true;
    case 'h':
        return has_prefix(line, "http://") || has_prefix(line, "https://");
    default:
        return false;
    }
}

/* The next line that is a key. Counts lines, empty ones, and those that no device asks for. */
static enum status next_key(struct build *build, struct span *ret, bool *ret_has_key,
                            struct error *err)
{
    struct bloom_build_summary *counts = &build->counts;
    for (;;) {
        struct line line;
        const enum status status = line_reader_next(build->lines, &line, ret_has_key, err);
        if (status != STATUS_OK || !*ret_has_key)
            return status;
        if (UNLIKELY(line.is_too_long))
            return error_set(err, STATUS_TOO_LARGE, "%s, line %llu: longer than %zu bytes",
                             build->path, (unsigned long long)line.number, LINE_MAX_BYTES);
        counts->line_count++;
        if (UNLIKELY(counts->line_count % PROGRESS_EVERY_LINES == 0)) {
            const uint64_t position = line_reader_position(build->lines);
            /* Starts anew with the second pass. */
            if (position < build->shown_bytes)
                build->shown_bytes = 0;
            progress_add(&build->progress, position - build->shown_bytes);
            build->shown_bytes = position;
        }
        if (line.text.size > 0) {
            counts->unasked_count += is_unasked(line.text);
            *ret = line.text;
            return STATUS_OK;
        }
        counts->empty_count++;
    }
}

static enum status read_chunk(struct build *build, struct chunk *chunk, struct error *err)
{
    chunk->size = 0;
    chunk->count = 0;
    while (chunk->count < CHUNK_KEYS && CHUNK_BYTES - chunk->size > LINE_MAX_BYTES) {
        struct span key = {0};
        bool has_key = false;
        const enum status status = next_key(build, &key, &has_key, err);
        if (status != STATUS_OK)
            return status;
        if (!has_key)
            break;
        uint8_t *to = chunk->bytes + chunk->size;
        memcpy(to, key.data, key.size);
        to[key.size] = '\n';
        chunk->keys[chunk->count++] = (struct bloom_key){.data = to, .size = key.size};
        chunk->size += key.size + 1;
    }
    return STATUS_OK;
}

/* Runs tasks 1 to `count` of `task` on each chunk, while task 0 reads the next one; then `then`,
 * which may be NULL. */
static enum status for_each_chunk(struct build *build, thread_pool_task *task, size_t count,
                                  thread_pool_task *then, size_t then_count, struct error *err)
{
    build->now = &build->chunks[0];
    build->next = &build->chunks[1];
    enum status status = read_chunk(build, build->now, err);
    while (status == STATUS_OK && build->now->count > 0) {
        status = thread_pool_for(build->options->pool, count + 1, task, build, err);
        if (status == STATUS_OK && then != NULL)
            status = thread_pool_for(build->options->pool, then_count, then, build, err);
        struct chunk *done = build->now;
        build->now = build->next;
        build->next = done;
    }
    return status;
}

/* ---- first pass ---- */

/* Takes out of the chunk what came before. */
static enum status drop_repeats(struct build *build, struct chunk *chunk, struct error *err)
{
    size_t size = 0;
    for (size_t i = 0; i < chunk->count; i++) {
        const struct bloom_key *key = &chunk->keys[i];
        bool is_new;
        const enum status status =
            digest_set_add(build->keys, span_of(key->data, key->size), &is_new, err);
        if (status != STATUS_OK)
            return status;
        if (!is_new) {
            build->summary.repeat_count++;
            build->summary.item_count--;
            continue;
        }
        memmove(chunk->bytes + size, key->data, key->size + 1);
        size += key->size + 1;
    }
    chunk->size = size;
    return STATUS_OK;
}

static enum status count_task(void *context, size_t index, size_t worker, struct error *err)
{
    struct build *build = context;
    (void)worker;
    if (index == 0)
        return read_chunk(build, build->next, err);
    struct chunk *chunk = build->now;
    build->summary.item_count += chunk->count;
    if (build->keys != NULL) {
        const enum status status = drop_repeats(build, chunk, err);
        if (status != STATUS_OK)
            return status;
    }
    if (build->digest != NULL && EVP_DigestUpdate(build->digest, chunk->bytes, chunk->size) != 1)
        return error_set(err, STATUS_NOMEM, "cannot compute SHA-256");
    return STATUS_OK;
}

static enum status count_keys(struct build *build, uint32_t *ret_seed, struct error *err)
{
    build->counts = (struct bloom_build_summary){0};
    const enum status status = for_each_chunk(build, count_task, 1, NULL, 0, err);
    if (status != STATUS_OK)
        return status;
    build->summary.line_count = build->counts.line_count;
    build->summary.empty_count = build->counts.empty_count;
    build->summary.unasked_count = build->counts.unasked_count;
    if (build->digest == NULL) {
        *ret_seed = build->options->murmur_seed;
        return STATUS_OK;
    }
    uint8_t digest[BLOOM_DIGEST_BYTES];
    if (EVP_DigestFinal_ex(build->digest, digest, NULL) != 1)
        return error_set(err, STATUS_NOMEM, "cannot compute SHA-256");
    *ret_seed = bloom_seed_of_digest(digest);
    return STATUS_OK;
}

/* ---- second pass ---- */

static enum status hash_task(void *context, size_t index, size_t worker, struct error *err)
{
    struct build *build = context;
    (void)worker;
    if (index == 0)
        return read_chunk(build, build->next, err);
    const size_t count = build->now->count;
    const size_t first = count * (index - 1) / HASH_SLICES;
    const size_t end = count * index / HASH_SLICES;
    bloom_hash_keys(build->now->keys + first, end - first, build->murmur_seed,
                    build->hashes + first);
    return STATUS_OK;
}

static enum status insert_task(void *context, size_t index, size_t worker, struct error *err)
{
    struct build *build = context;
    (void)worker;
    (void)err;
    bloom_builder_add_hashes(&build->builders[index], build->hashes, build->now->count);
    return STATUS_OK;
}

/* A builder for each thread, with equal windows that begin at cache lines. */
static enum status make_builders(struct build *build, const struct bloom_filter *filter,
                                 struct error *err)
{
    size_t count = thread_pool_worker_count(build->options->pool) + 1;
    if (count > BUILDERS_MAX)
        count = BUILDERS_MAX;
    build->builders = mem_alloc(count, sizeof *build->builders);
    build->hashes = mem_alloc(CHUNK_KEYS, sizeof *build->hashes);
    if (build->builders == NULL || build->hashes == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", build->path);
    build->builder_count = count;
    build->murmur_seed = filter->meta.params.murmur_seed;
    return bloom_filter_share_out(filter, build->builders, count, err);
}

/* A repeated key sets bits that are set already: this pass need not know them. */
static enum status insert_keys(struct build *build, const struct bloom_filter *filter,
                               struct error *err)
{
    enum status status = make_builders(build, filter, err);
    build->counts = (struct bloom_build_summary){0};
    if (status == STATUS_OK)
        status =
            for_each_chunk(build, hash_task, HASH_SLICES, insert_task, build->builder_count, err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < build->builder_count; i++)
        bloom_builder_finish(&build->builders[i]);
    if (build->counts.line_count != build->summary.line_count ||
        build->counts.empty_count != build->summary.empty_count)
        return error_set(err, STATUS_MISMATCH,
                         "%s: changed while it was read: %llu lines, then %llu", build->path,
                         (unsigned long long)build->summary.line_count,
                         (unsigned long long)build->counts.line_count);
    return STATUS_OK;
}

static enum status choose_meta(const struct build *build, uint32_t seed, struct bloom_meta *ret,
                               struct error *err)
{
    const struct bloom_build_options *options = build->options;
    const uint64_t items = build->summary.item_count;
    struct bloom_meta meta = {.item_count = items, .false_positive_tolerance = options->rate};
    enum bloom_result result;
    if (items == 0)
        return error_set(err, STATUS_INVALID, "%s: holds no key, and a filter needs at least one",
                         build->path);
    if (options->bit_count == 0) {
        result = bloom_params_choose(items, options->rate, seed, &meta.params);
    } else {
        meta.params = (struct bloom_params){.bit_count = options->bit_count,
                                            .hash_count = options->hash_count,
                                            .murmur_seed = seed};
        result = bloom_params_check(&meta.params);
        if (result == BLOOM_OK) {
            /* The formats want a number inside (0, 1), which the expectation may round out of. */
            double rate = bloom_expected_rate(&meta.params, items);
            if (!(rate < 1.0))
                rate = 0x1.fffffffffffffp-1;
            if (!(rate > 0.0))
                rate = 0x1p-1022;
            meta.false_positive_tolerance = rate;
        }
    }
    if (result != BLOOM_OK)
        return error_set(err, STATUS_INVALID, "%s: %llu keys: %s", build->path,
                         (unsigned long long)items, bloom_result_text(result));
    *ret = meta;
    return STATUS_OK;
}

static enum status prepare(struct build *build, const char *path, struct error *err)
{
    enum status status = line_reader_open(path, &build->lines, err);
    if (status == STATUS_OK) /* tells at once whether a second pass is possible */
        status = line_reader_rewind(build->lines, err);
    if (status == STATUS_OK && build->options->unique)
        status = digest_set_new(&build->keys, err);
    for (size_t i = 0; i < ARRAY_COUNT(build->chunks) && status == STATUS_OK; i++) {
        struct chunk *chunk = &build->chunks[i];
        chunk->bytes = mem_alloc(CHUNK_BYTES, 1);
        chunk->keys = mem_alloc(CHUNK_KEYS, sizeof *chunk->keys);
        if (chunk->bytes == NULL || chunk->keys == NULL)
            status = error_set(err, STATUS_NOMEM, "%s: out of memory", path);
    }
    if (status != STATUS_OK || build->options->has_seed)
        return status;
    build->digest = EVP_MD_CTX_new();
    if (build->digest == NULL || EVP_DigestInit_ex(build->digest, EVP_sha256(), NULL) != 1)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", build->path);
    return STATUS_OK;
}

enum status bloom_build_file(const char *path, const struct bloom_build_options *options,
                             struct bloom_filter **ret, struct bloom_build_summary *ret_summary,
                             struct error *err)
{
    struct bloom_filter *filter = NULL;
    struct build build = {.path = strcmp(path, "-") == 0 ? "standard input" : path,
                          .options = options};
    struct bloom_meta meta;
    uint32_t seed = 0;

    enum status status = prepare(&build, path, err);
    progress_begin(&build.progress, options->show_progress ? "reading keys" : NULL,
                   build.lines == NULL ? 0 : 2 * line_reader_size(build.lines));
    if (status != STATUS_OK)
        goto done;
    status = count_keys(&build, &seed, err);
    if (status != STATUS_OK)
        goto done;
    digest_set_free(build.keys);
    build.keys = NULL;
    status = choose_meta(&build, seed, &meta, err);
    if (status != STATUS_OK)
        goto done;
    status = bloom_filter_new(&meta, &filter, err);
    if (status != STATUS_OK)
        goto done;
    status = line_reader_rewind(build.lines, err);
    if (status != STATUS_OK)
        goto done;
    status = insert_keys(&build, filter, err);
    if (status != STATUS_OK)
        goto done;
    status = bloom_filter_seal(filter, err);
    if (status != STATUS_OK)
        goto done;
    *ret = filter;
    filter = NULL;
    if (ret_summary != NULL)
        *ret_summary = build.summary;
done:
    progress_end(&build.progress);
    bloom_filter_free(filter);
    digest_set_free(build.keys);
    EVP_MD_CTX_free(build.digest);
    for (size_t i = 0; i < ARRAY_COUNT(build.chunks); i++) {
        mem_free(build.chunks[i].bytes);
        mem_free(build.chunks[i].keys);
    }
    mem_free(build.hashes);
    mem_free(build.builders);
    line_reader_close(build.lines);
    return status;
}
