/* glibc offers sched_getaffinity(), which counts the cores of this process rather than of the
 * machine: what a container or taskset leaves us. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/cpu.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdint.h>

static uint64_t saved_registers(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static struct cpu detect_all(void)
{
    struct cpu cpu = {0};
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_OSXSAVE) == 0)
        return cpu;
    const uint64_t saved = saved_registers();
    const bool saves_ymm = (saved & 0x06) == 0x06; /* XMM and YMM state */
    const bool saves_zmm = (saved & 0xe6) == 0xe6; /* and opmask, ZMM low and high */
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return cpu;
    cpu.has_avx2 = saves_ymm && (b & bit_AVX2) != 0 && (b & bit_BMI2) != 0;
    const unsigned wanted = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
    cpu.has_avx512 = saves_zmm && (b & wanted) == wanted;
    cpu.has_avx512ifma = cpu.has_avx512 && (b & bit_AVX512IFMA) != 0;
    cpu.has_sha_ni = (b & bit_SHA) != 0;
    return cpu;
}
#else
static struct cpu detect_all(void)
{
    struct cpu cpu = {0};
#if defined(__aarch64__)
    cpu.has_neon = true;
#endif
    return cpu;
}
#endif

/* What remains of `cpu` for kernels of one name, and whether it runs them at all. */
static bool has_neon(struct cpu *cpu)
{
    return cpu->has_neon;
}

static bool has_avx512(struct cpu *cpu)
{
    cpu->has_sha_ni = false;
    return cpu->has_avx512;
}

static bool has_avx2(struct cpu *cpu)
{
    cpu->has_sha_ni = false;
    cpu->has_avx512 = false;
    cpu->has_avx512ifma = false;
    return cpu->has_avx2;
}

static bool has_nothing(struct cpu *cpu)
{
    *cpu = (struct cpu){0};
    return true;
}

static const struct kernel_set {
    const char *name;
    bool (*limit)(struct cpu *cpu);
} kernel_sets[] = {
    {"avx512", has_avx512}, {"avx2", has_avx2}, {"neon", has_neon}, {"ref", has_nothing}};

static const struct kernel_set *find_set(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(kernel_sets); i++)
        if (strcmp(kernel_sets[i].name, name) == 0)
            return &kernel_sets[i];
    return NULL;
}

/* An empty variable is none. */
static const char *forced_by_environment(void)
{
    const char *const name = getenv(CPU_KERNEL_VARIABLE);
    return name == NULL || name[0] == '\0' ? NULL : name;
}

struct cpu cpu_detect(void)
{
    const struct cpu all = detect_all();
    const char *const name = forced_by_environment();
    const struct kernel_set *const set = name == NULL ? NULL : find_set(name);
    struct cpu limited = all;
    return set != NULL && set->limit(&limited) ? limited : all;
}

const char *cpu_kernel_name(const struct cpu *cpu)
{
    for (size_t i = 0; i < ARRAY_COUNT(kernel_sets); i++) {
        struct cpu limited = *cpu;
        if (kernel_sets[i].limit(&limited))
            return kernel_sets[i].name;
    }
    return "ref"; /* which runs everywhere */
}

const char *cpu_kernel_list(size_t number)
{
    return number < ARRAY_COUNT(kernel_sets) ? kernel_sets[number].name : NULL;
}

enum status cpu_force_kernel(const char *name, struct error *err)
{
    const char *const origin = name != NULL ? "--kernel" : CPU_KERNEL_VARIABLE;
    const char *const wanted = name != NULL ? name : forced_by_environment();
    if (wanted == NULL)
        return STATUS_OK;
    const struct kernel_set *const set = find_set(wanted);
    if (set == NULL)
        return error_set(err, STATUS_NOT_FOUND,
                         "%s: no kernel is called %.40s; there are avx512, avx2, neon and ref",
                         origin, wanted);
    struct cpu all = detect_all();
    const char *const fastest = cpu_kernel_name(&all);
    if (!set->limit(&all))
        return error_set(err, STATUS_UNSUPPORTED,
                         "%s: this machine does not run the kernel %s; its fastest is %s", origin,
                         set->name, fastest);
    if (name != NULL && setenv(CPU_KERNEL_VARIABLE, set->name, 1) != 0)
        return error_set(err, STATUS_NOMEM, "no memory for " CPU_KERNEL_VARIABLE);
    return STATUS_OK;
}

size_t cpu_core_count(void)
{
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (size_t)CPU_COUNT(&set);
#endif
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

uint64_t cpu_thread_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
