/* The prefilter: served as it should be, built right, and of the same keys. */
#include "base/line_reader.h"
#include "bloom/bloom_diagnose.h"
#include "bloom/formats/bloom_file.h"
#include "bloom/formats/bloom_manifest.h"
#include "bloom/formats/bloom_signature.h"
#include "pir-server/dataset/dataset.h"
#include "tools/device/prefilter_path.h"
#include "tools/doctor/doctor_internal.h"

#include <inttypes.h>
#include <math.h>

#define MANIFEST_MAX_AGE_S 86400
#define PATH_MAX_BYTES     ((size_t)4096)
/* Of the rate that a filter says; and how many standard deviations of its fill (each at most
 * 1 / 2 sqrt(bits)) are left to chance, which counts in small filters. */
#define RATE_MAX_FACTOR 2.0
#define FILL_DEVIATIONS 4.0
/* The extension is ended at about 6 MB of memory, its own included (PROTOCOL.md section 2). */
#define MEMORY_FILTER_MAX_BYTES ((size_t)1 << 20)

/* ---- as it is served ---- */

static enum status get_checked(struct examination *exam, const char *path, struct bytes *body,
                               struct error *err)
{
    struct http_exchange exchange;
    const enum status status = http_client_get(exam->http, path, NULL, body, &exchange, err);
    return status != STATUS_OK ? status
                               : http_exchange_check(&exchange, path, bytes_view(body), err);
}

static void examine_manifest_cache(struct examination *exam)
{
    const bool has_etag = doctor_header(exam, exam->http, "ETag") != NULL;
    const char *control = doctor_header(exam, exam->http, "Cache-Control");
    const unsigned long age_s = doctor_max_age(control);
    if (!has_etag)
        doctor_fail(exam, DOCTOR_MANIFEST_CACHE, "it has no ETag");
    else if (control == NULL)
        doctor_fail(exam, DOCTOR_MANIFEST_CACHE, "it has no Cache-Control");
    else if (age_s > MANIFEST_MAX_AGE_S)
        doctor_fail(exam, DOCTOR_MANIFEST_CACHE, "it may be kept for %lu seconds", age_s);
    else
        doctor_pass(exam, DOCTOR_MANIFEST_CACHE, "%s", control);
}

static void examine_signature(struct examination *exam)
{
    const char *key = exam->options->public_key;
    const bool is_signed = exam->meta.signature[0] != '\0';
    bool is_right = false;
    struct error error;
    if (key == NULL)
        doctor_unknown(exam, DOCTOR_SIGNATURE, "it is%s signed; --public-key was not given",
                       is_signed ? "" : " not");
    else if (!is_signed)
        doctor_fail(exam, DOCTOR_SIGNATURE, "it is not signed");
    else if (bloom_meta_verify(&exam->meta, key, &is_right, &error) != STATUS_OK)
        doctor_fail(exam, DOCTOR_SIGNATURE, "%s", error.message);
    else if (!is_right)
        doctor_fail(exam, DOCTOR_SIGNATURE, "it is signed with another key, or was changed");
    else
        doctor_pass(exam, DOCTOR_SIGNATURE, "it is signed with this key");
}

static bool fetch_manifest(struct examination *exam)
{
    struct bytes path;
    struct error error;
    enum bloom_layout layout;
    bytes_init(&path, PATH_MAX_BYTES);
    prefilter_manifest_path(exam->use_case, &path);
    enum status status = bytes_status(&path, "path", &error);
    if (status == STATUS_OK)
        status = get_checked(exam, (const char *)path.data, &exam->body, &error);
    if (status == STATUS_OK)
        status = bloom_manifest_parse(bytes_view(&exam->body), (const char *)path.data, &exam->meta,
                                      &layout, &error);
    bytes_deinit(&path);
    if (status != STATUS_OK) {
        doctor_fail(exam, DOCTOR_MANIFEST, "%s", error.message);
        return false;
    }
    doctor_pass(exam, DOCTOR_MANIFEST, "%" PRIu64 " keys", exam->meta.item_count);
    examine_manifest_cache(exam);
    examine_signature(exam);
    return true;
}

static void examine_bits_cache(struct examination *exam)
{
    const char *ranges = doctor_header(exam, exam->http, "Accept-Ranges");
    if (ranges == NULL || strcmp(ranges, "bytes") != 0)
        doctor_fail(exam, DOCTOR_BITS_CACHE, "no Accept-Ranges: a break means all of it again");
    else if (doctor_max_age(doctor_header(exam, exam->http, "Cache-Control")) == 0)
        doctor_fail(exam, DOCTOR_BITS_CACHE, "their Cache-Control does not let them be kept");
    else
        doctor_pass(exam, DOCTOR_BITS_CACHE, "may be kept, and fetched in parts");
}

/* A tag that is no digest says nothing of the bits. */
static enum status check_bits(const struct examination *exam, struct error *err)
{
    char digest[2 * BLOOM_DIGEST_BYTES + 1];
    if (exam->bits.size != bloom_byte_count(exam->meta.params.bit_count))
        return error_set(err, STATUS_MISMATCH, "%zu bytes for %" PRIu32 " bits", exam->bits.size,
                         exam->meta.params.bit_count);
    const enum status status = bloom_digest_hex(bytes_view(&exam->bits), digest, err);
    if (status == STATUS_OK && strlen(exam->meta.tag) == strlen(digest) &&
        strcmp(exam->meta.tag, digest) != 0)
        return error_set(err, STATUS_MISMATCH, "their digest is not the manifest's tag");
    return status;
}

static bool fetch_bits(struct examination *exam)
{
    struct bytes path;
    struct error error;
    bytes_init(&path, PATH_MAX_BYTES);
    prefilter_bits_path(exam->meta.url, &path);
    enum status status = bytes_status(&path, "path", &error);
    if (status == STATUS_OK)
        status = get_checked(exam, (const char *)path.data, &exam->bits, &error);
    if (status == STATUS_OK)
        status = check_bits(exam, &error);
    bytes_deinit(&path);
    if (status != STATUS_OK) {
        doctor_fail(exam, DOCTOR_BITS, "%s", error.message);
        return false;
    }
    doctor_pass(exam, DOCTOR_BITS, "%zu bytes%s", exam->bits.size,
                exam->bits.size > MEMORY_FILTER_MAX_BYTES
                    ? ": the app hands them over as a file, never in memory"
                    : "");
    examine_bits_cache(exam);
    return true;
}

/* ---- what is in it ---- */

static void examine_file(struct examination *exam)
{
    struct bloom_filter *shipped = NULL;
    struct error error;
    if (exam->options->prefilter_path == NULL) {
        doctor_unknown(exam, DOCTOR_PREFILTER_FILE, "--prefilter was not given");
        return;
    }
    if (bloom_file_read(exam->options->prefilter_path, &shipped, &error) != STATUS_OK) {
        doctor_fail(exam, DOCTOR_PREFILTER_FILE, "%s", error.message);
        return;
    }
    const struct bloom_params *ours = &shipped->meta.params;
    const struct bloom_params *served = &exam->meta.params;
    if (ours->bit_count != served->bit_count || ours->hash_count != served->hash_count ||
        ours->murmur_seed != served->murmur_seed)
        doctor_fail(exam, DOCTOR_PREFILTER_FILE, "it has another size, hash count or seed");
    else if (!span_equal(span_of(shipped->bits, shipped->byte_count), bytes_view(&exam->bits)))
        doctor_fail(exam, DOCTOR_PREFILTER_FILE, "it has other bits");
    else
        doctor_pass(exam, DOCTOR_PREFILTER_FILE, "the same bits");
    bloom_filter_free(shipped);
}

static enum status diagnose(struct examination *exam, struct bloom_verdict *ret, struct error *err)
{
    struct line_reader *lines = NULL;
    struct bloom_diagnosis *diagnosis = NULL;
    struct line line;
    bool has_line = true;
    bool is_in;
    enum status status =
        bloom_diagnosis_new(&exam->meta.params, bytes_view(&exam->bits), &diagnosis, err);
    if (status == STATUS_OK)
        status = line_reader_open(exam->options->keys_path, &lines, err);
    while (status == STATUS_OK) {
        status = line_reader_next(lines, &line, &has_line, err);
        if (status != STATUS_OK || !has_line)
            break;
        if (line.text.size > 0 && !line.is_too_long)
            status = bloom_diagnosis_add(diagnosis, line.text, &is_in, err);
    }
    if (status == STATUS_OK)
        status = bloom_diagnosis_finish(diagnosis, ret, err);
    line_reader_close(lines);
    bloom_diagnosis_free(diagnosis);
    return status;
}

static void tell_verdict(struct examination *exam, const struct bloom_verdict *verdict)
{
    const uint64_t missing = verdict->key_count - verdict->right_count;
    switch (verdict->finding) {
    case BLOOM_FOUND_RIGHT:
        doctor_pass(exam, DOCTOR_PREFILTER_BUILT, "by the rules of devices");
        doctor_pass(exam, DOCTOR_PREFILTER_KEYS, "all %" PRIu64 " are in", verdict->key_count);
        return;
    case BLOOM_FOUND_MISSING:
        doctor_pass(exam, DOCTOR_PREFILTER_BUILT, "by the rules of devices");
        doctor_fail(exam, DOCTOR_PREFILTER_KEYS, "%" PRIu64 " of %" PRIu64 " are not in", missing,
                    verdict->key_count);
        return;
    case BLOOM_FOUND_UNASKED_KEYS:
        doctor_fail(exam, DOCTOR_PREFILTER_BUILT,
                    "most of its keys are written as no device asks for them");
        return;
    case BLOOM_FOUND_MISTAKE:
        doctor_fail(exam, DOCTOR_PREFILTER_BUILT, "%s (%s)", verdict->mistakes[0].text,
                    verdict->mistakes[0].id);
        return;
    case BLOOM_FOUND_NOTHING:
        doctor_unknown(exam, DOCTOR_PREFILTER_BUILT, "it was not built from these keys");
        doctor_fail(exam, DOCTOR_PREFILTER_KEYS, "%" PRIu64 " of %" PRIu64 " are not in", missing,
                    verdict->key_count);
        return;
    case BLOOM_FOUND_TOO_FEW:
        doctor_unknown(exam, DOCTOR_PREFILTER_BUILT, "too few keys to tell");
        return;
    }
}

static void examine_keys(struct examination *exam)
{
    struct bloom_verdict verdict;
    struct error error;
    if (exam->options->keys_path == NULL) {
        doctor_unknown(exam, DOCTOR_PREFILTER_BUILT, "--keys was not given");
        doctor_unknown(exam, DOCTOR_PREFILTER_KEYS, "--keys was not given");
    } else if (diagnose(exam, &verdict, &error) != STATUS_OK) {
        doctor_unknown(exam, DOCTOR_PREFILTER_BUILT, "%s", error.message);
    } else {
        tell_verdict(exam, &verdict);
    }
}

static void examine_rate(struct examination *exam)
{
    const struct bloom_filter filter = {
        .meta = exam->meta, .byte_count = exam->bits.size, .bits = exam->bits.data};
    const double fill = bloom_filter_fill(&filter);
    const double rate = pow(fill, exam->meta.params.hash_count);
    const double told = exam->meta.false_positive_tolerance;
    const double most = pow(told * RATE_MAX_FACTOR, 1.0 / exam->meta.params.hash_count) +
                        FILL_DEVIATIONS * 0.5 / sqrt(exam->meta.params.bit_count);
    if (fill > most)
        doctor_fail(exam, DOCTOR_PREFILTER_RATE,
                    "%.0f %% of its bits are set: one URL in %.0f is asked about, not one in %.0f",
                    100 * fill, 1 / rate, 1 / told);
    else
        doctor_pass(exam, DOCTOR_PREFILTER_RATE, "%.0f %% of its bits are set", 100 * fill);
}

static void examine_test_row(struct examination *exam)
{
    struct bloom_reader reader;
    if (!doctor_may(exam, DOCTOR_PREFILTER_TEST_ROW))
        return;
    if (bloom_reader_init(&reader, &exam->meta.params, exam->bits.data, exam->bits.size) ==
            BLOOM_OK &&
        bloom_reader_has_key(&reader, DATASET_TEST_ROW, strlen(DATASET_TEST_ROW)))
        doctor_pass(exam, DOCTOR_PREFILTER_TEST_ROW, "it is in");
    else
        doctor_fail(exam, DOCTOR_PREFILTER_TEST_ROW, "it is not in");
}

void doctor_prefilter(struct examination *exam)
{
    if (exam->served == NULL || !fetch_manifest(exam) || !fetch_bits(exam))
        return;
    examine_file(exam);
    examine_keys(exam);
    examine_test_row(exam);
    examine_rate(exam);
}
