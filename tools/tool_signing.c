#include "tools/tool_signing.h"

#include <stdio.h>

int tool_signing_check(const struct tool_signing *signing, const struct tool_args *args)
{
    if (signing->path != NULL && signing->is_unsigned)
        return tool_usage_error(args, "--sign-key and --unsigned exclude each other");
    return EXIT_DONE;
}

enum status tool_signing_read(struct tool_signing *signing, struct error *err)
{
    if (signing->path == NULL)
        return STATUS_OK;
    const enum status status = bloom_signing_key_read(signing->path, &signing->key, err);
    return status == STATUS_OK ? bloom_signing_key_public(signing->key, signing->public_key, err)
                               : status;
}

void tool_signing_apply(const struct tool_signing *signing, struct dataset_settings *settings)
{
    settings->signing_key = signing->key;
    settings->may_be_unsigned = signing->is_unsigned;
}

void tool_signing_warn(const char *public_key)
{
    fprintf(stderr,
            "blindlist: warning: this prefilter is %s%s, the one before was signed by another key: "
            "apps that pin that one alone stay with their old prefilter\n",
            public_key[0] != '\0' ? "signed by " : "not signed", public_key);
}

void tool_signing_deinit(struct tool_signing *signing)
{
    bloom_signing_key_free(signing->key);
}
