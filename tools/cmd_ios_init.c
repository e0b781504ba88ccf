/* blindlist ios init */
#include "bloom/formats/bloom_signature.h"
#include "lists/parsing_file.h"
#include "tools/cmd_ios.h"
#include "tools/ios/ios_project.h"
#include "tools/tool_parsing.h"
#include "tools/tool_user_token.h"

#include <stdio.h>
#include <string.h>

enum {
    OPT_NAME = IOS_NAMES_OPTION_COUNT,
    OPT_TOKEN_FILE,
    OPT_PUBLIC_KEY,
    OPT_PARSING,
    OPT_PACKAGE,
    OPT_OUT
};
static const struct tool_option options[] = {
    IOS_NAMES_OPTIONS,
    [OPT_NAME] = {"name", 0, "NAME", "of the app: letters and digits (default: DIR's)"},
    [OPT_TOKEN_FILE] = {"token-file", 0, "FILE", "fill this user token in: for a first try"},
    [OPT_PUBLIC_KEY] = {"public-key", 0, "KEY", "whose signature prefilters must have; repeatable"},
    [OPT_PARSING] = TOOL_PARSING_OPTION,
    [OPT_PACKAGE] = {"package", 0, "PATH", "of URLFilterKit from DIR (default: write it along)"},
    [OPT_OUT] = {"out", 'o', "DIR", "a folder that is not there yet (required)"},
};

struct session {
    struct ios_names names;
    struct ios_project project;
    const char *token_path;
    const char *parsing_path;
    const char *out;
};

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Its text in full and on one line, as the compiler writes it into dataset.json. */
static enum status read_parsing(const char *path, struct bytes *ret, struct error *err)
{
    struct parsing *parsing = NULL;
    enum status status = parsing_file_read(path, &parsing, err);
    if (status == STATUS_OK)
        status = parsing_file_format(parsing, ret, err);
    if (status == STATUS_OK && ret->size > 0)
        bytes_append_u8(ret, '\n');
    parsing_free(parsing);
    return status == STATUS_OK ? bytes_status(ret, path, err) : status;
}

static enum status read_token(struct session *session, struct bytes *token, struct error *err)
{
    const enum status status =
        tool_user_token_read(session->token_path, token, &session->project.user_token, err);
    if (status != STATUS_OK || strpbrk(session->project.user_token, "\"\\") == NULL)
        return status;
    return error_set(err, STATUS_INVALID, "%s: holds a quote or a backslash", session->token_path);
}

static void print_files(const struct session *session)
{
    struct bytes path;
    bytes_init(&path, PARSING_FILE_MAX_BYTES);
    for (size_t i = 0; i < ios_project_file_count(&session->project); i++) {
        bytes_clear(&path);
        ios_project_append_path(&session->project, i, &path);
        printf("%s/%.*s\n", session->out, (int)path.size, (const char *)path.data);
    }
    bytes_deinit(&path);
}

static int make(struct session *session)
{
    char extension[IOS_EXTENSION_ID_BYTES];
    struct bytes token;
    struct bytes parsing;
    struct error error;
    enum status status = STATUS_OK;
    const struct ios_names *names = &session->names;
    struct ios_project *project = &session->project;
    project->bundle_id = names->bundle_id;
    project->extension_id = ios_names_extension(names, extension);
    project->server = names->server;
    project->issuer = names->issuer != NULL ? names->issuer : names->server;
    project->is_plain_http = strncmp(names->server, "http://", 7) == 0;
    tool_user_token_init(&token);
    bytes_init(&parsing, PARSING_FILE_MAX_BYTES);
    if (session->token_path != NULL)
        status = read_token(session, &token, &error);
    if (status == STATUS_OK && session->parsing_path != NULL)
        status = read_parsing(session->parsing_path, &parsing, &error);
    project->parsing = bytes_view(&parsing);
    if (status == STATUS_OK)
        status = ios_project_write(project, session->out, &error);
    if (status == STATUS_OK)
        print_files(session);
    bytes_deinit(&parsing);
    bytes_deinit_secret(&token);
    return status == STATUS_OK ? EXIT_DONE : tool_fail(&error);
}

static int check_project(struct session *session, const struct tool_args *args)
{
    struct ios_project *project = &session->project;
    if (session->out == NULL || session->out[0] == '\0')
        return tool_usage_error(args, "--out is missing");
    if (project->name == NULL)
        project->name = last_part(session->out);
    const char *fault = ios_project_name_fault(project->name);
    if (fault != NULL)
        return tool_usage_error(args, "--name: %s %s", project->name, fault);
    if (project->package != NULL && strpbrk(project->package, "\"\\\n") != NULL)
        return tool_usage_error(args, "--package %s has what no path in a project can have",
                                project->package);
    return EXIT_DONE;
}

static int take_public_key(struct ios_project *project, const struct tool_args *args)
{
    if (!bloom_public_key_is_valid(args->value))
        return tool_bad_value(args, "a public key, as `blindlist sign --new-key` prints it");
    if (project->public_key_count == IOS_PUBLIC_KEYS_MAX)
        return tool_usage_error(args, "--public-key: %zu are enough", IOS_PUBLIC_KEYS_MAX);
    project->public_keys[project->public_key_count++] = args->value;
    return EXIT_DONE;
}

/* EXIT_DONE, or the exit code of --help or of a usage error. */
static int take_option(struct session *session, int got, const struct tool_args *args)
{
    if (got >= 0 && got < IOS_NAMES_OPTION_COUNT) {
        ios_names_take(&session->names, got, args);
        return EXIT_DONE;
    }
    switch (got) {
    case OPT_NAME:
        session->project.name = args->value;
        return EXIT_DONE;
    case OPT_TOKEN_FILE:
        session->token_path = args->value;
        return EXIT_DONE;
    case OPT_PUBLIC_KEY:
        return take_public_key(&session->project, args);
    case OPT_PARSING:
        session->parsing_path = args->value;
        return EXIT_DONE;
    case OPT_PACKAGE:
        session->project.package = args->value;
        return EXIT_DONE;
    case OPT_OUT:
        session->out = args->value;
        return EXIT_DONE;
    case TOOL_OPERAND:
        return tool_usage_error(args, "what is %s? Values follow an option", args->value);
    default:
        return args->exit_code;
    }
}

static int run(struct tool_args *args)
{
    struct session session = {.project.user_token = ""};
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        const int code = take_option(&session, got, args);
        if (got == TOOL_STOP || code != EXIT_DONE)
            return code;
    }
    int code = ios_names_check(&session.names, args);
    if (code == EXIT_DONE)
        code = check_project(&session, args);
    return code == EXIT_DONE ? make(&session) : code;
}

const struct tool_command command_ios_init = {
    .name = "ios init",
    .synopsis = "--bundle-id ID --server URL [--issuer URL] --out DIR",
    .summary = "write an Xcode project of an app and its extension, names filled in",
    .details =
        "A project that opens as it is: Swift sources, Info.plist and entitlements of an app\n"
        "with a URL filter and of its extension, and the package URLFilterKit, whole or not at\n"
        "all. control-provider/Example with the names of this deployment; docs/IOS.md goes on\n"
        "from there.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .run = run,
};
