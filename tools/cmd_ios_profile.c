/* blindlist ios profile */
#include "base/file.h"
#include "bloom/formats/plist_tree.h"
#include "tools/cmd_ios.h"
#include "tools/ios/ios_profile.h"
#include "tools/tool_json.h"
#include "tools/tool_user_token.h"

#include <stdio.h>
#include <string.h>

enum {
    OPT_TOKEN = IOS_NAMES_OPTION_COUNT,
    OPT_TOKEN_FILE,
    OPT_NAME,
    OPT_ORGANIZATION,
    OPT_REQUIREMENT,
    OPT_FAIL_CLOSED,
    OPT_UNSUPERVISED,
    OPT_INTERVAL,
    OPT_REPORT_ENDPOINT,
    OPT_REPORT_FORMAT,
    OPT_REPORT_INTERVAL,
    OPT_OUT,
    OPT_CHECK,
    OPT_JSON
};
static const struct tool_option options[] = {
    IOS_NAMES_OPTIONS,
    [OPT_TOKEN] = {"token", 0, "TOKEN", "the user token, or what your MDM puts in its place"},
    [OPT_TOKEN_FILE] = {"token-file", 0, "FILE", "the user token, in a file"},
    [OPT_NAME] = {"name", 0, "TEXT", "of the filter, as people see it (default: URL filter)"},
    [OPT_ORGANIZATION] = {"organization", 0, "TEXT", "whose profile it is"},
    [OPT_REQUIREMENT] = {"designated-requirement", 0, "TEXT",
                         "of the extension's signature, which Macs want"},
    [OPT_FAIL_CLOSED] = {"fail-closed", 0, NULL, "block everything while no answer is to be had"},
    [OPT_UNSUPERVISED] = {"unsupervised", 0, NULL, "for devices that nobody supervises, too"},
    [OPT_INTERVAL] = {"prefilter-interval", 0, "SECONDS", "between fetches, 2700 or more [86400]"},
    [OPT_REPORT_ENDPOINT] = {"report-endpoint", 0, "PATH",
                             "on the server: where supervised devices send reports (27.0)"},
    [OPT_REPORT_FORMAT] = {"report-format", 0, "FORMAT", "json or protobuf [json]"},
    [OPT_REPORT_INTERVAL] = {"report-interval", 0, "SECONDS", "3600 or more [86400]"},
    [OPT_OUT] = {"out", 'o', "FILE", "write it there, readable by you (default: print it)"},
    [OPT_CHECK] = {"check", 'c', "FILE", "look at a profile that there is, and end"},
    [OPT_JSON] = {"json", 0, NULL, "of --check: print a JSON object"},
};

struct session {
    struct ios_names names;
    struct ios_profile profile;
    const char *token_path;
    const char *out;
    const char *check_path;
    bool as_json;
};

static int take_endpoint(const struct tool_args *args)
{
    const char *fault = ios_report_endpoint_fault(args->value);
    return fault == NULL
               ? EXIT_DONE
               : tool_usage_error(args, "--report-endpoint: \"%s\" %s", args->value, fault);
}

/* EXIT_DONE, or the exit code of --help or of a usage error. */
static int take_option(struct session *session, int got, const struct tool_args *args)
{
    struct ios_profile *profile = &session->profile;
    if (got >= 0 && got < IOS_NAMES_OPTION_COUNT) {
        ios_names_take(&session->names, got, args);
        return EXIT_DONE;
    }
    switch (got) {
    case OPT_TOKEN:
        profile->user_token = args->value;
        return EXIT_DONE;
    case OPT_TOKEN_FILE:
        session->token_path = args->value;
        return EXIT_DONE;
    case OPT_NAME:
        profile->name = args->value;
        return args->value[0] != '\0' ? EXIT_DONE : tool_bad_value(args, "a text is expected");
    case OPT_ORGANIZATION:
        profile->organization = args->value;
        return EXIT_DONE;
    case OPT_REQUIREMENT:
        profile->designated_requirement = args->value;
        return EXIT_DONE;
    case OPT_FAIL_CLOSED:
        profile->fails_closed = true;
        return EXIT_DONE;
    case OPT_INTERVAL:
        return tool_take_u32(args, IOS_PREFILTER_INTERVAL_MIN_S, INT32_MAX,
                             &profile->prefilter_interval_s);
    case OPT_UNSUPERVISED:
        profile->is_for_unsupervised = true;
        return EXIT_DONE;
    case OPT_REPORT_ENDPOINT:
        profile->report_endpoint = args->value;
        return take_endpoint(args);
    case OPT_REPORT_FORMAT:
        profile->report_format = args->value;
        return strcmp(args->value, "json") == 0 || strcmp(args->value, "protobuf") == 0
                   ? EXIT_DONE
                   : tool_bad_value(args, "json or protobuf is expected");
    case OPT_REPORT_INTERVAL:
        return tool_take_u32(args, IOS_REPORT_INTERVAL_MIN_S, INT32_MAX,
                             &profile->report_interval_s);
    case OPT_OUT:
        session->out = args->value;
        return EXIT_DONE;
    case OPT_CHECK:
        session->check_path = args->value;
        return EXIT_DONE;
    case OPT_JSON:
        session->as_json = true;
        return EXIT_DONE;
    case TOOL_OPERAND:
        return tool_usage_error(args, "what is %s? Values follow an option", args->value);
    default:
        return args->exit_code;
    }
}

/* ---- one that there is ---- */

struct faults {
    json_t *list; /* NULL: as text */
    size_t count;
    const char *path;
};

static void take_fault(void *context, unsigned long line, const char *where, const char *what)
{
    struct faults *faults = context;
    faults->count++;
    if (faults->list == NULL)
        printf("%s, line %lu: %s: %s\n", faults->path, line, where, what);
    else
        json_array_append_new(faults->list, json_pack("{s:I, s:o, s:o}", "line", (json_int_t)line,
                                                      "key", tool_text_json(span_of_text(where)),
                                                      "what", tool_text_json(span_of_text(what))));
}

static int check(const struct session *session)
{
    const struct ios_names *names = &session->names;
    const struct ios_profile_expected expected = {names->server, names->issuer, names->bundle_id};
    struct faults faults = {.path = session->check_path,
                            .list = session->as_json ? json_array() : NULL};
    struct bytes xml;
    struct error error;
    bytes_init(&xml, PLIST_TREE_MAX_BYTES);
    enum status status = file_read(session->check_path, &xml, &error);
    if (status == STATUS_OK)
        status = ios_profile_check(bytes_view(&xml), session->check_path, &expected, take_fault,
                                   &faults, &error);
    bytes_deinit_secret(&xml);
    if (status != STATUS_OK) {
        json_decref(faults.list);
        return tool_fail(&error);
    }
    int exit_code = faults.count > 0 ? EXIT_ANSWER_NO : EXIT_DONE;
    if (session->as_json) {
        const int printed = tool_print_json(json_pack("{s:o}", "faults", faults.list));
        exit_code = printed == EXIT_DONE ? exit_code : printed;
    } else if (faults.count == 0) {
        printf("%s: right\n", session->check_path);
    }
    return exit_code;
}

/* ---- a new one ---- */

static int write_profile(struct session *session, const struct tool_args *args)
{
    char extension[IOS_EXTENSION_ID_BYTES];
    struct ios_profile *profile = &session->profile;
    struct bytes token;
    struct bytes xml;
    struct error error;
    int code = ios_names_check(&session->names, args);
    if (code != EXIT_DONE)
        return code;
    if ((profile->user_token == NULL) == (session->token_path == NULL))
        return tool_usage_error(args, "either --token or --token-file is needed");
    if (profile->is_for_unsupervised && profile->report_endpoint != NULL)
        return tool_usage_error(args, "reports come from supervised devices only");
    profile->bundle_id = session->names.bundle_id;
    profile->extension_id = ios_names_extension(&session->names, extension);
    profile->server = session->names.server;
    profile->issuer = session->names.issuer != NULL ? session->names.issuer : session->names.server;
    tool_user_token_init(&token);
    bytes_init(&xml, PLIST_TREE_MAX_BYTES);
    bytes_reserve(&xml, PLIST_TREE_MAX_BYTES); /* no copy of the token stays behind */
    enum status status = STATUS_OK;
    if (session->token_path != NULL)
        status = tool_user_token_read(session->token_path, &token, &profile->user_token, &error);
    if (status == STATUS_OK)
        status = ios_profile_write(profile, &xml, &error);
    if (status == STATUS_OK && session->out != NULL)
        status = file_write(session->out, FILE_MODE_SECRET, bytes_view(&xml), &error);
    else if (status == STATUS_OK)
        fwrite(xml.data, 1, xml.size, stdout);
    bytes_deinit_secret(&xml);
    bytes_deinit_secret(&token);
    return status == STATUS_OK ? EXIT_DONE : tool_fail(&error);
}

static int run(struct tool_args *args)
{
    struct session session = {.profile = {.name = "URL filter",
                                          .prefilter_interval_s = IOS_PREFILTER_INTERVAL_DEFAULT_S,
                                          .report_format = "json",
                                          .report_interval_s = IOS_REPORT_INTERVAL_DEFAULT_S}};
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        const int code = take_option(&session, got, args);
        if (got == TOOL_STOP || code != EXIT_DONE)
            return code;
    }
    return session.check_path != NULL ? check(&session) : write_profile(&session, args);
}

const struct tool_command command_ios_profile = {
    .name = "ios profile",
    .synopsis = "--bundle-id ID --server URL --token-file FILE [options] | --check FILE",
    .summary = "write a configuration profile for an MDM, or check one",
    .details =
        "A profile with the payload com.apple.webcontent-filter sets the filter up on managed\n"
        "devices. --check names every wrong or missing key, and with --server, --issuer and\n"
        "--bundle-id every value that is another; exit code 0: it is right, 3: it is not.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .run = run,
};
