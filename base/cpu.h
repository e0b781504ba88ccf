/* cpu - what the processor and the operating system can do, found out once and passed on.
 *
 * A feature counts only when the operating system saves the registers it needs (XGETBV on x86-64).
 * cpu_detect() is cheap (microseconds); kernels take `const struct cpu *` and choose once.
 *
 * Forcing  kernels are named after the instruction set they need most: "avx512", "avx2", "neon",
 * and "ref", portable C. The environment variable BLINDLIST_KERNEL names one of them, and
 *          cpu_detect() then leaves out what that set does not have, so that every module that has
 *          kernels chooses as on a processor of that kind. Nothing else reads the variable. */
#ifndef BLINDLIST_BASE_CPU_H
#define BLINDLIST_BASE_CPU_H

#include "base/compiler.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPU_KERNEL_VARIABLE "BLINDLIST_KERNEL"

struct cpu {
    bool has_avx2;       /* with BMI2, as every AVX2 processor of note has */
    bool has_avx512;     /* F, DQ, BW and VL */
    bool has_avx512ifma; /* IFMA beside the above */
    bool has_sha_ni; /* SHA extensions of x86-64; in no set of kernels, so forcing one hides it */
    bool has_neon;   /* Advanced SIMD; always on arm64 */
};

/* What the machine has, limited by the environment; a name there that is none counts as none:
 * programs call cpu_force_kernel() first, which says so. */
struct cpu cpu_detect(void);
/* The fastest set of kernels that `cpu` runs: a name out of cpu_kernel_list(). */
const char *cpu_kernel_name(const struct cpu *cpu);
/* The number-th name there is, fastest first, whether or not it runs here; NULL at the end. */
const char *cpu_kernel_list(size_t number);
/* What a program does with its option --kernel, once, before its first thread: limits this process
 * to the kernels of that name. NULL: checks what the environment says, if anything.
 * STATUS_NOT_FOUND: no such name; STATUS_UNSUPPORTED: this machine does not run them. The message
 * names the option or the variable, whichever it came from. */
enum status cpu_force_kernel(const char *name, struct error *err) MUST_CHECK;
/* Processors this process may run on, at least 1. */
size_t cpu_core_count(void);
/* Processor time that the calling thread took, in nanoseconds: unlike the wall clock it stands
 * still while others run. */
uint64_t cpu_thread_ns(void);

#endif
