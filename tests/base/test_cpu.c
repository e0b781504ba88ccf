#define _GNU_SOURCE
#include "base/cpu.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
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
    cr_assert_eq(cpu.has_sha_ni, strstr(line, " sha_ni ") != NULL);
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

/* ---- forcing a kernel ---- */

static enum status force(const char *option, const char *variable, struct error *err)
{
    if (variable == NULL)
        cr_assert_eq(unsetenv(CPU_KERNEL_VARIABLE), 0);
    else
        cr_assert_eq(setenv(CPU_KERNEL_VARIABLE, variable, 1), 0);
    return cpu_force_kernel(option, err);
}

Test(cpu, every_name_is_forced_or_refused)
{
    struct error err;
    cr_assert_eq(force(NULL, NULL, &err), STATUS_OK);
    const struct cpu all = cpu_detect();
    bool has_fastest = false;
    for (size_t i = 0; cpu_kernel_list(i) != NULL; i++) {
        const char *const name = cpu_kernel_list(i);
        const enum status by_option = force(name, NULL, &err);
        const enum status by_variable = force(NULL, name, &err);
        cr_assert_eq(by_option, by_variable, "%s", name);
        if (by_option == STATUS_OK) {
            const struct cpu limited = cpu_detect();
            cr_assert_str_eq(cpu_kernel_name(&limited), name);
            cr_assert(all.has_avx2 || !limited.has_avx2);
            cr_assert(!limited.has_sha_ni);
            if (!has_fastest)
                cr_assert_str_eq(cpu_kernel_name(&all), name, "the list has the fastest first");
            has_fastest = true;
        } else {
            cr_assert_eq(by_option, STATUS_UNSUPPORTED, "%s", name);
            cr_assert_not_null(strstr(err.message, name));
        }
    }
    cr_assert(has_fastest);
}

Test(cpu, ref_leaves_nothing)
{
    cr_assert_eq(force("ref", NULL, NULL), STATUS_OK);
    const struct cpu cpu = cpu_detect();
    const struct cpu none = {0};
    cr_assert_eq(memcmp(&cpu, &none, sizeof cpu), 0);
    cr_assert_str_eq(cpu_kernel_name(&cpu), "ref");
}

Test(cpu, avx2_leaves_no_wider_registers)
{
    if (force("avx2", NULL, NULL) != STATUS_OK)
        cr_skip_test("no AVX2 here");
    const struct cpu cpu = cpu_detect();
    cr_assert(cpu.has_avx2 && !cpu.has_avx512 && !cpu.has_avx512ifma);
}

Test(cpu, the_option_wins_over_the_variable)
{
    struct error err;
    cr_assert_eq(force("ref", "no-such-kernel", &err), STATUS_OK);
    struct cpu cpu = cpu_detect();
    cr_assert_str_eq(cpu_kernel_name(&cpu), "ref");

    cr_assert_eq(force(NULL, "no-such-kernel", &err), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(err.message, CPU_KERNEL_VARIABLE ": no kernel is called no-such"));
    cr_assert_eq(force("REF", NULL, &err), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(err.message, "--kernel: no kernel is called REF"));
    cr_assert_eq(force("", NULL, &err), STATUS_NOT_FOUND);
    cr_assert_eq(force(NULL, "", &err), STATUS_OK);
}
