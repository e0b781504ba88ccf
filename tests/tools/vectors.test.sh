#!/bin/sh
# blindlist vectors, and verify.py beside it: agree on the published files, both notice broken ones.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
vectors=$here/../../testvectors
python=${PYTHON:-python3}
export PYTHONDONTWRITEBYTECODE=1

run vectors generate --out "$tmp/new"
is_code 0 'generate'
for file in "$vectors"/*.json; do
    name=$(basename "$file")
    check "$name is reproduced byte for byte" cmp "$file" "$tmp/new/$name"
done
is "$(ls "$tmp/new")" "$(cd "$vectors" && ls ./*.json | sed 's,^\./,,')" 'and no other file'

run vectors verify "$vectors"
is_code 0 'verify agrees with the published files'
is_stdout_like '^all [0-9]* cases agree$' 'and says so'
cp "$tmp/stdout" "$tmp/agreed"
run_as "$python" "$vectors/verify.py" "$vectors"
is_code 0 'verify.py agrees'
is "$(cat "$tmp/stdout")" "$(cat "$tmp/agreed")" 'with the same counts'

# One value flipped in each file. Files do not depend on each other, so one run shows all. The first
# exchange alone keeps this short.
mkdir "$tmp/broken"
"$python" - "$vectors/exchange.json" "$tmp/exchange.json" <<'END'
import json, sys
whole = json.load(open(sys.argv[1]))
json.dump(dict(whole, cases=whole["cases"][:1]), open(sys.argv[2], "w"))
END
for file in "$vectors"/*.json; do
    name=$(basename "$file")
    [ "$name" != exchange.json ] || file=$tmp/exchange.json
    "$python" "$here/../testvectors/break_vector.py" "$file" "$tmp/broken/$name"
done
for verifier in C Python; do
    if [ $verifier = C ]; then
        run vectors verify "$tmp/broken"
    else
        run_as "$python" "$vectors/verify.py" "$tmp/broken"
    fi
    is_code 3 "$verifier: broken files"
    is_stdout_like '^0 cases agree; 16 files differ, 0 cannot be read$' "$verifier: all are noticed"
    for file in "$vectors"/*.json; do
        name=$(basename "$file")
        is_stdout_like "^$name: case [0-9]*: .*: expected .*, got " "$verifier: the place in $name"
    done
done
run vectors verify --json "$tmp/broken"
is_code 3 '--json'
is_stdout_like '"result": "differs"' '--json tells what differs'

# Missing, truncated and foreign files.
mkdir "$tmp/empty"
run vectors verify "$tmp/empty"
is_code 1 'an empty folder'
is_stderr_like 'hashes.json' 'names the missing file'
cp "$vectors"/*.json "$tmp/empty"
head -c 2000 "$vectors/ntt.json" >"$tmp/empty/ntt.json"
echo '{"some": "json"}' >"$tmp/empty/hashes.json"
sed 's/"format": 1/"format": 2/' "$vectors/packing.json" >"$tmp/empty/packing.json"
sed 's/"psi": /"phi": /' "$vectors/ntt.json" >"$tmp/empty/galois.json"
: >"$tmp/empty/geometry.json"
rm "$tmp/empty/exchange.json"
run vectors verify "$tmp/empty"
is_code 1 'unreadable files'
is_stderr_like 'ntt.json, line [0-9]*: ' 'a truncated file: the line'
is_stderr_like 'hashes.json: it is no file of these test vectors' 'a foreign file'
is_stderr_like 'packing.json: its format is not 1' 'a later format'
is_stderr_like 'geometry.json' 'an empty file'
is_stdout_like '^[0-9]* cases agree; 0 files differ, 6 cannot be read$' 'the rest is checked'
run_as "$python" "$vectors/verify.py" "$tmp/empty"
is_code 1 'verify.py: unreadable files'
is_stdout_like '0 files differ, 6 cannot be read$' 'verify.py counts them'

# Where the files are.
run_as sh -c "cd '$here/../..' && '$BUILD/blindlist' vectors verify"
is_code 0 'in a source tree no folder need be named'
run_as sh -c "cd '$tmp' && '$BUILD/blindlist' vectors verify"
if [ "$code" = 0 ]; then
    skip 'the test vectors are installed on this machine'
else
    is_code 1 'elsewhere without files'
    is_stderr_like 'no test vectors in ./testvectors or .*/share/blindlist/testvectors' 'says where it looked'
fi

run vectors
is_code 2 'a member is missing'
run vectors verify a b
is_code 2 'two folders are wrong usage'
run vectors verify --nonsense
is_code 2 'an unknown option is wrong usage'
run vectors generate here
is_code 2 'generate takes no operand'
run vectors generate --out /dev/null/x
is_code 1 'a folder that cannot be made'
run_as "$python" "$vectors/verify.py" a b
is_code 2 'verify.py: two folders are wrong usage'
run vectors verify --help
is_code 0 '--help'

finish
