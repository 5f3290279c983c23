#!/bin/bash
# tools/indent would change nothing.

. "$(dirname "$0")/tap.inc"

TYPEDEFS=$(mktemp)
export TYPEDEFS
trap 'rm -f "$TYPEDEFS"' EXIT

for file in $(find src test bench -name '*.[ch]' | sort); do
	if have pg_bsd_indent; then
		ok "$file is indented as PostgreSQL does it" tools/indent --check "$file"
	else
		skip "$file" "no pg_bsd_indent"
	fi
done

done_testing
