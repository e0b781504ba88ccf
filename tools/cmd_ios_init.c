/* blindlist ios init */
#include "tools/cmd_ios.h"
#include "tools/ios/ios_project.h"
#include "tools/tool_user_token.h"

#include <stdio.h>
#include <string.h>

enum { OPT_TOKEN_FILE = IOS_NAMES_OPTION_COUNT, OPT_OUT };
static const struct tool_option options[] = {
    IOS_NAMES_OPTIONS,
    [OPT_TOKEN_FILE] = {"token-file", 0, "FILE", "fill this user token in: for a first try"},
    [OPT_OUT] = {"out", 'o', "DIR", "a folder that is not there yet (required)"},
};

static int make(const struct ios_names *names, const char *token_path, const char *out)
{
    char extension[IOS_EXTENSION_ID_BYTES];
    struct bytes token;
    struct error error;
    enum status status = STATUS_OK;
    struct ios_project project = {.bundle_id = names->bundle_id,
                                  .extension_id = ios_names_extension(names, extension),
                                  .server = names->server,
                                  .issuer = names->issuer,
                                  .is_plain_http = strncmp(names->server, "http://", 7) == 0};
    tool_user_token_init(&token);
    if (token_path != NULL)
        status = tool_user_token_read(token_path, &token, &project.user_token, &error);
    if (status == STATUS_OK && project.user_token != NULL &&
        strpbrk(project.user_token, "\"\\") != NULL)
        status = error_set(&error, STATUS_INVALID, "%s: holds a quote or a backslash", token_path);
    if (status == STATUS_OK)
        status = ios_project_write(&project, out, &error);
    bytes_deinit_secret(&token);
    if (status != STATUS_OK)
        return tool_fail(&error);
    for (size_t i = 0; i < ios_project_file_count(); i++)
        printf("%s/%s\n", out, ios_project_file(i));
    return EXIT_DONE;
}

static int run(struct tool_args *args)
{
    struct ios_names names = {0};
    const char *token_path = NULL;
    const char *out = NULL;
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        if (got >= 0 && got < IOS_NAMES_OPTION_COUNT)
            ios_names_take(&names, got, args);
        else if (got == OPT_TOKEN_FILE)
            token_path = args->value;
        else if (got == OPT_OUT)
            out = args->value;
        else if (got == TOOL_OPERAND)
            return tool_usage_error(args, "what is %s? Values follow an option", args->value);
        else
            return args->exit_code;
    }
    const int code = ios_names_check(&names, args);
    if (code != EXIT_DONE)
        return code;
    if (out == NULL || out[0] == '\0')
        return tool_usage_error(args, "--out is missing");
    return make(&names, token_path, out);
}

const struct tool_command command_ios_init = {
    .name = "ios init",
    .synopsis = "--bundle-id ID --server URL [--issuer URL] --out DIR",
    .summary = "write the sources of an app and its extension, names filled in",
    .details =
        "Swift sources, Info.plist and entitlements of an app with a URL filter, whole or not\n"
        "at all. docs/IOS.md says how they become an Xcode project.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .run = run,
};
