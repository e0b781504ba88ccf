#!/bin/sh
# blindlist pir: the offline commands, against the reference's files (vectors/pir) and alone.
. "$(dirname "$0")/lib.sh"
vectors=${BLINDLIST_VECTORS:-../shared/vectors}/pir
case $vectors in /*) ;; *) vectors=$PWD/$vectors ;; esac

field() { # field FILE NUMBER NAME: of expected.json
    python3 -c 'import json,sys
value = json.load(open(sys.argv[1]))[int(sys.argv[2])][sys.argv[3]]
print("absent" if value is None else value)' "$@"
}

# ---- the reference's files (all queries, and all sets with a sanitizer: test_pir_answer_reference.c) ----
case $BUILD in
*asan | *ubsan | *tsan | *sanitize) sets='fixed-buckets sharded' ;;
*) sets=$(cd "$vectors" 2>/dev/null && ls) ;;
esac
if [ -d "$vectors" ] && command -v python3 >/dev/null; then
    for set_name in $sets; do
        folder=$vectors/$set_name
        wrong=
        for k in 0 4; do
            shard=$(field "$folder/expected.json" $k shard)
            keyword=$(field "$folder/expected.json" $k keyword)
            value=$(field "$folder/expected.json" $k value)
            params=$folder/shard-$shard.params.txtpb
            run pir answer --params "$params" --shard "$folder/shard-$shard.bin" \
                --evaluation-key "$folder/evaluation_key.bin" --query "$folder/q$k.query.bin" \
                --out "$tmp/response"
            cmp -s "$tmp/response" "$folder/q$k.response.bin" || wrong="$wrong answer $k;"
            run pir decrypt --params "$params" --secret-key "$folder/secret_key.bin" \
                --response "$folder/q$k.response.bin" --keyword "$keyword"
            [ "$(cat "$tmp/stdout")" = "$value" ] || wrong="$wrong value $k;"
            expected_code=0
            [ "$value" != absent ] || expected_code=3
            [ "$code" = "$expected_code" ] || wrong="$wrong exit code $k is $code;"
        done
        is "$wrong" "" "$set_name: answers are the reference's bytes, its answers are read"
        run pir decrypt --params "$params" --secret-key "$folder/secret_key.bin" \
            --response "$folder/q4.response.bin" --keyword "$keyword" --json
        is "$(python3 -c 'import json,sys
ours = json.load(open(sys.argv[1]))["noiseBudgetBits"]
theirs = json.load(open(sys.argv[2]))[4]["noise_budget_bits"]
print(ours is not None and abs(ours - theirs) < 1e-6)' "$tmp/stdout" "$folder/expected.json")" \
            True "$set_name: the noise budget is the reference's"

        run pir import "$folder/shard-0.bin" --params "$folder/shard-0.params.txtpb" \
            --out "$tmp/shard.pir"
        is_code 0 "$set_name: import"
        run pir export "$tmp/shard.pir" --out "$tmp/shard.bin" --params "$tmp/shard.params.txtpb"
        is_code 0 "$set_name: export"
        check "$set_name: the exported shard is the imported one" \
            cmp -s "$tmp/shard.bin" "$folder/shard-0.bin"
        check "$set_name: and so are its parameters" \
            cmp -s "$tmp/shard.params.txtpb" "$folder/shard-0.params.txtpb"

        # Their database and configuration, processed by us, asked by us. Placement is ours.
        mkdir "$tmp/$set_name"
        (cd "$tmp/$set_name" && cp "$folder/database.txtpb" . &&
            "$BUILD/blindlist" pir process "$folder/process.json" >"$tmp/stdout" 2>"$tmp/stderr")
        is "$?" 0 "$set_name: process"
        wrong=
        out=$tmp/$set_name
        shards=$(ls "$out"/shard-*.bin | wc -l)
        is "$shards" "$(ls "$folder"/shard-*.bin | wc -l)" "$set_name: as many shards"
        for k in 1; do
            shard=$(field "$folder/expected.json" $k shard)
            keyword=$(field "$folder/expected.json" $k keyword)
            value=$(field "$folder/expected.json" $k value)
            params=$out/shard-$shard.params.txtpb
            "$BUILD/blindlist" pir keygen --params "$params" --secret-key "$out/secret" \
                --evaluation-key "$out/key" &&
                "$BUILD/blindlist" pir query --params "$params" --secret-key "$out/secret" \
                    --keyword "$keyword" --out "$out/query" &&
                "$BUILD/blindlist" pir answer --params "$params" --shard "$out/shard-$shard.bin" \
                    --evaluation-key "$out/key" --query "$out/query" --out "$out/response"
            run pir decrypt --params "$params" --secret-key "$out/secret" \
                --response "$out/response" --keyword "$keyword"
            [ "$(cat "$tmp/stdout")" = "$value" ] || wrong="$wrong $k"
        done
        is "$wrong" "" "$set_name: our shards answer the same"
    done
    # Fixed buckets leave the reference no choice of shape: its parameter file is ours.
    check "fixed-buckets: parameters written as the reference writes them" cmp -s \
        "$tmp/fixed-buckets/shard-1.params.txtpb" "$vectors/fixed-buckets/shard-1.params.txtpb"
else
    skip "the reference's vectors (or python3) are not here"
fi

# ---- alone ----
cd "$tmp" || exit 1
i=0
while [ $i -lt 200 ]; do
    echo "rows { keyword: \"k$i\" value: \"v$i\" }"
    i=$((i + 1))
done >database.txtpb
cat >process.json <<'END'
{
  "databaseType": "keyword", "inputDatabase": "database.txtpb",
  "outputDatabase": "out-SHARD_ID.pir", "outputPirParameters": "out-SHARD_ID.params.txtpb",
  "outputEvaluationKeyConfig": "keys.txtpb", "rlweParameters": "n_4096_logq_27_28_28_logt_5",
  "sharding": {"shardCount": 3, "unknown": [1, 2,],}, "trialsPerShard": 2, "unknownKey": null,
}
END
run pir process process.json --json
is_code 0 "process with a trailing comma and unknown keys"
is "$(python3 -c 'import json
report = json.load(open("stdout"))
print(report["rows"], sum(s["rows"] for s in report["shards"]), len(report["shards"]),
      all(s["validation"]["noiseBudget"] > 0.5 for s in report["shards"]),
      report["shards"][0]["validation"]["trials"])')" "200 200 3 True 2" "its report"
check "the key configuration is there" test -s keys.txtpb
sha256sum out-*.pir out-*.txtpb keys.txtpb >first
run pir process process.json --threads 1
sha256sum out-*.pir out-*.txtpb keys.txtpb >second
check "another run with another number of threads writes the same bytes" cmp -s first second

run pir keygen --params out-0.params.txtpb --params out-1.params.txtpb --params out-2.params.txtpb \
    --secret-key secret --evaluation-key key
is_code 0 "keygen for several shards"
is "$(stat -c %a secret)" 600 "the secret key is private"
for shard in 0 1 2; do
    run pir query --params out-$shard.params.txtpb --secret-key secret --keyword k7 --out query
    run pir answer --params out-$shard.params.txtpb --shard out-$shard.pir --evaluation-key key \
        --query query --out response
    run pir decrypt --params out-$shard.params.txtpb --secret-key secret --response response \
        --keyword k7
    cat stdout
done | sort | tr '\n' ' ' >answers
is "$(cat answers)" "absent absent v7 " "one shard has the row, the others say so"

# ---- bad input ----
printf '{}' >empty.json
run pir process empty.json
is_code 1 "an empty configuration"
is_stderr_like 'empty.json: inputDatabase: is missing' "names file and key"
refused() { # refused NAME PATTERN SED-SCRIPT
    sed "$3" process.json >refused.json
    rm -f out-*
    run pir process refused.json
    is_code 1 "$1"
    is_stderr_like "$2" "$1: the message"
    is "$(ls out-* 2>/dev/null)" "" "$1: nothing was written"
}
refused "an index database" 'index databases are not supported' 's/"keyword", "in/"index", "in/'
refused "a 64-bit set" 'needs words of 64 bits' 's/n_4096_logq_27_28_28_logt_5/n_8192_logq_3x55_logt_24/'
refused "an unusable set" 'leaves no noise budget' 's/logt_5/logt_16/'
refused "an unknown set" 'is not known' 's/logt_5/logt_55/'
refused "a symmetric database without a key" 'exactly one of' 's/"unknownKey": null/"symmetricPirArguments": {}/'
refused "a key that is not there" 'none: No such file' \
    's/"unknownKey": null/"symmetricPirArguments": {"databaseEncryptionKeyFilePath": "none"}/'
refused "no SHARD_ID" 'SHARD_ID is missing' 's/out-SHARD_ID.pir/out.pir/'
refused "negative trials" 'trialsPerShard: -1 is not in' 's/"trialsPerShard": 2/"trialsPerShard": -1/'
refused "no database" 'database2.txtpb' 's/database.txtpb/database2.txtpb/'
refused "broken JSON" 'refused.json: line 1' 's/^{/{{/'
echo 'rows { keyword: "k7" value: "again" }' >>database.txtpb
refused "a keyword twice" 'rows 7 and 200 have the same keyword' ''
run pir answer --params process.json --shard x.pir --evaluation-key key --query query --out response2
is_code 1 "parameters of another format"
check "no answer was written" test ! -e response2
run pir query --params out-0.params.txtpb
is_code 2 "missing options"
run pir
is_code 2 "no command"
run pir export nothing.pir --out nothing.bin
is_code 1 "a missing shard"
run pir decrypt --help
is_code 0 "help"
finish
