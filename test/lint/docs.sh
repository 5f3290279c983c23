#!/bin/bash
# Whatever a user can call, set or be told is in the documents: functions,
# settings, SQLSTATEs, commands. The lists come from the source.

. "$(dirname "$0")/tap.inc"

documented()
{
	grep -qwF -- "$1" README.md MIGRATIONS.md
}

in_migrations()
{
	grep -qwF -- "$1" MIGRATIONS.md
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
done
some settings "$settings"
for name in $settings; do
	ok "setting $name" documented "$name"
done
some SQLSTATEs "$states"
for name in $states; do
	ok "SQLSTATE $name" in_migrations "$name"
done
# The man page's lines without its fonts; a command begins one.
man_words()
{
	sed -E 's/\\f[A-Z]//g; s/^\.B //' src/cli/man/viflo.1
}

some commands "$commands"
for name in $commands; do
	ok "command viflo $name" grep -qE "viflo $name\>|\`$name\`" README.md MIGRATIONS.md
	ok "command $name in the man page" grep -qxE "$name|$name .*" <(man_words)
done

done_testing
