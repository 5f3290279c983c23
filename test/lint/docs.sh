#!/bin/bash
# Whatever a user can call, set or be told is in the documents: functions,
# settings, SQLSTATEs, commands, options, keys of viflo.conf, environment
# variables. The lists come from the source.

. "$(dirname "$0")/tap.inc"

documented()
{
	grep -qwF -- "$1" README.md MIGRATIONS.md
}

in_migrations()
{
	grep -qwF -- "$1" MIGRATIONS.md
}

# The lines of a man page without its fonts and escapes.
man_words()
{
	sed -E 's/\\f[A-Z]//g; s/^\.B //; s/\\-/-/g' "src/cli/man/$1"
}

in_man()
{
	grep -qwF -- "$2" <(man_words "$1")
}

man_is_clean()
{
	man --warnings -E UTF-8 -l -Tutf8 -Z "$1" >/dev/null
}

# some WHAT LIST: an empty list means that the pattern is wrong.
some()
{
	ok "there are $1" test -n "$2"
}

functions=$(grep -hoiE 'CREATE (OR REPLACE )?(FUNCTION|PROCEDURE) +[@a-z_.]*viflo_[a-z_]+' \
	sql/*.sql | grep -oE 'viflo_[a-z_]+$' | sort -u)
settings=$(grep -oE '"viflo_migrate\.[a-z_]+"' src/server/settings.c | tr -d '"' | sort -u)
states=$(grep -oE '"VF[0-9A-Z]{3}"' src/common/sqlstate.h | tr -d '"' | sort -u)
commands=$(src/cli/viflo --help | sed -n '/^Commands/,/^[A-Z][a-z]* *.*:$/p' |
	sed -n 's/^  *\([a-z][a-z]*\)  .*/\1/p' | sort -u)

some functions "$functions"
for name in $functions; do
	ok "function $name" documented "$name"
	ok "function $name in the man page" in_man viflo-migrations.5 "$name"
done
some settings "$settings"
for name in $settings; do
	ok "setting $name" documented "$name"
	ok "setting $name in the man page" in_man viflo-migrations.5 "$name"
done
some SQLSTATEs "$states"
for name in $states; do
	ok "SQLSTATE $name" in_migrations "$name"
done
some commands "$commands"
for name in $commands; do
	ok "command viflo $name" grep -qE "viflo $name\>|\`$name\`" README.md MIGRATIONS.md
	ok "command $name in the man page" grep -qxE "$name|$name .*" <(man_words viflo.1)
done
options=$(sed -n '/^static const struct option/,/^};/s/.*{"\([a-z-]*\)".*/--\1/p' src/cli/main.c)
some options "$options"
for name in $options; do
	ok "option $name" in_migrations "$name"
	ok "option $name in the man page" in_man viflo.1 "$name"
done
keys=$(sed -n 's/^#define VIFLO_CONFIG_[A-Z_]*[[:space:]]*"\([a-z_]*\)\.\{0,1\}"$/\1/p' src/cli/config.h)
some "keys of viflo.conf" "$keys"
for name in $keys; do
	ok "key $name of viflo.conf" in_migrations "$name"
	ok "key $name in the man page" in_man viflo-migrations.5 "$name"
done
headers=$(sed -n '/viflo_header_keys/,/};/p' src/common/script_words.c | grep -oE '"[a-z ]+"' | tr -d '"')
some "headers of a native file" "$headers"
while read -r name; do
	ok "header $name" in_migrations "-- $name:"
	ok "header $name in the man page" in_man viflo-migrations.5 "-- $name:"
done <<<"$headers"
variables=$(grep -oE '\{"[A-Z_]+", NULL\}' src/cli/settings.c | grep -oE '[A-Z_]{5,}')
some "variables of .env" "$variables"
for name in $variables; do
	ok "variable $name of .env in the man page" in_man viflo-migrations.5 "$name"
done
variables=$({
	grep -rhoE --include='*.c' 'getenv\("[A-Z_]+"\)' src/cli
	grep -hoE '\{"[A-Z_]+", NULL\}|"(VISUAL|EDITOR)"' src/cli/settings.c src/cli/command/edit.c
} | grep -oE '[A-Z_]{2,}' | grep -vxE 'NULL|PATH|HOME' | sort -u)
some "environment variables" "$variables"
for name in $variables; do
	ok "variable $name" in_migrations "$name"
	ok "variable $name in the man page" in_man viflo.1 "$name"
done
# The program shows these as commands of that name.
# shellcheck disable=SC2016
hints=$(perl -0777 -ne 'while (/errhint\(((?:[^()"]|"(?:[^"\\]|\\.)*"|\((?:[^()"]|"(?:[^"\\]|\\.)*")*\))*)\)/g) {
	my $hint = $1; print "$1\n" while $hint =~ /viflo_(\w+)\(/g }' src/server/*.c src/server/*/*.c | sort -u)
some "functions in hints" "$hints"
for name in $hints; do
	ok "function viflo_$name() of a hint is a command" src/cli/viflo help "$name"
done
for page in src/cli/man/*; do
	have mandoc && ok "$page by mandoc" mandoc -T lint -W warning "$page" || skip "$page" "no mandoc"
	have man && ok "$page by man" prints_nothing man_is_clean "$page" || skip "$page" "no man"
done

done_testing
