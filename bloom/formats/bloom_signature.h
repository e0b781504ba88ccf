/* bloom_signature - Ed25519 signatures of manifests, so that an app takes one maker's filters only.
 *
 * Signed    what decides which URLs hit: "blindlist prefilter 1", bitCount, hashCount, murmurSeed,
 *           tag and, where there is one, parsingSha256, a line each. Not the address: the tag is
 *           the digest of the bits, wherever they come from. docs/FILE-FORMATS.md has the text.
 * Keys      private ones are PKCS#8 in PEM without a password, as `openssl genpkey` writes them;
 *           public ones the base64 of their 32 bytes.
 * Secrets   a private key is wiped when freed; no message has any of it.
 * Files     bloom_signing_key_read() refuses those that others may read (file_read_secret()).
 * Errors    STATUS_MALFORMED (no key), STATUS_UNSUPPORTED (another kind of key), STATUS_NOMEM,
 *           STATUS_INTERNAL (OpenSSL).
 * Source    RFC 8032, RFC 8410. The same key and manifest give the same signature. */
#ifndef BLINDLIST_BLOOM_FORMATS_BLOOM_SIGNATURE_H
#define BLINDLIST_BLOOM_FORMATS_BLOOM_SIGNATURE_H

#include "base/bytes.h"
#include "bloom/formats/bloom_filter.h"

#define BLOOM_SIGNING_KEY_MAX_BYTES ((size_t)4096) /* of a PEM file */
#define BLOOM_PUBLIC_KEY_TEXT_BYTES ((size_t)45)   /* base64 of 32 bytes, with a NUL */

struct bloom_signing_key;

enum status bloom_signing_key_make(struct bloom_signing_key **ret, struct error *err) MUST_CHECK;
/* `name` begins every message. */
enum status bloom_signing_key_parse(struct span pem, const char *name,
                                    struct bloom_signing_key **ret, struct error *err) MUST_CHECK;
/* The same of a file. */
enum status bloom_signing_key_read(const char *path, struct bloom_signing_key **ret,
                                   struct error *err) MUST_CHECK;
void bloom_signing_key_free(struct bloom_signing_key *key); /* takes NULL */
/* Appends the private key's file. */
enum status bloom_signing_key_format(const struct bloom_signing_key *key, struct bytes *ret,
                                     struct error *err) MUST_CHECK;
enum status bloom_signing_key_public(const struct bloom_signing_key *key,
                                     char ret[BLOOM_PUBLIC_KEY_TEXT_BYTES],
                                     struct error *err) MUST_CHECK;

/* Is it the text of a public key? Not every 32 bytes are a point, though. */
bool bloom_public_key_is_valid(const char *text);

/* Signs `meta`, of a manifest: its tag is the digest of the bits. */
enum status bloom_meta_sign(const struct bloom_signing_key *key, struct bloom_meta *meta,
                            struct error *err) MUST_CHECK;
/* *ret = whether the signature of `meta` is of the owner of `public_key` (text). */
enum status bloom_meta_verify(const struct bloom_meta *meta, const char *public_key, bool *ret,
                              struct error *err) MUST_CHECK;

#endif
