/* blindlist sign - signs manifests of prefilters, makes the keys for that, and checks. */
#include "base/file.h"
#include "bloom/formats/bloom_manifest.h"
#include "bloom/formats/bloom_signature.h"
#include "tools/commands.h"

#include <stdio.h>
#include <unistd.h>

enum { OPT_KEY, OPT_NEW_KEY, OPT_VERIFY, OPT_OUT };
static const struct tool_option options[] = {
    [OPT_KEY] = {"key", 'k', "FILE",
                 "sign with this private key; without MANIFEST: print its public key"},
    [OPT_NEW_KEY] = {"new-key", 0, "FILE", "make a private key, and print its public key"},
    [OPT_VERIFY] = {"verify", 0, "KEY", "is the manifest signed by the owner of this public key?"},
    [OPT_OUT] = {"out", 'o', "FILE", "write the signed manifest there, not over the old one"},
};

static enum status print_public(const struct bloom_signing_key *key, struct error *err)
{
    char text[BLOOM_PUBLIC_KEY_TEXT_BYTES];
    const enum status status = bloom_signing_key_public(key, text, err);
    if (status == STATUS_OK)
        puts(text);
    return status;
}

static enum status make_key(const char *path, struct error *err)
{
    struct bloom_signing_key *key = NULL;
    struct bytes pem;
    if (access(path, F_OK) == 0)
        return error_set(err, STATUS_EXISTS, "%s: is there already; no key is written over", path);
    bytes_init(&pem, BLOOM_SIGNING_KEY_MAX_BYTES);
    enum status status = bloom_signing_key_make(&key, err);
    if (status == STATUS_OK)
        status = bloom_signing_key_format(key, &pem, err);
    if (status == STATUS_OK)
        status = file_write(path, FILE_MODE_SECRET, bytes_view(&pem), err);
    if (status == STATUS_OK)
        status = print_public(key, err);
    bytes_deinit_secret(&pem);
    bloom_signing_key_free(key);
    return status;
}

static enum status read_manifest(const char *path, struct bloom_meta *ret, struct error *err)
{
    struct bytes json;
    enum bloom_layout layout = BLOOM_LAYOUT_MANIFEST;
    bytes_init(&json, BLOOM_MANIFEST_MAX_BYTES);
    enum status status = file_read(path, &json, err);
    if (status == STATUS_OK)
        status = bloom_manifest_parse(bytes_view(&json), path, ret, &layout, err);
    if (status == STATUS_OK && layout != BLOOM_LAYOUT_MANIFEST)
        status = error_set(err, STATUS_UNSUPPORTED, "%s: is %s, which has no place for a signature",
                           path, bloom_layout_name(layout));
    bytes_deinit(&json);
    return status;
}

static enum status sign(const char *path, const char *out, const struct bloom_signing_key *key,
                        struct error *err)
{
    struct bloom_meta meta;
    struct bytes json;
    bytes_init(&json, BLOOM_MANIFEST_MAX_BYTES);
    enum status status = read_manifest(path, &meta, err);
    if (status == STATUS_OK)
        status = bloom_meta_sign(key, &meta, err);
    if (status == STATUS_OK)
        status = bloom_manifest_format(&meta, BLOOM_LAYOUT_MANIFEST, &json, err);
    if (status == STATUS_OK)
        status = file_write(out, FILE_MODE_PUBLIC, bytes_view(&json), err);
    bytes_deinit(&json);
    return status;
}

static int verify(const char *path, const char *public_key, struct error *err)
{
    struct bloom_meta meta;
    bool is_valid = false;
    enum status status = read_manifest(path, &meta, err);
    if (status == STATUS_OK)
        status = bloom_meta_verify(&meta, public_key, &is_valid, err);
    if (status != STATUS_OK)
        return tool_fail(err);
    puts(is_valid                    ? "signed by this key"
         : meta.signature[0] == '\0' ? "not signed"
                                     : "signed by another key, or changed since");
    return is_valid ? EXIT_DONE : EXIT_ANSWER_NO;
}

static int run(struct tool_args *args)
{
    const char *values[ARRAY_COUNT(options)] = {NULL};
    const char *manifest = NULL;
    struct error error = {0};
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        if (got == TOOL_STOP)
            return args->exit_code;
        if (got == TOOL_OPERAND && manifest != NULL)
            return tool_usage_error(args, "one manifest at a time: %s", args->value);
        *(got == TOOL_OPERAND ? &manifest : &values[got]) = args->value;
    }
    const char *key_path = values[OPT_KEY];
    if ((key_path != NULL) + (values[OPT_NEW_KEY] != NULL) + (values[OPT_VERIFY] != NULL) != 1)
        return tool_usage_error(args, "one of --key, --new-key and --verify is needed");
    if (values[OPT_OUT] != NULL && (key_path == NULL || manifest == NULL))
        return tool_usage_error(args, "--out goes with --key and a manifest");
    if (values[OPT_NEW_KEY] != NULL) {
        if (manifest != NULL)
            return tool_usage_error(args, "--new-key takes no manifest: %s", manifest);
        return make_key(values[OPT_NEW_KEY], &error) == STATUS_OK ? EXIT_DONE : tool_fail(&error);
    }
    if (values[OPT_VERIFY] != NULL) {
        if (manifest == NULL)
            return tool_usage_error(args, "which manifest?");
        return verify(manifest, values[OPT_VERIFY], &error);
    }
    struct bloom_signing_key *key = NULL;
    enum status status = bloom_signing_key_read(key_path, &key, &error);
    if (status == STATUS_OK && manifest == NULL)
        status = print_public(key, &error);
    else if (status == STATUS_OK)
        status = sign(manifest, values[OPT_OUT] != NULL ? values[OPT_OUT] : manifest, key, &error);
    bloom_signing_key_free(key);
    return status == STATUS_OK ? EXIT_DONE : tool_fail(&error);
}

const struct tool_command command_sign = {
    .name = "sign",
    .synopsis = "[MANIFEST] --key FILE | --new-key FILE | --verify KEY",
    .summary = "sign a prefilter's manifest, for apps that pin a key",
    .details =
        "Signs with Ed25519 what decides which URLs hit the prefilter, and puts the signature\n"
        "into the manifest. An app that carries the public key takes no other prefilter.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .run = run,
};
