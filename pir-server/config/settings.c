#include "pir-server/config/settings.h"

#include "base/mem.h"
#include "pir-server/service/http_address.h"
#include "pir-server/service/report_log.h"

#include <string.h>

#define DRAIN_DEFAULT_S    10
#define DRAIN_MAX_S        3600
#define THREADS_MAX        1024
#define CONNECTIONS_MAX    1000000
#define MEGABYTES_MAX      ((uint64_t)1 << 24)
#define KEY_DAYS_MAX       ((uint64_t)36500)
#define SECONDS_A_DAY      ((uint64_t)86400)
#define CLIENT_SECONDS_MAX 3600
#define MEBIBYTE           ((uint64_t)1 << 20)

/* The first is the default. */
static const char *const ways_of_paying[] = {"token", "none"};
static const char *const sandboxes[] = {"auto", "required", "off"};
static const char *const log_formats[] = {"text", "json"};

const struct setting_row setting_table[SETTING_COUNT] = {
    [SETTING_DATA] = {.option = "data",
                      .argument = "DIR",
                      .field = "data",
                      .kind = SETTING_IS_PATH,
                      .help = "folder of the datasets (required)"},
    [SETTING_LISTEN] = {.option = "listen",
                        .argument = "ADDR:PORT",
                        .field = "listen",
                        .kind = SETTING_IS_TEXT,
                        .help = "address to bind [127.0.0.1:8080]; port 0: any free"},
    [SETTING_ADMIN] = {.option = "admin",
                       .argument = "ADDR:PORT",
                       .field = "admin",
                       .kind = SETTING_IS_TEXT,
                       .help = "address for /metrics, /readyz and the like [none]"},
    [SETTING_STATE] = {.option = "state",
                       .argument = "FILE",
                       .field = "state",
                       .kind = SETTING_IS_PATH,
                       .help = "keys and tokens, or postgresql:// [DIR/" SETTINGS_STATE_NAME "]"},
    [SETTING_AUTH] = {.option = "auth",
                      .argument = "HOW",
                      .field = "auth",
                      .kind = SETTING_IS_CHOICE,
                      .choices = ways_of_paying,
                      .choice_count = ARRAY_COUNT(ways_of_paying),
                      .can_change = true,
                      .help = "token: requests cost Privacy Pass tokens; none [token]"},
    [SETTING_ALLOW_UNAUTHENTICATED] = {.option = "allow-unauthenticated",
                                       .field = "allowUnauthenticated",
                                       .kind = SETTING_IS_SWITCH,
                                       .help = "serve other machines with --auth none"},
    [SETTING_KEY_FILE] = {.option = "key-file",
                          .argument = "FILE",
                          .field = "keyFile",
                          .kind = SETTING_IS_PATH,
                          .help = "32 bytes that encrypt keys in the state file"},
    [SETTING_THREADS] = {.option = "threads",
                         .argument = "N",
                         .field = "threads",
                         .kind = SETTING_IS_NUMBER,
                         .least = 1,
                         .most = THREADS_MAX,
                         .unit = 1,
                         .help = "compute threads [one for each core]"},
    [SETTING_HTTP_THREADS] = {.option = "http-threads",
                              .argument = "N",
                              .field = "httpThreads",
                              .kind = SETTING_IS_NUMBER,
                              .least = 1,
                              .most = THREADS_MAX,
                              .unit = 1,
                              .help = "threads for connections [2]"},
    [SETTING_QUEUE] = {.option = "queue",
                       .argument = "N",
                       .field = "queue",
                       .kind = SETTING_IS_NUMBER,
                       .least = 1,
                       .most = CONNECTIONS_MAX,
                       .unit = 1,
                       .help = "bodies of queries that may wait [256]"},
    [SETTING_CONNECTIONS] = {.option = "connections",
                             .argument = "N",
                             .field = "connections",
                             .kind = SETTING_IS_NUMBER,
                             .least = 1,
                             .most = CONNECTIONS_MAX,
                             .unit = 1,
                             .help = "open connections [4096]"},
    [SETTING_ADDRESS_CONNECTIONS] = {.option = "connections-per-address",
                                     .argument = "N",
                                     .field = "connectionsPerAddress",
                                     .kind = SETTING_IS_NUMBER,
                                     .least = 0,
                                     .most = CONNECTIONS_MAX,
                                     .unit = 1,
                                     .help = "of them from one address [256]; 0: any number"},
    [SETTING_PROXIES] = {.option = "trusted-proxy",
                         .argument = "LIST",
                         .field = "trustedProxies",
                         .kind = SETTING_IS_TEXT,
                         .help = "addresses not counted so [127.0.0.1,::1]; none"},
    [SETTING_HEAD_TIME] = {.option = "head-seconds",
                           .argument = "N",
                           .field = "headTime",
                           .kind = SETTING_IS_DURATION,
                           .least = 1,
                           .most = CLIENT_SECONDS_MAX,
                           .unit = 1,
                           .help = "for the head of a request [15]"},
    [SETTING_IDLE_TIME] = {.option = "idle-seconds",
                           .argument = "N",
                           .field = "idleTime",
                           .kind = SETTING_IS_DURATION,
                           .least = 1,
                           .most = CLIENT_SECONDS_MAX,
                           .unit = 1,
                           .help = "between two requests [60]"},
    [SETTING_BODY_TIME] = {.option = "body-seconds",
                           .argument = "N",
                           .field = "bodyTime",
                           .kind = SETTING_IS_DURATION,
                           .least = 1,
                           .most = CLIENT_SECONDS_MAX,
                           .unit = 1,
                           .help = "for a body, and its size at the least speed [30]"},
    [SETTING_SEND_TIME] = {.option = "send-seconds",
                           .argument = "N",
                           .field = "sendTime",
                           .kind = SETTING_IS_DURATION,
                           .least = 1,
                           .most = CLIENT_SECONDS_MAX,
                           .unit = 1,
                           .help = "for an answer, likewise [60]"},
    [SETTING_LEAST_SPEED] = {.option = "least-speed",
                             .argument = "N",
                             .field = "leastSpeed",
                             .kind = SETTING_IS_SIZE,
                             .least = 1,
                             .most = MEBIBYTE,
                             .unit = 1,
                             .help = "bytes a second from and to a client [4096]"},
    [SETTING_BATCH] = {.option = "batch",
                       .argument = "N",
                       .field = "batch",
                       .kind = SETTING_IS_NUMBER,
                       .least = 1,
                       .most = WIRE_REQUESTS_MAX,
                       .unit = 1,
                       .help = "queries in one body [512]"},
    [SETTING_BODIES] = {.option = "bodies-mb",
                        .argument = "N",
                        .field = "bodies",
                        .kind = SETTING_IS_SIZE,
                        .least = 1,
                        .most = MEGABYTES_MAX,
                        .unit = MEBIBYTE,
                        .help = "memory for bodies being received [512]"},
    [SETTING_KEY_CACHE] = {.option = "key-cache-mb",
                           .argument = "N",
                           .field = "keyCache",
                           .kind = SETTING_IS_SIZE,
                           .least = 0,
                           .most = MEGABYTES_MAX,
                           .unit = MEBIBYTE,
                           .help = "memory for decoded keys [512]"},
    [SETTING_KEY_STORE] = {.option = "key-store-mb",
                           .argument = "N",
                           .field = "keyStore",
                           .kind = SETTING_IS_SIZE,
                           .least = 1,
                           .most = MEGABYTES_MAX,
                           .unit = MEBIBYTE,
                           .help = "evaluation keys kept in all [8192]"},
    [SETTING_KEY_LIFETIME] = {.option = "key-days",
                              .argument = "N",
                              .field = "keyLifetime",
                              .kind = SETTING_IS_DURATION,
                              .least = 1,
                              .most = KEY_DAYS_MAX,
                              .unit = SECONDS_A_DAY,
                              .help = "days for which a key is kept [60]"},
    [SETTING_GATEWAY] = {.option = "gateway",
                         .field = "gateway",
                         .kind = SETTING_IS_SWITCH,
                         .help = "open Oblivious HTTP requests, as Apple's relay sends them"},
    [SETTING_GATEWAY_TARGETS] = {.option = "gateway-targets",
                                 .argument = "LIST",
                                 .field = "gatewayTargets",
                                 .kind = SETTING_IS_TEXT,
                                 .help = "hosts that these may be for [all that are served]"},
    [SETTING_GATEWAY_KEY_TIME] = {.option = "gateway-key-days",
                                  .argument = "N",
                                  .field = "gatewayKeyLifetime",
                                  .kind = SETTING_IS_DURATION,
                                  .least = 3,
                                  .most = KEY_DAYS_MAX,
                                  .unit = SECONDS_A_DAY,
                                  .help = "days for which its key is given out [30]"},
    [SETTING_REPORTS] = {.option = "reports",
                         .argument = "DIR",
                         .field = "reports",
                         .kind = SETTING_IS_PATH,
                         .can_change = true,
                         .help = "keep devices' reports in this folder [they are dropped]"},
    [SETTING_REPORTS_SIZE] = {.option = "reports-mb",
                              .argument = "N",
                              .field = "reportsSize",
                              .kind = SETTING_IS_SIZE,
                              .least = 1,
                              .most = MEGABYTES_MAX,
                              .unit = MEBIBYTE,
                              .can_change = true,
                              .help = "reports kept in all [1024]"},
    [SETTING_DRAIN] = {.option = "drain",
                       .argument = "SECONDS",
                       .field = "drain",
                       .kind = SETTING_IS_DURATION,
                       .least = 0,
                       .most = DRAIN_MAX_S,
                       .unit = 1,
                       .can_change = true,
                       .help = "time for requests under way at SIGTERM [10]"},
    [SETTING_HANDOVER] = {.option = "handover",
                          .argument = "FILE",
                          .field = "handover",
                          .kind = SETTING_IS_PATH,
                          .help = "socket where the next process takes over"},
    [SETTING_USER] = {.option = "user",
                      .argument = "NAME",
                      .field = "user",
                      .kind = SETTING_IS_TEXT,
                      .help = "go on as this user when root has started it"},
    [SETTING_SANDBOX] = {.option = "sandbox",
                         .argument = "HOW",
                         .field = "sandbox",
                         .kind = SETTING_IS_CHOICE,
                         .choices = sandboxes,
                         .choice_count = ARRAY_COUNT(sandboxes),
                         .help = "auto: as far as the kernel has it; required; off [auto]"},
    [SETTING_PROTOBUF_ERRORS] = {.option = "protobuf-errors",
                                 .field = "protobufErrors",
                                 .kind = SETTING_IS_SWITCH,
                                 .help = "failures of queries as Error messages, not as JSON"},
    [SETTING_VERIFY] = {.option = "verify",
                        .field = "verify",
                        .kind = SETTING_IS_SWITCH,
                        .help = "read all of a dataset before it is served, not after"},
    [SETTING_KERNEL] = {.option = "kernel",
                        .argument = "NAME",
                        .field = "kernel",
                        .kind = SETTING_IS_TEXT,
                        .help = "avx512, avx2, neon or ref rather than the fastest"},
    [SETTING_LOG_FORMAT] = {.option = "log-format",
                            .argument = "HOW",
                            .field = "logFormat",
                            .kind = SETTING_IS_CHOICE,
                            .choices = log_formats,
                            .choice_count = ARRAY_COUNT(log_formats),
                            .help = "text or json: the lines of the log [text]"},
    [SETTING_DEBUG] = {.option = "debug",
                       .field = "debug",
                       .kind = SETTING_IS_SWITCH,
                       .help = "log a line for each request (route, status, size, time)"},
};

void settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .auth = ways_of_paying[0],
        .sandbox = sandboxes[0],
        .log_format = log_formats[0],
        .reports_bytes = REPORT_LOG_TOTAL_BYTES,
        .drain_s = DRAIN_DEFAULT_S,
        .http = http_server_options_default(),
        .service = service_options_default(),
        .limits = store_limits_default(),
    };
}

void settings_deinit(struct settings *settings)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        mem_free(settings->taken[i]);
        settings->taken[i] = NULL;
    }
}

/* Where a text or choice is kept. */
static const char **text_of(struct settings *settings, enum setting setting)
{
    switch (setting) {
    case SETTING_DATA:
        return &settings->data;
    case SETTING_LISTEN:
        return &settings->http.address;
    case SETTING_ADMIN:
        return &settings->admin;
    case SETTING_STATE:
        return &settings->state;
    case SETTING_AUTH:
        return &settings->auth;
    case SETTING_LOG_FORMAT:
        return &settings->log_format;
    case SETTING_KEY_FILE:
        return &settings->key_file;
    case SETTING_PROXIES:
        return &settings->http.limits.proxies;
    case SETTING_GATEWAY_TARGETS:
        return &settings->service.gateway_targets;
    case SETTING_REPORTS:
        return &settings->reports;
    case SETTING_HANDOVER:
        return &settings->handover;
    case SETTING_USER:
        return &settings->user;
    case SETTING_SANDBOX:
        return &settings->sandbox;
    case SETTING_KERNEL:
        return &settings->kernel;
    default:
        return NULL;
    }
}

void settings_set_text(struct settings *settings, enum setting setting, const char *text)
{
    *text_of(settings, setting) = text;
}

void settings_take_text(struct settings *settings, enum setting setting, char *text)
{
    mem_free(settings->taken[setting]);
    settings->taken[setting] = text;
    settings_set_text(settings, setting, text);
}

static bool *switch_of(struct settings *settings, enum setting setting)
{
    switch (setting) {
    case SETTING_ALLOW_UNAUTHENTICATED:
        return &settings->allow_unauthenticated;
    case SETTING_GATEWAY:
        return &settings->service.has_gateway;
    case SETTING_PROTOBUF_ERRORS:
        return &settings->service.protobuf_errors;
    case SETTING_VERIFY:
        return &settings->service.verify;
    case SETTING_DEBUG:
        return &settings->debug;
    default:
        return NULL;
    }
}

void settings_set_switch(struct settings *settings, enum setting setting, bool is_on)
{
    *switch_of(settings, setting) = is_on;
}

#define MILLISECONDS 1000

/* Numbers have several types: one of these is set. */
struct number {
    uint64_t *wide;
    size_t *size;
    unsigned *narrow;
    unsigned *seconds_in_ms;
};

static struct number number_of(struct settings *settings, enum setting setting)
{
    switch (setting) {
    case SETTING_THREADS:
        return (struct number){.size = &settings->service.compute_threads};
    case SETTING_HTTP_THREADS:
        return (struct number){.narrow = &settings->http.threads};
    case SETTING_QUEUE:
        return (struct number){.size = &settings->service.queue_limit};
    case SETTING_CONNECTIONS:
        return (struct number){.narrow = &settings->http.limits.connections_max};
    case SETTING_ADDRESS_CONNECTIONS:
        return (struct number){.narrow = &settings->http.limits.address_max};
    case SETTING_HEAD_TIME:
        return (struct number){.seconds_in_ms = &settings->http.limits.head_ms};
    case SETTING_IDLE_TIME:
        return (struct number){.seconds_in_ms = &settings->http.limits.idle_ms};
    case SETTING_BODY_TIME:
        return (struct number){.seconds_in_ms = &settings->http.limits.body_ms};
    case SETTING_SEND_TIME:
        return (struct number){.seconds_in_ms = &settings->http.limits.send_ms};
    case SETTING_LEAST_SPEED:
        return (struct number){.wide = &settings->http.limits.bytes_per_second};
    case SETTING_BATCH:
        return (struct number){.size = &settings->service.batch_max};
    case SETTING_BODIES:
        return (struct number){.size = &settings->http.bodies_max_bytes};
    case SETTING_KEY_CACHE:
        return (struct number){.size = &settings->service.key_cache_bytes};
    case SETTING_KEY_STORE:
        return (struct number){.wide = &settings->limits.key_bytes_in_all};
    case SETTING_KEY_LIFETIME:
        return (struct number){.wide = &settings->limits.key_ttl_s};
    case SETTING_GATEWAY_KEY_TIME:
        return (struct number){.wide = &settings->service.gateway_keys.rotate_s};
    case SETTING_REPORTS_SIZE:
        return (struct number){.wide = &settings->reports_bytes};
    case SETTING_DRAIN:
        return (struct number){.narrow = &settings->drain_s};
    default:
        return (struct number){.wide = NULL};
    }
}

static uint64_t get_number(const struct settings *settings, enum setting setting)
{
    const struct number at = number_of((struct settings *)(uintptr_t)settings, setting);
    if (at.wide != NULL)
        return *at.wide;
    if (at.size != NULL)
        return *at.size;
    return at.narrow != NULL ? *at.narrow : *at.seconds_in_ms / MILLISECONDS;
}

void settings_set_number(struct settings *settings, enum setting setting, uint64_t number)
{
    const struct number at = number_of(settings, setting);
    if (at.wide != NULL)
        *at.wide = number;
    else if (at.size != NULL)
        *at.size = (size_t)number;
    else if (at.narrow != NULL)
        *at.narrow = (unsigned)number;
    else
        *at.seconds_in_ms = (unsigned)number * MILLISECONDS;
}

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool settings_keep(struct settings *settings, const struct settings *from, enum setting setting)
{
    struct settings *source = (struct settings *)(uintptr_t)from; /* only read */
    bool is_same = false;
    switch (setting_table[setting].kind) {
    case SETTING_IS_TEXT:
    case SETTING_IS_PATH:
    case SETTING_IS_CHOICE:
        is_same = is_same_text(*text_of(settings, setting), *text_of(source, setting));
        settings_set_text(settings, setting, *text_of(source, setting));
        break;
    case SETTING_IS_SWITCH:
        is_same = *switch_of(settings, setting) == *switch_of(source, setting);
        settings_set_switch(settings, setting, *switch_of(source, setting));
        break;
    case SETTING_IS_NUMBER:
    case SETTING_IS_SIZE:
    case SETTING_IS_DURATION:
        is_same = get_number(settings, setting) == get_number(from, setting);
        settings_set_number(settings, setting, get_number(from, setting));
        break;
    }
    return is_same;
}

bool settings_way_has_tokens(const char *way)
{
    return strcmp(way, ways_of_paying[0]) == 0;
}

bool settings_needs_sandbox(const struct settings *settings)
{
    return strcmp(settings->sandbox, sandboxes[1]) == 0;
}

bool settings_wants_sandbox(const struct settings *settings)
{
    return strcmp(settings->sandbox, sandboxes[2]) != 0;
}

bool settings_have_tokens(const struct settings *settings)
{
    return settings_way_has_tokens(settings->auth);
}

bool settings_log_is_json(const struct settings *settings)
{
    return strcmp(settings->log_format, log_formats[1]) == 0;
}

enum status settings_check(const struct settings *settings, struct error *err)
{
    bool is_loopback = false;
    bool ignored_too;
    struct address_ranges ignored;
    struct error why;
    if (settings->data == NULL)
        return error_set(err, STATUS_INVALID, "--data DIR is missing");
    if (gateway_targets_check(settings->service.gateway_targets, &why) != STATUS_OK)
        return error_set(err, STATUS_INVALID, "--gateway-targets: %s", why.message);
    if (settings->service.gateway_targets != NULL && !settings->service.has_gateway)
        return error_set(err, STATUS_INVALID, "--gateway-targets goes with --gateway");
    if (settings_have_tokens(settings) && settings->allow_unauthenticated)
        return error_set(err, STATUS_INVALID, "--allow-unauthenticated goes with --auth none");
    if (address_ranges_parse(settings->http.limits.proxies, &ignored, &why) != STATUS_OK)
        return error_set(err, STATUS_INVALID, "--trusted-proxy %s", why.message);
    if (http_address_is_loopback(settings->http.address, &is_loopback, &why) != STATUS_OK)
        return error_set(err, STATUS_INVALID, "--listen %s", why.message);
    if (settings->admin != NULL &&
        http_address_is_loopback(settings->admin, &ignored_too, &why) != STATUS_OK)
        return error_set(err, STATUS_INVALID, "--admin %s", why.message);
    if (!is_loopback && !settings_have_tokens(settings) && !settings->allow_unauthenticated)
        return error_set(err, STATUS_INVALID,
                         "--listen %s reaches other machines, and with --auth none nobody is "
                         "asked for a token: add --allow-unauthenticated if that is meant",
                         settings->http.address);
    return STATUS_OK;
}
