/* yardstick_internal - what the kernels of bench_yardstick.c agree on. */
#ifndef BLINDLIST_BENCH_YARDSTICK_INTERNAL_H
#define BLINDLIST_BENCH_YARDSTICK_INTERNAL_H

#include "base/cpu.h"

#include <stddef.h>
#include <stdint.h>

/* Multiply-adds of one round. */
#define YARDSTICK_LANES 32

struct yardstick_kernel {
    const char *name;
    /* Reads `words` [count], count a multiple of 32, aligned to 64 bytes; returns their sum in some
     * order and width, so that no compiler leaves the reading out. */
    uint64_t (*read)(const uint32_t *words, size_t count);
    /* `rounds` times YARDSTICK_LANES independent acc += low32(acc) * 12345, in registers. */
    uint64_t (*multiply_add)(uint64_t rounds);
};

#if defined(__x86_64__)
extern const struct yardstick_kernel yardstick_avx2;
#endif

#endif
