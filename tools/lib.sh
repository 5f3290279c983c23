# shellcheck shell=bash
# Shared by the scripts in tools/, test/run and .ci/run; sourced by bash.
#
# Rule behind all of it: PostgreSQL's server refuses to run as root, so root
# hands every server to the user "postgres", anybody else runs it himself.
# Nothing here touches an installed PostgreSQL or a cluster that it did not
# make: servers run from a private copy of the installation (pg_private).

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say()
{
	printf '%s\n' "$*" >&2
}

die()
{
	say "viflo: $*"
	exit 1
}

is_root()
{
	[ "$(id -u)" -eq 0 ]
}

# Runs a command as root, through sudo where need be.
as_root()
{
	if is_root; then
		"$@"
	elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
		sudo "$@"
	else
		die "this needs root (or sudo): $*"
	fi
}

# What to put before a command to run it as the user that owns servers, with
# no process in between that a signal would have to pass.
server_user=(env)
if is_root; then
	server_user=(setpriv --reuid=postgres --regid=postgres --init-groups env)
fi

# HOME moves along: root's own is closed to that user.
as_server()
{
	if is_root; then
		"${server_user[@]}" HOME=/ "$@"
	else
		"$@"
	fi
}

# Sets PG_CONFIG to one that can build extensions: the given one, else the
# newest of Debian's, else the one in PATH. False when there is none.
find_pg()
{
	local candidate pgxs headers major

	for candidate in ${PG_CONFIG:-} \
		$(ls -d /usr/lib/postgresql/*/bin/pg_config 2>/dev/null | sort -t/ -k5,5nr) \
		pg_config
	do
		candidate=$(command -v "$candidate") || continue
		pgxs=$("$candidate" --pgxs 2>/dev/null) || continue
		headers=$("$candidate" --includedir-server)
		major=$("$candidate" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
		if [ -f "$pgxs" ] && [ -f "$headers/postgres.h" ] && [ "$major" -ge 15 ] &&
			[ -x "$("$candidate" --bindir)/initdb" ]; then
			PG_CONFIG=$candidate
			export PG_CONFIG
			return 0
		fi
		[ -z "${PG_CONFIG:-}" ] || break
	done
	return 1
}

# pg_private DIR: lays a private copy of the installation of PG_CONFIG under
# DIR, programs copied and the rest linked, and points PG_CONFIG at it. Server
# and pg_config find their own files relative to where they lie, so "make
# install" with that pg_config changes the copy alone and needs no root.
pg_private()
{
	local dir=$1 bin share lib libs inc sys=$PG_CONFIG entry

	bin=$("$sys" --bindir)
	share=$("$sys" --sharedir)
	lib=$("$sys" --pkglibdir)
	libs=$("$sys" --libdir)
	inc=$("$sys" --includedir)
	if [ ! -x "$dir$bin/pg_config" ]; then
		mkdir -p "$dir$bin" "$dir$share" "$dir$lib" "$dir$inc"
		cp -aL "$bin/." "$dir$bin/"
		cp -as "$share/." "$dir$share/"
		cp -as "$lib/." "$dir$lib/"
		# Debian has PostgreSQL's own libraries in the former, others here.
		if [ -e "$libs/libpgport.a" ]; then
			mkdir -p "$dir$libs"
			cp -as "$libs"/lib*.* "$dir$libs/"
		fi
		for entry in "$inc"/*; do
			ln -sfn "$entry" "$dir$inc/${entry##*/}"
		done
		[ -x "$dir$bin/pg_config" ] || cp -L "$sys" "$dir$bin/pg_config"
		# An extension that is installed already must not be written through.
		rm -rf "$dir$share"/extension/viflo_migrate* "$dir$inc"/viflo* \
			"$dir$lib"/viflo_migrate* "$dir$lib"/bitcode/viflo_migrate* \
			"$dir$bin"/viflo
	fi
	[ "$("$dir$bin/pg_config" --sharedir)" = "$dir$share" ] ||
		die "the PostgreSQL of $sys cannot be copied to $dir"
	PG_CONFIG=$dir$bin/pg_config
	export PG_CONFIG
}

# home_of NAME: the directory of one local server: .NAME in the tree or, where
# the server's user cannot get there or a socket's path would be too long, a
# temporary one that .NAME/where records.
home_of()
{
	local home=$TOP/.$1

	if [ -f "$home/where" ] && [ -d "$(cat "$home/where")" ]; then
		cat "$home/where"
		return
	fi
	mkdir -p "$home"
	! is_root || chown postgres: "$home"
	if [ ${#home} -gt 80 ] ||
		! as_server test -w "$home" -a -x "$home" 2>/dev/null; then
		mktemp -d "/var/tmp/viflo$1.XXXXXX" >"$home/where"
		home=$(cat "$home/where")
		! is_root || chown postgres: "$home"
	fi
	printf '%s\n' "$home"
}

# A TCP port that nobody listens on just now.
free_port()
{
	perl -MIO::Socket::INET -e '
		print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)
			->sockport, "\n"'
}

port_taken()
{
	perl -MIO::Socket::INET -e '
		exit(IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1],
			Timeout => 2) ? 0 : 1)' "$1" "$2"
}

pg_bin()
{
	"$PG_CONFIG" --bindir
}

# server_running HOME
server_running()
{
	[ -d "$1/data" ] &&
		(cd / && as_server "$(pg_bin)/pg_ctl" -D "$1/data" status >/dev/null 2>&1)
}

# server_start HOME PORT [postgres options...]: its socket lies in HOME, open
# to its owner and root alone; TCP is for the options to open.
server_start()
{
	local home=$1 port=$2

	shift 2
	(cd / && as_server "$(pg_bin)/pg_ctl" -D "$home/data" -l "$home/log" -w -t 60 \
		-o "-p $port -k '$home' -c unix_socket_permissions=0700 -c listen_addresses='' $*" \
		start >/dev/null) || {
		tail -n 20 "$home/log" >&2
		die "the local server in $home did not start"
	}
}

server_stop()
{
	(cd / && as_server "$(pg_bin)/pg_ctl" -D "$1/data" -m fast -w stop >/dev/null)
}

# Prints the names of the tree's own files, each ended by NUL: those that git
# tracks or, where there is no repository (an archive, a copy for tests), those
# that git would take.
tree_files()
{
	local dir

	if [ -e "$TOP/.git" ] && git -C "$TOP" rev-parse 2>/dev/null; then
		git -C "$TOP" ls-files -z
	else
		dir=$(mktemp -d)
		git init -q --bare "$dir"
		git --git-dir="$dir" --work-tree="$TOP" -C "$TOP" ls-files -z -o --exclude-standard
		rm -rf "$dir"
	fi
}

# The time that packages and archives carry, in seconds: that of the last
# commit, so that the same tree gives the same bytes.
tree_time()
{
	if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
		printf '%s\n' "$SOURCE_DATE_EPOCH"
	elif ! [ -e "$TOP/.git" ] || ! git -C "$TOP" log -1 --format=%ct 2>/dev/null; then
		stat -c %Y "$TOP/viflo_migrate.control"
	fi
}

# export_tree DIR: lays the tree's own files into DIR, all with tree_time.
export_tree()
{
	mkdir -p "$1"
	# What was deleted and not yet committed is still in git's list.
	tree_files | (cd "$TOP" && perl -0ne 'print if -e s/\0$//r') |
		tar -C "$TOP" --null -T - --mode=u=rwX,go=rX -cf - |
		tar -C "$1" --no-same-owner -xf -
	find "$1" -exec touch -h -d "@$(tree_time)" {} +
}
