/* A process in the sandbox tries to leave it. Each attempt is made twice by children of this test:
 * outside, where it succeeds as far as the machine lets it, and inside, where it must not. */
#define _GNU_SOURCE
#include "pir-server/service/sandbox.h"

#include "base/mem.h"
#include "pir-server/service/app.h"
#include "tests/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/blindlist-sandbox-XXXXXX";
static char inside[64];  /* in the folder that may be written */
static char outside[64]; /* beside it */
static struct sockaddr_in neighbour;
static pid_t bystander;
static int terminal = -1;

/* ---- what is tried: 0 = it was done, else why not ---- */

static int try_open(const char *path, int flags)
{
    const int fd = open(path, flags | O_CLOEXEC, 0600);
    const int why = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return why;
}

static int read_shadow(void)
{
    return try_open("/etc/shadow", O_RDONLY);
}

static int read_beside(void)
{
    return try_open(outside, O_RDONLY);
}

static int write_beside(void)
{
    return try_open(outside, O_WRONLY | O_TRUNC);
}

static int make_beside(void)
{
    char path[80];
    snprintf(path, sizeof path, "%s.new", outside);
    const int why = try_open(path, O_WRONLY | O_CREAT);
    (void)unlink(path);
    return why;
}

static int remove_beside(void)
{
    char path[80];
    snprintf(path, sizeof path, "%s.link", outside);
    if (symlink("x", path) != 0 && errno != EEXIST)
        return errno;
    return unlink(path) == 0 ? 0 : errno;
}

static int read_others_memory(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/mem", (long)bystander);
    return try_open(path, O_RDONLY);
}

static int run_program(void)
{
    char *const words[] = {(char *)(uintptr_t) "true", NULL};
    execv("/bin/true", words); /* ends with 0 */
    return errno;
}

static int start_process(void)
{
    const pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child < 0)
        return errno;
    waitpid(child, NULL, 0);
    return 0;
}

static int trace_other(void)
{
    if (ptrace(PTRACE_SEIZE, bystander, NULL, NULL) != 0)
        return errno;
    (void)ptrace(PTRACE_DETACH, bystander, NULL, NULL);
    return 0;
}

static int read_other(void)
{
    char byte;
    const struct iovec here = {.iov_base = &byte, .iov_len = 1};
    const struct iovec there = {.iov_base = folder, .iov_len = 1};
    return process_vm_readv(bystander, &here, 1, &there, 1, 0) == 1 ? 0 : errno;
}

static int signal_other(void)
{
    return kill(bystander, SIGCONT) == 0 ? 0 : errno;
}

static int call_out(void)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    const int why =
        connect(fd, (const struct sockaddr *)&neighbour, sizeof neighbour) == 0 ? 0 : errno;
    close(fd);
    return why;
}

static int send_datagram(void)
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    const int why =
        sendto(fd, "x", 1, 0, (const struct sockaddr *)&neighbour, sizeof neighbour) == 1 ? 0
                                                                                          : errno;
    close(fd);
    return why;
}

static int take_port(void)
{
    struct sockaddr_in any = neighbour;
    any.sin_port = 0;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    const int why = bind(fd, (const struct sockaddr *)&any, sizeof any) == 0 ? 0 : errno;
    close(fd);
    return why;
}

static int take_packets(void)
{
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : errno;
}

/* At a terminal that is open since before, as a shell's is. */
static int type_at_terminal(void)
{
    return ioctl(terminal, TIOCSTI, "x") == 0 ? 0 : errno;
}

static int make_namespace(void)
{
    return unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
}

static int make_program(void)
{
    const long fd = syscall(SYS_memfd_create, "x", 0);
    if (fd >= 0)
        close((int)fd);
    return fd >= 0 ? 0 : errno;
}

/* ---- what goes on ---- */

static void *do_nothing(void *context)
{
    return context;
}

static int start_thread(void)
{
    pthread_t thread;
    const int why = pthread_create(&thread, NULL, do_nothing, NULL);
    return why == 0 ? pthread_join(thread, NULL) : why;
}

static int write_inside(void)
{
    char other[80];
    snprintf(other, sizeof other, "%s.other", inside);
    const int why = try_open(inside, O_RDWR | O_CREAT | O_TRUNC);
    if (why != 0)
        return why;
    return rename(inside, other) == 0 && unlink(other) == 0 ? 0 : errno;
}

static int listen_inside(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s.socket", inside);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    const int why = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    (void)unlink(address.sun_path);
    close(fd);
    return why;
}

static int read_library(void)
{
    return try_open("/usr/lib", O_RDONLY | O_DIRECTORY);
}

static int signal_itself(void)
{
    return kill(getpid(), SIGCONT) == 0 ? 0 : errno;
}

/* ---- the children ---- */

enum part { FILES, CALLS, NET, SCOPES, ALLOWED };

#define VERSION_NET   4 /* of Landlock */
#define VERSION_SCOPE 6

struct attempt {
    const char *what;
    int (*make)(void);
    enum part part; /* that refuses it */
};

static const struct attempt attempts[] = {
    {"read /etc/shadow", read_shadow, FILES},
    {"read a file beside", read_beside, FILES},
    {"write a file beside", write_beside, FILES},
    {"make a file beside", make_beside, FILES},
    {"remove a file beside", remove_beside, FILES},
    {"open another process's memory", read_others_memory, FILES},
    {"run a program", run_program, FILES},
    {"start a process", start_process, CALLS},
    {"trace another process", trace_other, FILES},
    {"read another process", read_other, FILES},
    {"make a namespace", make_namespace, CALLS},
    {"make a program in memory", make_program, CALLS},
    {"type at a terminal", type_at_terminal, CALLS},
    {"send a datagram", send_datagram, CALLS},
    {"listen to the system", take_packets, CALLS},
    {"connect to another port", call_out, NET},
    {"take a port", take_port, NET},
    {"signal another process", signal_other, SCOPES},
    {"start a thread", start_thread, ALLOWED},
    {"write in its folder", write_inside, ALLOWED},
    {"make a socket in its folder", listen_inside, ALLOWED},
    {"read libraries", read_library, ALLOWED},
    {"signal itself", signal_itself, ALLOWED},
};

static struct sandbox_state enter(bool is_client)
{
    struct sandbox sandbox = {.is_client = is_client};
    struct sandbox_state state = {0};
    struct error error;
    char path[96];
    sandbox_allow(&sandbox, "/usr", SANDBOX_READ);
    sandbox_allow(&sandbox, "/proc/self", SANDBOX_READ);
    sandbox_allow(&sandbox, "/there/is/no/such/file", SANDBOX_READ);
    sandbox_allow_folder_of(&sandbox, inside, SANDBOX_WRITE);
    snprintf(path, sizeof path, "%s/read-only", folder);
    sandbox_allow(&sandbox, path, SANDBOX_READ);
    if (sandbox_enter(&sandbox, &state, &error) != STATUS_OK) {
        printf("# %s\n", error.message);
        fflush(stdout);
    }
    sandbox_deinit(&sandbox);
    return state;
}

/* The attempt's result, by a child of its own. */
static int result_of(const struct attempt *attempt, bool is_inside, bool is_client)
{
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        if (is_inside)
            (void)enter(is_client);
        _exit(attempt->make());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* What holds in a sandbox here, as a child reports it. */
static struct sandbox_state what_holds(void)
{
    struct sandbox_state *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const pid_t child = fork();
    if (child == 0) {
        *shared = enter(false);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    const struct sandbox_state state = *shared;
    munmap(shared, sizeof *shared);
    return state;
}

static bool is_there(enum part part, struct sandbox_state state)
{
    switch (part) {
    case FILES:
        return state.landlock > 0;
    case CALLS:
        return state.seccomp;
    case NET:
        return state.landlock >= VERSION_NET;
    case SCOPES:
        return state.landlock >= VERSION_SCOPE;
    case ALLOWED:
        return true;
    }
    return false;
}

static void test_attempts(struct sandbox_state state)
{
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        const struct attempt *attempt = &attempts[i];
        const int before = result_of(attempt, false, false);
        const int in_it = result_of(attempt, true, false);
        char what[128];
        if (attempt->part == ALLOWED) {
            snprintf(what, sizeof what, "%s: outside %d, inside %d", attempt->what, before, in_it);
            TAP_CHECK(before == 0 && in_it == 0, "%s", what);
        } else if (!is_there(attempt->part, state)) {
            snprintf(what, sizeof what,
                     "%s: the kernel or a sanitizer's build has no part that refuses it",
                     attempt->what);
            TAP_SKIP(what);
        } else if (before != 0) {
            snprintf(what, sizeof what, "%s: the machine refuses it by itself (%s)", attempt->what,
                     strerror(before));
            TAP_SKIP(what);
        } else {
            snprintf(what, sizeof what, "%s: refused (%s)", attempt->what, strerror(in_it));
            TAP_CHECK(in_it == EPERM || in_it == EACCES, "%s", what);
        }
    }
}

/* A server with a database far away. */
static void test_client(void)
{
    const struct attempt call = {"connect", call_out, NET};
    TAP_CHECK(result_of(&call, true, true) == 0, "one that is a client connects");
}

/* As many as a server has whose every app has a folder of reports. */
static int enter_with_many(void)
{
    struct sandbox sandbox = {0};
    struct sandbox_state state;
    struct error error;
    for (size_t i = 0; i < APPS_MAX; i++)
        sandbox_allow(&sandbox, "/usr", SANDBOX_READ);
    const enum status status = sandbox_enter(&sandbox, &state, &error);
    sandbox_deinit(&sandbox);
    return (int)status;
}

static void test_many(void)
{
    const struct attempt many = {"", enter_with_many, ALLOWED};
    TAP_CHECK(result_of(&many, false, false) == STATUS_OK, "a folder for every app there may be");
}

static void test_memory(void)
{
    for (size_t nth = 1; nth <= 4; nth++) {
        struct sandbox sandbox = {0};
        struct sandbox_state state;
        struct error error;
        mem_fail_nth(nth);
        sandbox_allow(&sandbox, "/usr", SANDBOX_READ);
        sandbox_allow_folder_of(&sandbox, "/etc/passwd", SANDBOX_READ);
        mem_fail_nth(0);
        TAP_CHECK(sandbox_enter(&sandbox, &state, &error) == STATUS_NOMEM,
                  "without memory %zu nothing is entered", nth);
        sandbox_deinit(&sandbox);
    }
}

int main(void)
{
    socklen_t size = sizeof neighbour;
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(outside, sizeof outside, "%s/beside", folder);
    snprintf(inside, sizeof inside, "%s/in", folder);
    if (try_open(outside, O_WRONLY | O_CREAT) != 0 || mkdir(inside, 0700) != 0)
        return 1;
    snprintf(inside, sizeof inside, "%s/in/file", folder);
    neighbour = (struct sockaddr_in){.sin_family = AF_INET};
    neighbour.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (const struct sockaddr *)&neighbour, sizeof neighbour) != 0 ||
        listen(listener, 100) != 0 ||
        getsockname(listener, (struct sockaddr *)&neighbour, &size) != 0)
        return 1;
    terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    bystander = fork();
    if (bystander == 0) {
        pause();
        _exit(0);
    }
    const struct sandbox_state state = what_holds();
    printf("# landlock=%d seccomp=%d\n", state.landlock, state.seccomp);
    test_attempts(state);
    test_client();
    test_many();
    test_memory();
    kill(bystander, SIGKILL);
    waitpid(bystander, NULL, 0);
    (void)unlink(outside);
    inside[strlen(inside) - strlen("/file")] = '\0';
    (void)rmdir(inside);
    (void)rmdir(folder);
    return tap_finish();
}
