/* Proofs of equal discrete logarithms for one pair, RFC 9497 section 2.2. */
#include "pir-server/oprf/voprf_group.h"

#include "base/mem.h"
#include "pir-server/crypto/openssl_error.h"
#include "pir-server/oprf/hash_to_curve.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#define DIGEST_BYTES 48
/* The longest transcript has five elements with their sizes and a word. */
#define TRANSCRIPT_MAX_BYTES ((size_t)5 * (2 + VOPRF_ELEMENT_BYTES) + 16)

static const char seed_domain[] = "Seed-OPRFV1-\x01-P384-SHA384";
static const char hash_to_scalar_domain[] = "HashToScalar-OPRFV1-\x01-P384-SHA384";

/* What is hashed: parts with their sizes before them, then a word. */
struct transcript {
    uint8_t bytes[TRANSCRIPT_MAX_BYTES];
    size_t size;
};

static void append(struct transcript *transcript, struct span more)
{
    memcpy(transcript->bytes + transcript->size, more.data, more.size);
    transcript->size += more.size;
}

static void append_part(struct transcript *transcript, struct span part)
{
    const uint8_t size[2] = {(uint8_t)(part.size >> 8), (uint8_t)part.size};
    append(transcript, span_of(size, sizeof size));
    append(transcript, part);
}

static enum status hash_scalar(const struct voprf_group *group, struct transcript *transcript,
                               const char *word, BIGNUM *ret, struct error *err)
{
    append(transcript, span_of_text(word));
    return hash_to_scalar_vartime(group->group, span_of(transcript->bytes, transcript->size),
                                  span_of_text(hash_to_scalar_domain), ret, err);
}

/* The weight of the one pair (ComputeComposites). All of it is public. */
static enum status weigh(const struct voprf_group *group, struct span public_key,
                         struct span question, struct span answer, BIGNUM *ret, struct error *err)
{
    struct transcript transcript = {.size = 0};
    uint8_t seed[DIGEST_BYTES];
    append_part(&transcript, public_key);
    append_part(&transcript, span_of_text(seed_domain));
    if (EVP_Digest(transcript.bytes, transcript.size, seed, NULL, EVP_sha384(), NULL) != 1)
        return openssl_error(err, "the seed of a proof");
    static const uint8_t index[2] = {0, 0};
    transcript.size = 0;
    append_part(&transcript, span_of(seed, sizeof seed));
    append(&transcript, span_of(index, sizeof index));
    append_part(&transcript, question);
    append_part(&transcript, answer);
    return hash_scalar(group, &transcript, "Composite", ret, err);
}

/* The four points that a proof is about: what a verifier computes again. */
struct claim {
    EC_POINT *question;     /* M: the weight times the question */
    EC_POINT *answer;       /* Z: the weight times the answer */
    EC_POINT *commit_base;  /* t2 */
    EC_POINT *commit_asked; /* t3 */
};

static bool claim_init(const struct voprf_group *group, struct claim *claim)
{
    claim->question = EC_POINT_new(group->group);
    claim->answer = EC_POINT_new(group->group);
    claim->commit_base = EC_POINT_new(group->group);
    claim->commit_asked = EC_POINT_new(group->group);
    return claim->question != NULL && claim->answer != NULL && claim->commit_base != NULL &&
           claim->commit_asked != NULL;
}

static void claim_deinit(struct claim *claim)
{
    EC_POINT_free(claim->question);
    EC_POINT_free(claim->answer);
    EC_POINT_free(claim->commit_base);
    EC_POINT_free(claim->commit_asked);
}

/* Sets the weighted question and answer from their bytes. */
static enum status claim_weigh(const struct voprf_group *group, struct span public_key,
                               struct span question, struct span answer, struct claim *claim,
                               struct error *err)
{
    BIGNUM *weight = BN_new();
    if (weight == NULL)
        return openssl_error(err, "a proof");
    enum status status = weigh(group, public_key, question, answer, weight, err);
    if (status == STATUS_OK && (!voprf_element_read(group, question, claim->question) ||
                                !voprf_element_read(group, answer, claim->answer))) {
        ERR_clear_error();
        status = error_set(err, STATUS_MALFORMED, "the evaluated element is no point of P-384");
    }
    if (status == STATUS_OK && (!voprf_multiply(group, weight, claim->question, claim->question) ||
                                !voprf_multiply(group, weight, claim->answer, claim->answer)))
        status = openssl_error(err, "weighing the elements of a proof");
    BN_free(weight);
    return status;
}

/* c of a claim that is complete. */
static enum status challenge(const struct voprf_group *group, struct span public_key,
                             const struct claim *claim, BIGNUM *ret, struct error *err)
{
    const EC_POINT *const points[] = {claim->question, claim->answer, claim->commit_base,
                                      claim->commit_asked};
    struct transcript transcript = {.size = 0};
    uint8_t element[VOPRF_ELEMENT_BYTES] = {0};
    append_part(&transcript, public_key);
    for (size_t i = 0; i < ARRAY_COUNT(points); i++) {
        /* Fails for the point at infinity, which no right proof has. */
        if (!voprf_element_write(group, points[i], element))
            return error_set(err, STATUS_MISMATCH, "a proof about the point at infinity");
        append_part(&transcript, span_of(element, sizeof element));
    }
    return hash_scalar(group, &transcript, "Challenge", ret, err);
}

/* s = r - c k. Sums and products of numbers below the order, whose time shows nothing of them. */
static bool respond(const struct voprf_group *group, const BIGNUM *r, const BIGNUM *c,
                    const BIGNUM *k, BIGNUM *ret)
{
    const BIGNUM *order = EC_GROUP_get0_order(group->group);
    BN_MONT_CTX *montgomery = BN_MONT_CTX_new();
    const bool is_done = montgomery != NULL && BN_MONT_CTX_set(montgomery, order, group->context) &&
                         BN_to_montgomery(ret, k, montgomery, group->context) &&
                         BN_mod_mul_montgomery(ret, ret, c, montgomery, group->context) &&
                         BN_sub(ret, order, ret) && BN_mod_add_quick(ret, ret, r, order);
    BN_MONT_CTX_free(montgomery);
    return is_done;
}

static bool proof_write(const BIGNUM *c, const BIGNUM *s, uint8_t ret[VOPRF_PROOF_BYTES])
{
    return BN_bn2binpad(c, ret, VOPRF_SCALAR_BYTES) == VOPRF_SCALAR_BYTES &&
           BN_bn2binpad(s, ret + VOPRF_SCALAR_BYTES, VOPRF_SCALAR_BYTES) == VOPRF_SCALAR_BYTES;
}

enum status voprf_prove(const struct voprf_group *group, const BIGNUM *key,
                        const uint8_t public_key[VOPRF_ELEMENT_BYTES],
                        const uint8_t question[VOPRF_ELEMENT_BYTES],
                        const uint8_t answer[VOPRF_ELEMENT_BYTES],
                        const struct random_source *random, uint8_t ret_proof[VOPRF_PROOF_BYTES],
                        struct error *err)
{
    const struct span public_bytes = span_of(public_key, VOPRF_ELEMENT_BYTES);
    struct claim claim = {0};
    BIGNUM *r = voprf_scalar_new();
    BIGNUM *s = voprf_scalar_new();
    BIGNUM *c = BN_new();
    enum status status;
    if (!claim_init(group, &claim) || r == NULL || s == NULL || c == NULL) {
        status = openssl_error(err, "a proof");
        goto done;
    }
    status = claim_weigh(group, public_bytes, span_of(question, VOPRF_ELEMENT_BYTES),
                         span_of(answer, VOPRF_ELEMENT_BYTES), &claim, err);
    if (status == STATUS_OK)
        status = voprf_scalar_draw(group, random, r, err);
    if (status != STATUS_OK)
        goto done;
    if (!voprf_multiply(group, r, EC_GROUP_get0_generator(group->group), claim.commit_base) ||
        !voprf_multiply(group, r, claim.question, claim.commit_asked)) {
        status = openssl_error(err, "committing to a proof");
        goto done;
    }
    status = challenge(group, public_bytes, &claim, c, err);
    if (status == STATUS_OK && (!respond(group, r, c, key, s) || !proof_write(c, s, ret_proof)))
        status = openssl_error(err, "finishing a proof");
done:
    claim_deinit(&claim);
    BN_clear_free(r);
    BN_clear_free(s);
    BN_free(c);
    return status;
}

enum status voprf_check_vartime(const struct voprf_group *group, struct span public_key,
                                const uint8_t question[VOPRF_ELEMENT_BYTES],
                                const uint8_t answer[VOPRF_ELEMENT_BYTES],
                                const uint8_t proof[VOPRF_PROOF_BYTES], struct error *err)
{
    struct claim claim = {0};
    EC_POINT *key = EC_POINT_new(group->group);
    EC_POINT *part = EC_POINT_new(group->group);
    BIGNUM *c = BN_bin2bn(proof, VOPRF_SCALAR_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(proof + VOPRF_SCALAR_BYTES, VOPRF_SCALAR_BYTES, NULL);
    BIGNUM *expected = BN_new();
    enum status status;
    if (!claim_init(group, &claim) || key == NULL || part == NULL || c == NULL || s == NULL ||
        expected == NULL) {
        status = openssl_error(err, "a proof");
        goto done;
    }
    if (!voprf_element_read(group, public_key, key)) {
        ERR_clear_error();
        status = error_set(err, STATUS_MALFORMED, "the server's public key is no point of P-384");
        goto done;
    }
    status = claim_weigh(group, public_key, span_of(question, VOPRF_ELEMENT_BYTES),
                         span_of(answer, VOPRF_ELEMENT_BYTES), &claim, err);
    if (status != STATUS_OK)
        goto done;
    /* t2 = s base + c key, t3 = s M + c Z */
    if (EC_POINT_mul(group->group, claim.commit_base, s, key, c, group->context) != 1 ||
        !voprf_multiply(group, s, claim.question, claim.commit_asked) ||
        !voprf_multiply(group, c, claim.answer, part) ||
        EC_POINT_add(group->group, claim.commit_asked, claim.commit_asked, part, group->context) !=
            1) {
        status = openssl_error(err, "checking a proof");
        goto done;
    }
    status = challenge(group, public_key, &claim, expected, err);
    if (status == STATUS_OK && BN_cmp(expected, c) != 0)
        status = error_set(err, STATUS_MISMATCH,
                           "the proof is wrong: the server did not use the key that its "
                           "configuration names");
done:
    claim_deinit(&claim);
    EC_POINT_free(key);
    EC_POINT_free(part);
    BN_free(c);
    BN_free(s);
    BN_free(expected);
    return status;
}
