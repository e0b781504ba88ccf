/* store - what the server must still know after a restart, behind one interface.
 *
 * Now      evaluation keys: the serialized form, one for each user and key configuration, with the
 *          second at which the device made it and the second at which it arrived; and what Privacy
 *          Pass needs (store_tokens.h).
 * Users    are known by the SHA-256 of their User-Identifier only. The identifier itself is neither
 *          stored nor logged: whoever copies the state file cannot read it back (a UUID has too
 *          many values to be tried), and a store is no list of devices.
 * Durable  a put returns after the data is on the disk; a process killed at any moment leaves the
 *          last state that was returned. One function is one transaction: all of it or nothing.
 * Time     is passed in (seconds since 1970), so that tests can fix it.
 * Expiry   a key older than the time to live is absent for every reader at once. It is removed by
 *          the next puts, a hundred keys each, or by purges: a clock that is wrong for a while
 *          must not cost a million devices their keys.
 * Quota    by user, a put beyond it removes the user's oldest keys (those of configurations gone
 *          by); in all, a put beyond it is refused with STATUS_BUSY, so that nobody can push out
 *          the keys of others.
 * Errors   STATUS_BUSY the file stays locked by another process, the database cannot be reached or
 *          does not answer in time, or the store is full; STATUS_IO the disk refuses (full,
 *          read-only), or the file is no longer where it was opened; STATUS_MALFORMED it is damaged
 *          or not ours; STATUS_UNSUPPORTED it was written by a newer program. Messages name the
 *          file, or the database and its host.
 * Lost     connections are made anew by the next call. A change whose answer got lost with one
 *          failed: it may have been done.
 * Threads  all functions but open and close may be called from any thread; a reader does not wait
 *          for a writer's disk. */
#ifndef BLINDLIST_STORE_STORE_H
#define BLINDLIST_STORE_STORE_H

#include "base/bytes.h"
#include "base/histogram.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_USER_HASH_BYTES 32
#define STORE_KEY_ID_BYTES    32

/* Default limits. One key of the usual parameters is 100 to 700 KB. */
#define STORE_KEY_TTL_S                ((uint64_t)60 * 60 * 24 * 60) /* 60 days */
#define STORE_KEYS_PER_USER            ((uint64_t)16)
#define STORE_KEY_BYTES_PER_USER       ((uint64_t)32 << 20)
#define STORE_KEYS_IN_ALL              ((uint64_t)1000000)
#define STORE_KEY_BYTES_IN_ALL         ((uint64_t)8 << 30)
#define STORE_BUSY_TIMEOUT_MS          5000
#define STORE_EVALUATION_KEY_MAX_BYTES ((size_t)10485760)

struct store_limits {
    uint64_t key_ttl_s;
    uint64_t keys_per_user;
    uint64_t key_bytes_per_user;
    uint64_t keys_in_all;
    uint64_t key_bytes_in_all;
    uint32_t busy_timeout_ms; /* how long a call waits for another process, or for the database */
};
struct store_limits store_limits_default(void);

struct store_user {
    uint8_t hash[STORE_USER_HASH_BYTES];
};
/* SHA-256 of the identifier as it came, of any length, also empty. In an app with a name
 * (store_tokens.h) SHA-256(00 || app || SHA-256(identifier)): no identifier holds a NUL, so users
 * of different apps are different users. */
struct store_user store_user_of(const char *app, const char *identifier);

struct store_key {
    uint8_t id[STORE_KEY_ID_BYTES]; /* SHA-256 of the evaluation key configuration */
    uint64_t made_at;               /* as the device says; any 64-bit number */
    struct span serialized;         /* borrowed */
};

struct store; /* opaque */

enum store_presence { STORE_MAY_BE_NEW, STORE_MUST_EXIST };
/* Opens the state that `name` says:
 *   postgresql://..., or host=... dbname=...   a database that libpq connects to, for any number
 *        of servers; the state is its schema "blindlist". The name may hold a password: it goes
 *        into no message, and belongs into none.
 *   else   an SQLite file (mode 0600) in WAL mode, for one server; beside it lie `<name>-wal` and
 *        `<name>-shm`.
 * Makes it if it may be new, else STATUS_NOT_FOUND. Brings an older schema up to date. */
enum status store_open(const char *name, const struct store_limits *limits,
                       enum store_presence presence, struct store **ret,
                       struct error *err) MUST_CHECK;
void store_close(struct store *store); /* takes NULL */
/* Whether store_open() takes the name for a file: then it may be logged, and be relative to some
 * folder. */
bool store_is_file(const char *name);
/* The files that a connection to a database may read: passwords, certificates. */
void store_list_files(const char *name, void (*take)(void *context, const char *path),
                      void *context);

/* Stores `count` keys of one user, each in place of an older one with the same id. All or none.
 * STATUS_TOO_LARGE when a single key is beyond the quota of a user. */
enum status store_put_keys(struct store *store, const struct store_user *user,
                           const struct store_key *keys, size_t count, uint64_t now_s,
                           struct error *err) MUST_CHECK;
struct store_key_times {
    uint64_t made_at;    /* as the device said */
    uint64_t expires_at; /* from this second on it is absent */
};
/* Appends the serialized key to `ret`. STATUS_NO_KEY when there is none. */
enum status store_get_key(struct store *store, const struct store_user *user,
                          const uint8_t id[STORE_KEY_ID_BYTES], uint64_t now_s,
                          struct store_key_times *ret_times, struct bytes *ret,
                          struct error *err) MUST_CHECK;
/* Just the time at which the device made it. STATUS_NO_KEY when there is none. */
enum status store_get_key_time(struct store *store, const struct store_user *user,
                               const uint8_t id[STORE_KEY_ID_BYTES], uint64_t now_s,
                               uint64_t *ret_made_at, struct error *err) MUST_CHECK;

const struct store_limits *store_get_limits(const struct store *store); /* as it was opened */

struct store_usage {
    uint64_t key_count;
    uint64_t key_bytes;
};
enum status store_get_usage(struct store *store, struct store_usage *ret,
                            struct error *err) MUST_CHECK;
/* Removes evaluation keys that have expired, ten thousand at most, and nonces spent under issuer
 * keys that are gone, a million at most: neither writers nor the caller wait for long, and the rest
 * goes with the next purge. ret_removed: keys. */
enum status store_purge(struct store *store, uint64_t now_s, size_t *ret_removed,
                        struct error *err) MUST_CHECK;

/* ---- for operators ---- */

/* Writes something that changes nothing, durably where it is a file: can it be written at all? */
enum status store_probe(struct store *store, struct error *err) MUST_CHECK;

/* What a serving server asks of it; the calls are counted and timed since it was opened. */
enum store_call {
    STORE_CALL_PUT_KEYS,
    STORE_CALL_GET_KEY,
    STORE_CALL_PURGE,
    STORE_CALL_SPEND_TOKENS,
    STORE_CALL_COUNT_ISSUES,
    STORE_CALL_CHECK_USER_TOKEN,
    STORE_CALL_PROBE,
    STORE_CALL_COUNT
};
/* "put_keys", ...: the label of a metric. Static. */
const char *store_call_name(enum store_call call);
struct store_call_figures {
    struct histogram_figures times;
    uint64_t failures; /* STATUS_NOMEM, _IO, _MALFORMED, _BUSY, _INTERNAL; others are answers */
};
void store_look(const struct store *store, enum store_call call, struct store_call_figures *ret);

/* Reads everything. STATUS_MALFORMED when it is damaged or its sums are wrong. */
enum status store_check(struct store *store, struct error *err) MUST_CHECK;
/* A copy as of now as the file `path` (mode 0600), whole or not at all, while the store is in use.
 * STATUS_EXISTS when there is something at `path`; STATUS_UNSUPPORTED of a database, which has
 * tools of its own. */
enum status store_backup(struct store *store, const char *path, struct error *err) MUST_CHECK;
/* Gives the room of what was removed back to the disk. Writers wait meanwhile. */
enum status store_vacuum(struct store *store, struct error *err) MUST_CHECK;

#endif
