/* token_verdict - what became of a token that somebody showed: taken, or why not.
 *
 * A refusal is an answer, not a failure: the functions that decide return a verdict, and a status
 * only where something of ours can fail.
 * Threads  any. */
#ifndef BLINDLIST_PRIVACYPASS_TOKEN_VERDICT_H
#define BLINDLIST_PRIVACYPASS_TOKEN_VERDICT_H

/* In the order of the checks (service.md section 7.5). Switches over this have no default. */
enum token_verdict {
    TOKEN_GOOD,
    TOKEN_MISSING,           /* no Authorization field, or of another scheme */
    TOKEN_UNREADABLE,        /* its parameters or its base64 are broken, or there are two tokens */
    TOKEN_WRONG_LENGTH,      /* not 354 bytes; the one refusal that is HTTP 400, the rest are 401 */
    TOKEN_UNKNOWN_KEY,       /* no key has an id that ends like this token's: forged, or too old */
    TOKEN_WRONG_TYPE,        /* not 0x0002 */
    TOKEN_WRONG_KEY_ID,      /* the id ends like a key's, and is another */
    TOKEN_WRONG_SIGNATURE,   /* the authenticator is not the key's for this token input */
    TOKEN_WRONG_SALT_LENGTH, /* it is, but with another salt length than 48 bytes */
    TOKEN_SPENT,             /* its nonce was spent before */
    TOKEN_VERDICT_COUNT
};

/* "the token's signature is wrong": for the body of an answer. Static, shows nothing of the token.
 */
const char *token_verdict_text(enum token_verdict verdict);

#endif
