# Sourced by the benchmarks: a throwaway cluster on its own socket, stopped at exit.
#
# PG_CONFIG picks the server; the module must be installed there (make install),
# and program viflo be built (make). Runs as a user that may run initdb, or as root, who becomes
# user postgres for the server alone.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
PG_CONFIG=${PG_CONFIG:-pg_config}
bin=$("$PG_CONFIG" --bindir)
viflo=${VIFLO:-$top/src/cli/viflo}
work=$(mktemp -d "${TMPDIR:-/tmp}/viflo-bench.XXXXXX")
chmod 755 "$work"

as_server() {
	if [ "$(id -u)" = 0 ]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

cleanup() {
	as_server "$bin/pg_ctl" -D "$work/pg/data" -m immediate -w stop >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap cleanup EXIT

start_server() {
	mkdir "$work/pg"
	[ "$(id -u)" != 0 ] || chown postgres "$work/pg"
	as_server "$bin/initdb" -D "$work/pg/data" -U postgres -A trust >/dev/null
	as_server "$bin/pg_ctl" -D "$work/pg/data" -l "$work/pg/log" -w -o \
		"-k $work/pg -c listen_addresses='' -c fsync=off -c max_locks_per_transaction=1024 ${1:-}" start >/dev/null
	export PGHOST="$work/pg" PGUSER=postgres PGDATABASE=bench
}

# A folder of $1 native revisions in $2, each with the statement that $3 makes of its number (printf format).
make_folder() {
	mkdir -p "$2"
	awk -v n="$1" -v dir="$2" -v statement="$3" 'BEGIN {
		for (i = 1; i <= n; i++) {
			file = sprintf("%s/%05d_step.sql", dir, i)
			printf "-- viflo revision: r%05d\n", i > file
			if (i > 1) printf "-- revises: r%05d\n", i - 1 > file
			printf "-- message: step %d\n\n-- viflo up\n", i > file
			printf statement ";\n", i > file
			print "\n-- viflo down\nSELECT 1;" > file
			close(file)
		}
	}'
}

machine() {
	echo "machine: $(nproc) cores, $(awk '/MemTotal/ {printf "%.0f GiB", $2 / 1048576}' /proc/meminfo), $(. /etc/os-release && echo "$PRETTY_NAME"); $("$bin/postgres" --version); $("$viflo" version 2>/dev/null | head -n 1)"
}

# Registers the files of folder $2 in database $1, as project "bench".
load_folder() {
	{
		echo 'SELECT count(*) FROM viflo_load(ARRAY['
		for file in "$2"/*.sql; do
			printf '$viflo$'
			cat "$file"
			printf '$viflo$,\n'
		done | sed '$s/,$//'
		echo "]::text[], '{}', project => 'bench');"
	} >"$work/load.sql"
	"$bin/psql" -qXAt -v ON_ERROR_STOP=1 -d "$1" -f "$work/load.sql" >/dev/null
}

# clock NAME COMMAND...: runs it, once, and notes how long it took.
clock() {
	name=$1
	shift
	begun=$(date +%s%N)
	"$@" >"$work/output" 2>&1 || { cat "$work/output" >&2; return 1; }
	echo "$name,$(($(date +%s%N) - begun))" >>"$work/clock.csv"
}

# What was clocked since the last report, in rounds of one run of each, beside
# the first name: a machine that is busy for a while is so for all of a round.
report() {
	awk -F, '
		function middle(a, n,	i, j, t) {
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && a[j] < a[j - 1]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
			return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
		}
		!($1 in count) { order[++names] = $1 }
		{ took[$1, ++count[$1]] = $2 / 1e9 }
		END {
			for (i = 1; i <= names; i++) {
				n = order[i]
				for (j = 1; j <= count[n]; j++) { seconds[j] = took[n, j]; ratio[j] = took[n, j] / took[order[1], j] }
				m = middle(seconds, count[n])
				printf "%-20s median %.3f s, fastest %.3f s; %.2f times %s (median of %d rounds)\n", n, m, seconds[1],
					middle(ratio, count[n]), order[1], count[n]
			}
		}' "$work/clock.csv"
	rm "$work/clock.csv"
}
