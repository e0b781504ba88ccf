#include "tests/pir-server/dataset/dataset_help.h"

#include "base/file.h"
#include "base/mem.h"
#include "pir-server/bfv/bfv_plaintext.h"
#include "pir-server/pir/hash_bucket.h"
#include "pir-server/pir/keyword_hash.h"
#include "pir-server/pir/pir_shard.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

char *data_folder_new(void)
{
    char *folder = mem_strdup("/tmp/test_dataset.XXXXXX");
    must(folder != NULL && mkdtemp(folder) != NULL);
    return folder;
}

void data_folder_remove(char *folder)
{
    folder_remove(folder);
    mem_free(folder);
}

struct row_set *numbered_rows(const char *stem, size_t count)
{
    struct row_set *rows = NULL;
    must(row_set_new(&rows, NULL) == STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        char text[64];
        const int size = snprintf(text, sizeof text, "%s%zu.example.com", stem, i);
        must(row_set_add(rows, span_of(text, (size_t)size), NULL) == STATUS_OK);
    }
    return rows;
}

struct dataset_settings plain_settings(void)
{
    struct dataset_settings settings;
    dataset_settings_init(&settings);
    settings.use_case = "a.b";
    return settings;
}

bool dataset_holds(const struct dataset *dataset, struct span keyword)
{
    const struct pir_parameters *parameters = dataset_parameters(dataset);
    const uint64_t hash = keyword_hash(keyword);
    const uint64_t shard_index =
        sharding_shard_of(&parameters->sharding, hash, dataset_info(dataset)->shard_count);
    const struct pir_shard *shard = dataset_shard(dataset, shard_index);
    const struct pir_layout *layout = pir_shard_layout(shard);
    uint64_t indices[KEYWORD_HASH_FUNCTIONS_MAX];
    keyword_bucket_indices(hash, layout->entry_count, layout->table_count, indices);

    struct bfv_context *context = NULL;
    const size_t words = layout->degree * layout->moduli_count;
    uint32_t *lifted = mem_alloc(words, sizeof *lifted);
    uint32_t *scratch = mem_alloc(words, sizeof *scratch);
    uint32_t *coefficients = mem_alloc(layout->degree, sizeof *coefficients);
    uint8_t *bytes = mem_alloc(layout->plaintext_bytes, 1);
    must(lifted != NULL && scratch != NULL && coefficients != NULL && bytes != NULL);
    must(bfv_context_new(&parameters->encryption, 0, NULL, &context, NULL) == STATUS_OK);
    bool found = false;
    for (size_t table = 0; table < layout->table_count && !found; table++) {
        const size_t p = (size_t)indices[table] / layout->entries_per_plaintext;
        const size_t slot = (size_t)indices[table] % layout->entries_per_plaintext;
        if (!pir_shard_plaintext(shard, pir_layout_position(layout, table, 0, p), lifted))
            continue;
        must(bfv_plaintext_unlift(context, lifted, scratch, coefficients, NULL) == STATUS_OK);
        must(bfv_plaintext_decode(context, coefficients, bytes, NULL) == STATUS_OK);
        const struct span bucket = span_of(bytes + slot * layout->entry_bytes, layout->entry_bytes);
        struct span value = span_of(NULL, 0);
        must(hash_bucket_find(bucket, hash, &found, &value, NULL) == STATUS_OK);
        must(!found || span_equal(value, span_of("1", 1)));
    }
    bfv_context_free(context);
    mem_free(bytes);
    mem_free(coefficients);
    mem_free(scratch);
    mem_free(lifted);
    return found;
}

void damage_file(const char *folder, const char *name, const char *text)
{
    char *path = path_join(folder, name);
    must(path != NULL);
    const int fd = open(path, O_WRONLY);
    must(fd >= 0);
    must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    mem_free(path);
}
