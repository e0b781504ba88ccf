/* store_tokens - the tokens that were spent, and who may have tokens issued: what Privacy Pass must
 * still know after a restart, beside the issuer's keys. Part of the store (store.h), whose rules on
 * time, durability, errors and threads hold here too.
 *
 * App      user tokens belong to an app, as issuer keys do; nothing of one app opens anything of
 *          another.
 * Secrets  of a user token only the SHA-256 is stored.
 * Several  servers over one state: whoever spends a token first has it, the others are told so.
 * Source   RFC 9576 to 9578; spec/service.md section 7. */
#ifndef BLINDLIST_STORE_STORE_TOKENS_H
#define BLINDLIST_STORE_STORE_TOKENS_H

#include "pir-server/store/store_ring_keys.h"

#include <stdbool.h>

#define STORE_LABEL_MAX_BYTES  ((size_t)128)
#define STORE_NONCE_BYTES      32
#define STORE_TOKEN_HASH_BYTES 32

/* ---- spent tokens ---- */

struct store_spend {
    uint8_t key_id[STORE_RING_KEY_ID_BYTES]; /* of an issuer key */
    uint8_t nonce[STORE_NONCE_BYTES];
};

/* Spends tokens, all in one transaction: when it returns, they are on the disk.
 *   ret  [count]: STATUS_OK spent now, STATUS_EXISTS spent before (of two alike the second),
 *        STATUS_NOT_FOUND no such key
 * On failure none may be taken for spent and none for unspent: whoever asked is told to try again
 * with another token. */
enum status store_spend_tokens(struct store *store, const struct store_spend *spends, size_t count,
                               enum status *ret, struct error *err) MUST_CHECK;

/* ---- user tokens ---- */

struct store_user_token {
    char app[STORE_APP_MAX_BYTES + 1];
    uint8_t hash[STORE_TOKEN_HASH_BYTES];  /* store_token_hash() of what stands behind "Bearer " */
    char label[STORE_LABEL_MAX_BYTES + 1]; /* for people; UTF-8 */
    uint64_t made_at;
    uint64_t expires_at; /* 0 = never */
    uint64_t revoked_at; /* 0 = in force */
    uint32_t per_minute; /* tokens issued at most; 0 = any number */
    uint32_t per_day;
    uint64_t issued; /* tokens in all; not looked at by add */
};

void store_token_hash(struct span token, uint8_t ret[STORE_TOKEN_HASH_BYTES]);

/* Adds all or none. STATUS_EXISTS when one is known, in force or not: the message has its number.
 */
enum status store_add_user_tokens(struct store *store, const struct store_user_token *tokens,
                                  size_t count, struct error *err) MUST_CHECK;
/* All of all apps, by app, made_at and hash; see store_list_ring_keys(). */
enum status store_list_user_tokens(struct store *store,
                                   enum status (*visit)(void *context,
                                                        const struct store_user_token *token,
                                                        struct error *err),
                                   void *context, struct error *err) MUST_CHECK;
/* STATUS_NOT_FOUND when there is none; one that was revoked before keeps its time. */
enum status store_revoke_user_token(struct store *store, const uint8_t hash[STORE_TOKEN_HASH_BYTES],
                                    uint64_t now_s, struct error *err) MUST_CHECK;
/* Takes a revocation back. STATUS_NOT_FOUND when there is no such token. */
enum status store_restore_user_token(struct store *store,
                                     const uint8_t hash[STORE_TOKEN_HASH_BYTES],
                                     struct error *err) MUST_CHECK;
/* STATUS_UNAUTHORIZED: not known, of another app, revoked or expired; which is not said. */
enum status store_check_user_token(struct store *store, const char *app,
                                   const uint8_t hash[STORE_TOKEN_HASH_BYTES], uint64_t now_s,
                                   struct error *err) MUST_CHECK;

struct store_issue {
    char app[STORE_APP_MAX_BYTES + 1];
    uint8_t hash[STORE_TOKEN_HASH_BYTES];
    uint32_t per_minute; /* for a user token that has no such limit of its own; 0 = any number */
    uint32_t per_day;
};
struct store_issue_answer {
    enum status status;     /* STATUS_OK, STATUS_UNAUTHORIZED as above, STATUS_BUSY over a limit */
    uint32_t retry_after_s; /* with STATUS_BUSY: until the limit allows the next */
};
/* Counts tokens about to be issued, one each, all in one transaction. Minutes and days are those of
 * the clock (UTC); a clock that goes back up to ten minutes counts into the minute and day it was
 * in before, one that goes back further begins anew. */
enum status store_count_issues(struct store *store, const struct store_issue *issues, size_t count,
                               uint64_t now_s, struct store_issue_answer *ret,
                               struct error *err) MUST_CHECK;

#endif
