/* dataset_write - makes a dataset version of a set of rows and puts it in force.
 *
 * Order    everything goes into DATA/<use case>/.dataset.<random>.tmp, each file flushed to the
 *          disk; then the folder is renamed to DATA/<use case>/<version> and the link `current` is
 *          replaced by rename. A kill or a full disk at any moment leaves the version in force as
 *          it was; what it left over is removed by the next run. DATA/<use case>/.lock is locked
 *          meanwhile (STATUS_BUSY), so that two runs do not clean up after each other.
 * Nothing new  when rows and settings lead to the version in force, and that is whole, it is the
 *          result, and nothing is made.
 * Version  the first 16 hex digits of SHA-256 over the rows' digest, the PIR parameters, the number
 *          of shards, the false-positive rate, the seed and, other than the default, the parsing
 *          configuration's digest and the public key of whoever signs the prefilter. Same input,
 *          same version, same bytes, whatever the threads. A version that is there already is kept
 *          and put in force.
 * Shape    shards and PIR parameters are those of the version in force as long as the rows fit and
 *          the settings name no other number of shards or hash functions; else chosen anew, with
 *          head room, by the wish. A new shape that devices can ask with keys they have is taken
 *          when it costs at most DATASET_KEEP_KEYS_PERCENT more than the cheapest.
 * Update   when the shape stays, only what changed is made again (dataset_update.h); the bytes are
 *          the same as of a run that starts anew.
 * Symmetric  rows are keyed one by one (symmetric_rows.h: a millisecond each); those that the
 *          version in force has keyed are taken over from it (symmetric_kept.h). Shards are made
 *          anew each time. The key lies in the version's folder, readable by the owner alone. When
 *          a symmetric version cannot be read, the settings must say what the next one is to be
 *          (STATUS_INVALID). Not with a plan (STATUS_UNSUPPORTED): in which shard a row lies is
 *          known once it is keyed, so each worker would have to key all of them, and that is
 *          nearly all of the work.
 * Signed   once a version's prefilter is, the next one must be, too, unless the settings say that
 *          it need not (STATUS_INVALID): apps that pin the key take no other.
 * Memory   the rows twice while they are sorted, later the prefilter, 24 bytes a row, and one shard
 *          for each thread.
 * Threads  the work is spread over the pool; calls for different use cases may run at once. */
#ifndef BLINDLIST_DATASET_WRITE_H
#define BLINDLIST_DATASET_WRITE_H

#include "base/thread_pool.h"
#include "pir-server/dataset/dataset.h"
#include "pir-server/dataset/dataset_manifest.h"
#include "pir-server/dataset/dataset_plan.h"
#include "pir-server/dataset/dataset_report.h"
#include "pir-server/dataset/dataset_update.h"
#include "pir-server/pir/pir_shape.h"
#include "urls/row_set.h"

/* Rows a shard takes when nothing is said: the number of shards is the least power of two that
 * leaves at most so many to each on average. */
#define DATASET_ROWS_PER_SHARD     ((uint64_t)65536)
#define DATASET_HASH_FUNCTIONS_MAX 2
/* The default, and what is taken when no shape with it is within the limits: it has shorter
 * responses and leaves 3.4 bits more of the noise budget. */
#define DATASET_RLWE_PARAMETERS       "n_4096_logq_27_28_28_logt_6"
#define DATASET_RLWE_PARAMETERS_ROOMY "n_4096_logq_27_28_28_logt_5"
/* Limits when nothing is said. Keys: newer devices send theirs with every request, so a key has to
 * earn its 85 KB; these are eight Galois keys and one for relinearization. Response: two replies
 * and no more. Shard: as large as its rows make it. */
#define DATASET_MAX_RESPONSE_BYTES ((uint64_t)32768)
#define DATASET_MAX_KEY_BYTES      ((uint64_t)800000)
#define DATASET_KEEP_KEYS_PERCENT  10
/* What a size of the prefilter may make of its rate: one so small that the rate would be greater is
 * refused, one so large that it would be less is not filled. */
#define DATASET_PREFILTER_RATE_MAX 0.5
#define DATASET_PREFILTER_RATE_MIN 1e-6
/* A device counts the bits in 32 bits. */
#define DATASET_PREFILTER_BYTES_MAX ((uint64_t)UINT32_MAX / 8)

/* Symmetric PIR: devices learn the rows that they ask for and nothing of others in the same reply.
 */
enum dataset_symmetry {
    DATASET_SYMMETRY_AS_BEFORE, /* as the version in force, with its key; else off */
    DATASET_SYMMETRY_ON, /* with the given key, else that of the version in force, else a new one */
    DATASET_SYMMETRY_OFF
};

struct dataset_settings {
    const char *use_case;
    uint64_t shard_count;      /* a power of two; 0 = by rows_per_shard */
    uint64_t rows_per_shard;   /* 0 = as the version in force, else DATASET_ROWS_PER_SHARD */
    const char *parameter_set; /* a name; NULL = as the version in force, else the above two */
    /* hash_function_count 1 or 2; 0 = as the version in force, else 1. `key` is not used. */
    struct pir_shape_wish wish;
    enum dataset_symmetry symmetry;
    const struct voprf_key *symmetric_key;       /* borrowed; NULL = none is given */
    const struct bloom_signing_key *signing_key; /* of the prefilter; borrowed; NULL = none */
    bool may_be_unsigned;                        /* though the version in force is signed */
    double false_positive_rate;                  /* (0, 1); without a meaning when there are */
    uint64_t prefilter_bytes; /* that the prefilter may have: its rate follows, 0 = none */
    bool has_seed;            /* else the seed follows from the rows */
    uint32_t murmur_seed;
    /* Canonical text of the parsing configuration that the rows were made for; empty = the
     * default. Borrowed. */
    struct span parsing;
    struct dataset_origin origin;
    const struct dataset_report *report; /* NULL = nothing was dropped; borrowed */
    /* A plan for workers (dataset_part.h) is made instead of a version: the rows, the prefilter and
     * the report of what will be that version, and its shape, in DATA/<use case>/parts/plan. Waits
     * for the lock. NULL = a version; borrowed. */
    const struct dataset_plan_job *plan;
    bool is_full; /* makes all anew, whatever the version before holds */
    bool show_progress;
    /* Called once with the empty folder in work: may add rows, and write DATASET_ORIGINS_NAME into
     * the folder, which then belongs to the version. A failure ends the run. May be NULL. */
    enum status (*fill)(void *context, const char *folder, struct row_set *rows, struct error *err);
    void *fill_context;
    /* Asked once the rows are counted, with the test row, and before anything is made of them:
     * anything but STATUS_OK ends the run, and the version in force stays. `before` describes that
     * version, NULL = none that can be read. May be NULL. */
    enum status (*approve)(void *context, const struct dataset_info *before, uint64_t row_count,
                           struct error *err);
    void *approve_context;
    uint64_t (*now_ns)(void); /* for the times of the phases; NULL = not measured */
};
/* May a dataset have these encryption parameters? Those with words of 32 bits that leave a noise
 * budget. */
bool dataset_parameter_set_is_served(const char *name);
/* The defaults; the use case is left to the caller. */
void dataset_settings_init(struct dataset_settings *ret);

/* What takes its time. */
enum dataset_phase {
    DATASET_PHASE_KEYS,      /* opening the version before, and `fill` */
    DATASET_PHASE_ROWS,      /* sorting and writing rows */
    DATASET_PHASE_SHARDS,    /* comparing rows, and making or patching shards */
    DATASET_PHASE_PREFILTER, /* bits and files */
    DATASET_PHASE_DIGESTS,   /* comparing what an update took over */
    DATASET_PHASE_PUBLISH,   /* the rest, and all of it to the disk */
    DATASET_PHASE_COUNT
};

/* What came out. */
struct dataset_summary {
    struct dataset_info info;
    bool is_updated; /* from the shards of the version before, by dataset_update.h; */
    struct dataset_update_summary update;  /* then this says how much, */
    char full_reason[ERROR_MESSAGE_BYTES]; /* else this, why all was made anew */
    uint64_t phase_ns[DATASET_PHASE_COUNT];
    bool existed;                     /* the same version was there already, */
    bool is_unchanged;                /* and in force */
    bool has_other_parsing;           /* configuration than the version before */
    bool has_other_signer;            /* than the version before, which is signed */
    bool kept_shape;                  /* that of the version before */
    bool kept_keys;                   /* devices' keys for the version before serve this one */
    struct pir_parameters parameters; /* of every shard */
    struct pir_prediction prediction; /* with the constants of the wish */
    struct dataset_load load;
    struct bloom_params prefilter;
    double expected_rate; /* of its false positives */
    struct dataset_outlook outlook;
    uint64_t rows_keyed;  /* of a symmetric version: by this run, not before */
    uint64_t rows_bytes;  /* of rows.txt */
    uint64_t shard_bytes; /* of all .pir files */
};

/* Adds the test row to `rows`, which hold no line ends, and finishes them. `pool` may be NULL.
 * STATUS_INVALID: settings; STATUS_TOO_LARGE: the rows fit into no shape or the filter into no
 * 32-bit count, or are too many for a prefilter of the size that is asked for. */
enum status dataset_write(const char *data, struct row_set *rows,
                          const struct dataset_settings *settings, struct thread_pool *pool,
                          struct dataset_summary *ret, struct error *err) MUST_CHECK;

#endif
