#!/bin/bash
# Names that the linker sees. The module is loaded with RTLD_GLOBAL, so a
# symbol of ours without the prefix could stand in for somebody else's.

. "$(dirname "$0")/tap.inc"

module_symbols()
{
	nm -D --defined-only viflo_migrate.so | awk '{print $3}' |
		grep -vE '^(viflo_|pg_finfo_|Pg_magic_func$|_PG_init$)'
}

library_symbols()
{
	nm -g --defined-only src/client/libviflo.a | awk 'NF == 3 {print $3}' |
		grep -v '^viflo_' | sort -u
}

ok "the module exports something" \
	sh -c 'nm -D --defined-only viflo_migrate.so | grep -q " viflo_"'
empty "every symbol of the module begins with viflo_" module_symbols
ok "the library exports something" \
	sh -c 'nm -g --defined-only src/client/libviflo.a | grep -q " viflo_"'
empty "every symbol of the library begins with viflo_" library_symbols

done_testing
