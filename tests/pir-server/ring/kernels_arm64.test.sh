#!/bin/sh
# The ring with its NEON kernels, built for 64-bit ARM and run in an emulator: plain_kernels.c there.
# Without compiler or emulator: a counted skip.
compiler=aarch64-linux-gnu-gcc
emulator=qemu-aarch64
for program in $compiler $emulator; do
    if ! command -v $program >/dev/null; then
        echo "ok 1 - # SKIP NEON kernels: $program is not installed"
        echo "1..1"
        exit 0
    fi
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
ring=pir-server/ring
# What of the ring needs no OpenSSL.
if ! $compiler -std=c17 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -O2 -Wall -Wextra -Wconversion -Wshadow \
    -Werror -static -I. -o "$tmp/plain_kernels" tests/$ring/plain_kernels.c $ring/modulus.c $ring/rns.c \
    $ring/ntt/*.c $ring/row/*.c base/cpu.c base/mem.c base/status.c >"$tmp/messages" 2>&1; then
    sed 's/^/# /' "$tmp/messages"
    echo "not ok 1 - the ring compiles for 64-bit ARM"
    echo "1..1"
    exit 1
fi
$emulator "$tmp/plain_kernels" >"$tmp/out" 2>"$tmp/messages"
code=$?
# Its kernels of other machines are no news: without them, numbered anew.
grep '^ok\|^not ok' "$tmp/out" | grep -v SKIP | awk '{ sub(/ok [0-9]+/, "ok " NR); print }'
sed 's/^/# /' "$tmp/messages"
count=$(grep -v SKIP "$tmp/out" | grep -c '^ok\|^not ok')
number=$((count + 1))
if [ $code -eq 0 ] && grep -q 'neon n=4096: transforms' "$tmp/out"; then
    echo "ok $number - the NEON kernels ran"
else
    echo "not ok $number - the NEON kernels ran (exit code $code)"
fi
echo "1..$number"
