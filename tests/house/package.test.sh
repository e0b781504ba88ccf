#!/bin/sh
# The Debian package, as far as it can be looked at without building it: `make test-package` does that.
. "$(dirname "$0")/../tools/lib.sh"

version=$(sed -n 's/^VERSION := //p' Makefile)
is "$(sed -n '1s/^blindlist (\(.*\)) .*/\1/p' debian/changelog)" "$version" 'the changelog begins with this version'
for script in debian/blindlist.postinst debian/blindlist.postrm debian/rules scripts/make-deb scripts/test-package; do
    check "$script has a first line that runs it" sh -c "head -n 1 $script | grep -q '^#!/'"
done
for script in debian/blindlist.postinst debian/blindlist.postrm scripts/make-deb; do
    check "$script is one for sh" sh -n "$script"
done

# The configuration that it brings, with a dataset and a state in other places.
echo ads.example >"$tmp/list.txt"
run compile "$tmp/list.txt" --use-case a.b --out "$tmp/data"
is_code 0 'a list compiles'
sed "s|/var/lib/blindlist|$tmp/data|" examples/server.json >"$tmp/server.json"
run_as "$BUILD/blindlist-server" --config "$tmp/server.json" --check-config
is_code 0 'the server takes the configuration that the package brings'

# What the units start is in the package.
for program in $(sed -n 's|^Exec[A-Za-z]*=[-+!@]*@PREFIX@/\(bin/[^ ]*\).*|\1|p' deploy/systemd/*.service | sort -u); do
    check "units start $program, which is installed" grep -q "${program#bin/}" Makefile
done
finish
