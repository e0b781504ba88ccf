/* token - the messages of Privacy Pass with publicly verifiable tokens, type 0x0002, blind RSA of
 * 2048 bits (RFC 9577 section 2, RFC 9578 section 6; service.md section 7.1).
 *
 *     token challenge   type u16, issuer name u16+n, redemption context u8+n (0 or 32), origins
 *                       u16+n (host names joined with commas)
 *     token request     259 bytes: type u16, truncated token key id, blinded message [256]
 *     token response    256 bytes: the blind signature, nothing else
 *     token             354 bytes: token input [98], authenticator [256]
 *     token input       98 bytes: type u16, nonce [32], challenge digest [32], token key id [32]
 *
 * All numbers big-endian, all lengths strict. What is signed is the token input.
 *
 * Privacy  a token can be spent by whoever has it: it is shown in no message and no log.
 * Threads  any; these are plain values.
 * Source   RFC 9577, RFC 9578. */
#ifndef BLINDLIST_PRIVACYPASS_TOKEN_H
#define BLINDLIST_PRIVACYPASS_TOKEN_H

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

#define TOKEN_TYPE_BLIND_RSA      ((uint16_t)0x0002)
#define TOKEN_NONCE_BYTES         32
#define TOKEN_DIGEST_BYTES        32
#define TOKEN_KEY_ID_BYTES        32
#define TOKEN_AUTHENTICATOR_BYTES 256
#define TOKEN_INPUT_BYTES         98
#define TOKEN_BYTES               354
#define TOKEN_REQUEST_BYTES       259
#define TOKEN_RESPONSE_BYTES      256
#define TOKEN_CONTEXT_BYTES       32

/* ---- the challenge: what a token is for ---- */

#define TOKEN_CHALLENGE_MAX_BYTES ((size_t)2 + 2 + 65535 + 1 + TOKEN_CONTEXT_BYTES + 2 + 65535)

struct token_challenge {
    struct span issuer_name;        /* host name, 1 to 65535 bytes */
    struct span redemption_context; /* 0 or TOKEN_CONTEXT_BYTES */
    struct span origins;            /* "a.example,b.example", 0 to 65535 bytes; empty = any */
};

/* Appends. STATUS_INVALID when a part is longer or shorter than its length allows. */
enum status token_challenge_write(const struct token_challenge *challenge, struct bytes *ret,
                                  struct error *err) MUST_CHECK;
/* The parts are borrowed from `in`. STATUS_UNSUPPORTED for another type, whose layout is not known;
 * STATUS_MALFORMED for anything that is cut short, too long or of a wrong length. */
enum status token_challenge_parse(struct span in, struct token_challenge *ret,
                                  struct error *err) MUST_CHECK;
/* SHA-256 of a written challenge. */
void token_challenge_digest(struct span written, uint8_t ret[TOKEN_DIGEST_BYTES]);

/* ---- issuance ---- */

struct token_request {
    uint8_t truncated_key_id; /* last byte of the token key id */
    const uint8_t *blinded;   /* [TOKEN_AUTHENTICATOR_BYTES], borrowed */
};

void token_request_write(uint8_t truncated_key_id, const uint8_t blinded[TOKEN_AUTHENTICATOR_BYTES],
                         uint8_t ret[TOKEN_REQUEST_BYTES]);
/* STATUS_MALFORMED for a wrong length, STATUS_UNSUPPORTED for another type. Whether the blinded
 * message is below the modulus is for the issuer to say. */
enum status token_request_parse(struct span in, struct token_request *ret,
                                struct error *err) MUST_CHECK;

/* ---- the token ---- */

struct token {
    uint16_t type;
    uint8_t nonce[TOKEN_NONCE_BYTES];
    uint8_t challenge_digest[TOKEN_DIGEST_BYTES];
    uint8_t key_id[TOKEN_KEY_ID_BYTES];
    uint8_t authenticator[TOKEN_AUTHENTICATOR_BYTES];
};

void token_write(const struct token *token, uint8_t ret[TOKEN_BYTES]);
/* The signed message. */
void token_write_input(const struct token *token, uint8_t ret[TOKEN_INPUT_BYTES]);
void token_parse(const uint8_t in[TOKEN_BYTES], struct token *ret);

#endif
