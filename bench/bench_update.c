/* An update of a million rows: from the start of `blindlist compile` on the changed list, or of
 * `blindlist update`, which fetches it from a web server, to a running blindlist-server that
 * answers from the new version. */
#include "bench/bench.h"

#include "base/cpu.h"
#include "base/file.h"
#include "base/mem.h"
#include "bench/http_load.h"
#include "bench/list_server.h"
#include "bench/server_process.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define USE_CASE     "bench.update"
#define LINES        1000000
#define CHANGED      1000 /* lines that are others: as many rows leave as come */
#define SHARDS       "16"
#define RUNS         ((size_t)7)
#define ANSWER_BYTES ((size_t)65536)
#define POLL_NS      1000000
#define TEXT_BYTES   4096

/* What --json calls the phases. */
static const char *const phases[] = {"reading",   "keys",    "rows",      "shards",
                                     "prefilter", "digests", "publishing"};
#define PHASES      ARRAY_COUNT(phases)
#define LIST_PHASES 3 /* the first of them: from lists to rows */

struct state {
    bool is_fetched;
    char folder[64];
    char config[96]; /* lists.json */
    char list[96];
    char summary[96]; /* what was printed last */
    char program[TEXT_BYTES];
};

struct run {
    uint64_t live_ns;
    uint64_t from_rows_ns; /* of these, after the list was read and sorted */
    uint64_t phase_ns[PHASES];
};

/* Hosts, hosts with paths, hosts lines and rules, a quarter each. Each run changes CHANGED lines
 * for good that no run before it changed. */
static void write_list(const struct state *state, unsigned run)
{
    static const char *const forms[] = {
        "a%u.example-%u.com\n",
        "https://b%u.example-%u.net/a/index.html\n",
        "0.0.0.0 c%u.example-%u.org\n",
        "||d%u.example-%u.co.uk^\n",
    };
    struct file_writer *writer = NULL;
    struct error error;
    if (file_writer_new(state->list, FILE_MODE_PUBLIC, &writer, &error) != STATUS_OK)
        bench_fail("%s", error.message);
    uint64_t x = 1;
    for (unsigned i = 0; i < LINES; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const unsigned turn = i % (LINES / CHANGED); /* the run that changes it; 0 = none */
        char line[128];
        const int size = snprintf(line, sizeof line, forms[i % ARRAY_COUNT(forms)],
                                  (unsigned)(x >> 40) + (turn <= run ? turn << 24 : 0), i);
        file_writer_write(writer, span_of(line, (size_t)size));
    }
    if (file_writer_commit(writer, &error) != STATUS_OK)
        bench_fail("%s", error.message);
}

static pid_t start_compile(const struct state *state)
{
    const pid_t pid = fork();
    if (pid < 0)
        bench_fail("fork: %s", strerror(errno));
    if (pid > 0)
        return pid;
    const char *const compile[] = {state->program, "compile", state->list,   "--use-case",
                                   USE_CASE,       "--out",   state->folder, "--shards",
                                   SHARDS,         "--json",  NULL};
    const char *const update[] = {state->program, "update", state->config, "--data",
                                  state->folder,  "--json", NULL};
    const char *const *arguments = state->is_fetched ? update : compile;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (freopen(state->summary, "w", stdout) != NULL)
        execv(state->program, (char *const *)(uintptr_t)arguments);
    _exit(127);
}

static void wait_for_end(pid_t pid)
{
    int code = -1;
    if (waitpid(pid, &code, 0) != pid || code != 0)
        bench_fail("blindlist ended with %d", code);
}

static void remove_others(const struct state *state)
{
    char command[TEXT_BYTES];
    snprintf(command, sizeof command,
             "cd %s/%s && for v in ????????????????; do "
             "[ \"$v\" = \"$(readlink current)\" ] || rm -rf \"$v\"; done; sync",
             state->folder, USE_CASE);
    if (system(command) != 0)
        bench_fail("%s", command);
}

static void read_manifest(struct http_load *load, struct bytes *ret)
{
    struct bytes request;
    bytes_init(&request, ANSWER_BYTES);
    bytes_clear(ret);
    http_load_request("GET", "/prefilter/" USE_CASE ".json", "user", span_of(NULL, 0), &request);
    http_load_ask(load, bytes_view(&request), ret);
    bytes_deinit(&request);
}

/* The phases of the run that ended last. */
static void read_phases(const struct state *state, struct run *ret)
{
    json_error_t error;
    json_t *summary = json_load_file(state->summary, 0, &error);
    const json_t *seconds = json_object_get(summary, "seconds");
    for (size_t i = 0; i < PHASES; i++) {
        const json_t *phase = json_object_get(seconds, phases[i]);
        if (!json_is_number(phase))
            bench_fail("%s: no time for %s", state->summary, phases[i]);
        ret->phase_ns[i] = (uint64_t)(json_number_value(phase) * 1e9);
    }
    json_decref(summary);
}

static void make_live(const struct state *state, struct http_load *load, unsigned run,
                      struct run *ret)
{
    struct bytes before;
    struct bytes now;
    bytes_init(&before, ANSWER_BYTES);
    bytes_init(&now, ANSWER_BYTES);
    write_list(state, run);
    read_manifest(load, &before);
    remove_others(state);
    const uint64_t start = bench_now_ns();
    const pid_t pid = start_compile(state);
    do {
        const struct timespec pause = {.tv_nsec = POLL_NS};
        nanosleep(&pause, NULL);
        read_manifest(load, &now);
    } while (span_equal(bytes_view(&before), bytes_view(&now)));
    ret->live_ns = bench_now_ns() - start;
    wait_for_end(pid);
    read_phases(state, ret);
    ret->from_rows_ns = ret->live_ns;
    for (size_t i = 0; i < LIST_PHASES; i++)
        ret->from_rows_ns -= ret->phase_ns[i];
    bytes_deinit(&before);
    bytes_deinit(&now);
}

static int by_size(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Of all runs, the figure that lies `offset` bytes into a run. */
static void print_line(const char *label, const struct run runs[RUNS], size_t offset)
{
    uint64_t took[RUNS];
    for (size_t i = 0; i < RUNS; i++)
        memcpy(&took[i], (const char *)&runs[i] + offset, sizeof took[i]);
    qsort(took, RUNS, sizeof took[0], by_size);
    printf("%s rows=%d changed=%d shards=" SHARDS
           " threads=%zu median_ms=%.1f min_ms=%.1f runs=%zu\n",
           label, LINES, CHANGED, cpu_core_count(), (double)took[RUNS / 2] / 1e6,
           (double)took[0] / 1e6, RUNS);
}

static void write_config(const struct state *state, const struct list_server *web)
{
    char text[TEXT_BYTES];
    struct error error;
    snprintf(text, sizeof text,
             "{\"useCase\": \"" USE_CASE "\", \"output\": {\"shards\": " SHARDS "}, \"sources\": ["
             "{\"id\": \"list\", \"url\": \"http://127.0.0.1:%u/\", \"allowHttp\": true}]}",
             (unsigned)web->port);
    if (file_write(state->config, FILE_MODE_PUBLIC, span_of_text(text), &error) != STATUS_OK)
        bench_fail("%s", error.message);
}

/* `label`: begins each line. */
static void measure(struct state *state, const char *program, const char *label)
{
    struct server_process server;
    struct run runs[RUNS];
    char line[TEXT_BYTES];
    write_list(state, 0);
    wait_for_end(start_compile(state));
    server_process_start(program, state->folder, NULL, &server);
    struct http_load *load = http_load_new(server.address, 1);
    for (size_t i = 0; i < RUNS; i++)
        make_live(state, load, (unsigned)i + 1, &runs[i]);
    snprintf(line, sizeof line, "%s_live", label);
    print_line(line, runs, offsetof(struct run, live_ns));
    snprintf(line, sizeof line, "%s_live_from_rows", label);
    print_line(line, runs, offsetof(struct run, from_rows_ns));
    for (size_t i = 0; i < PHASES; i++) {
        snprintf(line, sizeof line, "%s_phase phase=%s", label, phases[i]);
        print_line(line, runs, offsetof(struct run, phase_ns) + i * sizeof(uint64_t));
    }
    fflush(stdout); /* before the next fork() */
    http_load_free(load);
    server_process_stop(&server);
}

static void make_folder(struct state *state)
{
    snprintf(state->folder, sizeof state->folder, "/tmp/bench_update.XXXXXX");
    if (mkdtemp(state->folder) == NULL)
        bench_fail("%s: cannot be made", state->folder);
    snprintf(state->list, sizeof state->list, "%s/list.txt", state->folder);
    snprintf(state->config, sizeof state->config, "%s/lists.json", state->folder);
    snprintf(state->summary, sizeof state->summary, "%s/summary.json", state->folder);
}

int main(int argc, char **argv)
{
    struct state state = {.is_fetched = false};
    struct list_server web;
    (void)argc;
    const char *slash = strrchr(argv[0], '/');
    snprintf(state.program, sizeof state.program, "%.*s/../blindlist",
             slash == NULL ? 1 : (int)(slash - argv[0]), slash == NULL ? "." : argv[0]);
    make_folder(&state);
    measure(&state, argv[0], "update");
    folder_remove(state.folder);

    make_folder(&state);
    list_server_start(state.list, &web);
    state.is_fetched = true;
    write_config(&state, &web);
    measure(&state, argv[0], "update_fetched");
    list_server_stop(&web);
    folder_remove(state.folder);
    return 0;
}
