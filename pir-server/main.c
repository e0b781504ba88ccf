/* blindlist-server - answers devices' private queries and serves the prefilter.
 *
 * The main thread opens everything, then waits for signals: SIGHUP loads new
 * dataset versions, SIGTERM and SIGINT drain and end. All signals are blocked
 * in every other thread. */
#include "base/cpu.h"
#include "pir-server/config/config_file.h"
#include "pir-server/options.h"
#include "pir-server/startup.h"
#include "pir-server/state_command.h"

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

/* On the defaults the file, then the command line. */
static enum status settle(const struct options *options, struct settings *settings,
                          struct error *err)
{
    if (options->config != NULL) {
        const enum status status = config_file_read(options->config, settings, err);
        if (status != STATUS_OK)
            return status;
    }
    options_apply(options, settings);
    return settings_check(settings, err);
}

static int read_settings(int argc, char **argv, struct settings *settings)
{
    struct options options;
    struct error error;
    const int code = options_parse(argc, argv, &options);
    if (code != OPTIONS_GO_ON)
        return code;
    if (settle(&options, settings, &error) == STATUS_OK)
        return choose_kernel(settings);
    if (options.config == NULL)
        return options_usage_error("%s", error.message);
    fprintf(stderr, "blindlist-server: %s\n", error.message);
    return OPTIONS_FAILED;
}

static void reload(const struct running *running)
{
    struct error error;
    if (service_reload(running->service, NULL, &error) != STATUS_OK)
        log_write(running->log, LOG_ERROR, "reload failed, all stays as it was: %s", error.message);
}

/* By a clock that nobody sets: what is due comes, also after the time of day went back. */
static time_t running_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Waits for signals until one asks to end. */
static void serve(const struct running *running, const sigset_t *signals)
{
    time_t next_tidy = running_s() + TIDY_EVERY_S;
    time_t next_tending = running_s() + TEND_EVERY_S;
    for (;;) {
        const time_t now = running_s();
        const time_t next = next_tidy < next_tending ? next_tidy : next_tending;
        const struct timespec wait = {.tv_sec = next > now ? next - now : 0};
        const int got = sigtimedwait(signals, NULL, &wait);
        if (got == SIGTERM || got == SIGINT)
            return;
        if (got == SIGHUP)
            reload(running);
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

static int run(struct settings *settings)
{
    const struct log log = {.fd = STDERR_FILENO, .least = settings->debug ? LOG_DEBUG : LOG_INFO};
    sigset_t signals;
    struct running running;
    struct error error;
    block_signals(&signals);
    if (startup_open(settings, &log, &running, &error) != STATUS_OK) {
        log_write(&log, LOG_ERROR, "%s", error.message);
        return OPTIONS_FAILED;
    }
    serve(&running, &signals);
    startup_drain(&running);
    startup_close(&running);
    log_write(&log, LOG_INFO, "ended");
    return OPTIONS_DONE;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "state") == 0)
        return state_command(argc - 1, argv + 1);
    struct settings settings;
    settings_init(&settings);
    int code = read_settings(argc, argv, &settings);
    if (code == OPTIONS_GO_ON)
        code = run(&settings);
    settings_deinit(&settings);
    return code;
}
