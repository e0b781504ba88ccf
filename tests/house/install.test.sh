#!/bin/sh
# make install puts everything in place, and bloom.h works alone from there.
. "$(dirname "$0")/../tools/lib.sh"

# What is built is only copied (-o all): a second name of the build folder would mean other flags.
if make -s -o all install BUILD="$BUILD" DESTDIR="$tmp/root" PREFIX=/usr >"$tmp/log" 2>&1; then
    pass 'make install with DESTDIR and PREFIX'
else
    fail 'make install with DESTDIR and PREFIX' "$(cat "$tmp/log")"
fi
prefix=$tmp/root/usr
for file in bin/blindlist lib/libbloom.a include/bloom.h share/man/man1/blindlist.1 \
    share/doc/blindlist/docs/LISTS.md share/doc/blindlist/examples/lists.json \
    share/doc/blindlist/examples/server.json share/blindlist/prometheus/alerts.yml share/blindlist/grafana/blindlist.json; do
    check "$file is there" test -s "$prefix/$file"
done
run_as "$prefix/bin/blindlist" --version
is_code 0 'the installed program runs'
# What the man pages call docs/X and examples/X.
is "$(grep -ohE '(docs|examples)/[A-Za-z./-]*[A-Za-z]' "$prefix"/share/man/man*/* | sort -u |
    while read -r name; do [ -e "$prefix/share/doc/blindlist/$name" ] || echo "$name"; done)" '' \
    'documents that man pages name are there'
run_as "$prefix/bin/blindlist" sources "$prefix/share/doc/blindlist/examples/lists.json" --check
is_code 0 'the installed example of a lists.json is one'

cat >"$tmp/alone.c" <<'END'
#include <bloom.h>
#include <stdio.h>

int main(void)
{
    struct bloom_params params;
    if (bloom_params_choose(1000, 0.001, 7, &params) != BLOOM_OK)
        return 1;
    printf("%u %u\n", (unsigned)params.bit_count, (unsigned)params.hash_count);
    return 0;
}
END
case $BUILD in
*asan* | *ubsan* | *tsan* | *sanitize*) skip 'libbloom.a alone: this build needs the sanitizer beside it' ;;
*)
    run_as "${CC:-gcc}" -std=c99 -Wall -Wextra -Werror -I "$prefix/include" -o "$tmp/alone" \
        "$tmp/alone.c" -L "$prefix/lib" -lbloom -lm
    is_code 0 'a program compiles against bloom.h and libbloom.a alone'
    run_as "$tmp/alone"
    is_stdout '14378 10' 'and knows the geometry of a thousand items at one in a thousand'
    ;;
esac
finish
