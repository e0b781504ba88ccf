/* blindlist check - asks a server about URLs exactly as a device does. */
#include "base/bytes.h"
#include "base/line_reader.h"
#include "base/mem.h"
#include "tools/commands.h"
#include "tools/device/device.h"
#include "tools/device/device_identity.h"
#include "tools/tool_json.h"
#include "tools/tool_parsing.h"
#include "tools/tool_user_token.h"

#include <math.h>

enum {
    OPT_SERVER,
    OPT_OHTTP,
    OPT_CACERT,
    OPT_USE_CASE,
    OPT_IDENTITY,
    OPT_PLATFORM,
    OPT_TOKEN,
    OPT_TOKEN_FILE,
    OPT_URLS,
    OPT_KEYS,
    OPT_AS_KEY,
    OPT_PARSING,
    OPT_TRACE,
    OPT_JSON
};
static const struct tool_option options[] = {
    [OPT_SERVER] = {"server", 's', "URL", "the server, such as http://127.0.0.1:8080"},
    [OPT_OHTTP] = {"ohttp", 'o', "URL", "send requests sealed through this Oblivious HTTP gateway"},
    [OPT_CACERT] = {"cacert", 0, "FILE", "trust the certificates in FILE, not the system's"},
    [OPT_USE_CASE] = {"use-case", 'u', "NAME", "needed when the server has several"},
    [OPT_IDENTITY] = {"identity", 0, "RELEASE",
                      "ios18.0, ios18.2, ios26 or ios27.3 (default: ios26)"},
    [OPT_PLATFORM] = {"platform", 0, "UA", "the User-Agent to send rather than that release's"},
    [OPT_TOKEN] = {"token", 0, "TOKEN",
                   "a user token: has Privacy Pass tokens issued, and spends them"},
    [OPT_TOKEN_FILE] = {"token-file", 0, "FILE", "the user token, in a file"},
    [OPT_URLS] = {"urls", 0, "FILE", "also check the URLs of a file, one a line; - is stdin"},
    [OPT_KEYS] = {"keys", 'k', "FILE", "keep the secret key in this file between runs"},
    [OPT_AS_KEY] = {"as-key", 0, NULL, "take URLs as dataset keys, word for word, unexpanded"},
    [OPT_PARSING] = TOOL_PARSING_OPTION,
    [OPT_TRACE] = {"trace", 't', NULL, "show every request, sub-URL, prefilter hit and answer"},
    [OPT_JSON] = {"json", 0, NULL, "print a JSON object"},
};

struct session {
    struct device_options device_options;
    const char *urls; /* a file of them; NULL = none */
    const char *parsing_path;
    const char *token_path;  /* NULL = none */
    struct bytes user_token; /* read from there, with its NUL */
    bool as_key;
    bool json;
    bool trace;
    size_t operand_count;

    struct parsing *parsing; /* NULL: the default */
    bool parsing_differs;    /* from what the dataset was made for */
    struct device *device;
    json_t *results; /* NULL: text */
    size_t denied_count;
    size_t allowed_count;
    size_t failed_count;
};

static json_t *failure_json(const char *url, const struct error *error)
{
    return json_pack("{s:o, s:s, s:o}", "url", tool_text_json(span_of_text(url)), "verdict",
                     "failed", "error", tool_text_json(span_of_text(error->message)));
}

static json_t *result_json(const char *url, const struct device_verdict *verdict)
{
    json_t *result = json_pack(
        "{s:o, s:s, s:I, s:I, s:I, s:I, s:f}", "url", tool_text_json(span_of_text(url)), "verdict",
        verdict->is_denied ? "denied" : "allowed", "subUrls", (json_int_t)verdict->sub_url_count,
        "prefilterHits", (json_int_t)verdict->hit_count, "sentBytes",
        (json_int_t)verdict->sent_bytes, "receivedBytes", (json_int_t)verdict->got_bytes,
        "milliseconds", verdict->milliseconds);
    if (result != NULL && verdict->is_denied)
        json_object_set_new(result, "key",
                            json_stringn((const char *)verdict->key.data, verdict->key.size));
    if (result != NULL && isfinite(verdict->noise_budget_bits))
        json_object_set_new(result, "noiseBudgetBits", json_real(verdict->noise_budget_bits));
    return result;
}

/* One URL: its line of output, or a message on standard error. False ends the run: the server
 * cannot be asked any more. */
static bool check_one(struct session *session, const char *url)
{
    struct error error;
    struct device_verdict verdict;
    device_verdict_init(&verdict);
    const enum status status =
        device_check(session->device, url, session->as_key, &verdict, &error);
    if (status != STATUS_OK) {
        session->failed_count++;
        if (session->results != NULL)
            json_array_append_new(session->results, failure_json(url, &error));
        (void)tool_fail(&error);
    } else {
        if (verdict.is_denied)
            session->denied_count++;
        else
            session->allowed_count++;
        if (session->results != NULL)
            json_array_append_new(session->results, result_json(url, &verdict));
        else if (verdict.is_denied)
            printf("denied   %s  (listed: %.*s)\n", url, (int)verdict.key.size,
                   (const char *)verdict.key.data);
        else if (verdict.hit_count > 0)
            printf("allowed  %s  (prefilter hit, but not listed)\n", url);
        else
            printf("allowed  %s  (no prefilter hit, nothing was sent)\n", url);
    }
    device_verdict_deinit(&verdict);
    return status != STATUS_IO && status != STATUS_NOMEM && status != STATUS_UNAUTHORIZED;
}

static enum status check_file(struct session *session, const char *path, bool *ret_go_on,
                              struct error *err)
{
    struct line_reader *reader = NULL;
    enum status status = line_reader_open(path, &reader, err);
    if (status != STATUS_OK)
        return status;
    struct line line;
    bool has_line = true;
    while (*ret_go_on) {
        status = line_reader_next(reader, &line, &has_line, err);
        if (status != STATUS_OK || !has_line)
            break;
        if (line.text.size == 0)
            continue;
        if (line.is_too_long || memchr(line.text.data, 0, line.text.size) != NULL) {
            session->failed_count++;
            fprintf(stderr, "blindlist: %s, line %llu: %s\n", path, (unsigned long long)line.number,
                    line.is_too_long ? "too long" : "holds a NUL byte");
            continue;
        }
        char *url = mem_alloc(line.text.size + 1, 1);
        if (url == NULL) {
            status = error_set(err, STATUS_NOMEM, "%s: out of memory", path);
            break;
        }
        memcpy(url, line.text.data, line.text.size);
        url[line.text.size] = '\0';
        *ret_go_on = check_one(session, url);
        mem_free(url);
    }
    line_reader_close(reader);
    return status;
}

static int finish(const struct session *session, bool stopped)
{
    const size_t count = session->denied_count + session->allowed_count + session->failed_count;
    if (session->results != NULL) {
        json_t *root = json_pack("{s:O, s:I, s:I, s:I}", "results", session->results, "denied",
                                 (json_int_t)session->denied_count, "allowed",
                                 (json_int_t)session->allowed_count, "failed",
                                 (json_int_t)session->failed_count);
        if (root != NULL && session->parsing_differs)
            json_object_set_new(root, "parsingDiffers", json_true());
        if (tool_print_json(root) != EXIT_DONE)
            return EXIT_FAILED;
    } else if (count > 1) {
        printf("%zu URLs: %zu denied, %zu allowed, %zu failed\n", count, session->denied_count,
               session->allowed_count, session->failed_count);
    }
    if (stopped || session->failed_count > 0)
        return EXIT_FAILED;
    return session->denied_count > 0 ? EXIT_ANSWER_NO : EXIT_DONE;
}

/* EXIT_DONE, or the exit code of --help or of a usage error. */
static int take_option(struct session *session, int got, struct tool_args *args)
{
    switch (got) {
    case OPT_SERVER:
        session->device_options.server = args->value;
        return EXIT_DONE;
    case OPT_OHTTP:
        session->device_options.gateway = args->value;
        return EXIT_DONE;
    case OPT_CACERT:
        session->device_options.ca_path = args->value;
        return EXIT_DONE;
    case OPT_USE_CASE:
        session->device_options.use_case = args->value;
        return EXIT_DONE;
    case OPT_IDENTITY:
        session->device_options.identity = device_identity_find(args->value);
        return session->device_options.identity != NULL
                   ? EXIT_DONE
                   : tool_bad_value(args, "ios18.0, ios18.2, ios26 or ios27.3 is expected");
    case OPT_PLATFORM:
        session->device_options.user_agent = args->value;
        return EXIT_DONE;
    case OPT_TOKEN:
        session->device_options.user_token = args->value;
        return EXIT_DONE;
    case OPT_TOKEN_FILE:
        session->token_path = args->value;
        return EXIT_DONE;
    case OPT_URLS:
        session->urls = args->value;
        return EXIT_DONE;
    case OPT_KEYS:
        session->device_options.keys_path = args->value;
        return EXIT_DONE;
    case OPT_AS_KEY:
        session->as_key = true;
        return EXIT_DONE;
    case OPT_PARSING:
        session->parsing_path = args->value;
        return EXIT_DONE;
    case OPT_TRACE:
        session->trace = true;
        return EXIT_DONE;
    case OPT_JSON:
        session->json = true;
        return EXIT_DONE;
    case TOOL_OPERAND: /* gathered at the front of argv: options may stand behind them */
        args->argv[session->operand_count++] = args->argv[args->position - 1];
        return EXIT_DONE;
    default:
        return args->exit_code;
    }
}

static enum status open_device(struct session *session, struct error *err)
{
    enum status status = STATUS_OK;
    if (session->parsing_path != NULL)
        status = parsing_file_read(session->parsing_path, &session->parsing, err);
    if (status == STATUS_OK && session->token_path != NULL)
        status = tool_user_token_read(session->token_path, &session->user_token,
                                      &session->device_options.user_token, err);
    session->device_options.parsing = session->parsing;
    if (status == STATUS_OK)
        status = device_open(&session->device_options, &session->device, err);
    if (status == STATUS_OK)
        status = tool_compare_parsing(session->parsing, device_served_parsing(session->device),
                                      &session->parsing_differs, err);
    return status;
}

static int check_all(struct session *session, char **urls)
{
    struct error error;
    bool go_on = true;
    for (size_t i = 0; i < session->operand_count && go_on; i++)
        go_on = check_one(session, urls[i]);
    enum status status = STATUS_OK;
    if (session->urls != NULL && go_on)
        status = check_file(session, session->urls, &go_on, &error);
    const int exit_code = finish(session, !go_on);
    return status == STATUS_OK ? exit_code : tool_fail(&error);
}

static int run(struct tool_args *args)
{
    struct session session = {0};
    tool_user_token_init(&session.user_token);
    struct error error;
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        const int code = take_option(&session, got, args);
        if (got == TOOL_STOP || code != EXIT_DONE)
            return code;
    }
    if (session.device_options.server == NULL)
        return tool_usage_error(args, "--server is missing");
    if (session.operand_count == 0 && session.urls == NULL)
        return tool_usage_error(args, "which URL? None was given");
    if (session.token_path != NULL && session.device_options.user_token != NULL)
        return tool_usage_error(args, "--token and --token-file do not go together");

    setvbuf(stdout, NULL, _IOLBF, 0); /* a verdict is out as soon as it is known */
    if (session.trace)
        session.device_options.trace =
            session.json ? stderr : stdout; /* in order with the verdicts */
    const enum status status = open_device(&session, &error);
    session.results = status == STATUS_OK && session.json ? json_array() : NULL;
    const int exit_code = status == STATUS_OK ? check_all(&session, args->argv) : tool_fail(&error);
    if (status == STATUS_UNAUTHORIZED && session.device_options.user_token == NULL)
        fprintf(stderr, "blindlist: note: a server that wants tokens issues them for a user token: "
                        "--token-file, made with `blindlist token create`\n");
    json_decref(session.results);
    device_close(session.device);
    parsing_free(session.parsing);
    bytes_deinit_secret(&session.user_token);
    return exit_code;
}

const struct tool_command command_check = {
    .name = "check",
    .synopsis = "--server URL [--ohttp URL] [--token-file FILE] [options] URL...",
    .summary = "ask a server about URLs exactly as a device does",
    .details =
        "Fetches prefilter and configuration, makes and uploads keys, expands each URL to its\n"
        "sub-URLs, tests the prefilter and queries the hits privately: the server does not\n"
        "learn which URL was asked about. Exit code 0: all allowed, 3: something is denied.",
    .options = options,
    .option_count = ARRAY_COUNT(options),
    .has_kernels = true,
    .run = run,
};
