#!/bin/bash
# The rules of the house that a machine can see: which room includes which,
# who may ask for the server's version, who may raise errors.

. "$(dirname "$0")/tap.inc"

# arrows FROM PATTERN: includes of ours in FROM that match the pattern.
arrows()
{
	grep -rnE --include='*.[ch]' "^#include \"(../)*$2" "$1"
}

one_header_a_file()
{
	local header

	find src -name '*.h' | while read -r header; do
		case $header in
			src/common/sqlstate.h | src/common/numbers.h | src/server/compat.h | src/client/viflo.h | \
				src/server/observe/watcher.h) continue ;;
		esac
		[ -f "${header%.h}.c" ] || echo "$header has no ${header##*/} beside it as .c"
	done
}

empty "common includes neither server, client nor cli" \
	arrows src/common '(server|client|cli)/'
empty "common raises no error" \
	grep -nE '\b(ereport|elog)\(' -r src/common
empty "observe knows neither run, store nor api" \
	arrows src/server/observe '(server/)?(run|store|api)/'
empty "store knows neither run nor api" arrows src/server/store '(server/)?(run|api)/'
empty "run does not know api" arrows src/server/run '(server/)?api/'
empty "the server knows neither client nor cli" arrows src/server '(client|cli)/'
empty "the library knows neither server nor cli" arrows src/client '(server|cli)/'
empty "the program does not know the server" arrows src/cli 'server/'
empty "only compat.h says PG_VERSION_NUM" \
	grep -rn PG_VERSION_NUM src/common src/server --include='*.[ch]' --exclude=compat.h
empty "every header belongs to a file" one_header_a_file
empty "only store touches the tables" \
	grep -rnE '(FROM|INTO|UPDATE|JOIN) viflo\.' src/server --include='*.c' \
	--exclude-dir=store
empty "no note to self is left" grep -rnwE 'TODO|FIXME|XXX' src sql tools docker test/lint \
	--include='*.[ch]' --include='*.sql' --include='*.pl' --include=Makefile

done_testing
