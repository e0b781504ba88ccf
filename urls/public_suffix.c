/* A host is a public suffix when it is a rule, or when it is one label below a wildcard rule. Two
 * bitmaps, one bit for the hash of each, tell that most hosts are neither; the rest libpsl decides.
 * Rules in other scripts are not in the bitmaps: hosts with a Punycode label are asked about. */
#include "urls/public_suffix.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"
#include "urls/url.h"

#include <libpsl.h>
#include <openssl/evp.h>
#include <stdio.h>

#define RULES_MAX_BYTES ((size_t)16 << 20)
#define SHA1_BYTES      ((size_t)20)
/* With the 10,000 rules there are, one host in 50 is asked about for nothing. */
#define RULE_BITS ((uint64_t)1 << 19)
/* Of about 100. */
#define WILDCARD_BITS ((uint64_t)1 << 14)

struct public_suffixes {
    const psl_ctx_t *psl; /* built in; not ours to free */
    bool has_filter;
    uint8_t rules[RULE_BITS / 8];         /* hashes of rules, wildcards' without "*." */
    uint8_t wildcards[WILDCARD_BITS / 8]; /* of what stands behind "*." alone */
};

/* Eight bytes at a time; only equal texts must have equal hashes. */
static uint64_t hash_of(struct span text)
{
    uint64_t hash = text.size;
    size_t at = 0;
    for (; at < text.size; at += sizeof hash) {
        uint64_t word = 0;
        const size_t left = text.size - at;
        if (left >= sizeof word)
            memcpy(&word, text.data + at, sizeof word);
        else
            memcpy(&word, text.data + at, left);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash;
}

static bool has_bit(const uint8_t *bits, uint64_t bit)
{
    return (bits[bit / 8] >> bit % 8 & 1) != 0;
}

static void set_bit(uint8_t *bits, uint64_t bit)
{
    bits[bit / 8] |= (uint8_t)(1u << bit % 8);
}

/* ---- the filter ---- */

static bool is_own_list(struct span text)
{
    const char *expected = psl_builtin_sha1sum();
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char hex[2 * SHA1_BYTES + 1] = "";
    if (expected == NULL ||
        EVP_Digest(text.data, text.size, digest, &size, EVP_sha1(), NULL) != 1 ||
        size != SHA1_BYTES)
        return false;
    for (size_t i = 0; i < SHA1_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return strcmp(hex, expected) == 0;
}

static void add_rule(struct public_suffixes *suffixes, struct span rule)
{
    if (rule.data[0] == '!') /* an exception is no suffix, and libpsl knows it */
        return;
    const bool is_wildcard = span_starts_with(rule, span_of_text("*."));
    if (is_wildcard)
        rule = span_part(rule, 2, rule.size - 2);
    const uint64_t hash = hash_of(rule);
    set_bit(suffixes->rules, hash % RULE_BITS);
    if (is_wildcard)
        set_bit(suffixes->wildcards, hash % WILDCARD_BITS);
}

static void add_rules(struct public_suffixes *suffixes, struct span text)
{
    for (size_t at = 0; at < text.size;) {
        const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
        const size_t stop = end != NULL ? (size_t)(end - text.data) : text.size;
        struct span rule = span_part(text, at, stop - at);
        for (size_t i = 0; i < rule.size; i++) { /* a rule ends at the first blank */
            if (rule.data[i] <= ' ')
                rule.size = i;
        }
        if (rule.size > 0 && !span_starts_with(rule, span_of_text("//")))
            add_rule(suffixes, rule);
        at = stop + 1;
    }
}

/* Without the file there is no filter. */
static enum status make_filter(struct public_suffixes *suffixes, struct error *err)
{
    const char *path = psl_builtin_filename();
    struct bytes text;
    if (path == NULL || path[0] != '/')
        return STATUS_OK;
    bytes_init(&text, RULES_MAX_BYTES);
    const enum status status = file_read(path, &text, err);
    if (status == STATUS_OK && is_own_list(bytes_view(&text))) {
        add_rules(suffixes, bytes_view(&text));
        suffixes->has_filter = true;
    }
    bytes_deinit(&text);
    return status == STATUS_NOMEM ? status : STATUS_OK;
}

enum status public_suffixes_new(struct public_suffixes **ret, struct error *err)
{
    const psl_ctx_t *psl = psl_builtin();
    if (psl == NULL)
        return error_set(err, STATUS_UNSUPPORTED,
                         "libpsl was built without its list of public suffixes");
    struct public_suffixes *suffixes = mem_alloc_zeroed(1, sizeof *suffixes);
    if (suffixes == NULL)
        return error_set(err, STATUS_NOMEM, "public suffixes: out of memory");
    suffixes->psl = psl;
    const enum status status = make_filter(suffixes, err);
    if (status == STATUS_OK)
        *ret = suffixes;
    else
        public_suffixes_free(suffixes);
    return status;
}

void public_suffixes_free(struct public_suffixes *suffixes)
{
    mem_free(suffixes);
}

/* ---- questions ---- */

static bool has_punycode(struct span host)
{
    for (size_t at = 0; at + 4 <= host.size; at++) {
        const uint8_t *dash = memchr(host.data + at, '-', host.size - at);
        if (dash == NULL)
            return false;
        at = (size_t)(dash - host.data);
        if (at >= 2 && at + 1 < host.size && memcmp(dash - 2, "xn--", 4) == 0)
            return true;
    }
    return false;
}

/* Certainly neither a rule nor one label below a wildcard? */
static bool is_none(const struct public_suffixes *suffixes, struct span host)
{
    if (!suffixes->has_filter || has_punycode(host) ||
        has_bit(suffixes->rules, hash_of(host) % RULE_BITS))
        return false;
    const uint8_t *dot = memchr(host.data, '.', host.size);
    if (dot == NULL)
        return true;
    const size_t behind = (size_t)(dot - host.data) + 1;
    const struct span parent = span_part(host, behind, host.size - behind);
    return !has_bit(suffixes->wildcards, hash_of(parent) % WILDCARD_BITS);
}

enum public_suffix_kind public_suffixes_kind(const struct public_suffixes *suffixes,
                                             struct span host)
{
    if (host.size == 0 || is_none(suffixes, host))
        return PUBLIC_SUFFIX_NONE;
    char name[URL_HOST_MAX_BYTES + 1];
    memcpy(name, host.data, host.size);
    name[host.size] = '\0';
    if (!psl_is_public_suffix2(suffixes->psl, name, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE))
        return PUBLIC_SUFFIX_NONE;
    return psl_is_public_suffix2(suffixes->psl, name, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE)
               ? PUBLIC_SUFFIX_REGISTRY
               : PUBLIC_SUFFIX_HOSTER;
}
