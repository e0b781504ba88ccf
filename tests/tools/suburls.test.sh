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
