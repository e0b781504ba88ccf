/* blindlist token: who may have tokens issued. It opens the state of a server, running or not. */
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "pir-server/privacypass/base64url.h"
#include "pir-server/store/store_tokens.h"
#include "tools/commands.h"
#include "tools/tool_apps.h"
#include "tools/tool_json.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECRET_BYTES     ((size_t)32)
#define TOKEN_TEXT_BYTES ((size_t)64) /* of a token that is made here */
#define TOKEN_MAX_BYTES  ((size_t)4096)
#define IMPORT_MAX_BYTES ((size_t)64 << 20)
#define ID_DIGITS        ((size_t)16) /* shown of a token's hash */
#define ID_LEAST_DIGITS  ((size_t)8)
#define SECONDS_A_DAY    ((uint64_t)86400)
#define DAYS_MAX         ((uint64_t)36500)
#define TIME_BYTES       32

enum { OPT_STATE, OPT_JSON, OPT_APP, OPT_LABEL, OPT_DAYS, OPT_PER_MINUTE, OPT_PER_DAY, OPT_CONFIG };
#define STATE_OPTION                                                                               \
    {                                                                                              \
        "state", 's', "FILE", "state file of the server (required)"                                \
    }
#define JSON_OPTION                                                                                \
    {                                                                                              \
        "json", 0, NULL, "print JSON"                                                              \
    }

struct asked {
    const char *state;
    const char *config; /* of the server; NULL: any app is taken */
    const char *operand;
    bool json;
    uint64_t days;
    struct store_user_token token; /* app, label, limits */
};

/* ---- options ---- */

static bool copy_name(char *ret, size_t size, const char *text)
{
    if (strlen(text) >= size)
        return false;
    memcpy(ret, text, strlen(text) + 1);
    return true;
}

static int take(struct tool_args *args, int got, struct asked *asked)
{
    switch (got) {
    case OPT_STATE:
        asked->state = args->value;
        return EXIT_DONE;
    case OPT_CONFIG:
        asked->config = args->value;
        return EXIT_DONE;
    case OPT_APP:
        return copy_name(asked->token.app, sizeof asked->token.app, args->value)
                   ? EXIT_DONE
                   : tool_bad_value(args, "a name of at most 64 bytes");
    case OPT_LABEL:
        return copy_name(asked->token.label, sizeof asked->token.label, args->value)
                   ? EXIT_DONE
                   : tool_bad_value(args, "a text of at most 128 bytes");
    case OPT_DAYS:
        return tool_take_u64(args, 1, DAYS_MAX, &asked->days);
    case OPT_PER_MINUTE:
        return tool_take_u32(args, 1, UINT32_MAX, &asked->token.per_minute);
    case OPT_PER_DAY:
        return tool_take_u32(args, 1, UINT32_MAX, &asked->token.per_day);
    case OPT_JSON:
        asked->json = true;
        return EXIT_DONE;
    case TOOL_OPERAND:
        if (asked->operand != NULL)
            return tool_usage_error(args, "unexpected operand %s", args->value);
        asked->operand = args->value;
        return EXIT_DONE;
    default:
        return args->exit_code;
    }
}

/* -1: go on; else the exit code. `operand` is what must be there, NULL = none may. */
static int read_args(struct tool_args *args, const char *operand, struct asked *asked)
{
    for (int got = tool_next(args); got != TOOL_END; got = tool_next(args)) {
        const int code = take(args, got, asked);
        if (code != EXIT_DONE || got == TOOL_STOP)
            return code;
    }
    if (asked->state == NULL)
        return tool_usage_error(args, "--state FILE is missing");
    if (operand != NULL && asked->operand == NULL)
        return tool_usage_error(args, "%s is missing", operand);
    if (operand == NULL && asked->operand != NULL)
        return tool_usage_error(args, "unexpected operand %s", asked->operand);
    const uint64_t now_s = (uint64_t)time(NULL);
    asked->token.made_at = now_s;
    asked->token.expires_at = asked->days > 0 ? now_s + asked->days * SECONDS_A_DAY : 0;
    return -1;
}

/* The app that tokens are made for, by the server's configuration if one is given. */
static enum status check_app(const struct asked *asked, struct error *err)
{
    return asked->config == NULL ? STATUS_OK
                                 : tool_apps_require(asked->config, asked->token.app, err);
}

static enum status open_state(const struct asked *asked, enum store_presence presence,
                              struct store **ret, struct error *err)
{
    const struct store_limits limits = store_limits_default();
    return store_open(asked->state, &limits, presence, ret, err);
}

/* ---- showing ---- */

static void id_text(const uint8_t hash[STORE_TOKEN_HASH_BYTES], char ret[ID_DIGITS + 1])
{
    for (size_t i = 0; i < ID_DIGITS / 2; i++)
        snprintf(ret + 2 * i, 3, "%02x", hash[i]);
}

static void time_text(uint64_t seconds, char ret[TIME_BYTES])
{
    const time_t when = (time_t)seconds;
    struct tm parts;
    if (seconds == 0 || gmtime_r(&when, &parts) == NULL ||
        strftime(ret, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        memcpy(ret, "-", 2);
}

static json_t *seconds_json(uint64_t seconds)
{
    return seconds == 0 ? json_null() : json_count(seconds);
}

static json_t *token_json(const struct store_user_token *token, const char *secret)
{
    char id[ID_DIGITS + 1];
    json_t *object = json_object();
    id_text(token->hash, id);
    const bool is_whole = (secret == NULL || json_put(object, "token", json_string(secret))) &&
                          json_put(object, "id", json_string(id)) &&
                          json_put(object, "app", tool_text_json(span_of_text(token->app))) &&
                          json_put(object, "label", tool_text_json(span_of_text(token->label))) &&
                          json_put(object, "made", json_count(token->made_at)) &&
                          json_put(object, "expires", seconds_json(token->expires_at)) &&
                          json_put(object, "revoked", seconds_json(token->revoked_at)) &&
                          json_put(object, "perMinute", seconds_json(token->per_minute)) &&
                          json_put(object, "perDay", seconds_json(token->per_day)) &&
                          json_put(object, "issued", json_count(token->issued));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- create ---- */

static enum status make_secret(char ret[TOKEN_TEXT_BYTES], struct error *err)
{
    uint8_t random[SECRET_BYTES];
    struct bytes text;
    const struct random_source source = random_system();
    bytes_init(&text, TOKEN_TEXT_BYTES - 1);
    bytes_reserve(&text, TOKEN_TEXT_BYTES - 1);
    enum status status = random_fill(&source, random, sizeof random, err);
    if (status == STATUS_OK) {
        base64url_append(&text, span_of(random, sizeof random));
        status = bytes_status(&text, "user token", err);
    }
    if (status == STATUS_OK) {
        while (text.size > 0 && text.data[text.size - 1] == '=')
            text.size--; /* in a header, on a command line: nothing but letters */
        memcpy(ret, text.data, text.size);
        ret[text.size] = '\0';
    }
    mem_wipe(random, sizeof random);
    bytes_deinit_secret(&text);
    return status;
}

static int run_create(struct tool_args *args)
{
    struct asked asked = {.state = NULL};
    struct store *store = NULL;
    char secret[TOKEN_TEXT_BYTES];
    struct error error;
    int code = read_args(args, NULL, &asked);
    if (code >= 0)
        return code;
    enum status status = check_app(&asked, &error);
    if (status == STATUS_OK)
        status = make_secret(secret, &error);
    if (status == STATUS_OK)
        status = open_state(&asked, STORE_MAY_BE_NEW, &store, &error);
    if (status == STATUS_OK) {
        store_token_hash(span_of_text(secret), asked.token.hash);
        status = store_add_user_tokens(store, &asked.token, 1, &error);
    }
    store_close(store);
    code = EXIT_DONE;
    if (status != STATUS_OK)
        code = tool_fail(&error);
    else if (asked.json)
        code = tool_print_json(token_json(&asked.token, secret));
    else
        puts(secret);
    mem_wipe(secret, sizeof secret);
    return code;
}

/* ---- list ---- */

struct listing {
    json_t *list; /* NULL: for a person */
    size_t count;
};

static enum status show_token(void *context, const struct store_user_token *token,
                              struct error *err)
{
    struct listing *listing = context;
    char id[ID_DIGITS + 1];
    char made[TIME_BYTES];
    char expires[TIME_BYTES];
    listing->count++;
    if (listing->list != NULL)
        return json_array_append_new(listing->list, token_json(token, NULL)) == 0
                   ? STATUS_OK
                   : error_set(err, STATUS_NOMEM, "user tokens: out of memory");
    id_text(token->hash, id);
    time_text(token->made_at, made);
    time_text(token->expires_at, expires);
    printf("%s  %s  %-20s  %10" PRIu64 " issued", id, made, expires, token->issued);
    if (token->per_minute != 0)
        printf("  %" PRIu32 " a minute", token->per_minute);
    if (token->per_day != 0)
        printf("  %" PRIu32 " a day", token->per_day);
    printf("  ");
    tool_print_text(span_of_text(token->label));
    if (token->app[0] != '\0') {
        printf("  app ");
        tool_print_text(span_of_text(token->app));
    }
    puts(token->revoked_at != 0 ? "  revoked" : "");
    return STATUS_OK;
}

static int run_list(struct tool_args *args)
{
    struct asked asked = {.state = NULL};
    struct store *store = NULL;
    struct listing listing = {.list = NULL};
    struct error error;
    const int code = read_args(args, NULL, &asked);
    if (code >= 0)
        return code;
    if (asked.json)
        listing.list = json_array();
    enum status status = open_state(&asked, STORE_MUST_EXIST, &store, &error);
    if (status == STATUS_OK)
        status = store_list_user_tokens(store, show_token, &listing, &error);
    store_close(store);
    if (status != STATUS_OK) {
        json_decref(listing.list);
        return tool_fail(&error);
    }
    return asked.json ? tool_print_json(json_pack("{s:o}", "tokens", listing.list)) : EXIT_DONE;
}

/* ---- revoke ---- */

struct search {
    const char *wanted; /* label, or the beginning of an id */
    const char *app;
    struct store_user_token found;
    size_t count;
};

static enum status look_at(void *context, const struct store_user_token *token, struct error *err)
{
    struct search *search = context;
    char id[ID_DIGITS + 1];
    const size_t size = strlen(search->wanted);
    (void)err;
    id_text(token->hash, id);
    const bool is_id =
        size >= ID_LEAST_DIGITS && size <= ID_DIGITS && strncmp(id, search->wanted, size) == 0;
    const bool is_label =
        strcmp(token->label, search->wanted) == 0 && strcmp(token->app, search->app) == 0;
    if (!is_id && !is_label)
        return STATUS_OK;
    search->found = *token;
    search->count++;
    return STATUS_OK;
}

static int run_revoke(struct tool_args *args)
{
    struct asked asked = {.state = NULL};
    struct store *store = NULL;
    struct error error;
    const int code = read_args(args, "ID or LABEL", &asked);
    if (code >= 0)
        return code;
    struct search search = {.wanted = asked.operand, .app = asked.token.app};
    enum status status = open_state(&asked, STORE_MUST_EXIST, &store, &error);
    if (status == STATUS_OK)
        status = store_list_user_tokens(store, look_at, &search, &error);
    if (status == STATUS_OK && search.count == 0)
        status = error_set(&error, STATUS_NOT_FOUND, "%s: no user token has this id or label",
                           asked.operand);
    if (status == STATUS_OK && search.count > 1)
        status =
            error_set(&error, STATUS_INVALID, "%s: %zu user tokens have this label: give an id",
                      asked.operand, search.count);
    if (status == STATUS_OK)
        status = store_revoke_user_token(store, search.found.hash, asked.token.made_at, &error);
    store_close(store);
    if (status != STATUS_OK)
        return tool_fail(&error);
    search.found.revoked_at =
        search.found.revoked_at != 0 ? search.found.revoked_at : asked.token.made_at;
    return asked.json ? tool_print_json(token_json(&search.found, NULL)) : EXIT_DONE;
}

/* ---- import ---- */

struct import {
    const struct asked *asked;
    struct store_user_token *tokens;
    size_t count;
};

/* "TOKEN" or "TOKEN LABEL". Messages name the line, never what is in it. */
static enum status import_line(struct import *import, struct span line, size_t number,
                               struct error *err)
{
    size_t size = 0;
    while (size < line.size && !isspace(line.data[size]))
        size++;
    if (size > TOKEN_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "%s:%zu: a token of %zu bytes, at most %zu",
                         import->asked->operand, number, size, TOKEN_MAX_BYTES);
    for (size_t i = 0; i < size; i++) {
        if (line.data[i] < '!' || line.data[i] > '~')
            return error_set(err, STATUS_MALFORMED,
                             "%s:%zu: byte %zu of the token cannot stand in a header",
                             import->asked->operand, number, i);
    }
    struct store_user_token *token = &import->tokens[import->count];
    *token = import->asked->token;
    store_token_hash(span_part(line, 0, size), token->hash);
    while (size < line.size && isspace(line.data[size]))
        size++;
    if (line.size - size > STORE_LABEL_MAX_BYTES)
        return error_set(err, STATUS_TOO_LARGE, "%s:%zu: a label of %zu bytes, at most %zu",
                         import->asked->operand, number, line.size - size, STORE_LABEL_MAX_BYTES);
    if (line.size > size) {
        memcpy(token->label, line.data + size, line.size - size);
        token->label[line.size - size] = '\0';
    }
    import->count++;
    return STATUS_OK;
}

/* Without blanks at its ends. */
static struct span trimmed(struct span line)
{
    while (line.size > 0 && isspace(line.data[line.size - 1]))
        line.size--;
    while (line.size > 0 && isspace(line.data[0]))
        line = span_part(line, 1, line.size - 1);
    return line;
}

static enum status import_lines(struct import *import, struct span text, struct error *err)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n';
    import->tokens = mem_alloc(lines, sizeof *import->tokens);
    if (import->tokens == NULL)
        return error_set(err, STATUS_NOMEM, "%s: out of memory", import->asked->operand);
    enum status status = STATUS_OK;
    for (size_t number = 1; text.size > 0 && status == STATUS_OK; number++) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        const size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
        const struct span line = trimmed(span_part(text, 0, size));
        if (line.size > 0 && line.data[0] != '#')
            status = import_line(import, line, number, err);
        text = span_part(text, end != NULL ? size + 1 : size, text.size - size - (end != NULL));
    }
    return status;
}

static int run_import(struct tool_args *args)
{
    struct asked asked = {.state = NULL};
    struct store *store = NULL;
    struct error error;
    struct bytes text;
    const int code = read_args(args, "FILE", &asked);
    if (code >= 0)
        return code;
    struct import import = {.asked = &asked};
    bytes_init(&text, IMPORT_MAX_BYTES);
    enum status status = check_app(&asked, &error);
    if (status == STATUS_OK)
        status = file_read(asked.operand, &text, &error);
    if (status == STATUS_OK)
        status = import_lines(&import, bytes_view(&text), &error);
    if (status == STATUS_OK)
        status = open_state(&asked, STORE_MAY_BE_NEW, &store, &error);
    if (status == STATUS_OK)
        status = store_add_user_tokens(store, import.tokens, import.count, &error);
    store_close(store);
    mem_free(import.tokens);
    bytes_deinit_secret(&text);
    if (status != STATUS_OK)
        return tool_fail(&error);
    if (asked.json)
        return tool_print_json(json_pack("{s:I}", "imported", (json_int_t)import.count));
    printf("%zu user tokens imported\n", import.count);
    return EXIT_DONE;
}

/* ---- the group ---- */

static const struct tool_option create_options[] = {
    [OPT_STATE] = STATE_OPTION,
    [OPT_JSON] = JSON_OPTION,
    [OPT_APP] = {"app", 'a', "NAME", "the app that the token is for [the only one]"},
    [OPT_LABEL] = {"label", 'l', "TEXT", "whose it is, for people"},
    [OPT_DAYS] = {"days", 'd', "N", "it expires after N days [never]"},
    [OPT_PER_MINUTE] = {"per-minute", 0, "N", "tokens issued a minute at most [any number]"},
    [OPT_PER_DAY] = {"per-day", 0, "N", "tokens issued a day at most [any number]"},
    [OPT_CONFIG] = {"config", 'c', "FILE",
                    "the server's: the app must be one of it [not looked at]"},
};

static const struct tool_command create_command = {
    .name = "token create",
    .synopsis = "--state FILE [options]",
    .summary = "make a user token and print it, once",
    .details =
        "The token goes into the app (authenticationToken). The state file keeps its SHA-256\n"
        "only, so nobody can print it again.",
    .options = create_options,
    .option_count = ARRAY_COUNT(create_options),
    .run = run_create,
};
static const struct tool_command import_command = {
    .name = "token import",
    .synopsis = "FILE --state FILE [options]",
    .summary = "add user tokens that were made elsewhere, all or none",
    .details = "A line of FILE is a token, and behind a blank its label if it has one of its own;\n"
               "empty lines and lines that begin with # do not count.",
    .options = create_options,
    .option_count = ARRAY_COUNT(create_options),
    .run = run_import,
};

static const struct tool_option list_options[] = {
    [OPT_STATE] = STATE_OPTION,
    [OPT_JSON] = JSON_OPTION,
};
static const struct tool_command list_command = {
    .name = "token list",
    .synopsis = "--state FILE [--json]",
    .summary = "show user tokens: id, when made, when they expire, limits, how many were issued",
    .options = list_options,
    .option_count = ARRAY_COUNT(list_options),
    .run = run_list,
};

static const struct tool_option revoke_options[] = {
    [OPT_STATE] = STATE_OPTION,
    [OPT_JSON] = JSON_OPTION,
    [OPT_APP] = {"app", 'a', "NAME", "the app whose label it is [the only one]"},
};
static const struct tool_command revoke_command = {
    .name = "token revoke",
    .synopsis = "ID|LABEL --state FILE [--app NAME] [--json]",
    .summary = "nothing more is issued for a user token, from now on",
    .details = "Tokens that were issued before can still be spent.",
    .options = revoke_options,
    .option_count = ARRAY_COUNT(revoke_options),
    .run = run_revoke,
};

static const struct tool_command *const members[] = {&create_command, &import_command,
                                                     &list_command, &revoke_command};

const struct tool_command command_token = {
    .name = "token",
    .synopsis = "COMMAND ...",
    .summary = "who may have Privacy Pass tokens issued",
    .members = members,
    .member_count = ARRAY_COUNT(members),
};
