#!/bin/sh
# Builds the extension, libviflo and the program viflo, and installs them.
#
#   docker/build.sh [DESTDIR]     PG_CONFIG picks the server, as with make
#
# The one place that has the build steps of the image; the tests run it too,
# so it is plain POSIX sh, as busybox has it. Objects that lie in the tree were
# built for some other machine and are cleaned away first.

set -eu
cd "$(dirname "$0")/.."

destdir=${1:-}
: "${PG_CONFIG:=pg_config}"
jobs=$(nproc 2>/dev/null || echo 1)

make -s clean PG_CONFIG="$PG_CONFIG"
make -s -j "$jobs" all PG_CONFIG="$PG_CONFIG"
make -s install PG_CONFIG="$PG_CONFIG" DESTDIR="$destdir"

# What an image must have. A missing file fails here, not at the first use.
for file in \
	"$("$PG_CONFIG" --pkglibdir)/viflo_migrate.so" \
	"$("$PG_CONFIG" --sharedir)/extension/viflo_migrate.control" \
	"$("$PG_CONFIG" --bindir)/viflo"
do
	if [ ! -f "$destdir$file" ]; then
		echo "docker/build.sh: $destdir$file was not installed" >&2
		exit 1
	fi
done
