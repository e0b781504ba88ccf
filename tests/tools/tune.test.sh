#!/bin/sh
# blindlist tune: the table, the file, compile --costs, bad input.
. "$(dirname "$0")/lib.sh"

run tune --rounds 1
is_code 0 'costs are measured'
is_stdout_like '^kernel [a-z0-9]*, nanoseconds of one piece on one thread$' 'the kernel is named'
is_lines 10 'a line for each kind of work'
is_stdout_like '^  automorphism *[0-9]* *[0-9]*$' 'with two figures'

run tune --rounds 1 --kernel ref --out "$tmp/costs.json" --json
is_code 0 'the portable kernel, into a file'
is "$(cat "$tmp/costs.json")" "$(cat "$tmp/stdout")" '--json prints what the file holds'
is_stdout_like '"kernel": "ref"' 'the kernel is told'
is_stdout_like '"pairsLevels": false' 'and that it does not expand two levels at once'
is "$(cat "$tmp/stderr")" '' 'nothing on standard error, which is no terminal'

printf 'x.example.com\ny.example.com\n' >"$tmp/list.txt"
compile() {
    run compile "$tmp/list.txt" --use-case a --out "$tmp/data" --json "$@"
}
compile --costs "$tmp/costs.json"
is_code 0 'compile takes them'
slow=$(sed -n 's/.*"queryMs": \([0-9]*\).*/\1/p' "$tmp/stdout")
sed 's/: [0-9]*\(,*\)$/: 100000000\1/; s/"format": .*/"format": 1,/; s/"degree": .*/"degree": 4096,/
s/"moduli": .*/"moduli": 3,/' "$tmp/costs.json" >"$tmp/dear.json"
compile --costs "$tmp/dear.json"
is_code 0 'dearer ones'
check 'count in the prediction' \
    [ "$(sed -n 's/.*"queryMs": \([0-9]*\).*/\1/p' "$tmp/stdout")" -gt $((slow + 100)) ]

# ---- bad input ----
before=$(readlink "$tmp/data/a/current")
sed 's/"query": [0-9]*/"query": -1/' "$tmp/costs.json" >"$tmp/bad.json"
compile --costs "$tmp/bad.json"
is_code 1 'a bad file fails'
is_stderr "blindlist: $tmp/bad.json: \$.nanoseconds.query: must be an integer, not negative" 'and is told where'
compile --costs "$tmp/none.json"
is_code 1 'a missing file fails'
is_stderr_like "$tmp/none.json: No such file" 'and is named'
is "$(readlink "$tmp/data/a/current")" "$before" 'the version in force stays'
run tune --rounds 0
is_code 2 'no rounds is wrong usage'
run tune more
is_code 2 'an operand is wrong usage'
run tune --rounds 1 --out "$tmp/nowhere/costs.json"
is_code 1 'a file that cannot be written fails'

finish
