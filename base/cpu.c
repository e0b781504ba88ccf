/* glibc offers sched_getaffinity(), which counts the cores of this process rather than of the
 * machine: what a container or taskset leaves us. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/cpu.h"

#include <sched.h>
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

struct cpu cpu_detect(void)
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
    return cpu;
}
#else
struct cpu cpu_detect(void)
{
    struct cpu cpu = {0};
#if defined(__aarch64__)
    cpu.has_neon = true;
#endif
    return cpu;
}
#endif

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
