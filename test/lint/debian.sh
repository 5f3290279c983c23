#!/bin/bash
# What debian/ says twice agrees with what the rest of the tree says.

. "$(dirname "$0")/tap.inc"

# The libraries that a build needs, as tools/deps installs them.
libraries=$(sed -n 's/^need have_header .* -- \(lib.*-dev\)$/\1/p' tools/deps | grep -vx libc6-dev)

licence()
{
	diff -u <(sed '1,4d' LICENSE) \
		<(sed -n '/^License: PostgreSQL$/,$p' debian/copyright | sed -n '/^ Permission/,$p' |
			sed -e 's/^ //' -e 's/^\.$//')
}

# The version is the control file's: see tools/deb.
says_no_version()
{
	grep -rnF "$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" viflo_migrate.control)" debian
}

ok "there are libraries" test -n "$libraries"
for library in $libraries; do
	ok "debian/control.in asks for $library" grep -qx " $library," debian/control.in
	ok "the workflow installs $library" grep -qw "$library" .github/workflows/ci.yml
done
ok "debian/copyright has the licence" licence
empty "debian/ says no version" says_no_version
for major in $(sed -n 's/^ *pg: \[\(.*\)\]/\1/p' .github/workflows/ci.yml | tr -d ,); do
	ok "debian/pgversions has $major" grep -qx "$major" debian/pgversions
done
for script in debian/tests/* debian/rules; do
	[ "$script" = debian/tests/control ] ||
		ok "$script can be run" test -x "$script"
done
for name in $(sed -n 's/^Tests: //p' debian/tests/control); do
	ok "the test $name is there" test -f "debian/tests/$name"
done

done_testing
