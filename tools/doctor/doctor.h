/* doctor - looks at a deployment from outside, as devices do, and says what is wrong with it.
 *
 * Each check of doctor_table.h passes, fails or remains unknown, with a sentence that says what was
 * seen. A check that means nothing because another one failed is unknown and says which, so that
 * one cause is told once.
 *
 * Secret   user token and tokens; nothing of them is in a sentence.
 * Threads  one at a time. */
#ifndef BLINDLIST_TOOLS_DOCTOR_H
#define BLINDLIST_TOOLS_DOCTOR_H

#include "base/status.h"
#include "tools/doctor/doctor_table.h"

#include <stdbool.h>

enum doctor_result { DOCTOR_UNKNOWN, DOCTOR_PASS, DOCTOR_FAIL };

#define DOCTOR_WHY_BYTES 512

struct doctor_finding {
    enum doctor_result result;
    char why[DOCTOR_WHY_BYTES];
};

struct doctor_options {
    const char *server;         /* base URL */
    const char *issuer;         /* base URL; NULL: the server's */
    const char *bundle_id;      /* of the app; NULL: not known */
    const char *use_case;       /* NULL: bundle_id.url.filtering, else the only one there is */
    const char *user_token;     /* NULL: what costs tokens remains unknown */
    const char *ca_path;        /* as of http_client_options */
    const char *connect_to;     /* likewise */
    const char *keys_path;      /* dataset keys, one a line; NULL: none */
    const char *prefilter_path; /* a filter that an app ships (bloom_file.h); NULL: none */
    const char *public_key;     /* that the app pins (bloom_signature.h); NULL: none */
    const char *gateway;        /* base URL; NULL: none */
    const char *name_server;    /* "ADDRESS:PORT"; NULL: those of the system */
    const char *profile_path;   /* NULL: none */
    const char *info_plist_path;
    bool is_development; /* http, ports, addresses and HTTP/1.1 are right, no relay asks */
    bool show_progress;
};

struct doctor_report {
    struct doctor_finding findings[DOCTOR_CHECK_COUNT];
};

/* Fails without memory, or when keys_path or ca_path cannot be read (twice): all else that does not
 * work is a finding. */
enum status doctor_examine(const struct doctor_options *options, struct doctor_report *ret,
                           struct error *err) MUST_CHECK;

#endif
