#!/bin/sh
# blindlist suburls: output, options, errors.
. "$(dirname "$0")/lib.sh"

run suburls 'https://www.example.com/a?b#c'
is_code 0 'a URL expands'
is_stdout 'example.com
example.com/
example.com/a
example.com/a/
example.com/a?b
example.com/a?b#c
example.com/a/?b
example.com/a/?b#c
example.com:443
example.com:443/
example.com:443/a
example.com:443/a/
example.com:443/a?b
example.com:443/a?b#c
example.com:443/a/?b
example.com:443/a/?b#c' 'the forms come in their order'

run suburls 'https://www.sub1.example.com/a/b/c?id=123#fragment'
is_lines 48 'the URL of the protocol has 48 forms'

run suburls http://a.b c.d
is_stdout 'a.b
a.b/
a.b:80
a.b:80/

c.d
c.d/
c.d:443
c.d:443/' 'several URLs are separated by an empty line'

run suburls http://WWW.a.b/X/ --key
is_stdout 'a.b/x' '--key prints the key of a list entry'

run suburls --json --key http://u@www.a.b/
is_code 0 '--json'
is_stdout '[
  {
    "url": "http://u@www.a.b/",
    "key": "a.b",
    "wwwRemoved": true,
    "userInfoRemoved": true
  }
]' '--json says what was removed'

run suburls --json a.b
is_stdout_like '"subUrls": \[' '--json lists the forms'

# Apple's example.
printf '{"path": {"excluded": true}, "domain": {"enumerateHierarchy": false}}' >"$tmp/path.json"
run suburls --parsing-configuration "$tmp/path.json" 'https://www.example.com/a/b/c?id=123#fragment'
is_code 0 'a parsing configuration'
is_stdout 'example.com
example.com/
example.com/%*
example.com/%*/
example.com/%*?id=123
example.com/%*?id=123#fragment
example.com/%*/?id=123
example.com/%*/?id=123#fragment
example.com:443
example.com:443/
example.com:443/%*
example.com:443/%*/
example.com:443/%*?id=123
example.com:443/%*?id=123#fragment
example.com:443/%*/?id=123
example.com:443/%*/?id=123#fragment' 'the example of its documentation is among the forms'
run suburls --key --parsing-configuration "$tmp/path.json" example.com/a
is_code 1 'an entry that names what is left out has no key'
is_stderr 'blindlist: example.com/a: names a part that the parsing configuration leaves out' 'and why'
run suburls --json --key --parsing-configuration "$tmp/path.json" example.com/a example.com
is_stdout '[
  {
    "url": "example.com/a",
    "keys": [],
    "noKey": "parsing-part",
    "wwwRemoved": false,
    "userInfoRemoved": false
  },
  {
    "url": "example.com",
    "keys": [
      "example.com"
    ],
    "wwwRemoved": false,
    "userInfoRemoved": false
  }
]' '--json says it, too'
printf '{"excludeScheme": false}' >"$tmp/scheme.json"
run suburls --key --parsing-configuration "$tmp/scheme.json" example.com
is_stdout 'https://example.com
http://example.com' 'an entry without scheme has two keys where the scheme counts'
printf '{"regularExpression": "[?&]v=(?<video>[^&#]*)"}' >"$tmp/video.json"
run suburls --parsing-configuration "$tmp/video.json" 'https://a.b/watch?t=1&v=XYZ'
is_stdout 'video=xyz' 'a regular expression makes one question'
run suburls --parsing-configuration "$tmp/video.json" 'https://a.b/watch'
is_code 0 'a URL that it does not match'
is_stdout '' 'is not asked about'
printf '{"regularExpression": "//(?<x>([a-z]+)+)$"}' >"$tmp/slow.json"
run suburls --parsing-configuration "$tmp/slow.json" aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b
is_code 1 'a regular expression that backtracks for ever'
is_stderr 'blindlist: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b: the pattern takes too long on a text of 47 bytes' 'is stopped'
printf '{"domain": {"level": 2}}' >"$tmp/wrong.json"
run suburls --parsing-configuration "$tmp/wrong.json" a.b
is_code 1 'a mistyped key'
is_stderr "blindlist: $tmp/wrong.json: \$.domain.level: is not a known key" 'is named by its JSON path'
run suburls --parsing-configuration "$tmp/none.json" a.b
is_code 1 'a file that is not there'

run suburls ftp://a.b
is_code 1 'another scheme is refused'
is_stderr 'blindlist: ftp://a.b: scheme other than http and https' 'the reason is given'
is_stdout '' 'and nothing is printed'

run suburls a.b/$(awk 'BEGIN { while (i++ < 8200) printf "x" }')
is_code 1 'a URL that is too long is refused'

run suburls
is_code 2 'no URL is wrong usage'
run suburls --nonsense a.b
is_code 2 'an unknown option is wrong usage'
run suburls --help
is_code 0 '--help'

finish
