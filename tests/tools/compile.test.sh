#!/bin/sh
# blindlist compile: summary, drops, reproducibility, bad input, full disk, kill.
. "$(dirname "$0")/lib.sh"

trap 'umount "$tmp/small" 2>/dev/null; cleanup' EXIT
case_name=com.example.url.filtering
home=$tmp/data/$case_name

# compile LIST [OPTION...] into $tmp/data
compile() {
    run compile "$@" --use-case "$case_name" --out "$tmp/data"
}
version() {
    readlink "$home/current"
}

# ---- a small mixed list ----
printf '\357\273\277# list\r\nads.example.com\r\nwww.track.example\r\nco.uk\r\n' >"$tmp/plain.txt"
cat >"$tmp/hosts" <<'END'
127.0.0.1 localhost
0.0.0.0 a.example.org b.example.org # two
10.0.0.1 real.example.org
END
cat >"$tmp/adblock.txt" <<'END'
[Adblock Plus 2.0]
||ads.example.com^
||cdn.example.com/x/y.exe^$all
||some.example.com^$third-party
@@||good.example.com^
example.com##.ad
END
compile "$tmp/plain.txt" "$tmp/hosts" "$tmp/adblock.txt" --dropped "$tmp/dropped.tsv"
is_code 0 'a mixed list compiles'
is "$(cat "$home/current/rows.txt")" 'a.example.org
ads.example.com
b.example.org
cdn.example.com/x/y.exe
track.example
www.apple.com/url-filter-test' 'rows are sorted, unique, with the test row'
is "$(sed "s|$tmp/||" "$tmp/dropped.tsv" | tr '\t' ' ')" 'plain.txt 4 public-suffix co.uk
hosts 1 local-host localhost
hosts 3 hosts-address real.example.org
adblock.txt 4 options ||some.example.com^$third-party
adblock.txt 5 exception @@||good.example.com^
adblock.txt 6 element-hiding example.com##.ad' 'each dropped line is reported with file, line, reason'
is_stdout_like '^  lines      13 (2 comments and empty)$' 'the summary counts lines'
is_stdout_like '^  dropped    6$' 'the summary counts drops'
is_stdout_like '^  widened    1 ' 'the summary counts widened entries'
is_stdout_like '^  rows       6 distinct' 'the summary counts rows'
is_stdout_like '^  shards     1 of 6 rows$' 'the summary names the shape'
is "$(find "$home/current/" -type f | sed 's|.*/||' | sort | tr '\n' ' ')" \
    'dataset.json prefilter.bloom prefilter.json prefilter.plist report.html report.json rows.txt shard-0.params.txtpb shard-0.pir ' \
    'a version has its files'
check 'report.json names a drop' grep -q '"reason": "hosts-address"' "$home/current/report.json"
check 'dataset files do not say where lists lay' \
    sh -c "! grep -q '$tmp' '$home/current/dataset.json' '$home/current/report.json'"

# ---- protected hosts ----
printf 'icloud.com\n||ocsp.apple.com^\nads.apple.com\nexample.com\npir.example.net/x\nexample.net/y\n' >"$tmp/apple.txt"
run compile "$tmp/apple.txt" --use-case apple --out "$tmp/apple" --protect https://pir.example.net:8443/ \
    --protect example.com --dropped "$tmp/dropped.tsv"
is_code 0 'a list that would block Apple and the server compiles'
is "$(cat "$tmp/apple/apple/current/rows.txt")" 'ads.apple.com
example.net/y
www.apple.com/url-filter-test' 'without what it would block there'
is "$(cut -f 2- "$tmp/dropped.tsv" | tr '\t' ' ')" '1 apple-host icloud.com
2 apple-host ocsp.apple.com
4 own-host example.com
5 own-host pir.example.net/x' 'which is reported'
run compile "$tmp/apple.txt" --use-case apple --out "$tmp/apple" --keep-apple-hosts
is_code 0 'on request'
check 'all of it is blocked' test "$(wc -l <"$tmp/apple/apple/current/rows.txt")" -eq 7
run compile "$tmp/apple.txt" --use-case apple --out "$tmp/apple" --protect localhost
is_code 2 'a host of one label cannot be protected'
is_stderr_like '--protect localhost: protected host: host of one label' 'and the message says so'

first=$(version)
compile "$tmp/adblock.txt" "$tmp/plain.txt" "$tmp/hosts" --json
is_code 0 'lists in another order'
is "$(version)" "$first" 'give the same version'
is_stdout_like '"changed": false' 'which is told'
compile "$tmp/plain.txt"
compile "$tmp/adblock.txt" "$tmp/plain.txt" "$tmp/hosts" --json
is "$(version)" "$first" 'back to a version that was there before'
is_stdout_like '"changed": true' 'is a change'

run bloom check "$home/current/prefilter.bloom" ads.example.com
is_code 0 'the prefilter knows a row'
run bloom check "$home/current/prefilter.plist" www.apple.com/url-filter-test
is_code 0 'and the test row, as a property list'

run_as sh -c "printf 'x.example.com\n' | '$BUILD/blindlist' compile - --use-case stdin --out '$tmp/data'"
is_code 0 'a list comes from standard input'

# ---- bad input ----
compile "$tmp/missing.txt"
is_code 1 'a missing list fails'
is_stderr "blindlist: $tmp/missing.txt: No such file or directory" 'and is named'
: >"$tmp/empty.txt"
compile "$tmp/empty.txt"
is_code 1 'an empty list fails'
printf '##.ad\n||x^$popup\nco.uk\n' >"$tmp/nothing.txt"
compile "$tmp/nothing.txt"
is_code 1 'a list without keys fails'
is_stderr_like 'no line of the lists became a key' 'and says why'
compile "$tmp"
is_code 1 'a folder is no list'
head -c 65536 /dev/zero | tr '\0' 'k' >"$tmp/long.txt"
printf '.example.com\nshort.example.com\nnul\0.example.com\n' >>"$tmp/long.txt"
run compile "$tmp/long.txt" --use-case long --out "$tmp/data"
is_code 0 'a key of 64 KB and NUL bytes do not end the work'
is_stdout_like '  1 line longer than 65536 bytes' 'the long line is counted'
is_stdout_like '  1 a blank or control character inside' 'the NUL byte, too'
yes same.example.com | head -n 1000000 >"$tmp/same.txt"
run compile "$tmp/same.txt" --use-case same --out "$tmp/data"
is_code 0 'a million identical lines'
is_stdout_like '^  rows       2 distinct' 'are one row'
is "$(version)" "$first" 'the version in force is untouched by all that'
is "$(find "$tmp/data" -name '.*.tmp' | wc -l | tr -d ' ')" 0 'nothing half-written is left'
for wrong in '--shards 3' '--shards 0' '--shards 131072' '--rows-per-shard 0' \
    '--false-positive-rate 0' '--false-positive-rate 1' '--false-positive-rate x' '--seed -1' \
    '--prefilter-size 2' '--prefilter-size 0B' '--prefilter-size 1GB' '--prefilter-size 1MB -p 0.1' \
    '--seed 4294967296' '--hash-functions 3' '--growth -1' '--growth 10001' '--max-key-bytes x' \
    '--parameters n_4096_logq_27_28_28_logt_13' '--parameters x' '--max-response-bytes -1' '--max-shard-bytes 1.5' '--threads 0' '--shards 2 --rows-per-shard 5'; do
    # shellcheck disable=SC2086
    compile "$tmp/plain.txt" $wrong
    is_code 2 "$wrong is wrong usage"
done
compile "$tmp/plain.txt" --growth 10001
is_stderr_like '^blindlist compile: --growth 10001: a number from 0 to 10000 is wanted$' 'and the message says what is wanted'
compile "$tmp/plain.txt" --max-key-bytes=-1
is_stderr_like '^blindlist compile: --max-key-bytes -1: a number from 0 is wanted$' 'and no more than helps'
seq -f 'bad%.0f.example' 10000 >"$tmp/many.txt"
run compile "$tmp/many.txt" --use-case size --out "$tmp/data" --prefilter-size 20KB
is_code 0 'a prefilter of a size'
size=$(stat -c %s "$tmp/data/size/current/prefilter.bloom")
is "$((size > 19900 && size <= 20000))" 1 "it has that size: $size"
run compile "$tmp/plain.txt" --use-case a/b --out "$tmp/data"
is_code 2 'a use case with a slash is wrong usage'
run compile --use-case a --out "$tmp/data"
is_code 2 'no list is wrong usage'
run compile "$tmp/plain.txt" --out "$tmp/data"
is_code 2 'no use case is wrong usage'
printf 'x.example.com\n' >"$tmp/one.txt"
run compile "$tmp/one.txt" --use-case a --out "$tmp/one.txt/data"
is_code 1 'a data folder that cannot be made fails'

# ---- same bytes whatever the threads; options ----
# With a sanitizer a fifth of the lines, for as many shards.
mixed_lines=200000
mixed_shards=
case $BUILD in
*asan | *ubsan | *tsan | *sanitize)
    mixed_lines=40000
    mixed_shards='--rows-per-shard 12500'
    ;;
esac
# compile_mixed [OPTION...]
compile_mixed() {
    # shellcheck disable=SC2086
    run compile "$tmp/mixed.txt" $mixed_shards "$@"
}
python3 - "$tmp/mixed.txt" $mixed_lines <<'END'
import random, sys
random.seed(2026)
letters = "abcdefghijklmnopqrstuvwxyz0123456789"
word = lambda a, b: "".join(random.choice(letters) for _ in range(random.randint(a, b)))
tlds = ["com", "net", "org", "co.uk", "ru", "example", "b\u00fccher"]
with open(sys.argv[1], "w") as out:
    for i in range(int(sys.argv[2])):
        host = ".".join("x" + word(2, 9) for _ in range(random.randint(1, 3)))
        host += "." + random.choice(tlds)
        kind = i % 8
        if kind < 3: out.write(host + "\n")
        elif kind == 3: out.write("https://" + host + "/" + word(3, 12) + "/" + word(1, 5) + "\n")
        elif kind == 4: out.write("0.0.0.0 " + host + "\n")
        elif kind == 5: out.write("||" + host + "^\n")
        elif kind == 6: out.write("||%s/%s^$all\n" % (host, word(3, 9)))
        else: out.write("http://%d.%d.%d.%d:%d/%s?%s=1\n" % (*(random.randint(1, 126) for _ in range(4)),
                        random.randint(1, 65535), word(2, 8), word(1, 3)))
END
compile_mixed --use-case mixed --out "$tmp/one" --threads 1
is_code 0 "$mixed_lines mixed URLs compile"
is_stdout_like "^  kept       $mixed_lines of $mixed_lines entries\$" 'all of them become keys'
is_stdout_like '^  shards     4 ' 'four shards by default'
compile_mixed --use-case mixed --out "$tmp/many" --threads 5
is_code 0 'again with five threads'
check 'same bytes' diff -r "$tmp/one" "$tmp/many"
run compile "$tmp/mixed.txt" --use-case mixed --out "$tmp/many" --seed 5 --shards 8 \
    --hash-functions 2 --false-positive-rate 0.01 --json
is_code 0 'another seed, shape and rate'
is_stdout_like '"murmurSeed": 5,' 'the seed is taken'
is_stdout_like '"shards": 8,' 'the shards are taken'
is_stdout_like '"hashFunctions": 2,' 'two hash functions are taken'
rm -rf "$tmp/one" "$tmp/many"

# ---- the shape ----
shape() {
    compile_mixed --use-case shape --out "$tmp/shape" --json "$@"
}
# member NAME: a number of the summary, or of its prediction
member() {
    sed -n "s/^ *\"$1\": \([0-9.]*\),*\$/\1/p" "$tmp/stdout"
}
shape
is_code 0 'a shape is chosen'
usual_key=$(member evaluationKeyBytes)
usual_buckets=$(member bucketsPerTable)
check 'its key is within the default limit' [ "$usual_key" -le 800000 ]
check 'and so is its response' [ "$(member responseBytes)" -le 32768 ]
is_stdout_like '"bucketBytes": 2560,' 'encryption parameters are those with t of 6 bits'
check 'all shards take what was predicted, and their heads' \
    [ "$(member shardBytes)" -le $((4 * $(member bytesPerShard) + 4 * 65536)) ]
shape --max-key-bytes 600000 --growth 500
is_stdout_like '"keptShape": true,' 'options for new shapes leave the old one alone'
is "$(member evaluationKeyBytes)" "$usual_key" 'and its keys'
compile_mixed --use-case shape --out "$tmp/shape"
is_stdout_like '^  shape      [0-9]* x [0-9]* plaintexts, [0-9]* Galois elements: as before$' \
    'the summary says so'
is_stdout_like '^  query      [0-9.]* ms on one thread, predicted$' 'and predicts'
rm -rf "$tmp/shape"
shape --max-key-bytes 600000
is_code 0 'a limit on the key'
check 'is kept' [ "$(member evaluationKeyBytes)" -le 600000 ]
rm -rf "$tmp/shape"
shape --growth 100
check 'room for twice the rows takes more buckets' [ "$(member bucketsPerTable)" -gt "$usual_buckets" ]
rm -rf "$tmp/shape"
shape --parameters n_4096_logq_27_28_28_logt_5
is_code 0 'other encryption parameters'
is_stdout_like '"bucketBytes": 2048,' 'are taken'
shape
is_stdout_like '"keptShape": true,' 'and kept'
is_stdout_like '"bucketBytes": 2048,' 'as they were'
shape --parameters n_4096_logq_27_28_28_logt_6
is_stdout_like '"keptShape": false,' 'until others are wanted'
rm -rf "$tmp/shape"
shape --max-response-bytes 13000
is_code 0 'a limit that a response with t of 6 bits does not keep'
is_stdout_like '"bucketBytes": 2048,' 'is kept with 5 bits'
rm -rf "$tmp/shape"
shape --max-response-bytes 5000
is_code 1 'a limit that no shape keeps fails'
is_stderr_like 'a response takes at least [0-9]* bytes, at most 5000 are allowed' 'and names the least'
shape --max-shard-bytes 100000
is_stderr_like 'a shard takes at least .*: more shards make it smaller' 'likewise of a shard'
is "$(ls "$tmp/shape/shape" | wc -l | tr -d ' ')" 0 'nothing half-written is left'

# ---- updates in part ----
# lines FIRST LAST: so many hosts, one a line
lines() {
    seq "$1" "$2" | sed 's/.*/host&.example.com/'
}
lines 1 60000 >"$tmp/v1.txt"
{ lines 11 60000; lines 70001 70015; } >"$tmp/v2.txt"
for way in part full; do
    run compile "$tmp/v1.txt" --use-case u --out "$tmp/$way" --shards 4
    is_stdout_like '^  build      full, because there is no version before$' "$way: the first version"
done
run compile "$tmp/v2.txt" --use-case u --out "$tmp/part" --threads 3
is_code 0 'a list of which 25 rows changed'
is_stdout_like '^  build      from the version before: 15 rows came, 10 left; 2[0-5] plaintexts rewritten, 0 shards linked$' \
    'only what changed is made again'
is_stdout_like '^  time       reading [0-9.]* s, keys [0-9.]* s, rows [0-9.]* s, shards [0-9.]* s, prefilter [0-9.]* s, digests [0-9.]* s, publishing [0-9.]* s$' \
    'the times of the phases are told'
run compile "$tmp/v2.txt" --use-case u --out "$tmp/full" --full --json
is_stdout_like '"isFull": true' '--full makes all anew'
is_stdout_like '"reason": "it was asked for"' 'and says why'
check 'which gives the same bytes' diff -r "$tmp/part/u/current/" "$tmp/full/u/current/"
{ cat "$tmp/v2.txt"; echo one-more.example; } >"$tmp/v3.txt"
run compile "$tmp/v3.txt" --use-case u --out "$tmp/part" --json
is_stdout_like '"isFull": false' 'one more row'
is_stdout_like '"plaintextsRewritten": 1,' 'is one plaintext'
is_stdout_like '"shardsLinked": 3' 'three shards are linked'
is_stdout_like '"publishing": [0-9]' 'JSON tells the times, too'
printf 'x' | dd of="$tmp/part/u/current/shard-1.pir" bs=1 seek=100000 conv=notrunc 2>/dev/null
run compile "$tmp/v2.txt" --use-case u --out "$tmp/part"
is_stdout_like '^  build      full, because shard 1: ' 'a damaged shard is not taken over'
run compile "$tmp/v1.txt" --use-case u --out "$tmp/full" --full
run compile "$tmp/v1.txt" --use-case u --out "$tmp/part"
check 'back to the first list, with its bytes' diff -r "$tmp/part/u/current/" "$tmp/full/u/current/"
rm -rf "$tmp/part" "$tmp/full"

# ---- a kill at any moment ----
old_rows=$(cat "$home/current/rows.txt")
killed=0
for delay in 0.00 0.01 0.02 0.03 0.05 0.07 0.09 0.12 0.15 0.2 0.25 0.3; do
    "$BUILD/blindlist" compile "$tmp/mixed.txt" --use-case "$case_name" --out "$tmp/data" \
        --shards 16 >/dev/null 2>&1 &
    child=$!
    sleep "$delay"
    kill -9 "$child" 2>/dev/null && killed=$((killed + 1))
    wait "$child" 2>/dev/null
    [ "$(version)" = "$first" ] || break
    [ "$(cat "$home/current/rows.txt")" = "$old_rows" ] || break
done
if [ "$(version)" = "$first" ]; then
    is "$(cat "$home/current/rows.txt")" "$old_rows" "a kill leaves the version before ($killed kills)"
else # the last run was through before its kill: then it must be whole
    is "$(wc -l <"$home/current/rows.txt" | tr -d ' ')" \
        "$(sed -n '/"rows"/,/}/s/.*"count": \([0-9]*\).*/\1/p' "$home/current/dataset.json")" \
        "a finished run is whole ($killed kills)"
fi
compile "$tmp/plain.txt"
is_code 0 'the next run succeeds'
is "$(find "$home" -name '.*.tmp' | wc -l | tr -d ' ')" 0 'and removes what killed runs left'

# ---- a full disk ----
mkdir "$tmp/small"
if mount -t tmpfs -o size=3m tmpfs "$tmp/small" 2>/dev/null; then
    run compile "$tmp/plain.txt" --use-case disk --out "$tmp/small"
    is_code 0 'a small list fits the small disk'
    before=$(readlink "$tmp/small/disk/current")
    run compile "$tmp/mixed.txt" --use-case disk --out "$tmp/small"
    is_code 1 'a full disk fails'
    is_stderr_like 'No space left on device' 'and says so'
    is "$(readlink "$tmp/small/disk/current")" "$before" 'the version before is in force'
    is "$(ls -A "$tmp/small/disk" | grep -vx -e .history -e .lock -e current -e "$before")" '' 'nothing is left over'
    umount "$tmp/small"
else
    skip 'a tmpfs cannot be mounted here'
fi

# ---- a real list ----
real=$(ls /usr/share/mozilla/extensions/*/uBlock0@raymondhill.net/assets/thirdparties/urlhaus-filter/urlhaus-filter-online.txt 2>/dev/null | head -n 1)
if [ -n "$real" ]; then
    run compile "$real" --use-case urlhaus --out "$tmp/data" --json
    is_code 0 'urlhaus-filter compiles'
    python3 - "$tmp/stdout" <<'END' >"$tmp/share" 2>&1
import json, sys
lists = json.load(open(sys.argv[1]))["lists"]
print("enough" if lists["kept"] > 5000 and lists["kept"] >= 0.99 * lists["entries"] else lists)
END
    is "$(cat "$tmp/share")" enough 'nearly all of urlhaus-filter becomes keys'
    easy=$(dirname "$(dirname "$real")")/easylist
    run compile "$easy/easylist.txt" "$easy/easyprivacy.txt" --use-case easy --out "$tmp/data"
    is_code 0 'EasyList and EasyPrivacy compile'
    check 'no rule that means something else became a key' \
        sh -c "! grep -q '[*^|\$]\|##\|@@' '$tmp/data/easy/current/rows.txt'"
else
    skip 'webext-ublock-origin-firefox is not installed'
fi

finish
