#define _GNU_SOURCE /* O_PATH, clone flags */
#include "pir-server/service/sandbox.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- rules ---- */

static void allow(struct sandbox *sandbox, const char *path, size_t size,
                  enum sandbox_access access)
{
    struct sandbox_rule *rules =
        mem_realloc(sandbox->rules, sandbox->count + 1, sizeof *sandbox->rules);
    if (rules != NULL)
        sandbox->rules = rules;
    char *copy = rules != NULL ? mem_alloc(size + 1, 1) : NULL;
    if (copy == NULL) {
        sandbox->lacks_memory = true;
        return;
    }
    memcpy(copy, path, size);
    copy[size] = '\0';
    sandbox->rules[sandbox->count++] = (struct sandbox_rule){.path = copy, .access = access};
}

void sandbox_allow(struct sandbox *sandbox, const char *path, enum sandbox_access access)
{
    if (path != NULL)
        allow(sandbox, path, strlen(path), access);
}

void sandbox_allow_folder_of(struct sandbox *sandbox, const char *path, enum sandbox_access access)
{
    if (path == NULL)
        return;
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        allow(sandbox, ".", 1, access);
    else
        allow(sandbox, path, slash == path ? 1 : (size_t)(slash - path), access);
}

void sandbox_deinit(struct sandbox *sandbox)
{
    while (sandbox->count > 0)
        mem_free(sandbox->rules[--sandbox->count].path);
    mem_free(sandbox->rules);
    sandbox->rules = NULL;
}

#ifdef __linux__

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* ---- Landlock: linux/landlock.h of Debian 12 ends before version 3 ---- */

#define RIGHT_TRUNCATE   ((uint64_t)1 << 14) /* version 3 */
#define RIGHT_DEVICE     ((uint64_t)1 << 15) /* version 5: ioctl() of devices */
#define NET_BIND         ((uint64_t)1 << 0)  /* version 4 */
#define NET_CONNECT      ((uint64_t)1 << 1)
#define SCOPE_ABSTRACT   ((uint64_t)1 << 0) /* version 6 */
#define SCOPE_SIGNAL     ((uint64_t)1 << 1)
#define VERSION_REFER    2
#define VERSION_TRUNCATE 3
#define VERSION_NET      4
#define VERSION_DEVICE   5
#define VERSION_SCOPE    6

struct ruleset {
    uint64_t files;
    uint64_t net;
    uint64_t scopes;
};

#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_MAKE                                                                                \
    (LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                              \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |    \
     LANDLOCK_ACCESS_FS_MAKE_SYM)
#define RIGHTS_WRITE (RIGHTS_READ | RIGHTS_MAKE | LANDLOCK_ACCESS_FS_WRITE_FILE)
/* What nobody gets: programs and devices. */
#define RIGHTS_NEVER                                                                               \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |   \
     LANDLOCK_ACCESS_FS_MAKE_FIFO)
/* Of the rights, those that a rule for something that is no folder may have. */
#define RIGHTS_OF_FILES                                                                            \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE)

static struct ruleset ruleset_of(int version, bool is_client)
{
    struct ruleset all = {.files = RIGHTS_WRITE | RIGHTS_NEVER};
    if (version >= VERSION_REFER)
        all.files |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= VERSION_TRUNCATE)
        all.files |= RIGHT_TRUNCATE;
    if (version >= VERSION_DEVICE)
        all.files |= RIGHT_DEVICE;
    if (version >= VERSION_NET)
        all.net = NET_BIND | (is_client ? 0 : NET_CONNECT);
    if (version >= VERSION_SCOPE)
        all.scopes = SCOPE_ABSTRACT | SCOPE_SIGNAL;
    return all;
}

static size_t ruleset_bytes(int version)
{
    return version >= VERSION_SCOPE ? sizeof(struct ruleset)
           : version >= VERSION_NET ? offsetof(struct ruleset, scopes)
                                    : offsetof(struct ruleset, net);
}

static enum status add_rule(int ruleset, uint64_t handled, const struct sandbox_rule *rule,
                            struct error *err)
{
    struct stat file;
    const int fd = open(rule->path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES
                   ? STATUS_OK
                   : error_set_errno(err, errno, "%s", rule->path);
    uint64_t rights = rule->access == SANDBOX_WRITE
                          ? RIGHTS_WRITE | LANDLOCK_ACCESS_FS_REFER | RIGHT_TRUNCATE
                          : RIGHTS_READ;
    if (fstat(fd, &file) != 0 || !S_ISDIR(file.st_mode))
        rights &= RIGHTS_OF_FILES;
    const struct landlock_path_beneath_attr what = {.allowed_access = rights & handled,
                                                    .parent_fd = fd};
    enum status status = STATUS_OK;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &what, 0) != 0)
        status = error_set_errno(err, errno, "Landlock: %s", rule->path);
    close(fd);
    return status;
}

static enum status enter_landlock(const struct sandbox *sandbox, int *ret, struct error *err)
{
    const long version =
        syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version <= 0) { /* not in this kernel, or switched off */
        *ret = 0;
        return STATUS_OK;
    }
    const struct ruleset all = ruleset_of((int)version, sandbox->is_client);
    const int ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &all, ruleset_bytes((int)version), 0);
    if (ruleset < 0)
        return error_set_errno(err, errno, "Landlock");
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sandbox->count && status == STATUS_OK; i++)
        status = add_rule(ruleset, all.files, &sandbox->rules[i], err);
    if (status == STATUS_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        status = error_set_errno(err, errno, "Landlock");
    close(ruleset);
    if (status == STATUS_OK)
        *ret = (int)version;
    return status;
}

/* ---- seccomp ---- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#if defined(ARCHITECTURE) && !defined(BLINDLIST_SANITIZED)

static const int refused_calls[] = {
#ifdef SYS_fork
    SYS_fork,
    SYS_vfork,
#endif
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_open,
    SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    SYS_kcmp,
    SYS_mount,
    SYS_umount2,
    SYS_move_mount,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_open_tree,
    SYS_mount_setattr,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_kexec_file_load,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_open_by_handle_at,
    SYS_personality,
    SYS_swapon,
    SYS_swapoff,
    SYS_reboot,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_acct,
    SYS_syslog,
    SYS_mknodat,
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setfsuid,
    SYS_setfsgid,
    SYS_setgroups,
    SYS_capset,
    SYS_quotactl,
    SYS_memfd_create,
#ifdef SYS_mknod
    SYS_mknod,
#endif
#ifdef SYS_iopl
    SYS_iopl,
    SYS_ioperm,
#endif
};

#define CALL_X32    0x40000000 /* another numbering of x86-64 */
#define CALL_OFFSET ((uint32_t)offsetof(struct seccomp_data, nr))
#define ARCH_OFFSET ((uint32_t)offsetof(struct seccomp_data, arch))
/* The lower halves of the first two arguments, on both architectures. */
#define FIRST_OFFSET   ((uint32_t)offsetof(struct seccomp_data, args[0]))
#define SECOND_OFFSET  ((uint32_t)offsetof(struct seccomp_data, args[1]))
#define REFUSE_WITH(e) (SECCOMP_RET_ERRNO | (e))
/* Two a call, and the rest. */
#define FILTER_MAX (2 * ARRAY_COUNT(refused_calls) + 48)

struct filter {
    struct sock_filter code[FILTER_MAX];
    unsigned short count;
};

static void load(struct filter *filter, uint32_t offset)
{
    filter->code[filter->count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
}

static void give(struct filter *filter, uint32_t what)
{
    filter->code[filter->count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what);
}

/* Goes on with the next instruction if so, else over `skipped` of them. */
static void when(struct filter *filter, uint16_t test, uint32_t value, uint8_t skipped)
{
    filter->code[filter->count++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, value, 0, skipped);
}

static void allow_sockets(struct filter *filter, int domain)
{
    when(filter, BPF_JEQ, (uint32_t)domain, 1);
    give(filter, SECCOMP_RET_ALLOW);
}

/* What a server is started from is often its terminal: who can type there runs programs. */
static void refuse_typing(struct filter *filter)
{
    static const uint32_t requests[] = {TIOCSTI, TIOCLINUX};
    when(filter, BPF_JEQ, SYS_ioctl, 2 * ARRAY_COUNT(requests) + 2);
    load(filter, SECOND_OFFSET);
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        when(filter, BPF_JEQ, requests[i], 1);
        give(filter, REFUSE_WITH(EPERM));
    }
    give(filter, SECCOMP_RET_ALLOW);
}

static void make_filter(struct filter *filter, bool is_client)
{
    filter->count = 0;
    load(filter, ARCH_OFFSET);
    when(filter, BPF_JEQ, ARCHITECTURE, 1);
    filter->code[filter->count++] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1);
    give(filter, REFUSE_WITH(EPERM));
    load(filter, CALL_OFFSET);
    when(filter, BPF_JGE, CALL_X32, 1);
    give(filter, REFUSE_WITH(EPERM));
    for (size_t i = 0; i < ARRAY_COUNT(refused_calls); i++) {
        when(filter, BPF_JEQ, (uint32_t)refused_calls[i], 1);
        give(filter, REFUSE_WITH(EPERM));
    }
    /* Its flags are in memory, where a filter cannot look: glibc then takes clone(). */
    when(filter, BPF_JEQ, SYS_clone3, 1);
    give(filter, REFUSE_WITH(ENOSYS));
    when(filter, BPF_JEQ, SYS_clone, 4);
    load(filter, FIRST_OFFSET);
    when(filter, BPF_JSET, CLONE_THREAD, 1);
    give(filter, SECCOMP_RET_ALLOW);
    give(filter, REFUSE_WITH(EPERM));
    refuse_typing(filter);
    when(filter, BPF_JEQ, SYS_socket, (uint8_t)(is_client ? 10 : 4));
    load(filter, FIRST_OFFSET);
    allow_sockets(filter, AF_UNIX);
    if (is_client) {
        allow_sockets(filter, AF_INET);
        allow_sockets(filter, AF_INET6);
        allow_sockets(filter, AF_NETLINK); /* getaddrinfo() asks which addresses there are */
    }
    give(filter, REFUSE_WITH(EPERM));
    give(filter, SECCOMP_RET_ALLOW);
    assert(filter->count <= FILTER_MAX);
}

static enum status enter_seccomp(bool is_client, bool *ret, struct error *err)
{
    struct filter filter;
    make_filter(&filter, is_client);
    const struct sock_fprog program = {.len = filter.count, .filter = filter.code};
    const bool is_on = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
    if (!is_on && errno != ENOSYS && errno != EINVAL)
        return error_set_errno(err, errno, "seccomp");
    *ret = is_on;
    return STATUS_OK;
}

#else

static enum status enter_seccomp(bool is_client, bool *ret, struct error *err)
{
    (void)is_client;
    (void)err;
    *ret = false;
    return STATUS_OK;
}

#endif

enum status sandbox_enter(const struct sandbox *sandbox, struct sandbox_state *ret,
                          struct error *err)
{
    struct sandbox_state state = {0};
    if (sandbox->lacks_memory)
        return error_set(err, STATUS_NOMEM, "sandbox: out of memory");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set_errno(err, errno, "sandbox: PR_SET_NO_NEW_PRIVS");
    enum status status = enter_landlock(sandbox, &state.landlock, err);
    if (status == STATUS_OK)
        status = enter_seccomp(sandbox->is_client, &state.seccomp, err);
    if (status != STATUS_OK)
        return error_prefix(err, status, "sandbox");
    *ret = state;
    return STATUS_OK;
}

#else

enum status sandbox_enter(const struct sandbox *sandbox, struct sandbox_state *ret,
                          struct error *err)
{
    (void)err;
    (void)sandbox;
    *ret = (struct sandbox_state){0};
    return STATUS_OK;
}

#endif
