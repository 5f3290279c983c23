#!/bin/bash
# Every header compiles alone, after no more than PostgreSQL's own first one;
# headers of src/common on both sides; those of the library in plain C.

. "$(dirname "$0")/tap.inc"

server=$("$PG_CONFIG" --includedir-server)
client=$("$PG_CONFIG" --includedir)
internal=$("$PG_CONFIG" --pkgincludedir)/internal
warn="-Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare"

# alone HEADER FIRST FLAGS...
alone()
{
	local header=$1 first=$2

	shift 2
	{
		[ -z "$first" ] || echo "#include \"$first\""
		echo "#include \"$header\""
		echo "#include \"$header\""
	} | gcc -fsyntax-only -xc $warn -D_GNU_SOURCE -Isrc -I"$server" -I"$client" "$@" -
}

for header in src/common/*.h; do
	ok "$header in the server" alone "${header#src/}" postgres.h
	ok "$header in a program" alone "${header#src/}" postgres_fe.h -DFRONTEND
done
for header in $(find src/server -name '*.h' | sort); do
	ok "$header" alone "${header#src/}" postgres.h -Isrc/server
done
for header in $(find src/client -name '*.h' | sort); do
	ok "$header" alone "${header#src/}" "" -Isrc/client
done
for header in $(find src/cli -name '*.h' | sort); do
	ok "$header" alone "${header#src/}" postgres_fe.h -DFRONTEND -Isrc/cli -I"$internal"
done

done_testing
