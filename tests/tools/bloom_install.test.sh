#!/bin/sh
# The installed pair bloom.h and libbloom.a serves a program that knows nothing else of this project.
given_build=${BUILD:-build}
. "$(dirname "$0")/lib.sh"

case $BUILD in
*/asan | */ubsan | */tsan | */sanitize)
    skip "the installed library is tested without sanitizers"
    finish
    ;;
esac
# Build folder and PREFIX as they are: anything else would build the programs anew, under the feet of
# the tests that run beside this one.
make -s install BUILD="$given_build" DESTDIR="$tmp/staging" >"$tmp/make.log" 2>&1 || {
    fail "make install" "$(tail -n 20 "$tmp/make.log")"
    finish
}
pass "make install"
mv "$tmp/staging${PREFIX:-/usr/local}" "$tmp/root"
check "blindlist is installed" test -x "$tmp/root/bin/blindlist"
check "the manual is installed" test -f "$tmp/root/share/man/man1/blindlist-bloom.1"

cat >"$tmp/small.c" <<'END'
#include <bloom.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    struct bloom_params params;
    struct bloom_builder builder;
    struct bloom_reader reader;
    if (bloom_params_choose(2, BLOOM_DEFAULT_RATE, 7, &params) != BLOOM_OK)
        return 1;
    size_t size = bloom_byte_count(params.bit_count);
    uint8_t *bits = (uint8_t *)calloc(size, 1);
    if (bits == NULL || bloom_builder_init(&builder, &params, bits, size) != BLOOM_OK)
        return 1;
    bloom_builder_add(&builder, "a.com", 5);
    bloom_builder_add(&builder, "b.com", 5);
    bloom_builder_finish(&builder);
    if (bloom_reader_init(&reader, &params, bits, size) != BLOOM_OK)
        return 1;
    printf("%u %u %d %d %d\n", (unsigned)params.bit_count, (unsigned)params.hash_count,
           bloom_reader_has_key(&reader, "a.com", 5), bloom_reader_has_key(&reader, "b.com", 5),
           bloom_reader_has_key(&reader, "c.com", 5));
    free(bits);
    return 0;
}
END
# From a folder of its own, so that nothing else of ours is found.
cd "$tmp" || exit 1
for compiler in gcc clang-14; do
    command -v $compiler >/dev/null || { skip "$compiler is not installed"; continue; }
    for standard in c17 c99; do
        run_as $compiler -std=$standard -Wall -Wextra -Wpedantic -Werror -Iroot/include small.c \
            -Lroot/lib -lbloom -lm -o small
        is_code 0 "$compiler -std=$standard builds it"
        run_as ./small
        is_stdout "29 11 1 1 0" "$compiler -std=$standard: it works"
    done
done
if command -v g++ >/dev/null; then
    cp small.c small.cc
    run_as g++ -Wall -Wextra -Werror -Iroot/include small.cc -Lroot/lib -lbloom -lm -o small
    is_code 0 "g++ builds it"
    run_as ./small
    is_stdout "29 11 1 1 0" "g++: it works"
else
    skip "g++ is not installed"
fi
is "$(nm -u root/lib/libbloom.a | sed -n 's/^ *U //p' | grep -c -E '^(mem_|bytes_|error_|XML|json|EVP)')" \
    0 "the library asks for nothing of other rooms"
is "$(nm -g --defined-only root/lib/libbloom.a | sed -n 's/.* //p' | grep -v -c -E '^bloom|^$|:$')" \
    0 "all its names begin with bloom_"
finish
