/* blindlist-server - answers devices' private queries and serves the prefilter.
 *
 * The main thread opens everything, then waits for signals: SIGHUP loads new
 * dataset versions, SIGTERM and SIGINT drain and end. All signals are blocked
 * in every other thread. */
#include "base/cpu.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "pir-server/dataset/dataset.h"
#include "pir-server/service/data_watch.h"
#include "pir-server/service/http_address.h"
#include "pir-server/service/http_server.h"
#include "pir-server/service/service.h"
#include "pir-server/state_command.h"
#include "pir-server/store/store.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* As everywhere in blindlist: 0 done, 1 failed, 2 wrong usage. */
enum { DONE = 0, FAILED = 1, USAGE = 2 };

#define STATE_FILE_NAME "blindlist-server.state"
#define TICKETS_MAX     ((size_t)8192) /* tokens that wait for the disk */
#define DRAIN_DEFAULT_S 10
#define DRAIN_MAX_S     3600
#define TIDY_EVERY_S    3600
#define TEND_EVERY_S    60
#define THREADS_MAX     1024
#define CONNECTIONS_MAX 1000000
#define MEGABYTES_MAX   ((uint64_t)1 << 24)
#define KEY_DAYS_MAX    ((uint64_t)36500)
#define SECONDS_A_DAY   ((uint64_t)86400)
/* After the drain time: for the last answers to leave. */
#define LAST_WORDS_MS 1000

struct settings {
    const char *data;
    const char *state;   /* NULL: beside the data */
    const char *kernel;  /* NULL: the fastest */
    const char *reports; /* NULL: dropped */
    uint64_t reports_bytes;
    const char *auth;
    const char *key_file; /* NULL: issuer keys are stored as they are */
    bool has_tokens;      /* requests cost tokens */
    bool allow_unauthenticated;
    bool debug;
    unsigned drain_s;
    struct http_server_options http;
    struct service_options service;
    struct store_limits limits;
};

enum option_number {
    OPTION_DATA,
    OPTION_LISTEN,
    OPTION_STATE,
    OPTION_AUTH,
    OPTION_ALLOW_UNAUTHENTICATED,
    OPTION_KEY_FILE,
    OPTION_THREADS,
    OPTION_HTTP_THREADS,
    OPTION_QUEUE,
    OPTION_CONNECTIONS,
    OPTION_BODIES_MB,
    OPTION_KEY_CACHE_MB,
    OPTION_KEY_STORE_MB,
    OPTION_KEY_DAYS,
    OPTION_REPORTS,
    OPTION_REPORTS_MB,
    OPTION_DRAIN,
    OPTION_VERIFY,
    OPTION_KERNEL,
    OPTION_DEBUG,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_COUNT
};

static const struct {
    const char *name;
    const char *argument; /* NULL = a switch */
    const char *help;
} option_table[OPTION_COUNT] = {
    [OPTION_DATA] = {"data", "DIR", "folder of the datasets (required)"},
    [OPTION_LISTEN] = {"listen", "ADDR:PORT", "address to bind [127.0.0.1:8080]; port 0: any free"},
    [OPTION_STATE] = {"state", "FILE", "keys and tokens [DIR/" STATE_FILE_NAME "]"},
    [OPTION_AUTH] = {"auth", "HOW", "token: requests cost Privacy Pass tokens; none [none]"},
    [OPTION_ALLOW_UNAUTHENTICATED] = {"allow-unauthenticated", NULL,
                                      "serve other machines with --auth none"},
    [OPTION_KEY_FILE] = {"key-file", "FILE", "32 bytes that encrypt issuer keys in the state file"},
    [OPTION_THREADS] = {"threads", "N", "compute threads [one for each core]"},
    [OPTION_HTTP_THREADS] = {"http-threads", "N", "threads for connections [2]"},
    [OPTION_QUEUE] = {"queue", "N", "bodies of queries that may wait [256]"},
    [OPTION_CONNECTIONS] = {"connections", "N", "open connections [1024]"},
    [OPTION_BODIES_MB] = {"bodies-mb", "N", "memory for bodies being received [512]"},
    [OPTION_KEY_CACHE_MB] = {"key-cache-mb", "N", "memory for decoded keys [512]"},
    [OPTION_KEY_STORE_MB] = {"key-store-mb", "N", "evaluation keys kept in all [8192]"},
    [OPTION_KEY_DAYS] = {"key-days", "N", "days for which a key is kept [60]"},
    [OPTION_REPORTS] = {"reports", "DIR",
                        "keep devices' reports in this folder [they are dropped]"},
    [OPTION_REPORTS_MB] = {"reports-mb", "N", "reports kept in all [1024]"},
    [OPTION_DRAIN] = {"drain", "SECONDS", "time for requests under way at SIGTERM [10]"},
    [OPTION_VERIFY] = {"verify", NULL, "read all of a dataset before it is served, not after"},
    [OPTION_KERNEL] = {"kernel", "NAME", "avx512, avx2, neon or ref rather than the fastest"},
    [OPTION_DEBUG] = {"debug", NULL, "log a line for each request (route, status, size, time)"},
    [OPTION_HELP] = {"help", NULL, "this text"},
    [OPTION_VERSION] = {"version", NULL, "the version"},
};

static void print_help(void)
{
    fputs("usage: blindlist-server --data DIR [--listen ADDR:PORT] [--state "
          "FILE] [options]\n"
          "       blindlist-server state check | backup FILE | vacuum --state FILE\n\n"
          "Answers the private queries of iPhones, iPads and Macs about the "
          "datasets in DIR, and\n"
          "serves their prefilters. SIGHUP loads new dataset versions; SIGTERM "
          "drains and ends.\n\n"
          "options:\n",
          stdout);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", option_table[i].name,
                 option_table[i].argument != NULL ? " " : "",
                 option_table[i].argument != NULL ? option_table[i].argument : "");
        printf("  %-26s %s\n", left, option_table[i].help);
    }
    fputs("\nExit codes: 0 ended on request, 1 failed, 2 wrong usage. See "
          "blindlist-server(8).\n",
          stdout);
}

static int PRINTF_LIKE(1, 2) usage_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("blindlist-server: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("\nTry 'blindlist-server --help'.\n", stderr);
    return USAGE;
}

/* A decimal number in [least, most]. */
static bool parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
    uint64_t value = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || value > most)
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    if (value < least || value > most)
        return false;
    *ret = value;
    return true;
}

/* The range of a number option; false for options that take none. */
static bool range_of(int option, uint64_t *ret_least, uint64_t *ret_most)
{
    *ret_least = 1;
    switch (option) {
    case OPTION_THREADS:
    case OPTION_HTTP_THREADS:
        *ret_most = THREADS_MAX;
        return true;
    case OPTION_QUEUE:
    case OPTION_CONNECTIONS:
        *ret_most = CONNECTIONS_MAX;
        return true;
    case OPTION_BODIES_MB:
    case OPTION_KEY_STORE_MB:
    case OPTION_REPORTS_MB:
        *ret_most = MEGABYTES_MAX;
        return true;
    case OPTION_KEY_CACHE_MB:
        *ret_least = 0;
        *ret_most = MEGABYTES_MAX;
        return true;
    case OPTION_KEY_DAYS:
        *ret_most = KEY_DAYS_MAX;
        return true;
    case OPTION_DRAIN:
        *ret_least = 0;
        *ret_most = DRAIN_MAX_S;
        return true;
    default:
        return false;
    }
}

static void set_option(struct settings *settings, int option, uint64_t number)
{
    switch (option) {
    case OPTION_DATA:
        settings->data = optarg;
        break;
    case OPTION_LISTEN:
        settings->http.address = optarg;
        break;
    case OPTION_STATE:
        settings->state = optarg;
        break;
    case OPTION_AUTH:
        settings->auth = optarg;
        break;
    case OPTION_KEY_FILE:
        settings->key_file = optarg;
        break;
    case OPTION_ALLOW_UNAUTHENTICATED:
        settings->allow_unauthenticated = true;
        break;
    case OPTION_KERNEL:
        settings->kernel = optarg;
        break;
    case OPTION_VERIFY:
        settings->service.verify = true;
        break;
    case OPTION_DEBUG:
        settings->debug = true;
        break;
    case OPTION_THREADS:
        settings->service.compute_threads = (size_t)number;
        break;
    case OPTION_HTTP_THREADS:
        settings->http.threads = (unsigned)number;
        break;
    case OPTION_QUEUE:
        settings->service.queue_limit = (size_t)number;
        break;
    case OPTION_CONNECTIONS:
        settings->http.connections_max = (unsigned)number;
        break;
    case OPTION_BODIES_MB:
        settings->http.bodies_max_bytes = (size_t)number << 20;
        break;
    case OPTION_KEY_CACHE_MB:
        settings->service.key_cache_bytes = (size_t)number << 20;
        break;
    case OPTION_KEY_STORE_MB:
        settings->limits.key_bytes_in_all = number << 20;
        break;
    case OPTION_KEY_DAYS:
        settings->limits.key_ttl_s = number * SECONDS_A_DAY;
        break;
    case OPTION_REPORTS:
        settings->reports = optarg;
        break;
    case OPTION_REPORTS_MB:
        settings->reports_bytes = number << 20;
        break;
    case OPTION_DRAIN:
        settings->drain_s = (unsigned)number;
        break;
    default:
        break;
    }
}

/* -1: go on; else the exit code. */
static int parse_options(int argc, char **argv, struct settings *settings)
{
    struct option options[OPTION_COUNT + 1] = {0};
    for (int i = 0; i < OPTION_COUNT; i++)
        options[i] = (struct option){
            .name = option_table[i].name,
            .has_arg = option_table[i].argument != NULL ? required_argument : no_argument,
            .val = i,
        };
    opterr = 0;
    for (;;) {
        const int at = optind;
        const int got = getopt_long(argc, argv, ":", options, NULL);
        if (got == -1)
            break;
        if (got == ':')
            return usage_error("%s needs a value", argv[at]);
        if (got == '?')
            return usage_error("unknown option %s", argv[at]);
        if (got == OPTION_HELP) {
            print_help();
            return fflush(stdout) == 0 ? DONE : FAILED;
        }
        if (got == OPTION_VERSION) {
            puts("blindlist-server " BLINDLIST_VERSION);
            return fflush(stdout) == 0 ? DONE : FAILED;
        }
        uint64_t least = 0;
        uint64_t most = 0;
        uint64_t number = 0;
        if (range_of(got, &least, &most) && !parse_number(optarg, least, most, &number))
            return usage_error("--%s needs a number from %" PRIu64 " to %" PRIu64 ", not %s",
                               option_table[got].name, least, most, optarg);
        set_option(settings, got, number);
    }
    if (optind < argc)
        return usage_error("unexpected operand %s", argv[optind]);
    if (settings->data == NULL)
        return usage_error("--data DIR is missing");
    settings->has_tokens = strcmp(settings->auth, "token") == 0;
    if (!settings->has_tokens && strcmp(settings->auth, "none") != 0)
        return usage_error("--auth needs token or none, not %s", settings->auth);
    return -1;
}

/* The kernels that everything computes with; -1: go on. */
static int choose_kernel(const struct settings *settings)
{
    struct error error;
    const enum status status = cpu_force_kernel(settings->kernel, &error);
    if (status == STATUS_OK)
        return -1;
    if (status == STATUS_NOT_FOUND)
        return usage_error("%s", error.message);
    fprintf(stderr, "blindlist-server: %s\n", error.message);
    return FAILED;
}

/* Whom it may listen to; -1: go on. */
static int check_address(const struct settings *settings)
{
    bool is_loopback = false;
    struct error error;
    if (http_address_is_loopback(settings->http.address, &is_loopback, &error) != STATUS_OK)
        return usage_error("--listen %s", error.message);
    if (!is_loopback && !settings->has_tokens && !settings->allow_unauthenticated)
        return usage_error("--listen %s reaches other machines, and with --auth none nobody is "
                           "asked for a token: add --allow-unauthenticated if that is meant",
                           settings->http.address);
    return -1;
}

static void log_start(const struct settings *settings, const struct log *log, const char *address,
                      struct service *service, struct store *store)
{
    struct store_usage usage = {0};
    if (store_get_usage(store, &usage, NULL) == STATUS_OK)
        log_write(log, LOG_INFO, "evaluation keys stored count=%" PRIu64 " bytes=%" PRIu64,
                  usage.key_count, usage.key_bytes);
    const struct cpu cpu = cpu_detect();
    log_write(log, LOG_INFO, "listening address=%s use_cases=%zu compute_threads=%zu kernel=%s",
              address, service_look(service).use_cases, settings->service.compute_threads,
              cpu_kernel_name(&cpu));
    if (settings->allow_unauthenticated && !settings->has_tokens)
        log_write(log, LOG_WARNING,
                  "--allow-unauthenticated: anybody who reaches %s may ask and upload keys; no "
                  "token is verified",
                  address);
}

static void tend(const struct settings *settings, const struct log *log)
{
    struct error error;
    if (settings->service.issuer != NULL &&
        issuer_tend(settings->service.issuer, settings->service.now_s(), &error) != STATUS_OK)
        log_write(log, LOG_ERROR, "issuer keys not tended: %s", error.message);
}

/* Waits for signals until one asks to end. */
static void serve(const struct settings *settings, struct service *service, const struct log *log,
                  const sigset_t *signals)
{
    time_t next_tidy = time(NULL) + TIDY_EVERY_S;
    time_t next_tending = time(NULL) + TEND_EVERY_S;
    for (;;) {
        const time_t now = time(NULL);
        const time_t next = next_tidy < next_tending ? next_tidy : next_tending;
        const struct timespec wait = {.tv_sec = next > now ? next - now : 0};
        const int got = sigtimedwait(signals, NULL, &wait);
        if (got == SIGTERM || got == SIGINT)
            return;
        if (got == SIGHUP) {
            struct error error;
            if (service_reload(service, &error) != STATUS_OK)
                log_write(log, LOG_ERROR, "reload failed, all stays as it was: %s", error.message);
        }
        if (time(NULL) >= next_tending) {
            tend(settings, log);
            next_tending = time(NULL) + TEND_EVERY_S;
        }
        if (time(NULL) >= next_tidy) {
            service_tidy(service);
            next_tidy = time(NULL) + TIDY_EVERY_S;
        }
    }
}

static void shut_down(const struct settings *settings, struct service *service,
                      struct http_server *server, const struct log *log)
{
    log_write(log, LOG_INFO, "draining for at most %u s", settings->drain_s);
    if (!http_server_drain(server, settings->drain_s * 1000)) {
        /* What waits is refused, what is computed ends; a second for the answers to
         * leave. */
        service_stop(service);
        const bool is_quiet = http_server_drain(server, LAST_WORDS_MS);
        log_write(log, LOG_WARNING, "requests were still under way%s",
                  is_quiet ? ", and answered with 503" : ", and cut off");
    }
}

/* The watch's thread asks for a reload as an operator would. */
static void on_switched(void *context)
{
    (void)context;
    (void)kill(getpid(), SIGHUP);
}

/* What requests are paid with; the store is open. */
static enum status open_issuer(struct settings *settings, const struct log *log, struct error *err)
{
    struct issuer_options options = {.store = settings->service.store,
                                     .app = "",
                                     .policy = key_ring_policy_default(),
                                     .log = log};
    struct key_seal seal;
    enum status status = STATUS_OK;
    if (settings->key_file != NULL) {
        status = key_seal_read(settings->key_file, &seal, err);
        options.seal = &seal;
    }
    if (status == STATUS_OK)
        status = issuer_new(&options, settings->service.now_s(), &settings->service.issuer, err);
    if (settings->key_file != NULL)
        key_seal_wipe(&seal);
    if (status == STATUS_OK)
        status = store_batch_new(settings->service.store, TICKETS_MAX, settings->service.now_s,
                                 &settings->service.tickets, err);
    return status;
}

static enum status run(struct settings *settings, const struct log *log, const sigset_t *signals,
                       struct error *err)
{
    struct store *store = NULL;
    struct service *service = NULL;
    struct http_server *server = NULL;
    struct data_watch *watch = NULL;
    char *default_state = NULL;
    if (settings->state == NULL)
        settings->state = default_state = path_join(settings->data, STATE_FILE_NAME);
    if (settings->state == NULL)
        return error_set(err, STATUS_NOMEM, "out of memory");

    /* The datasets first: without one no state file is made in a folder that was
     * mistyped. */
    settings->service.data = settings->data;
    settings->service.log = log;
    settings->service.check_digests = !settings->service.verify;
    struct folder_names names = {0};
    enum status status = dataset_list(settings->data, &names, err);
    if (status == STATUS_OK && names.count == 0)
        status =
            error_set(err, STATUS_NOT_FOUND,
                      "%s: no dataset in it (make one with `blindlist compile`)", settings->data);
    folder_names_deinit(&names);
    if (status == STATUS_OK)
        status = store_open(settings->state, &settings->limits, STORE_MAY_BE_NEW, &store, err);
    settings->service.store = store;
    if (status == STATUS_OK && settings->has_tokens)
        status = open_issuer(settings, log, err);
    if (status == STATUS_OK && settings->reports != NULL)
        status = report_log_open(settings->reports, REPORT_LOG_FILE_BYTES, settings->reports_bytes,
                                 &settings->service.reports, err);
    if (status == STATUS_OK) /* before the datasets are loaded: what comes later is noticed */
        status = data_watch_new(settings->data, on_switched, NULL, &watch, err);
    if (status == STATUS_OK)
        status = service_new(&settings->service, &service, err);
    if (status != STATUS_OK)
        goto done;

    const struct http_handler handler = {
        .context = service, .admit = service_admit, .start = service_start};
    status = http_server_start(&settings->http, &handler, log, &server, err);
    if (status != STATUS_OK)
        goto done;
    log_start(settings, log, http_server_address(server), service, store);
    serve(settings, service, log, signals);
    data_watch_free(watch);
    watch = NULL;
    shut_down(settings, service, server, log);
done:
    data_watch_free(watch);
    http_server_free(server);
    store_batch_free(settings->service.tickets); /* its answers need the service */
    service_free(service);
    issuer_free(settings->service.issuer);
    report_log_close(settings->service.reports);
    store_close(store);
    mem_free(default_state);
    if (status == STATUS_OK)
        log_write(log, LOG_INFO, "ended");
    return status;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "state") == 0)
        return state_command(argc - 1, argv + 1);
    struct settings settings = {
        .auth = "none",
        .reports_bytes = REPORT_LOG_TOTAL_BYTES,
        .drain_s = DRAIN_DEFAULT_S,
        .http = http_server_options_default(),
        .service = service_options_default(),
        .limits = store_limits_default(),
    };
    int exit_code = parse_options(argc, argv, &settings);
    if (exit_code < 0)
        exit_code = check_address(&settings);
    if (exit_code < 0)
        exit_code = choose_kernel(&settings);
    if (exit_code >= 0)
        return exit_code;

    /* Before the first thread is made: threads inherit the mask. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    const struct log log = {.fd = STDERR_FILENO, .least = settings.debug ? LOG_DEBUG : LOG_INFO};
    struct error error = {0};
    if (run(&settings, &log, &signals, &error) != STATUS_OK) {
        log_write(&log, LOG_ERROR, "%s", error.message);
        return FAILED;
    }
    return DONE;
}
