#!/bin/sh
# --kernel and BLINDLIST_KERNEL: every command that computes takes them, all kernels give the same.
. "$(dirname "$0")/lib.sh"
unset BLINDLIST_KERNEL
vectors=${BLINDLIST_VECTORS:-../shared/vectors}/pir
case $vectors in /*) ;; *) vectors=$PWD/$vectors ;; esac

has_message() { # has_message TEXT: on standard error
    grep -qF -- "$1" "$tmp/stderr"
}

# ---- which names there are, and which run here ----
run vectors verify --kernel mmx
is_code 2 "an unknown kernel: wrong usage"
check "and it is named" has_message "--kernel: no kernel is called mmx"
run vectors verify --kernel
is_code 2 "--kernel without a name"
run suburls --kernel ref http://example.com/
is_code 2 "a command that computes nothing knows no kernels"
BLINDLIST_KERNEL=mmx run vectors verify
is_code 2 "an unknown kernel in the environment: wrong usage"
check "and the variable is named" has_message "BLINDLIST_KERNEL: no kernel is called mmx"
BLINDLIST_KERNEL=mmx run suburls http://example.com/
is_code 0 "which is nothing to a command that computes nothing"

runs=
for kernel in avx512 avx2 neon ref; do
    run pir keygen --params "$tmp/none" --secret-key "$tmp/s" --evaluation-key "$tmp/e" \
        --kernel=$kernel
    if has_message "does not run the kernel $kernel"; then
        is_code 1 "$kernel does not run here: failed"
    else
        runs="$runs $kernel"
    fi
done
case " $runs " in *" ref "*) pass "ref runs everywhere" ;; *) fail "ref runs everywhere" ;; esac
case " $runs " in
*" avx2 "*" neon "* | *" avx512 "*" neon "*) fail "no machine runs all kernels" "$runs" ;;
*) pass "no machine runs all kernels" ;;
esac
for kernel in avx512 avx2 neon; do
    case " $runs " in
    *" $kernel "*)
        # The option wins over the variable.
        BLINDLIST_KERNEL=mmx run vectors verify testvectors --kernel $kernel
        is_code 0 "$kernel: the published vectors"
        ;;
    *) skip "this machine does not run the kernel $kernel" ;;
    esac
done
BLINDLIST_KERNEL=ref run vectors verify testvectors
is_code 0 "ref: the published vectors"
BLINDLIST_KERNEL='' run vectors verify testvectors
is_code 0 "an empty variable is none"

# ---- a question and its answer ----
if [ -d "$vectors" ]; then
    folder=$(ls -d "$vectors"/*/ | head -n 1)
    for kernel in ref $runs; do
        run pir answer --params "$folder/shard-0.params.txtpb" --shard "$folder/shard-0.bin" \
            --evaluation-key "$folder/evaluation_key.bin" --query "$folder/q0.query.bin" \
            --out "$tmp/response.$kernel" --kernel "$kernel"
        is_code 0 "$kernel: answers"
        check "$kernel: the answer is that of ref" \
            cmp -s "$tmp/response.$kernel" "$tmp/response.ref"
    done
else
    skip "no reference data"
fi
finish
