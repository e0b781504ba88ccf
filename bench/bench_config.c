/* GET /config as anybody may ask it, without token or identifier, beside a bare libmicrohttpd
 * handler that sends the same body from as many threads: rounds of both, in turns. */
#include "bench/bench.h"

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/file.h"
#include "bench/http_load.h"
#include "bench/load_device.h"
#include "bench/server_process.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS          ((size_t)1000)
#define MANY          ((size_t)16) /* use cases whose configurations are worth compressing */
#define CLIENTS       ((size_t)16)
#define HTTP_THREADS  2
#define ROUNDS        31
#define ROUND_S       0.25
#define REQUEST_BYTES ((size_t)1 << 20)

/* ---- the bare handler, a process of its own ---- */

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **slot)
{
    (void)url;
    (void)method;
    (void)version;
    (void)data;
    (void)size;
    (void)slot;
    static int seen;
    if (*slot == NULL) {
        *slot = &seen;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, context);
}

static int listen_anywhere(char address[64])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0)
        bench_fail("no socket for the bare handler");
    snprintf(address, 64, "127.0.0.1:%u", ntohs(at.sin_port));
    return fd;
}

static void serve_bare(int fd, struct span body)
{
    sigset_t end;
    int got;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.size, (void *)(uintptr_t)body.data, MHD_RESPMEM_PERSISTENT);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, response, MHD_OPTION_LISTEN_SOCKET,
        fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)HTTP_THREADS, MHD_OPTION_END);
    if (response == NULL || daemon == NULL)
        _exit(1);
    sigwait(&end, &got);
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
    _exit(0);
}

/* Answers every request with the body. */
static void start_bare(struct span body, struct server_process *ret)
{
    *ret = (struct server_process){.started_ns = bench_now_ns()};
    const int fd = listen_anywhere(ret->address);
    fflush(stdout);
    ret->pid = fork();
    if (ret->pid < 0)
        bench_fail("no process for the bare handler");
    if (ret->pid == 0)
        serve_bare(fd, body);
    ret->log_fd = fd; /* closed when the server is stopped */
}

/* ---- lines ---- */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

struct side {
    const struct server_process *server;
    struct http_load *load;
    double per_second[ROUNDS];
    double cpu_us[ROUNDS];
};

static void measure(struct side *side, struct span request, size_t round)
{
    const uint64_t before_ns = server_process_cpu_ns(side->server);
    const struct http_load_figures figures =
        http_load_closed(side->load, &request, 1, CLIENTS, ROUND_S);
    side->per_second[round] = figures.per_second;
    side->cpu_us[round] = (double)(server_process_cpu_ns(side->server) - before_ns) / 1e3 /
                          (figures.per_second * ROUND_S);
}

static void print_shares(const char *label, struct side *own, struct side *bare)
{
    double share[ROUNDS];
    double cpu_share[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        share[i] = own->per_second[i] / bare->per_second[i];
        cpu_share[i] = bare->cpu_us[i] / own->cpu_us[i];
    }
    double *const all[] = {own->per_second, bare->per_second, own->cpu_us, bare->cpu_us,
                           share,           cpu_share};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        qsort(all[i], ROUNDS, sizeof(double), by_size);
    printf("http_config %s per_s=%.0f bare_per_s=%.0f share=%.2f server_cpu_us=%.1f "
           "bare_cpu_us=%.1f cpu_share=%.2f threads=%d clients=%zu rounds=%d\n",
           label, own->per_second[ROUNDS / 2], bare->per_second[ROUNDS / 2], share[ROUNDS / 2],
           own->cpu_us[ROUNDS / 2], bare->cpu_us[ROUNDS / 2], cpu_share[ROUNDS / 2], HTTP_THREADS,
           CLIENTS, ROUNDS);
    fflush(stdout);
}

static void compare(const char *label, const struct server_process *server, const char *head)
{
    const struct span request = span_of_text(head);
    struct http_load *load = http_load_new(server->address, CLIENTS);
    struct server_process bare_server;
    struct bytes body;
    bytes_init(&body, REQUEST_BYTES);
    http_load_ask(load, request, &body);
    start_bare(bytes_view(&body), &bare_server);
    struct http_load *bare_load = http_load_new(bare_server.address, CLIENTS);
    struct side own = {.server = server, .load = load};
    struct side bare = {.server = &bare_server, .load = bare_load};
    for (size_t round = 0; round < ROUNDS; round++) {
        measure(&own, request, round);
        measure(&bare, request, round);
    }
    print_shares(label, &own, &bare);
    http_load_free(load);
    http_load_free(bare_load);
    server_process_stop(&bare_server);
    bytes_deinit(&body);
}

static void measure_use_cases(const char *program, size_t use_cases)
{
    char folder[] = "/tmp/bench_config.XXXXXX";
    char name[32];
    char label[64];
    struct server_process server;
    if (mkdtemp(folder) == NULL)
        bench_fail("%s: cannot be made", folder);
    for (size_t i = 0; i < use_cases; i++) {
        snprintf(name, sizeof name, "bench.config.%zu", i);
        load_device_compile(folder, name, ROWS, 1);
    }
    server_process_start(program, folder, NULL, &server);
    snprintf(label, sizeof label, "use_cases=%zu", use_cases);
    compare(label, &server, "GET /config HTTP/1.1\r\nhost: bench\r\n\r\n");
    if (use_cases > 1) {
        snprintf(label, sizeof label, "use_cases=%zu encoding=gzip", use_cases);
        compare(label, &server,
                "GET /config HTTP/1.1\r\nhost: bench\r\naccept-encoding: gzip\r\n\r\n");
    }
    server_process_stop(&server);
    folder_remove(folder);
}

int main(int argc, char **argv)
{
    (void)argc;
    measure_use_cases(argv[0], 1);
    measure_use_cases(argv[0], MANY);
    return 0;
}
