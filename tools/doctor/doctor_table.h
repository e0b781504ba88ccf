/* doctor_table - what `blindlist doctor` looks at, and the errors that people see on devices.
 *
 * The one source of `blindlist doctor`, `doctor --error`, and docs/TROUBLESHOOTING.md.
 *
 * Source   PROTOCOL.md sections 2 to 8, spec/networkextension.md, service.md section 9. */
#ifndef BLINDLIST_TOOLS_DOCTOR_TABLE_H
#define BLINDLIST_TOOLS_DOCTOR_TABLE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which they are made and told. */
enum doctor_check {
    DOCTOR_SERVER_URL,
    DOCTOR_ISSUER_URL,
    DOCTOR_BUNDLE_ID,
    DOCTOR_REACH,
    DOCTOR_CERTIFICATE,
    DOCTOR_HTTP2,
    DOCTOR_CLOCK,
    DOCTOR_DIRECTORY,
    DOCTOR_DIRECTORY_SAME,
    DOCTOR_TOKEN_KEY,
    DOCTOR_TOKEN_KEY_BEGUN,
    DOCTOR_USER_TOKEN,
    DOCTOR_TOKEN_ISSUE,
    DOCTOR_TOKEN_REQUIRED,
    DOCTOR_TOKEN_REDEEM,
    DOCTOR_TOKEN_ONCE,
    DOCTOR_CONFIG,
    DOCTOR_USE_CASE,
    DOCTOR_SHARD_COUNT,
    DOCTOR_PARAMETERS,
    DOCTOR_CONFIG_PUBLIC,
    DOCTOR_MANIFEST,
    DOCTOR_MANIFEST_CACHE,
    DOCTOR_SIGNATURE,
    DOCTOR_BITS,
    DOCTOR_BITS_CACHE,
    DOCTOR_PREFILTER_FILE,
    DOCTOR_PREFILTER_BUILT,
    DOCTOR_PREFILTER_KEYS,
    DOCTOR_PREFILTER_TEST_ROW,
    DOCTOR_PREFILTER_RATE,
    DOCTOR_KEY_UPLOAD,
    DOCTOR_KEY_SURVIVES,
    DOCTOR_TEST_ROW,
    DOCTOR_SHARDS,
    DOCTOR_ROWS,
    DOCTOR_INLINE_KEY,
    DOCTOR_GATEWAY_URL,
    DOCTOR_GATEWAY_KEYS,
    DOCTOR_GATEWAY_HTTP2,
    DOCTOR_GATEWAY_OPENS,
    DOCTOR_GATEWAY_TARGET,
    DOCTOR_GATEWAY_CONFIG,
    DOCTOR_GATEWAY_UPLOAD,
    DOCTOR_GATEWAY_QUESTIONS,
    DOCTOR_DNS_TXT,
    DOCTOR_PROFILE,
    DOCTOR_PROFILE_NAMES,
    DOCTOR_INFO_PLIST,
    DOCTOR_CHECK_COUNT
};
static_assert(DOCTOR_CHECK_COUNT <= 64, "sets of checks have 64 bits");
#define DOCTOR_SET(check) ((uint64_t)1 << (check))

struct doctor_row {
    const char *id;
    const char *title; /* what is so when all is well */
    uint64_t needs;    /* set of earlier checks: means nothing while one of them fails */
    const char *cause; /* of a failure, as a rule */
    const char *advice;
};
const struct doctor_row *doctor_row(enum doctor_check check);

#define DOCTOR_ERROR_CHECKS_MAX 16

/* What somebody sees on a device, and the checks that explain it. */
struct doctor_error {
    const char *name;  /* as typed behind --error, */
    const char *also;  /* or so, in either case of letters; NULL = in no other way */
    const char *seen;  /* how it looks */
    const char *means; /* sentences */
    const char *next;  /* what to do beyond what the checks say */
    size_t check_count;
    enum doctor_check checks[DOCTOR_ERROR_CHECKS_MAX]; /* the likely ones first */
};
size_t doctor_error_count(void);
const struct doctor_error *doctor_error(size_t i);
/* By name or its other name; NULL when there is no such one. */
const struct doctor_error *doctor_error_find(const char *name);

#endif
