#!/bin/sh
# The demo: short, true, without a terminal, and it leaves nothing behind.
. "$(dirname "$0")/../tools/lib.sh"

mkdir "$tmp/scratch"
export TMPDIR="$tmp/scratch"
run_as sh scripts/run-demo
is_code 0 'the demo ends well'
is "$(grep -c '^   denied ' "$tmp/stdout")" 1 'one URL is denied'
is "$(grep -c '^   allowed ' "$tmp/stdout")" 2 'two are allowed'
is_stdout_like 'private query to shard 0 of 1: found' 'a private answer says yes'
is_stdout_like 'private query to shard 0 of 1: absent' 'a private answer says no'
requests=$(sed -n '/^   issuer-directory/,/queries/p' "$tmp/stdout" | tr -s '\n ' ' ')
check 'the log holds these requests and no other' test -n "$(expr "$requests" : '\( issuer-directory [0-9]*, '\
'token-key 342, 10 x issue 256, config 190, key 0, prefilter-manifest [0-9]*, prefilter-bits [0-9]*, '\
'2 x queries [0-9]* \)$')"
check 'less than 40 lines' test "$(wc -l <"$tmp/stdout")" -lt 40
is "$(awk 'length > 110' "$tmp/stdout")" '' 'lines are narrow'
is "$(cat "$tmp/stderr")" '' 'no word on standard error'
is "$(ls "$tmp/scratch")" '' 'no file is left'
finish
