#!/bin/sh
# blindlist check: usage and failures that need no server.
. "$(dirname "$0")/lib.sh"

run check
is_code 2 'no server is wrong usage'
is_stderr_like '--server is missing' 'and says so'
run check --server http://127.0.0.1:1
is_code 2 'no URL is wrong usage'
run check --server ftp://127.0.0.1/ https://example.com/
is_code 1 'only HTTP and HTTPS'
is_stderr_like 'ftp://127.0.0.1/: is no http' 'and says so'
run check --server http://127.0.0.1:1 https://example.com/
is_code 1 'nobody listens'
is_stderr_like 'http://127.0.0.1:1/config: ' 'and the message names the server'
is_lines 0 'nothing on standard output'

echo '{"version": 1' >"$tmp/keys"
run check --server http://127.0.0.1:1 --keys "$tmp/keys" https://example.com/
is_code 1 'a truncated key file'
is_stderr_like 'keys: line ' 'is named with its line'
printf '{"version":1,"userIdentifier":"8155D2E9","keyIdentifier":"00","timestamp":1,"secretKey":"AA=="}' >"$tmp/keys"
run check --server http://127.0.0.1:1 --keys "$tmp/keys" https://example.com/
is_stderr_like 'keyIdentifier is not 64 hex digits' 'a wrong field is named'
run check --server http://127.0.0.1:1 --keys "$tmp" https://example.com/
is_code 1 'a folder is no key file'

finish
