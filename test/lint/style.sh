#!/bin/bash
# pg_bsd_indent would change nothing. The typedefs come from the debug
# information of what was built.

. "$(dirname "$0")/tap.inc"

if have pg_bsd_indent; then
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	objdump -Wi viflo_migrate.so src/cli/viflo $(find src/client -name '*.o') 2>/dev/null |
		grep -A3 DW_TAG_typedef | awk -F': ' '/DW_AT_name/ {print $NF}' |
		sort -u >"$tmp/typedefs"
fi

indented()
{
	pg_bsd_indent "$1" "$tmp/out.c" -bad -bap -bbb -bc -bl -cli1 -cp33 -cdb -nce -d0 -di12 \
		-nfc1 -i4 -l79 -lp -lpl -nip -npro -sac -tpg -ts4 -U"$tmp/typedefs" || return 1
	diff -u "$1" "$tmp/out.c"
}

for file in $(find src test/unit test/client test/fuzz bench -name '*.[ch]' | sort); do
	if have pg_bsd_indent; then
		ok "$file is indented as PostgreSQL does it" indented "$file"
	else
		skip "$file" "no pg_bsd_indent"
	fi
done

done_testing
