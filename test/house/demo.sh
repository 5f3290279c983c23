#!/bin/bash
# make demo and make demo-stop, as a newcomer runs them.

. "$(dirname "$0")/../lint/tap.inc"

said()
{
	grep -qE -- "$1" "$log"
}

log=$(mktemp)
trap 'make -s demo-stop >/dev/null 2>&1; rm -f "$log"' EXIT

ok "make demo" sh -c "make -s demo >'$log' 2>&1 || { cat '$log'; exit 1; }"
ok "it upgrades" said '001_initial'
ok "it shows current" said 'viflo_current'
ok "it shows the history" said 'viflo_history'
ok "it shows the plan back" said 'down'
ok "it reads a project back" said '[0-9a-f]{8}-[0-9a-f-]+.*moon landing'
line=$(grep -oE '/[^ ]*/psql -h .*' "$log" | head -n 1)
ok "the psql line that it leaves works" sh -c "$line -XAtc 'SELECT count(*) FROM projects' | grep -qx 1"
ok "make demo again starts afresh" make -s demo
ok "make demo-stop" make -s demo-stop
ok "nothing is left" test ! -e .demo

done_testing
