#!/bin/sh
# blindlist pir: each input file of each command missing, empty, cut, foreign, or a folder: exit 1, a
# message that names the file, and no output file.
. "$(dirname "$0")/lib.sh"
cd "$tmp" || exit 1

i=0
while [ $i -lt 50 ]; do
    echo "rows { keyword: \"k$i\" value: \"v$i\" }"
    i=$((i + 1))
done >database.txtpb
cat >process.json <<'END'
{"databaseType": "keyword", "inputDatabase": "database.txtpb", "outputDatabase": "out-SHARD_ID.bin",
 "outputPirParameters": "out-SHARD_ID.params.txtpb", "rlweParameters": "n_4096_logq_27_28_28_logt_5",
 "sharding": {"shardCount": 1}, "trialsPerShard": 1}
END
run pir process process.json
is_code 0 'process'
mkdir good
mv out-0.bin good/shard.bin
mv out-0.params.txtpb good/params.txtpb
run pir import good/shard.bin --params good/params.txtpb --out good/shard.pir
is_code 0 'import'
run pir keygen --params good/params.txtpb --secret-key good/secret --evaluation-key good/key
is_code 0 'keygen'
run pir query --params good/params.txtpb --secret-key good/secret --keyword k7 --out good/query
is_code 0 'query'
run pir answer --params good/params.txtpb --shard good/shard.bin --evaluation-key good/key \
    --query good/query --out good/response
is_code 0 'answer'
run pir decrypt --params good/params.txtpb --secret-key good/secret --response good/response --keyword k7
is_stdout v7 'decrypt'
cp process.json database.txtpb good/

# spoil FILE: every kind of bad file in its place, one command for each
spoil() { # FILE COMMAND...
    file=$1
    shift
    wrong=
    for kind in missing empty cut short foreign folder; do
        rm -rf bad out out.*
        cp -r good bad
        rm -f "bad/$file"
        case $kind in
        missing) ;;
        empty) : >"bad/$file" ;;
        cut) head -c $(($(wc -c <"good/$file") / 2)) "good/$file" >"bad/$file" ;;
        short) head -c $(($(wc -c <"good/$file") - 1)) "good/$file" >"bad/$file" ;;
        foreign) { printf '\177ELF\002\001\001\000'; head -c 5000 /dev/zero | tr '\0' '\377'; } >"bad/$file" ;;
        folder) mkdir "bad/$file" ;;
        esac
        # A text that only lost its last line end, or a database without rows, is a good one.
        case $kind,$file in
        short,*.txtpb | short,*.json | empty,database.txtpb) continue ;;
        esac
        run "$@"
        [ "$code" -eq 1 ] || wrong="$wrong $kind: exit code $code;"
        [ ! -s stdout ] || wrong="$wrong $kind: words on standard output;"
        grep -q "bad/$file\|$file" stderr || wrong="$wrong $kind: message: $(cat stderr);"
        [ "$(wc -l <stderr)" -eq 1 ] || wrong="$wrong $kind: $(wc -l <stderr) lines of message;"
        [ -z "$(ls out out.* 2>/dev/null)" ] || wrong="$wrong $kind: left $(ls out out.*);"
    done
    is "$wrong" '' "$1 $2: each bad $file is refused and named"
}
spoil params.txtpb pir keygen --params bad/params.txtpb --secret-key out.secret --evaluation-key out.key
spoil params.txtpb pir query --params bad/params.txtpb --secret-key bad/secret --keyword k7 --out out
spoil secret pir query --params bad/params.txtpb --secret-key bad/secret --keyword k7 --out out
for file in params.txtpb shard.bin key query; do
    spoil $file pir answer --params bad/params.txtpb --shard bad/shard.bin --evaluation-key bad/key \
        --query bad/query --out out
done
spoil shard.pir pir answer --params bad/params.txtpb --shard bad/shard.pir --evaluation-key bad/key \
    --query bad/query --out out
for file in params.txtpb secret response; do
    spoil $file pir decrypt --params bad/params.txtpb --secret-key bad/secret --response bad/response \
        --keyword k7
done
for file in shard.bin params.txtpb; do
    spoil $file pir import bad/shard.bin --params bad/params.txtpb --out out
done
spoil shard.pir pir export bad/shard.pir --out out --params out.params.txtpb
spoil process.json pir process bad/process.json
sed 's|database.txtpb|bad/database.txtpb|' process.json >from-bad.json
spoil database.txtpb pir process from-bad.json
finish
