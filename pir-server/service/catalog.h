/* catalog - which use cases an app serves, and from which dataset versions.
 *
 * A catalog never changes: a reload builds a new one, which shares the versions that stay, and the
 * service swaps the pointer. A request holds a reference until its response is sent, so what it
 * looks at stays mapped.
 *
 * Versions  of one use case, newest first. A new dataset with the configuration id of an older one
 *           takes its place: all clients see it at once, and only the prefilter of the older one is
 *           still to be had. One with another id leaves the older reachable, for clients that still
 *           have its configuration. Of such there are as many as is wished (versions_kept); and
 *           whatever was replaced stays for keep_s more, for so long caches may name it. At most
 *           CATALOG_SHAPES_MAX with different ids, and CATALOG_SHADOWED_MAX others.
 * Contexts  the tables for one set of encryption parameters are made once and live as long as the
 *           registry, so that decoded keys and workspaces survive reloads.
 * Threads   a catalog and its versions may be shared; catalog_load() and the registry belong to the
 *           thread that loads. */
#ifndef BLINDLIST_SERVICE_CATALOG_H
#define BLINDLIST_SERVICE_CATALOG_H

#include "base/log.h"
#include "base/span.h"
#include "base/status.h"
#include "pir-server/bfv/bfv_context.h"
#include "pir-server/dataset/dataset.h"
#include "pir-server/pir/pir_parameters.h"
#include "pir-server/service/config_forms.h"
#include "pir-server/service/http_message.h"
#include "pir-server/wire/wire_config.h"

#define CATALOG_SHAPES_MAX   16
#define CATALOG_SHADOWED_MAX 8
#define CATALOG_VERSIONS_MAX (CATALOG_SHAPES_MAX + CATALOG_SHADOWED_MAX)
#define CATALOG_NEVER        UINT64_MAX

struct context_registry;
/* bfv_flags: of bfv_parameters_validate(), 0 outside of tests. */
enum status context_registry_new(unsigned bfv_flags, struct context_registry **ret,
                                 struct error *err) MUST_CHECK;
/* Nothing made with its contexts is left. Takes NULL. */
void context_registry_free(struct context_registry *registry);

/* One dataset version, ready to be asked. Reference counted inside. */
struct catalog_version {
    struct dataset *dataset;
    struct wire_config *config;
    struct config_forms *forms;        /* of it */
    const struct bfv_context *context; /* of the registry */
    int64_t made_s;                    /* since 1970; dataset_made_ns() */
    struct pir_layout layout;          /* of shard 0: an imported dataset's shards may differ */
    char bits_etag[HTTP_ETAG_BYTES];
    char manifest_etag[HTTP_ETAG_BYTES];
};

struct catalog_use_case {
    char name[DATASET_USE_CASE_MAX_BYTES + 1];
    const struct catalog_version *versions[CATALOG_VERSIONS_MAX]; /* newest first */
    uint64_t replaced_at_s[CATALOG_VERSIONS_MAX];                 /* [0]: not yet, 0 */
    size_t version_count;                                         /* >= 1 */
};

struct catalog {
    struct catalog_use_case *use_cases; /* sorted by name */
    size_t use_case_count;
    /* The answers to GET /config: all use cases, newest form, no key known; as it is and
     * compressed, each under a tag of its own. A short one has no compressed form. */
    struct bytes public_config;
    struct bytes public_config_gzip;
    char public_etag[HTTP_ETAG_BYTES];
    char public_etag_gzip[HTTP_ETAG_BYTES];
    uint64_t due_s; /* from this second on there is a version to be let go of; CATALOG_NEVER */
};

struct catalog_source {
    const char *data; /* folder of the datasets */
    struct context_registry *registry;
    const struct log *log;
    uint64_t now_s;
    bool verify; /* every file of a new version is read before it is served (dataset_verify()) */
};
/* One use case to be served. */
struct catalog_part {
    const char *name;
    const struct catalog_use_case *before; /* as it is served so far; NULL = not at all */
    unsigned versions_kept;                /* in [1, CATALOG_SHAPES_MAX] */
};
struct catalog_wish {
    const struct catalog_part *parts; /* [count], sorted by name */
    size_t count;
    uint64_t keep_s;
    /* A use case that is not served so far and cannot be loaded is a failure; else it is logged,
     * counted and left out. */
    bool is_strict;
};
/* Loads `current` of every part. Logs a line for each version that is new. What is served so far
 * and whose `current` cannot be loaded stays as it is, logged and counted in *ret_failed.
 * STATUS_NOT_FOUND when nothing is left. */
enum status catalog_load(const struct catalog_source *source, const struct catalog_wish *wish,
                         const struct catalog **ret, size_t *ret_failed,
                         struct error *err) MUST_CHECK;
const struct catalog *catalog_ref(const struct catalog *catalog);
void catalog_unref(const struct catalog *catalog); /* takes NULL */

/* NULL when it is not served. */
const struct catalog_use_case *catalog_find(const struct catalog *catalog, struct span name);
/* The newest version with this configuration id; NULL. */
const struct catalog_version *catalog_find_config(const struct catalog_use_case *use_case,
                                                  struct span config_id);
/* The version whose prefilter has this tag; NULL. */
const struct catalog_version *catalog_find_prefilter(const struct catalog_use_case *use_case,
                                                     const char *tag);
/* Any version of any use case with this identifier of the key configuration; NULL. */
const struct catalog_version *catalog_find_key_id(const struct catalog *catalog,
                                                  struct span key_id);

/* `"<64 hex digits of SHA-256>"` */
void catalog_etag(struct span content, char ret[HTTP_ETAG_BYTES]);

#endif
