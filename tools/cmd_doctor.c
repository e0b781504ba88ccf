/* blindlist doctor - looks at a deployment from outside and says what is wrong with it. */
#include "base/bytes.h"
#include "base/file.h"
#include "tools/commands.h"
#include "tools/doctor/doctor_print.h"
#include "tools/tool_user_token.h"

enum {
    OPT_SERVER,
    OPT_ISSUER,
    OPT_BUNDLE_ID,
    OPT_USE_CASE,
    OPT_TOKEN,
    OPT_TOKEN_FILE,
    OPT_KEYS,
    OPT_PREFILTER,
    OPT_PUBLIC_KEY,
    OPT_GATEWAY,
    OPT_PROFILE,
    OPT_INFO_PLIST,
    OPT_DNS,
    OPT_DEVELOPMENT,
    OPT_CACERT,
    OPT_CONNECT,
    OPT_ERROR,
    OPT_MARKDOWN,
    OPT_JSON
};
static const struct tool_option options[] = {
    [OPT_SERVER] = {"server", 's', "URL", "the server, as the app names it"},
    [OPT_ISSUER] = {"issuer", 'i', "URL", "the issuer of tokens (default: the server)"},
    [OPT_BUNDLE_ID] = {"bundle-id", 'b', "ID", "of the app: its use case is ID.url.filtering"},
    [OPT_USE_CASE] = {"use-case", 'u', "NAME", "if it is called otherwise"},
    [OPT_TOKEN] = {"token", 0, "TOKEN", "a user token: has Privacy Pass tokens issued"},
    [OPT_TOKEN_FILE] = {"token-file", 0, "FILE", "the user token, in a file"},
    [OPT_KEYS] = {"keys", 'k', "FILE", "dataset keys, one a line, such as rows.txt"},
    [OPT_PREFILTER] = {"prefilter", 'p', "FILE", "the prefilter that the app ships"},
    [OPT_PUBLIC_KEY] = {"public-key", 0, "KEY", "of who signs prefilters, as the app pins it"},
    [OPT_GATEWAY] = {"gateway", 'g', "URL", "the Oblivious HTTP gateway"},
    [OPT_PROFILE] = {"profile", 0, "FILE", "a configuration profile for this app"},
    [OPT_INFO_PLIST] = {"info-plist", 0, "FILE", "the app's, with NSPIRConfiguration"},
    [OPT_DNS] = {"dns", 0, "ADDRESS:PORT", "ask this name server rather than the system's"},
    [OPT_DEVELOPMENT] = {"development", 0, NULL,
                         "for apps signed so: http, ports and addresses are right"},
    [OPT_CACERT] = {"cacert", 0, "FILE", "trust the certificates in FILE, not the system's"},
    [OPT_CONNECT] = {"connect", 0, "HOST:PORT", "connect there, whatever the names lead to"},
    [OPT_ERROR] = {"error", 'e', "NAME", "explain an error that devices show, and end"},
    [OPT_MARKDOWN] = {"markdown", 0, NULL, "print docs/TROUBLESHOOTING.md, and end"},
    [OPT_JSON] = {"json", 0, NULL, "print a JSON object"},
};

struct session {
    struct doctor_options options;
    const char *token_path;
    const char *error_name;
    bool as_markdown;
    bool as_json;
};

/* EXIT_DONE, or the exit code of --help or of a usage error. */
static int take_option(struct session *session, int got, const struct tool_args *args)
{
    struct doctor_options *doctor = &session->options;
    const struct {
        int option;
        const char **text;
    } texts[] = {
        {OPT_SERVER, &doctor->server},         {OPT_ISSUER, &doctor->issuer},
        {OPT_BUNDLE_ID, &doctor->bundle_id},   {OPT_USE_CASE, &doctor->use_case},
        {OPT_TOKEN, &doctor->user_token},      {OPT_TOKEN_FILE, &session->token_path},
        {OPT_CACERT, &doctor->ca_path},        {OPT_CONNECT, &doctor->connect_to},
        {OPT_KEYS, &doctor->keys_path},        {OPT_PREFILTER, &doctor->prefilter_path},
        {OPT_PUBLIC_KEY, &doctor->public_key}, {OPT_GATEWAY, &doctor->gateway},
        {OPT_PROFILE, &doctor->profile_path},  {OPT_INFO_PLIST, &doctor->info_plist_path},
        {OPT_DNS, &doctor->name_server},       {OPT_ERROR, &session->error_name},
    };
    const struct {
        int option;
        bool *is_set;
    } switches[] = {
        {OPT_DEVELOPMENT, &doctor->is_development},
        {OPT_MARKDOWN, &session->as_markdown},
        {OPT_JSON, &session->as_json},
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (got == texts[i].option) {
            *texts[i].text = args->value;
            return EXIT_DONE;
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(switches); i++) {
        if (got == switches[i].option) {
            *switches[i].is_set = true;
            return EXIT_DONE;
        }
    }
    if (got == TOOL_OPERAND)
        return tool_usage_error(args, "what is %s? Values follow an option", args->value);
    return args->exit_code;
}

static int explain(const struct session *session, const struct tool_args *args)
{
    char names[512];
    const struct doctor_error *error = doctor_error_find(session->error_name);
    if (error == NULL) {
        doctor_error_names(names, sizeof names);
        return tool_usage_error(args, "--error %s is none of %s", session->error_name, names);
    }
    return session->as_json ? doctor_print_error_json(error) : doctor_print_error(error);
}

static int examine(struct session *session)
{
    struct doctor_report report;
    struct bytes user_token;
    struct error error;
    enum status status = STATUS_OK;
    tool_user_token_init(&user_token);
    if (session->token_path != NULL)
        status = tool_user_token_read(session->token_path, &user_token,
                                      &session->options.user_token, &error);
    session->options.show_progress = true;
    if (status == STATUS_OK)
        status = doctor_examine(&session->options, &report, &error);
    bytes_deinit_secret(&user_token);
    if (status != STATUS_OK)
        return tool_fail(&error);
    return session->as_json ? doctor_print_report_json(&report) : doctor_print_report(&report);
}

static int run(struct tool_args *args)
{
    struct session session = {0};
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        const int code = take_option(&session, got, args);
        if (got == TOOL_STOP || code != EXIT_DONE)
            return code;
    }
    if (session.as_markdown)
        return doctor_print_markdown();
    if (session.error_name != NULL)
        return explain(&session, args);
    if (session.options.server == NULL)
        return tool_usage_error(args, "--server is missing");
    if (session.token_path != NULL && session.options.user_token != NULL)
        return tool_usage_error(args, "--token and --token-file do not go together");
    return examine(&session);
}

const struct tool_command command_doctor = {
    .name = "doctor",
    .synopsis = "--server URL [--bundle-id ID] [--token-file FILE] [options] | --error NAME",
    .summary = "look at a deployment from outside and say what is wrong with it",
    .details = "Makes every check that can be made from outside, as devices and Apple's relay see\n"
               "the deployment; says of each whether it passes, why not, and what to do.\n"
               "Exit code 0: none failed, 3: one did. --error explains what devices show.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .has_kernels = true,
    .run = run,
};
