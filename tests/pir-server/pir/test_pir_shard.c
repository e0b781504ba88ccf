#include "base/file.h"
#include "base/mem.h"
#include "pir-server/pir/pir_shard.h"
#include "pir-server/pir/pir_shard_bin.h"
#include "tests/pir-server/pir/pir_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Random plaintexts, some of them nil. */
struct random_plaintexts {
    struct bfv_parameters encryption;
    size_t calls;
    size_t fail_at; /* 0 = never */
};

/* The plaintext at a position, whatever was asked before. False: nil. */
static bool random_plaintext(const struct bfv_parameters *encryption, size_t position,
                             uint32_t *ret)
{
    struct random_seeded random = fixture_random(1000 + position);
    if (random_seeded_below(&random, 4) == 0)
        return false;
    const size_t moduli = encryption->moduli_count - 1;
    for (size_t i = 0; i < moduli * encryption->degree; i++)
        ret[i] = (uint32_t)random_seeded_below(
            &random, encryption->coefficient_moduli[i / encryption->degree]);
    return true;
}

static enum status next_random(void *context, size_t position, uint32_t *ret, bool *ret_is_nil,
                               struct error *err)
{
    struct random_plaintexts *source = context;
    cr_assert_eq(position, source->calls, "positions ascend");
    source->calls++;
    if (source->fail_at > 0 && source->calls == source->fail_at)
        return error_set(err, STATUS_IO, "made to fail");
    *ret_is_nil = !random_plaintext(&source->encryption, position, ret);
    return STATUS_OK;
}

static struct pir_parameters two_tables_of_chunks(void)
{
    struct pir_parameters p = fixture_parameters(6);
    p.hash_function_count = p.batch_size = 2;
    p.entry_bytes = 3000; /* two chunks */
    p.dimensions[0] = 3;
    p.dimensions[1] = 2;
    pir_galois_elements(4096, 10, PIR_KEY_COMPRESSION_NONE, p.evaluation_key.galois_elements,
                        &p.evaluation_key.galois_element_count);
    return p;
}

/* Of a plaintext: four rows of eight. */
#define TINY_WORDS ((size_t)32)

static struct pir_parameters tiny_parameters(void)
{
    struct pir_parameters p = fixture_parameters(5);
    p.encryption = p.evaluation_key.encryption = fixture_encryption(FIXTURE_SET_N_8);
    p.entry_bytes = 11;
    p.dimensions[0] = 5;
    p.dimensions[1] = 1;
    pir_galois_elements(8, 6, PIR_KEY_COMPRESSION_NONE, p.evaluation_key.galois_elements,
                        &p.evaluation_key.galois_element_count);
    return p;
}

static struct pir_parameters tiny_symmetric_parameters(void)
{
    struct pir_parameters p = tiny_parameters();
    p.is_symmetric = true;
    memset(p.symmetric_public_key, 0x5a, sizeof p.symmetric_public_key);
    return p;
}

/* More plaintexts are filled than the parameters count as used: only foreign files have that. */
static struct pir_parameters tiny_overfull_parameters(void)
{
    struct pir_parameters p = tiny_parameters();
    p.entry_count = 3;
    p.dimensions[1] = 2;
    return p;
}

static struct pir_shard *build(const struct pir_parameters *parameters)
{
    struct random_plaintexts state = {.encryption = parameters->encryption};
    const struct pir_plaintext_source source = {.context = &state, .next = next_random};
    struct pir_shard *shard = NULL;
    struct error error;
    cr_assert_eq(
        pir_shard_build(parameters, BFV_ALLOW_INSECURE, fixture_kernel(), &source, &shard, &error),
        STATUS_OK, "%s", error.message);
    return shard;
}

static void check_contents(const struct pir_shard *shard)
{
    const struct pir_layout *layout = pir_shard_layout(shard);
    const size_t words = layout->moduli_count * layout->degree;
    uint32_t *expected = mem_alloc(words, 4);
    uint32_t *got = mem_alloc(words, 4);
    size_t filled = 0;
    for (size_t i = 0; i < layout->plaintext_count; i++) {
        const bool is_there =
            random_plaintext(&pir_shard_parameters(shard)->encryption, i, expected);
        cr_assert_eq(pir_shard_plaintext(shard, i, got), is_there);
        if (!is_there)
            continue;
        filled++;
        cr_assert_arr_eq(got, expected, words * 4);
    }
    cr_assert_eq(pir_shard_filled_count(shard), filled);
    /* The matrix for dimension 0 shows the same words. */
    const size_t tile = layout->degree < BFV_TILE_WORDS ? layout->degree : BFV_TILE_WORDS;
    size_t number = 0; /* of the plaintext in its block */
    size_t before = 0; /* plaintexts of its column before it */
    for (size_t i = 0; i < layout->plaintext_count; i++) {
        const size_t block = i / layout->block_plaintext_count;
        const size_t row = i % layout->dimensions[0];
        const size_t column = i % layout->block_plaintext_count / layout->dimensions[0];
        const struct bfv_plaintext_matrix matrix =
            pir_shard_matrix(shard, block / layout->chunk_count, block % layout->chunk_count);
        number = i % layout->block_plaintext_count == 0 ? 0 : number;
        before = row == 0 ? 0 : before;
        cr_assert_eq(matrix.column_count, layout->dimensions[1]);
        const bool is_there = pir_shard_plaintext(shard, i, got);
        for (size_t k = 0; is_there && k < words; k++)
            cr_assert_eq(matrix.words[(k / tile * matrix.count + number) * tile + k % tile],
                         got[k]);
        if (is_there)
            cr_assert_eq(matrix.rows[number], row);
        number += is_there;
        before += is_there;
        if (row + 1 == layout->dimensions[0])
            cr_assert_eq(matrix.column_counts[column], before);
        if ((i + 1) % layout->block_plaintext_count == 0)
            cr_assert_eq(matrix.count, number);
    }
    mem_free(expected);
    mem_free(got);
}

static char folder[] = "/tmp/blindlist-pir-XXXXXX";
static char *in_folder(const char *name)
{
    if (strstr(folder, "XXXXXX") != NULL)
        cr_assert_not_null(mkdtemp(folder));
    char *path = path_join(folder, name);
    cr_assert_not_null(path);
    return path;
}
static void remove_folder(void)
{
    if (strstr(folder, "XXXXXX") == NULL)
        folder_remove(folder);
}
TestSuite(pir_shard, .fini = remove_folder);

Test(pir_shard, what_is_built_is_read_back)
{
    const struct pir_parameters cases[] = {fixture_parameters(12),      two_tables_of_chunks(),
                                           tiny_parameters(),           tiny_symmetric_parameters(),
                                           tiny_symmetric_parameters(), tiny_overfull_parameters()};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct pir_shard *shard = build(&cases[i]);
        struct pir_shard *opened = NULL;
        char *path = in_folder("shard.pir");
        struct error error;
        cr_assert(pir_parameters_equal(pir_shard_parameters(shard), &cases[i]));
        check_contents(shard);
        cr_assert_eq(pir_shard_verify(shard, NULL), STATUS_OK);
        cr_assert_eq(pir_shard_verify_digests(shard, fixture_kernel(), NULL), STATUS_OK);
        cr_assert_eq(pir_shard_save(shard, path, &error), STATUS_OK, "%s", error.message);
        cr_assert_eq(pir_shard_open(path, BFV_ALLOW_INSECURE, &opened, &error), STATUS_OK, "%s",
                     error.message);
        check_contents(opened);
        cr_assert_eq(pir_shard_verify(opened, &error), STATUS_OK, "%s", error.message);
        cr_assert_eq(pir_shard_size(opened), pir_shard_size(shard));
        cr_assert_arr_eq(pir_shard_digest(opened), pir_shard_digest(shard), SHA256_BYTES);
        cr_assert(pir_parameters_equal(pir_shard_parameters(opened), &cases[i]));
        pir_shard_free(opened);
        pir_shard_free(shard);
        mem_free(path);
    }
}

/* Plaintexts of random_plaintext(), but some of them of another position. */
struct moved_plaintexts {
    struct bfv_parameters encryption;
    const size_t *instead; /* [plaintexts] position whose plaintext it is; SIZE_MAX = nil */
};

static enum status next_moved(void *context, size_t position, uint32_t *ret, bool *ret_is_nil,
                              struct error *err)
{
    const struct moved_plaintexts *source = context;
    const size_t from = source->instead[position];
    (void)err;
    *ret_is_nil = from == SIZE_MAX || !random_plaintext(&source->encryption, from, ret);
    return STATUS_OK;
}

static struct bytes file_of(const char *path)
{
    struct bytes file;
    bytes_init(&file, 1u << 24);
    cr_assert_eq(file_read(path, &file, NULL), STATUS_OK);
    return file;
}

/* The patched file is the file of the shard built anew, whatever is replaced by what. */
static void check_patch(const struct pir_parameters *parameters, unsigned round)
{
    enum { MOST = 64 };
    struct random_seeded random = fixture_random(round);
    struct pir_shard *old = build(parameters);
    struct pir_shard *expected = NULL;
    const struct pir_layout *layout = pir_shard_layout(old);
    struct pir_replacement replacements[MOST];
    size_t instead[MOST];
    size_t count = 0;
    cr_assert_leq(layout->plaintext_count, MOST);
    for (size_t i = 0; i < layout->plaintext_count; i++) {
        instead[i] = i;
        if (random_seeded_below(&random, 4) >= round % 5)
            continue;
        uint32_t *words = mem_alloc(layout->moduli_count * layout->degree, sizeof *words);
        instead[i] = random_seeded_below(&random, 3) == 0 ? SIZE_MAX : 500 + i;
        if (instead[i] == SIZE_MAX || !random_plaintext(&parameters->encryption, 500 + i, words)) {
            mem_free(words);
            words = NULL;
        }
        replacements[count++] = (struct pir_replacement){.position = i, .words = words};
    }
    struct moved_plaintexts moved = {.encryption = parameters->encryption, .instead = instead};
    const struct pir_plaintext_source source = {.context = &moved, .next = next_moved};
    struct error error;
    uint8_t digest[SHA256_BYTES];
    char *patched_path = in_folder("patched.pir");
    char *expected_path = in_folder("expected.pir");
    cr_assert_eq(pir_shard_build(parameters, BFV_ALLOW_INSECURE, fixture_kernel(), &source,
                                 &expected, &error),
                 STATUS_OK, "%s", error.message);
    cr_assert_eq(pir_shard_save(expected, expected_path, &error), STATUS_OK, "%s", error.message);
    cr_assert_eq(
        pir_shard_patch(old, fixture_kernel(), replacements, count, patched_path, digest, &error),
        STATUS_OK, "%s", error.message);
    struct bytes got = file_of(patched_path);
    struct bytes want = file_of(expected_path);
    cr_assert_eq(got.size, want.size, "round %u", round);
    cr_assert_arr_eq(got.data, want.data, want.size, "round %u", round);
    cr_assert_arr_eq(digest, pir_shard_digest(expected), SHA256_BYTES);
    for (size_t i = 0; i < count; i++)
        mem_free((void *)(uintptr_t)replacements[i].words);
    bytes_deinit(&got);
    bytes_deinit(&want);
    mem_free(patched_path);
    mem_free(expected_path);
    pir_shard_free(expected);
    pir_shard_free(old);
}

Test(pir_shard, a_patched_file_is_the_file_built_anew)
{
    const struct pir_parameters cases[] = {fixture_parameters(12), two_tables_of_chunks(),
                                           tiny_parameters(), tiny_overfull_parameters()};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        for (unsigned round = 0; round < 10; round++)
            check_patch(&cases[i], round);
}

Test(pir_shard, a_patch_that_fails_leaves_the_file_that_was_there)
{
    const struct pir_parameters parameters = tiny_parameters();
    struct pir_shard *old = build(&parameters);
    uint32_t words[TINY_WORDS] = {0};
    uint8_t digest[SHA256_BYTES];
    const struct pir_replacement replacement = {.position = 1, .words = words};
    char *path = in_folder("kept.pir");
    cr_assert_eq(file_write(path, 0644, span_of_text("kept"), NULL), STATUS_OK);
    for (size_t n = 1;; n++) {
        mem_fail_nth(n);
        const enum status st =
            pir_shard_patch(old, fixture_kernel(), &replacement, 1, path, digest, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        if (!reached) {
            cr_assert_eq(st, STATUS_OK);
            cr_assert_gt(n, 3);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM, "allocation %zu", n);
        struct bytes file = file_of(path);
        cr_assert_eq(file.size, 4);
        bytes_deinit(&file);
    }
    char *nowhere = in_folder("missing/shard.pir");
    cr_assert_eq(pir_shard_patch(old, fixture_kernel(), &replacement, 1, nowhere, digest, NULL),
                 STATUS_NOT_FOUND);
    mem_free(nowhere);
    mem_free(path);
    pir_shard_free(old);
}

Test(pir_shard, a_bin_file_and_back_is_the_same)
{
    const struct pir_parameters cases[] = {two_tables_of_chunks(), tiny_parameters(),
                                           tiny_symmetric_parameters()};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct pir_shard *shard = build(&cases[i]);
        struct pir_shard *loaded = NULL;
        char *path = in_folder("shard.bin");
        struct error error;
        cr_assert_eq(pir_shard_export_bin(shard, BFV_ALLOW_INSECURE, path, &error), STATUS_OK, "%s",
                     error.message);
        cr_assert_eq(pir_shard_load_bin(path, &cases[i], BFV_ALLOW_INSECURE, &loaded, &error),
                     STATUS_OK, "%s", error.message);
        check_contents(loaded);
        cr_assert_arr_eq(pir_shard_digest(loaded), pir_shard_digest(shard), SHA256_BYTES);
        pir_shard_free(loaded);
        pir_shard_free(shard);
        mem_free(path);
    }
}

/* The image of the tiny shard, aligned, and its size. */
static uint8_t *tiny_image(size_t *ret_size)
{
    const struct pir_parameters parameters = tiny_parameters();
    struct pir_shard *shard = build(&parameters);
    struct bytes file;
    char *path = in_folder("tiny.pir");
    bytes_init(&file, 1u << 20);
    cr_assert_eq(pir_shard_save(shard, path, NULL), STATUS_OK);
    cr_assert_eq(file_read(path, &file, NULL), STATUS_OK);
    uint8_t *image = mem_alloc_aligned(64, file.size, 1);
    memcpy(image, file.data, file.size);
    *ret_size = file.size;
    bytes_deinit(&file);
    pir_shard_free(shard);
    mem_free(path);
    return image;
}

Test(pir_shard, every_changed_bit_is_seen)
{
    size_t size;
    uint8_t *image = tiny_image(&size);
    size_t at_open = 0;
    for (size_t at = 0; at < size; at++) {
        struct pir_shard *shard = NULL;
        image[at] ^= (uint8_t)(1u << (at % 8));
        enum status st =
            pir_shard_open_bytes(span_of(image, size), BFV_ALLOW_INSECURE, &shard, NULL);
        if (st == STATUS_OK) {
            st = pir_shard_verify(shard, NULL);
            cr_assert_eq(pir_shard_verify_digests(shard, fixture_kernel(), NULL), STATUS_MISMATCH,
                         "byte %zu", at);
            pir_shard_free(shard);
        } else {
            at_open++;
        }
        cr_assert_neq(st, STATUS_OK, "byte %zu of %zu", at, size);
        image[at] ^= (uint8_t)(1u << (at % 8));
    }
    cr_assert_gt(at_open, 3000, "header and padding are checked when the file is opened");
    mem_free(image);
}

Test(pir_shard, the_damaged_plaintext_is_named)
{
    size_t size;
    struct pir_shard *shard = NULL;
    struct error error;
    uint8_t *image = tiny_image(&size);
    image[size - 1] ^= 1;
    cr_assert_eq(pir_shard_open_bytes(span_of(image, size), BFV_ALLOW_INSECURE, &shard, NULL),
                 STATUS_OK);
    size_t last = pir_shard_layout(shard)->plaintext_count - 1;
    uint32_t words[TINY_WORDS];
    while (!pir_shard_plaintext(shard, last, words))
        last--;
    char expected[100];
    snprintf(expected, sizeof expected, "plaintext %zu of %zu does not have its digest", last,
             pir_shard_layout(shard)->plaintext_count);
    cr_assert_eq(pir_shard_verify(shard, &error), STATUS_MISMATCH);
    cr_assert_not_null(strstr(error.message, expected), "%s", error.message);
    cr_assert_eq(pir_shard_verify_digests(shard, fixture_kernel(), &error), STATUS_MISMATCH);
    cr_assert_not_null(strstr(error.message, expected), "%s", error.message);
    pir_shard_free(shard);
    mem_free(image);
}

Test(pir_shard, files_of_format_version_1_ask_to_be_made_anew)
{
    size_t size;
    struct pir_shard *shard = NULL;
    struct error error;
    uint8_t *image = tiny_image(&size);
    image[8] = 1;
    cr_assert_eq(pir_shard_open_bytes(span_of(image, size), BFV_ALLOW_INSECURE, &shard, &error),
                 STATUS_UNSUPPORTED);
    cr_assert_not_null(strstr(error.message, "version 1, this program reads 2: make it anew"), "%s",
                       error.message);
    mem_free(image);
}

Test(pir_shard, every_cut_is_refused_and_so_is_more)
{
    size_t size;
    uint8_t *image = tiny_image(&size);
    struct pir_shard *shard = NULL;
    for (size_t cut = 0; cut < size; cut++)
        cr_assert_neq(pir_shard_open_bytes(span_of(image, cut), BFV_ALLOW_INSECURE, &shard, NULL),
                      STATUS_OK, "%zu bytes", cut);
    uint8_t *longer = mem_alloc_aligned(64, size + 1, 1);
    memcpy(longer, image, size);
    longer[size] = 0;
    cr_assert_neq(pir_shard_open_bytes(span_of(longer, size + 1), BFV_ALLOW_INSECURE, &shard, NULL),
                  STATUS_OK);
    cr_assert_neq(pir_shard_open_bytes(span_of(image, size), 0, &shard, NULL), STATUS_OK,
                  "insecure parameters need the flag");
    mem_free(image);
    mem_free(longer);
}

Test(pir_shard, missing_empty_and_foreign_files_are_named)
{
    struct pir_shard *shard = NULL;
    struct error error;
    char *path = in_folder("other");
    cr_assert_eq(pir_shard_open(path, 0, &shard, &error), STATUS_NOT_FOUND);
    cr_assert_eq(file_write(path, 0644, span_of(NULL, 0), NULL), STATUS_OK);
    cr_assert_eq(pir_shard_open(path, 0, &shard, &error), STATUS_MALFORMED);
    cr_assert_eq(file_write(path, 0644, span_of_text("#!/bin/sh\necho no shard\n"), NULL),
                 STATUS_OK);
    cr_assert_eq(pir_shard_open(path, 0, &shard, &error), STATUS_MALFORMED);
    cr_assert_not_null(strstr(error.message, "other: not a shard file"), "%s", error.message);
    cr_assert_neq(pir_shard_open(folder, 0, &shard, &error), STATUS_OK);
    mem_free(path);
}

Test(pir_shard, bad_bin_files_are_refused)
{
    const struct pir_parameters parameters = tiny_parameters();
    struct pir_shard *shard = build(&parameters);
    struct pir_shard *loaded = NULL;
    char *path = in_folder("bad.bin");
    struct bytes file;
    struct error error;
    bytes_init(&file, 1u << 20);
    cr_assert_eq(pir_shard_export_bin(shard, BFV_ALLOW_INSECURE, path, NULL), STATUS_OK);
    cr_assert_eq(file_read(path, &file, NULL), STATUS_OK);
    /* Every file is flushed to the disk, so not every size. */
    for (size_t cut = 0; cut < file.size; cut += cut < 8 || cut + 8 > file.size ? 1 : 61) {
        cr_assert_eq(file_write(path, 0644, span_of(file.data, cut), NULL), STATUS_OK);
        cr_assert_eq(pir_shard_load_bin(path, &parameters, BFV_ALLOW_INSECURE, &loaded, &error),
                     STATUS_MALFORMED, "%zu bytes", cut);
    }
    /* One byte more, another version, another count, an unknown tag, a value of q and more. */
    const size_t size = file.size;
    bytes_append_u8(&file, 0);
    static const struct {
        size_t at;
        uint8_t value;
        enum status expected;
    } CHANGES[] = {{0, 2, STATUS_UNSUPPORTED}, {1, 16, STATUS_MALFORMED}, {5, 2, STATUS_MALFORMED}};
    cr_assert_eq(file_write(path, 0644, bytes_view(&file), NULL), STATUS_OK);
    cr_assert_eq(pir_shard_load_bin(path, &parameters, BFV_ALLOW_INSECURE, &loaded, &error),
                 STATUS_MALFORMED);
    file.size = size;
    for (size_t i = 0; i < ARRAY_COUNT(CHANGES); i++) {
        const uint8_t before = file.data[CHANGES[i].at];
        file.data[CHANGES[i].at] = CHANGES[i].value;
        cr_assert_eq(file_write(path, 0644, bytes_view(&file), NULL), STATUS_OK);
        cr_assert_eq(pir_shard_load_bin(path, &parameters, BFV_ALLOW_INSECURE, &loaded, &error),
                     CHANGES[i].expected, "change %zu", i);
        file.data[CHANGES[i].at] = before;
    }
    size_t tag = 5;
    while (file.data[tag] == 0)
        tag++;
    memset(file.data + tag + 1, 0xff, 3); /* the first coefficient: all ones is above q */
    cr_assert_eq(file_write(path, 0644, bytes_view(&file), NULL), STATUS_OK);
    cr_assert_eq(pir_shard_load_bin(path, &parameters, BFV_ALLOW_INSECURE, &loaded, &error),
                 STATUS_MALFORMED);
    cr_assert_null(loaded);
    bytes_deinit(&file);
    pir_shard_free(shard);
    mem_free(path);
}

Test(pir_shard, a_failing_source_leaves_nothing)
{
    const struct pir_parameters parameters = tiny_parameters();
    struct random_plaintexts state = {.encryption = parameters.encryption, .fail_at = 4};
    const struct pir_plaintext_source source = {.context = &state, .next = next_random};
    struct pir_shard *shard = NULL;
    cr_assert_eq(
        pir_shard_build(&parameters, BFV_ALLOW_INSECURE, fixture_kernel(), &source, &shard, NULL),
        STATUS_IO);
    cr_assert_null(shard);
}

Test(pir_shard, every_failed_allocation_is_reported)
{
    const struct pir_parameters parameters = tiny_parameters();
    char *path = in_folder("alloc.bin");
    size_t n = 1;
    for (;; n++) {
        struct random_plaintexts state = {.encryption = parameters.encryption};
        const struct pir_plaintext_source source = {.context = &state, .next = next_random};
        struct pir_shard *shard = NULL;
        struct pir_shard *loaded = NULL;
        mem_fail_nth(n);
        enum status st = pir_shard_build(&parameters, BFV_ALLOW_INSECURE, fixture_kernel(), &source,
                                         &shard, NULL);
        if (st == STATUS_OK)
            st = pir_shard_verify(shard, NULL);
        if (st == STATUS_OK)
            st = pir_shard_export_bin(shard, BFV_ALLOW_INSECURE, path, NULL);
        if (st == STATUS_OK)
            st = pir_shard_load_bin(path, &parameters, BFV_ALLOW_INSECURE, &loaded, NULL);
        const bool reached = !mem_fail_pending();
        mem_fail_nth(0);
        pir_shard_free(shard);
        pir_shard_free(loaded);
        if (!reached) {
            cr_assert_eq(st, STATUS_OK);
            break;
        }
        cr_assert_eq(st, STATUS_NOMEM, "allocation %zu", n);
    }
    cr_assert_gt(n, 10);
    mem_free(path);
}
