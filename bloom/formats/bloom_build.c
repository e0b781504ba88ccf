/* Two passes over the file. The first counts and hashes (SHA-256 gives the default seed); keys are
 * gathered in a block first, since a call into the digest costs more than hashing thirty bytes. */
#include "bloom/formats/bloom_build.h"

#include "base/line_reader.h"
#include "base/mem.h"
#include "base/progress.h"
#include "bloom/formats/digest_set.h"

#include <openssl/evp.h>

#define GATHER_BYTES         (LINE_MAX_BYTES + 65536)
#define PROGRESS_EVERY_LINES 4096

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
    uint8_t *gathered;
    size_t gathered_size;
};

/* The next line that is a key. Counts lines and empty lines. */
static enum status next_key(struct build *build, struct bloom_build_summary *counts,
                            struct span *ret, bool *ret_has_key, struct error *err)
{
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
            *ret = line.text;
            return STATUS_OK;
        }
        counts->empty_count++;
    }
}

static enum status flush_gathered(struct build *build, struct error *err)
{
    if (EVP_DigestUpdate(build->digest, build->gathered, build->gathered_size) != 1)
        return error_set(err, STATUS_NOMEM, "cannot compute SHA-256");
    build->gathered_size = 0;
    return STATUS_OK;
}

static enum status gather(struct build *build, struct span key, struct error *err)
{
    if (key.size + 1 > GATHER_BYTES - build->gathered_size) {
        const enum status status = flush_gathered(build, err);
        if (status != STATUS_OK)
            return status;
    }
    memcpy(build->gathered + build->gathered_size, key.data, key.size);
    build->gathered[build->gathered_size + key.size] = '\n';
    build->gathered_size += key.size + 1;
    return STATUS_OK;
}

static enum status count_keys(struct build *build, uint32_t *ret_seed, struct error *err)
{
    enum status status;
    for (;;) {
        struct span key;
        bool has_key;
        status = next_key(build, &build->summary, &key, &has_key, err);
        if (status != STATUS_OK)
            return status;
        if (!has_key)
            break;
        if (build->keys != NULL) {
            bool is_new;
            status = digest_set_add(build->keys, key, &is_new, err);
            if (status != STATUS_OK)
                return status;
            if (!is_new) {
                build->summary.repeat_count++;
                continue;
            }
        }
        build->summary.item_count++;
        if (build->digest != NULL) {
            status = gather(build, key, err);
            if (status != STATUS_OK)
                return status;
        }
    }
    if (build->digest == NULL) {
        *ret_seed = build->options->murmur_seed;
        return STATUS_OK;
    }
    uint8_t digest[BLOOM_DIGEST_BYTES];
    status = flush_gathered(build, err);
    if (status != STATUS_OK)
        return status;
    if (EVP_DigestFinal_ex(build->digest, digest, NULL) != 1)
        return error_set(err, STATUS_NOMEM, "cannot compute SHA-256");
    *ret_seed = bloom_seed_of_digest(digest);
    return STATUS_OK;
}

/* A repeated key sets bits that are set already: the second pass need not know them. */
static enum status insert_keys(struct build *build, struct bloom_filter *filter, struct error *err)
{
    struct bloom_build_summary counts = {0};
    struct bloom_builder builder;
    enum status status = bloom_status(
        bloom_builder_init(&builder, &filter->meta.params, filter->bits, filter->byte_count), err);
    while (status == STATUS_OK) {
        struct span key;
        bool has_key;
        status = next_key(build, &counts, &key, &has_key, err);
        if (status != STATUS_OK || !has_key)
            break;
        bloom_builder_add(&builder, key.data, key.size);
    }
    if (status != STATUS_OK)
        return status;
    bloom_builder_finish(&builder);
    if (counts.line_count != build->summary.line_count ||
        counts.empty_count != build->summary.empty_count)
        return error_set(err, STATUS_MISMATCH,
                         "%s: changed while it was read: %llu lines, then %llu", build->path,
                         (unsigned long long)build->summary.line_count,
                         (unsigned long long)counts.line_count);
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
    if (status != STATUS_OK || build->options->has_seed)
        return status;
    build->gathered = mem_alloc(GATHER_BYTES, 1);
    build->digest = EVP_MD_CTX_new();
    if (build->gathered == NULL || build->digest == NULL ||
        EVP_DigestInit_ex(build->digest, EVP_sha256(), NULL) != 1)
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
    mem_free(build.gathered);
    line_reader_close(build.lines);
    return status;
}
