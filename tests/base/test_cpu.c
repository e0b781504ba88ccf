#define _GNU_SOURCE
#include "base/cpu.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

Test(cpu, detection_agrees_with_the_kernel)
{
    static char line[16384];
    FILE *info = fopen("/proc/cpuinfo", "r");
    if (info == NULL)
        cr_skip_test("no /proc/cpuinfo");
    bool has_flags = false;
    while (!has_flags && fgets(line, sizeof line, info) != NULL)
        has_flags = strncmp(line, "flags", 5) == 0;
    fclose(info);
    if (!has_flags)
        cr_skip_test("/proc/cpuinfo names no flags");
    line[strcspn(line, "\n")] = ' ';
    const struct cpu cpu = cpu_detect();
    cr_assert_eq(cpu.has_avx2, strstr(line, " avx2 ") != NULL && strstr(line, " bmi2 ") != NULL);
    cr_assert_eq(cpu.has_avx512,
                 strstr(line, " avx512f ") != NULL && strstr(line, " avx512dq ") != NULL &&
                     strstr(line, " avx512bw ") != NULL && strstr(line, " avx512vl ") != NULL);
    cr_assert_eq(cpu.has_avx512ifma, cpu.has_avx512 && strstr(line, " avx512ifma ") != NULL);
    cr_assert(!cpu.has_neon);
}

Test(cpu, core_count_follows_the_affinity)
{
    cr_assert_geq(cpu_core_count(), 1);
    cpu_set_t one;
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        cr_skip_test("no affinity here");
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++) {
        if (CPU_ISSET(i, &mine))
            CPU_SET(i, &one);
    }
    if (sched_setaffinity(0, sizeof one, &one) != 0)
        cr_skip_test("affinity cannot be set here");
    cr_assert_eq(cpu_core_count(), 1);
}
