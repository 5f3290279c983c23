#!/bin/bash
# make pgxn and make deb, as a packager runs them. What needs root, packages on
# a new system, is in test/deb.

. "$(dirname "$0")/../lint/tap.inc"

version=$(tools/meta version)
archive=$PWD/dist/viflo_migrate-$version.zip
stage=$(mktemp -d)
trap 'rm -rf "$stage" dist' EXIT

# Names, times and contents of the tree, what lands in dist/ aside.
listing()
{
	find . -path ./dist -prune -o -path ./node_modules -prune -o -type f -printf '%p %s %T@ %m\n' | sort
}

same_bytes()
{
	mv "$archive" "$stage/first.zip" && make -s pgxn && cmp "$archive" "$stage/first.zip"
}

# What a build leaves behind, or anything that no archive should hold.
stray_files()
{
	unzip -Z1 "$archive" | grep -E '\.(o|so|a|bc|d|pc)$|/src/cli/(viflo|build)|/\.(git|test|env)(/|$)|/dist/'
	unzip -Z1 "$archive" | grep -v "^viflo_migrate-$version/"
}

builds_by_itself()
{
	(cd "$stage" && unzip -q "$archive" && cd "viflo_migrate-$version" &&
		make -s -j2 all PG_CONFIG="$PG_CONFIG" COPT=-O0 &&
		make -s install PG_CONFIG="$PG_CONFIG" DESTDIR="$stage/root")
}

# In a repository the archive has what git tracks and is still there.
from_a_repository()
{
	(cd "$stage/viflo_migrate-$version" && git init -q && git add -A && touch stray.sql &&
		rm .editorconfig && make -s pgxn &&
		diff <(git ls-files | grep -vxF .editorconfig | sort) \
			<(unzip -Z1 dist/*.zip | sed 's,^[^/]*/,,' | sort))
}

test_archive()
{
	local name file

	ok "make pgxn" make -s pgxn
	ok "again, the same bytes" same_bytes
	for file in META.json README.md MIGRATIONS.md LICENSE Makefile viflo_migrate.control \
		debian/control.in; do
		ok "the archive has $file" unzip -tq "$archive" "viflo_migrate-$version/$file"
	done
	for name in sql/*.sql; do
		ok "the archive has $name" unzip -tq "$archive" "viflo_migrate-$version/$name"
	done
	empty "and nothing else than the tree's files" stray_files
	ok "it builds and installs where it is unpacked" builds_by_itself
	ok "the module" test -f "$stage/root$("$PG_CONFIG" --pkglibdir)/viflo_migrate.so"
	ok "the program says its version" sh -c \
		"'$stage/root$("$PG_CONFIG" --bindir)/viflo' --version | grep -F '${version%.*}'"
	ok "in a repository it has what git tracks" from_a_repository
}

# field PACKAGE FIELD, contents PACKAGE: of the one file of that package.
field()
{
	dpkg-deb -f dist/deb/"$1"_*.deb "$2"
}

contents()
{
	dpkg-deb -c dist/deb/"$1"_*.deb | awk '$1 ~ /^-/ {print $6}'
}

has()
{
	contents "$1" | grep -xE -- "\./$2"
}

depends_on_a_server()
{
	field viflo Depends | grep -E 'postgresql'
}

test_packages()
{
	local before module name servers

	before=$(listing)
	ok "make deb" make -s deb
	ok "the tree is as it was" diff <(printf '%s\n' "$before") <(listing)
	servers=$(pg_buildext supported-versions)
	ok "pg_buildext knows a server" test -n "$servers"
	for name in viflo libviflo-dev $(printf 'postgresql-%s-viflo-migrate ' $servers); do
		ok "$name has version $version" sh -c \
			"dpkg-deb -f dist/deb/${name}_*.deb Version | grep -E '^$version-[0-9]'"
		ok "$name has its licence" has "$name" "usr/share/doc/$name/copyright"
	done
	for name in $servers; do
		module=postgresql-$name-viflo-migrate
		ok "$module has the module" has "$module" "usr/lib/postgresql/$name/lib/viflo_migrate.so"
		ok "$module has the control file" has "$module" \
			"usr/share/postgresql/$name/extension/viflo_migrate.control"
		ok "$module has the manual" has "$module" "usr/share/doc/$module/MIGRATIONS.md.gz"
		ok "$module needs its server" sh -c \
			"dpkg-deb -f dist/deb/${module}_*.deb Depends | grep -w postgresql-$name"
		empty "$module has no program" has "$module" '.*/viflo'
	done
	ok "the program is in PATH" has viflo usr/bin/viflo
	for name in src/cli/man/*.[0-9]; do
		ok "its page ${name##*/}" has viflo "usr/share/man/man${name##*.}/${name##*/}.gz"
	done
	ok "bash completes it" has viflo usr/share/bash-completion/completions/viflo
	ok "zsh completes it" has viflo usr/share/zsh/vendor-completions/_viflo
	ok "fish completes it" has viflo usr/share/fish/vendor_completions.d/viflo.fish
	ok "it depends on libpq" sh -c "dpkg-deb -f dist/deb/viflo_*.deb Depends | grep -w libpq5"
	empty "it depends on no server" depends_on_a_server
	ok "the library" has libviflo-dev 'usr/lib/[^/]*/libviflo\.a'
	ok "its file for pkg-config" has libviflo-dev 'usr/lib/[^/]*/pkgconfig/libviflo\.pc'
	for name in $(cd src/client && echo viflo.h models/project.h); do
		ok "its header $name" has libviflo-dev "usr/include/viflo/$name"
	done
	if have lintian; then
		ok "lintian finds no error and no warning" \
			lintian --fail-on error,warning dist/deb/viflo-migrate_*.changes
	else
		skip "lintian finds no error and no warning" "no lintian"
	fi
}

if have zip && have unzip && have git; then
	test_archive
else
	skip "make pgxn" "no zip, unzip or git"
fi
if have dh && have git && dpkg-query -W postgresql-server-dev-all build-essential >/dev/null 2>&1; then
	test_packages
else
	skip "make deb" "no debhelper, or no postgresql-server-dev-all"
fi
skip "packages on a new system" "only root can make one: test/deb"

done_testing
