#!/bin/sh
# No branch and no address depends on a secret: plain_bfv_secret_time under valgrind's memcheck, which
# is told that secrets are undefined.
program=${BUILD:-build}/tests/pir-server/bfv/plain_bfv_secret_time
case ${BUILD:-build} in
*san* | *fuzz*)
    echo 'ok 1 - # SKIP valgrind does not run sanitizer builds'
    echo 1..1
    exit 0
    ;;
esac
if ! command -v valgrind >/dev/null || ! [ -e /usr/include/valgrind/memcheck.h ]; then
    echo 'ok 1 - # SKIP valgrind is not installed'
    echo 1..1
    exit 0
fi
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if valgrind -q --error-exitcode=99 "$program" >"$log" 2>&1; then
    echo 'ok 1 - nothing depends on secrets'
else
    sed 's/^/# /' "$log"
    echo 'not ok 1 - nothing depends on secrets'
    failed=1
fi
valgrind -q --error-exitcode=99 "$program" --leak >/dev/null 2>&1
if [ $? -eq 99 ]; then
    echo 'ok 2 - a leak on purpose is seen'
else
    echo 'not ok 2 - a leak on purpose is seen'
    failed=1
fi
echo 1..2
exit $failed
