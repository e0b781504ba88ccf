# lib.sh - for tests of the tools: run a command, compare what it did, count in TAP.
#
#   . "$(dirname "$0")/lib.sh"
#   run suburls http://a.b      runs $BUILD/blindlist; leaves $code, $tmp/stdout, $tmp/stderr
#   run_as PROGRAM ARG...       the same for another program
#   is_code 0 'name'            each check prints one TAP line
#   finish                      the plan; exit status 1 when a check failed
#
# $tmp is a folder of this test's own, removed at the end, also after a signal. Processes whose ids
# are in $children are ended then. Environment: BUILD, the build folder (default build).

set -u
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
tmp=$(mktemp -d)
children=
test_number=0
test_failed=0
code=0

cleanup() {
    for child in $children; do
        kill "$child" 2>/dev/null
        wait "$child" 2>/dev/null
    done
    rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

run() {
    run_as "$BUILD/blindlist" "$@"
}
run_as() {
    code=0
    "$@" >"$tmp/stdout" 2>"$tmp/stderr" </dev/null || code=$?
}

pass() {
    test_number=$((test_number + 1))
    echo "ok $test_number - $1"
}
# fail NAME [DETAIL]
fail() {
    test_number=$((test_number + 1))
    test_failed=$((test_failed + 1))
    echo "not ok $test_number - $1"
    [ $# -lt 2 ] || printf '%s\n' "$2" | sed 's/^/# /'
    [ ! -s "$tmp/stderr" ] || sed 's/^/# stderr: /' "$tmp/stderr" | head -n 20
}
skip() {
    test_number=$((test_number + 1))
    echo "ok $test_number - # SKIP $1"
}
# check NAME COMMAND...: passes when the command succeeds
check() {
    name=$1
    shift
    if "$@"; then pass "$name"; else fail "$name" "failed: $*"; fi
}
is() {
    if [ "$1" = "$2" ]; then pass "$3"; else fail "$3" "got:
$1
expected:
$2"; fi
}
is_code() {
    is "$code" "$1" "${2:-exit code $1}"
}
is_stdout() {
    is "$(cat "$tmp/stdout")" "$1" "$2"
}
is_stderr() {
    is "$(cat "$tmp/stderr")" "$1" "$2"
}
# Basic regular expressions.
is_stdout_like() {
    if grep -q -e "$1" "$tmp/stdout"; then pass "$2"; else fail "$2" "stdout has no $1"; fi
}
is_stderr_like() {
    if grep -q -e "$1" "$tmp/stderr"; then pass "$2"; else fail "$2" "stderr has no $1"; fi
}
is_lines() {
    is "$(wc -l <"$tmp/stdout" | tr -d ' ')" "$1" "$2"
}

finish() {
    echo "1..$test_number"
    [ "$test_failed" -eq 0 ]
    exit
}
