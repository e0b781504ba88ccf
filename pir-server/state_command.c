#include "pir-server/state_command.h"

#include "pir-server/options.h"
#include "pir-server/service/gateway_keys.h"
#include "pir-server/service/issuer.h"
#include "pir-server/store/store.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum action { ACTION_CHECK, ACTION_BACKUP, ACTION_VACUUM, ACTION_NEW_KEY, ACTION_COUNT };
static const char *const action_names[ACTION_COUNT] = {"check", "backup", "vacuum", "new-key"};

enum option_number {
    OPTION_STATE,
    OPTION_APP,
    OPTION_KEY_FILE,
    OPTION_DROP_OTHERS,
    OPTION_JSON,
    OPTION_HELP
};

struct asked {
    enum action action;
    const char *state;
    const char *copy; /* of a backup */
    /* of a new key */
    const struct kept_keys_kind *kind;
    const char *app; /* NULL = none */
    const char *key_file;
    bool drops_others;
    bool json;
};

struct done {
    struct store_usage usage;
    size_t dropped; /* keys */
};

static const char help_text[] =
    "usage: blindlist-server state check --state STATE [--json]\n"
    "       blindlist-server state backup FILE --state STATE [--json]\n"
    "       blindlist-server state vacuum --state STATE [--json]\n"
    "       blindlist-server state new-key issuer | gateway --state STATE [--app NAME]\n"
    "                              [--key-file FILE] [--drop-others] [--json]\n"
    "\n"
    "Looks after the state of a server, running or not.\n"
    "\n"
    "  check      read all of it: is it whole?\n"
    "  backup     copy it as of now to FILE, which must not be there\n"
    "  vacuum     give the room of what was removed back to the disk\n"
    "  new-key    make a key of an app's issuer, or of the Oblivious HTTP gateway, that\n"
    "             begins now; running servers have it within a minute\n"
    "\n"
    "options:\n"
    "  --state STATE              the state, as the server has it (required)\n"
    "  --app NAME                 the app whose issuer it is, when there are several\n"
    "  --key-file FILE            seal the key, as the server does\n"
    "  --drop-others              remove all other keys at once: they are known to others\n"
    "  --json                     print JSON\n"
    "  --help                     this text\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the state is damaged. See\n"
    "blindlist-server(8).\n";

static int PRINTF_LIKE(1, 2) usage_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int code = options_usage_error_of(" state", format, args);
    va_end(args);
    return code;
}

static int end_output(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? OPTIONS_DONE : OPTIONS_FAILED;
}

static bool find_kind(const char *name, const struct kept_keys_kind **ret)
{
    if (name == NULL)
        return false;
    *ret = strcmp(name, "issuer") == 0    ? &issuer_kept_keys
           : strcmp(name, "gateway") == 0 ? &gateway_kept_keys
                                          : NULL;
    return *ret != NULL;
}

/* -1: go on; else the exit code. */
static int check_key_options(const struct asked *asked)
{
    const bool has_any = asked->app != NULL || asked->key_file != NULL || asked->drops_others;
    if (has_any && asked->action != ACTION_NEW_KEY)
        return usage_error("--app, --key-file and --drop-others are for new-key");
    if (asked->app != NULL && !asked->kind->is_of_app)
        return usage_error("--app: the gateway is of all apps");
    return -1;
}

/* -1: go on; else the exit code. */
static int take_operands(char *const *operands, struct asked *ret)
{
    const char *name = operands[0];
    if (name == NULL)
        return usage_error("check, backup, vacuum or new-key is missing");
    enum action action = 0;
    while (action < ACTION_COUNT && strcmp(name, action_names[action]) != 0)
        action++;
    if (action == ACTION_COUNT)
        return usage_error("unknown command %s", name);
    ret->action = action;
    operands++;
    if (action == ACTION_BACKUP) {
        if (*operands == NULL)
            return usage_error("the FILE of the backup is missing");
        ret->copy = *operands++;
    }
    if (action == ACTION_NEW_KEY) {
        if (!find_kind(*operands, &ret->kind))
            return usage_error("of which keys: issuer or gateway?");
        operands++;
    }
    if (*operands != NULL)
        return usage_error("unexpected operand %s", *operands);
    if (ret->state == NULL)
        return usage_error("--state STATE is missing");
    return check_key_options(ret);
}

/* -1: go on; else the exit code. */
static int parse(int argc, char **argv, struct asked *ret)
{
    static const struct option options[] = {
        {.name = "state", .has_arg = required_argument, .val = OPTION_STATE},
        {.name = "app", .has_arg = required_argument, .val = OPTION_APP},
        {.name = "key-file", .has_arg = required_argument, .val = OPTION_KEY_FILE},
        {.name = "drop-others", .has_arg = no_argument, .val = OPTION_DROP_OTHERS},
        {.name = "json", .has_arg = no_argument, .val = OPTION_JSON},
        {.name = "help", .has_arg = no_argument, .val = OPTION_HELP},
        {0},
    };
    opterr = 0;
    for (;;) {
        switch (getopt_long(argc, argv, ":", options, NULL)) {
        case -1:
            return take_operands(argv + optind, ret);
        case OPTION_STATE:
            ret->state = optarg;
            break;
        case OPTION_APP:
            ret->app = optarg;
            break;
        case OPTION_KEY_FILE:
            ret->key_file = optarg;
            break;
        case OPTION_DROP_OTHERS:
            ret->drops_others = true;
            break;
        case OPTION_JSON:
            ret->json = true;
            break;
        case OPTION_HELP:
            fputs(help_text, stdout);
            return end_output();
        case ':':
            return usage_error("%s needs a value", argv[optind - 1]);
        default:
            return usage_error("unknown option %s", argv[optind - 1]);
        }
    }
}

static enum status make_key(const struct asked *asked, struct store *store, size_t *ret_dropped,
                            struct error *err)
{
    struct key_seal seal = {{0}};
    struct kept_keys_options options = {.kind = asked->kind,
                                        .store = store,
                                        .app = asked->app != NULL ? asked->app : "",
                                        .spans = asked->kind->ring->usual};
    if (asked->key_file != NULL) {
        const enum status status = key_seal_read(asked->key_file, &seal, err);
        if (status != STATUS_OK)
            return status;
        options.seal = &seal;
    }
    const enum status status =
        kept_keys_renew(&options, (uint64_t)time(NULL), asked->drops_others, ret_dropped, err);
    key_seal_wipe(&seal);
    return status;
}

static enum status act(const struct asked *asked, struct done *ret, struct error *err)
{
    const struct store_limits limits = store_limits_default();
    struct store *store = NULL;
    enum status status = store_open(asked->state, &limits, STORE_MUST_EXIST, &store, err);
    if (status == STATUS_OK) {
        switch (asked->action) {
        case ACTION_CHECK:
            status = store_check(store, err);
            break;
        case ACTION_BACKUP:
            status = store_backup(store, asked->copy, err);
            break;
        case ACTION_VACUUM:
            status = store_vacuum(store, err);
            break;
        case ACTION_NEW_KEY:
            status = make_key(asked, store, &ret->dropped, err);
            break;
        case ACTION_COUNT:
            break;
        }
    }
    if (status == STATUS_OK)
        status = store_get_usage(store, &ret->usage, err);
    store_close(store);
    return status;
}

static int print_json(json_t *object)
{
    int code = OPTIONS_FAILED;
    if (object != NULL && json_dumpf(object, stdout, JSON_INDENT(2)) == 0) {
        putchar('\n');
        code = end_output();
    }
    json_decref(object);
    return code;
}

static int print_done(const struct asked *asked, const struct done *done)
{
    const struct store_usage *usage = &done->usage;
    if (asked->action == ACTION_NEW_KEY) {
        if (asked->json)
            return print_json(
                json_pack("{s:b, s:I}", "good", 1, "dropped", (json_int_t)done->dropped));
        printf("a new %s begins now, %zu others are removed\n", asked->kind->name, done->dropped);
        return end_output();
    }
    if (asked->json)
        return print_json(json_pack("{s:b, s:I, s:I}", "good", 1, "evaluationKeys",
                                    (json_int_t)usage->key_count, "evaluationKeyBytes",
                                    (json_int_t)usage->key_bytes));
    if (asked->action == ACTION_CHECK)
        printf("good: %" PRIu64 " evaluation keys, %" PRIu64 " bytes\n", usage->key_count,
               usage->key_bytes);
    return end_output();
}

/* Only a check has "damaged" for an answer; the others fail over it. */
static int print_failure(const struct asked *asked, const struct error *error)
{
    fprintf(stderr, "blindlist-server state: %s\n", error->message);
    if (asked->action != ACTION_CHECK || error->status != STATUS_MALFORMED)
        return OPTIONS_FAILED;
    if (!asked->json)
        return OPTIONS_NO;
    return print_json(json_pack("{s:b}", "good", 0)) == OPTIONS_DONE ? OPTIONS_NO : OPTIONS_FAILED;
}

int state_command(int argc, char **argv)
{
    struct asked asked = {.state = NULL};
    struct done done = {.dropped = 0};
    struct error error = {0};
    const int code = parse(argc, argv, &asked);
    if (code >= 0)
        return code;
    return act(&asked, &done, &error) == STATUS_OK ? print_done(&asked, &done)
                                                   : print_failure(&asked, &error);
}
