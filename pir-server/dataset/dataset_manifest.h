/* dataset_manifest - dataset.json: what a dataset version consists of, with the digest of each
 * file.
 *
 * docs/FILE-FORMATS.md shows the fields. Times and machine are left out on purpose: the same rows
 * and settings give the same file.
 *
 * Reading  asks for every field it uses, with type and range; names the JSON path. Fields it does
 *          not know are skipped: the number "format" tells when that would be wrong.
 * Memory   a manifest owns its file list. Threads  constant once read.
 * Errors   STATUS_MALFORMED (no JSON, line given), STATUS_INVALID (JSON path given),
 *          STATUS_UNSUPPORTED (another format number), STATUS_TOO_LARGE. */
#ifndef BLINDLIST_DATASET_MANIFEST_H
#define BLINDLIST_DATASET_MANIFEST_H

#include "base/bytes.h"
#include "pir-server/dataset/dataset.h"
#include "urls/list.h"

#define DATASET_FORMAT             2
#define DATASET_MANIFEST_MAX_BYTES ((size_t)64 << 20)
#define DATASET_FILE_NAME_BYTES    32 /* "shard-65535.params.txtpb" and its NUL fit */

struct dataset_file {
    char name[DATASET_FILE_NAME_BYTES];
    uint64_t bytes;
    uint8_t digest[DATASET_DIGEST_BYTES]; /* SHA-256; of a shard: pir_shard_digest() */
};

/* What became of the entries of a list that name keys to be blocked. */
struct dataset_source_keys {
    uint64_t rows;
    uint64_t duplicates; /* the same key came from a list or line before */
    uint64_t cancelled;  /* by $badfilter */
    uint64_t allowed;    /* by an allow entry that is the key or lies above it, */
    uint64_t split;      /* or below it */
    uint64_t covered;    /* another row blocks all that it would */
};

/* One input list, as it was read. */
struct dataset_source {
    const char *name;     /* as the user gave it; */
    const char *license;  /* NULL = not said; */
    const char *trust;    /* "block" or "allow", NULL = not said; */
    const char *category; /* NULL = none; all borrowed */
    uint64_t bytes;
    uint8_t digest[DATASET_DIGEST_BYTES];
    struct list_counts counts;
    bool has_keys; /* `keys` are known; their sum is counts.kept - counts.exceptions */
    struct dataset_source_keys keys;
};

/* What dataset.json holds beside struct dataset_info; for writing only. */
struct dataset_origin {
    const struct dataset_source *sources; /* [source_count], borrowed */
    size_t source_count;
    const struct list_counts *counts; /* borrowed; NULL = rows came from elsewhere */
};

struct dataset_manifest {
    struct dataset_info info;
    size_t hash_function_count;
    struct bytes parsing;                 /* dataset_parsing(); owned */
    struct dataset_shard_rows shard_rows; /* owned */
    struct dataset_file *files;           /* [file_count], sorted by name; owned */
    size_t file_count;
};

/* Of a parsing configuration's canonical text. */
#define DATASET_PARSING_MAX_BYTES ((size_t)1 << 17)

void dataset_manifest_init(struct dataset_manifest *manifest);
void dataset_manifest_deinit(struct dataset_manifest *manifest);
/* Takes a parsing configuration's canonical text (empty = the default), and its digest into the
 * info. */
enum status dataset_manifest_set_parsing(struct dataset_manifest *manifest, struct span text,
                                         struct error *err) MUST_CHECK;
/* Sorts the files by name. */
void dataset_manifest_sort(struct dataset_manifest *manifest);
/* Binary search; NULL when there is no such file. */
const struct dataset_file *dataset_manifest_file(const struct dataset_manifest *manifest,
                                                 const char *name);

/* Names of the files of shard `index`. */
void dataset_shard_name(uint64_t index, char ret[DATASET_FILE_NAME_BYTES]);
void dataset_shard_params_name(uint64_t index, char ret[DATASET_FILE_NAME_BYTES]);
/* A name as dataset_shard_name() gives? */
bool dataset_is_shard_name(const char *name);

/* Fills an initialized manifest; `name` begins every message. */
enum status dataset_manifest_parse(struct span json, const char *name, struct dataset_manifest *ret,
                                   struct error *err) MUST_CHECK;
/* Likewise from dataset.json in `folder`. */
enum status dataset_manifest_read(const char *folder, struct dataset_manifest *ret,
                                  struct error *err) MUST_CHECK;
/* Of all files but dataset.json and report.html. */
uint64_t dataset_manifest_bytes(const struct dataset_manifest *manifest);
/* Appends the JSON text. `parameters` are those all shards share, or of shard 0.
 *   origin  NULL of an imported version */
enum status dataset_manifest_format(const struct dataset_manifest *manifest,
                                    const struct pir_parameters *parameters,
                                    const struct dataset_origin *origin, struct bytes *ret,
                                    struct error *err) MUST_CHECK;

/* Lower-case hex with a NUL. */
void dataset_digest_hex(const uint8_t digest[DATASET_DIGEST_BYTES],
                        char ret[2 * DATASET_DIGEST_BYTES + 1]);

struct json_t;
/* {"lines", "comments", "entries", .., "droppedFor": {..}} and the sources as an array, as
 * dataset.json has them; NULL without memory. */
struct json_t *dataset_counts_json(const struct list_counts *counts);
/* What dataset.json has as "files". */
struct json_t *dataset_files_json(const struct dataset_manifest *manifest);
struct json_t *dataset_sources_json(const struct dataset_origin *origin);
/* The user's file name: any bytes but NUL; what is not UTF-8 is shown as '?'. */
struct json_t *dataset_name_json(const char *name);
/* Appends `root` indented, with a line end. */
enum status dataset_json_append(const struct json_t *root, struct bytes *ret,
                                struct error *err) MUST_CHECK;

#endif
