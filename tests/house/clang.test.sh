#!/bin/sh
# Programs and libraries compile with the second compiler, clang-14, without a warning. Rooms with kernels do so with
# their optimization: clang warns of loops that it was told to unroll and could not (UNROLL_8). The others warn of the
# same things without, in a third of the time.
BUILD=${BUILD:-build}
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
result=0
if ! command -v clang-14 >/dev/null; then
    echo "ok 1 - # SKIP clang-14 is not installed"
elif [ "${BUILD%/*}" != "$BUILD" ]; then
    echo "ok 1 - # SKIP clang-14: once is enough, in the build without a sanitizer"
elif make -s CC=clang-14 BUILD="$BUILD/clang" OPTIMIZE=-O0 HOT_OPTIMIZE=-O3 CFLAGS=-g0 all >"$tmp" 2>&1; then
    echo "ok 1 - everything compiles with clang-14"
else
    result=1
    grep -A 5 'error:' "$tmp" | head -n 40 | sed 's/^/# /'
    echo "not ok 1 - everything compiles with clang-14"
fi
echo "1..1"
exit $result
