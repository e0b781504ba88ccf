/* settings - what an operator may set of a running server, by command line or by file.
 *
 * One table names every setting: its option, its field in a file, kind and range. Numbers are kept
 * in the unit of the field (bytes, seconds); an option may count in another one (--bodies-mb).
 *
 * Order    settings_init(), then a file (config_file.h), then the command line: what comes later
 *          wins.
 * Memory   texts are borrowed, or the settings' own: settings_take_text().
 * Threads  constant once read. */
#ifndef BLINDLIST_CONFIG_SETTINGS_H
#define BLINDLIST_CONFIG_SETTINGS_H

#include "base/status.h"
#include "pir-server/service/http_server.h"
#include "pir-server/service/service.h"
#include "pir-server/store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_STATE_NAME "blindlist-server.state" /* in the data folder */

enum setting {
    SETTING_DATA,
    SETTING_LISTEN,
    SETTING_ADMIN,
    SETTING_STATE,
    SETTING_AUTH,
    SETTING_ALLOW_UNAUTHENTICATED,
    SETTING_KEY_FILE,
    SETTING_THREADS,
    SETTING_HTTP_THREADS,
    SETTING_QUEUE,
    SETTING_CONNECTIONS,
    SETTING_ADDRESS_CONNECTIONS,
    SETTING_PROXIES,
    SETTING_HEAD_TIME,
    SETTING_IDLE_TIME,
    SETTING_BODY_TIME,
    SETTING_SEND_TIME,
    SETTING_LEAST_SPEED,
    SETTING_BATCH,
    SETTING_BODIES,
    SETTING_KEY_CACHE,
    SETTING_KEY_STORE,
    SETTING_KEY_LIFETIME,
    SETTING_GATEWAY,
    SETTING_GATEWAY_TARGETS,
    SETTING_GATEWAY_KEY_TIME,
    SETTING_REPORTS,
    SETTING_REPORTS_SIZE,
    SETTING_DRAIN,
    SETTING_HANDOVER,
    SETTING_USER,
    SETTING_SANDBOX,
    SETTING_PROTOBUF_ERRORS,
    SETTING_VERIFY,
    SETTING_KERNEL,
    SETTING_LOG_FORMAT,
    SETTING_DEBUG,
    SETTING_COUNT
};

enum setting_kind {
    SETTING_IS_TEXT,
    SETTING_IS_CHOICE, /* a text, one of a few */
    SETTING_IS_PATH,   /* in a file relative to the file's folder */
    SETTING_IS_SWITCH,
    SETTING_IS_NUMBER,
    SETTING_IS_SIZE,    /* bytes */
    SETTING_IS_DURATION /* seconds */
};

struct setting_row {
    const char *option;   /* without its dashes */
    const char *argument; /* of the option, for --help; NULL = a switch */
    const char *field;    /* in a file */
    enum setting_kind kind;
    uint64_t least; /* of a number, in the option's unit */
    uint64_t most;
    uint64_t unit;   /* of the option, in bytes or seconds */
    bool can_change; /* while the server runs */
    const char *help;
    const char *const *choices; /* [choice_count] of a choice */
    size_t choice_count;
};
extern const struct setting_row setting_table[SETTING_COUNT];

struct settings {
    const char *data;
    const char *state;   /* NULL: beside the data */
    const char *admin;   /* NULL: no admin address */
    const char *kernel;  /* NULL: the fastest */
    const char *reports; /* NULL: dropped */
    uint64_t reports_bytes;
    const char *auth;
    const char *log_format;
    const char *key_file; /* NULL: issuer keys are stored as they are */
    bool allow_unauthenticated;
    bool debug;
    unsigned drain_s;
    const char *handover; /* NULL: none */
    const char *user;     /* NULL: whoever starts it */
    const char *sandbox;
    struct http_server_options http;
    struct service_options service;
    struct store_limits limits;
    char *taken[SETTING_COUNT]; /* owned; NULL = none */
};

/* The defaults. */
void settings_init(struct settings *settings);
void settings_deinit(struct settings *settings);

/* A text or choice; borrowed. */
void settings_set_text(struct settings *settings, enum setting setting, const char *text);
/* The same; takes it (mem_free). */
void settings_take_text(struct settings *settings, enum setting setting, char *text);
void settings_set_switch(struct settings *settings, enum setting setting, bool is_on);
/* In the field's unit; within the range of the table. */
void settings_set_number(struct settings *settings, enum setting setting, uint64_t number);

/* Sets what `from` has; borrows its text. True when it was the same before. */
bool settings_keep(struct settings *settings, const struct settings *from, enum setting setting);

/* Whether requests cost tokens with a choice of SETTING_AUTH. */
bool settings_way_has_tokens(const char *way);
/* What the sandbox is to be: needed, used if the kernel has it, or not used. */
bool settings_wants_sandbox(const struct settings *settings);
bool settings_needs_sandbox(const struct settings *settings);
/* Requests cost tokens. */
bool settings_have_tokens(const struct settings *settings);
/* The log is to be lines of JSON. */
bool settings_log_is_json(const struct settings *settings);
/* What no single value tells: STATUS_INVALID when data is missing, or the address reaches other
 * machines and nobody is asked for a token. */
enum status settings_check(const struct settings *settings, struct error *err) MUST_CHECK;

#endif
