/* tool_signing - options of commands that make datasets: by whom the prefilter is signed. */
#ifndef BLINDLIST_TOOLS_TOOL_SIGNING_H
#define BLINDLIST_TOOLS_TOOL_SIGNING_H

#include "pir-server/dataset/dataset_write.h"
#include "tools/tool.h"

/* Rows of an option table. */
#define TOOL_SIGN_KEY_OPTION                                                                       \
    {                                                                                              \
        "sign-key", 0, "FILE", "sign the prefilter with this key, of `blindlist sign --new-key`"   \
    }
#define TOOL_UNSIGNED_OPTION                                                                       \
    {                                                                                              \
        "unsigned", 0, NULL, "do not, though the version before is signed"                         \
    }

struct tool_signing {
    const char *path; /* value of --sign-key; NULL = not given */
    bool is_unsigned; /* --unsigned */
    struct bloom_signing_key *key;
    char public_key[BLOOM_PUBLIC_KEY_TEXT_BYTES]; /* its text; "" = none */
};

/* Once all options are taken: EXIT_DONE, or the exit code of a usage error. */
int tool_signing_check(const struct tool_signing *signing, const struct tool_args *args);
/* Reads the key, if there is to be one. */
enum status tool_signing_read(struct tool_signing *signing, struct error *err) MUST_CHECK;
/* `settings` borrow from `signing`. */
void tool_signing_apply(const struct tool_signing *signing, struct dataset_settings *settings);
/* Says on standard error that apps which pin the key of the version before will not take this one,
 * whose signer's public key this is, "" = nobody. */
void tool_signing_warn(const char *public_key);
void tool_signing_deinit(struct tool_signing *signing);

#endif
