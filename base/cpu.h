/* cpu - what the processor and the operating system can do, found out once and passed on.
 *
 * A feature counts only when the operating system saves the registers it needs (XGETBV on x86-64).
 * cpu_detect() is cheap (microseconds) and has no state; kernels take `const struct cpu *`. */
#ifndef BLINDLIST_BASE_CPU_H
#define BLINDLIST_BASE_CPU_H

#include <stdbool.h>
#include <stddef.h>

struct cpu {
    bool has_avx2;       /* with BMI2, as every AVX2 processor of note has */
    bool has_avx512;     /* F, DQ, BW and VL */
    bool has_avx512ifma; /* IFMA beside the above */
    bool has_neon;       /* Advanced SIMD; always on arm64 */
};

struct cpu cpu_detect(void);
/* Processors this process may run on, at least 1. */
size_t cpu_core_count(void);

#endif
