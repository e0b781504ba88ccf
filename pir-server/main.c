/* blindlist-server - answers devices' private queries and serves the prefilter.
 *
 * The main thread opens everything, then waits for signals: SIGHUP loads new
 * dataset versions, SIGTERM and SIGINT drain and end. All signals are blocked
 * in every other thread. */
#include "base/cpu.h"
#include "base/mem.h"
#include "pir-server/configure.h"
#include "pir-server/options.h"
#include "pir-server/startup.h"
#include "pir-server/state_command.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TIDY_EVERY_S 3600
#define TEND_EVERY_S 60

/* The kernels that everything computes with. */
static int choose_kernel(const struct settings *settings)
{
    struct error error;
    const enum status status = cpu_force_kernel(settings->kernel, &error);
    if (status == STATUS_OK)
        return OPTIONS_GO_ON;
    if (status == STATUS_NOT_FOUND)
        return options_usage_error("%s", error.message);
    fprintf(stderr, "blindlist-server: %s\n", error.message);
    return OPTIONS_FAILED;
}

static int read_config(const struct options *options, struct config **ret)
{
    struct config *config = NULL;
    struct error error;
    if (configure(options, &config, &error) != STATUS_OK) {
        if (options->config == NULL)
            return options_usage_error("%s", error.message);
        fprintf(stderr, "blindlist-server: %s\n", error.message);
        return OPTIONS_FAILED;
    }
    const int code = choose_kernel(&config->settings);
    if (code == OPTIONS_GO_ON)
        *ret = config;
    else
        config_free(config);
    return code;
}

/* By a clock that nobody sets: what is due comes, also after the time of day went back. */
static time_t running_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Waits for signals until one asks to end. */
static void serve(struct running *running, const struct options *options, const sigset_t *signals)
{
    time_t next_tidy = running_s() + TIDY_EVERY_S;
    time_t next_tending = running_s() + TEND_EVERY_S;
    const unsigned watchdog_ms = running->manager.watchdog_ms;
    for (;;) {
        const time_t now = running_s();
        const time_t next = next_tidy < next_tending ? next_tidy : next_tending;
        struct timespec wait = {.tv_sec = next > now ? next - now : 0};
        if (watchdog_ms > 0)
            service_manager_tell(&running->manager, "WATCHDOG=1");
        if (watchdog_ms > 0 && wait.tv_sec > watchdog_ms / 1000)
            wait = (struct timespec){.tv_sec = watchdog_ms / 1000,
                                     .tv_nsec = (long)(watchdog_ms % 1000) * 1000000L};
        const int got = sigtimedwait(signals, NULL, &wait);
        if (got == SIGTERM || got == SIGINT)
            return;
        if (got == SIGHUP)
            startup_reload(running, options);
        if (running_s() >= next_tending) {
            service_tend(running->service);
            next_tending = running_s() + TEND_EVERY_S;
        }
        if (running_s() >= next_tidy) {
            service_tidy(running->service);
            next_tidy = running_s() + TIDY_EVERY_S;
        }
    }
}

/* Before the first thread is made: threads inherit the mask. */
static void block_signals(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGHUP);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
    sigprocmask(SIG_BLOCK, ret, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a failed write, as on a full disk */
}

static int run(const struct options *options, const struct config *config)
{
    const struct log log = {.fd = STDERR_FILENO,
                            .least = config->settings.debug ? LOG_DEBUG : LOG_INFO,
                            .format = settings_log_is_json(&config->settings) ? LOG_JSON : LOG_TEXT,
                            .is_for_journal = service_manager_keeps_journal(STDERR_FILENO)};
    sigset_t signals;
    struct running running;
    struct error error;
    block_signals(&signals);
    if (startup_open(config, &log, &running, &error) != STATUS_OK) {
        log_write(&log, LOG_ERROR, "%s", error.message);
        return OPTIONS_FAILED;
    }
    serve(&running, options, &signals);
    startup_drain(&running);
    startup_close(&running);
    log_write(&log, LOG_INFO, "ended");
    return OPTIONS_DONE;
}

static void *allocate(size_t size)
{
    return mem_alloc(size, 1);
}

int main(int argc, char **argv)
{
    /* Reports of what somebody visited pass through jansson. */
    json_set_alloc_funcs(allocate, mem_free_wiped);
    if (argc > 1 && strcmp(argv[1], "state") == 0)
        return state_command(argc - 1, argv + 1);
    struct options options;
    struct config *config = NULL;
    int code = options_parse(argc, argv, &options);
    if (code == OPTIONS_GO_ON && options.is_check)
        return configure_check(&options);
    if (code == OPTIONS_GO_ON)
        code = read_config(&options, &config);
    if (code == OPTIONS_GO_ON)
        code = run(&options, config);
    config_free(config);
    return code;
}
