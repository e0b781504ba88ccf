/* dataset - one version of one use case's dataset on disk, opened read-only.
 *
 * Folder   DATA/<use case>/<version>/ as docs/FILE-FORMATS.md says; DATA/<use case>/current is a
 *          symbolic link to the version in force. dataset_write.h makes such folders.
 * Opening  reads dataset.json and prefilter.json, whose signature is checked where there is one,
 *          maps the shards and checks headers and sizes: its time depends on the number of shards,
 *          not on their size. dataset_verify() reads all.
 * Memory   all is immutable from dataset_open() to dataset_free(); what the functions return is
 *          borrowed from the dataset. Who shares a dataset counts references himself. Each shard is
 *          one mapping: Linux allows about 65,000 in a process (vm.max_map_count).
 * Holding  an open dataset is not removed by dataset_gc() (dataset_hold.h).
 * Replaced folders are never rewritten; an open dataset stays whole when `current` moves on, and
 *          even when its folder is deleted.
 * Threads  shared freely. */
#ifndef BLINDLIST_DATASET_DATASET_H
#define BLINDLIST_DATASET_DATASET_H

#include "base/folder_names.h"
#include "base/progress.h"
#include "base/span.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "bloom/formats/bloom_signature.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pir_parameters; /* pir-server/pir/pir_parameters.h */
struct pir_shard;      /* pir-server/pir/pir_shard.h */
struct voprf_key;      /* pir-server/oprf/voprf.h */

#define DATASET_USE_CASE_MAX_BYTES ((size_t)200)
#define DATASET_VERSION_BYTES      ((size_t)16) /* hex digits */
#define DATASET_DIGEST_BYTES       ((size_t)32) /* SHA-256 */
#define DATASET_SHARDS_MAX         ((uint64_t)65536)
/* The row that Apple's onboarding asks for; in every dataset, word for word. */
#define DATASET_TEST_ROW        "www.apple.com/url-filter-test"
#define DATASET_ROW_VALUE       "1" /* of every row */
#define DATASET_ROW_VALUE_BYTES (sizeof DATASET_ROW_VALUE - 1)
/* Of a symmetric version alone: the secret key that its rows were keyed with. */
#define DATASET_SYMMETRIC_KEY_NAME "symmetric.key"
/* And of one made of rows: what they became with it (symmetric_kept.h). */
#define DATASET_SYMMETRIC_ROWS_NAME "symmetric.rows"
/* Where its keys came from (lists/origins_file.h); not in every version. */
#define DATASET_ORIGINS_NAME "origins"

/* What dataset.json says; digests in binary. */
struct dataset_info {
    char use_case[DATASET_USE_CASE_MAX_BYTES + 1];
    char version[DATASET_VERSION_BYTES + 1];
    /* Taken over from the reference's files (dataset_import.h), which hold processed shards and
     * nothing else: there are no rows and no prefilter, and what is said of them is 0 and "". */
    bool is_imported;
    uint64_t row_count;
    uint8_t rows_digest[DATASET_DIGEST_BYTES]; /* of rows.txt */
    uint64_t shard_count;       /* at most DATASET_SHARDS_MAX; a power of two unless imported */
    double false_positive_rate; /* asked of the prefilter */
    uint32_t murmur_seed;
    uint64_t prefilter_bytes; /* of prefilter.bloom */
    char prefilter_tag[2 * DATASET_DIGEST_BYTES + 1];
    /* Of whoever signed the prefilter's manifest; "" = it is not signed. */
    char prefilter_public_key[BLOOM_PUBLIC_KEY_TEXT_BYTES];
    /* Digest, in hex, of the parsing configuration that the rows were made for; "" = the default.
     * dataset_parsing() has it whole. */
    char parsing[2 * DATASET_DIGEST_BYTES + 1];
};

/* What an update of shards must know. */
struct dataset_shard_rows {
    uint64_t *rows;        /* [shard_count]: placed in each shard; NULL = not recorded */
    uint64_t merged_count; /* left out, because another row has their key hash */
};

struct dataset;

/* What folder_lock_take() says when somebody else works in the folder of a use case. */
#define DATASET_BUSY "another run is at work on this use case"

/* Letters, digits, '.', '-' and '_', not starting with '.', 1..DATASET_USE_CASE_MAX_BYTES bytes,
 * and not "current". */
bool dataset_use_case_is_valid(const char *use_case);
/* DATASET_VERSION_BYTES hex digits, lower case. */
bool dataset_version_is_valid(const char *version);

/* Opens DATA/<use case>/current. STATUS_NOT_FOUND without one; STATUS_MALFORMED, STATUS_INVALID or
 * STATUS_MISMATCH names the file that does not fit. bfv_flags: of bfv_parameters_validate(), 0
 * outside of tests. */
enum status dataset_open(const char *data, const char *use_case, unsigned bfv_flags,
                         struct dataset **ret, struct error *err) MUST_CHECK;
/* Opens DATA/<use case>/<version>, in force or not. */
enum status dataset_open_version(const char *data, const char *use_case, const char *version,
                                 unsigned bfv_flags, struct dataset **ret,
                                 struct error *err) MUST_CHECK;
/* Opens a version folder by its path. */
enum status dataset_open_folder(const char *folder, unsigned bfv_flags, struct dataset **ret,
                                struct error *err) MUST_CHECK;
void dataset_free(struct dataset *dataset); /* takes NULL */

const struct dataset_info *dataset_info(const struct dataset *dataset);
/* Of all files but dataset.json and report.html. */
uint64_t dataset_bytes(const struct dataset *dataset);
/* The canonical text of the parsing configuration (lists/parsing_file.h); empty = the default. */
struct span dataset_parsing(const struct dataset *dataset);
const struct dataset_shard_rows *dataset_shard_rows(const struct dataset *dataset);
/* The version's folder, symbolic links resolved. */
const char *dataset_folder(const struct dataset *dataset);
/* The parameters that all shards share; of an imported one those of shard 0: the others have the
 * same encryption parameters, and may differ in all else. */
const struct pir_parameters *dataset_parameters(const struct dataset *dataset);
/* The key of a symmetric dataset, the one whose public half is in the parameters; NULL = it is not
 * symmetric. */
const struct voprf_key *dataset_symmetric_key(const struct dataset *dataset);
/* Shard `index` in [0, shard_count). */
const struct pir_shard *dataset_shard(const struct dataset *dataset, uint64_t index);

/* The prefilter's bits, mapped: dataset_info()->prefilter_bytes. This and the next two: not of an
 * imported one. */
struct span dataset_prefilter(const struct dataset *dataset);
/* Would a device ask the server about this sub-URL? */
bool dataset_prefilter_has(const struct dataset *dataset, struct span key);
/* Bytes of prefilter.json as they are served; its url is "/prefilter/<use case>/<tag>.bloom". */
struct span dataset_prefilter_manifest(const struct dataset *dataset);

/* The sizes of all files, also of those that opening does not look at. STATUS_NOT_FOUND or
 * STATUS_MISMATCH names the file. */
enum status dataset_check_sizes(const struct dataset *dataset, struct error *err) MUST_CHECK;
/* Reads every file of the folder and compares it with the digests of dataset.json (shards with the
 * digests in their own files, which opening compared), and that the rows are sorted and unique,
 * hold the test row and are all in the prefilter. STATUS_MISMATCH or STATUS_MALFORMED names the
 * file, and in a shard the plaintext.
 *   pool      spreads the work; NULL = this thread
 *   progress  counts dataset_bytes(); NULL = none */
enum status dataset_verify(const struct dataset *dataset, struct thread_pool *pool,
                           struct progress *progress, struct error *err) MUST_CHECK;
/* The files against the digests alone, read in pieces: no memory stays taken, and none of the
 * mapped shards is touched. STATUS_CANCELLED soon after *is_cancelled is set; NULL = never. */
enum status dataset_verify_digests(const struct dataset *dataset, const atomic_bool *is_cancelled,
                                   struct error *err) MUST_CHECK;

/* Names of the use cases below `data` that have a `current`, sorted. Empty for an empty folder;
 * STATUS_NOT_FOUND when `data` does not exist. */
enum status dataset_list(const char *data, struct folder_names *ret, struct error *err) MUST_CHECK;

#endif
