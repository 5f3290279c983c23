# shellcheck shell=bash
# A system of another Debian release to build and test in; sourced after
# lib.sh by scripts that root runs.
#
# debootstrap lays a minimal system into a cache (VIFLO_CHROOTS, by default
# /var/tmp/viflo-chroots). SUITE.base stays as it came; SUITE is a copy that
# fills up with what builds ask for, from run to run.
#
# What cannot be had, for want of root or since the registry does not answer,
# ends the script with exit status 77: skipped.

cache=${VIFLO_CHROOTS:-/var/tmp/viflo-chroots}
log=$(mktemp)

skip_suite()
{
	tail -n 15 "$log"
	rm -f "$log"
	echo "skipped: $suite, $*"
	exit 77
}

# chroot_open SUITE: makes both systems where they are missing, and sets suite
# and root, the system that the functions below work on.
chroot_open()
{
	suite=$1
	root=$cache/$suite
	is_root || skip_suite "only root can make a chroot"
	mkdir -p "$cache"
	[ -O "$cache" ] || die "$cache belongs to somebody else"
	[ -e "$root.base/.finished" ] || chroot_bootstrap "$root.base"
	[ -e "$root/.finished" ] || chroot_copy "$root"
}

chroot_bootstrap()
{
	command -v debootstrap >/dev/null || {
		as_root apt-get -qq update >"$log" 2>&1 || skip_suite "no package list"
		as_root apt-get -qq -y install debootstrap >"$log" 2>&1 || skip_suite "no debootstrap"
	}
	rm -rf "$1"
	mkdir -p "$1"
	say "debootstrap $suite"
	# make is all that the tree asks for beforehand.
	timeout 600 debootstrap --variant=minbase --include=make,ca-certificates \
		"$suite" "$1" >"$log" 2>&1 || skip_suite "debootstrap failed"
	# How this machine reaches the registry holds in there, too.
	apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries)' \
		>"$1/etc/apt/apt.conf.d/90outside" || true
	touch "$1/.finished"
}

# chroot_copy DIR: a system as debootstrap left it, in the place of what is there.
chroot_copy()
{
	rm -rf "$1"
	cp -a "$cache/$suite.base" "$1.new"
	mv "$1.new" "$1"
}

# in_root COMMAND...: runs in the chroot, in a mount namespace of its own, so
# that nothing stays mounted; without, where the machine refuses one.
in_root()
{
	local enter=(chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
		LC_ALL=C CI="${CI:-}" NO_LINTERS=1 DEBIAN_FRONTEND=noninteractive
		${http_proxy:+http_proxy="$http_proxy"} "$@")

	if unshare --mount true 2>/dev/null; then
		# shellcheck disable=SC2016
		unshare --mount bash -c '
			mount -t proc proc "$0/proc" || mount --bind /proc "$0/proc"
			mount -t tmpfs -o mode=1777 tmpfs "$0/dev/shm" || chmod 1777 "$0/dev/shm"
			exec "$@"' "$root" "${enter[@]}" </dev/null
	else
		chmod 1777 "$root/dev/shm"
		"${enter[@]}" </dev/null
	fi
}

# Lays this tree into the chroot, as /viflo.
chroot_copy_tree()
{
	rm -rf "$root/viflo"
	mkdir "$root/viflo"
	tar -C "$TOP" -cf - --exclude=./.git --exclude=./.demo --exclude=./.db \
		--exclude=./.test --exclude=./dist --exclude=./tmp --exclude=./.built-for \
		--exclude=node_modules --exclude='*.o' --exclude='*.a' --exclude='*.so' \
		--exclude='*.bc' . |
		tar -C "$root/viflo" --no-same-owner -xf -
}

# chroot_install COMMAND...: runs one that installs packages. Only a registry
# that does not answer is an excuse for its failure.
chroot_install()
{
	if in_root "$@" >"$log" 2>&1; then
		return 0
	fi
	if in_root apt-get -qq update >>"$log" 2>&1 &&
		in_root apt-get -qq -y --reinstall --download-only install make >>"$log" 2>&1; then
		cat "$log"
		die "\"$*\" failed in $suite"
	fi
	skip_suite "\"$*\" could not fetch packages"
}
